//! What is wrong with a configuration, all of it at once, and what to do.

use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use ipnet::IpNet;
use ringfence_sip_notify::{Host, SentBy, SipUri, Timers, Transport};
use ringfence_wire::{PATH, Secret};
use tokio_tungstenite::tungstenite::http::Uri;

use super::file::{File, Pool, Sip};
use super::{PoolSettings, Settings, SipSettings};
use crate::log;
use crate::streams::check_ca;
use ringfence_sender::Destinations;
use ringfence_sender::destination::never;

/// The shortest `pool.ping_interval_s`.
const MIN_PING_INTERVAL_S: u32 = 5;
/// The shortest `pool.reconnect_min_ms`.
const MIN_RECONNECT_MS: u32 = 100;
/// The longest `pool.drain_s` without a warning: a minute.
const MAX_DRAIN_S: u32 = 60;

/// One thing to know about a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the relay refuses to start.
    pub error: bool,
    /// The key, `sip.bind`.
    pub key: &'static str,
    /// What is the matter and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.error { "error" } else { "warning" };
        write!(f, "{word}: {}: {}", self.key, self.message)
    }
}

/// The outcome of a check.
#[derive(Debug)]
pub struct Checked {
    /// There, if no finding is an error.
    pub settings: Option<Settings>,
    /// In the order of the file.
    pub findings: Vec<Finding>,
}

/// Checks a file. `needs_pool`: whether it must say where the jobs come from.
pub fn check(file: &File, needs_pool: bool) -> Checked {
    let mut to = Findings(Vec::new());
    let pool = if needs_pool {
        pool(&file.pool, &mut to)
    } else {
        None
    };
    let sip = sip(&file.sip, &mut to);
    let destinations = destinations(file, sip.as_ref(), &mut to);
    if let Some(listen) = file.http.listen
        && !listen.ip().is_loopback()
    {
        to.error(
            "http.listen",
            format!("{listen} is not loopback: the metrics have no protection of their own; use 127.0.0.1:{}", listen.port()),
        );
    }
    if let Err(error) = log::directives(&file.log) {
        to.error("log.level", error.to_string());
    }
    let findings = to.0;
    let settings = match sip {
        Some(sip) if !findings.iter().any(|finding| finding.error) => Some(Settings {
            pool,
            sip,
            destinations,
            pace: file.pace,
            dns: file.dns.clone(),
            http: file.http.listen,
            drain: Duration::from_secs(u64::from(file.pool.drain_s)),
        }),
        _ => None,
    };
    Checked { settings, findings }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, key: &'static str, message: impl Into<String>) {
        self.push(true, key, message.into());
    }

    fn warning(&mut self, key: &'static str, message: impl Into<String>) {
        self.push(false, key, message.into());
    }

    fn push(&mut self, error: bool, key: &'static str, message: String) {
        self.0.push(Finding {
            error,
            key,
            message,
        });
    }
}

fn pool(pool: &Pool, to: &mut Findings) -> Option<PoolSettings> {
    let url = pool_url(pool, to);
    let credential = credential(pool, to);
    if pool.capacity == 0 {
        to.error(
            "pool.capacity",
            "must be above 0: with 0 jobs at a time nothing is ever sent",
        );
    }
    if pool.ping_interval_s < MIN_PING_INTERVAL_S {
        to.error(
            "pool.ping_interval_s",
            format!("must be at least {MIN_PING_INTERVAL_S}"),
        );
    }
    if pool.reconnect_min_ms < MIN_RECONNECT_MS || pool.reconnect_max_ms < pool.reconnect_min_ms {
        to.error(
            "pool.reconnect_min_ms",
            format!("must be at least {MIN_RECONNECT_MS} and at most reconnect_max_ms"),
        );
    }
    if pool.drain_s > MAX_DRAIN_S {
        to.warning(
            "pool.drain_s",
            format!(
                "a service manager seldom waits a minute for a program to stop; take {MAX_DRAIN_S} or less"
            ),
        );
    }
    Some(PoolSettings {
        url: url?,
        credential: credential?,
        capacity: pool.capacity,
        ping_interval: Duration::from_secs(u64::from(pool.ping_interval_s)),
        reconnect_min: Duration::from_millis(u64::from(pool.reconnect_min_ms)),
        reconnect_max: Duration::from_millis(u64::from(pool.reconnect_max_ms)),
    })
}

