//! What `GET /metrics` says: counted by the cron event into few rows, which a scrape reads.
//!
//! Events are counted in pages, each in one transaction with the mark of how far was counted: two runs at once, or
//! one that dies, count nothing twice and leave nothing out. Retention removes events long after that, and no
//! statement takes anything off a counter, so counters only grow.

use std::collections::BTreeMap;

use ringfence_sql::args;
use serde::Deserialize;

use super::json::json;
use super::pools::{self, PoolRow};
use crate::db::{Db, Statement, StorageError, rows};
use crate::platform::{DAY_MS, HOUR_MS, MINUTE_MS, first_id_at, time_of_id};

/// How many events one transaction counts at most, where one minute does not have more.
const MAX_EVENTS_COUNTED: u64 = 5_000;

/// How many minutes of events one transaction counts at most.
const MAX_MINUTES_COUNTED: u64 = 60;

/// How many minutes back requests are counted at most, should the cron event not have come for that long.
const MAX_MINUTES_BACK: u64 = 60;

/// More rows of counted fetches than the words of kinds, outcomes and reasons can make.
const MAX_FETCH_ROWS: u32 = 2_000;

/// How far events are counted, and in which minute there may be one that is not.
const COUNTED: &str = "SELECT event, (SELECT min(minute) FROM event_minutes) AS first FROM metric_progress WHERE id = 1";

/// How many events each minute has at most: what was seen in it may have left none.
const MINUTES: &str = "SELECT minute, sum(seen) AS events FROM event_minutes WHERE minute >= ?1 AND minute < ?2 \
     GROUP BY minute ORDER BY minute";

/// Counts the next events of every tenant: the key of an event begins with its tenant's id.
const COUNT_PAGE: &str = "INSERT INTO metric_fetches (kind, outcome, reason, number) \
     SELECT coalesce(kind, 'none'), outcome, reason, count(*) \
     FROM tenants t CROSS JOIN phone_events e ON e.tenant_id = t.id \
     AND e.id > (SELECT event FROM metric_progress WHERE id = 1) AND e.id <= ?1 WHERE t.id > '' GROUP BY 1, 2, 3 \
     ON CONFLICT DO UPDATE SET number = number + excluded.number";

/// The same events by the hour, for what is shown of the last day: the number of an hour is its Unix time / 3600 s.
const COUNT_HOURS: &str = "INSERT INTO metric_values (name, label, value) \
     SELECT 'hour', (at / 3600000) || CASE WHEN outcome IN ('served', 'not_modified') THEN ' served' ELSE ' refused' END, \
     count(*) FROM tenants t CROSS JOIN phone_events e ON e.tenant_id = t.id \
     AND e.id > (SELECT event FROM metric_progress WHERE id = 1) AND e.id <= ?1 WHERE t.id > '' \
     AND at >= ?2 GROUP BY 2 ON CONFLICT DO UPDATE SET value = value + excluded.value";

/// Numbers of hours have six digits until 2084, so they sort as texts.
const FORGET_HOURS: &str = "DELETE FROM metric_values WHERE name = 'hour' AND label < ?1";

/// For how many hours the counts of events by the hour are kept.
const HOURS_KEPT: u64 = 25;

const PAGE_IS_COUNTED: &str =
    "UPDATE metric_progress SET event = ?1, counted_at = ?2 WHERE id = 1 AND event < ?1";

const COUNT_MINUTES: &str = "INSERT INTO metric_values (name, label, value) \
     SELECT 'requests', '', coalesce(sum(seen), 0) FROM event_minutes \
     WHERE minute >= max((SELECT minute FROM metric_progress WHERE id = 1), ?2) AND minute < ?1 \
     ON CONFLICT DO UPDATE SET value = value + excluded.value";

const MINUTES_ARE_COUNTED: &str = "UPDATE metric_progress SET minute = max(minute, ?1), counted_at = max(counted_at, ?2) WHERE id = 1";

