//! Names that stand back behind a tenant's own.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::url_template::RouteConflict;
use serde::Serialize;

/// A name by which phones of a family ask by themselves and which is not served, since a name that the tenant gives
/// reads the same paths in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StandsBack {
    /// The family whose phones ask by the name.
    pub family: Family,
    /// The kind of the family's file.
    pub kind: FileKind,
    /// Whether the family's file is plain or sealed there.
    pub form: Form,
    /// The name that is not served.
    pub name: String,
    /// The tenant's name that counts instead.
    pub behind: String,
    /// A path that both names read.
    pub example_path: String,
    /// What follows, and what to do then, in a sentence.
    pub message: String,
}

impl StandsBack {
    /// `None` where the second name is no family's.
    pub fn new(conflict: RouteConflict) -> Option<Self> {
        let RouteConflict {
            first,
            second,
            example_path,
        } = conflict;
        let family = second.family?;
        let (kind, behind) = (second.kind.as_str(), first.template.to_string());
        let name = second.template.to_string();
        Some(Self {
            family,
            kind: second.kind,
            form: second.form,
            message: format!(
                "Phones of the family {family:?} get no {kind} file at {name}, because the tenant's own name {behind} counts there: if the \
                 tenant has such phones, give `options.family_urls.{family:?}.{kind}` a name that they can be told, \
                 or give the tenant's a literal prefix, folder or extension of its own."
            ),
            name,
            behind,
            example_path,
        })
    }
}
