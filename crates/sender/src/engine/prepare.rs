//! A job as it came over the wire, parsed into what a NOTIFY is built from, or refused before
//! anything is looked up.

use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_sip_notify::{
    Credentials, EventType, HeaderName, HeaderValue, Host, NotifyRequest, RequestError, SentBy,
    SipUri, Transport,
};
use ringfence_wire::{
    DOMAIN_NOT_ALLOWED, Destinations, Job, JobRef, JobResult, NEEDS_A_RELAY, Outcome,
};

use super::EngineConfig;
use super::result::{self, WHAT_TO_DO};
use crate::locate::{DEFAULT_PORT, Query};

/// Everything about a NOTIFY but where it is sent from and to.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    target: SipUri,
    event: EventType,
    route: Option<SipUri>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<(HeaderValue, Vec<u8>)>,
    pub(super) credentials: Option<Arc<Credentials>>,
    /// Whether its next hop is a proxy, with a limit of its own.
    pub(super) via_proxy: bool,
    /// The transport of its next hop and the name of that, where it is no datagram.
    pub(super) over: Option<(Transport, String)>,
    /// Where the job's tenant may be led by DNS; none where that is the relay's own proxy.
    pub(super) tenants: Option<Box<Destinations>>,
}

/// Why a job is not even tried.
#[derive(Debug)]
pub(super) struct Refused {
    outcome: Outcome,
    reason: &'static str,
    explanation: String,
}

impl Refused {
    fn invalid(reason: &'static str, explanation: impl ToString) -> Self {
        Self {
            outcome: Outcome::Invalid,
            reason,
            explanation: explanation.to_string(),
        }
    }

    pub(super) fn too_large(error: RequestError) -> Self {
        Self::invalid("too_large", error)
    }

    pub(super) fn result(self, job: JobRef) -> JobResult {
        result::refused(job, self.outcome, self.reason, self.explanation)
    }
}

