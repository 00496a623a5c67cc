//! What phones' requests leave to be written: events, the devices and access paths that were seen, phones that are no
//! device. Of many requests at once, each as one statement.
//!
//! The lists go over as JSON, so the number of statements does not depend on how many requests there are. A tenant that is gone
//! meanwhile takes nothing of the others with it.

use std::collections::BTreeMap;

use ringfence_sql::Arg;
use serde::{Deserialize, Serialize};

use super::json::json;
use super::unknown::{self, Recorded, Sighting};
use crate::db::{D1Result, Db, Statement, StorageError, rows};
use crate::platform::MINUTE_MS;

/// Counts the requests of tenants' minutes, whether they are written or not.
const COUNT: &str = "INSERT INTO event_minutes (tenant_id, minute, seen) \
     SELECT t.id, m.value ->> 'minute', m.value ->> 'number' FROM json_each(?1) m \
     JOIN tenants t ON t.id = m.value ->> 'tenant_id' WHERE true \
     ON CONFLICT DO UPDATE SET seen = seen + excluded.seen RETURNING tenant_id, minute, seen";

/// Writes events, as long as their minutes had room: those that were counted together with one and come `behind` it in its
/// minute do not take its room.
const WRITE: &str = "INSERT INTO phone_events (id, tenant_id, device_id, mac, kind, form, outcome, reason, \
     status, bytes, address, user_agent, country, request_id, detail, at, path, access_path) \
     SELECT e.value ->> 'id', m.tenant_id, e.value ->> 'device_id', e.value ->> 'mac', \
     e.value ->> 'kind', e.value ->> 'form', e.value ->> 'outcome', e.value ->> 'reason', \
     e.value ->> 'status', e.value ->> 'bytes', e.value ->> 'address', e.value ->> 'user_agent', \
     e.value ->> 'country', e.value ->> 'request_id', e.value ->> 'detail', e.value ->> 'at', \
     e.value ->> 'path', coalesce(e.value ->> 'access_path', \
     (SELECT id FROM access_paths WHERE hash = e.value ->> 'access_path_hash')) \
     FROM json_each(?1) e JOIN event_minutes m \
     ON m.tenant_id = e.value ->> 'tenant_id' AND m.minute = e.value ->> 'minute' \
     WHERE m.seen - (e.value ->> 'behind') <= (e.value ->> 'limit') ON CONFLICT (tenant_id, id) DO NOTHING";

/// Notes which version was taken, where it is another one than the last. Answers are recorded in any order, so what was taken and
/// who was here are each compared with their own time: the record of a later product file must not cost the one about the standard
/// file before it. Before [`SEEN`], which moves that time on. By itself, for the version is in an index, and a phone that asks for
/// what it has would write it each time.
const TAKEN: &str = "UPDATE devices SET fetched_version = s.taken \
     FROM (SELECT value ->> 'tenant_id' AS tenant_id, value ->> 'device_id' AS device_id, \
     value ->> 'taken' AS taken, value ->> 'taken_at' AS taken_at FROM json_each(?1)) s \
     WHERE devices.id = s.device_id AND devices.tenant_id = s.tenant_id AND s.taken IS NOT NULL \
     AND fetched_version IS NOT s.taken AND coalesce(fetched_at, 0) <= s.taken_at";

/// Notes who was here.
const SEEN: &str = "UPDATE devices SET last_seen_at = max(coalesce(last_seen_at, s.at), s.at), \
     last_seen_address = CASE WHEN last_seen_at > s.at THEN last_seen_address ELSE s.address END, \
     last_seen_user_agent = CASE WHEN last_seen_at > s.at THEN last_seen_user_agent \
     ELSE s.user_agent END, \
     fetched_at = CASE WHEN s.taken_at IS NULL OR fetched_at > s.taken_at THEN fetched_at \
     ELSE s.taken_at END \
     FROM (SELECT value ->> 'tenant_id' AS tenant_id, value ->> 'device_id' AS device_id, \
     value ->> 'at' AS at, value ->> 'address' AS address, value ->> 'user_agent' AS user_agent, \
     value ->> 'taken_at' AS taken_at FROM json_each(?1)) s \
     WHERE devices.id = s.device_id AND devices.tenant_id = s.tenant_id \
     RETURNING id AS device_id, version, generation, disabled, forward_until";

