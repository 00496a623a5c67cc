//! The settings that mean the same for all phones, as fields that know what their values are.

use std::collections::BTreeMap;

use crate::data::Word;
use crate::part::{Field, Group, Kind};
use crate::settings::Row;
use crate::text::{EN, fill};

/// What the names of the fields begin with.
const FIELD: &str = "word-";

/// The most lines or keys that are offered.
const MAX_OFFERED: usize = 60;

/// The fields of the vocabulary, by what they are about, and the rows that are left: settings of a vendor's own.
pub fn groups(words: &[Word], rows: &[Row]) -> (Vec<Group>, Vec<Row>) {
    let mut own: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows {
        own.insert(&row.name, row);
    }
    let mut groups = Vec::new();
    let mut taken = Vec::new();
    for (prefix, title) in [("line_", EN.line_n), ("key_", EN.key_n)] {
        let of: Vec<&Word> = words.iter().filter(|it| is_of(it, prefix)).collect();
        // One more than there are, so that a further one can be added.
        let offered = if of.is_empty() {
            0
        } else {
            highest(&own, prefix) + 1
        };
        for number in 1..=offered.min(MAX_OFFERED) {
            let number = number.to_string();
            let named = of
                .iter()
                .map(|word| (word.name.replace("{n}", &number), *word));
            groups.push(group(
                &fill(title, &[&number]),
                &format!("{prefix}{number}_"),
                named,
                &own,
                &mut taken,
            ));
        }
    }
    let phone = words
        .iter()
        .filter(|word| !word.name.contains("{n}"))
        .map(|word| (word.name.clone(), word));
    groups.insert(0, group(EN.whole_phone, "", phone, &own, &mut taken));
    groups.retain(|group| !group.fields.is_empty());
    let left = rows.iter().filter(|row| !taken.contains(&row.name));
    (groups, left.cloned().collect())
}

fn is_of(word: &Word, prefix: &str) -> bool {
    word.name
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with("{n}"))
}

/// The highest number that is in use.
fn highest(own: &BTreeMap<&str, &Row>, prefix: &str) -> usize {
    let numbers = own.keys().filter_map(|name| {
        let rest = name.strip_prefix(prefix)?;
        rest.split('_').next()?.parse::<usize>().ok()
    });
    numbers.max().unwrap_or_default()
}

fn group<'a>(
    title: &str,
    prefix: &str,
    named: impl Iterator<Item = (String, &'a Word)>,
    own: &BTreeMap<&str, &Row>,
    taken: &mut Vec<String>,
) -> Group {
    let mut open = false;
    let fields = named.map(|(name, word)| {
        let row = own.get(name.as_str()).copied();
        open |= row.is_some();
        let field = field(&name, prefix, word, row);
        taken.push(name);
        field
    });
    Group {
        fields: fields.collect(),
        title: title.to_owned(),
        open,
    }
}

fn field(name: &str, prefix: &str, word: &Word, row: Option<&Row>) -> Field {
    let value = row.map(|row| row.value.clone()).unwrap_or_default();
    let is_secret = row.map_or(name.ends_with("_password"), |row| row.secret);
    let choices: Vec<&str> = match word.values.as_str() {
        "flag" => vec!["yes", "no"],
        _ => word.choices.iter().map(String::as_str).collect(),
    };
    let kind = match word.values.as_str() {
        _ if is_secret => Kind::Secret(row.is_some_and(|row| row.value.is_empty())),
        "flag" | "choice" => Kind::Select(offered(&choices, &value)),
        "number" | "port" => Kind::Input("number"),
        "time_of_day" => Kind::Input("time"),
        _ => Kind::Input("text"),
    };
    let range = match (word.minimum, word.maximum) {
        (Some(least), Some(most)) => fill(EN.from_to, &[&least.to_string(), &most.to_string()]),
        _ => String::new(),
    };
    let hint = format!("{} {range}", word.description);
    Field::new(kind, &format!("{FIELD}{name}"), &label(name, prefix), value)
        .hinting(hint.trim_end())
}

