//! Families of phones, and the settings that mean the same for all of them.

use std::collections::BTreeMap;

use ringfence_provision::family::{Duplicates, Family, Refused};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::seal::Grade;
use ringfence_provision::vendor::Conduct;
use serde::Serialize;

/// A family of phones.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FamilyView {
    /// The word for the family.
    pub family: Family,
    /// Who makes the family's phones.
    pub vendor: &'static str,
    /// The phones that belong to the family.
    pub phones: &'static str,
    /// The names that the family's phones ask for, unless the tenant's options say otherwise.
    pub names: Vec<NameView>,
    /// Names that the family's phones ask for and that are never there; `*` stands for any text without a slash.
    pub never: &'static [&'static str],
    /// The sealing profiles that go with the family's phones.
    pub profiles: Vec<&'static str>,
    /// What each sealing profile of the family is worth.
    pub sealing: Vec<SealingView>,
    /// The sealing profile that is on unless an operator says otherwise; null is plaintext over
    /// HTTPS.
    pub default_profile: Option<&'static str>,
    /// What an operator types into a phone, field by field.
    pub typed: Vec<TypedView>,
    /// The event of a NOTIFY that makes the family's phones fetch their files.
    pub fetch_event: &'static str,
    /// The event of a NOTIFY that makes the family's phones restart; null where none was found.
    pub restart_event: Option<&'static str>,
    /// What the family's phones call themselves: how a User-Agent begins, with braces around what differs.
    pub user_agents: &'static [&'static str],
    /// What the files of the family's phones may hold.
    pub files: FilesView,
    /// How the family's phones behave, as far as sources say.
    pub conduct: &'static Conduct,
}

/// What the files of a family's phones may hold.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FilesView {
    /// The parameter that a phone obeys where one file sets it twice.
    pub duplicates: Duplicates,
    /// How many bytes all files of one device may have together.
    pub total_limit: usize,
    /// How many settings a layer may have.
    pub settings_limit: usize,
    /// What no value can be, by the syntax of the files.
    pub refused: Refused,
}

impl FilesView {
    /// Of a family.
    pub fn of(family: Family) -> Self {
        Self {
            duplicates: family.duplicate_rule(),
            total_limit: family.total_limit(),
            settings_limit: family.settings_limit(),
            refused: family.refused(),
        }
    }
}

/// A sealing profile that goes with phones.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealingView {
    /// The name of the profile.
    pub profile: &'static str,
    /// What a file is worth that is sealed so.
    pub grade: Grade,
}

/// A field of a phone, or of what tells a phone where to ask.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypedView {
    /// The name of the field, as the vendor writes it.
    pub field: &'static str,
    /// What is typed there; `<host>` and `<segment>` stand for those of the access path, `<base>` for both as a URL.
    pub value: &'static str,
}

/// A name that phones ask for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NameView {
    /// The kind of file that is there.
    pub kind: FileKind,
    /// Whether the file is there as it is, or sealed.
    pub form: Form,
    /// The name, with braces around what differs between phones.
    pub name: &'static str,
}

/// The families of phones that there are.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FamilyPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<FamilyView>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
}

/// A setting that means the same whoever made the phone.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommonSetting {
    /// The name of the setting; `{n}` stands for the number of a line or key, from 1.
    pub name: &'static str,
    /// What the setting does, in a sentence.
    pub description: &'static str,
    /// What the values of the setting are: `text`, `choice`, `number` and the like.
    pub values: &'static str,
    /// The values of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub choices: Vec<&'static str>,
    /// The smallest number that the setting takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
    /// The largest number that the setting takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u32>,
    /// The families that know the setting, each with the parameters that it becomes.
    pub families: BTreeMap<&'static str, Vec<String>>,
}

/// The settings that mean the same for all phones.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VocabularyPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<CommonSetting>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
}
