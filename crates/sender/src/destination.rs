//! Where this relay may send: its own configuration decides, whatever the pool asks for.
//!
//! A stolen admin token can queue jobs for any address. It must not turn the relay into a scanner
//! of the network it stands in, so an address is refused unless a configured network contains it,
//! and some addresses need more than that or are refused always.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;
use ringfence_sip_notify::Host;
use ringfence_wire::domain_covers;
use thiserror::Error;

use crate::locate::DEFAULT_PORT;

/// Why a destination is refused. The words are for the operator of the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Unspecified, multicast, broadcast or a cloud's metadata service: never allowed.
    #[error("{0} is {1}, which no configuration can allow")]
    Never(IpAddr, &'static str),
    /// Loopback or link-local, and no allowed network lies inside that range.
    #[error("{0} is {1}: allowed only if `destinations.allow` names a network inside {2}")]
    Special(IpAddr, &'static str, &'static str),
    /// In `destinations.deny`.
    #[error("{0} is in `destinations.deny`")]
    Denied(IpAddr),
    /// In no allowed network.
    #[error("{0} is in none of the networks of `destinations.allow`")]
    NotAllowed(IpAddr),
    /// A port outside the allowed ones.
    #[error("port {0} is outside `destinations.port_min` to `port_max`, {1} to {2}")]
    Port(u16, u16, u16),
}

/// The networks, ports and domains that a relay serves.
#[derive(Debug, Clone)]
pub struct Destinations {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    ports: RangeInclusive<u16>,
    domains: Vec<String>,
}

impl Destinations {
    /// `domains` as in [`Destinations::permits_domain`]; empty: any.
    pub fn new(
        allow: Vec<IpNet>,
        deny: Vec<IpNet>,
        ports: RangeInclusive<u16>,
        domains: Vec<String>,
    ) -> Self {
        let domains = domains
            .into_iter()
            .map(|domain| domain.to_ascii_lowercase())
            .collect();
        Self {
            allow,
            deny,
            ports,
            domains,
        }
    }

    /// Whether a datagram may go to `to`.
    pub fn permits(&self, to: SocketAddr) -> Result<(), Refusal> {
        self.permits_ip(to.ip())?;
        if !self.ports.contains(&to.port()) {
            let (min, max) = (*self.ports.start(), *self.ports.end());
            return Err(Refusal::Port(to.port(), min, max));
        }
        Ok(())
    }

    /// Whether a request may be for the host part of an address of record. An entry is a name, or
    /// `*.name` for everything below it; addresses are left to [`Destinations::permits`].
    pub fn permits_domain(&self, host: &str) -> bool {
        if self.domains.is_empty() {
            return true;
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.domains
            .iter()
            .any(|domain| domain_covers(domain, &host))
    }

    /// Whether a request may name `to` as where it is to end up, when it is sent to a proxy that
    /// would carry it there: the proxy must not be the scanner either. With `domains`, an address
    /// has to be one of them or a destination that this relay itself might send to.
    pub fn permits_beyond(&self, host: &Host, port: Option<u16>) -> bool {
        match (host, host.ip()) {
            (Host::Name(name), _) => self.permits_domain(name),
            (_, None) => false,
            (_, Some(ip)) => {
                self.domains.is_empty()
                    || self.domains.contains(&ip.to_string())
                    || self
                        .permits((ip, port.unwrap_or(DEFAULT_PORT)).into())
                        .is_ok()
            }
        }
    }

    fn permits_ip(&self, ip: IpAddr) -> Result<(), Refusal> {
        // `::ffff:127.0.0.1` and `64:ff9b::7f00:1` are 127.0.0.1 in other clothes.
        let ip = ip.to_canonical();
        for ip in nat64(ip).map(IpAddr::V4).into_iter().chain([ip]) {
            self.special(ip)?;
            if self.deny.iter().any(|net| net.contains(&ip)) {
                return Err(Refusal::Denied(ip));
            }
        }
        if !self.allow.iter().any(|net| net.contains(&ip)) {
            return Err(Refusal::NotAllowed(ip));
        }
        Ok(())
    }

    fn special(&self, ip: IpAddr) -> Result<(), Refusal> {
        if let Some(what) = never(ip) {
            return Err(Refusal::Never(ip, what));
        }
        let Some((what, range)) = special_range(ip) else {
            return Ok(());
        };
        // `0.0.0.0/0` does not open loopback: the network must lie inside the range.
        let named = range.parse::<IpNet>().is_ok_and(|range| {
            self.allow
                .iter()
                .any(|net| range.contains(net) && net.contains(&ip))
        });
        if named {
            Ok(())
        } else {
            Err(Refusal::Special(ip, what, range))
        }
    }
}

/// Addresses that no phone has.
pub fn never(ip: IpAddr) -> Option<&'static str> {
    // The instance metadata services of the large clouds: an answer from one hands out credentials.
    const METADATA_4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    const METADATA_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match ip {
        _ if ip.is_unspecified() => Some("the unspecified address"),
        _ if ip.is_multicast() => Some("a multicast address"),
        IpAddr::V4(ip) if ip.is_broadcast() => Some("the broadcast address"),
        // RFC 1122 §3.2.1.3: "this network"; many systems send it to themselves.
        IpAddr::V4(ip) if ip.octets().starts_with(&[0]) => Some("in \"this network\", 0.0.0.0/8"),
        IpAddr::V4(ip) if METADATA_4.contains(&ip) => Some("a cloud metadata service"),
        IpAddr::V6(METADATA_6) => Some("a cloud metadata service"),
        _ => None,
    }
}

