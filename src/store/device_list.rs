//! Lists of devices: filtered, sorted, page by page.
//!
//! A page is read in the order of one index: that of its sort, or of the filter that leaves least. What the
//! other filters leave out is looked at and not shown, [`MAX_LOOKED_AT`] devices for a page at most: one that
//! ends there is shorter than asked for, and says where the next one goes on. A device whose place in the order
//! stays is shown once, whatever comes and goes between two pages.

use ringfence_provision::lifecycle::KeyState;
use ringfence_sql::Arg;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::by_id::{MAX_LOOKED_AT, PageRows};
use super::devices::{DEVICE_COLUMNS, DEVICE_TABLES};
use crate::db::{Db, StorageError};
use crate::model::device::DeviceRow;

/// Which devices of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub state: Option<KeyState>,
    pub model: Option<String>,
    /// Names of families.
    pub families: Option<Vec<&'static str>>,
    /// Id of a site.
    pub site: Option<String>,
    pub disabled: Option<bool>,
    pub never_seen: bool,
    /// Unix milliseconds, exclusive.
    pub seen_before: Option<u64>,
    /// Unix milliseconds, inclusive.
    pub seen_after: Option<u64>,
    /// Only devices that took their standard file and lack its last version. It is the tenant's version.
    pub stale_below: Option<u64>,
    /// Only devices whose last request was refused, or for a file that is broken.
    pub failing: bool,
    /// Only devices whose bootstrap was taken from none of the networks that the tenant expects.
    pub unexpected_network: bool,
    /// Only devices one of whose own lines has this user.
    pub extension: Option<String>,
}

/// What a list is sorted by; devices that are equal in it are in the order of their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Being added.
    #[default]
    Added,
    Mac,
    Label,
    Model,
    /// The last request; those that never made one come first.
    LastSeen,
    /// The last change by an operator.
    Changed,
    /// What they took last: who is farthest behind comes first. Only with [`Filter::stale_below`].
    Taken,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub sort: Sort,
    /// The last one first.
    pub descending: bool,
}

/// The place of a device in the order of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ListPlace {
    /// What the list is sorted by, as text.
    pub key: String,
    pub id: String,
}

/// A device in a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// What the list is sorted by, as text.
    pub place_key: String,
    #[serde(rename = "$device")]
    pub device: DeviceRow,
}

/// What has a place in the order of a list.
pub trait Placed: DeserializeOwned {
    /// `place_key`, which is the key of its place, under its own name.
    const KEY: &'static str;
    /// Its other columns.
    const COLUMNS: &'static str;
    /// The tables of the columns; the device is `d`.
    const TABLES: &'static str;

    /// The device.
    fn id(&self) -> &str;

    /// Its place.
    fn place(&self) -> ListPlace;
}

impl Placed for Listed {
    const KEY: &'static str = "place_key";
    const COLUMNS: &'static str = DEVICE_COLUMNS;
    const TABLES: &'static str = DEVICE_TABLES;

    fn id(&self) -> &str {
        &self.device.id
    }

    fn place(&self) -> ListPlace {
        ListPlace {
            key: self.place_key.clone(),
            id: self.device.id.clone(),
        }
    }
}

/// The place alone, for as many devices as one answer of D1 would not take whole.
impl Placed for ListPlace {
    const KEY: &'static str = "place_key AS key";
    const COLUMNS: &'static str = "d.id";
    const TABLES: &'static str = "devices d";

    fn id(&self) -> &str {
        &self.id
    }

    fn place(&self) -> ListPlace {
        self.clone()
    }
}

/// A condition on the device `d`; `?` in it stands for its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    sql: &'static str,
    value: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(u64),
}

impl Condition {
    fn text(sql: &'static str, value: &str) -> Self {
        let value = Some(Value::Text(value.to_owned()));
        Self { sql, value }
    }

    fn number(sql: &'static str, value: u64) -> Self {
        let value = Some(Value::Number(value));
        Self { sql, value }
    }

