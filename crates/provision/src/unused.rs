//! Settings that reach no file: a slip of the pen, a layer too near, or a file that no phone asks
//! for.
//!
//! A setting reaches a file if the file's templates read its name while the file was rendered, or
//! name it at all (a condition may have kept it from being read), and if the layer that it is on
//! is one that the file may see. Which of several layers wins does not matter here.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::kind::FileKind;
use crate::layers::Layer;
use crate::template::{Names, UsedSetting};
use crate::vocabulary;

/// A setting that reaches no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unused {
    /// The name of the setting that reaches no file.
    pub name: String,
    /// The layer that the setting is on.
    pub layer: Layer,
    /// Why the setting reaches no file.
    pub why: Why,
    /// Why the setting reaches no file, in words, with what to do.
    pub message: String,
}

/// Why a setting reaches no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Why {
    /// The name of the setting begins with a kind of file that no phone in question asks for.
    NoSuchFile,
    /// The setting is meant for a file that settings of its layer do not go to.
    OutOfReach,
    /// No template reads the setting.
    NotRead,
}

/// A file of the phones in question.
#[derive(Clone, Copy, Debug)]
pub struct FileSource<'a> {
    /// Its kind.
    pub kind: FileKind,
    /// The layers that it may see.
    pub layers: &'a [Layer],
    /// Its template.
    pub template: &'a str,
}

/// The settings of one layer, less those that were seen in a file.
#[derive(Clone, Debug)]
pub struct Watch {
    layer: Layer,
    left: BTreeSet<String>,
}