/// Notes under which access path devices got a file. Nothing is written where the record is younger than `?2`, nor where access
/// path or device is gone.
const USED_BY_DEVICE: &str = "INSERT INTO access_path_devices (access_path_id, device_id, last_at) \
     SELECT a.id, d.id, u.value ->> 'at' FROM json_each(?1) u \
     JOIN access_paths a ON a.hash = u.value ->> 'hash' \
     JOIN devices d ON d.id = u.value ->> 'device_id' WHERE true \
     ON CONFLICT DO UPDATE SET last_at = excluded.last_at WHERE last_at <= excluded.last_at - ?2";

/// The same where it is known of no device.
const USED: &str = "UPDATE access_paths SET last_used_at = u.at \
     FROM (SELECT value ->> 'hash' AS hash, value ->> 'at' AS at FROM json_each(?1)) u \
     WHERE access_paths.hash = u.hash AND (last_used_at IS NULL OR last_used_at <= u.at - ?2)";

/// How exact the times are at which access paths were used: oftener than that nothing is written.
pub const USE_STEP_MS: u64 = 3600 * 1000;

/// What one request leaves.
#[derive(Default)]
pub struct Leaves<'a> {
    pub event: Option<NewEvent<'a>>,
    /// Earlier events that are counted and not written.
    pub uncounted: Option<Uncounted<'a>>,
    pub seen: Option<SeenDevice<'a>>,
    pub used: Option<Use<'a>>,
    /// With an event alone.
    pub sighting: Option<Sighting<'a>>,
}

/// An event to be written.
#[derive(Clone, Copy, Serialize)]
pub struct NewEvent<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub device_id: Option<&'a str>,
    pub mac: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub form: Option<&'a str>,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub status: u16,
    pub bytes: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub country: &'a str,
    pub request_id: &'a str,
    pub detail: Option<&'a str>,
    pub at: u64,
    /// What was asked for, fit to be read; of a request that got a file there is none.
    pub path: Option<&'a str>,
    /// Id of the access path; `None` where KV has a value of before it knew it.
    pub access_path: Option<&'a str>,
    /// By which the id is looked up then.
    pub access_path_hash: &'a str,
    /// How many a minute may be written.
    pub limit: u32,
}

impl NewEvent<'_> {
    /// Of Unix time.
    pub fn minute(&self) -> u64 {
        self.at / MINUTE_MS
    }
}

/// Events that were not written, to be counted in their minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncounted<'a> {
    pub tenant_id: &'a str,
    pub minute: u64,
    pub number: u64,
}

/// That a device was here; `fetched` is the version of the standard file it took, if it did.
#[derive(Clone, Copy)]
pub struct SeenDevice<'a> {
    /// Where it asked. One that left the tenant meanwhile was not here: versions are the tenant's.
    pub tenant_id: &'a str,
    pub device_id: &'a str,
    pub now: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub fetched: Option<u64>,
}

/// That a file went out under an access path.
#[derive(Clone, Copy)]
pub struct Use<'a> {
    /// Its SHA-256, hex.
    pub hash: &'a str,
    /// The device that got it, if it is known.
    pub device_id: Option<&'a str>,
    pub now: u64,
}

/// A device's files as they have to be now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CurrentFiles {
    /// Of the device's last change.
    pub version: u64,
    pub generation: u32,
    pub disabled: i64,
    /// Until when the tenant that it was in sends it here, if it did not come before.
    pub forward_until: Option<u64>,
}

impl CurrentFiles {
    /// Whether the tenant that it was in sends the phone here: it came.
    pub fn is_expected(&self) -> bool {
        self.forward_until.is_some()
    }

    /// Whether a file of that version, and of that generation where it is sealed, may no longer
    /// be served to the device.
    pub fn voids(&self, version: u64, generation: Option<u32>) -> bool {
        self.disabled != 0
            || version < self.version
            || generation.is_some_and(|served| served != self.generation)
    }
}

/// What is known once it is written.
#[derive(Debug, Default)]
pub struct WrittenRequests {
    minutes: BTreeMap<(String, u64), u64>,
    devices: BTreeMap<String, CurrentFiles>,
    /// Of the phones that are no device, those that had room.
    pub unknown: Vec<Recorded>,
}

impl WrittenRequests {
    /// How many events a tenant's minute has seen, these included.
    pub fn minute(&self, tenant_id: &str, minute: u64) -> u64 {
        let key = (tenant_id.to_owned(), minute);
        self.minutes.get(&key).copied().unwrap_or_default()
    }

