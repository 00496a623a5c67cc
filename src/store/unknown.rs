//! Phones that ask under a tenant's access path and are no device of the tenant.
//!
//! Whoever has the access path may ask for any MAC and call itself what it likes, so all of this is bounded, by
//! tenant and by minute, and a scan pushes out nobody who keeps coming back:
//!
//! | who | rows of a tenant | falls out |
//! |---|---|---|
//! | called itself a phone of a vendor we know, and came again | [`MAX_RETURNING`] | only for another one, and only after [`AWAY_MS`] without a request |
//! | everybody else | [`MAX_PASSING`] | the oldest, those first that do not call themselves a phone |
//!
//! A minute adds [`MAX_NEW`] rows, [`MAX_NEW_STRANGERS`] once those that do not call themselves a phone are
//! concerned, and none when it has no room for events. Whoever has a row costs no more than its event does.

use std::collections::BTreeSet;

use ringfence_sql::args;
use serde::{Deserialize, Serialize, Serializer};

use super::json::json;
use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError};

/// How many phones that came again a tenant has rows for.
const MAX_RETURNING: u32 = 300;

/// How many others.
const MAX_PASSING: u32 = 200;

/// How long a phone that came again keeps its row before another one may have it.
const AWAY_MS: u64 = 24 * 3600 * 1000;

/// How many rows a minute adds for those that call themselves phones.
const MAX_NEW: u64 = 100;

/// From how many added rows on a minute adds none for those that do not call themselves phones.
const MAX_NEW_STRANGERS: u64 = 20;

/// Notes requests, as their events are written: where the minute has room for both, and where the MAC is no
/// device of the tenant, nor one that was lately moved away. What one that does not call itself a phone
/// suggests takes the place of nothing that a phone has told.
///
/// 1. `list`: what has room; a minute has seen all of its events before, of which those behind one do not take its room.
/// 2. `list_once`: one row for a MAC, of the last request that suggests a model, or of the last; with how often it came.
/// 3. `list_placed`: those that are new, in their order within the minute. Phones come first, so that the smaller room of the others
///    bounds both together.
pub(super) const RECORD: &str = "INSERT INTO unknown_phones (tenant_id, mac, vendor, family, model, firmware, \
     standing, times, first_at, last_at, address, country, user_agent, path) WITH list AS (SELECT j.key AS place, j.value AS it, \
     j.value ->> 'tenant_id' AS tenant_id, j.value ->> 'mac' AS mac, j.value ->> 'model' AS model, \
     j.value ->> 'standing' AS standing, j.value ->> 'at' AS at, j.value ->> 'minute' AS minute, \
     e.new_phones AS new_phones FROM json_each(?1) j JOIN event_minutes e \
     ON e.tenant_id = j.value ->> 'tenant_id' AND e.minute = j.value ->> 'minute' \
     WHERE e.seen <= (j.value ->> 'reach') \
     AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = j.value ->> 'tenant_id' AND d.mac = j.value ->> 'mac') \
     AND NOT EXISTS (SELECT 1 FROM moves m WHERE m.tenant_id = j.value ->> 'tenant_id' AND m.mac = j.value ->> 'mac')), \
     list_once AS (SELECT *, count(*) OVER same AS times, min(at) OVER same AS first_at, max(at) OVER same AS last_at, \
     max(standing) OVER same AS highest, min(place) OVER same AS first_place, row_number() OVER \
     (PARTITION BY tenant_id, mac ORDER BY model IS NULL, at DESC, place DESC) AS nth \
     FROM list WINDOW same AS (PARTITION BY tenant_id, mac)), \
     list_placed AS (SELECT list_once.*, u.mac IS NULL AS is_new, sum(u.mac IS NULL) OVER \
     (PARTITION BY list_once.tenant_id, list_once.minute ORDER BY list_once.highest DESC, list_once.first_place) AS number \
     FROM list_once LEFT JOIN unknown_phones u ON u.tenant_id = list_once.tenant_id AND u.mac = list_once.mac WHERE list_once.nth = 1) \
     SELECT tenant_id, mac, it ->> 'vendor', it ->> 'family', model, it ->> 'firmware', highest, times, first_at, \
     last_at, it ->> 'address', it ->> 'country', it ->> 'user_agent', it ->> 'path' FROM list_placed \
     WHERE NOT is_new OR new_phones + number <= CASE highest WHEN 0 THEN ?2 ELSE ?3 END \
     ON CONFLICT (tenant_id, mac) DO UPDATE SET times = times + excluded.times, \
     first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at), \
     address = excluded.address, country = excluded.country, user_agent = excluded.user_agent, \
     path = excluded.path, standing = max(standing, excluded.standing), \
     vendor = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN vendor ELSE excluded.vendor END, \
     family = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN family ELSE excluded.family END, \
     model = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN model ELSE excluded.model END, \
     firmware = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN firmware ELSE excluded.firmware END \
     RETURNING tenant_id, mac, standing, times, first_at";