fn special_range(ip: IpAddr) -> Option<(&'static str, &'static str)> {
    match ip {
        IpAddr::V4(ip) if ip.is_loopback() => Some(("loopback", "127.0.0.0/8")),
        IpAddr::V4(ip) if ip.is_link_local() => Some(("link-local", "169.254.0.0/16")),
        IpAddr::V6(ip) if ip.is_loopback() => Some(("loopback", "::1/128")),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(("link-local", "fe80::/10")),
        _ => None,
    }
}

/// The IPv4 address inside an address of RFC 6052's well-known prefix `64:ff9b::/96`.
fn nat64(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(ip) = ip else { return None };
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn destinations(allow: &[&str]) -> Destinations {
        Destinations::new(
            allow.iter().map(|net| net.parse().unwrap()).collect(),
            vec!["198.51.100.13/32".parse().unwrap()],
            1024..=65535,
            vec![],
        )
    }

    fn allowed(allow: &[&str], to: &str) -> bool {
        destinations(allow).permits(to.parse().unwrap()).is_ok()
    }

    const ALL: &[&str] = &["0.0.0.0/0", "::/0"];

    #[test]
    fn only_configured_networks_are_allowed() {
        assert!(allowed(&["198.51.100.0/24"], "198.51.100.7:5060"));
        assert!(!allowed(&["198.51.100.0/24"], "203.0.113.7:5060"));
        assert!(!allowed(&[], "198.51.100.7:5060"));
        assert!(allowed(&["2001:db8::/32"], "[2001:db8::7]:5060"));
    }

    #[test]
    fn a_denied_network_wins_over_an_allowed_one() {
        assert!(!allowed(ALL, "198.51.100.13:5060"));
        assert!(!allowed(ALL, "[::ffff:198.51.100.13]:5060"));
        assert!(!allowed(ALL, "[64:ff9b::198.51.100.13]:5060"));
        assert!(allowed(ALL, "[64:ff9b::198.51.100.14]:5060"));
    }

    #[test]
    fn everything_does_not_include_the_special_ranges() {
        for to in [
            "127.0.0.1:5060",
            "169.254.7.7:5060",
            "169.254.169.254:5060",
            "224.0.1.75:5060",
            "255.255.255.255:5060",
            "0.0.0.0:5060",
            "0.1.2.3:5060",
            "100.100.100.200:5060",
            "[::]:5060",
            "[::1]:5060",
            "[fe80::1]:5060",
            "[ff02::1]:5060",
            "[fd00:ec2::254]:5060",
            "[::ffff:127.0.0.1]:5060",
            "[::ffff:169.254.169.254]:5060",
            "[64:ff9b::a9fe:a9fe]:5060",
        ] {
            assert!(!allowed(ALL, to), "{to}");
        }
    }

    #[test]
    fn a_network_inside_the_range_opens_loopback_and_link_local() {
        assert!(allowed(&["127.0.0.0/8"], "127.0.0.1:5060"));
        assert!(allowed(&["::1/128"], "[::1]:5060"));
        assert!(allowed(&["169.254.7.0/24"], "169.254.7.7:5060"));
    }

    #[test]
    fn no_entry_opens_metadata_or_multicast() {
        assert!(!allowed(&["169.254.0.0/16"], "169.254.169.254:5060"));
        assert!(!allowed(&["169.254.169.254/32"], "169.254.169.254:5060"));
        assert!(!allowed(&["224.0.0.0/4"], "224.0.1.75:5060"));
    }

    #[test]
    fn a_port_of_a_system_service_is_refused() {
        let why = destinations(&["198.51.100.0/24"])
            .permits("198.51.100.7:53".parse().unwrap())
            .unwrap_err();
        assert_eq!(
            why.to_string(),
            "port 53 is outside `destinations.port_min` to `port_max`, 1024 to 65535"
        );
    }

    #[test]
    fn a_proxy_is_not_asked_for_an_address_that_this_relay_would_not_send_to() {
        let some = |domains: &[&str]| {
            Destinations::new(
                vec!["198.51.100.0/24".parse().unwrap()],
                vec![],
                1024..=65535,
                domains.iter().map(|d| (*d).to_owned()).collect(),
            )
        };
        let beyond = |to: &Destinations, uri: &str| {
            let uri = ringfence_sip_notify::SipUri::parse(uri).unwrap();
            to.permits_beyond(uri.host(), uri.port())
        };
        let limited = some(&["pbx.example", "203.0.113.5", "2001:db8::5"]);
        for yes in [
            "sip:1@pbx.example",
            "sip:1@198.51.100.7",
            "sip:1@203.0.113.5",
            "sip:1@[2001:db8::5]",
        ] {
            assert!(beyond(&limited, yes), "{yes}");
        }
        for no in [
            "sip:1@evil.example",
            "sip:1@203.0.113.6",
            "sip:1@127.0.0.1",
            "sip:1@169.254.169.254",
            "sip:1@198.51.100.7:53",
            "sip:1@[::1]",
        ] {
            assert!(!beyond(&limited, no), "{no}");
        }
        assert!(beyond(&some(&[]), "sip:1@203.0.113.6"));
    }

    #[test]
    fn domains_are_matched_whole_or_below_a_star() {
        let domains = |list: &[&str]| {
            let list = list.iter().map(|d| (*d).to_owned()).collect();
            Destinations::new(vec![], vec![], 1..=2, list)
        };
        assert!(domains(&[]).permits_domain("any.example"));
        let some = domains(&["PBX.example", "*.phones.example"]);
        for yes in [
            "pbx.example",
            "pbx.EXAMPLE.",
            "a.phones.example",
            "a.b.phones.example",
        ] {
            assert!(some.permits_domain(yes), "{yes}");
        }
        for no in [
            "x.pbx.example",
            "phones.example",
            ".phones.example",
            "evilphones.example",
        ] {
            assert!(!some.permits_domain(no), "{no}");
        }
    }
}