/// Nothing, the choices, and what is stored although it is none of them.
fn offered(choices: &[&str], value: &str) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), EN.not_set_here.to_owned())];
    all.extend(
        choices
            .iter()
            .map(|it| ((*it).to_owned(), (*it).to_owned())),
    );
    if !value.is_empty() && !choices.contains(&value) {
        all.push((value.to_owned(), value.to_owned()));
    }
    all
}

/// Words that are written in capitals.
const CAPITALS: &[&str] = &[
    "blf", "dnd", "dtmf", "id", "ip", "ntp", "sip", "srtp", "tls", "url", "vlan",
];

/// `line_1_display_name` in the group of line 1 is `Display name`.
fn label(name: &str, prefix: &str) -> String {
    let words = name.strip_prefix(prefix).unwrap_or(name).split('_');
    let words: Vec<String> = words
        .map(|word| match CAPITALS.contains(&word) {
            true => word.to_ascii_uppercase(),
            false => word.to_owned(),
        })
        .collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What the fields of the vocabulary say. One that is left empty is not set; a secret that is stored stays, unless it
/// is to be cleared.
pub fn read(fields: &[(String, String)]) -> Vec<Row> {
    let all: BTreeMap<&str, &str> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let has = |prefix: &str, field: &str| all.contains_key(format!("{prefix}{field}").as_str());
    let rows = all.iter().filter_map(|(field, value)| {
        let name = field.strip_prefix(FIELD)?;
        let is_stored = has("stored-", field) && !has("clear-", field);
        if value.is_empty() && !is_stored {
            return None;
        }
        Some(Row {
            name: name.to_owned(),
            value: (*value).to_owned(),
            secret: is_stored || has("stored-", field) || name.ends_with("_password"),
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(name: &str, values: &str) -> Word {
        Word {
            name: name.into(),
            values: values.into(),
            ..Word::default()
        }
    }

    fn row(name: &str, value: &str, secret: bool) -> Row {
        Row {
            name: name.into(),
            value: value.into(),
            secret,
        }
    }

    #[test]
    fn settings_stand_in_the_group_of_their_line_and_what_a_vendor_calls_its_own_is_left() {
        let words = [
            word("line_{n}_user", "text"),
            word("line_{n}_password", "text"),
            word("ntp", "host_and_port"),
        ];
        let rows = [
            row("line_2_user", "7002", false),
            row("line_2_password", "", true),
            row("VENDOR", "1", false),
        ];
        let (groups, left) = groups(&words, &rows);
        let titles: Vec<_> = groups.iter().map(|group| group.title.as_str()).collect();
        assert_eq!(titles, [EN.whole_phone, "Line 1", "Line 2", "Line 3"]);
        assert!(
            groups
                .iter()
                .map(|group| group.open)
                .eq([false, false, true, false])
        );
        assert_eq!(left, [row("VENDOR", "1", false)]);
        let second = groups.get(2).map(|group| group.fields.as_slice());
        let Some([user, password, ..]) = second else {
            panic!("{second:?}");
        };
        assert_eq!((&*user.name, &*user.label), ("word-line_2_user", "User"));
        assert_eq!(password.kind, Kind::Secret(true));
    }

    #[test]
    fn a_stored_secret_stays_unless_it_is_cleared_and_an_empty_field_is_not_set() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let read = |list: &[(&str, &str)]| read(&pairs(list));
        let stored = ("stored-word-line_1_password", "true");
        let empty = ("word-line_1_password", "");
        assert_eq!(read(&[empty, stored]), [row("line_1_password", "", true)]);
        assert_eq!(
            read(&[empty, stored, ("clear-word-line_1_password", "true")]),
            []
        );
        assert_eq!(
            read(&[("word-line_1_password", "x")]),
            [row("line_1_password", "x", true)]
        );
        assert_eq!(read(&[("word-ntp", ""), ("name-1", "A")]), []);
    }
}
