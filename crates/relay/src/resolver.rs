//! RFC 3263 look-ups, by a DNS library with its own cache and retries.
//!
//! The C library is not asked: what it would load at run time (NSS) is not there for a static binary.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use ringfence_sip_notify::{Host, Transport};

use crate::config::Dns;
use ringfence_sender::locate::{LookupError, Query, Service};

/// More NAPTR or SRV records, or addresses of one host, than this are not looked at.
const MAX_RECORDS: usize = 16;

/// Where the system says which name servers it uses.
const SYSTEM: &str = "/etc/resolv.conf";

/// Looks up SIP hosts. The system's name servers are read again when they have changed, and for the
/// first time when a name is looked up: a relay that is given addresses needs none.
#[derive(Clone)]
pub struct Resolver {
    config: Dns,
    built: Arc<Mutex<Option<Built>>>,
    v4: bool,
    v6: bool,
}

struct Built {
    dns: TokioResolver,
    /// When the system's configuration was written.
    of: Option<SystemTime>,
}

impl Resolver {
    /// `v4`, `v6`: which families the relay can send over.
    pub fn new(config: &Dns, v4: bool, v6: bool) -> Self {
        Self {
            config: config.clone(),
            built: Arc::default(),
            v4,
            v6,
        }
    }

    fn dns(&self, name: &str) -> Result<TokioResolver, LookupError> {
        let of = if self.config.servers.is_empty() {
            changed(Path::new(SYSTEM))
        } else {
            None
        };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = &*built
            && there.of == of
        {
            return Ok(there.dns.clone());
        }
        let dns = build(&self.config, self.v4, self.v6).map_err(|error| {
            tracing::warn!(%error, "no name servers: set `dns.servers`, or see /etc/resolv.conf");
            LookupError::NoServers(name.to_owned())
        })?;
        *built = Some(Built {
            dns: dns.clone(),
            of,
        });
        Ok(dns)
    }

    /// The places that serve a URI's host (RFC 3263 §4.1 and §4.2).
    pub async fn locate(&self, query: &Query) -> Result<Vec<Service>, LookupError> {
        let name = match &query.host {
            Host::V4(ip) => return self.literal(IpAddr::V4(*ip), query),
            Host::V6(ip) => return self.literal(IpAddr::V6(*ip), query),
            Host::Name(name) => name,
        };
        if let Some(port) = query.port {
            return self.host(name, port).await;
        }
        // Over which transport a proxy is asked is configured, so NAPTR may only tell where UDP is served.
        if query.transport.is_none() {
            let services = self.by_naptr(name).await?;
            if !services.is_empty() {
                return Ok(services);
            }
        }
        let service = match query.transport.unwrap_or_default() {
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
        };
        let services = self.by_srv(&format!("{service}.{name}"), 0).await?;
        if !services.is_empty() {
            return Ok(services);
        }
        self.host(name, query.usual_port()).await
    }

    fn literal(&self, ip: IpAddr, query: &Query) -> Result<Vec<Service>, LookupError> {
        if (ip.is_ipv4() && !self.v4) || (ip.is_ipv6() && !self.v6) {
            return Err(LookupError::NotFound(ip.to_string()));
        }
        let address = SocketAddr::new(ip, query.port.unwrap_or(query.usual_port()));
        Ok(vec![Service::at(address)])
    }

    async fn by_naptr(&self, name: &str) -> Result<Vec<Service>, LookupError> {
        let answer = self
            .dns(name)?
            .lookup(absolute(name), RecordType::NAPTR)
            .await;
        let records = some(name, answer.map(|answer| rdata(answer.answers())))?;
        let mut udp: Vec<NAPTR> = records
            .into_iter()
            .filter_map(|record| match record {
                RData::NAPTR(naptr) => Some(naptr),
                _ => None,
            })
            .filter(|naptr| {
                naptr.services.eq_ignore_ascii_case(b"SIP+D2U")
                    && naptr.flags.eq_ignore_ascii_case(b"s")
            })
            .collect();
        udp.sort_by_key(|naptr| (naptr.order, naptr.preference));
        let mut services = Vec::new();
        for (place, naptr) in (0_u32..).zip(udp.iter().take(MAX_RECORDS)) {
            let srv = naptr.replacement.to_utf8();
            services.extend(self.by_srv(&srv, place << 16).await?);
        }
        Ok(services)
    }

