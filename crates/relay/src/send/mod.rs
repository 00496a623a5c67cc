//! NOTIFYs without a pool: one, explained, or many, counted.

mod load;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ringfence_sip_notify::{SipUri, UriError};
use ringfence_wire::{Credentials, Job, JobRef, JobResult, Outcome, Secret, Target};
use thiserror::Error;

use crate::cli::SendOptions;
use crate::config::{ConfigError, File, Settings, check, load as load_file};
use crate::node::{Node, NodeError};
use ringfence_sender::{Done, UNUSABLE, WHAT_TO_DO};

/// Why nothing was sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// No configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A configuration that cannot run.
    #[error("{0}")]
    Settings(String),
    /// No sockets.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A targets file that cannot be read.
    #[error("cannot read --targets-file {0}: {1}")]
    Targets(PathBuf, std::io::Error),
    /// Standard output that cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A target or route that is pasted from somewhere and is no one address.
    #[error("{0}: {1}")]
    Address(&'static str, UriError),
    /// No target.
    #[error(
        "there is no SIP address to send to: name one, such as sip:101@pbx.example, or write one a line into the file of --targets-file"
    )]
    NoTarget,
}

/// Sends, prints what came of it, and says whether everything was answered.
pub async fn send(
    mut options: SendOptions,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<bool, SendError> {
    for (name, text) in [
        ("the SIP address", &mut options.target),
        ("--route", &mut options.route),
    ] {
        if let Some(text) = text {
            *text = unpasted(name, text)?;
        }
    }
    let targets = targets(&options)?;
    let settings = settings(&options, &targets, env)?;
    match options.count {
        Some(count) => load::load(&options, &targets, settings, count).await,
        None => one(&options, targets, settings).await,
    }
}

/// An address as registrars print it, as it goes into a request. Any other text is left to the engine,
/// which says what is wrong with it.
fn unpasted(name: &'static str, text: &str) -> Result<String, SendError> {
    match SipUri::parse_pasted(text) {
        Ok(uri) if text.contains('<') => Ok(uri.as_str().to_owned()),
        Err(error @ (UriError::Contact | UriError::Brackets)) => {
            Err(SendError::Address(name, error))
        }
        _ => Ok(text.to_owned()),
    }
}

async fn one(
    options: &SendOptions,
    targets: Vec<Target>,
    settings: Settings,
) -> Result<bool, SendError> {
    let target = targets.into_iter().next().ok_or(SendError::NoTarget)?;
    let mut node = Node::open(&settings, 1)?;
    let from = node.local_addresses();
    let now = node.now();
    node.engine.submit(job(options, target.clone(), 1), now);
    let result = loop {
        node.pump();
        match node.engine.poll_done() {
            Some(Done::Result(result, _)) => break *result,
            // The lease is as long as a program can run.
            Some(Done::Return(..)) => return Ok(false),
            None => node.wait().await,
        }
    };
    let mut out = std::io::stdout().lock();
    if options.json {
        let text = serde_json::to_string(&result).map_err(std::io::Error::from)?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{}", summary(options, &target, &from, &result))?;
    }
    Ok(result.outcome == Outcome::Answered)
}

/// A result for a person.
fn summary(
    options: &SendOptions,
    target: &Target,
    from: &[SocketAddr],
    result: &JobResult,
) -> String {
    let mut text = format!("NOTIFY {}, Event: {}\n", target.aor, options.event);
    if let Some(to) = &result.destination {
        let from: Vec<String> = from.iter().map(SocketAddr::to_string).collect();
        text += &format!(
            "  sent to   {to} from {}, {} {}\n",
            from.join(" or "),
            result.attempts,
            match options.transport.is_reliable() {
                true => "request(s)",
                false => "datagram(s)",
            }
        );
    }
    text += &match (result.code, result.rtt_ms) {
        (Some(code), Some(rtt)) => format!("  answer    {code} after {rtt} ms\n"),
        (Some(code), None) => format!("  answer    {code}\n"),
        _ if result.reason == UNUSABLE => "  answer    came, and cannot be used\n".to_owned(),
        _ => format!("  answer    none ({})\n", result.reason),
    };
    match result.explanation.split_once(WHAT_TO_DO) {
        Some((meaning, what_to_do)) => {
            text += &format!("  meaning   {meaning}\n  to do     {what_to_do}\n");
        }
        None => text += &format!("  meaning   {}\n", result.explanation),
    }
    if let Some(seconds) = result.retry_after_s {
        text += &format!("  again     not before {seconds} s have passed, says the answer\n");
    }
    text
}

fn job(options: &SendOptions, target: Target, number: u64) -> Job {
    Job {
        job: JobRef {
            id: number.to_string(),
            lease: 1,
        },
        lease_ms: u32::MAX,
        target: Target {
            address: target.address.filter(|_| !options.transport.is_reliable()),
            ..target
        },
        event: options.event.clone(),
        headers: options.headers.clone(),
        content_type: options.content_type.clone(),
        body: options.body.clone(),
        // Over a connection it is the proxy of the settings.
        route: options
            .route
            .clone()
            .filter(|_| !options.transport.is_reliable()),
        credentials: options.username.as_ref().map(|username| Credentials {
            username: username.clone(),
            password: options.password.clone().unwrap_or_else(|| Secret::new("")),
            realm: options.realm.clone(),
        }),
        destinations: None,
    }
}

fn targets(options: &SendOptions) -> Result<Vec<Target>, SendError> {
    let mut targets = Vec::new();
    if let Some(aor) = &options.target {
        targets.push(Target {
            aor: aor.clone(),
            address: options.address.clone(),
        });
    }
    if let Some(path) = &options.targets_file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SendError::Targets(path.clone(), error))?;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            if let Some(aor) = words.next()
                && !aor.starts_with('#')
            {
                let address = words.next().map(str::to_owned);
                targets.push(Target {
                    aor: aor.to_owned(),
                    address: address.or_else(|| options.address.clone()),
                });
            }
        }
    }
    if targets.is_empty() {
        return Err(SendError::NoTarget);
    }
    Ok(targets)
}

