//! The relay's configuration: a TOML file, environment variables over it, and what is checked
//! before anything runs.
//!
//! [`File`] is what can be written, [`Settings`] what the program runs with; [`check()`] makes the
//! one from the other, or says everything that is wrong at once.

mod check;
mod file;
mod load;
mod machine;

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_sender::Destinations;
pub use ringfence_sender::Pace;
use ringfence_sip_notify::{SentBy, SipUri, Timers, Transport};
use ringfence_wire::Secret;
use tokio_tungstenite::tungstenite::http::Uri;

pub use check::{Checked, Finding, check};
pub use file::{Destinations as DestinationsFile, Dns, File, Http, Log, LogFormat, Pool, Sip};
pub use load::{ConfigError, ENV_PREFIX, load};
pub use machine::on_this_machine;

/// A configuration that is fit to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The pool; `None` for the `send` command.
    pub pool: Option<PoolSettings>,
    /// Sockets and what the NOTIFYs say.
    pub sip: SipSettings,
    /// Where it may send.
    pub destinations: Destinations,
    /// How fast.
    pub pace: Pace,
    /// Name servers; empty: the system's.
    pub dns: Dns,
    /// Where `/metrics` and `/healthz` listen.
    pub http: Option<SocketAddr>,
    /// How long a drain may take.
    pub drain: Duration,
}

/// Where the jobs come from.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// `wss://HOST/relay/v1`.
    pub url: Uri,
    /// The bearer credential.
    pub credential: Secret,
    /// Jobs held at one time.
    pub capacity: u32,
    /// How often to say `PING`.
    pub ping_interval: Duration,
    /// The shortest wait before connecting again.
    pub reconnect_min: Duration,
    /// The longest.
    pub reconnect_max: Duration,
}

/// Sockets and what the NOTIFYs say.
#[derive(Debug, Clone)]
pub struct SipSettings {
    /// At most one address of each family.
    pub bind: Vec<SocketAddr>,
    /// What Via and Contact say for IPv4, if not the address of the socket.
    pub advertise_v4: Option<SentBy>,
    /// The same for IPv6.
    pub advertise_v6: Option<SentBy>,
    /// The From URI.
    pub from: SipUri,
    /// Where everything goes that names no other way, and over what.
    pub outbound_proxy: Option<(SipUri, Transport)>,
    /// Whether the proxy may send requests of its own over a connection (RFC 5923).
    pub alias: bool,
    /// Certificates of a private authority, in PEM, beside the system's.
    pub tls_ca: Option<Vec<u8>>,
    /// RFC 3261's T1, T2, T4.
    pub timers: Timers,
    /// Kernel buffer of each socket, in bytes.
    pub socket_buffer: usize,
}
