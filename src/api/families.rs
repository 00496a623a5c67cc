//! What is known of phones: their families, and the settings that mean the same for all of them.

use ringfence_api::answer::Shown;
use ringfence_api::families::{
    CommonSetting, FamilyPage, FamilyView, FilesView, NameView, SealingView, TypedView,
    VocabularyPage,
};
use ringfence_provision::family::Family;
use ringfence_provision::vendor;
use ringfence_provision::vocabulary::{Kind, SETTINGS, Setting};

use crate::api::request::call::Call;
use crate::http::problem::Problem;

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
        never: spec.never,
        profiles: spec.profiles.to_vec(),
        sealing: vendor::profiles()
            .filter(|it| spec.profiles.contains(&it.name))
            .map(|it| SealingView {
                profile: it.name,
                grade: it.grade,
            })
            .collect(),
        default_profile: spec.default_profile,
        typed: spec
            .typed
            .iter()
            .map(|&(field, value)| TypedView { field, value })
            .collect(),
        fetch_event: spec.fetch_event,
        restart_event: spec.restart_event,
        user_agents: vendor::patterns_of(family),
        files: FilesView::of(family),
        conduct: spec.conduct,
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