    fn plain(sql: &'static str) -> Self {
        Self { sql, value: None }
    }
}

/// The last request, with 0 for none; as in the index `devices_by_visit`.
const VISIT: &str = "coalesce(d.last_seen_at, 0)";
const NEVER: &str = "coalesce(d.last_seen_at, 0) = 0";
const SEEN_BEFORE: &str = "coalesce(d.last_seen_at, 0) < ?";
const SEEN_AFTER: &str = "coalesce(d.last_seen_at, 0) >= ?";
/// The version up to which a device has everything; as in the index `devices_by_taken`.
const TAKEN: &str = "CASE WHEN d.fetched_version < d.version THEN 0 ELSE d.fetched_version END";
const HAS_TAKEN: &str = "d.fetched_version IS NOT NULL";
const STALE: &str = "CASE WHEN d.fetched_version < d.version THEN 0 ELSE d.fetched_version END < ?";
/// As in the index `devices_failing`.
const FAILING: &str = "d.failed_at > coalesce(d.last_seen_at, 0)";
const UNEXPECTED: &str = "d.unexpected_network = 1";
const OUT_OF_SERVICE: &str = "d.disabled = 1";
const IN_STATE: &str = "d.key_state = ?";
const OF_MODEL: &str = "d.model = ?";
const AT_SITE: &str = "d.site_id = ?";
const OF_FAMILIES: &str = "(SELECT f.family FROM models f WHERE f.tenant_id = d.tenant_id \
     AND f.name = d.model) IN (SELECT value FROM json_each(?))";
/// Models of a family are near each other: what is before and behind them need not be looked at.
const FROM_MODEL: &str = "d.model >= (SELECT min(f.name) FROM models f WHERE f.tenant_id = ?1 \
     AND f.family IN (SELECT value FROM json_each(?)))";
const UNTIL_MODEL: &str = "d.model <= (SELECT max(f.name) FROM models f WHERE f.tenant_id = ?1 \
     AND f.family IN (SELECT value FROM json_each(?)))";
/// One of the device's own lines has that user; `settings_by_extension` is behind it.
const HAS_EXTENSION: &str = "EXISTS (SELECT 1 FROM settings x INDEXED BY settings_by_extension \
     WHERE x.tenant_id = d.tenant_id AND x.value = ? AND x.scope = 'device:' || d.id \
     AND x.name GLOB 'line_[0-9]*_user' AND x.master IS NULL)";
/// The same, where the list is read by it.
const EXTENSION: &str = "x.value = ? AND x.scope >= 'device:' AND x.scope < 'device;' \
     AND x.name GLOB 'line_[0-9]*_user' AND x.master IS NULL";

impl Sort {
    fn key(self) -> &'static str {
        match self {
            Self::Added => "0",
            Self::Mac => "d.mac",
            Self::Label => "d.label",
            Self::Model => "d.model",
            Self::LastSeen => VISIT,
            Self::Changed => "d.updated_at",
            Self::Taken => TAKEN,
        }
    }

    /// What is read in its order.
    fn source(self) -> &'static str {
        match self {
            Self::Added => "devices d INDEXED BY devices_by_tenant",
            // The index that makes the MAC unique has no name of its own.
            Self::Mac => "devices d",
            Self::Label => "devices d INDEXED BY devices_by_label",
            Self::Model => "devices d INDEXED BY devices_by_model",
            Self::LastSeen => "devices d INDEXED BY devices_by_visit",
            Self::Changed => "devices d INDEXED BY devices_by_change",
            Self::Taken => "devices d INDEXED BY devices_by_taken",
        }
    }

    /// The conditions that its index answers.
    fn answers(self) -> &'static [&'static str] {
        match self {
            Self::LastSeen => &[NEVER, SEEN_BEFORE, SEEN_AFTER],
            Self::Model => &[OF_MODEL],
            Self::Taken => &[HAS_TAKEN, STALE],
            Self::Added | Self::Mac | Self::Label | Self::Changed => &[],
        }
    }

    fn bind(self, key: &str) -> Arg<'_> {
        match self {
            Self::Mac | Self::Label | Self::Model => key.into(),
            _ => key.parse::<u64>().unwrap_or_default().into(),
        }
    }
}