/// Reads every device once; [`Progress::devices_are_due`] says how often that may be.
const COUNT_DEVICES: &str = "SELECT d.key_state AS state, count(*) AS devices, sum(d.disabled) AS disabled, \
     sum(coalesce(d.fetched_version < max(d.version, t.version), 0)) AS stale, \
     sum(coalesce(d.failed_at > coalesce(d.last_seen_at, 0), 0)) AS failing, \
     sum(d.last_seen_at IS NULL) AS never_seen, sum(d.unexpected_network) AS unexpected_network, \
     sum(d.key_state = 'delivered' AND d.delivered_at < ?1) AS never_came_back \
     FROM tenants t CROSS JOIN devices d ON d.tenant_id = t.id WHERE t.id > '' GROUP BY d.key_state";

const PUT_VALUES: &str = "INSERT INTO metric_values (name, label, value) \
     SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true \
     ON CONFLICT DO UPDATE SET value = excluded.value";

/// Fetches that ended alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FetchRow {
    pub kind: String,
    pub outcome: String,
    pub reason: String,
    pub number: u64,
}

/// Another number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ValueRow {
    pub name: String,
    pub label: String,
    pub value: u64,
}

/// When what was counted, in Unix milliseconds; 0: not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Progress {
    pub counted_at: u64,
    pub devices_at: u64,
    /// How many devices there were.
    #[serde(default)]
    pub devices: u64,
}

/// How many rows of devices may be read in a day to count them.
const MAX_DEVICE_ROWS_A_DAY: u64 = 2_000_000;

impl Progress {
    /// Whether devices are to be counted again: the more there are, the more seldom.
    pub fn devices_are_due(&self, now: u64) -> bool {
        let pause = self.devices * DAY_MS / MAX_DEVICE_ROWS_A_DAY;
        now >= self.devices_at + pause
    }
}

/// What a scrape reads.
#[derive(Clone, Debug, Default)]
pub struct ScrapeRows {
    pub fetches: Vec<FetchRow>,
    pub values: Vec<ValueRow>,
    pub progress: Progress,
    pub pools: Vec<PoolRow>,
}

/// Counts the next events, those of requests before `before` (Unix milliseconds); how many pages that took, at most `limit`.
///
/// # Errors
/// D1 fails; pages that were counted stay counted.
pub async fn count_events(
    db: &Db,
    before: u64,
    now: u64,
    limit: usize,
) -> Result<usize, StorageError> {
    let since = (now / HOUR_MS).saturating_sub(HOURS_KEPT);
    let forget = Statement::new(FORGET_HOURS, args![since.to_string()]);
    db.batch_of([forget]).await?;
    for page in 0..limit {
        let counted: Option<Counted> = db.row(COUNTED, &[]).await?;
        let counted = counted.unwrap_or_default();
        let below = first_id_at(before);
        if counted.event >= below {
            return Ok(page);
        }
        let from = counted.next_minute().unwrap_or(before / MINUTE_MS);
        let minutes = args![from, from + MAX_MINUTES_COUNTED];
        let minutes: Vec<MinuteRow> = db.rows(MINUTES, minutes).await?;
        let end = page_end(from, &minutes) * MINUTE_MS;
        let end = first_id_at(end.min(before));
        db.batch_of([
            Statement::new(COUNT_PAGE, args![&end]),
            Statement::new(COUNT_HOURS, args![&end, since * HOUR_MS]),
            Statement::new(PAGE_IS_COUNTED, args![&end, now]),
        ])
        .await?;
    }
    Ok(limit)
}

/// How far events are counted.
#[derive(Clone, Debug, Default, Deserialize)]
struct Counted {
    /// The id below which they are; empty: none is.
    event: String,
    /// The first minute that is known of, by its Unix time / 60 s.
    first: Option<u64>,
}