impl Watch {
    /// Begins to look for settings of a layer. What is not for files should not be among `names`.
    pub fn new<'n>(layer: Layer, names: impl IntoIterator<Item = &'n str>) -> Self {
        let left = names.into_iter().map(str::to_owned).collect();
        Self { layer, left }
    }

    /// Whether nothing is left to look for.
    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Looks at a file that was rendered: which layers it may see, and which settings it used.
    pub fn saw(&mut self, layers: &[Layer], used: &[UsedSetting]) {
        if self.is_done() || !layers.contains(&self.layer) {
            return;
        }
        for setting in used {
            self.left.remove(&setting.name);
        }
    }

    /// Passes over settings that a file would have, had its family a word for their values, or their key something to do: that is told otherwise.
    pub fn knew<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            self.left.remove(name);
        }
    }

    /// What reaches no file. `files` are all files of the phones in question, each template once.
    pub fn unused(&self, files: &[FileSource<'_>]) -> Vec<Unused> {
        if self.is_done() {
            return Vec::new();
        }
        let names: Vec<Names<'_>> = files.iter().map(|file| Names::of(file.template)).collect();
        self.left
            .iter()
            .filter_map(|name| {
                let naming = |wanted: bool| {
                    files.iter().zip(&names).find(|(file, names)| {
                        file.layers.contains(&self.layer) == wanted && names.has(name)
                    })
                };
                if naming(true).is_some() {
                    return None;
                }
                let named_by = naming(false).map(|(file, _)| file);
                Some(self.explain(name, files, named_by))
            })
            .collect()
    }

    fn explain(
        &self,
        name: &str,
        files: &[FileSource<'_>],
        named_by: Option<&FileSource<'_>>,
    ) -> Unused {
        let kind = FileKind::ALL.into_iter().find(|kind| {
            let rest = name.strip_prefix(kind.as_str());
            rest.is_some_and(|rest| rest.starts_with('_'))
        });
        let of_kind = |kind| files.iter().filter(move |file| file.kind == kind);
        let (why, message) = match (kind, named_by) {
            (_, Some(file)) => (Why::OutOfReach, out_of_reach(file)),
            (Some(kind), None) => match of_kind(kind).next() {
                None => (
                    Why::NoSuchFile,
                    format!(
                        "none of these phones asks for a {} file, or the tenant has no name for it",
                        kind.as_str()
                    ),
                ),
                Some(file) if !of_kind(kind).any(|file| file.layers.contains(&self.layer)) => {
                    (Why::OutOfReach, out_of_reach(file))
                }
                Some(_) => (
                    Why::NotRead,
                    format!(
                        "the template of the {0} file reads no such setting: check what follows \
                         {0}_",
                        kind.as_str()
                    ),
                ),
            },
            (None, None) if vocabulary::find(name).is_some() => (
                Why::NotRead,
                "no parameter of these phones is known for it".to_owned(),
            ),
            (None, None) => (Why::NotRead, not_read(name)),
        };
        Unused {
            name: name.to_owned(),
            layer: self.layer,
            why,
            message,
        }
    }
}

fn out_of_reach(file: &FileSource<'_>) -> String {
    let layers: Vec<&str> = file.layers.iter().map(|layer| layer.as_str()).collect();
    let kind = file.kind.as_str();
    let hint = match file.kind {
        FileKind::System => ", or a name with {MODEL} or {MAC} for the system file",
        _ => "",
    };
    format!(
        "the {kind} file goes to several phones and sees settings of these layers only: {}. Set it \
         there{hint}",
        layers.join(", ")
    )
}

fn not_read(name: &str) -> String {
    match meant(name) {
        Some(kind) => format!(
            "no template reads it; names for the {0} file begin with {0}_",
            kind.as_str()
        ),
        None => "no template reads it".to_owned(),
    }
}

/// The kind that the beginning of a name was probably meant to be.
fn meant(name: &str) -> Option<FileKind> {
    let (word, _) = name.split_once('_')?;
    let word = word.to_ascii_lowercase();
    FileKind::ALL
        .into_iter()
        .find(|kind| distance(word.as_bytes(), kind.as_str().as_bytes()) <= 2)
}

/// How many characters are to be put in, taken out or replaced to make one word of the other, as
/// far as they are about equally long.
fn distance(one: &[u8], other: &[u8]) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.iter().enumerate() {
        let mut left = at + 1;
        let mut diagonal = at;
        let mut next = vec![left];
        for (above, wanted) in row.iter().skip(1).zip(other) {
            let replaced = diagonal + usize::from(byte != wanted);
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::vendor::panasonic;

    use super::*;

    const ALL: &[Layer] = &Layer::ALL;
    const TENANT: &[Layer] = &[Layer::Tenant];

    fn used(name: &str) -> UsedSetting {
        UsedSetting {
            line: 1,
            name: name.to_owned(),
            layer: Layer::Tenant,
            secret: false,
        }
    }

    fn files() -> [FileSource<'static>; 2] {
        let file = |kind, layers| FileSource {
            kind,
            layers,
            template: panasonic::HDV.template(kind),
        };
        [
            file(FileKind::Standard, ALL),
            file(FileKind::Master, TENANT),
        ]
    }

    fn unused(watch: &Watch, files: &[FileSource<'_>]) -> Vec<(String, Why)> {
        let unused = watch.unused(files);
        unused.into_iter().map(|one| (one.name, one.why)).collect()
    }

    #[test]
    fn what_a_file_used_is_not_unused_if_the_file_sees_the_layer() {
        let names = ["standard_A", "master_B"];
        let mut tenant = Watch::new(Layer::Tenant, names);
        let mut device = Watch::new(Layer::Device, names);
        for watch in [&mut tenant, &mut device] {
            watch.saw(ALL, &[used("standard_A")]);
            watch.saw(TENANT, &[used("master_B")]);
        }
        assert!(tenant.is_done());
        assert_eq!(
            unused(&device, &files()),
            [("master_B".to_owned(), Why::OutOfReach)]
        );
    }

    #[test]
    fn each_reason_says_what_to_do() {
        let names = ["system_A", "standart_B", "standard_c", "FREE"];
        let watch = Watch::new(Layer::Device, names);
        let unused = watch.unused(&files());
        let of = |name: &str| {
            let found = unused.iter().find(|one| one.name == name);
            found.map(|one| (one.why, one.message.as_str()))
        };
        assert_eq!(
            of("system_A"),
            Some((
                Why::NoSuchFile,
                "none of these phones asks for a system file, or the tenant has no name for it"
            ))
        );
        assert_eq!(
            of("standart_B"),
            Some((
                Why::NotRead,
                "no template reads it; names for the standard file begin with standard_"
            ))
        );
        assert_eq!(
            of("standard_c"),
            Some((
                Why::NotRead,
                "the template of the standard file reads no such setting: check what follows \
                 standard_"
            ))
        );
        assert_eq!(of("FREE"), Some((Why::NotRead, "no template reads it")));
    }

    #[test]
    fn a_name_that_a_template_only_reads_under_a_condition_is_used() {
        let template = "{% if A == \"1\" %}{{ B }}{% endif %}{{ setting(\"C\", \"\") }} D {# E #}";
        let file = |layers| FileSource {
            kind: FileKind::Standard,
            layers,
            template,
        };
        let watch = Watch::new(Layer::Device, ["A", "B", "C", "D", "E", "B_1"]);
        let not_read = |name: &str| (name.to_owned(), Why::NotRead);
        assert_eq!(
            unused(&watch, &[file(ALL)]),
            [not_read("B_1"), not_read("D"), not_read("E")]
        );
        let out_of_reach = unused(&watch, &[file(TENANT)]);
        assert!(out_of_reach.contains(&("B".to_owned(), Why::OutOfReach)));
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (name, kind) in [
            ("standart_X", Some(FileKind::Standard)),
            ("Standard_X", Some(FileKind::Standard)),
            ("sytem_X", Some(FileKind::System)),
            ("masters_X", Some(FileKind::Master)),
            ("SIP_USER", None),
            ("standard", None),
            ("_X", None),
        ] {
            assert_eq!(meant(name), kind, "{name}");
        }
    }

    #[test]
    fn unused_json_format_unchanged() {
        let watch = Watch::new(Layer::Tenant, ["FREE"]);
        let json = serde_json::to_string(&watch.unused(&files())).unwrap();
        assert_eq!(
            json,
            r#"[{"name":"FREE","layer":"tenant","why":"not_read","message":"no template reads it"}]"#
        );
    }
}