    /// A device that was seen; `None` if there is no such device (any more).
    pub fn device(&self, device_id: &str) -> Option<CurrentFiles> {
        self.devices.get(device_id).copied()
    }
}

/// How many statements [`write()`] takes at most.
pub const MAX_STATEMENTS: usize = 8;

/// Writes what requests leave: all of it, or nothing.
pub async fn write(db: &Db, all: &[Leaves<'_>]) -> Result<WrittenRequests, StorageError> {
    let lists = Lists::of(all);
    let mut batch = Batch::default();
    let minutes = batch.add(COUNT, &lists.minutes, &[])?;
    batch.add(WRITE, &lists.events, &[])?;
    batch.add(TAKEN, &lists.taken(), &[])?;
    let devices = batch.add(SEEN, &lists.seen, &[])?;
    batch.add(USED_BY_DEVICE, &lists.by_devices, &[USE_STEP_MS])?;
    batch.add(USED, &lists.used, &[USE_STEP_MS])?;
    let unknown = batch.add(unknown::RECORD, &lists.sightings, &unknown::MAX_ADDED)?;
    batch.add(unknown::COUNT, &lists.sightings, &[])?;
    if batch.statements.is_empty() {
        return Ok(WrittenRequests::default());
    }
    let results = db.batch(batch.statements).await?;
    let unknown = unknown.and_then(|place| results.get(place));
    Ok(WrittenRequests {
        minutes: minutes_of(&results, minutes)?,
        devices: devices_of(&results, devices)?,
        unknown: unknown.map(rows).transpose()?.unwrap_or_default(),
    })
}

#[derive(Default)]
struct Batch {
    statements: Vec<Statement>,
}

impl Batch {
    /// Adds a statement about a list, if there is anything in it: its place.
    fn add<T: Serialize>(
        &mut self,
        sql: &str,
        list: &[T],
        more: &[u64],
    ) -> Result<Option<usize>, StorageError> {
        if list.is_empty() {
            return Ok(None);
        }
        let text = json(&list)?;
        let mut values = vec![Arg::from(text.as_str())];
        values.extend(more.iter().copied().map(Arg::from));
        self.statements.push(Statement::new(sql, &values));
        Ok(Some(self.statements.len() - 1))
    }
}

fn minutes_of(
    results: &[D1Result],
    place: Option<usize>,
) -> Result<BTreeMap<(String, u64), u64>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        tenant_id: String,
        minute: u64,
        seen: u64,
    }
    let found = place.and_then(|place| results.get(place));
    let found: Vec<Row> = found.map(rows).transpose()?.unwrap_or_default();
    let all = found.into_iter();
    Ok(all
        .map(|row| ((row.tenant_id, row.minute), row.seen))
        .collect())
}

fn devices_of(
    results: &[D1Result],
    place: Option<usize>,
) -> Result<BTreeMap<String, CurrentFiles>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        device_id: String,
        #[serde(rename = "$files")]
        files: CurrentFiles,
    }
    let found = place.and_then(|place| results.get(place));
    let found: Vec<Row> = found.map(rows).transpose()?.unwrap_or_default();
    let all = found.into_iter();
    Ok(all.map(|row| (row.device_id, row.files)).collect())
}

/// What statements are given, as their JSON says it.
#[derive(Default)]
struct Lists<'a> {
    minutes: Vec<MinuteItem<'a>>,
    events: Vec<EventItem<'a>>,
    seen: Vec<SeenItem<'a>>,
    by_devices: Vec<UseItem<'a>>,
    used: Vec<UseItem<'a>>,
    sightings: Vec<unknown::Item<'a>>,
}

#[derive(Serialize)]
struct MinuteItem<'a> {
    tenant_id: &'a str,
    minute: u64,
    number: u64,
}

#[derive(Serialize)]
struct EventItem<'a> {
    #[serde(flatten)]
    event: NewEvent<'a>,
    minute: u64,
    behind: u64,
}

#[derive(Serialize)]
struct SeenItem<'a> {
    tenant_id: &'a str,
    device_id: &'a str,
    at: u64,
    address: &'a str,
    user_agent: &'a str,
    taken: Option<u64>,
    taken_at: Option<u64>,
}

#[derive(Serialize)]
struct UseItem<'a> {
    hash: &'a str,
    device_id: Option<&'a str>,
    at: u64,
}