impl Counted {
    /// The minute with which the next page begins; `None` where nothing has been counted and no minute is known of.
    fn next_minute(&self) -> Option<u64> {
        time_of_id(&self.event)
            .map(|at| at / MINUTE_MS)
            .or(self.first)
    }
}

/// How many events a minute has at most.
#[derive(Clone, Copy, Debug, Deserialize)]
struct MinuteRow {
    minute: u64,
    events: u64,
}

/// The minute before which a page ends that begins with `from`: it has room for the events of those before, or of one.
fn page_end(from: u64, minutes: &[MinuteRow]) -> u64 {
    let mut events = 0;
    let full = minutes.iter().find(|row| {
        events += row.events;
        events > MAX_EVENTS_COUNTED && row.minute > from
    });
    full.map_or(from + MAX_MINUTES_COUNTED, |row| row.minute)
}

/// Counts the requests of the minutes before `minute` (Unix time / 60 s).
pub async fn count_minutes(db: &Db, minute: u64, now: u64) -> Result<(), StorageError> {
    let from = minute.saturating_sub(MAX_MINUTES_BACK);
    db.batch_of([
        Statement::new(COUNT_MINUTES, args![minute, from]),
        Statement::new(MINUTES_ARE_COUNTED, args![minute, now]),
    ])
    .await
    .map(drop)
}

/// When what was counted last.
pub async fn progress(db: &Db) -> Result<Progress, StorageError> {
    let sql = "SELECT counted_at, devices_at, coalesce((SELECT sum(value) FROM metric_values \
               WHERE name = 'state'), 0) AS devices FROM metric_progress WHERE id = 1";
    Ok(db.row(sql, &[]).await?.unwrap_or_default())
}

/// The devices that are in one state of their keys.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct StateRow {
    state: String,
    devices: u64,
    disabled: u64,
    stale: u64,
    failing: u64,
    never_seen: u64,
    unexpected_network: u64,
    never_came_back: u64,
}

/// The states of a key, each of which has its number, be it 0.
const STATES: [&str; 5] = ["armed", "delivered", "confirmed", "expired", "replaced"];

/// Counts devices by state and by condition. One that took its bootstrap before `delivered_before` and has not
/// come back since never came back.
pub async fn count_devices(db: &Db, delivered_before: u64, now: u64) -> Result<(), StorageError> {
    let found: Vec<StateRow> = db.rows(COUNT_DEVICES, args![delivered_before]).await?;
    db.batch_of([
        Statement::new(PUT_VALUES, args![json(&device_values(&found))?]),
        Statement::new(
            "UPDATE metric_progress SET devices_at = ?1 WHERE id = 1",
            args![now],
        ),
    ])
    .await
    .map(drop)
}

type Value = (&'static str, &'static str, u64);

/// The numbers of devices, each under its name and its label.
pub fn device_values(found: &[StateRow]) -> Vec<Value> {
    let sum = |of: fn(&StateRow) -> u64| found.iter().map(of).sum();
    let mut values: Vec<Value> = vec![
        ("condition", "disabled", sum(|row| row.disabled)),
        ("condition", "failing", sum(|row| row.failing)),
        (
            "condition",
            "never_came_back",
            sum(|row| row.never_came_back),
        ),
        ("condition", "never_seen", sum(|row| row.never_seen)),
        ("condition", "stale", sum(|row| row.stale)),
        (
            "condition",
            "unexpected_network",
            sum(|row| row.unexpected_network),
        ),
    ];
    for state in STATES {
        let alike = found.iter().filter(|row| row.state == state);
        values.push(("state", state, alike.map(|row| row.devices).sum()));
    }
    values
}

/// The devices of all tenants as they were last counted, and when that was: two statements, one round trip.
pub async fn devices(db: &Db) -> Result<(Vec<ValueRow>, u64), StorageError> {
    let (values, progress) = some_of(
        db,
        "SELECT name, label, value FROM metric_values WHERE name IN ('condition', 'state') ORDER BY name, label LIMIT 100",
    )
    .await?;
    Ok((values, progress.devices_at))
}