fn pool_url(pool: &Pool, to: &mut Findings) -> Option<Uri> {
    const KEY: &str = "pool.url";
    let Some(text) = &pool.url else {
        to.error(
            KEY,
            format!("missing: the Worker's address, wss://HOST{PATH}"),
        );
        return None;
    };
    let Ok(url) = text.parse::<Uri>() else {
        to.error(
            KEY,
            format!("`{text}` is no URL: write wss://HOST{PATH}, with the Worker's host"),
        );
        return None;
    };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme_str() {
        Some("wss") => {}
        Some("ws") if loopback => {}
        Some("ws") => {
            to.error(
                KEY,
                "ws:// would send the credential in clear: use wss:// (ws:// is for loopback)",
            );
            return None;
        }
        _ => {
            to.error(
                KEY,
                format!("`{text}` does not start with wss://: write wss://HOST{PATH}, with the Worker's host"),
            );
            return None;
        }
    }
    if host.is_empty() {
        to.error(
            KEY,
            format!("`{text}` names no host: write wss://HOST{PATH}, with the Worker's host"),
        );
        return None;
    }
    if url.path() != PATH {
        to.warning(
            KEY,
            format!("the path is usually {PATH}, not `{}`", url.path()),
        );
    }
    Some(url)
}

fn credential(pool: &Pool, to: &mut Findings) -> Option<Secret> {
    const KEY: &str = "pool.credential_file";
    let secret = match (&pool.credential, &pool.credential_file) {
        (Some(_), Some(_)) => {
            to.error(KEY, "there is `pool.credential` too: keep one of them");
            return None;
        }
        (None, None) => {
            to.error(
                KEY,
                "missing: a file with the credential that the API gave when the relay was created",
            );
            return None;
        }
        (Some(secret), None) => secret.clone(),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => {
                let open = std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o007 != 0);
                if open {
                    let path = path.display();
                    to.warning(
                        KEY,
                        format!("everybody on this machine may read {path}: chmod 600 {path}"),
                    );
                }
                Secret::new(text.lines().next().unwrap_or_default().trim())
            }
            Err(error) => {
                let advice = match error.kind() {
                    ErrorKind::NotFound => {
                        "write the credential there that the API gave when the relay was created"
                    }
                    ErrorKind::PermissionDenied => {
                        "it must belong to the user that the relay runs as (the systemd unit hands it over by LoadCredential)"
                    }
                    _ => "its first line is the credential",
                };
                to.error(
                    KEY,
                    format!("cannot read {}: {error}; {advice}", path.display()),
                );
                return None;
            }
        },
    };
    // RFC 6750 §2.1, b64token: anything else would break the header.
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    if secret.expose().is_empty() || !secret.expose().bytes().all(fits) {
        to.error(
            KEY,
            "the credential is empty, or holds a character that no credential has: write it there as the API gave it when the relay was created",
        );
        return None;
    }
    Some(secret)
}

