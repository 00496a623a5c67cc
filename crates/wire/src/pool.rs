//! What the pool's object says.

use serde::{Deserialize, Serialize};

use crate::common::{ErrorFrame, JobRef};
use crate::destinations::Destinations;
use crate::secret::Secret;

/// A frame from the pool's object to a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// NOTIFYs to send.
    Job(Vec<Job>),
    /// These results are written down: the relay may forget them.
    Recorded(Vec<JobRef>),
    /// Give these up, where that is still possible. Each is answered by a `result`.
    Cancel(Vec<JobRef>),
    /// Take no more: give back what has not been sent. The connection stays.
    Drain(Drain),
    /// Something could not be followed.
    Error(ErrorFrame),
}

/// `welcome`: the relay is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Id of the pool.
    pub pool: String,
    /// Id of the relay, as the operator's API knows it.
    pub relay: String,
    /// After how long without any other message the relay should say [`PING`](crate::PING), in
    /// milliseconds; absent: the relay's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_interval_ms: Option<u32>,
}

/// `job`: one NOTIFY to one device, leased to this relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which job, under which lease.
    #[serde(flatten)]
    pub job: JobRef,
    /// How long the lease lasts, counted by the relay from the frame's arrival, in milliseconds. The
    /// object adds the time the frame may have been under way before it leases the job elsewhere.
    pub lease_ms: u32,
    /// Whom to tell.
    pub target: Target,
    /// Text of the `Event` header, such as `check-sync`.
    pub event: String,
    /// More headers, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Type of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// An outbound proxy for this job instead of the relay's own, as a SIP URI:
    /// `sip:proxy.example;lr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// For a phone or a proxy that challenges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Whom the job's tenant may address; absent: whomever the relay's own configuration allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destinations: Option<Destinations>,
}

/// Whom to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Address of record, which is also the request URI: `sip:101@pbx.example`.
    pub aor: String,
    /// Where the datagrams go, if that is not to be looked up: `198.51.100.7:5060`,
    /// `[2001:db8::7]:5060`. Without a port, 5060.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// One more header of the NOTIFY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value, on one line.
    pub value: String,
}

/// What answers a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The account's name for authentication.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Answer challenges of this realm only; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
}

/// `drain`: no more for this relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Why, for the relay's log.
    pub reason: String,
}