/// Counts the rows that the statement before it has added: those that have come no oftener than in this list, and not before.
pub(super) const COUNT: &str = "UPDATE event_minutes SET new_phones = new_phones + list_added.number FROM \
     (SELECT list_once.tenant_id, list_once.minute, count(*) AS number FROM (SELECT value ->> 'tenant_id' AS tenant_id, \
     value ->> 'mac' AS mac, min(value ->> 'minute') AS minute, min(value ->> 'at') AS first_at, count(*) AS times \
     FROM json_each(?1) GROUP BY value ->> 'tenant_id', value ->> 'mac') list_once JOIN unknown_phones u \
     ON u.tenant_id = list_once.tenant_id AND u.mac = list_once.mac AND u.first_at = list_once.first_at AND u.times <= list_once.times \
     GROUP BY list_once.tenant_id, list_once.minute) list_added \
     WHERE event_minutes.tenant_id = list_added.tenant_id AND event_minutes.minute = list_added.minute";

/// After rows were added to tenants: whoever is too much among those that pass falls out.
const TRIM: &str = "DELETE FROM unknown_phones WHERE (tenant_id, mac) IN (SELECT tenant_id, mac FROM \
     (SELECT u.tenant_id, u.mac, row_number() OVER \
     (PARTITION BY u.tenant_id ORDER BY u.standing DESC, u.last_at DESC) AS number \
     FROM json_each(?1) j JOIN unknown_phones u ON u.tenant_id = j.value AND u.standing < 2) WHERE number > ?2)";

/// Before phones are taken among those that came again: makes room of whoever was away for long.
const ROOM: &str = "DELETE FROM unknown_phones WHERE (tenant_id, mac) IN (SELECT tenant_id, mac FROM \
     (SELECT u.tenant_id, u.mac, list.number AS wanted, list.since, u.last_at, count(*) OVER \
     (PARTITION BY u.tenant_id) AS present, row_number() OVER (PARTITION BY u.tenant_id ORDER BY u.last_at) AS number \
     FROM (SELECT value ->> 'tenant_id' AS tenant_id, count(*) AS number, min(value ->> 'since') AS since \
     FROM json_each(?1) GROUP BY value ->> 'tenant_id') list \
     JOIN unknown_phones u ON u.tenant_id = list.tenant_id AND u.standing = 2) \
     WHERE last_at < since AND number <= present + wanted - ?2)";

/// Takes them among them, as far as there is room.
const KEEP: &str = "UPDATE unknown_phones SET standing = 2 FROM (SELECT u.tenant_id, u.mac, row_number() OVER \
     (PARTITION BY u.tenant_id ORDER BY j.key) AS number, (SELECT count(*) FROM unknown_phones c \
     WHERE c.tenant_id = u.tenant_id AND c.standing = 2) AS present FROM json_each(?1) j JOIN unknown_phones u \
     ON u.tenant_id = j.value ->> 'tenant_id' AND u.mac = j.value ->> 'mac' AND u.standing = 1) list \
     WHERE unknown_phones.tenant_id = list.tenant_id AND unknown_phones.mac = list.mac AND list.present + list.number <= ?2";

/// A device of this MAC is in the tenant: it is not unknown.
const KNOWN: &str = "DELETE FROM unknown_phones WHERE tenant_id = ?1 AND mac = ?2";

