//! What `/metrics` says, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ringfence_wire::{JobResult, Outcome, ReturnReason};

use ringfence_sender::Counts;

/// Upper bounds of the round trip's buckets, in milliseconds.
const BUCKETS: [u32; 10] = [5, 10, 25, 50, 100, 250, 500, 1000, 4000, 32_000];

/// What the relay counts beside the engine's own counts.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    results: BTreeMap<(&'static str, String), u64>,
    returns: BTreeMap<&'static str, u64>,
    rtt_buckets: [u64; BUCKETS.len()],
    rtt_count: u64,
    rtt_sum_ms: u64,
    /// Connections made.
    pub connections: u64,
    /// Frames read.
    pub frames_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Messages that were no frame.
    pub bad_frames: u64,
    /// Results forgotten because their lease ended before the pool recorded them.
    pub results_expired: u64,
}

/// How things stand now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    /// Whether the pool has welcomed the relay on the present connection.
    pub connected: bool,
    /// Whether the relay is stopping.
    pub draining: bool,
    /// Jobs held.
    pub held: usize,
    /// NOTIFYs out.
    pub in_flight: usize,
    /// Results that the pool has not recorded.
    pub unrecorded: usize,
}

impl Metrics {
    /// Counts a result.
    pub fn result(&mut self, result: &JobResult) {
        let key = (outcome(result.outcome), result.reason.clone());
        *self.results.entry(key).or_default() += 1;
        if let Some(rtt) = result.rtt_ms {
            self.rtt_count += 1;
            self.rtt_sum_ms += u64::from(rtt);
            for (bucket, bound) in self.rtt_buckets.iter_mut().zip(BUCKETS) {
                *bucket += u64::from(rtt <= bound);
            }
        }
    }

    /// Counts a job given back.
    pub fn returned(&mut self, reason: ReturnReason) {
        let reason = match reason {
            ReturnReason::Drain => "drain",
            ReturnReason::Full => "full",
            ReturnReason::Pace => "pace",
            ReturnReason::Lease => "lease",
            ReturnReason::Other => "other",
        };
        *self.returns.entry(reason).or_default() += 1;
    }

    /// The whole page.
    pub fn page(&self, now: Gauges, counts: Counts) -> String {
        let mut page = Page::default();
        page.family(
            "connected",
            "gauge",
            "1 while the pool has welcomed this relay.",
        );
        page.value("", u64::from(now.connected));
        page.family("draining", "gauge", "1 while the relay is stopping.");
        page.value("", u64::from(now.draining));
        page.family("jobs_held", "gauge", "Jobs held, waiting ones included.");
        page.value("", now.held as u64);
        page.family("jobs_in_flight", "gauge", "Jobs whose NOTIFY is out.");
        page.value("", now.in_flight as u64);
        page.family(
            "results_unrecorded",
            "gauge",
            "Results that the pool has not recorded yet.",
        );
        page.value("", now.unrecorded as u64);
        page.family(
            "results_total",
            "counter",
            "Jobs ended, by outcome and reason.",
        );
        for ((outcome, reason), count) in &self.results {
            page.value(
                &format!("{{outcome=\"{outcome}\",reason=\"{reason}\"}}"),
                *count,
            );
        }
        page.family(
            "returns_total",
            "counter",
            "Jobs given back to the pool, by reason.",
        );
        for (reason, count) in &self.returns {
            page.value(&format!("{{reason=\"{reason}\"}}"), *count);
        }
        for (name, help, count) in [
            (
                "notifies_total",
                "NOTIFY sessions started, one for each destination tried.",
                counts.started,
            ),
            (
                "datagrams_sent_total",
                "Datagrams sent, copies included.",
                counts.transmitted,
            ),
            (
                "failovers_total",
                "NOTIFYs followed by one to the next destination.",
                counts.failovers,
            ),
            (
                "refused_total",
                "Jobs refused before anything was sent.",
                counts.refused,
            ),
            (
                "responses_stray_total",
                "Responses to no NOTIFY of this relay: late, doubled or foreign.",
                counts.stray,
            ),
            (
                "responses_unusable_total",
                "Answers to a NOTIFY of this relay that cannot be used.",
                counts.unusable,
            ),
            (
                "responses_elsewhere_total",
                "Final answers from another address than the NOTIFY went to.",
                counts.elsewhere,
            ),
            (
                "datagrams_malformed_total",
                "Datagrams that are no SIP.",
                counts.malformed,
            ),
            (
                "requests_received_total",
                "Requests that somebody sent to the relay.",
                counts.requests,
            ),
            (
                "connections_total",
                "Connections to the pool.",
                self.connections,
            ),
            (
                "frames_received_total",
                "Frames from the pool.",
                self.frames_in,
            ),
            ("frames_sent_total", "Frames to the pool.", self.frames_out),
            (
                "frames_bad_total",
                "Messages from the pool that were no frame.",
                self.bad_frames,
            ),
            (
                "results_expired_total",
                "Results forgotten because their lease ended unrecorded.",
                self.results_expired,
            ),
        ] {
            page.family(name, "counter", help);
            page.value("", count);
        }
        page.family(
            "round_trip_seconds",
            "histogram",
            "From a NOTIFY's first copy to its final answer.",
        );
        for (count, bound) in self.rtt_buckets.iter().zip(BUCKETS) {
            let le = f64::from(bound) / 1000.0;
            page.line(&format!("round_trip_seconds_bucket{{le=\"{le}\"}} {count}"));
        }
        page.line(&format!(
            "round_trip_seconds_bucket{{le=\"+Inf\"}} {}",
            self.rtt_count
        ));
        page.line(&format!(
            "round_trip_seconds_sum {}",
            self.rtt_sum_ms as f64 / 1000.0
        ));
        page.line(&format!("round_trip_seconds_count {}", self.rtt_count));
        page.text
    }
}

#[derive(Default)]
struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        self.text += &format!(
            "# HELP ringfence_relay_{name} {help}\n# TYPE ringfence_relay_{name} {kind}\n"
        );
    }

    fn value(&mut self, labels: &str, value: u64) {
        self.line(&format!("{}{labels} {value}", self.name));
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "ringfence_relay_{line}");
    }
}

/// The word of an outcome.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Rejected => "rejected",
        Outcome::Unreachable => "unreachable",
        Outcome::Unauthorized => "unauthorized",
        Outcome::NotAllowed => "not_allowed",
        Outcome::Invalid => "invalid",
        Outcome::Cancelled => "cancelled",
        Outcome::Other => "other",
    }
}