impl<'a> Lists<'a> {
    /// The devices that took a version.
    fn taken(&self) -> Vec<&SeenItem<'a>> {
        let seen = self.seen.iter();
        seen.filter(|item| item.taken.is_some()).collect()
    }

    fn of(all: &'a [Leaves<'a>]) -> Self {
        let mut lists = Self::default();
        // How many events each minute gets: of those, how many come behind one is known once all are counted.
        let mut minutes: BTreeMap<(&str, u64), (u64, u64)> = BTreeMap::new();
        for leaves in all {
            if let Some(uncounted) = leaves.uncounted {
                let key = (uncounted.tenant_id, uncounted.minute);
                minutes.entry(key).or_default().1 += uncounted.number;
            }
            if let Some(event) = &leaves.event {
                minutes
                    .entry((event.tenant_id, event.minute()))
                    .or_default()
                    .0 += 1;
            }
        }
        let counted = minutes.iter();
        lists.minutes = counted
            .map(|(&(tenant_id, minute), (events, others))| MinuteItem {
                tenant_id,
                minute,
                number: events + others,
            })
            .collect();
        let mut devices: BTreeMap<&str, SeenItem<'a>> = BTreeMap::new();
        for leaves in all {
            lists.add_event(leaves, &mut minutes);
            if let Some(seen) = leaves.seen {
                devices
                    .entry(seen.device_id)
                    .and_modify(|item| item.also(&seen))
                    .or_insert_with(|| SeenItem::from(&seen));
            }
            if let Some(used) = leaves.used {
                lists.add_use(used);
            }
        }
        lists.seen = devices.into_values().collect();
        lists
    }

    fn add_use(&mut self, used: Use<'a>) {
        let item = UseItem {
            hash: used.hash,
            device_id: used.device_id,
            at: used.now,
        };
        if used.device_id.is_some() {
            self.by_devices.push(item);
            return;
        }
        // A row is updated once by one statement.
        match self.used.iter_mut().find(|known| known.hash == used.hash) {
            Some(known) => known.at = known.at.max(used.now),
            None => self.used.push(item),
        }
    }

    fn add_event(
        &mut self,
        leaves: &'a Leaves<'a>,
        minutes: &mut BTreeMap<(&'a str, u64), (u64, u64)>,
    ) {
        let Some(event) = leaves.event else {
            return;
        };
        let left = minutes
            .entry((event.tenant_id, event.minute()))
            .or_default();
        left.0 = left.0.saturating_sub(1);
        let behind = left.0;
        let sighting = leaves.sighting.as_ref();
        self.sightings
            .extend(sighting.map(|sighting| unknown::Item {
                sighting,
                minute: event.minute(),
                reach: u64::from(event.limit) + behind,
            }));
        self.events.push(EventItem {
            event,
            minute: event.minute(),
            behind,
        });
    }
}

impl<'a> From<&SeenDevice<'a>> for SeenItem<'a> {
    fn from(seen: &SeenDevice<'a>) -> Self {
        Self {
            tenant_id: seen.tenant_id,
            device_id: seen.device_id,
            at: seen.now,
            address: seen.address,
            user_agent: seen.user_agent,
            taken: seen.fetched,
            taken_at: seen.fetched.map(|_| seen.now),
        }
    }
}

impl<'a> SeenItem<'a> {
    /// The same device once more: what is later counts.
    fn also(&mut self, seen: &SeenDevice<'a>) {
        if seen.now >= self.at {
            self.tenant_id = seen.tenant_id;
            self.at = seen.now;
            self.address = seen.address;
            self.user_agent = seen.user_agent;
        }
        if seen.fetched.is_some() && self.taken_at.is_none_or(|at| seen.now >= at) {
            self.taken = seen.fetched;
            self.taken_at = Some(seen.now);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use ringfence_sql::{Memory, Sql as _, args};

    use super::*;
    use crate::store::testing;

    fn event<'a>(id: &'a str, tenant_id: &'a str, limit: u32) -> NewEvent<'a> {
        NewEvent {
            id,
            tenant_id,
            device_id: None,
            mac: None,
            kind: Some("standard"),
            form: Some("sealed"),
            outcome: "served",
            reason: "sealed",
            status: 200,
            bytes: 7,
            address: "192.0.2.1",
            user_agent: "x\"}]",
            country: "",
            request_id: "r",
            detail: None,
            at: MINUTE_MS + 5,
            path: None,
            access_path: None,
            access_path_hash: "h",
            limit,
        }
    }

    fn seen<'a>(device_id: &'a str, now: u64, fetched: Option<u64>) -> SeenDevice<'a> {
        SeenDevice {
            tenant_id: "T",
            device_id,
            now,
            address: if now > 10 { "new" } else { "old" },
            user_agent: "ua",
            fetched,
        }
    }

