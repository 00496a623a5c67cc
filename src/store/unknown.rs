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

use ringfence_sql::{Arg, args};
use serde::Deserialize;
use worker::D1Result;

use super::settings::json;
use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError, rows};

/// How many phones that came again a tenant has rows for.
const MAX_RETURNING: u32 = 300;

/// How many others.
const MAX_PASSING: u32 = 200;

/// How long a phone that came again keeps its row before another one may have it.
const AWAY_MS: u64 = 24 * 3600 * 1000;

/// How many rows a minute adds for those that call themselves phones.
const MAX_NEW: u32 = 100;

/// So many rows a minute may have added for one that does not call itself a phone to be added, too.
const MAX_NEW_STRANGERS: u32 = 20;

/// Notes a request, as its event is written: where the minute has room for both, and where the MAC is no
/// device of the tenant, nor one that was lately moved away. What one that does not call itself a phone
/// suggests takes the place of nothing that a phone has told.
const RECORD: &str = "INSERT INTO unknown_phones (tenant_id, mac, vendor, family, model, firmware, \
     standing, times, first_at, last_at, address, country, user_agent, path) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, ?9, ?10, ?11, ?12 FROM event_minutes e \
     WHERE e.tenant_id = ?1 AND e.minute = ?13 AND e.seen <= ?14 AND (e.new_phones < ?15 OR \
     EXISTS (SELECT 1 FROM unknown_phones u WHERE u.tenant_id = ?1 AND u.mac = ?2)) \
     AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = ?1 AND d.mac = ?2) \
     AND NOT EXISTS (SELECT 1 FROM moves m WHERE m.tenant_id = ?1 AND m.mac = ?2) \
     ON CONFLICT (tenant_id, mac) DO UPDATE SET times = times + 1, \
     first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at), \
     address = excluded.address, country = excluded.country, user_agent = excluded.user_agent, \
     path = excluded.path, standing = max(standing, excluded.standing), \
     vendor = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN vendor ELSE excluded.vendor END, \
     family = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN family ELSE excluded.family END, \
     model = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN model ELSE excluded.model END, \
     firmware = CASE WHEN excluded.model IS NULL OR excluded.standing < min(standing, 1) THEN firmware ELSE excluded.firmware END \
     RETURNING standing, times";

/// Counts a row that the statement before it has added.
const COUNT: &str = "UPDATE event_minutes SET new_phones = new_phones + 1 \
     WHERE tenant_id = ?1 AND minute = ?3 AND changes() = 1 AND EXISTS \
     (SELECT 1 FROM unknown_phones u WHERE u.tenant_id = ?1 AND u.mac = ?2 AND u.times = 1)";

/// After a row was added: whoever is too much among those that pass falls out.
const TRIM: &str = "DELETE FROM unknown_phones WHERE (tenant_id, mac) IN \
     (SELECT u.tenant_id, u.mac FROM unknown_phones u WHERE u.tenant_id = ?1 AND u.standing < 2 \
     ORDER BY u.standing DESC, u.last_at DESC LIMIT -1 OFFSET ?2)";

/// Before a phone is taken among those that came again: makes room of whoever was away for long.
const ROOM: &str = "DELETE FROM unknown_phones WHERE (tenant_id, mac) IN \
     (SELECT u.tenant_id, u.mac FROM unknown_phones u WHERE u.tenant_id = ?1 AND u.standing = 2 \
     AND u.last_at < ?2 ORDER BY u.last_at LIMIT (SELECT max(0, count(*) + 1 - ?3) \
     FROM unknown_phones c WHERE c.tenant_id = ?1 AND c.standing = 2))";

/// Takes it among them, if there is room.
const KEEP: &str = "UPDATE unknown_phones SET standing = 2 WHERE tenant_id = ?1 AND mac = ?2 \
     AND standing = 1 AND (SELECT count(*) FROM unknown_phones c \
     WHERE c.tenant_id = ?1 AND c.standing = 2) < ?3";

/// A device of this MAC is in the tenant: it is not unknown.
const KNOWN: &str = "DELETE FROM unknown_phones WHERE tenant_id = ?1 AND mac = ?2";

/// A request of a phone that is no device.
pub struct Sighting<'a> {
    pub tenant_id: &'a str,
    pub mac: &'a str,
    pub vendor: Option<&'a str>,
    pub family: Option<&'a str>,
    pub model: Option<&'a str>,
    pub firmware: Option<&'a str>,
    /// Whether it calls itself a phone of a vendor we know, and names no other MAC.
    pub is_plausible: bool,
    pub at: u64,
    pub address: &'a str,
    pub country: &'a str,
    pub user_agent: &'a str,
    /// What was asked for, fit to be read.
    pub path: &'a str,
}

/// What became of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    standing: u8,
    times: u64,
}

/// What is left to do about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upkeep {
    /// It was added: somebody may have to go.
    Trim,
    /// It came again and is not yet among those that do.
    Keep,
    Nothing,
}

