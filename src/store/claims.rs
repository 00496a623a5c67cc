//! The life of a device's key, as SQL: who takes a bootstrap, who confirms a key, what time ends.
//!
//! Two requests at once must not both read *armed* and then both write *delivered*. So each of these is
//! one conditional statement, and `ringfence_provision::lifecycle::step` says what its condition means:
//! a property test below plays random keys and events on SQLite and holds every statement to it.

use ringfence_sql::{Arg, args};
use serde::de::IgnoredAny;

use super::json::{MAX_LIST, json};
use super::standing;
use crate::db::{Db, Statement, StorageError};
use crate::model::device::DeviceRow;
use crate::model::standing::Step;

/// The device whose bootstrap may be taken. Its conditions, in their order:
///
/// 1. `id`, `tenant_id`: the device is still the tenant's, for versions are counted by each tenant for
///    itself.
/// 2. `generation`, `version` and the tenant's version: nothing has changed since the file was rendered,
///    neither the device nor what is above it; nobody gets the older file.
/// 3. `disabled`: the device is in service.
/// 4. Either a bootstrap waits (*armed*, and its time is not over), or
/// 5. the address that took it comes back within the retry window. A window of 0 is off even where two
///    locations' clocks disagree, and an address that is not known is nobody's.
/// 6. The window that the request believes in came from KV and may be stale, so the tenant's own row
///    has the last word, also that there is none.
const CLAIMABLE: &str = "id = ?1 AND tenant_id = ?11 AND generation = ?2 AND version = ?3 \
     AND disabled = 0 AND ?10 = (SELECT version FROM tenants WHERE id = tenant_id) AND (\
     (key_state = 'armed' AND (armed_until IS NULL OR ?4 < armed_until)) OR \
     (key_state = 'delivered' AND ?8 > 0 AND ?5 <> '' AND delivered_address = ?5 \
     AND ?4 < delivered_at + ?8 AND EXISTS (SELECT 1 FROM tenants WHERE id = tenant_id \
     AND json_extract(options, '$.retry_window_s') > 0 \
     AND ?4 < delivered_at + 1000 * json_extract(options, '$.retry_window_s'))))";

/// Takes a bootstrap, if it is [`CLAIMABLE`]. A retry does not move `delivered_at`, so that it does not
/// extend its own window.
fn claim_sql() -> String {
    format!(
        "UPDATE devices SET key_state = 'delivered', ever_delivered = 1, \
         delivered_at = CASE key_state WHEN 'armed' THEN ?4 ELSE delivered_at END, \
         confirmed_at = CASE key_state WHEN 'armed' THEN NULL ELSE confirmed_at END, \
         delivered_address = ?5, delivered_user_agent = ?6, delivered_country = ?7, \
         last_seen_at = ?4, last_seen_address = ?5, last_seen_user_agent = ?6, \
         fetched_version = coalesce(?9, fetched_version), \
         fetched_at = CASE WHEN ?9 IS NULL THEN fetched_at ELSE ?4 END, \
         unexpected_network = ?12 WHERE {CLAIMABLE} RETURNING id"
    )
}

/// The row of a device whose bootstrap [`claim_sql`] would take now, from the same values.
fn may_claim_sql() -> String {
    format!("SELECT id FROM devices WHERE {CLAIMABLE}")
}

/// Confirms a key: a phone came back for a sealed file. An *armed* key stays armed, for whoever fetches
/// a sealed file has shown a URL and no key.
const CONFIRM: &str = "UPDATE devices SET key_state = 'confirmed', confirmed_at = ?3 \
     WHERE id = ?1 AND generation = ?2 AND ever_delivered = 1 \
     AND key_state IN ('delivered', 'expired')";

/// The device whose bootstrap waits longer than it may, at the time `?2`.
pub(super) const OVERDUE: &str = "key_state = 'armed' AND armed_until <= ?2";