fn settings(
    options: &SendOptions,
    targets: &[Target],
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, SendError> {
    let mut file = match &options.config {
        Some(path) => load_file(Some(path), env)?,
        None => by_hand(targets),
    };
    if !options.allow.is_empty() {
        file.destinations.allow.clone_from(&options.allow);
    }
    if !options.bind.is_empty() {
        file.sip.bind.clone_from(&options.bind);
        (file.sip.advertise_v4, file.sip.advertise_v6) = (None, None);
    }
    if options.transport.is_reliable() {
        file.sip.outbound_proxy = Some(over(options, targets)?);
    }
    if options.ca.is_some() {
        file.sip.tls_ca.clone_from(&options.ca);
    }
    let checked = check(&file, false);
    checked.settings.ok_or_else(|| {
        let errors = checked.findings.iter().filter(|finding| finding.error);
        let lines: Vec<String> = errors.map(ToString::to_string).collect();
        SendError::Settings(lines.join("\n"))
    })
}

/// The proxy that a connection leads to, as the settings have it.
fn over(options: &SendOptions, targets: &[Target]) -> Result<String, SendError> {
    let transport = options.transport.as_str().to_ascii_lowercase();
    let target = targets.first().ok_or(SendError::NoTarget)?;
    let (name, text) = match (&options.route, &target.address) {
        (Some(route), _) => ("--route", route.clone()),
        (None, Some(address)) => ("--address", format!("sip:{address}")),
        (None, None) => ("the SIP address", target.aor.clone()),
    };
    let uri = SipUri::parse(&text).map_err(|error| SendError::Address(name, error))?;
    let port = uri.port().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    Ok(format!("sip:{}{port};transport={transport}", uri.host()))
}

/// Without a file whoever types the command decides where it goes: anywhere a NOTIFY may go at all.
fn by_hand(targets: &[Target]) -> File {
    let mut file = File::default();
    let everywhere = [
        "0.0.0.0/0",
        "::/0",
        "127.0.0.0/8",
        "::1/128",
        "169.254.0.0/16",
        "fe80::/10",
    ];
    file.destinations.allow = everywhere
        .iter()
        .filter_map(|net| net.parse().ok())
        .collect();
    file.destinations.port_min = 1;
    file.pace.per_destination = 0;
    file.pace.per_proxy = 0;
    let goes_to = targets.first().and_then(literal);
    let from = match goes_to {
        // From loopback to loopback, so that Via says an address that is there.
        Some(ip) if ip.is_loopback() => ip,
        Some(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    file.sip.bind = vec![SocketAddr::new(from, 0)];
    file
}

fn literal(target: &Target) -> Option<IpAddr> {
    let address = target.address.as_deref().and_then(|address| {
        address
            .parse::<SocketAddr>()
            .map(|address| address.ip())
            .or_else(|_| address.parse())
            .ok()
    });
    address.or_else(|| SipUri::parse(&target.aor).ok()?.host().ip())
}
