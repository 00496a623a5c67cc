//! Hosts, and the place a request says it was sent from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The host of a URI or of a Via.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `192.0.2.1`
    V4(Ipv4Addr),
    /// `[2001:db8::1]`
    V6(Ipv6Addr),
    /// `phone.example`, in lower case, without a final dot.
    Name(Box<str>),
}

/// Longest name of a host (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;

impl Host {
    /// Reads a host as it stands in a URI: an IPv6 address in brackets, an IPv4 address or a name.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            return Some(Self::V6(inner.strip_suffix(']')?.parse().ok()?));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::V4(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        // An underscore is no hostname of RFC 3261, but operators' zones have them.
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !name.split('.').all(is_label) {
            return None;
        }
        // §25.1: the last label starts with a letter, so `1.2.3` is no name for a mistyped address.
        let last = name.rsplit('.').next().unwrap_or_default();
        if !last.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        Some(Self::Name(name.to_ascii_lowercase().into()))
    }

    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some((*address).into()),
            Self::V6(address) => Some((*address).into()),
            Self::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// `sent-by`: where answers to a request are to come (RFC 3261 §18.1.1), as the relay is known to
/// its peers. Converts from the socket's own address where nothing stands between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SentBy {
    /// The relay's host.
    pub host: Host,
    /// The relay's port; always written, although 5060 need not be.
    pub port: u16,
}

impl From<SocketAddr> for SentBy {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().into(),
            port: address.port(),
        }
    }
}

impl fmt::Display for SentBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        assert_eq!(
            Host::parse("192.0.2.1"),
            Some(Host::V4([192, 0, 2, 1].into()))
        );
        assert_eq!(
            Host::parse("[2001:db8::1]").unwrap().to_string(),
            "[2001:db8::1]"
        );
        assert_eq!(
            Host::parse("PBX.Example.").unwrap(),
            Host::Name("pbx.example".into())
        );
        assert_eq!(
            Host::parse("localhost").unwrap(),
            Host::Name("localhost".into())
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = "a.".repeat(130);
        for text in [
            "",
            "[::1",
            "2001:db8::1",
            "1.2.3",
            "300.1.1.1",
            "a..b",
            "-a",
            "a b",
            "a/b",
            &long,
        ] {
            assert_eq!(Host::parse(text), None, "{text:?}");
        }
    }
}
