//! The pool itself as the sender of its NOTIFYs, over TCP or TLS to one proxy: what an operator sets for it.

use ringfence_sip_notify::{Host, SipUri, Transport, UriError};
use ringfence_wire::{
    DOMAIN_NOT_ALLOWED, Destinations, DestinationsError, JobResult, NEEDS_A_RELAY, Outcome,
};
use serde::{Deserialize, Serialize};

use super::options::OutOfRange;

/// How a pool that sends itself is called where relays have their ids. No relay has this one: theirs are ULIDs.
pub const EDGE: &str = "edge";

/// Lowest port that a proxy may have: below are the services of a system, and none of them is a proxy.
const MIN_PORT: u32 = 1024;

/// Most jobs that the edge sender may hold.
const MAX_CAPACITY: u32 = 5_000;

/// Most NOTIFYs that the edge sender may be told to send in a second.
const MAX_PER_SECOND: u32 = 10_000;

/// The longest time that a quiet connection is kept, in seconds.
const MAX_IDLE_S: u32 = 300;

/// The longest name of a binding, in bytes.
const MAX_BINDING: usize = 64;

/// Who sends a pool's NOTIFYs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Sender {
    /// The relays that are connected send the NOTIFYs.
    #[default]
    Relay,
    /// The pool itself sends the NOTIFYs.
    Edge,
    /// The pool itself sends the NOTIFYs, and a relay sends whatever the pool cannot deliver or has
    /// no room for.
    EdgeThenRelay,
}

/// What carries SIP from the pool to its proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EdgeTransport {
    /// TCP carries SIP in clear.
    Tcp,
    /// TLS carries SIP encrypted; the proxy's certificate has to be for the name that `proxy` is,
    /// and publicly trusted.
    #[default]
    Tls,
}

impl From<EdgeTransport> for Transport {
    fn from(transport: EdgeTransport) -> Self {
        match transport {
            EdgeTransport::Tcp => Self::Tcp,
            EdgeTransport::Tls => Self::Tls,
        }
    }
}

/// How a pool sends itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeOptions {
    /// Name or address of the proxy that everything goes to. Without `binding` it has to be a public one.
    pub proxy: String,
    /// The port of the proxy, from 1024; 5061 for TLS and 5060 for TCP where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What carries SIP to the proxy.
    pub transport: EdgeTransport,
    /// The domains that the proxy is asked for: `pbx.example`, or `*.phones.example` for everything below it. None is
    /// any.
    pub domains: Vec<String>,
    /// The From of every NOTIFY, a SIP URI; `sip:ringfence@` and the proxy where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Name of a VPC network binding of the Worker, by which the proxy is reached instead of over the internet. With
    /// `tcp` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// Whether the proxy may send requests of its own over the connection (RFC 5923): `alias` in Via.
    pub alias: bool,
    /// Most jobs that the pool holds for its proxy at a time, and most NOTIFYs that are on their
    /// way to it; 1 to 5000.
    pub capacity: u32,
    /// Most NOTIFYs a second to the proxy; 0 is no limit.
    pub per_second: u32,
    /// How long a connection may be quiet before it is closed, in seconds.
    pub idle_s: u32,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self {
            proxy: String::new(),
            port: None,
            transport: EdgeTransport::default(),
            domains: Vec::new(),
            from: None,
            binding: None,
            alias: false,
            capacity: 500,
            per_second: 500,
            idle_s: 10,
        }
    }
}

/// Why a pool could not send itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeOptionsError {
    /// The proxy is no host.
    #[error(
        "edge.proxy is `{0}`; it has to be the name or the address of a SIP proxy, without a port"
    )]
    Proxy(String),
    /// A number.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// The domains that the proxy is asked for.
    #[error("edge.domains: {0}")]
    Domains(#[from] DestinationsError),
    /// The From is no SIP URI.
    #[error("edge.from: {0}")]
    From(UriError),
    /// The binding has no name that a binding can have.
    #[error("edge.binding is the name of a binding in wrangler.toml: letters, digits and _")]
    BindingName,
    /// The binding is for TCP.
    #[error(
        "edge.binding reaches the proxy by a tunnel that carries TCP alone; set edge.transport to `tcp`"
    )]
    BindingWithTls,
}

impl EdgeOptions {
    /// The port that is dialled.
    pub fn dialled_port(&self) -> u16 {
        let usual = match self.transport {
            EdgeTransport::Tcp => 5060,
            EdgeTransport::Tls => 5061,
        };
        self.port.unwrap_or(usual)
    }

    /// The proxy as a host of SIP, without the brackets of an IPv6 address.
    pub fn host(&self) -> Option<Host> {
        let bare = self.proxy.trim_matches(['[', ']']);
        Host::parse(bare).or_else(|| Host::parse(&format!("[{bare}]")))
    }

    /// The From of every NOTIFY.
    pub fn from_uri(&self) -> Result<SipUri, EdgeOptionsError> {
        let host = self.host().ok_or_else(|| self.no_proxy())?;
        let text = match &self.from {
            Some(text) => text.clone(),
            None => format!("sip:ringfence@{host}"),
        };
        SipUri::parse(&text).map_err(EdgeOptionsError::From)
    }