/// A request of a phone that is no device.
#[derive(Serialize)]
pub struct Sighting<'a> {
    pub tenant_id: &'a str,
    pub mac: &'a str,
    pub vendor: Option<&'a str>,
    pub family: Option<&'a str>,
    pub model: Option<&'a str>,
    pub firmware: Option<&'a str>,
    /// Whether it calls itself a phone of a vendor we know, and names no other MAC.
    #[serde(rename = "standing", serialize_with = "as_number")]
    pub is_plausible: bool,
    pub at: u64,
    pub address: &'a str,
    pub country: &'a str,
    pub user_agent: &'a str,
    /// What was asked for, fit to be read.
    pub path: &'a str,
}

// serde hands a reference over.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_number<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*value))
}

/// A sighting in the list that [`RECORD`] and [`COUNT`] read.
#[derive(Serialize)]
pub(super) struct Item<'a> {
    #[serde(flatten)]
    pub sighting: &'a Sighting<'a>,
    /// Of Unix time.
    pub minute: u64,
    /// How many events the minute may have seen for this one to have room.
    pub reach: u64,
}

/// The values of [`RECORD`] behind the list: how many rows a minute may add.
pub(super) const MAX_ADDED: [u64; 2] = [MAX_NEW_STRANGERS, MAX_NEW];

/// What became of the sightings of one phone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    tenant_id: String,
    mac: String,
    standing: u8,
    times: u64,
    first_at: u64,
}

/// A phone that came again, and is now to be kept with those that do.
#[derive(Serialize)]
struct Returning<'a> {
    tenant_id: &'a str,
    mac: &'a str,
    /// Who was not here since then makes room for it.
    since: u64,
}

/// Keeps the table within its bounds, once sightings are recorded: [`MAX_UPKEEP`] statements at most.
///
/// # Errors
/// D1 does not answer; the next row that is added does it.
pub async fn keep_bounds(
    db: &Db,
    sightings: &[&Sighting<'_>],
    recorded: &[Recorded],
) -> Result<(), StorageError> {
    let mut batch = Vec::new();
    for (sql, list, most) in upkeep(sightings, recorded)? {
        batch.push(Statement::new(sql, args![&list, most]));
    }
    if batch.is_empty() {
        return Ok(());
    }
    db.batch(batch).await.map(drop)
}

/// How many statements [`keep_bounds`] takes at most.
pub const MAX_UPKEEP: usize = 3;

/// The statements of the upkeep, with their two values.
fn upkeep(
    sightings: &[&Sighting<'_>],
    recorded: &[Recorded],
) -> Result<Vec<(&'static str, String, u32)>, StorageError> {
    let mut added = BTreeSet::new();
    let mut returning = Vec::new();
    for one in recorded {
        let own = |it: &&&Sighting<'_>| it.tenant_id == one.tenant_id && it.mac == one.mac;
        let own: Vec<_> = sightings.iter().filter(own).collect();
        if own.iter().map(|it| it.at).min() == Some(one.first_at) {
            added.insert(&*one.tenant_id);
        }
        // It came again, and is not yet among those that do.
        let plausible = own.iter().filter(|it| it.is_plausible);
        if let Some(at) = plausible.map(|it| it.at).max()
            && (one.standing, one.times > 1) == (1, true)
        {
            returning.push(Returning {
                tenant_id: &one.tenant_id,
                mac: &one.mac,
                since: at.saturating_sub(AWAY_MS),
            });
        }
    }
    let mut statements = Vec::new();
    if !added.is_empty() {
        statements.push((TRIM, json(&added)?, MAX_PASSING));
    }
    if !returning.is_empty() {
        let list = json(&returning)?;
        statements.push((ROOM, list.clone(), MAX_RETURNING));
        statements.push((KEEP, list, MAX_RETURNING));
    }
    Ok(statements)
}

/// A phone that is no device of the tenant.
#[derive(Clone, Debug, Deserialize)]
pub struct UnknownRow {
    pub mac: String,
    pub vendor: Option<String>,
    pub family: Option<String>,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub times: u64,
    pub first_at: u64,
    pub last_at: u64,
    pub address: String,
    pub country: String,
    pub user_agent: String,
    pub path: String,
}

/// Phones of a tenant that are no devices, the last one seen first, after a time and a MAC.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    after: Option<(u64, &str)>,
    limit: u32,
) -> Result<Vec<UnknownRow>, StorageError> {
    // Behind the last one that there can be.
    let (last_at, mac) = after.unwrap_or((1 << 52, ""));
    db.rows(
        "SELECT mac, vendor, family, model, firmware, times, first_at, last_at, address, country, \
         user_agent, path FROM unknown_phones WHERE tenant_id = ?1 AND (last_at, mac) < (?2, ?3) \
         ORDER BY last_at DESC, mac DESC LIMIT ?4",
        args![tenant_id, last_at, mac, limit],
    )
    .await
}

/// One of them.
pub async fn find(db: &Db, tenant_id: &str, mac: &str) -> Result<Option<UnknownRow>, StorageError> {
    db.row(
        "SELECT mac, vendor, family, model, firmware, times, first_at, last_at, address, country, \
         user_agent, path FROM unknown_phones WHERE tenant_id = ?1 AND mac = ?2",
        args![tenant_id, mac],
    )
    .await
}

/// Adds to a change that a device of this MAC is in the tenant.
pub fn push_known(change: &mut Change<'_>, tenant_id: &str, mac: &str) {
    change.push(KNOWN, args![tenant_id, mac]);
}

/// Removes one by an operator's word.
///
/// # Errors
/// The unknown phone is no longer listed, or D1 fails.
pub async fn dismiss(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        "EXISTS (SELECT 1 FROM unknown_phones WHERE tenant_id = ?1 AND mac = ?2)",
        args![mac],
    );
    push_known(&mut change, tenant_id, mac);
    change.write(entry).await
}