/// Ends bootstraps that are [`OVERDUE`]. The claim looks at the time itself, so nothing depends on when
/// this runs.
fn expire_sql() -> String {
    format!(
        "UPDATE devices SET key_state = 'expired', updated_at = ?2 \
         WHERE id IN (SELECT value ->> 0 FROM json_each(?1)) AND {OVERDUE}"
    )
}

/// Enters into the audit log what [`expire_sql`] would end.
fn enter_expired_sql() -> String {
    format!(
        "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, \
         address, request_id, at) \
         SELECT j.value ->> 1, d.tenant_id, 'time', 'device.expire', 'devices/' || d.mac, \
         json_object('key', json_object('generation', d.generation, 'state', 'armed')), \
         json_object('key', json_object('generation', d.generation, 'state', 'expired')), \
         '', ?3, ?2 FROM json_each(?1) j JOIN devices d ON d.id = j.value ->> 0 WHERE {OVERDUE}"
    )
}

/// Notes that phones have their keys, for claims that a restore of the database undid.
const KEEP_CLAIMED: &str = "UPDATE devices SET ever_delivered = 1 \
     WHERE (tenant_id, mac, generation) IN \
     (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)) AND key_state <> 'replaced'";

/// Voids keys of devices that had another one when the database was put back.
const VOID_REKEYED: &str = "UPDATE devices SET key_state = 'expired', ever_delivered = 0, \
     revision = revision + 1, updated_at = ?2 \
     WHERE (tenant_id, mac) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) \
     AND key_state <> 'replaced'";

/// Ends every bootstrap that waits, after a restore.
const VOID_WAITING: &str = "UPDATE devices SET key_state = 'expired', revision = revision + 1, \
     updated_at = ?1 WHERE key_state = 'armed'";

/// A device, by its tenant's id and its MAC.
pub type DeviceName = (String, String);

/// What a restore of the database does to keys, as statements with their values in the order in which they
/// have to run: a key that was both taken and replaced is void.
///
/// `claimed` are the devices whose claims were undone, with the generation of the key; `rekeyed` those that had
/// another key.
pub(super) fn restored(
    claimed: &[(String, String, u32)],
    rekeyed: &[DeviceName],
    now: u64,
) -> Result<Vec<(&'static str, Vec<Arg<'static>>)>, StorageError> {
    let mut statements = Vec::new();
    for some in claimed.chunks(MAX_LIST) {
        statements.push((KEEP_CLAIMED, vec![json(&some)?.into()]));
    }
    for some in rekeyed.chunks(MAX_LIST) {
        statements.push((VOID_REKEYED, vec![json(&some)?.into(), now.into()]));
    }
    statements.push((VOID_WAITING, vec![now.into()]));
    Ok(statements)
}

/// Who claims a bootstrap.
pub struct Claim<'a> {
    pub device: &'a DeviceRow,
    pub now: u64,
    pub retry_window_ms: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub country: &'a str,
    /// Whether the whole file is in it, so that the phone has fetched that.
    pub is_whole: bool,
    /// Whether the address is in none of the networks that the tenant expects.
    pub is_unexpected: bool,
    /// A new id: the mark of this step of the database.
    pub mark: &'a str,
}

impl Claim<'_> {
    /// The values of both statements.
    fn values(&self) -> [Arg<'_>; 12] {
        let device = self.device;
        [
            (&device.id).into(),
            device.generation.into(),
            device.version.into(),
            self.now.into(),
            self.address.into(),
            self.user_agent.into(),
            self.country.into(),
            self.retry_window_ms.into(),
            self.is_whole.then(|| device.file_version()).into(),
            device.tenant_version.into(),
            (&device.tenant_id).into(),
            self.is_unexpected.into(),
        ]
    }
}

/// Whether [`claim`] would take the bootstrap at this moment, by its own condition. Nothing is written.
pub async fn may_claim(db: &Db, claim: &Claim<'_>) -> Result<bool, StorageError> {
    // The last value is of what is written alone, and D1 takes as many as a statement names.
    let [values @ .., _] = claim.values();
    let row: Option<IgnoredAny> = db.row(&may_claim_sql(), &values).await?;
    Ok(row.is_some())
}

