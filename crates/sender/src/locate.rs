//! Which addresses a SIP URI stands for, in which order (RFC 3263 §4), once DNS has answered.

use std::net::SocketAddr;

use ringfence_sip_notify::{Host, SipUri, Transport};
use thiserror::Error;

/// The port of SIP over UDP where none is named (RFC 3261 §19.1.2).
pub const DEFAULT_PORT: u16 = 5060;

/// What has to be looked up for a URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// The host.
    pub host: Host,
    /// Its port. A URI with one asks for neither NAPTR nor SRV.
    pub port: Option<u16>,
    /// The transport, where it is decided, so that NAPTR has nothing left to tell.
    pub transport: Option<Transport>,
}

impl Query {
    /// What `uri` asks for.
    pub fn of(uri: &SipUri) -> Self {
        // No parameter of the user part: `sip:a;transport=udp@pbx.example` says nothing of it.
        let text = uri.as_str();
        let after_user = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let is_udp = after_user.to_ascii_lowercase().contains(";transport=udp");
        Self {
            host: uri.host().clone(),
            port: uri.port(),
            transport: is_udp.then_some(Transport::Udp),
        }
    }

    /// The port, if the URI names none and nothing else does.
    pub fn usual_port(&self) -> u16 {
        self.transport.unwrap_or_default().default_port()
    }
}

/// One SRV record with the addresses of its target, or all addresses of a plain host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Lower is tried first.
    pub rank: u32,
    /// Share among those of the same rank (RFC 2782).
    pub weight: u16,
    /// Tried one after the other.
    pub addresses: Vec<SocketAddr>,
}

impl Service {
    /// One address, named and not looked up.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            rank: 0,
            weight: 0,
            addresses: vec![address],
        }
    }
}

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookupError {
    /// DNS says that there is none.
    #[error("DNS knows no address of {0} that this relay could send to")]
    NotFound(String),
    /// DNS did not say.
    #[error("DNS gave no answer for {0}")]
    NoAnswer(String),
    /// There is nobody to ask.
    #[error("there are no name servers to look up {0}")]
    NoServers(String),
}

/// The addresses of `services` in the order to try: by rank, and within a rank drawn by weight
/// (RFC 2782). `random(n)` draws from `0..n`.
pub fn order(services: &[Service], mut random: impl FnMut(u64) -> u64) -> Vec<SocketAddr> {
    let mut left: Vec<&Service> = services.iter().collect();
    // Weight 0 first, as the RFC arranges them: it then has a small chance only.
    left.sort_by_key(|service| (service.rank, service.weight));
    let mut addresses = Vec::new();
    while let Some(rank) = left.first().map(|service| service.rank) {
        let same = left.iter().take_while(|service| service.rank == rank);
        let sum: u64 = same.clone().map(|service| u64::from(service.weight)).sum();
        let drawn = random(sum + 1);
        let mut running = 0;
        let index = same
            .map(|service| {
                running += u64::from(service.weight);
                running
            })
            .position(|running| running >= drawn)
            .unwrap_or(0);
        for address in &left.remove(index).addresses {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn service(rank: u32, weight: u16, last: u8) -> Service {
        Service {
            rank,
            weight,
            addresses: vec![SocketAddr::from(([198, 51, 100, last], 5060))],
        }
    }

    fn lasts(addresses: &[SocketAddr]) -> Vec<u8> {
        addresses
            .iter()
            .map(|address| match address {
                SocketAddr::V4(v4) => v4.ip().octets()[3],
                SocketAddr::V6(_) => 0,
            })
            .collect()
    }

    #[test]
    fn a_lower_rank_is_tried_first_whatever_its_weight() {
        let services = [service(20, 100, 2), service(10, 0, 1), service(30, 5, 3)];
        assert_eq!(lasts(&order(&services, |n| n - 1)), [1, 2, 3]);
    }

    #[test]
    fn weights_share_a_rank() {
        let services = [service(1, 75, 1), service(1, 25, 2)];
        let first = (0..=100)
            .filter(|drawn| lasts(&order(&services, |n| *drawn % n))[0] == 1)
            .count();
        assert_eq!(first, 75);
    }

    #[test]
    fn every_address_is_there_once() {
        let services = [service(1, 0, 1), service(1, 0, 2), service(1, 0, 1)];
        assert_eq!(lasts(&order(&services, |_| 0)), [1, 2]);
        assert!(order(&[], |_| 0).is_empty());
    }

    #[test]
    fn a_query_is_told_by_host_port_and_transport() {
        let query = |text: &str| Query::of(&SipUri::parse(text).unwrap());
        assert_eq!(query("sip:1@pbx.example"), query("sip:2@PBX.example;lr"));
        assert_ne!(query("sip:1@pbx.example"), query("sip:1@pbx.example:5060"));
        let udp = Some(Transport::Udp);
        assert_eq!(query("sip:pbx.example;Transport=UDP").transport, udp);
        assert_eq!(query("sip:1;transport=udp@pbx.example").transport, None);
    }
}