/// Forgets those of each tenant that were not seen since a time, at most `limit` altogether.
pub async fn forget(db: &Db, since: &[(String, u64)], limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM unknown_phones WHERE (tenant_id, mac) IN (SELECT u.tenant_id, u.mac \
         FROM json_each(?1) j JOIN unknown_phones u ON u.tenant_id = j.value ->> 0 \
         AND u.last_at < j.value ->> 1 LIMIT ?2)",
        args![json(&since)?, limit],
    )
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]

    use proptest::prelude::*;
    use ringfence_sql::{Memory, Sql};

    use super::*;
    use crate::store::testing::with_schema;

    const MAX_EVENTS: u32 = 1_000_000;
    const MINUTE: u64 = 60_000;

    fn database() -> Memory {
        let memory = with_schema();
        for tenant in ["T", "O"] {
            memory
                .run(
                    "INSERT INTO tenants (id, name, options, created_at, updated_at) \
                     VALUES (?1, ?1, '{}', 0, 0)",
                    args![tenant],
                )
                .unwrap();
        }
        memory
    }

    fn mac(number: u64) -> String {
        format!("0080F0{number:06X}")
    }

    fn sighting(mac: &str, at: u64) -> Sighting<'_> {
        Sighting {
            tenant_id: "T",
            mac,
            vendor: Some("V"),
            family: Some("utg"),
            model: Some("M"),
            firmware: Some("1.0"),
            is_plausible: true,
            at,
            address: "192.0.2.1",
            country: "",
            user_agent: "V M/1.0",
            path: "x",
        }
    }

    fn stranger(mac: &str, at: u64) -> Sighting<'_> {
        Sighting {
            vendor: None,
            family: None,
            model: None,
            firmware: None,
            is_plausible: false,
            user_agent: "curl",
            ..sighting(mac, at)
        }
    }

    /// What `requests::write` and `keep_bounds` run, of sightings whose events are behind each other.
    fn see_all(memory: &Memory, sightings: &[&Sighting<'_>], limit: u32) -> Vec<Recorded> {
        let mut items = Vec::new();
        for (place, &sighting) in sightings.iter().enumerate() {
            let minute = sighting.at / MINUTE;
            memory
                .run(
                    "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, 1) \
                     ON CONFLICT DO UPDATE SET seen = seen + 1",
                    args![sighting.tenant_id, minute],
                )
                .unwrap();
            let behind = sightings.iter().skip(place + 1);
            let behind =
                behind.filter(|it| it.tenant_id == sighting.tenant_id && it.at / MINUTE == minute);
            items.push(Item {
                sighting,
                minute,
                reach: u64::from(limit) + behind.count() as u64,
            });
        }
        let list = json(&items).unwrap();
        let [strangers, phones] = MAX_ADDED;
        let recorded = memory
            .rows(RECORD, args![&list, strangers, phones])
            .unwrap();
        memory.run(COUNT, args![&list]).unwrap();
        for (sql, list, most) in upkeep(sightings, &recorded).unwrap() {
            memory.run(sql, args![&list, most]).unwrap();
        }
        recorded
    }

    fn see(memory: &Memory, sighting: &Sighting<'_>, limit: u32) -> Option<Recorded> {
        see_all(memory, &[sighting], limit).pop()
    }

    /// What reads a whole table. A list is sorted, and a tenant's rows, of which there are some hundreds at most.
    fn whole_tables(memory: &Memory) -> Vec<String> {
        let mut scans = memory.scans();
        scans.retain(|step| !step.starts_with("USE TEMP B-TREE"));
        scans
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Row {
        mac: String,
        model: Option<String>,
        standing: u8,
        times: u64,
        first_at: u64,
        last_at: u64,
        user_agent: String,
    }

    fn all(memory: &Memory) -> Vec<Row> {
        memory
            .rows(
                "SELECT mac, model, standing, times, first_at, last_at, user_agent \
                 FROM unknown_phones WHERE tenant_id = 'T' ORDER BY mac",
                &[],
            )
            .unwrap()
    }

    fn is_there(memory: &Memory, mac: &str) -> bool {
        all(memory).iter().any(|row| row.mac == mac)
    }

    /// Standing and times of one.
    fn standing(memory: &Memory, mac: &str) -> (u8, u64) {
        let row = all(memory).into_iter().find(|row| row.mac == mac).unwrap();
        (row.standing, row.times)
    }

    #[test]
    fn a_phone_that_comes_again_is_counted_and_keeps_what_it_told() {
        let memory = database();
        let own = mac(1);
        see(&memory, &sighting(&own, 1_000), MAX_EVENTS);
        assert_eq!(standing(&memory, &own), (1, 1));
        see(&memory, &sighting(&own, 70_000), MAX_EVENTS);
        assert_eq!(standing(&memory, &own), (2, 2));
        // Somebody else asks in its name.
        see(&memory, &stranger(&own, 80_000), MAX_EVENTS);
        let row = all(&memory).remove(0);
        assert_eq!(
            (row.standing, row.times, row.model.as_deref()),
            (2, 3, Some("M"))
        );
        assert_eq!(
            (row.first_at, row.last_at, &*row.user_agent),
            (1_000, 80_000, "curl")
        );
        let newer = Sighting {
            model: Some("N"),
            ..sighting(&own, 90_000)
        };
        see(&memory, &newer, MAX_EVENTS);
        assert_eq!(all(&memory).remove(0).model.as_deref(), Some("N"));
    }

    #[test]
    fn a_stranger_stays_one_until_it_calls_itself_a_phone() {
        let memory = database();
        let own = mac(1);
        for at in 1..5 {
            see(&memory, &stranger(&own, at), MAX_EVENTS);
        }
        assert_eq!(standing(&memory, &own), (0, 4));
        see(&memory, &sighting(&own, 6), MAX_EVENTS);
        assert_eq!(standing(&memory, &own).0, 2);
    }

    #[test]
    fn a_device_and_one_that_was_moved_away_are_not_unknown() {
        let memory = database();
        let own = mac(1);
        see(&memory, &sighting(&own, 1), MAX_EVENTS);
        memory.run(KNOWN, args!["T", &own]).unwrap();
        memory
            .run(
                "INSERT INTO models (tenant_id, name, family, created_at, updated_at) \
                 VALUES ('T', 'M', 'utg', 0, 0)",
                &[],
            )
            .unwrap();
        memory
            .run(
                "INSERT INTO devices (id, tenant_id, mac, model, version, fenced_at, key_state, \
                 generation, key_wrapped, key_master, key_fingerprint, armed_at, created_at, \
                 updated_at) VALUES ('D', 'T', ?1, 'M', 1, 0, 'armed', 1, '', '', '', 0, 0, 0)",
                args![&own],
            )
            .unwrap();
        assert_eq!(see(&memory, &sighting(&own, 2), MAX_EVENTS), None);
        let moved = mac(2);
        memory
            .run(
                "INSERT INTO moves (tenant_id, mac, device_id, target_id, version, moved_at, \
                 ends_at) VALUES ('T', ?1, 'X', 'O', 1, 0, 0)",
                args![&moved],
            )
            .unwrap();
        assert_eq!(see(&memory, &sighting(&moved, 3), MAX_EVENTS), None);
        assert!(all(&memory).is_empty());
    }

    #[test]
    fn a_minute_adds_a_bounded_number_and_none_where_it_has_no_room_for_events() {
        let memory = database();
        for number in 0..1_000 {
            see(&memory, &stranger(&mac(number), number), MAX_EVENTS);
        }
        assert_eq!(all(&memory).len(), MAX_NEW_STRANGERS as usize);
        for number in 1_000..2_000 {
            see(&memory, &sighting(&mac(number), number), MAX_EVENTS);
        }
        assert_eq!(all(&memory).len(), MAX_NEW as usize);
        // Who is there is recorded all the same.
        assert!(see(&memory, &sighting(&mac(1_000), 2_000), MAX_EVENTS).is_some());
        let full = sighting("0080F0C571EB", MINUTE);
        assert!(see(&memory, &full, 0).is_none());
        assert!(see(&memory, &full, 2).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Many at once leave what they would leave one by one, those that call themselves phones first.
        #[test]
        fn together_is_as_one_by_one(
            before in proptest::collection::vec((0..9u64, any::<bool>(), any::<bool>()), 0..12),
            list in proptest::collection::vec((0..60u64, any::<bool>()), 1..60),
            limit in prop_oneof![Just(MAX_EVENTS), 0..80u32],
        ) {
            let (together, alone) = (database(), database());
            let macs: Vec<String> = (0..60).map(mac).collect();
            let of = |from: u64, list: &[(u64, bool, bool)]| {
                let places = from..;
                let mut all: Vec<Sighting<'_>> = places.zip(list).map(|(at, &(number, plausible, other))| {
                    let own = &macs[number as usize];
                    // What is asked for in a phone's name and what it asks itself differ by their order alone.
                    let one = if plausible { sighting(own, at) } else { stranger(own, at) };
                    Sighting { tenant_id: if other { "O" } else { "T" }, ..one }
                }).collect();
                // The order of each kind stays.
                all.sort_by_key(|one| !one.is_plausible);
                all
            };
            let list: Vec<_> = list.into_iter().map(|(number, other)| (number, number % 2 == 0, other)).collect();
            let (before, list) = (of(1, &before), of(1_000, &list));
            for memory in [&together, &alone] {
                for one in &before {
                    see(memory, one, MAX_EVENTS);
                }
            }
            let refs: Vec<&Sighting<'_>> = list.iter().collect();
            see_all(&together, &refs, limit);
            for one in &list {
                see(&alone, one, limit);
            }
            for sql in [
                "SELECT tenant_id || mac || ' ' || standing || ' ' || times || ' ' || first_at || ' ' || last_at \
                 AS it FROM unknown_phones ORDER BY tenant_id, mac",
                "SELECT tenant_id || ' ' || new_phones AS it FROM event_minutes ORDER BY tenant_id",
            ] {
                let rows = |memory: &Memory| -> Vec<std::collections::BTreeMap<String, String>> {
                    memory.rows(sql, &[]).unwrap()
                };
                prop_assert_eq!(rows(&together), rows(&alone));
            }
        }
    }

    #[test]
    fn what_is_written_together_reads_no_whole_table() {
        let memory = database();
        let macs = [mac(1), mac(2)];
        let [one, other] = macs.each_ref().map(|mac| sighting(mac, 1_000));
        for _ in 0..2 {
            see_all(&memory, &[&one, &other, &one], MAX_EVENTS);
        }
        assert_eq!(standing(&memory, &macs[0]), (2, 4));
        assert_eq!(whole_tables(&memory), Vec::<String>::new());
    }

    #[test]
    fn a_scan_neither_fills_the_table_nor_pushes_out_who_comes_back() {
        let memory = database();
        let phones: Vec<String> = (0..50).map(|number| mac(0xF0_0000 + number)).collect();
        for at in [1, 2] {
            for phone in &phones {
                see(&memory, &sighting(phone, at), MAX_EVENTS);
            }
        }
        // Once a second by MACs in a row: as itself, then as phones of a vendor.
        for number in 0..10_000 {
            let (own, at) = (mac(number), MINUTE + 1_000 * number);
            if number < 5_000 {
                see(&memory, &stranger(&own, at), MAX_EVENTS);
            } else {
                see(&memory, &sighting(&own, at), MAX_EVENTS);
            }
        }
        let rows = all(&memory);
        assert_eq!(rows.len(), MAX_PASSING as usize + phones.len());
        for phone in &phones {
            assert!(is_there(&memory, phone), "{phone}");
        }
    }

    #[test]
    fn a_scan_by_itself_pushes_out_no_phone_that_was_here_once() {
        let memory = database();
        let own = mac(0xF0_0000);
        see(&memory, &sighting(&own, 1), MAX_EVENTS);
        for number in 0..3_000 {
            see(
                &memory,
                &stranger(&mac(number), MINUTE + 1_000 * number),
                MAX_EVENTS,
            );
        }
        assert_eq!(all(&memory).len(), MAX_PASSING as usize);
        assert!(is_there(&memory, &own));
    }

    #[test]
    fn a_scan_that_comes_twice_gets_the_places_that_are_free_and_those_of_who_stayed_away() {
        let memory = database();
        let most = u64::from(MAX_RETURNING);
        let (away, here) = (mac(0xF0_0000), mac(0xF0_0001));
        for phone in [&away, &here] {
            see(&memory, &sighting(phone, 1), MAX_EVENTS);
            see(&memory, &sighting(phone, 2), MAX_EVENTS);
        }
        let begin = AWAY_MS;
        see(&memory, &sighting(&here, begin), MAX_EVENTS);
        for number in 0..2 * most {
            let own = mac(number);
            let at = begin + MINUTE + 1_000 * number;
            see(&memory, &sighting(&own, at), MAX_EVENTS);
            see(&memory, &sighting(&own, at + 1), MAX_EVENTS);
        }
        let returning = |memory: &Memory| {
            let rows = all(memory);
            rows.iter().filter(|row| row.standing == 2).count()
        };
        assert_eq!(returning(&memory), MAX_RETURNING as usize);
        assert!(all(&memory).len() <= (MAX_RETURNING + MAX_PASSING) as usize);
        assert!(is_there(&memory, &here) && !is_there(&memory, &away));
        // A phone that comes when all places are taken is there among those that pass.
        let late = mac(0xF0_0002);
        for at in 1..4 {
            see(
                &memory,
                &sighting(&late, begin + AWAY_MS / 2 + at),
                MAX_EVENTS,
            );
        }
        assert_eq!(standing(&memory, &late), (1, 3));
        // And has a place as soon as somebody has stayed away.
        see(&memory, &sighting(&late, begin + 2 * AWAY_MS), MAX_EVENTS);
        assert_eq!(standing(&memory, &late).0, 2);
        assert_eq!(returning(&memory), MAX_RETURNING as usize);
    }

    #[test]
    fn no_statement_reads_a_whole_table() {
        let memory = database();
        let own = mac(1);
        see(&memory, &sighting(&own, 1), MAX_EVENTS);
        see(&memory, &sighting(&own, 2), MAX_EVENTS);
        memory.run(KNOWN, args!["T", &own]).unwrap();
        assert_eq!(whole_tables(&memory), Vec::<String>::new());
    }
}