impl Sighting<'_> {
    fn record_args(&self, limit: u32) -> [Arg<'_>; 15] {
        let room = if self.is_plausible {
            MAX_NEW
        } else {
            MAX_NEW_STRANGERS
        };
        [
            self.tenant_id.into(),
            self.mac.into(),
            self.vendor.into(),
            self.family.into(),
            self.model.into(),
            self.firmware.into(),
            self.is_plausible.into(),
            self.at.into(),
            self.address.into(),
            self.country.into(),
            self.user_agent.into(),
            self.path.into(),
            (self.at / 60_000).into(),
            limit.into(),
            room.into(),
        ]
    }

    /// The statements, for the batch with the event and behind the counting of its minute, which may have
    /// `limit` events. The first one's row is [`Recorded`].
    ///
    /// # Errors
    /// The statements cannot be made.
    pub(super) fn statements(&self, db: &Db, limit: u32) -> Result<[Statement; 2], StorageError> {
        Ok([
            db.statement(RECORD, &self.record_args(limit))?,
            db.statement(COUNT, args![self.tenant_id, self.mac, self.at / 60_000])?,
        ])
    }

    fn next(&self, recorded: Recorded) -> Upkeep {
        match recorded {
            Recorded { times: 1, .. } => Upkeep::Trim,
            Recorded { standing: 1, .. } if self.is_plausible => Upkeep::Keep,
            Recorded { .. } => Upkeep::Nothing,
        }
    }

    /// Keeps the table within its bounds, once the sighting is recorded.
    ///
    /// # Errors
    /// D1 does not answer; the next row that is added does it.
    pub async fn keep_bounds(
        &self,
        db: &Db,
        recorded: Option<Recorded>,
    ) -> Result<(), StorageError> {
        let tenant = self.tenant_id;
        match recorded.map_or(Upkeep::Nothing, |recorded| self.next(recorded)) {
            Upkeep::Trim => db.run(TRIM, args![tenant, MAX_PASSING]).await.map(drop),
            Upkeep::Keep => {
                let since = self.at.saturating_sub(AWAY_MS);
                db.batch(vec![
                    db.statement(ROOM, args![tenant, since, MAX_RETURNING])?,
                    db.statement(KEEP, args![tenant, self.mac, MAX_RETURNING])?,
                ])
                .await
                .map(drop)
            }
            Upkeep::Nothing => Ok(()),
        }
    }
}

/// What the first of the statements gave; nothing where there was no room, or where the MAC is a device's.
///
/// # Errors
/// The row is another.
pub(super) fn recorded(result: &D1Result) -> Result<Option<Recorded>, StorageError> {
    Ok(rows(result)?.pop())
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
///
/// # Errors
/// D1 does not answer.
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
///
/// # Errors
/// D1 does not answer.
pub async fn find(db: &Db, tenant_id: &str, mac: &str) -> Result<Option<UnknownRow>, StorageError> {
    db.row(
        "SELECT mac, vendor, family, model, firmware, times, first_at, last_at, address, country, \
         user_agent, path FROM unknown_phones WHERE tenant_id = ?1 AND mac = ?2",
        args![tenant_id, mac],
    )
    .await
}

/// Adds to a change that a device of this MAC is in the tenant.
///
/// # Errors
/// The statement cannot be made.
pub fn push_known(change: &mut Change<'_>, tenant_id: &str, mac: &str) -> Result<(), StorageError> {
    change.push(KNOWN, args![tenant_id, mac])
}

/// Removes one by an operator's word.
///
/// # Errors
/// It is gone, or D1 fails.
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
    )?;
    push_known(&mut change, tenant_id, mac)?;
    change.write(entry).await
}

/// Forgets those of each tenant that were not seen since a time, at most `limit` altogether.
///
/// # Errors
/// D1 fails.
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
    #![allow(clippy::unwrap_used)]

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

    /// What `requests::write` and `keep_bounds` run.
    fn see(memory: &Memory, sighting: &Sighting<'_>, limit: u32) -> Option<Recorded> {
        let (tenant, minute) = (sighting.tenant_id, sighting.at / MINUTE);
        memory
            .run(
                "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, 1) \
                 ON CONFLICT DO UPDATE SET seen = seen + 1",
                args![tenant, minute],
            )
            .unwrap();
        let recorded: Vec<Recorded> = memory.rows(RECORD, &sighting.record_args(limit)).unwrap();
        memory
            .run(COUNT, args![tenant, sighting.mac, minute])
            .unwrap();
        let recorded = recorded.into_iter().next();
        match recorded.map_or(Upkeep::Nothing, |recorded| sighting.next(recorded)) {
            Upkeep::Trim => memory.run(TRIM, args![tenant, MAX_PASSING]).unwrap(),
            Upkeep::Keep => {
                let since = sighting.at.saturating_sub(AWAY_MS);
                memory
                    .run(ROOM, args![tenant, since, MAX_RETURNING])
                    .unwrap();
                memory
                    .run(KEEP, args![tenant, sighting.mac, MAX_RETURNING])
                    .unwrap();
            }
            Upkeep::Nothing => {}
        }
        recorded
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
        assert_eq!(memory.scans(), [""; 0]);
    }
}