    /// Runs the statements as [`write`] has them run.
    fn run(memory: &Memory, all: &[Leaves<'_>]) {
        let lists = Lists::of(all);
        let list = |sql, text: String| {
            if text != "[]" {
                let step: &[Arg<'_>] = args![text.as_str(), USE_STEP_MS];
                let number = if sql == USED || sql == USED_BY_DEVICE {
                    2
                } else {
                    1
                };
                let values = step.get(..number).unwrap();
                let _: Vec<serde_json::Value> = memory.rows(sql, values).unwrap();
            }
        };
        list(COUNT, json(&lists.minutes).unwrap());
        list(WRITE, json(&lists.events).unwrap());
        list(TAKEN, json(&lists.taken()).unwrap());
        list(SEEN, json(&lists.seen).unwrap());
        list(USED_BY_DEVICE, json(&lists.by_devices).unwrap());
        list(USED, json(&lists.used).unwrap());
    }

    fn with_phone() -> Memory {
        let memory = testing::with_tenant();
        for sql in [
            "INSERT INTO models (tenant_id, name, family, created_at, updated_at) VALUES ('T', 'M', 'utg', 7, 7)",
            "INSERT INTO access_paths (id, tenant_id, hash, label, created_at) VALUES ('A', 'T', 'h', '', 7)",
            "INSERT INTO devices (id, tenant_id, mac, model, version, fenced_at, key_state, generation, \
             ever_delivered, key_wrapped, key_master, key_fingerprint, armed_at, created_at, updated_at) \
             VALUES ('D', 'T', '0080F0000001', 'M', 3, 0, 'confirmed', 2, 1, 'w', 'k', 'f', 7, 7, 7)",
        ] {
            memory.run(sql, &[]).unwrap();
        }
        memory
    }

    /// The values of a query with one column.
    fn values<T: serde::de::DeserializeOwned>(memory: &Memory, sql: &str) -> Vec<T> {
        let rows: Vec<BTreeMap<String, serde_json::Value>> = memory.rows(sql, &[]).unwrap();
        rows.into_iter()
            .flat_map(BTreeMap::into_values)
            .map(|value| serde_json::from_value(value).unwrap())
            .collect()
    }

    fn value<T: serde::de::DeserializeOwned>(memory: &Memory, sql: &str) -> T {
        values(memory, sql).remove(0)
    }

    #[test]
    fn a_minute_takes_as_many_as_it_has_room_for_and_counts_all() {
        let memory = with_phone();
        let ids: Vec<String> = (0..8).map(|number| format!("E{number}")).collect();
        let of = |ids: &[String], uncounted| {
            let mut all: Vec<Leaves<'_>> = Vec::new();
            for id in ids {
                all.push(Leaves {
                    event: Some(event(id, "T", 5)),
                    ..Leaves::default()
                });
            }
            if let Some(first) = all.first_mut() {
                first.uncounted = uncounted;
            }
            run(&memory, &all);
        };
        let (first, rest) = ids.split_at(3);
        of(first, None);
        // Two of these have room, and what was counted elsewhere takes it before them.
        let uncounted = Uncounted {
            tenant_id: "T",
            minute: 1,
            number: 1,
        };
        of(rest, Some(uncounted));
        let written: Vec<String> = values(&memory, "SELECT id FROM phone_events ORDER BY id");
        assert_eq!(written, ["E0", "E1", "E2", "E3"]);
        let seen: u64 = value(&memory, "SELECT seen FROM event_minutes");
        assert_eq!(seen, 9);
        let agent: String = value(&memory, "SELECT user_agent FROM phone_events LIMIT 1");
        assert_eq!(agent, "x\"}]", "hostile text stays in its field");
        let path: String = value(&memory, "SELECT access_path FROM phone_events LIMIT 1");
        assert_eq!(path, "A", "looked up by its hash");
    }

    #[test]
    fn a_tenant_that_is_gone_takes_nothing_with_it_and_an_event_is_written_once() {
        let memory = with_phone();
        let all = ["T", "GONE", "T"].map(|tenant| Leaves {
            event: Some(event(if tenant == "T" { "E" } else { "G" }, tenant, 9)),
            ..Leaves::default()
        });
        run(&memory, &all);
        run(&memory, &all);
        let written: Vec<String> = values(&memory, "SELECT id FROM phone_events");
        assert_eq!(written, ["E"]);
    }

    #[test]
    fn who_was_here_is_the_last_one_and_what_was_taken_stays() {
        let memory = with_phone();
        let here = |all: &[(u64, Option<u64>)]| {
            let all: Vec<Leaves<'_>> = all
                .iter()
                .map(|&(now, fetched)| Leaves {
                    seen: Some(seen("D", now, fetched)),
                    ..Leaves::default()
                })
                .collect();
            run(&memory, &all);
            let sql = "SELECT last_seen_at || ' ' || last_seen_address || ' ' || fetched_version || ' ' || \
                       fetched_at FROM devices";
            value::<String>(&memory, sql)
        };
        assert_eq!(
            here(&[(9, Some(3)), (12, None), (8, Some(2))]),
            "12 new 3 9"
        );
        // Recorded late: it was here before.
        assert_eq!(here(&[(10, Some(4))]), "12 new 4 10");
        assert_eq!(here(&[(5, Some(1))]), "12 new 4 10");
    }

    #[test]
    fn a_use_is_noted_and_not_again_within_the_hour() {
        let memory = with_phone();
        let used = |device_id, now| {
            let used = Some(Use {
                hash: "h",
                device_id,
                now,
            });
            let leaves = || Leaves {
                used,
                ..Leaves::default()
            };
            run(&memory, &[leaves(), leaves()]);
        };
        let at = |sql| value::<u64>(&memory, sql);
        for now in [1000, 2000] {
            used(Some("D"), now);
            used(None, now);
            used(Some("NOBODY"), now);
        }
        assert_eq!(at("SELECT last_at FROM access_path_devices"), 1000);
        assert_eq!(at("SELECT last_used_at FROM access_paths"), 1000);
        let later = 1000 + USE_STEP_MS;
        used(Some("D"), later);
        used(None, later);
        assert_eq!(at("SELECT last_at FROM access_path_devices"), later);
        assert_eq!(at("SELECT last_used_at FROM access_paths"), later);
    }

    #[test]
    fn nothing_that_is_written_reads_a_whole_table() {
        let memory = with_phone();
        let leaves = Leaves {
            event: Some(event("E", "T", 9)),
            seen: Some(seen("D", 9, Some(3))),
            used: Some(Use {
                hash: "h",
                device_id: None,
                now: 9,
            }),
            ..Leaves::default()
        };
        run(&memory, &[leaves]);
        assert_eq!(memory.scans(), Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Many at once leave what they would leave one by one.
        #[test]
        fn together_is_as_one_by_one(
            list in proptest::collection::vec((0..3u32, 1..30u64, proptest::option::of(1..9u64), any::<bool>()), 1..40),
            limit in 0..20u32,
        ) {
            let (together, alone) = (with_phone(), with_phone());
            let ids: Vec<String> = (0..list.len()).map(|number| format!("E{number:03}")).collect();
            let all: Vec<Leaves<'_>> = list.iter().zip(&ids).map(|(&(minute, at, fetched, is_seen), id)| Leaves {
                event: Some(NewEvent { at: MINUTE_MS * u64::from(minute) + at, ..event(id, "T", limit) }),
                // Times differ: of two at once either may be the last.
                seen: is_seen.then(|| seen("D", at * 100 + id.len() as u64, fetched)),
                ..Leaves::default()
            }).collect();
            run(&together, &all);
            for one in all.chunks(1) {
                run(&alone, one);
            }
            for sql in [
                "SELECT group_concat(id) FROM (SELECT id FROM phone_events ORDER BY id)",
                "SELECT group_concat(minute || ':' || seen) FROM (SELECT * FROM event_minutes ORDER BY minute)",
                "SELECT last_seen_at || ' ' || fetched_at || ' ' || fetched_version FROM devices",
            ] {
                let of = |memory: &Memory| values::<Option<String>>(memory, sql);
                prop_assert_eq!(of(&together), of(&alone));
            }
        }
    }

    #[test]
    fn a_file_of_before_a_change_or_under_another_key_is_void() {
        let now = CurrentFiles {
            version: 5,
            generation: 2,
            disabled: 0,
            forward_until: None,
        };
        assert!(!now.voids(5, Some(2)));
        assert!(!now.voids(9, None));
        assert!(now.voids(4, Some(2)));
        assert!(now.voids(9, Some(1)));
        assert!(CurrentFiles { disabled: 1, ..now }.voids(9, Some(2)));
    }
}
