//! The shape of the file. Every key has a default, so that an empty file parses; what must be there
//! is for [`check`](super::check()) to say.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use ringfence_sender::Pace;
use ringfence_wire::Secret;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// `[pool]`
    pub pool: Pool,
    /// `[sip]`
    pub sip: Sip,
    /// `[destinations]`
    pub destinations: Destinations,
    /// `[pace]`
    pub pace: Pace,
    /// `[dns]`
    pub dns: Dns,
    /// `[http]`
    pub http: Http,
    /// `[log]`
    pub log: Log,
}

/// `[pool]`: where the jobs come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// `wss://HOST/relay/v1`; `ws://` to loopback only.
    pub url: Option<String>,
    /// The bearer credential itself. Better in a file of its own.
    pub credential: Option<Secret>,
    /// A file whose first line is the credential.
    pub credential_file: Option<PathBuf>,
    /// Jobs held at one time, waiting ones included.
    pub capacity: u32,
    /// Seconds between `PING`s.
    pub ping_interval_s: u32,
    /// Shortest wait before connecting again, in milliseconds.
    pub reconnect_min_ms: u32,
    /// Longest, in milliseconds.
    pub reconnect_max_ms: u32,
    /// Seconds a drain may take.
    pub drain_s: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            url: None,
            credential: None,
            credential_file: None,
            capacity: 20_000,
            ping_interval_s: 30,
            reconnect_min_ms: 500,
            reconnect_max_ms: 60_000,
            drain_s: 10,
        }
    }
}

/// `[sip]`: sockets and what the NOTIFYs say.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Addresses to send from, at most one of each family.
    pub bind: Vec<SocketAddr>,
    /// `host:port` for Via and Contact over IPv4 (NAT, or a bind address of 0.0.0.0).
    pub advertise_v4: Option<String>,
    /// The same for IPv6.
    pub advertise_v6: Option<String>,
    /// The From URI.
    pub from: String,
    /// Where everything goes that names no other way: a SIP URI. With `;transport=tcp` or `;transport=tls` it goes
    /// over one connection; UDP otherwise.
    pub outbound_proxy: Option<String>,
    /// Whether the proxy may send requests of its own over that connection (RFC 5923).
    pub alias: bool,
    /// A file of certificates in PEM that sign the proxy's, beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// T1 of RFC 3261, in milliseconds. A shorter one floods slow phones.
    pub t1_ms: u32,
    /// T2.
    pub t2_ms: u32,
    /// T4.
    pub t4_ms: u32,
    /// Kernel buffer of each socket, in KiB.
    pub socket_buffer_kib: u32,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            bind: vec![SocketAddr::from(([0, 0, 0, 0], 5070))],
            advertise_v4: None,
            advertise_v6: None,
            from: "sip:prov@ringfence.invalid".into(),
            outbound_proxy: None,
            alias: false,
            tls_ca: None,
            t1_ms: 500,
            t2_ms: 4000,
            t4_ms: 5000,
            socket_buffer_kib: 4096,
        }
    }
}

/// `[destinations]`: where the relay may send.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Destinations {
    /// Networks that may be sent to. Nothing else is.
    pub allow: Vec<IpNet>,
    /// Exceptions.
    pub deny: Vec<IpNet>,
    /// Lowest port.
    pub port_min: u16,
    /// Highest port.
    pub port_max: u16,
    /// Hosts of addresses of record that may be told, `pbx.example` or `*.pbx.example`. Empty: any.
    pub domains: Vec<String>,
}

impl Default for Destinations {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            port_min: 1024,
            port_max: u16::MAX,
            domains: Vec::new(),
        }
    }
}

/// `[dns]`: name servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dns {
    /// Addresses of name servers; empty: those of the system.
    pub servers: Vec<IpAddr>,
    /// Their port.
    pub port: u16,
    /// How long one look-up may take, in milliseconds.
    pub timeout_ms: u32,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            port: 53,
            timeout_ms: 3000,
        }
    }
}

/// `[http]`: `/metrics` and `/healthz`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// A loopback address; an empty text is none.
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 9470))),
        }
    }
}

fn address_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as
    /// `info,ringfence_relay=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
