//! Earlier versions of settings, options and templates.

use ringfence_provision::diff::Hunk;
use serde::{Deserialize, Serialize};

use crate::tenancy::settings::SettingView;

/// A version. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionView {
    /// The number of the version; 0 is what there was before the first change of which a version
    /// was kept.
    pub version: u64,
    /// The time of the change.
    pub at: u64,
    /// The id of the token that made the change; null where that is not known.
    pub token: Option<String>,
    /// The id of the request that made the change; null where that is not known.
    pub request_id: Option<String>,
    /// What was said about the change.
    pub comment: String,
    /// Whether the version is the current one.
    pub current: bool,
    /// The time at which another version took the place of this one; null for the current version.
    pub ended_at: Option<u64>,
    /// About how many bytes of the tenant's history go with the version.
    pub bytes: u64,
}

/// Which versions are compared.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffQuery {
    /// The older version; left out, the one before `to`.
    pub from: Option<u64>,
    /// The newer version; left out, the newest one.
    pub to: Option<u64>,
}

/// How the text of two versions differs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextDiff {
    /// The version that is compared with the other one.
    pub from: u64,
    /// The version that the other one is compared with.
    pub to: u64,
    /// The lines that differ and those around them; of options as indented JSON. A template that nobody had
    /// written counts as the built-in one, and one of a single model as empty.
    pub hunks: Vec<Hunk>,
}

/// How the settings of two versions differ.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsDiff {
    /// The version that is compared with the other one.
    pub from: u64,
    /// The version that the other one is compared with.
    pub to: u64,
    /// The settings that differ, in the order of their names.
    pub settings: Vec<SettingDiff>,
}

/// A setting that differs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingDiff {
    /// The name of the setting.
    pub name: String,
    /// What the setting was; null if the setting was not there. Secrets are masked.
    pub from: Option<SettingView>,
    /// What the setting became; null if the setting is not there. Secrets are masked: a secret that was replaced by
    /// another is listed, and neither is shown.
    pub to: Option<SettingView>,
}

/// The version to go back to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RollbackInput {
    /// The number of the version that is to be the current one again.
    pub version: u64,
}
