//! What is known of phones: their families, and the settings that mean the same for all of them.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::vendor;
use ringfence_provision::vocabulary::{Kind, SETTINGS, Setting};
use serde::Serialize;

use crate::api::request::answer::Shown;
use crate::api::request::call::Call;
use crate::http::problem::Problem;

/// A family of phones.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FamilyView {
    /// The word for it.
    pub family: Family,
    /// Who makes its phones.
    pub vendor: &'static str,
    /// The phones that belong to it.
    pub phones: &'static str,
    /// The names that its phones ask for, unless the tenant's options say otherwise.
    pub names: Vec<NameView>,
    /// The sealing profiles that go with its phones.
    pub profiles: Vec<&'static str>,
    /// The one that is on unless an operator says otherwise; null is plaintext over HTTPS.
    pub default_profile: Option<&'static str>,
    /// What an operator types into a phone, field by field.
    pub typed: Vec<TypedView>,
    /// The event of a NOTIFY that makes its phones fetch their files.
    pub fetch_event: &'static str,
}

/// A field of a phone, or of what tells a phone where to ask.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TypedView {
    /// The name of the field, as the vendor writes it.
    pub field: &'static str,
    /// What is typed there; `<host>` and `<segment>` stand for those of the access path, `<base>` for both as a URL.
    pub value: &'static str,
}

/// A name that phones ask for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FamilyPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<FamilyView>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
}

/// A setting that means the same whoever made the phone.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CommonSetting {
    /// Its name; `{n}` stands for the number of a line or key, from 1.
    pub name: &'static str,
    /// What the setting does, in a sentence.
    pub description: &'static str,
    /// What its values are: `text`, `choice`, `number` and the like.
    pub values: &'static str,
    /// The values of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<&'static str>,
    /// The smallest number that the setting takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
    /// The largest number that the setting takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u32>,
    /// The families that know it, each with the parameters that it becomes.
    pub families: BTreeMap<&'static str, Vec<String>>,
}

/// The settings that mean the same for all phones.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VocabularyPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<CommonSetting>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
}

/// `listFamilies`.
pub async fn list(_: Call) -> Result<Shown<FamilyPage>, Problem> {
    let items = Family::ALL.map(family).into();
    Ok(Shown(FamilyPage { items, next: None }))
}

/// `getVocabulary`.
pub async fn vocabulary(_: Call) -> Result<Shown<VocabularyPage>, Problem> {
    let items = SETTINGS.iter().map(setting).collect();
    Ok(Shown(VocabularyPage { items, next: None }))
}

fn family(family: Family) -> FamilyView {
    let spec = family.spec();
    let names = match spec.names {
        [] => vendor::NAMES,
        own => own,
    };
    let names = names
        .iter()
        .map(|&(kind, form, name)| NameView { kind, form, name });
    FamilyView {
        family,
        vendor: vendor::of_family(family),
        phones: spec.phones,
        names: names.collect(),
        profiles: spec.profiles.to_vec(),
        default_profile: spec.default_profile,
        typed: spec
            .typed
            .iter()
            .map(|&(field, value)| TypedView { field, value })
            .collect(),
        fetch_event: spec.fetch_event,
    }
}

fn setting(setting: &Setting) -> CommonSetting {
    let (minimum, maximum) = match setting.kind {
        Kind::Number { min, max } => (Some(min), Some(max)),
        Kind::Port => (Some(1), Some(65_535)),
        _ => (None, None),
    };
    let parameters = |family: Family| {
        let mut names: Vec<String> = Vec::new();
        for rule in family.spec().vocabulary {
            let name = rule.parameter.shown();
            if rule.setting == setting.name && !names.contains(&name) {
                names.push(name);
            }
        }
        (!names.is_empty()).then(|| (family.as_str(), names))
    };
    CommonSetting {
        name: setting.name,
        description: setting.says,
        values: setting.kind.as_str(),
        choices: match setting.kind {
            Kind::Choice(words) => words.to_vec(),
            _ => Vec::new(),
        },
        minimum,
        maximum,
        families: Family::ALL.into_iter().filter_map(parameters).collect(),
    }
}
