//! Prometheus' text format, version 0.0.4: families of samples, as few lines as it takes.

use std::fmt::Write as _;

/// What a family measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, but for a database that was put back.
    Counter,
    Gauge,
}

/// A family of samples. `name` is without the prefix that all of them share.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// One line.
    pub help: &'static str,
}

/// Begins the name of every family.
pub const PREFIX: &str = "ringfence_";

/// A page of metrics.
#[derive(Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Writes a family with its samples: labels and value each.
    pub fn family<'a, L>(&mut self, family: Family, samples: impl IntoIterator<Item = (L, u64)>)
    where
        L: AsRef<[(&'a str, &'a str)]>,
    {
        let Family { name, kind, help } = family;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.write(&format!(
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"
        ));
        for (labels, value) in samples {
            self.write(&format!("{PREFIX}{name}"));
            for (at, (label, text)) in labels.as_ref().iter().enumerate() {
                let before = if at == 0 { '{' } else { ',' };
                self.write(&format!("{before}{label}=\""));
                self.escape(text);
                self.write("\"");
            }
            let end = if labels.as_ref().is_empty() { "" } else { "}" };
            let _ = writeln!(self.text, "{end} {value}");
        }
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes the value of a label: backslash, quotation mark and line feed are escaped.
    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '\\' => self.write("\\\\"),
                '"' => self.write("\\\""),
                '\n' => self.write("\\n"),
                other => self.text.push(other),
            }
        }
    }

    /// The page.
    pub fn text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const FAMILY: Family = Family {
        name: "things_total",
        kind: Kind::Counter,
        help: "Things.",
    };

    /// A reader of its own, by the grammar of the format's description: name, labels, value.
    fn read(line: &str) -> (String, Vec<(String, String)>, u64) {
        let mut rest = line.chars().peekable();
        let mut name = String::new();
        while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        let mut labels = Vec::new();
        if rest.next_if_eq(&'{').is_some() {
            loop {
                let mut label = String::new();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    label.push(c);
                }
                assert_eq!((rest.next(), rest.next()), (Some('='), Some('"')), "{line}");
                let mut value = String::new();
                loop {
                    match rest.next().unwrap() {
                        '"' => break,
                        '\\' => value.push(match rest.next().unwrap() {
                            'n' => '\n',
                            other => other,
                        }),
                        other => value.push(other),
                    }
                }
                labels.push((label, value));
                match rest.next() {
                    Some(',') => {}
                    Some('}') => break,
                    other => panic!("{other:?} in {line}"),
                }
            }
        }
        assert_eq!(rest.next(), Some(' '), "{line}");
        (name, labels, rest.collect::<String>().parse().unwrap())
    }

    #[test]
    fn exposition_format_unchanged() {
        let mut page = Exposition::default();
        page.family(FAMILY, [(vec![("pool", "a\"b\\c\nd"), ("x", "")], 7)]);
        page.family(FAMILY, [([], u64::MAX)]);
        assert_eq!(
            page.text(),
            "# HELP ringfence_things_total Things.\n# TYPE ringfence_things_total counter\n\
             ringfence_things_total{pool=\"a\\\"b\\\\c\\nd\",x=\"\"} 7\n\
             # HELP ringfence_things_total Things.\n# TYPE ringfence_things_total counter\n\
             ringfence_things_total 18446744073709551615\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_label_says_is_read_back_and_stays_on_its_line(
            samples in prop::collection::vec((any::<String>(), "[\\\\\"\n{},= #a]{0,12}", any::<u64>()), 0..8),
        ) {
            let mut page = Exposition::default();
            let given = samples.iter().map(|(a, b, n)| ([("first", a.as_str()), ("second", b.as_str())], *n));
            page.family(FAMILY, given);
            let text = page.text();
            let lines: Vec<&str> = text.split_terminator('\n').collect();
            prop_assert_eq!(lines.len(), samples.len() + 2);
            for (line, (a, b, n)) in lines[2..].iter().zip(&samples) {
                let (name, labels, value) = read(line);
                prop_assert_eq!(name, "ringfence_things_total");
                prop_assert_eq!(labels, [("first".to_owned(), a.clone()), ("second".to_owned(), b.clone())]);
                prop_assert_eq!(value, *n);
            }
        }
    }
}