    /// Refuses what could not work.
    pub(crate) fn check(&self) -> Result<(), EdgeOptionsError> {
        if self.host().is_none() {
            return Err(self.no_proxy());
        }
        OutOfRange::check(
            "edge.port",
            self.dialled_port().into(),
            MIN_PORT..=u16::MAX.into(),
        )?;
        let domains = Destinations {
            domains: self.domains.clone(),
            ..Destinations::default()
        };
        domains.checked()?;
        self.from_uri()?;
        if let Some(binding) = &self.binding {
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if binding.is_empty() || binding.len() > MAX_BINDING || !binding.chars().all(name) {
                return Err(EdgeOptionsError::BindingName);
            }
            if self.transport == EdgeTransport::Tls {
                return Err(EdgeOptionsError::BindingWithTls);
            }
        }
        OutOfRange::check("edge.capacity", self.capacity, 1..=MAX_CAPACITY)?;
        OutOfRange::check("edge.per_second", self.per_second, 0..=MAX_PER_SECOND)?;
        Ok(OutOfRange::check(
            "edge.idle_s",
            self.idle_s,
            0..=MAX_IDLE_S,
        )?)
    }

    fn no_proxy(&self) -> EdgeOptionsError {
        EdgeOptionsError::Proxy(self.proxy.clone())
    }
}

/// Whether a relay may succeed where the edge sender did not: the proxy was not reached, gave no answer or did not let
/// it in, or the job is for a way that only relays have.
pub(crate) fn is_for_a_relay(result: &JobResult) -> bool {
    match result.outcome {
        Outcome::Unreachable => true,
        Outcome::NotAllowed => {
            matches!(result.reason.as_str(), NEEDS_A_RELAY | DOMAIN_NOT_ALLOWED)
        }
        // RFC 3261 §22.3: 407 is a proxy's, 401 the phone's.
        Outcome::Unauthorized => result.code == Some(407),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::options::PoolOptions;

    fn edge() -> EdgeOptions {
        EdgeOptions {
            proxy: "proxy.example".into(),
            ..EdgeOptions::default()
        }
    }

    fn refusal(edge: EdgeOptions) -> String {
        let options = PoolOptions {
            sender: Sender::Edge,
            edge: Some(edge),
            ..PoolOptions::default()
        };
        options.check().unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_enough_and_each_transport_has_its_port() {
        let options: PoolOptions =
            serde_json::from_str(r#"{"sender":"edge","edge":{"proxy":"proxy.example"}}"#).unwrap();
        options.check().unwrap();
        let tls = options.sends_itself().unwrap();
        assert_eq!(*tls, edge());
        assert_eq!(tls.dialled_port(), 5061);
        assert_eq!(
            tls.from_uri().unwrap().as_str(),
            "sip:ringfence@proxy.example"
        );
        let tcp = EdgeOptions {
            transport: EdgeTransport::Tcp,
            ..edge()
        };
        assert_eq!(tcp.dialled_port(), 5060);
        let six = EdgeOptions {
            proxy: "2001:db8::5".into(),
            ..edge()
        };
        assert_eq!(
            six.from_uri().unwrap().as_str(),
            "sip:ringfence@[2001:db8::5]"
        );
    }

    #[test]
    fn what_could_not_work_is_refused_in_words() {
        let without = PoolOptions {
            sender: Sender::EdgeThenRelay,
            ..PoolOptions::default()
        };
        assert!(
            without
                .check()
                .unwrap_err()
                .to_string()
                .contains("which proxy")
        );
        let cases: [(EdgeOptions, &str); 8] = [
            (EdgeOptions::default(), "edge.proxy is ``"),
            (
                EdgeOptions {
                    proxy: "proxy.example:5060".into(),
                    ..edge()
                },
                "without a port",
            ),
            (
                EdgeOptions {
                    port: Some(25),
                    ..edge()
                },
                "edge.port is 25; it may be 1024 to 65535",
            ),
            (
                EdgeOptions {
                    domains: vec!["a b".into()],
                    ..edge()
                },
                "edge.domains",
            ),
            (
                EdgeOptions {
                    from: Some("nobody".into()),
                    ..edge()
                },
                "edge.from: a SIP address starts with sip:",
            ),
            (
                EdgeOptions {
                    binding: Some("a-b".into()),
                    ..edge()
                },
                "edge.binding is the name",
            ),
            (
                EdgeOptions {
                    binding: Some("NET".into()),
                    ..edge()
                },
                "carries TCP alone",
            ),
            (
                EdgeOptions {
                    capacity: 0,
                    ..edge()
                },
                "edge.capacity is 0; it may be 1 to 5000",
            ),
        ];
        for (options, expected) in cases {
            let said = refusal(options);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_password_in_the_from_is_refused_and_not_repeated() {
        let said = refusal(EdgeOptions {
            from: Some("sip:pool:5ecret@pbx.example".into()),
            ..edge()
        });
        assert!(said.contains("a password has no place"), "{said}");
        assert!(!said.contains("5ecret"), "{said}");
    }

    #[test]
    fn edge_options_are_checked_even_where_a_relay_sends() {
        let options = PoolOptions {
            edge: Some(EdgeOptions::default()),
            ..PoolOptions::default()
        };
        assert!(options.check().is_err());
        assert!(options.sends_itself().is_none());
    }

    #[test]
    fn stored_edge_options_format_unchanged() {
        insta::assert_json_snapshot!(edge(), @r#"
        {
          "proxy": "proxy.example",
          "transport": "tls",
          "domains": [],
          "alias": false,
          "capacity": 500,
          "per_second": 500,
          "idle_s": 10
        }
        "#);
    }
}