/// Some of the numbers, and when they were counted.
async fn some_of(db: &Db, values: &str) -> Result<(Vec<ValueRow>, Progress), StorageError> {
    let statements = [
        Statement::new(values, &[]),
        Statement::new(
            "SELECT counted_at, devices_at FROM metric_progress WHERE id = 1",
            &[],
        ),
    ];
    let [values, progress] = db.batch_of(statements).await?;
    let progress: Option<Progress> = rows(&progress)?.into_iter().next();
    Ok((rows(&values)?, progress.unwrap_or_default()))
}

/// What phones of all tenants asked for in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourRow {
    /// Its Unix time / 3600 s.
    pub hour: u64,
    pub served: u64,
    pub refused: u64,
}

/// The hours of the last day in which anything was asked for, and when requests were last counted.
pub async fn hours(db: &Db) -> Result<(Vec<HourRow>, u64), StorageError> {
    let (values, progress) = some_of(
        db,
        "SELECT name, label, value FROM metric_values WHERE name = 'hour' ORDER BY label LIMIT 100",
    )
    .await?;
    Ok((by_hour(&values), progress.counted_at))
}

fn by_hour(values: &[ValueRow]) -> Vec<HourRow> {
    let mut hours: BTreeMap<u64, HourRow> = BTreeMap::new();
    for row in values {
        let Some((hour, how)) = row.label.split_once(' ') else {
            continue;
        };
        let Ok(hour) = hour.parse() else { continue };
        let found = hours.entry(hour).or_insert(HourRow {
            hour,
            ..HourRow::default()
        });
        match how {
            "served" => found.served += row.value,
            _ => found.refused += row.value,
        }
    }
    hours.into_values().collect()
}

