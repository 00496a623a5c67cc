//! What carries a request: datagrams, or a stream.

use std::fmt;

/// A transport (RFC 3261 §18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams. The transaction repeats its request until somebody answers.
    #[default]
    Udp,
    /// A stream. Whatever is written arrives, or the connection breaks.
    Tcp,
    /// A stream that nobody on the way reads.
    Tls,
}

impl Transport {
    /// As a Via has it (RFC 3261 §20.42).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Reads the name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls]
            .into_iter()
            .find(|transport| transport.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it repeats what is lost by itself, so that a transaction must not (RFC 3261 §17.1.2).
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    /// The port where nothing names one (RFC 3261 §19.1.2).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// The parameter of a SIP URI that asks for it; UDP is what is taken without one (RFC 3263 §4.1).
    pub(crate) fn uri_parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_reads_as_it_is_written() {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            let written = transport.to_string();
            assert_eq!(Transport::parse(&written), Some(transport));
            assert_eq!(Transport::parse(&written.to_lowercase()), Some(transport));
        }
        assert_eq!(Transport::parse("SCTP"), None);
        assert!(!Transport::Udp.is_reliable() && Transport::Tls.is_reliable());
    }
}
