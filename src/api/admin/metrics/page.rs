//! Which metrics there are, and what their samples are made from.

use ringfence_queue::messages::{Gauges, PendingJobs};

use super::exposition::{Exposition, Family, Kind};
use crate::store::metrics::ScrapeRows;

/// What the page is made from.
pub struct Facts {
    pub counted: ScrapeRows,
    pub pools: Vec<PoolFacts>,
    /// Whether there are more pools than are shown.
    pub left_out: bool,
    /// Unix milliseconds.
    pub now: u64,
}

/// A pool and what its object says; `None`: it does not answer.
pub struct PoolFacts {
    pub id: String,
    pub name: String,
    pub gauges: Option<Gauges>,
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family {
        name,
        kind: Kind::Counter,
        help,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family {
        name,
        kind: Kind::Gauge,
        help,
    }
}

const BUILD: Family = gauge("build_info", "The version that runs; always 1.");
const FETCHES: Family = counter(
    "fetches_total",
    "Requests of phones that left an event, by kind of file, outcome and reason.",
);
const REQUESTS: Family = counter(
    "requests_total",
    "Requests of phones of a known tenant, with those that found no room for an event.",
);
const BOOTSTRAPS: Family = counter("bootstraps_total", "Bootstraps that were taken.");
const DEVICES: Family = gauge("devices", "Devices by the state of their key.");
const CONDITIONS: Family = gauge(
    "devices_in_condition",
    "Devices that are so; one device may be counted under several conditions.",
);
const COUNTED_AT: Family = gauge(
    "last_count_timestamp_seconds",
    "When the cron event last counted requests and events.",
);
const DEVICES_AT: Family = gauge(
    "devices_last_count_timestamp_seconds",
    "When the cron event last counted devices.",
);
const POOLS_LEFT_OUT: Family = gauge(
    "pools_left_out",
    "1 if there are more pools than are shown here, or else 0.",
);
const POOL: Family = gauge("pool_info", "The name of a pool; always 1.");
const POOL_UP: Family = gauge("pool_up", "1 if the queue of the pool answers, or else 0.");
const JOBS: Family = gauge("notify_jobs", "NOTIFY jobs that have not ended, by state.");
const JOB_AGE: Family = gauge(
    "notify_oldest_job_age_seconds",
    "How long ago the oldest of those jobs was queued; 0 if there is none.",
);
const RELAYS: Family = gauge(
    "relays",
    "Relays that have been connected at least once and were not removed.",
);
const CONNECTED: Family = gauge("relays_connected", "Relays that are connected.");
const DRAINING: Family = gauge("relays_draining", "Connected relays that get no more jobs.");
const EDGE_UP: Family = gauge(
    "edge_sender_up",
    "Of a pool that sends itself: 1 if it reached its proxy when it last tried, or else 0.",
);
const ROLLOUTS: Family = gauge("rollouts", "Rollouts that have not ended, by state.");

/// Fetches that are shown before there is one: an increase is found from 0 to 1, not from nothing to 1, and of these
/// one is enough to tell somebody.
const FROM_ZERO: [(&str, &str, &str); 6] = [
    ("initial", "broken", "file_not_made"),
    ("master", "broken", "file_not_made"),
    ("none", "unavailable", "storage"),
    ("product", "broken", "file_not_made"),
    ("standard", "broken", "file_not_made"),
    ("system", "broken", "file_not_made"),
];

/// Every family.
#[cfg(test)]
const ALL: [Family; 18] = [
    BUILD,
    FETCHES,
    REQUESTS,
    BOOTSTRAPS,
    DEVICES,
    CONDITIONS,
    COUNTED_AT,
    DEVICES_AT,
    POOLS_LEFT_OUT,
    POOL,
    POOL_UP,
    JOBS,
    JOB_AGE,
    RELAYS,
    CONNECTED,
    DRAINING,
    EDGE_UP,
    ROLLOUTS,
];

/// The page.
pub fn page(facts: &Facts) -> String {
    let mut page = Exposition::default();
    page.family(BUILD, [([("version", env!("CARGO_PKG_VERSION"))], 1)]);
    phones(&mut page, &facts.counted);
    let seconds = |at: u64| [([], at / 1000)];
    page.family(COUNTED_AT, seconds(facts.counted.progress.counted_at));
    page.family(DEVICES_AT, seconds(facts.counted.progress.devices_at));
    page.family(POOLS_LEFT_OUT, [([], u64::from(facts.left_out))]);
    pools(&mut page, &facts.pools, facts.now);
    page.text()
}

/// What phones asked for, and how their devices are.
fn phones(page: &mut Exposition, counted: &ScrapeRows) {
    let sample = |kind, outcome, reason, number| {
        (
            [("kind", kind), ("outcome", outcome), ("reason", reason)],
            number,
        )
    };
    let fetches = counted.fetches.iter();
    let fetches = fetches.map(|row| sample(&*row.kind, &*row.outcome, &*row.reason, row.number));
    let missing = FROM_ZERO.iter().filter(|(kind, outcome, reason)| {
        let mut rows = counted.fetches.iter();
        !rows.any(|row| row.kind == *kind && row.outcome == *outcome && row.reason == *reason)
    });
    let missing = missing.map(|(kind, outcome, reason)| sample(*kind, *outcome, *reason, 0));
    page.family(FETCHES, fetches.chain(missing));
    let named = |name: &'static str| counted.values.iter().filter(move |row| row.name == name);
    let requests = named("requests").map(|row| row.value).sum();
    page.family(REQUESTS, [([], requests)]);
    let bootstraps = counted
        .fetches
        .iter()
        .filter(|row| row.reason == "bootstrap");
    page.family(BOOTSTRAPS, [([], bootstraps.map(|row| row.number).sum())]);
    let labelled =
        |label, name| named(name).map(move |row| ([(label, row.label.as_str())], row.value));
    page.family(DEVICES, labelled("state", "state"));
    page.family(CONDITIONS, labelled("condition", "condition"));
}

/// The queues, their relays and rollouts.
fn pools(page: &mut Exposition, pools: &[PoolFacts], now: u64) {
    let named = pools
        .iter()
        .map(|pool| ([("pool", &*pool.id), ("name", &*pool.name)], 1));
    page.family(POOL, named);
    let each = |value: fn(&PoolFacts) -> u64| {
        pools
            .iter()
            .map(move |pool| ([("pool", pool.id.as_str())], value(pool)))
    };
    page.family(POOL_UP, each(|pool| u64::from(pool.gauges.is_some())));
    let answering = || {
        pools
            .iter()
            .filter_map(|pool| Some((pool.id.as_str(), pool.gauges.as_ref()?)))
    };
    let jobs = |value: fn(&PendingJobs, u64) -> u64| {
        answering().flat_map(move |(id, gauges)| {
            gauges.jobs.iter().map(move |jobs| {
                (
                    [("pool", id), ("state", jobs.state.as_str())],
                    value(jobs, now),
                )
            })
        })
    };
    page.family(JOBS, jobs(|jobs, _| jobs.number));
    page.family(JOB_AGE, jobs(age_s));
    let gauge = |value: fn(&Gauges) -> u64| {
        answering().map(move |(id, gauges)| ([("pool", id)], value(gauges)))
    };
    page.family(RELAYS, gauge(|gauges| gauges.relays));
    page.family(CONNECTED, gauge(|gauges| gauges.connected));
    page.family(DRAINING, gauge(|gauges| gauges.draining));
    let edges =
        answering().filter_map(|(id, gauges)| Some(([("pool", id)], u64::from(gauges.edge_up?))));
    page.family(EDGE_UP, edges);
    let rollouts = answering().flat_map(|(id, gauges)| {
        [
            ([("pool", id), ("state", "paused")], gauges.rollouts_paused),
            (
                [("pool", id), ("state", "running")],
                gauges.rollouts_running,
            ),
        ]
    });
    page.family(ROLLOUTS, rollouts);
}

fn age_s(jobs: &PendingJobs, now: u64) -> u64 {
    jobs.oldest_at.map_or(0, |at| now.saturating_sub(at) / 1000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::metrics::{FetchRow, Progress, ValueRow};

    fn pending(state: &str, number: u64, oldest_at: Option<u64>) -> PendingJobs {
        PendingJobs {
            state: state.into(),
            number,
            oldest_at,
        }
    }

    fn facts() -> Facts {
        let value = |name: &str, label: &str, value| ValueRow {
            name: name.into(),
            label: label.into(),
            value,
        };
        let fetch = |kind: &str, outcome: &str, reason: &str, number| FetchRow {
            kind: kind.into(),
            outcome: outcome.into(),
            reason: reason.into(),
            number,
        };
        Facts {
            counted: ScrapeRows {
                fetches: vec![
                    fetch("none", "refused", "no_such_path", 4),
                    fetch("standard", "served", "bootstrap", 2),
                ],
                values: vec![
                    value("condition", "stale", 3),
                    value("requests", "", 9),
                    value("state", "armed", 5),
                ],
                progress: Progress {
                    counted_at: 7_000,
                    devices_at: 8_999,
                    devices: 0,
                },
                pools: Vec::new(),
            },
            pools: vec![
                PoolFacts {
                    id: "default".into(),
                    name: "default".into(),
                    gauges: Some(Gauges {
                        jobs: vec![
                            pending("queued", 2, Some(1_000)),
                            pending("leased", 0, None),
                        ],
                        relays: 2,
                        connected: 1,
                        rollouts_paused: 1,
                        edge_up: Some(false),
                        ..Gauges::default()
                    }),
                },
                PoolFacts {
                    id: "01J".into(),
                    name: "\"North\"".into(),
                    gauges: None,
                },
            ],
            left_out: false,
            now: 61_500,
        }
    }

    #[test]
    fn metrics_format_unchanged() {
        insta::assert_snapshot!(page(&facts()));
    }

    /// The rules of `promtool check metrics`, which looks at a real page in tests/e2e/metrics.test.mjs.
    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let names: BTreeSet<&str> = ALL.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), ALL.len());
        for family in ALL {
            let name = family.name;
            let fits = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.chars().all(fits), "{name}");
            assert_eq!(
                name.ends_with("_total"),
                family.kind == Kind::Counter,
                "{name}"
            );
            for end in [
                "_count",
                "_sum",
                "_bucket",
                "_ms",
                "_minutes",
                "_milliseconds",
            ] {
                assert!(!name.ends_with(end), "{name}");
            }
            assert!(
                family.help.ends_with('.') && !family.help.contains('\n'),
                "{name}"
            );
            let written = format!("# TYPE ringfence_{name} ");
            assert_eq!(page(&facts()).matches(&written).count(), 1, "{name}");
        }
    }
}
