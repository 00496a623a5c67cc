//! The sockets: one for each address family, shared by all transactions.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};

use ringfence_sip_notify::SentBy;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::config::SipSettings;

/// A datagram cannot be longer.
pub const MAX_DATAGRAM: usize = 65_535;

/// At most one socket of each family.
#[derive(Debug)]
pub struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

impl Sockets {
    /// Binds them.
    pub fn bind(sip: &SipSettings) -> io::Result<Self> {
        let of = |v6: bool| {
            let address = sip.bind.iter().find(|bind| bind.is_ipv6() == v6);
            address
                .map(|address| {
                    bind(*address, sip.socket_buffer).map_err(|error| cannot_bind(*address, &error))
                })
                .transpose()
        };
        Ok(Self {
            v4: of(false)?,
            v6: of(true)?,
        })
    }

    /// How the relay is known over each family: as configured, or by the socket's own address. For
    /// a socket bound to all addresses that is the one the system would send from.
    pub fn sent_by(&self, sip: &SipSettings) -> (Option<SentBy>, Option<SentBy>) {
        let of = |socket: Option<&UdpSocket>, advertised: Option<&SentBy>| {
            let local = socket?.local_addr().ok()?;
            Some(
                advertised
                    .cloned()
                    .unwrap_or_else(|| known_as(local).into()),
            )
        };
        (
            of(self.v4.as_ref(), sip.advertise_v4.as_ref()),
            of(self.v6.as_ref(), sip.advertise_v6.as_ref()),
        )
    }

    /// Whether there is an IPv4 socket, and an IPv6 one.
    pub fn families(&self) -> (bool, bool) {
        (self.v4.is_some(), self.v6.is_some())
    }

    /// The addresses they are bound to.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        [&self.v4, &self.v6]
            .into_iter()
            .flatten()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Sends, or says that it would have to wait ([`io::ErrorKind::WouldBlock`]).
    pub fn try_send(&self, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        let socket = socket.as_ref().ok_or(io::ErrorKind::AddrNotAvailable)?;
        socket.try_send_to(bytes, to).map(|_| ())
    }

    /// Waits until the socket that reaches `to` may be sent on.
    pub async fn writable(&self, to: SocketAddr) -> io::Result<()> {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        match socket {
            Some(socket) => socket.writable().await,
            None => Ok(()),
        }
    }

    /// Waits until a socket has a datagram.
    pub async fn readable(&self) -> io::Result<()> {
        match (&self.v4, &self.v6) {
            (Some(v4), Some(v6)) => tokio::select! {
                ready = v4.readable() => ready,
                ready = v6.readable() => ready,
            },
            (Some(only), None) | (None, Some(only)) => only.readable().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Reads up to `most` datagrams of each socket without waiting.
    pub fn receive(&self, most: usize, buffer: &mut [u8], mut each: impl FnMut(SocketAddr, &[u8])) {
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            for _ in 0..most {
                match socket.try_recv_from(buffer) {
                    Ok((length, from)) => each(from, buffer.get(..length).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // Linux reports an ICMP error of an earlier datagram here; the transaction's
                    // own timer deals with it.
                    Err(error) => tracing::debug!(%error, "receive"),
                }
            }
        }
    }
}

/// Why there is no socket, and what to do.
fn cannot_bind(address: SocketAddr, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Another relay on this host has it, or another program (`ss -lunp` says which): give this one a port of its own, for example `sip.bind = [\"{}\"]`",
            SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(5070)),
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "No interface of this machine has {} (`ip address` lists what there is); 0.0.0.0 or [::] is all of them",
            address.ip()
        ),
        io::ErrorKind::PermissionDenied => {
            "A port below 1024 needs CAP_NET_BIND_SERVICE: 5070 needs nothing".into()
        }
        _ => "`sip.bind` names the address to send from".into(),
    };
    io::Error::new(
        error.kind(),
        format!("cannot bind sip.bind {address}: {error}. {advice}."),
    )
}

fn bind(address: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The kernel may give less (net.core.rmem_max); that is no reason not to start.
    let _ = socket.set_recv_buffer_size(buffer);
    let _ = socket.set_send_buffer_size(buffer);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(StdSocket::from(socket))
}

/// The address that the system would send from, if `local` is bound to all. Connecting a UDP socket
/// asks the routing table and sends nothing.
fn known_as(local: SocketAddr) -> SocketAddr {
    if !local.ip().is_unspecified() {
        return local;
    }
    // Addresses and not texts: a text would link the C library's look-up into a static binary.
    let elsewhere = if local.is_ipv4() {
        SocketAddr::from(([192, 0, 2, 1], 9))
    } else {
        SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9))
    };
    let asked = StdSocket::bind((local.ip(), 0)).and_then(|socket| {
        socket.connect(elsewhere)?;
        socket.local_addr()
    });
    asked.map_or(local, |address| (address.ip(), local.port()).into())
}
