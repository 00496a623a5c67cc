//! RFC 3263 look-ups, by a DNS library with its own cache and retries.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use ringfence_sip_notify::Host;

use crate::config::Dns;
use crate::locate::{DEFAULT_PORT, LookupError, Query, Service};

/// More NAPTR or SRV records, or addresses of one host, than this are not looked at.
const MAX_RECORDS: usize = 16;

/// Looks up SIP hosts.
#[derive(Clone)]
pub struct Resolver {
    dns: TokioResolver,
    v4: bool,
    v6: bool,
}

impl Resolver {
    /// `v4`, `v6`: which families the relay can send over.
    pub fn new(config: &Dns, v4: bool, v6: bool) -> Result<Self, NetError> {
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
        Ok(Self {
            dns: builder.build()?,
            v4,
            v6,
        })
    }

    /// The places that serve a URI's host over UDP (RFC 3263 §4.1 and §4.2).
    pub async fn locate(&self, query: &Query) -> Result<Vec<Service>, LookupError> {
        let name = match &query.host {
            Host::V4(ip) => return self.literal(IpAddr::V4(*ip), query.port),
            Host::V6(ip) => return self.literal(IpAddr::V6(*ip), query.port),
            Host::Name(name) => name,
        };
        if let Some(port) = query.port {
            return self.host(name, port).await;
        }
        if !query.udp_named {
            let services = self.by_naptr(name).await?;
            if !services.is_empty() {
                return Ok(services);
            }
        }
        let services = self.by_srv(&format!("_sip._udp.{name}"), 0).await?;
        if !services.is_empty() {
            return Ok(services);
        }
        self.host(name, DEFAULT_PORT).await
    }

    fn literal(&self, ip: IpAddr, port: Option<u16>) -> Result<Vec<Service>, LookupError> {
        if (ip.is_ipv4() && !self.v4) || (ip.is_ipv6() && !self.v6) {
            return Err(LookupError::NotFound(ip.to_string()));
        }
        let address = SocketAddr::new(ip, port.unwrap_or(DEFAULT_PORT));
        Ok(vec![Service::at(address)])
    }

    async fn by_naptr(&self, name: &str) -> Result<Vec<Service>, LookupError> {
        let answer = self.dns.lookup(absolute(name), RecordType::NAPTR).await;
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
        let answer = self.dns.srv_lookup(absolute(name)).await;
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
        let answer = self.dns.lookup_ip(absolute(name)).await;
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