fn sip(sip: &Sip, to: &mut Findings) -> Option<SipSettings> {
    if sip.bind.is_empty() {
        to.error(
            "sip.bind",
            "names no address to send from, for example 0.0.0.0:5070",
        );
    }
    for bind in sip.bind.iter().filter(|bind| bind.port() == 0) {
        to.warning(
            "sip.bind",
            format!("{bind} is another port at each start, which no firewall or proxy can know; 5070 is usual"),
        );
    }
    for v6 in [false, true] {
        let of_family: Vec<_> = sip
            .bind
            .iter()
            .filter(|bind| bind.is_ipv6() == v6)
            .collect();
        if of_family.len() > 1 {
            to.error(
                "sip.bind",
                "one socket for each address family: at most one IPv4 and one IPv6 address",
            );
        }
        let key = if v6 {
            "sip.advertise_v6"
        } else {
            "sip.advertise_v4"
        };
        let advertised = if v6 {
            &sip.advertise_v6
        } else {
            &sip.advertise_v4
        };
        if of_family.iter().any(|bind| bind.ip().is_unspecified()) && advertised.is_none() {
            to.warning(key, "missing while sip.bind is the unspecified address: Via and Contact will say whichever address the system would send from");
        }
    }
    let from = match SipUri::parse(&sip.from) {
        Ok(uri) => Some(uri),
        Err(error) => {
            // It may have a password in it.
            to.error("sip.from", error.to_string());
            None
        }
    };
    if sip.from == Sip::default().from {
        to.warning(
            "sip.from",
            "missing: a proxy may refuse a From that is not of its own domain",
        );
    }
    let outbound_proxy = sip
        .outbound_proxy
        .as_deref()
        .and_then(|text| proxy(text, to));
    let tls_ca = sip.tls_ca.as_ref().and_then(|path| {
        std::fs::read(path)
            .and_then(|pem| check_ca(&pem).map(|()| pem))
            .map_err(|error| to.error("sip.tls_ca", format!("{}: {error}", path.display())))
            .ok()
    });
    if sip.t1_ms == 0 || sip.t2_ms < sip.t1_ms || sip.t4_ms == 0 {
        to.error(
            "sip.t1_ms",
            "t1_ms and t4_ms must be above 0 and t2_ms at least t1_ms",
        );
    } else if sip.t1_ms < 500 {
        to.warning(
            "sip.t1_ms",
            "below 500 ms is for a network without distance (RFC 3261 §17.1.1.1)",
        );
    }
    Some(SipSettings {
        bind: sip.bind.clone(),
        advertise_v4: advertised("sip.advertise_v4", sip.advertise_v4.as_deref(), to),
        advertise_v6: advertised("sip.advertise_v6", sip.advertise_v6.as_deref(), to),
        from: from?,
        outbound_proxy,
        alias: sip.alias,
        tls_ca,
        timers: Timers {
            t1: sip.t1_ms,
            t2: sip.t2_ms,
            t4: sip.t4_ms,
        },
        socket_buffer: usize::try_from(sip.socket_buffer_kib)
            .map_or(usize::MAX, |kib| kib.saturating_mul(1024)),
    })
}

/// The proxy, and the transport that its URI asks for. Only here may a URI ask for one: a device's goes by UDP, or the
/// way that the relay goes.
fn proxy(text: &str, to: &mut Findings) -> Option<(SipUri, Transport)> {
    let key = "sip.outbound_proxy";
    // No parameter of the user part.
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let at = if user.is_empty() { "" } else { "@" };
    let is_transport = |part: &str| {
        let name = part.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("transport")
    };
    let mut transport = Transport::Udp;
    if let Some(asked) = host.split(';').skip(1).find(|part| is_transport(part)) {
        let name = asked.split_once('=').map_or("", |(_, name)| name);
        let Some(known) = Transport::parse(name.trim()) else {
            to.error(key, "the transport may be udp, tcp or tls");
            return None;
        };
        transport = known;
    }
    let rest: Vec<&str> = host.split(';').filter(|part| !is_transport(part)).collect();
    SipUri::parse(&format!("{user}{at}{}", rest.join(";")))
        .map(|uri| (uri, transport))
        .map_err(|error| to.error(key, error.to_string()))
        .ok()
}

fn advertised(key: &'static str, text: Option<&str>, to: &mut Findings) -> Option<SentBy> {
    let text = text?;
    let parts = text
        .rsplit_once(':')
        .and_then(|(host, port)| Some((Host::parse(host)?, port.parse().ok()?)));
    if parts.is_none() {
        to.error(key, format!("`{text}` is not host:port"));
    }
    let (host, port) = parts?;
    Some(SentBy { host, port })
}

