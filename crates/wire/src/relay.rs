//! What a relay says.

use serde::{Deserialize, Serialize};

use crate::common::{ErrorFrame, JobRef};

/// A frame from a relay to its pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayFrame {
    /// The first frame on every connection.
    Hello(Hello),
    /// These jobs arrived and passed the relay's first look; none has been sent yet.
    Ack(Vec<JobRef>),
    /// These jobs are done, for good or ill. Repeated after a reconnect until `recorded`.
    Result(Vec<JobResult>),
    /// These jobs are given back, to be leased again at once. With [`ReturnReason::Drain`], even of no
    /// job at all, the relay takes no more of them on this connection.
    Return {
        /// What is given back.
        jobs: Vec<JobRef>,
        /// Why.
        reason: ReturnReason,
    },
    /// Something could not be followed.
    Error(ErrorFrame),
}

/// `hello`: who the relay is and how much it can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the program, `0.1.0`.
    pub version: String,
    /// Name of the program, `ringfence-relay`.
    pub software: String,
    /// Random for every process: a new one means that whatever the relay held before is lost.
    pub instance: String,
    /// Jobs the relay is willing to hold at one time, waiting ones included.
    pub capacity: u32,
    /// Jobs it holds now: 0 on the first connection of a process.
    #[serde(default)]
    pub in_flight: u32,
    /// How it can reach phones.
    pub transports: Vec<Transport>,
    /// How often it says [`PING`](crate::PING), in milliseconds: of whom nothing was heard for a few
    /// times that long is gone. Absent: every 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_interval_ms: Option<u32>,
}

/// How a relay reaches phones: the transport and the address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// SIP over UDP over IPv4.
    #[serde(rename = "udp4")]
    Udp4,
    /// SIP over UDP over IPv6.
    #[serde(rename = "udp6")]
    Udp6,
    /// A transport of a later version.
    #[serde(other, rename = "other")]
    Other,
}

/// `result`: how one job ended at the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResult {
    /// Which job, under which lease.
    #[serde(flatten)]
    pub job: JobRef,
    /// How it ended.
    pub outcome: Outcome,
    /// The final SIP status code, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// A stable word for machines: `ok`, `status_481`, `no_answer`, `no_route`,
    /// `destination_not_allowed`, …
    pub reason: String,
    /// What it means and what to do about it, for a person. Without secrets.
    pub explanation: String,
    /// Whether the same NOTIFY may succeed later.
    pub retry: Retry,
    /// Datagrams sent for it, retransmissions and digest answers included.
    pub attempts: u32,
    /// From the first copy of the answered request to its final answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<u32>,
    /// The phone's `Retry-After`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Where the last datagram went, `198.51.100.7:5060`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// The reason of a job that names an address or a route of its own, given to a sender that has its proxy alone.
pub const NEEDS_A_RELAY: &str = "needs_a_relay";

/// The reason of a job for a domain that the sender does not serve.
pub const DOMAIN_NOT_ALLOWED: &str = "domain_not_allowed";

/// How a job ended at the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 2xx: the phone heard. Not a proof that it will fetch anything.
    Answered,
    /// Another final answer; `code` says which.
    Rejected,
    /// Nobody answered in time, or there was no way to get there.
    Unreachable,
    /// Challenged (401, 407), and the credentials are missing or wrong.
    Unauthorized,
    /// The relay's own configuration does not allow the destination. Nothing was sent.
    NotAllowed,
    /// The job cannot be made into a NOTIFY (target, header, body). Nothing was sent.
    Invalid,
    /// Given up because of a `cancel`. Copies may have gone out before.
    Cancelled,
    /// An outcome of a later version: read it as a failure that may be tried again.
    #[serde(other)]
    Other,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It may succeed later.
    Later,
    /// It will fail the same way until somebody changes something.
    Never,
}

/// Why jobs are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// The relay is stopping.
    Drain,
    /// The relay already holds as many as it announced.
    Full,
    /// The pace of the destination would not let the job start within its lease.
    Pace,
    /// The lease ended before there was an answer.
    Lease,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}
