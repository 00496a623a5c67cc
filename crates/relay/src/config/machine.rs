//! What this machine says to a configuration: `--check` asks it, starting does not (the sockets
//! will tell).

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use super::Settings;
use super::check::Finding;

/// Tries what the relay will need. A port in use is a warning: it may be this very relay's.
pub fn on_this_machine(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for bind in &settings.sip.bind {
        let tried = UdpSocket::bind(bind).map(drop);
        findings.extend(finding("sip.bind", *bind, tried));
    }
    if let Some(listen) = settings.http {
        let tried = TcpListener::bind(listen).map(drop);
        findings.extend(finding("http.listen", listen, tried));
    }
    if settings.dns.servers.is_empty() && !Path::new("/etc/resolv.conf").exists() {
        findings.push(Finding {
            error: false,
            key: "dns.servers",
            message: "empty, and there is no /etc/resolv.conf: only addresses can be reached; name a server, for example servers = [\"198.51.100.53\"]".into(),
        });
    }
    findings
}

fn finding(key: &'static str, at: SocketAddr, tried: std::io::Result<()>) -> Option<Finding> {
    let error = tried.err()?;
    let (fatal, message) = match error.kind() {
        ErrorKind::AddrInUse => (
            false,
            format!(
                "{at} is in use now. If that is not this relay itself, give it another port, for example {}",
                SocketAddr::new(at.ip(), at.port().checked_add(1).unwrap_or(5070))
            ),
        ),
        ErrorKind::AddrNotAvailable => (
            true,
            format!(
                "no interface of this machine has {}: name one that `ip address` lists",
                at.ip()
            ),
        ),
        ErrorKind::PermissionDenied => (
            false,
            format!(
                "you may not bind port {}: below 1024 the relay needs CAP_NET_BIND_SERVICE",
                at.port()
            ),
        ),
        _ => (true, format!("{at}: {error}")),
    };
    Some(Finding {
        error: fatal,
        key,
        message,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn tried(at: SocketAddr) -> Option<Finding> {
        finding("sip.bind", at, UdpSocket::bind(at).map(drop))
    }

    #[test]
    fn a_port_in_use_and_a_strangers_address_are_told_apart() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = taken.local_addr().unwrap();
        let warned = tried(at).unwrap();
        assert!(
            !warned.error && warned.message.contains("in use"),
            "{warned}"
        );
        drop(taken);
        assert_eq!(tried(at), None);
        let refused = tried("192.0.2.77:5070".parse().unwrap()).unwrap();
        assert!(
            refused.error && refused.message.contains("`ip address`"),
            "{refused}"
        );
    }
}