    async fn by_srv(&self, name: &str, rank: u32) -> Result<Vec<Service>, LookupError> {
        let answer = self.dns(name)?.srv_lookup(absolute(name)).await;
        let records = some(name, answer.map(|answer| rdata(answer.answers())))?;
        let records: Vec<SRV> = records
            .into_iter()
            .filter_map(|record| match record {
                RData::SRV(srv) => Some(srv),
                _ => None,
            })
            .take(MAX_RECORDS)
            .collect();
        // RFC 2782: a target of "." says that the service is decidedly not there.
        if !records.is_empty() && records.iter().all(|srv| srv.target.is_root()) {
            return Err(LookupError::NotFound(name.to_owned()));
        }
        let mut services = Vec::new();
        let mut failed = None;
        for srv in records.iter().filter(|srv| !srv.target.is_root()) {
            match self.host(&srv.target.to_utf8(), srv.port).await {
                Ok(found) => services.extend(found.into_iter().map(|found| Service {
                    rank: rank + u32::from(srv.priority),
                    weight: srv.weight,
                    ..found
                })),
                // Another record may still lead somewhere.
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if services.is_empty() => Err(error),
            _ => Ok(services),
        }
    }

    async fn host(&self, name: &str, port: u16) -> Result<Vec<Service>, LookupError> {
        let answer = self.dns(name)?.lookup_ip(absolute(name)).await;
        let addresses: Vec<SocketAddr> = some(name, answer.map(|ips| ips.iter().collect()))?
            .into_iter()
            .filter(|ip: &IpAddr| if ip.is_ipv4() { self.v4 } else { self.v6 })
            .map(|ip| (ip, port).into())
            .take(MAX_RECORDS)
            .collect();
        if addresses.is_empty() {
            return Err(LookupError::NotFound(name.to_owned()));
        }
        Ok(vec![Service {
            rank: 0,
            weight: 0,
            addresses,
        }])
    }
}

/// Why the addresses of the pool's host are not known.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("no name servers to look up {host}: {why}. See {SYSTEM}, or set `dns.servers`")]
    NoServers { host: String, why: NetError },
    #[error(
        "cannot look up {host}: {why}. See that the name is right, and that the name servers answer"
    )]
    Lookup { host: String, why: NetError },
}

/// The addresses of a host that is no SIP host: the pool's. IPv4 comes first, since an office's IPv6
/// is broken more often. The system's name servers and its `/etc/hosts` are asked, or, where there
/// are none, `dns.servers`: those may know nothing but SIP.
pub async fn addresses(
    host: &str,
    port: u16,
    config: &Dns,
) -> Result<Vec<SocketAddr>, AddressError> {
    // RFC 6761 §6.3: nobody has to be asked for it.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]);
    }
    let system = Dns {
        servers: Vec::new(),
        ..config.clone()
    };
    let dns = build(&system, true, true)
        .or_else(|error| match config.servers.is_empty() {
            true => Err(error),
            false => build(config, true, true),
        })
        .map_err(|why| {
            let host = host.to_owned();
            AddressError::NoServers { host, why }
        })?;
    let found = dns.lookup_ip(host).await.map_err(|why| {
        let host = host.to_owned();
        AddressError::Lookup { host, why }
    })?;
    let mut addresses: Vec<SocketAddr> = found.iter().map(|ip| (ip, port).into()).collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.truncate(MAX_RECORDS);
    Ok(addresses)
}

fn build(config: &Dns, v4: bool, v6: bool) -> Result<TokioResolver, NetError> {
    let mut builder = if config.servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = config.servers.iter().map(|ip| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = config.port;
            }
            NameServerConfig::new(*ip, true, connections)
        });
        let servers = ResolverConfig::from_parts(None, vec![], servers.collect());
        TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = Duration::from_millis(u64::from(config.timeout_ms.max(100)));
    options.attempts = 2;
    options.ip_strategy = match (v4, v6) {
        (true, false) => LookupIpStrategy::Ipv4Only,
        (false, true) => LookupIpStrategy::Ipv6Only,
        _ => LookupIpStrategy::Ipv4AndIpv6,
    };
    builder.build()
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|file| file.modified())
        .ok()
}

/// With a final dot, so that no search domain is tried.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn rdata(records: &[Record]) -> Vec<RData> {
    records.iter().map(|record| record.data.clone()).collect()
}

/// "There is none" is an answer with no records; silence is an error.
fn some<T>(name: &str, answer: Result<Vec<T>, NetError>) -> Result<Vec<T>, LookupError> {
    match answer {
        Ok(records) => Ok(records),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
        Err(error) => {
            tracing::debug!(%name, %error, "look-up failed");
            Err(LookupError::NoAnswer(name.to_owned()))
        }
    }
}