/// Parses a job and says whose address is to be looked up: an address of its own, its route, the
/// relay's outbound proxy, or the host of the address of record, in this order.
pub(super) fn prepare(job: Job, config: &EngineConfig) -> Result<(Prepared, Query), Refused> {
    let names = config.names;
    let target = SipUri::parse(&job.target.aor).map_err(|error| {
        Refused::invalid("bad_target", format!("`{}`: {error}", job.target.aor))
    })?;
    if let Host::Name(name) = target.host()
        && !config.destinations.permits_domain(name)
    {
        return Err(Refused {
            outcome: Outcome::NotAllowed,
            reason: DOMAIN_NOT_ALLOWED,
            explanation: format!(
                "{} does not serve {name}: it is not in {}.{WHAT_TO_DO}Add it there, or correct the device's SIP address.",
                names.sender, names.domains
            ),
        });
    }
    let event =
        EventType::parse(&job.event).map_err(|error| Refused::invalid("bad_event", error))?;
    let route = match &job.route {
        Some(text) => Some(
            SipUri::parse(text)
                .map_err(|error| Refused::invalid("bad_route", format!("`{text}`: {error}")))?,
        ),
        None => None,
    };
    let hop = match &job.target.address {
        Some(text) => Some(address(text).ok_or_else(|| {
            Refused::invalid("bad_address", format!("`{text}` is not address:port"))
        })?),
        None => None,
    };
    if let Some(beyond) = [
        (hop.is_some()
            || route.is_some()
            || config.outbound_proxy.is_some()
            || config.only.is_some())
        .then_some(&target),
        hop.as_ref().and(route.as_ref()),
    ]
    .into_iter()
    .flatten()
    .find(|uri| !config.destinations.permits_beyond(uri.host(), uri.port()))
    {
        return Err(Refused {
            outcome: Outcome::NotAllowed,
            reason: DOMAIN_NOT_ALLOWED,
            explanation: format!(
                "{} does not ask a proxy for {}: it is {}.{WHAT_TO_DO}Add it there, or correct the device's SIP address or route.",
                names.sender,
                beyond.host(),
                match names.networks {
                    Some(networks) => format!("neither in {} nor in {networks}", names.domains),
                    None => format!("not in {}", names.domains),
                }
            ),
        });
    }
    if let Some(tenants) = &job.destinations {
        for (host, what) in [
            (Some(target.host()), "the SIP address"),
            (hop.as_ref().map(|hop| &hop.host), "the address"),
            (route.as_ref().map(SipUri::host), "the route"),
        ] {
            let Some(host) = host else { continue };
            let permitted = match (host, host.ip()) {
                (Host::Name(name), _) => tenants.permits_name(name),
                (_, ip) => ip.is_some_and(|ip| tenants.permits_ip(ip)),
            };
            if !permitted {
                return Err(Refused {
                    outcome: Outcome::NotAllowed,
                    reason: result::NOT_THE_TENANTS,
                    explanation: format!(
                        "The tenant may not address {host}, which is in {what} of the job: it is in none of the tenant's destinations.{WHAT_TO_DO}Correct the device's settings, or have the tenant's destinations extended."
                    ),
                });
            }
        }
    }
    if config.only.is_some()
        && let Some(what) = hop
            .as_ref()
            .map(|_| "an address")
            .or(route.as_ref().map(|_| "a route"))
    {
        return Err(Refused {
            outcome: Outcome::NotAllowed,
            reason: NEEDS_A_RELAY,
            explanation: format!(
                "The job names {what} of its own, and {} sends to its proxy alone. Nothing was sent.{WHAT_TO_DO}Take it out of the device's settings (NOTIFY_ADDRESS, NOTIFY_ROUTE), or have a relay send for the pool.",
                names.sender.to_lowercase()
            ),
        });
    }
    // The relay's own proxy is not the tenant's choice.
    let proxy = config.outbound_proxy.as_ref().map(|(proxy, _)| proxy);
    let tenants = match (&hop, &route, proxy) {
        (None, None, Some(_)) => None,
        _ => job.destinations.clone().map(Box::new),
    };
    // An address of its own says that the phone is reached directly.
    let own = config
        .outbound_proxy
        .clone()
        .filter(|_| route.is_none() && hop.is_none());
    let over = own.as_ref().and_then(|(proxy, transport)| {
        let host = proxy.host().to_string();
        transport
            .is_reliable()
            .then(|| (*transport, host.trim_matches(['[', ']']).to_owned()))
    });
    let route = route.or(own.map(|(proxy, _)| proxy));
    let via_proxy = config.only.is_some() || (hop.is_none() && route.is_some());
    let mut query = hop.unwrap_or_else(|| Query::of(route.as_ref().unwrap_or(&target)));
    if let Some((transport, _)) = &over {
        query.transport = Some(*transport);
    }
    let headers = headers(&job)?;
    let credentials = match &job.credentials {
        Some(given) => Some(
            Credentials::new(
                &given.username,
                given.password.expose(),
                given.realm.as_deref(),
            )
            .map_err(|error| Refused::invalid("bad_credentials", error))?
            .into(),
        ),
        None => None,
    };
    let body = match job.body {
        Some(body) => {
            let content_type = job.content_type.as_deref().unwrap_or("text/plain");
            let content_type = HeaderValue::parse(content_type)
                .map_err(|error| Refused::invalid("bad_header", error))?;
            Some((content_type, body.into_bytes()))
        }
        None => None,
    };
    let prepared = Prepared {
        target,
        event,
        route,
        headers,
        body,
        credentials,
        via_proxy,
        over,
        tenants,
    };
    // Built once for nothing, so that what cannot be built is said at once and not after a wait.
    prepared
        .request(
            &config.from,
            SentBy::from(SocketAddr::from(([192, 0, 2, 1], 65535))),
        )
        .and_then(|request| {
            request
                .build(&mut |bytes: &mut [u8]| bytes.fill(0))
                .map_err(Refused::too_large)
        })?;
    Ok((prepared, query))
}

impl Prepared {
    /// The request, from a socket known as `sent_by`.
    pub(super) fn request(&self, from: &SipUri, sent_by: SentBy) -> Result<NotifyRequest, Refused> {
        let mut request = NotifyRequest::new(
            self.target.clone(),
            from.clone(),
            sent_by,
            self.event.clone(),
        );
        if let Some(route) = &self.route {
            request = request.with_route(route.clone());
        }
        for (name, value) in &self.headers {
            request = request
                .with_header(name.clone(), value.clone())
                .map_err(|error| Refused::invalid("bad_header", error))?;
        }
        if let Some((content_type, body)) = &self.body {
            request = request.with_body(content_type.clone(), body.clone());
        }
        Ok(request)
    }
}

fn headers(job: &Job) -> Result<Vec<(HeaderName, HeaderValue)>, Refused> {
    job.headers
        .iter()
        .map(|header| {
            let name = HeaderName::parse(&header.name)?;
            Ok((name, HeaderValue::parse(&header.value)?))
        })
        .collect::<Result<_, ringfence_sip_notify::HeaderError>>()
        .map_err(|error| Refused::invalid("bad_header", error))
}

/// `198.51.100.7`, `198.51.100.7:5060`, `[2001:db8::7]:5060` or `phone.example:5060`.
fn address(text: &str) -> Option<Query> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    Some(Query {
        host: Host::parse(host)?,
        port: Some(port.unwrap_or(DEFAULT_PORT)),
        transport: Some(Transport::Udp),
    })
}