/// Takes the bootstrap: the one conditional write that decides who gets it
/// ([`CLAIMABLE`]).
///
/// A claim that was written is a step of the database: the witness must be told of it before anything
/// is sent.
///
/// # Errors
/// D1 does not answer; whether the claim was written is then unknown, so nothing may be sent.
pub async fn claim(db: &Db, claim: &Claim<'_>) -> Result<bool, StorageError> {
    let device = claim.device;
    let [_, step] = db
        .batch_of([
            Statement::new(&claim_sql(), &claim.values()),
            standing::advance_if_changed(claim.mark),
        ])
        .await?;
    let Some(standing) = standing::some(&step)? else {
        return Ok(false);
    };
    db.record_step(Step {
        standing,
        action: "device.claim".to_owned(),
        tenant: Some(device.tenant_id.clone()),
        object: format!("devices/{}", device.mac),
        token: String::new(),
        generation: Some(device.generation),
        at: claim.now,
    });
    Ok(true)
}

/// Notes that a phone came back for a sealed file, once per delivery.
///
/// # Errors
/// D1 does not answer; the next sealed fetch tries again.
pub async fn confirm(
    db: &Db,
    device_id: &str,
    generation: u32,
    now: u64,
) -> Result<(), StorageError> {
    db.run(CONFIRM, args![device_id, generation, now]).await?;
    Ok(())
}

