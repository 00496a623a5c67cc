//! What the API answers, as far as a page shows it. The API's document says what each member means; what a
//! page does not know is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::text::number;

/// A part of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Reads an answer member by member, where a page shows little of it. A name that begins with `/` leads further
/// down (RFC 6901); an empty one is the value itself.
pub trait Read {
    /// What is there; null, if nothing is.
    fn at(&self, name: &str) -> &Value;

    /// A text; empty, if there is none.
    fn text(&self, name: &str) -> &str {
        self.at(name).as_str().unwrap_or_default()
    }

    /// A number.
    fn number(&self, name: &str) -> Option<u64> {
        self.at(name).as_u64()
    }

    /// A number as it is shown; 0, if there is none.
    fn count(&self, name: &str) -> String {
        number(self.number(name).unwrap_or_default())
    }

    /// A number as addresses and forms have it, and codes are shown; 0, if there is none.
    fn digits(&self, name: &str) -> String {
        self.number(name).unwrap_or_default().to_string()
    }

    /// Whether it is said to be so.
    fn is(&self, name: &str) -> bool {
        self.at(name).as_bool().unwrap_or_default()
    }

    /// The items of a list; none, if there is no list.
    fn list(&self, name: &str) -> &[Value] {
        self.at(name).as_array().map_or(&[], Vec::as_slice)
    }

    /// The names and values of an object; none, if there is no object.
    fn members(&self, name: &str) -> Vec<(&str, &Value)> {
        let object = self.at(name).as_object().into_iter().flatten();
        object.map(|(name, value)| (name.as_str(), value)).collect()
    }

    /// A value as it is shown, whatever it is.
    fn shown(&self, name: &str) -> String {
        match self.at(name) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl Read for Value {
    fn at(&self, name: &str) -> &Value {
        static NULL: Value = Value::Null;
        match name.is_empty() || name.starts_with('/') {
            true => self.pointer(name).unwrap_or(&NULL),
            false => self.get(name).unwrap_or(&NULL),
        }
    }
}

macro_rules! data {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(default)]
        pub struct $name { $(pub $field: $type,)* })*
    };
}