impl Filter {
    /// In which order its devices come where nobody says: of those orders one whose index has few others.
    pub fn order(&self) -> Order {
        let by_few = self.extension.is_some() || self.failing || self.unexpected_network;
        let sort = if by_few {
            Sort::Added
        } else if self.stale_below.is_some() {
            Sort::Taken
        } else if self.seen_before.is_some() || self.seen_after.is_some() {
            Sort::LastSeen
        } else if self.families.is_some() && self.narrowest().is_none() {
            Sort::Model
        } else {
            Sort::Added
        };
        Order {
            sort,
            descending: false,
        }
    }

    /// Every condition.
    pub fn conditions(&self) -> Vec<Condition> {
        let text =
            |sql, value: &Option<String>| value.as_deref().map(|value| Condition::text(sql, value));
        // Who never asked was not seen before any time.
        let after = self.seen_before.or(self.seen_after).map(|_| {
            let after = self.seen_after.unwrap_or_default().max(1);
            Condition::number(SEEN_AFTER, after)
        });
        let plain = |sql, wanted: bool| wanted.then(|| Condition::plain(sql));
        [
            self.state
                .map(|state| Condition::text(IN_STATE, state.as_str())),
            text(OF_MODEL, &self.model),
            self.families
                .as_ref()
                .map(|all| Condition::text(OF_FAMILIES, &listed(all))),
            text(AT_SITE, &self.site),
            plain(OUT_OF_SERVICE, self.disabled == Some(true)),
            plain("d.disabled = 0", self.disabled == Some(false)),
            plain(NEVER, self.never_seen),
            self.seen_before
                .map(|at| Condition::number(SEEN_BEFORE, at)),
            after,
            plain(HAS_TAKEN, self.stale_below.is_some()),
            self.stale_below
                .map(|version| Condition::number(STALE, version)),
            plain(FAILING, self.failing),
            plain(UNEXPECTED, self.unexpected_network),
            text(HAS_EXTENSION, &self.extension),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is read in the order of the ids, and the condition that it answers.
    fn narrowest(&self) -> Option<(&'static str, &'static str)> {
        let all = [
            (
                self.failing,
                ("devices d INDEXED BY devices_failing", FAILING),
            ),
            (
                self.unexpected_network,
                ("devices d INDEXED BY devices_unexpected", UNEXPECTED),
            ),
            (
                self.never_seen,
                ("devices d INDEXED BY devices_by_visit", NEVER),
            ),
            (
                self.site.is_some(),
                ("devices d INDEXED BY devices_by_site", AT_SITE),
            ),
            (
                self.state.is_some(),
                ("devices d INDEXED BY devices_by_state", IN_STATE),
            ),
            (
                self.model.is_some(),
                ("devices d INDEXED BY devices_by_model", OF_MODEL),
            ),
            (
                self.disabled == Some(true),
                ("devices d INDEXED BY devices_disabled", OUT_OF_SERVICE),
            ),
        ];
        all.into_iter()
            .find(|(wanted, _)| *wanted)
            .map(|(_, found)| found)
    }

    fn plan(&self, order: Order) -> Plan {
        let added = order.sort == Sort::Added;
        let mut plan = Plan {
            order,
            source: order.sort.source(),
            id: "d.id",
            within: Vec::new(),
            besides: Vec::new(),
        };
        let mut answers: Vec<&str> = order.sort.answers().to_vec();
        if added && let Some(user) = &self.extension {
            plan.source = "settings x INDEXED BY settings_by_extension";
            plan.id = "substr(x.scope, 8)";
            plan.within.push(Condition::text(EXTENSION, user));
            answers.push(HAS_EXTENSION);
        } else if added && let Some((source, answered)) = self.narrowest() {
            plan.source = source;
            answers.push(answered);
        } else if order.sort == Sort::Model
            && let Some(families) = &self.families
        {
            let families = listed(families);
            for sql in [FROM_MODEL, UNTIL_MODEL] {
                plan.within.push(Condition::text(sql, &families));
            }
        }
        for condition in self.conditions() {
            if !answers.contains(&condition.sql) {
                plan.besides.push(condition);
            } else if condition.sql != HAS_EXTENSION {
                plan.within.push(condition);
            }
        }
        plan
    }
}

/// Texts as a JSON array, for `json_each`.
fn listed(texts: &[&str]) -> String {
    serde_json::json!(texts).to_string()
}

/// How a page is read.
struct Plan {
    order: Order,
    /// The table and its index.
    source: &'static str,
    /// A device's id in it.
    id: &'static str,
    /// Conditions that the index answers.
    within: Vec<Condition>,
    /// Conditions that each device is looked at for.
    besides: Vec<Condition>,
}

/// A statement that is being put together, with its values; the first is the tenant.
pub(super) struct Draft<'a> {
    pub sql: String,
    pub args: Vec<Arg<'a>>,
}

impl<'a> Draft<'a> {
    /// Binds a value; its name in the statement.
    pub fn bind(&mut self, value: impl Into<Arg<'a>>) -> String {
        self.args.push(value.into());
        format!("?{}", self.args.len())
    }