/// Marks bootstraps as expired, each with its audit entry, where they still wait.
///
/// `entries` are pairs of a device's id and the id of the entry. The claim checks the time itself,
/// so nothing depends on when this runs.
pub async fn expire(
    db: &Db,
    entries: &[(String, String)],
    now: u64,
    request_id: &str,
) -> Result<usize, StorageError> {
    let pairs = json(&entries)?;
    let results = db
        .batch(vec![
            Statement::new(&enter_expired_sql(), args![&pairs, now, request_id]),
            Statement::new(&expire_sql(), args![&pairs, now]),
        ])
        .await?;
    Ok(results.get(1).map_or(0, |it| it.changes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use ringfence_provision::lifecycle::{
        ClaimPolicy, Effect, KeyChange, KeyEvent, KeyRecord, KeyState, may_serve_sealed, step,
    };
    use ringfence_sql::{Memory, Sql};
    use serde::Deserialize;

    use super::*;
    use crate::store::file_inputs::{AtPlainName, Claimant, ReadWhen};
    use crate::store::maintenance;
    use crate::store::testing::with_schema;

    /// Times are few and near each other, so that ends are met.
    const TIMES: std::ops::Range<u64> = 0..6_000;
    const ADDRESSES: [&str; 3] = ["", "192.0.2.1", "192.0.2.2"];

    thread_local! {
        static DATABASE: Memory = with_schema();
    }

    /// A database with one device, as `record` says.
    fn database(record: &KeyRecord, disabled: bool, window_s: u64) -> Memory {
        let memory = DATABASE.with(Memory::clone);
        for table in ["devices", "models", "tenants"] {
            memory.run(&format!("DELETE FROM {table}"), &[]).unwrap();
        }
        let options = format!("{{\"retry_window_s\":{window_s}}}");
        memory
            .run(
                "INSERT INTO tenants (id, name, options, seq, version, created_at, updated_at) \
                 VALUES ('T', 'T', ?1, 5, 3, 0, 0)",
                args![options],
            )
            .unwrap();
        memory
            .run(
                "INSERT INTO models (tenant_id, name, family, profile, created_at, updated_at) \
                 VALUES ('T', 'M', 'utg', 'utg-128', 0, 0)",
                &[],
            )
            .unwrap();
        memory
            .run(
                "INSERT INTO devices (id, tenant_id, mac, model, disabled, version, fenced_at, \
                 key_state, generation, ever_delivered, key_wrapped, key_master, key_fingerprint, \
                 armed_at, armed_until, delivered_at, delivered_address, confirmed_at, created_at, \
                 updated_at) VALUES ('D', 'T', '0080F0C571EB', 'M', ?1, 4, 0, ?2, ?3, ?4, '', 'k', \
                 'f', ?5, ?6, ?7, ?8, ?9, 0, 0)",
                args![
                    disabled,
                    record.state.as_str(),
                    record.generation,
                    record.ever_delivered,
                    record.armed_at,
                    record.armed_until,
                    record.delivered_at,
                    record.delivered_to.as_deref(),
                    record.confirmed_at
                ],
            )
            .unwrap();
        memory
    }

    /// The key of the device, as the database has it.
    fn key(memory: &Memory) -> KeyRecord {
        #[derive(Deserialize)]
        struct Row {
            generation: u32,
            key_state: KeyState,
            ever_delivered: i64,
            armed_at: u64,
            armed_until: Option<u64>,
            delivered_at: Option<u64>,
            delivered_address: Option<String>,
            confirmed_at: Option<u64>,
        }
        let rows: Vec<Row> = memory.rows("SELECT * FROM devices", &[]).unwrap();
        let row = rows.into_iter().next().unwrap();
        KeyRecord {
            generation: row.generation,
            state: row.key_state,
            ever_delivered: row.ever_delivered == 1,
            armed_at: row.armed_at,
            armed_until: row.armed_until,
            delivered_at: row.delivered_at,
            delivered_to: row.delivered_address,
            confirmed_at: row.confirmed_at,
        }
    }

    /// Runs [`claim_sql`]; whether it took the bootstrap. [`may_claim_sql`] said so before, and wrote
    /// nothing.
    fn claims(memory: &Memory, generation: u32, now: u64, address: &str, window_ms: u64) -> bool {
        let before = key(memory);
        let values = args![
            "D", generation, 4_u64, now, address, "", "", window_ms, 4_u64, 3_u64, "T", false
        ];
        let found = |sql: &str, values: &[ringfence_sql::Arg<'_>]| {
            let rows: Vec<serde_json::Value> = memory.rows(sql, values).unwrap();
            !rows.is_empty()
        };
        let may_claim = found(&may_claim_sql(), &values[..11]);
        assert_eq!(key(memory), before);
        let claims = found(&claim_sql(), values);
        assert_eq!(may_claim, claims);
        claims
    }

    /// Runs a statement that gives nothing.
    fn run(memory: &Memory, sql: &str, args: &[ringfence_sql::Arg<'_>]) {
        memory.run(sql, args).unwrap();
    }

    fn record() -> impl Strategy<Value = KeyRecord> {
        let state = prop::sample::select(KeyState::ALL.to_vec());
        let time = || prop::option::of(TIMES);
        let address = prop::option::of(prop::sample::select(ADDRESSES.to_vec()));
        let times = (TIMES, time(), time(), time());
        (1..3_u32, state, any::<bool>(), times, address).prop_map(
            |(generation, state, ever_delivered, times, address)| KeyRecord {
                generation,
                state,
                // No key comes into these two states but by a delivery.
                ever_delivered: ever_delivered
                    || matches!(state, KeyState::Delivered | KeyState::Confirmed),
                armed_at: times.0,
                armed_until: times.1,
                delivered_at: times.2,
                delivered_to: address.map(Into::into),
                confirmed_at: times.3,
            },
        )
    }

    fn address() -> impl Strategy<Value = &'static str> {
        prop::sample::select(ADDRESSES.to_vec())
    }

    #[derive(serde::Deserialize)]
    struct Fetched {
        fetched_version: u64,
        fetched_at: u64,
    }

    #[test]
    fn a_phone_that_took_its_key_alone_has_not_fetched_its_settings() {
        let armed = KeyRecord {
            generation: 1,
            state: KeyState::Armed,
            ever_delivered: false,
            armed_at: 0,
            armed_until: None,
            delivered_at: None,
            delivered_to: None,
            confirmed_at: None,
        };
        let fetched = |version: Option<u64>| {
            let memory = database(&armed, false, 0);
            run(
                &memory,
                "UPDATE devices SET fetched_version = 2, fetched_at = 7",
                &[],
            );
            let taken: Vec<serde_json::Value> = memory
                .rows(
                    &claim_sql(),
                    args![
                        "D", 1_u64, 4_u64, 9_u64, "", "", "", 0_u64, version, 3_u64, "T", false
                    ],
                )
                .unwrap();
            assert_eq!(taken.len(), 1);
            assert_eq!(key(&memory).state, KeyState::Delivered);
            let mut rows: Vec<Fetched> = memory
                .rows("SELECT fetched_version, fetched_at FROM devices", &[])
                .unwrap();
            let row = rows.pop().unwrap();
            (row.fetched_version, row.fetched_at)
        };
        assert_eq!(fetched(None), (2, 7));
        assert_eq!(fetched(Some(4)), (4, 9));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// The statement takes a bootstrap where the life cycle serves one, and leaves the key as the
        /// life cycle says. The request believes in one window and the tenant's row says another: the
        /// shorter one counts.
        #[test]
        fn a_claim_does_what_the_life_cycle_says(
            record in record(), now in TIMES, source in address(), disabled in any::<bool>(),
            believed_s in 0..4_u64, stored_s in 0..4_u64,
        ) {
            let memory = database(&record, disabled, stored_s);
            let policy = |seconds: u64| ClaimPolicy { retry_window_ms: Some(seconds * 1000) };
            let claim = KeyEvent::Claim { now, source: source.into() };
            let transition = step(&record, &claim, &policy(believed_s.min(stored_s)));
            let serves = matches!(transition.effect, Effect::ServePlaintext { .. }) && !disabled;
            let window = policy(believed_s).retry_window();
            prop_assert_eq!(claims(&memory, record.generation, now, source, window), serves);
            let expected = if serves { transition.next } else { record.clone() };
            prop_assert_eq!(key(&memory), expected);
        }

        /// Another generation, version or tenant is another claim: nothing is taken.
        #[test]
        fn a_claim_of_something_else_takes_nothing(record in record(), now in TIMES, which in 0..5_usize) {
            let memory = database(&record, false, 0);
            let other = |at: usize, value: u64| value + u64::from(at == which);
            let tenant = if which == 4 { "U" } else { "T" };
            let id = if which == 3 { "E" } else { "D" };
            let generation = other(0, u64::from(record.generation));
            let taken: Vec<serde_json::Value> = memory.rows(&claim_sql(), args![
                id, generation, other(1, 4), now, "192.0.2.1", "", "", 0_u64, 4_u64, other(2, 3), tenant, false
            ]).unwrap();
            prop_assert!(taken.is_empty());
            prop_assert_eq!(key(&memory), record);
        }

        #[test]
        fn a_sealed_fetch_confirms_what_the_life_cycle_says(record in record(), now in TIMES) {
            let memory = database(&record, false, 0);
            let transition = step(&record, &KeyEvent::SealedFetch { now }, &ClaimPolicy::default());
            run(&memory, CONFIRM, args!["D", record.generation, now]);
            let confirms = matches!(transition.effect, Effect::ServeSealed { confirms: true });
            prop_assert_eq!(transition.next != record, confirms);
            prop_assert_eq!(key(&memory), transition.next);
        }

        /// What is looked for, entered into the audit log and ended is what the life cycle ends.
        #[test]
        fn time_ends_what_the_life_cycle_says(record in record(), now in TIMES) {
            let memory = database(&record, false, 0);
            let transition = step(&record, &KeyEvent::Tick { now }, &ClaimPolicy::default());
            let ends = transition.effect == Effect::Changed(KeyChange::Expired);
            let count = |sql: &str, values: &[ringfence_sql::Arg<'_>]| {
                memory.rows::<serde_json::Value>(sql, values).unwrap().len()
            };
            // No entry leaves the log but by a transaction that is undone.
            run(&memory, "BEGIN", &[]);
            let overdue = count(&maintenance::overdue_sql(), args![9_u64, now]);
            let pairs = r#"[["D","entry"],["E","other"]]"#;
            run(&memory, &enter_expired_sql(), args![pairs, now, "request"]);
            let entered = count("SELECT id FROM audit", &[]);
            run(&memory, &expire_sql(), args![pairs, now]);
            let ended = key(&memory);
            run(&memory, "ROLLBACK", &[]);
            prop_assert_eq!((overdue, entered), (usize::from(ends), usize::from(ends)));
            prop_assert_eq!(ended, transition.next);
        }

        /// Every key is as the life cycle says once the database is taken into use; a claim of another
        /// generation is none of this key.
        #[test]
        fn a_restore_does_what_the_life_cycle_says(
            record in record(), now in TIMES, undone in prop::option::of(1..3_u32), rekeyed in any::<bool>(),
            other in any::<bool>(),
        ) {
            let memory = database(&record, false, 0);
            let claimed = undone == Some(record.generation) && !other;
            let event = KeyEvent::Restored { claimed, rekeyed };
            let expected = step(&record, &event, &ClaimPolicy::default()).next;
            let of = |tenant: &str| (tenant.to_owned(), "0080F0C571EB".to_owned());
            let (tenant, mac) = of(if other { "U" } else { "T" });
            let claims: Vec<_> = undone.map(|it| (tenant, mac, it)).into_iter().collect();
            let names = if rekeyed { vec![of("U"), of("T")] } else { vec![of("U")] };
            for (sql, values) in restored(&claims, &names, now).unwrap() {
                run(&memory, sql, &values);
            }
            prop_assert_eq!(key(&memory), expected);
        }

        /// Settings are read for a sealed file where the life cycle serves one, and only there.
        #[test]
        fn settings_are_read_for_whoever_gets_a_sealed_file(record in record(), disabled in any::<bool>()) {
            let memory = database(&record, disabled, 0);
            let (condition, _) = ReadWhen::Sealed.condition();
            let sql = format!("SELECT d.id FROM devices d WHERE d.tenant_id = ?1 AND {condition}");
            let rows: Vec<serde_json::Value> = memory.rows(&sql, args!["T", "0080F0C571EB"]).unwrap();
            prop_assert_eq!(!rows.is_empty(), !disabled && may_serve_sealed(&record));
        }

        /// Whoever gets something at the plain name has their settings read with the device.
        #[test]
        fn settings_are_read_for_whoever_gets_something(
            record in record(), now in TIMES, source in address(), disabled in any::<bool>(),
            window_s in 0..10_u64, sealed in any::<bool>(), in_clear in any::<bool>(),
        ) {
            let memory = database(&record, disabled, window_s);
            let policy = ClaimPolicy { retry_window_ms: Some(window_s * 1000) };
            let claim = KeyEvent::Claim { now, source: source.into() };
            let serves = matches!(step(&record, &claim, &policy).effect, Effect::ServePlaintext { .. });
            let gets = !disabled && (serves || (sealed && may_serve_sealed(&record)));
            let claimant = Claimant { now, address: source, retry_window_ms: policy.retry_window() };
            let (condition, values) = ReadWhen::Plain(AtPlainName { claim: Some(claimant), sealed, in_clear, families: None, kept: None }).condition();
            let mut all = vec!["T".into(), "0080F0C571EB".into()];
            all.extend(values);
            let sql = format!("SELECT {condition} AS reads FROM devices d WHERE d.tenant_id = ?1 AND ?2 <> ''");
            let rows: Vec<std::collections::BTreeMap<String, u8>> = memory.rows(&sql, &all).unwrap();
            prop_assert!(!gets || rows.first().and_then(|row| row.get("reads")) == Some(&1));
        }
    }
}
