//! Where a request goes next.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_sip_notify::Transport;

/// The next hop of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hop {
    /// To an address by UDP.
    Datagram(SocketAddr),
    /// Over the connection to a peer.
    Stream(Arc<StreamPeer>),
}

/// Whom a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamPeer {
    /// TCP or TLS.
    pub transport: Transport,
    /// By which name the peer is known: its certificate has to be for it (RFC 5922 §7.3).
    pub host: String,
    /// The port.
    pub port: u16,
    /// Where it is; nothing where whoever connects looks the name up.
    pub address: Option<SocketAddr>,
}

impl Hop {
    /// The connection that it goes over.
    pub fn stream(&self) -> Option<&Arc<StreamPeer>> {
        match self {
            Self::Datagram(_) => None,
            Self::Stream(peer) => Some(peer),
        }
    }

    /// The address, if it is known.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Datagram(address) => Some(*address),
            Self::Stream(peer) => peer.address,
        }
    }

    /// What carries it.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Datagram(_) => Transport::Udp,
            Self::Stream(peer) => peer.transport,
        }
    }
}

impl From<SocketAddr> for Hop {
    fn from(address: SocketAddr) -> Self {
        Self::Datagram(address)
    }
}

/// As results name it: an address for UDP, with the transport and the name otherwise.
impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Datagram(address) => write!(f, "{address}"),
            Self::Stream(peer) => peer.fmt(f),
        }
    }
}

impl fmt::Display for StreamPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = self.transport.as_str().to_ascii_lowercase();
        match self.address {
            Some(address) if address.ip().to_string() == self.host => {
                write!(f, "{transport}:{address}")
            }
            Some(address) => write!(f, "{transport}:{}:{} ({address})", self.host, self.port),
            None => write!(f, "{transport}:{}:{}", self.host, self.port),
        }
    }
}