fn destinations(file: &File, sip: Option<&SipSettings>, to: &mut Findings) -> Destinations {
    let config = &file.destinations;
    if config.allow.is_empty() {
        to.error(
            "destinations.allow",
            "empty: nothing could be sent; name the networks of the phones or of the proxy",
        );
    }
    for net in &config.allow {
        if let Some(what) = never(net.addr())
            && net.prefix_len() > 0
        {
            to.error(
                "destinations.allow",
                format!("{net} is {what}: no NOTIFY goes there; take it out"),
            );
        }
        if net.trunc() != *net {
            to.warning(
                "destinations.allow",
                format!(
                    "{net} means all of {}; that address alone is {}",
                    net.trunc(),
                    IpNet::from(net.addr())
                ),
            );
        }
        if net.prefix_len() == 0 {
            to.warning("destinations.allow", format!("{net} lets whoever can queue jobs send to any address (loopback, link-local and multicast stay closed)"));
        }
    }
    if config.port_min > config.port_max || config.port_min == 0 {
        to.error(
            "destinations.port_min",
            "must be above 0 and at most port_max",
        );
    }
    if file.pace.prefix_v4 > 32 || file.pace.prefix_v6 > 128 {
        to.error(
            "pace.prefix_v4",
            "prefix_v4 is at most 32 (one address) and prefix_v6 at most 128",
        );
    }
    if file.pace.per_destination == 0 && file.pace.total == 0 {
        to.warning(
            "pace.per_destination",
            "no limit at all: an office's phones would all be notified, and all download, at once; set per_destination, total or both",
        );
    }
    let destinations = Destinations::new(
        config.allow.clone(),
        config.deny.clone(),
        config.port_min..=config.port_max,
        config.domains.clone(),
    );
    if let Some(sip) = sip
        && let Some((proxy, transport)) = &sip.outbound_proxy
    {
        if config.domains.is_empty() {
            to.warning("destinations.domains", "empty: the outbound proxy may be asked to reach any domain; name those of your phones");
        }
        if let Some(ip) = proxy.host().ip()
            && let Err(refusal) =
                destinations.permits((ip, proxy.port().unwrap_or(transport.default_port())).into())
        {
            to.error("sip.outbound_proxy", format!("{refusal}"));
        }
    }
    destinations
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use serde::Deserialize;

    use super::*;

    const GOOD: &str = r#"
        [pool]
        url = "wss://ringfence.example/relay/v1"
        credential = "abc"
        [sip]
        bind = ["198.51.100.20:5070"]
        from = "sip:prov@pbx.example"
        [destinations]
        allow = ["198.51.100.0/24"]
    "#;

    fn findings(text: &str) -> Vec<Finding> {
        let file = File::deserialize(text.parse::<toml::Table>().unwrap()).unwrap();
        check(&file, true).findings
    }

    fn broken(from: &str, to: &str) -> Vec<Finding> {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        findings(&text)
    }

    #[test]
    fn a_good_configuration_has_no_findings() {
        assert_eq!(findings(GOOD), vec![]);
    }

    #[test]
    fn an_empty_file_is_told_all_that_is_missing() {
        let keys: Vec<_> = findings("")
            .into_iter()
            .filter(|f| f.error)
            .map(|f| f.key)
            .collect();
        assert_eq!(
            keys,
            ["pool.url", "pool.credential_file", "destinations.allow"]
        );
    }

    #[test]
    fn a_credential_is_never_sent_in_clear_over_a_network() {
        assert!(broken("wss://", "ws://")[0].message.contains("in clear"));
        assert_eq!(
            broken("wss://ringfence.example", "ws://127.0.0.1:8787"),
            vec![]
        );
        assert_eq!(broken("wss://ringfence.example", "ws://[::1]:8787"), vec![]);
        assert!(broken("wss://", "https://")[0].error);
    }

    #[test]
    fn a_credential_that_would_break_the_header_is_refused_and_not_printed() {
        let found = broken("\"abc\"", "\"a\\nsecret\"");
        assert!(found[0].error && !found[0].to_string().contains("secret"));
    }

    #[test]
    fn metrics_stay_on_loopback() {
        let found = findings(&format!("{GOOD}\n[http]\nlisten = \"0.0.0.0:9470\""));
        assert_eq!((found.len(), found[0].key), (1, "http.listen"));
    }

    #[test]
    fn a_proxy_outside_the_allowed_networks_is_an_error() {
        let text = GOOD.replace("[sip]", "[sip]\noutbound_proxy = \"sip:203.0.113.1\"");
        assert!(
            findings(&text)
                .iter()
                .any(|f| f.error && f.key == "sip.outbound_proxy")
        );
    }

    #[test]
    fn a_proxy_says_over_what_it_is_reached() {
        let of = |proxy: &str| {
            let text = GOOD.replace("[sip]", &format!("[sip]\noutbound_proxy = \"{proxy}\""));
            let file = File::deserialize(text.parse::<toml::Table>().unwrap()).unwrap();
            let (uri, transport) = check(&file, true).settings?.sip.outbound_proxy?;
            Some((uri.as_str().to_owned(), transport))
        };
        for (proxy, uri, transport) in [
            ("sip:198.51.100.10", "sip:198.51.100.10", Transport::Udp),
            (
                "sip:198.51.100.10;Transport=TCP;lr",
                "sip:198.51.100.10;lr",
                Transport::Tcp,
            ),
            (
                "sip:p@pbx.example:5061;transport=tls",
                "sip:p@pbx.example:5061",
                Transport::Tls,
            ),
            (
                "sip:198.51.100.10;transport=udp",
                "sip:198.51.100.10",
                Transport::Udp,
            ),
        ] {
            assert_eq!(of(proxy), Some((uri.to_owned(), transport)), "{proxy}");
        }
        for proxy in [
            "sip:198.51.100.10;transport=sctp",
            "sip:198.51.100.10;transport",
            "tls:198.51.100.10",
        ] {
            assert_eq!(of(proxy), None, "{proxy}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_an_error() {
        let file = std::env::temp_dir().join(format!("ringfence-no-ca-{}", std::process::id()));
        std::fs::write(&file, "no certificate\n").unwrap();
        for path in [&*file.to_string_lossy(), "/nowhere/ca.pem"] {
            let text = GOOD.replace("[sip]", &format!("[sip]\ntls_ca = \"{path}\""));
            let found = findings(&text);
            assert!(
                found.iter().any(|f| f.error && f.key == "sip.tls_ca"),
                "{found:?}"
            );
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn everything_and_multicast_are_pointed_out() {
        let all = broken("198.51.100.0/24", "0.0.0.0/0");
        assert!(!all[0].error && all[0].message.contains("any address"));
        assert!(broken("198.51.100.0/24", "224.0.0.0/4")[0].error);
    }

    #[test]
    fn what_is_probably_meant_otherwise_is_pointed_out() {
        for (from, to, key, error, message) in [
            (
                "wss://ringfence.example",
                "not a url",
                "pool.url",
                true,
                "wss://HOST/relay/v1",
            ),
            (
                "wss://",
                "https://",
                "pool.url",
                true,
                "wss://HOST/relay/v1",
            ),
            (
                "wss://ringfence.example",
                "wss://",
                "pool.url",
                true,
                "wss://HOST/relay/v1",
            ),
            ("20:5070", "20:0", "sip.bind", false, "5070 is usual"),
            (
                "198.51.100.0/24",
                "198.51.100.7/24",
                "destinations.allow",
                false,
                "198.51.100.7/32",
            ),
            (
                "[sip]",
                "[log]\nlevel = \"loud\"\n[sip]",
                "log.level",
                true,
                "info",
            ),
            (
                "[sip]",
                "[pace]\nprefix_v4 = 33\n[sip]",
                "pace.prefix_v4",
                true,
                "at most 32",
            ),
        ] {
            let found = broken(from, to);
            assert_eq!(
                (found.len(), found[0].key, found[0].error),
                (1, key, error),
                "{found:?}"
            );
            assert!(found[0].message.contains(message), "{}", found[0]);
        }
    }

    #[test]
    fn a_credential_that_everybody_may_read_is_pointed_out() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credential");
        std::fs::write(&path, "abc\n").unwrap();
        let text = format!("credential_file = \"{}\"", path.display());
        for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = broken("credential = \"abc\"", &text);
            assert_eq!(found.len(), warnings, "{mode:o}: {found:?}");
            assert!(
                found
                    .iter()
                    .all(|f| !f.error && f.message.contains("chmod 600"))
            );
        }
        std::fs::remove_file(&path).unwrap();
        let found = broken("credential = \"abc\"", &text);
        assert!(found[0].error && found[0].message.contains("write the credential there"));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let proxy = "[sip]\noutbound_proxy = \"sip:relay:5ecret@pbx.example\"";
        for (from, to, key) in [
            ("sip:prov@", "sip:prov:5ecret@", "sip.from"),
            ("[sip]", proxy, "sip.outbound_proxy"),
        ] {
            let found = broken(from, to);
            let error = found.iter().find(|found| found.error).unwrap();
            assert_eq!(error.key, key);
            assert!(error.message.contains("a password has no place"), "{error}");
            assert!(!error.message.contains("5ecret"), "{error}");
        }
    }

    #[test]
    fn two_sockets_of_a_family_are_refused() {
        let found = broken(
            "\"198.51.100.20:5070\"",
            "\"198.51.100.20:5070\", \"198.51.100.21:5070\"",
        );
        assert_eq!((found[0].error, found[0].key), (true, "sip.bind"));
    }
}