    /// Adds conditions, each behind `AND`.
    pub fn also(&mut self, conditions: &'a [Condition]) {
        for condition in conditions {
            let value = match &condition.value {
                Some(Value::Text(text)) => self.bind(text),
                Some(Value::Number(number)) => self.bind(*number),
                None => String::new(),
            };
            // The tenant is `?1` in every condition.
            let sql = condition.sql.replace("?1", "\u{1}").replace('?', &value);
            self.sql.push_str(" AND ");
            self.sql.push_str(&sql.replace('\u{1}', "?1"));
        }
    }
}

impl Plan {
    /// The ids in the order of the list, behind a place.
    fn push_ids<'a>(&'a self, draft: &mut Draft<'a>, after: Option<&'a ListPlace>, most: u32) {
        let Some(after) = after else {
            self.push_part(draft, "", false, most);
            return;
        };
        let sign = if self.order.descending { "<" } else { ">" };
        let id = draft.bind(&after.id);
        let behind = match self.id {
            "d.id" => format!(" AND d.id {sign} {id}"),
            _ => format!(" AND x.scope {sign} 'device:' || {id}"),
        };
        if self.order.sort == Sort::Added {
            self.push_part(draft, &behind, false, most);
            return;
        }
        // Those that are equal in the key, then those behind it: SQLite compares no pair by an index of an
        // expression.
        let key = draft.bind(self.order.sort.bind(&after.key));
        let expression = self.order.sort.key();
        draft.sql.push_str("SELECT * FROM (");
        let equal = format!(" AND {expression} = {key}{behind}");
        self.push_part(draft, &equal, true, most);
        draft.sql.push_str(") UNION ALL SELECT * FROM (");
        let others = format!(" AND {expression} {sign} {key}");
        self.push_part(draft, &others, false, most);
        draft.sql.push(')');
        let most = draft.bind(most);
        draft.sql.push_str(&format!(" LIMIT {most}"));
    }

