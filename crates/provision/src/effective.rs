//! What a phone ends up with when it has read all of its files.
//!
//! Standard beats product beats master beats system, in every series; the initial file, which is
//! read first and only names the others, comes last. Within a file the family's rule for
//! duplicates decides.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

use crate::family::{Duplicates, Family};
use crate::format::{Document, Parameter};
use crate::kind::FileKind;
use crate::layers::Layer;

/// One parameter as the phone obeys it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveParameter {
    /// Names the parameter within its file, see [`Parameter::path`].
    pub path: String,
    /// Its own name.
    pub name: String,
    /// The value of the parameter; as secret as the document that it came from.
    pub value: String,
    /// The kind of the file that the value came from.
    pub from: FileKind,
    /// The layer whose setting the value shows, if it shows one.
    pub layer: Option<Layer>,
    /// The values that this one overrides, the strongest first.
    pub shadows: Vec<Shadowed>,
}

/// A value that the phone reads and does not obey.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shadowed {
    /// The kind of the file that the value came from.
    pub kind: FileKind,
    /// The value of the parameter; as secret as the document that it came from.
    pub value: String,
    /// The layer whose setting the value shows, if it shows one.
    pub layer: Option<Layer>,
}

/// What a phone of the family ends up with, by path.
///
/// `files` may come in any order, one of each kind. `origin` is asked which layer a parameter of a
/// file came from, by its kind, path and line there.
pub fn effective(
    family: Family,
    files: &[(FileKind, &Document)],
    origin: impl Fn(FileKind, &str, u32) -> Option<Layer>,
) -> Vec<EffectiveParameter> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|(kind, _)| rank(*kind));

    let mut found: BTreeMap<String, EffectiveParameter> = BTreeMap::new();
    for (kind, document) in files {
        for parameter in strongest_first(family, document.parameters()) {
            let layer = origin(*kind, &parameter.path, parameter.line);
            match found.entry(parameter.path) {
                Entry::Vacant(entry) => {
                    let path = entry.key().clone();
                    entry.insert(EffectiveParameter {
                        path,
                        name: parameter.name,
                        value: parameter.value,
                        from: *kind,
                        layer,
                        shadows: Vec::new(),
                    });
                }
                Entry::Occupied(entry) => entry.into_mut().shadows.push(Shadowed {
                    kind: *kind,
                    value: parameter.value,
                    layer,
                }),
            }
        }
    }
    found.into_values().collect()
}

/// The lower, the stronger.
fn rank(kind: FileKind) -> u8 {
    match kind {
        FileKind::Standard => 0,
        FileKind::Product => 1,
        FileKind::Master => 2,
        FileKind::System => 3,
        FileKind::Initial => 4,
    }
}

/// One file's parameters, so that of two equal ones the phone obeys the one that comes first here.
/// Where the family's rule is not known the first is shown; lint refuses such a file.
fn strongest_first(family: Family, mut parameters: Vec<Parameter>) -> Vec<Parameter> {
    match family.duplicate_rule() {
        Duplicates::FirstWins | Duplicates::Unstated => {}
        Duplicates::LastWins => parameters.reverse(),
    }
    parameters
}

impl std::fmt::Debug for EffectiveParameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EffectiveParameter")
            .field("path", &self.path)
            .field("from", &self.from)
            .field("layer", &self.layer)
            .field("shadows", &self.shadows)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Shadowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shadowed")
            .field("kind", &self.kind)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