data! {
    /// `TenantView`.
    Tenant { id: String, name: String, hostname: Option<String>, options: Value, revision: u64, created_at: u64, updated_at: u64, }
    /// `TableView`.
    Measured { devices: u64, next: Option<String>, }
    /// `PartView`.
    AuditPart { entries: u64, next: Option<u64>, }
    /// `LimitsView`.
    Limits { quotas: BTreeMap<String, Quota>, }
    /// `QuotaView`.
    Quota { used: u64, limit: u64, }
    /// `DeviceView`, and with the tenant's members `FoundDevice`.
    Device {
        id: String, mac: String, model: String, family: String, label: String, site: Option<String>, profile: Option<String>,
        profile_grade: Option<String>, disabled: bool, revision: u64, version: u64, file_version: u64, created_at: u64, updated_at: u64,
        fetched_at: Option<u64>, fetched_version: Option<u64>, forwarded_until: Option<u64>, last_seen: Option<Seen>, key: Key,
        stale: bool, failing: Option<Failing>,
        tenant: String, tenant_name: String,
    }
    /// `KeyView`.
    Key {
        state: String, generation: u64, bootstrap_waits: bool, ever_delivered: bool, armed_at: u64, armed_until: Option<u64>,
        last_taken_by: Option<Seen>, from_unexpected_network: bool, confirmed_at: Option<u64>,
    }
    /// `FailingView`.
    Failing { at: u64, reason: String, }
    /// `SeenView`.
    Seen { at: u64, address: Option<String>, user_agent: Option<String>, country: Option<String>, }
    /// `EventView`.
    Event {
        id: String, at: u64, mac: Option<String>, kind: Option<String>, form: Option<String>, outcome: String, reason: String,
        status: u64, bytes: u64, address: String, user_agent: String, country: String, request_id: String, path: Option<String>,
        detail: Option<Value>,
    }
    /// `UnknownView`.
    Unknown { mac: String, path: String, times: u64, first_seen_at: u64, last_seen: Seen, guess: Guess, }
    /// `GuessView`.
    Guess { vendor: Option<String>, family: Option<String>, model: Option<String>, firmware: Option<String>, }
    /// `BatchAnswer`.
    Batch { created: u64, changed: u64, unchanged: u64, refused: u64, new_models: Vec<String>, new_sites: Vec<String>, items: Vec<BatchRow>, }
    /// `BatchRow`.
    BatchRow { mac: Option<String>, outcome: String, changes: Vec<String>, detail: Option<String>, files: Value, }
    /// `AccessPathView`.
    AccessPath {
        id: String, label: String, created_at: u64, expires_at: Option<u64>, last_used_at: Option<u64>, devices_7d: u64,
        target_since: Option<u64>, segment: Option<String>, url: Option<String>,
    }
    /// `SiteView`.
    Site { id: String, name: String, revision: u64, created_at: u64, updated_at: u64, }
    /// `ModelView`.
    Model { name: String, family: String, profile: Option<String>, profile_grade: Option<String>, revision: u64, created_at: u64, updated_at: u64, }
    /// `FamilyView`.
    Family { family: String, vendor: String, phones: String, profiles: Vec<String>, default_profile: Option<String>, typed: Vec<Typed>, }
    /// `TypedView`.
    Typed { field: String, value: String, }
    /// `SettingsView`.
    Settings { settings: BTreeMap<String, Value>, revision: u64, }
    /// `CommonSetting`.
    Word {
        name: String, description: String, values: String, choices: Vec<String>, minimum: Option<u64>, maximum: Option<u64>,
        families: BTreeMap<String, Vec<String>>,
    }
    /// `TemplateView`.
    Template { kind: String, family: String, model: Option<String>, builtin: bool, source: String, revision: u64, updated_at: Option<u64>, }
    /// `EffectiveView`.
    Effective { name: String, path: String, value: String, from: String, layer: Option<String>, shadows: Vec<Shadow>, }
    /// `Shadowed`.
    Shadow { kind: String, layer: Option<String>, value: String, }
    /// `EffectivePage`.
    EffectivePage { items: Vec<Effective>, unused: Vec<Unused>, }
    /// `Unused`.
    Unused { name: String, layer: String, message: String, }
    /// `PreviewView`.
    Preview { kind: String, version: u64, text: Option<String>, length: u64, error: Option<String>, findings: Vec<Value>, }
    /// `FileLintView`.
    FileLint { kind: String, ok: bool, error: Option<String>, findings: Vec<Value>, }
    /// `JobView`.
    Job {
        id: String, device: String, event: String, state: String, message: String, reason: String, created_at: u64, due_at: u64,
        sent_at: Option<u64>, answered_at: Option<u64>, fetched_at: Option<u64>, ended_at: Option<u64>, code: Option<u64>, tries: u64,
        pool: String, relay: Option<String>, rollout: Option<String>, attempts: Option<Vec<Attempt>>,
    }
    /// `Attempt`.
    Attempt {
        leased_at: u64, ended_at: Option<u64>, relay: String, destination: Option<String>, code: Option<u64>, outcome: Option<String>,
        message: Option<String>,
    }
    /// `RolloutView`.
    Rollout {
        id: String, tenant: String, state: String, message: String, reason: String, created_at: u64, ended_at: Option<u64>,
        total: u64, released: u64, per_second: f64, pool: String, progress: Progress, event: Option<String>, stage: u64, stages: Vec<Stage>,
        threshold: Option<Threshold>,
    }
    /// `StageView`.
    Stage { devices: u64, in_time: u64, late: u64, excluded: u64, }
    /// `Threshold`.
    Threshold { share: f64, within_s: u64, }
    /// `Progress`.
    Progress {
        queued: u64, leased: u64, answered: u64, fetched: u64, rejected: u64, unreachable: u64, expired: u64, cancelled: u64, skipped: u64,
    }
    /// `PoolView`.
    Pool { id: String, name: String, revision: u64, created_at: u64, options: Value, queue: Option<Queue>, }
    /// `QueueView`.
    Queue { queued: u64, leased: u64, answered: u64, relays_connected: u64, edge: Option<Edge>, rollouts: Vec<Rollout>, }
    /// `EdgeStatus`.
    Edge { in_flight: u64, connected_at: Option<u64>, failing_since: Option<u64>, failed_at: Option<u64>, failure: Option<String>, }
    /// `RelayView`.
    Relay {
        id: String, name: String, connected: bool, draining: bool, in_flight: u64, capacity: Option<u64>, last_seen_at: Option<u64>,
        software: Option<String>, software_version: Option<String>, created_at: u64, credential: Option<String>,
    }
    /// `TokenView`.
    Token {
        id: String, name: String, tenant: Option<String>, access: String, reveal: bool, created_at: u64, expires_at: Option<u64>,
        email: Option<String>, token: Option<String>,
    }
    /// `SessionView`.
    Session {
        id: String, token: String, token_name: Option<String>, created_at: u64, last_used_at: u64, expires_at: u64, network: String,
        user_agent: String,
    }
    /// `AuditView`.
    Audit {
        id: String, at: u64, token: String, action: String, object: String, tenant: Option<String>, address: String, request_id: String,
        before: Option<Value>, after: Option<Value>,
    }
    /// `RotationView`.
    Rotation { current: String, previous: Option<String>, remaining: u64, }
    /// `RestoredView`.
    Restored { behind: bool, }
    /// `Notified`.
    Notified { job: JobBrief, joined: bool, }
    /// `JobBrief`.
    JobBrief { id: String, }
    /// `LintView`.
    Lint { ok: bool, findings: Vec<Value>, }
}

impl Event {
    /// Whether the phone got what it asked for.
    pub fn is_good(&self) -> bool {
        matches!(self.outcome.as_str(), "served" | "not_modified")
    }
}

impl Job {
    /// Whether nothing more happens.
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
            || matches!(
                self.state.as_str(),
                "fetched" | "rejected" | "unreachable" | "expired" | "cancelled"
            )
    }
}

impl Edge {
    /// Why the pool does not reach its proxy: the last attempt, or the last connection, came to nothing.
    pub fn failing(&self) -> Option<&str> {
        self.failure
            .as_deref()
            .filter(|_| self.failing_since.is_some())
    }
}

impl Rollout {
    /// Whether it goes on, or will.
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused")
    }
}
