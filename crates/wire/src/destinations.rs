//! Whom a tenant may address.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Most domains, and most networks, of one tenant: they travel with each job.
pub const MAX_DESTINATIONS: usize = 50;

/// The domains and networks that the jobs of one tenant may name, decided by the pool's operator. The
/// pool checks what a job names; a relay checks it again, and what DNS makes of it. Its own
/// configuration counts besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destinations {
    /// Names of hosts: `pbx.example`, or `*.phones.example` for everything below it.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Networks: `198.51.100.0/24`, `2001:db8::/48`. With any, the addresses of the domains have to be
    /// in one of them too; without, a domain leads wherever DNS says.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// Why a list of destinations is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationsError {
    /// Too many.
    #[error("there are at most {MAX_DESTINATIONS} domains and {MAX_DESTINATIONS} networks")]
    TooMany,
    /// Not a name.
    #[error("`{0}` is no domain: write pbx.example, or *.phones.example for everything below it")]
    Domain(String),
    /// Not a network.
    #[error(
        "`{0}` is no network: write 198.51.100.0/24 or 2001:db8::/48, and /32 or /128 for one address"
    )]
    Network(String),
}

impl Destinations {
    /// The same list, checked, in lower case, without host bits.
    ///
    /// # Errors
    /// An entry is neither, or there are too many.
    pub fn checked(&self) -> Result<Self, DestinationsError> {
        if self.domains.len() > MAX_DESTINATIONS || self.networks.len() > MAX_DESTINATIONS {
            return Err(DestinationsError::TooMany);
        }
        let domain = |text: &String| {
            let name = plain(text);
            match is_name(name.strip_prefix("*.").unwrap_or(&name)) {
                true => Ok(name),
                false => Err(DestinationsError::Domain(shown(text))),
            }
        };
        let network = |text: &String| match network(text) {
            Some(net) => Ok(net.to_string()),
            None => Err(DestinationsError::Network(shown(text))),
        };
        Ok(Self {
            domains: self.domains.iter().map(domain).collect::<Result<_, _>>()?,
            networks: self
                .networks
                .iter()
                .map(network)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a host may be named.
    pub fn permits_name(&self, host: &str) -> bool {
        let host = plain(host);
        self.domains
            .iter()
            .any(|domain| domain_covers(&plain(domain), &host))
    }

    /// Whether an address may be named. A network that cannot be read contains none.
    pub fn permits_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks
            .iter()
            .filter_map(|text| network(text))
            .any(|network| network.contains(&ip))
    }

    /// Whether a name that may be named may lead to this address.
    pub fn permits_found(&self, ip: IpAddr) -> bool {
        self.networks.is_empty() || self.permits_ip(ip)
    }
}

/// Whether an entry, a name or `*.name` for everything below it, covers a host. Both are in lower case and
/// without a dot at the end.
pub fn domain_covers(domain: &str, host: &str) -> bool {
    match domain.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => domain == host,
    }
}

fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net: IpNet = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()?;
    Some(net.trunc())
}

fn plain(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // The last label of a name is no number: what looks like an address is a network's.
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A piece of what was written, for the error.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn list(domains: &[&str], networks: &[&str]) -> Destinations {
        Destinations {
            domains: domains.iter().map(|text| (*text).to_owned()).collect(),
            networks: networks.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn names_are_matched_whole_or_below_a_star() {
        let some = list(&["PBX.example.", "*.phones.example"], &[]);
        for yes in [
            "pbx.example",
            "PBX.EXAMPLE.",
            "a.phones.example",
            "a.b.phones.example",
        ] {
            assert!(some.permits_name(yes), "{yes}");
        }
        for no in [
            "x.pbx.example",
            "phones.example",
            ".phones.example",
            "evilphones.example",
            "",
        ] {
            assert!(!some.permits_name(no), "{no}");
        }
        assert!(!list(&[], &["0.0.0.0/0"]).permits_name("pbx.example"));
    }

    #[test]
    fn addresses_are_in_networks_in_whatever_clothes() {
        let some = list(
            &["198.51.100.7"],
            &["192.0.2.0/24", "2001:db8::/48", "no network"],
        );
        for yes in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
            assert!(some.permits_ip(yes.parse().unwrap()), "{yes}");
        }
        for no in ["198.51.100.7", "192.0.3.1", "2001:db8:1::7"] {
            assert!(!some.permits_ip(no.parse().unwrap()), "{no}");
            assert!(!some.permits_found(no.parse().unwrap()), "{no}");
        }
        assert!(list(&["pbx.example"], &[]).permits_found("192.0.3.1".parse().unwrap()));
        assert!(!list(&["pbx.example"], &[]).permits_ip("192.0.3.1".parse().unwrap()));
    }

    #[test]
    fn a_list_is_checked_and_written_one_way() {
        let some = list(
            &["PBX.example.", "*.Phones.example"],
            &["192.0.2.7/24", "2001:DB8::7"],
        );
        assert_eq!(
            some.checked().unwrap(),
            list(
                &["pbx.example", "*.phones.example"],
                &["192.0.2.0/24", "2001:db8::7/128"]
            )
        );
        for domain in [
            "",
            "*",
            "*.",
            "a b",
            "sip:pbx.example",
            "192.0.2.7",
            "a..b",
            "pbx.example:5060",
        ] {
            let error = list(&[domain], &[]).checked().unwrap_err();
            assert_eq!(error, DestinationsError::Domain(domain.to_owned()));
        }
        for network in ["", "pbx.example", "192.0.2.0/33", "192.0.2"] {
            let error = list(&[], &[network]).checked().unwrap_err();
            assert_eq!(error, DestinationsError::Network(network.to_owned()));
        }
        let many = vec!["a.example"; MAX_DESTINATIONS + 1];
        assert_eq!(list(&many, &[]).checked(), Err(DestinationsError::TooMany));
    }
}
