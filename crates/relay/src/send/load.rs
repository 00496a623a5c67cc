//! Many NOTIFYs, counted: what the relay can do beside a proxy of one's own.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use ringfence_wire::Target;
use serde::Serialize;
use tokio::time::sleep;

use super::{SendError, job};
use crate::cli::SendOptions;
use crate::config::Settings;
use crate::metrics::outcome;
use crate::node::Node;
use ringfence_sender::Done;

/// What `--count` prints. Times in milliseconds, memory in KiB.
#[derive(Debug, Default, Serialize)]
struct Report {
    count: u64,
    answered: u64,
    outcomes: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<String, u64>,
    datagrams: u64,
    elapsed_ms: u64,
    answered_per_second: f64,
    rtt_ms: RoundTrips,
    max_in_flight: usize,
    cpu_ms: Option<u64>,
    rss_kib: Option<u64>,
    peak_rss_kib: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct RoundTrips {
    p50: u32,
    p95: u32,
    p99: u32,
    max: u32,
}

pub(super) async fn load(
    options: &SendOptions,
    targets: &[Target],
    settings: Settings,
    count: u64,
) -> Result<bool, SendError> {
    let most = usize::try_from(options.in_flight.max(1)).unwrap_or(usize::MAX);
    let mut node = Node::open(&settings, most)?;
    let mut report = Report {
        count,
        ..Report::default()
    };
    let mut rtts: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut submitted, mut ended) = (0, 0);
    let begun = node.now();
    let mut targets = targets.iter().cycle();
    loop {
        let now = node.now();
        let due = due(options.rate, now - begun, count);
        // A bounded burst, so that answers are read between the requests.
        let burst = submitted + 256;
        while submitted < due.min(burst) && node.engine.len() < most {
            let Some(target) = targets.next() else { break };
            submitted += 1;
            node.engine
                .submit(job(options, target.clone(), submitted), now);
        }
        node.pump();
        report.max_in_flight = report.max_in_flight.max(node.engine.in_flight());
        while let Some(done) = node.engine.poll_done() {
            ended += 1;
            let Done::Result(result, _) = done else {
                continue;
            };
            *report.outcomes.entry(outcome(result.outcome)).or_default() += 1;
            if let Some(rtt) = result.rtt_ms {
                *rtts.entry(rtt).or_default() += 1;
            }
            match report.reasons.get_mut(&result.reason) {
                Some(count) => *count += 1,
                None => drop(report.reasons.insert(result.reason, 1)),
            }
        }
        if ended >= count {
            break;
        }
        let more_now = submitted < due && node.engine.len() < most;
        let until_next = if submitted < count && node.engine.len() < most {
            Duration::from_millis(1)
        } else {
            Duration::from_secs(1)
        };
        if more_now {
            tokio::task::yield_now().await;
        } else {
            tokio::select! {
                () = node.wait() => {}
                () = sleep(until_next) => {}
            }
        }
    }
    finish(&mut report, &node, &rtts, node.now() - begun);
    let text = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(report.answered == count)
}

/// How many should have been submitted after `elapsed` milliseconds.
fn due(rate: u32, elapsed: u64, count: u64) -> u64 {
    if rate == 0 {
        return count;
    }
    (elapsed * u64::from(rate) / 1000 + 1).min(count)
}

fn finish(report: &mut Report, node: &Node, rtts: &BTreeMap<u32, u64>, elapsed_ms: u64) {
    report.answered = report.outcomes.get("answered").copied().unwrap_or(0);
    report.datagrams = node.engine.counts().transmitted;
    report.elapsed_ms = elapsed_ms;
    report.answered_per_second = report.answered as f64 * 1000.0 / elapsed_ms.max(1) as f64;
    let total: u64 = rtts.values().sum();
    let at = |share: f64| {
        let rank = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        rtts.iter()
            .find(|(_, count)| {
                seen += **count;
                seen >= rank
            })
            .map_or(0, |(rtt, _)| *rtt)
    };
    report.rtt_ms = RoundTrips {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: rtts.keys().next_back().copied().unwrap_or(0),
    };
    report.rss_kib = status_kib("VmRSS:");
    report.peak_rss_kib = status_kib("VmHWM:");
    report.cpu_ms = cpu_ms();
}

/// A line of Linux' `/proc/self/status`.
fn status_kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time so far: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn cpu_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10)
}