    /// Ids in the order of the list. Of those that are equal in the key SQLite does not see it where the key is
    /// an expression: it would sort them all, unless it is asked for the order of their ids alone.
    fn push_part<'a>(&'a self, draft: &mut Draft<'a>, behind: &str, are_equal: bool, most: u32) {
        let (id, key) = (self.id, self.order.sort.key());
        let whose = if id == "d.id" { "d" } else { "x" };
        draft.sql.push_str(&format!(
            "SELECT {id} AS place_id, CAST({key} AS TEXT) AS place_key FROM {} \
             WHERE {whose}.tenant_id = ?1",
            self.source
        ));
        draft.also(&self.within);
        draft.sql.push_str(behind);
        let way = if self.order.descending { " DESC" } else { "" };
        let id = if whose == "d" { "d.id" } else { "x.scope" };
        let order = match self.order.sort {
            Sort::Added => format!("{id}{way}"),
            _ if are_equal => format!("{id}{way}"),
            _ => format!("{key}{way}, {id}{way}"),
        };
        let most = draft.bind(most);
        draft
            .sql
            .push_str(&format!(" ORDER BY {order} LIMIT {most}"));
    }

    /// The statement that reads a page.
    fn page<'a, T: Placed>(
        &'a self,
        tenant_id: &'a str,
        after: Option<&'a ListPlace>,
        limit: u32,
    ) -> Draft<'a> {
        let mut draft = Draft {
            sql: format!("SELECT {}, {} FROM (", T::KEY, T::COLUMNS),
            args: vec![tenant_id.into()],
        };
        let most = match self.besides.is_empty() {
            true => limit,
            false => MAX_LOOKED_AT,
        };
        self.push_ids(&mut draft, after, most);
        draft
            .sql
            .push_str(&format!(") CROSS JOIN {} WHERE d.id = place_id", T::TABLES));
        draft.also(&self.besides);
        let limit = draft.bind(limit);
        draft.sql.push_str(&format!(" LIMIT {limit}"));
        draft
    }

    /// The statement that reads the last place that is looked at.
    fn last<'a>(&'a self, tenant_id: &'a str, after: Option<&'a ListPlace>) -> Draft<'a> {
        let mut draft = Draft {
            sql: "SELECT place_id AS id, place_key AS key FROM (".to_owned(),
            args: vec![tenant_id.into()],
        };
        self.push_ids(&mut draft, after, MAX_LOOKED_AT);
        let place = draft.bind(MAX_LOOKED_AT - 1);
        draft.sql.push_str(&format!(") LIMIT 1 OFFSET {place}"));
        draft
    }
}