/// What a scrape shows: four statements, one round trip. `pools` is how many pools it shows at most.
pub async fn counted(db: &Db, pools: u32) -> Result<ScrapeRows, StorageError> {
    let statements = [
        Statement::new(
            "SELECT kind, outcome, reason, number FROM metric_fetches WHERE kind > '' ORDER BY kind, outcome, reason LIMIT ?1",
            args![MAX_FETCH_ROWS],
        ),
        Statement::new(
            "SELECT name, label, value FROM metric_values WHERE name IN ('condition', 'requests', 'state') \
             ORDER BY name, label LIMIT 100",
            &[],
        ),
        Statement::new(
            "SELECT counted_at, devices_at FROM metric_progress WHERE id = 1",
            &[],
        ),
        pools::first(pools),
    ];
    let [fetches, values, progress, pools] = db.batch_of(statements).await?;
    Ok(ScrapeRows {
        fetches: rows(&fetches)?,
        values: rows(&values)?,
        progress: rows(&progress)?.into_iter().next().unwrap_or_default(),
        pools: rows(&pools)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use ringfence_sql::{Memory, Sql};

    use super::*;
    use crate::store::testing::with_schema;

    fn tenant(sql: &Memory) {
        sql.run(
            "INSERT INTO tenants (id, name, options, created_at, updated_at) VALUES ('T', 'T', '{}', 1, 1)",
            args![],
        )
        .unwrap();
    }

    fn event(sql: &Memory, id: &str, kind: Option<&str>, reason: &str) {
        sql.run(
            "INSERT INTO phone_events (id, tenant_id, kind, outcome, reason, status, bytes, address, user_agent, country, request_id, at) \
             VALUES (?1, 'T', ?2, 'refused', ?3, 404, 0, '', '', '', '', 1)",
            args![id, kind, reason],
        )
        .unwrap();
    }

    /// One page of the cron event.
    fn run(sql: &Memory, end: &str) {
        sql.run(COUNT_PAGE, args![end]).unwrap();
        sql.run(PAGE_IS_COUNTED, args![end, 5_u64]).unwrap();
    }

    fn counts(sql: &Memory) -> BTreeMap<(String, String), u64> {
        let rows: Vec<FetchRow> = sql
            .rows(
                "SELECT kind, outcome, reason, number FROM metric_fetches",
                args![],
            )
            .unwrap();
        rows.into_iter()
            .map(|row| ((row.kind, row.reason), row.number))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_event_is_counted_once_and_no_counter_goes_down(
            steps in prop::collection::vec((0..40_u32, 0..3_u8, any::<bool>(), 0..60_u32), 1..40),
        ) {
            let sql = with_schema();
            tenant(&sql);
            let mut written = 0;
            let mut before = BTreeMap::new();
            for (at, (new, reason, prunes, back)) in steps.iter().enumerate() {
                // Ids only grow but for the time that a late writer has.
                for number in 0..*new % 5 {
                    let id = format!("{at:04}{number:02}");
                    event(&sql, &id, (*reason > 0).then_some("standard"), &format!("r{reason}"));
                    written += 1;
                }
                run(&sql, &format!("{:04}", at + 1));
                if *prunes {
                    let floor = format!("{:04}", at.saturating_sub(*back as usize));
                    sql.run("DELETE FROM phone_events WHERE id < ?1", args![&floor]).unwrap();
                }
                let now = counts(&sql);
                for (of, number) in &before {
                    prop_assert!(now.get(of) >= Some(number));
                }
                prop_assert_eq!(now.values().sum::<u64>(), written);
                before = now;
            }
        }
    }

    #[test]
    fn a_run_that_was_overtaken_counts_nothing_again() {
        let sql = with_schema();
        tenant(&sql);
        event(&sql, "A", None, "no_such_path");
        event(&sql, "B", None, "no_such_path");
        run(&sql, "B");
        // The slower run had found the same end.
        sql.run(COUNT_PAGE, args!["B"]).unwrap();
        sql.run(PAGE_IS_COUNTED, args!["B", 5_u64]).unwrap();
        assert_eq!(counts(&sql).values().sum::<u64>(), 2);
    }

    #[test]
    fn a_page_has_room_for_the_events_of_its_minutes_and_goes_on() {
        let rows = |all: &[(u64, u64)]| -> Vec<MinuteRow> {
            let row = |&(minute, events)| MinuteRow { minute, events };
            all.iter().map(row).collect()
        };
        let most = MAX_EVENTS_COUNTED;
        assert_eq!(page_end(10, &[]), 10 + MAX_MINUTES_COUNTED);
        let few = rows(&[(10, 5), (11, most - 5)]);
        assert_eq!(page_end(10, &few), 10 + MAX_MINUTES_COUNTED);
        assert_eq!(page_end(10, &rows(&[(10, 5), (11, most)])), 11);
        // One minute alone is taken whatever it has.
        let flood = rows(&[(10, 9 * most), (14, 9 * most)]);
        assert_eq!(page_end(10, &flood), 14);
        let first_id = |minute| Some(minute).map(|it| first_id_at(it * MINUTE_MS));
        for (event, first, next) in [
            (None, None, None),
            (None, Some(7), Some(7)),
            (first_id(9), Some(7), Some(9)),
            (first_id(9), None, Some(9)),
            // Events of before the first minute that is known of are counted, too.
            (first_id(9), Some(12), Some(9)),
        ] {
            let counted = Counted {
                event: event.unwrap_or_default(),
                first,
            };
            assert_eq!(counted.next_minute(), next, "{counted:?}");
        }
    }

    #[test]
    fn nothing_that_counts_events_reads_all_of_them() {
        let sql = with_schema();
        let plan = |text: &str| sql.plan(text).join("\n");
        for text in [COUNT_PAGE, COUNT_HOURS] {
            let plan = plan(text);
            assert!(
                plan.contains("SEARCH e USING PRIMARY KEY (tenant_id=? AND id>? AND id<?)"),
                "{plan}"
            );
        }
        for text in [COUNTED, MINUTES] {
            let plan = plan(text);
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            assert!(plan.contains("USING PRIMARY KEY"), "{plan}");
        }
    }

    #[test]
    fn events_of_the_last_day_are_counted_by_their_hours_and_older_hours_are_forgotten() {
        let sql = with_schema();
        tenant(&sql);
        let now = 500_000 * HOUR_MS;
        for (id, hours_ago, outcome) in [
            ("A", 30, "served"),
            ("B", 2, "served"),
            ("C", 2, "not_modified"),
            ("D", 2, "refused"),
            ("E", 0, "broken"),
        ] {
            event(&sql, id, None, "r");
            sql.run(
                "UPDATE phone_events SET at = ?2, outcome = ?3 WHERE id = ?1",
                args![id, now - hours_ago * HOUR_MS, outcome],
            )
            .unwrap();
        }
        let values = || {
            let sql_text =
                "SELECT name, label, value FROM metric_values WHERE name = 'hour' ORDER BY label";
            by_hour(&sql.rows::<ValueRow>(sql_text, args![]).unwrap())
        };
        let since = (now - 25 * HOUR_MS) / HOUR_MS * HOUR_MS;
        for end in ["C", "E", "E"] {
            sql.run(COUNT_HOURS, args![end, since]).unwrap();
            sql.run(PAGE_IS_COUNTED, args![end, 5_u64]).unwrap();
        }
        let hour = |hour, served, refused| HourRow {
            hour,
            served,
            refused,
        };
        assert_eq!(values(), [hour(499_998, 2, 1), hour(500_000, 0, 1)]);
        sql.run(FORGET_HOURS, args!["499999"]).unwrap();
        assert_eq!(values(), [hour(500_000, 0, 1)]);
    }

    #[test]
    fn minutes_are_counted_once_and_at_most_an_hour_back() {
        let sql = with_schema();
        tenant(&sql);
        for (minute, seen) in [(10_u64, 1_000_u64), (95, 7), (99, 3), (100, 50)] {
            sql.run(
                "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES ('T', ?1, ?2)",
                args![minute, seen],
            )
            .unwrap();
        }
        for (minute, sum) in [(100_u64, 10), (100, 10), (101, 60)] {
            let from = minute - MAX_MINUTES_BACK;
            sql.run(COUNT_MINUTES, args![minute, from]).unwrap();
            sql.run(MINUTES_ARE_COUNTED, args![minute, 5_u64]).unwrap();
            let rows: Vec<ValueRow> = sql
                .rows("SELECT name, label, value FROM metric_values", args![])
                .unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!((&*rows[0].name, rows[0].value), ("requests", sum));
        }
    }

    #[test]
    fn every_state_and_condition_has_its_number_whatever_there_is() {
        let values = device_values(&[]);
        assert_eq!(values.len(), STATES.len() + 6);
        assert!(values.iter().all(|(_, _, value)| *value == 0));
        let sql = with_schema();
        for _ in 0..2 {
            sql.run(PUT_VALUES, args![serde_json::to_string(&values).unwrap()])
                .unwrap();
        }
        let rows: Vec<ValueRow> = sql
            .rows("SELECT name, label, value FROM metric_values", args![])
            .unwrap();
        assert_eq!(rows.len(), values.len());
    }

    #[test]
    fn the_more_devices_the_more_seldom_they_are_counted() {
        let progress = |devices| Progress {
            counted_at: 0,
            devices_at: 1_000,
            devices,
        };
        assert!(progress(0).devices_are_due(1_000));
        assert!(progress(1_000).devices_are_due(1_000 + 5 * 60_000));
        let hour = 3_600_000;
        assert!(!progress(100_000).devices_are_due(1_000 + hour));
        assert!(progress(100_000).devices_are_due(1_000 + 2 * hour));
    }
}