/// Devices of a tenant behind a place.
pub async fn list<T: Placed>(
    db: &Db,
    tenant_id: &str,
    filter: &Filter,
    order: Order,
    after: Option<&ListPlace>,
    limit: u32,
) -> Result<PageRows<T, ListPlace>, StorageError> {
    let plan = filter.plan(order);
    let draft = plan.page::<T>(tenant_id, after, limit);
    let mut rows: Vec<T> = db.rows(&draft.sql, &draft.args).await?;
    let is_full = rows.len() == limit as usize;
    // Two lines of a device may have one user.
    rows.dedup_by(|one, other| one.id() == other.id());
    let mut ended_at = rows
        .last()
        .filter(|_| is_full && rows.len() < limit as usize)
        .map(Placed::place);
    if !plan.besides.is_empty() && !is_full {
        let draft = plan.last(tenant_id, after);
        ended_at = db.row(&draft.sql, &draft.args).await?;
    }
    Ok(PageRows { rows, ended_at })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use ringfence_sql::{Memory, Sql, args};

    use super::*;
    use crate::store::testing::with_schema;

    /// What a device is, in few values, so that devices are alike in many ways.
    #[derive(Clone, Debug)]
    struct Device {
        id: String,
        state: KeyState,
        model: usize,
        label: usize,
        disabled: bool,
        seen: Option<u64>,
        taken: Option<u64>,
        version: u64,
        failed: Option<u64>,
        unexpected: bool,
        changed: u64,
        extension: Option<usize>,
    }

    /// The second and the third are of one family.
    const MODELS: [(&str, &str); 3] = [("A", "utg"), ("B", "ut"), ("C", "ut")];
    const TENANT_VERSION: u64 = 4;

    fn device() -> impl Strategy<Value = Device> {
        let few = || prop::option::of(1..4_u64);
        let state = prop::sample::select(KeyState::ALL.to_vec());
        let what = (state, 0..3_usize, 0..3_usize, any::<bool>());
        let files = (few(), prop::option::of(1..6_u64), 1..6_u64, few());
        let rest = (any::<bool>(), 0..3_u64, prop::option::of(0..2_usize));
        (what, files, rest).prop_map(|(what, files, rest)| Device {
            id: String::new(),
            state: what.0,
            model: what.1,
            label: what.2,
            disabled: what.3,
            seen: files.0,
            taken: files.1,
            version: files.2,
            failed: files.3,
            unexpected: rest.0,
            changed: rest.1,
            extension: rest.2,
        })
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let state = prop::option::weighted(0.2, prop::sample::select(KeyState::ALL.to_vec()));
        let model = prop::option::weighted(0.2, prop::sample::select(vec!["A", "B"]));
        let families = prop::option::weighted(0.2, prop::sample::select(vec!["ut", "utg"]));
        let rarely = || prop::bool::weighted(0.2);
        let time = || prop::option::weighted(0.2, 1..4_u64);
        let extension = prop::option::weighted(0.2, prop::sample::select(vec!["10", "11"]));
        let disabled = prop::option::weighted(0.2, any::<bool>());
        let what = (state, model, families, disabled, extension);
        let more = (rarely(), time(), time(), rarely(), rarely(), rarely());
        (what, more).prop_map(|(what, more)| Filter {
            state: what.0,
            model: what.1.map(Into::into),
            families: what.2.map(|family| vec![family]),
            site: None,
            disabled: what.3,
            never_seen: more.0,
            seen_before: more.1,
            seen_after: more.2,
            stale_below: more.3.then_some(TENANT_VERSION),
            failing: more.4,
            unexpected_network: more.5,
            extension: what.4.map(Into::into),
        })
    }

    impl Device {
        fn fits(&self, filter: &Filter) -> bool {
            let (model, family) = MODELS.get(self.model).unwrap();
            let seen = self.seen.unwrap_or_default();
            let stale = |below: u64| self.taken.is_some_and(|it| it < self.version.max(below));
            filter.state.is_none_or(|state| state == self.state)
                && filter.model.as_ref().is_none_or(|it| it == model)
                && filter
                    .families
                    .as_ref()
                    .is_none_or(|all| all.contains(family))
                && filter.disabled.is_none_or(|it| it == self.disabled)
                && (!filter.never_seen || self.seen.is_none())
                && filter
                    .seen_before
                    .is_none_or(|at| self.seen.is_some() && seen < at)
                && filter.seen_after.is_none_or(|at| seen >= at)
                && filter.stale_below.is_none_or(stale)
                && (!filter.failing || self.failed.is_some_and(|at| at > seen))
                && (!filter.unexpected_network || self.unexpected)
                && filter
                    .extension
                    .as_ref()
                    .is_none_or(|user| self.extension.is_some_and(|it| *user == format!("1{it}")))
        }

        /// What it is sorted by.
        fn key(&self, sort: Sort) -> (u64, String) {
            let number = |number| (number, String::new());
            match sort {
                Sort::Added => number(0),
                Sort::Mac => (0, self.id.clone()),
                Sort::Label => (0, self.label.to_string()),
                Sort::Model => number(self.model as u64),
                Sort::LastSeen => number(self.seen.unwrap_or_default()),
                Sort::Changed => number(self.changed),
                Sort::Taken => number(self.taken.filter(|it| *it >= self.version).unwrap_or(0)),
            }
        }
    }

    thread_local! {
        static DATABASE: Memory = with_schema();
    }

    fn database(devices: &[Device]) -> Memory {
        let memory = DATABASE.with(Memory::clone);
        for table in ["settings", "devices", "models", "tenants"] {
            memory.run(&format!("DELETE FROM {table}"), &[]).unwrap();
        }
        let tenant = "INSERT INTO tenants (id, name, options, seq, version, created_at, updated_at) \
             VALUES ('T', 'T', '{}', 9, ?1, 0, 0)";
        memory.run(tenant, args![TENANT_VERSION]).unwrap();
        for (name, family) in MODELS {
            let model = "INSERT INTO models (tenant_id, name, family, created_at, updated_at) \
                 VALUES ('T', ?1, ?2, 0, 0)";
            memory.run(model, args![name, family]).unwrap();
        }
        for device in devices {
            let (model, _) = MODELS.get(device.model).unwrap();
            memory
                .run(
                    "INSERT INTO devices (id, tenant_id, mac, model, label, disabled, version, fenced_at, \
                     key_state, generation, key_wrapped, key_master, key_fingerprint, armed_at, \
                     last_seen_at, fetched_version, failed_at, unexpected_network, created_at, updated_at) \
                     VALUES (?1, 'T', ?1, ?2, ?3, ?4, ?5, 0, ?6, 1, '', 'k', ?1, 0, ?7, ?8, ?9, ?10, 0, ?11)",
                    args![
                        &device.id,
                        *model,
                        device.label.to_string(),
                        device.disabled,
                        device.version,
                        device.state.as_str(),
                        device.seen,
                        device.taken,
                        device.failed,
                        device.unexpected,
                        device.changed
                    ],
                )
                .unwrap();
            if let Some(user) = device.extension {
                let setting = "INSERT INTO settings (tenant_id, scope, name, value) \
                     VALUES ('T', 'device:' || ?1, 'line_' || ?2 || '_user', ?3)";
                // Some have it on two lines.
                for line in 1..=1 + u32::from(device.disabled) {
                    let user = format!("1{user}");
                    memory.run(setting, args![&device.id, line, user]).unwrap();
                }
            }
        }
        memory
    }

    /// All pages, one after the other.
    fn pages(memory: &Memory, filter: &Filter, order: Order, limit: u32) -> Vec<String> {
        let plan = filter.plan(order);
        let mut found: Vec<String> = Vec::new();
        let mut after: Option<ListPlace> = None;
        loop {
            let draft = plan.page::<ListPlace>("T", after.as_ref(), limit);
            let places: Vec<ListPlace> = memory.rows(&draft.sql, &draft.args).unwrap();
            let draft = plan.page::<Listed>("T", after.as_ref(), limit);
            let rows: Vec<Listed> = memory.rows(&draft.sql, &draft.args).unwrap();
            let of_rows: Vec<ListPlace> = rows.iter().map(Placed::place).collect();
            assert_eq!(places, of_rows);
            let Some(last) = rows.last() else { break };
            after = Some(last.place());
            for row in rows {
                // As `list` does it; here also over the bounds of pages.
                if found.last() != Some(&row.device.id) {
                    found.push(row.device.id);
                }
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever is filtered and sorted by, the pages together have each device that fits once, in its
        /// place.
        #[test]
        fn pages_have_every_device_that_fits_once_and_in_order(
            devices in prop::collection::vec(device(), 0..25),
            filter in filter(),
            sort in prop::option::of(prop::sample::select(vec![
                Sort::Added, Sort::Mac, Sort::Label, Sort::Model, Sort::LastSeen, Sort::Changed,
            ])),
            descending in any::<bool>(),
            limit in 1..8_u32,
        ) {
            let devices: Vec<Device> = devices.into_iter().enumerate()
                .map(|(at, device)| Device { id: format!("D{at:02}"), ..device }).collect();
            let memory = database(&devices);
            let order = sort.map_or_else(|| filter.order(), |sort| Order { sort, descending });
            let mut expected: Vec<&Device> = devices.iter().filter(|it| it.fits(&filter)).collect();
            expected.sort_by_key(|device| (device.key(order.sort), device.id.clone()));
            if order.descending {
                expected.reverse();
            }
            let expected: Vec<&str> = expected.iter().map(|device| device.id.as_str()).collect();
            prop_assert_eq!(pages(&memory, &filter, order, limit), expected);
        }
    }
}
