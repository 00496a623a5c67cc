//! The WebSocket to the pool: connects, keeps alive, connects again. What is said over it is none
//! of its business.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringfence_wire::{CLOSE_REPLACED, MAX_FRAME_BYTES, PING, PONG};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::backoff::Backoff;
use crate::config::{Dns, PoolSettings};
use crate::resolver::addresses;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long connecting, TLS and the upgrade may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one of the pool's addresses may take to accept, before the next is tried.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(4);
/// A connection this old was a good one: the next wait is short again.
const GOOD_AFTER: Duration = Duration::from_secs(20);
/// Frames that may wait for the socket.
const MAX_QUEUED: usize = 64;

/// What the link says.
#[derive(Debug)]
pub enum LinkEvent {
    /// Connected. What is sent here goes out on this connection and no other; dropping it closes
    /// the connection for good.
    Up(mpsc::Sender<String>),
    /// A text message.
    Text(String),
    /// The connection is gone, or there was none to be had.
    Down(String),
}

/// Keeps a connection until the sender of one is dropped, or `events` is closed.
pub async fn keep(
    pool: PoolSettings,
    dns: Dns,
    events: mpsc::Sender<LinkEvent>,
    mut random: impl FnMut() -> u64,
) {
    let mut backoff = Backoff::new(pool.reconnect_min, pool.reconnect_max);
    loop {
        let since = Instant::now();
        let mut replaced = false;
        let reason = match connect(&pool, &dns).await {
            Ok(socket) => {
                let (sender, frames) = mpsc::channel(MAX_QUEUED);
                if events.send(LinkEvent::Up(sender)).await.is_err() {
                    return;
                }
                match converse(socket, frames, &events, pool.ping_interval).await {
                    Ended::ByUs => return,
                    Ended::Replaced => {
                        replaced = true;
                        "another process connected with the same credential".into()
                    }
                    Ended::ByThem(reason) => reason,
                }
            }
            Err(error) => error.to_string(),
        };
        if events.send(LinkEvent::Down(reason)).await.is_err() {
            return;
        }
        if since.elapsed() > GOOD_AFTER {
            backoff.reset();
        }
        let wait = match replaced {
            // At once back, each would close the other's connection, and the pool would have every
            // job told again each time.
            true => {
                let wait = backoff.long(random());
                tracing::error!(
                    wait_s = wait.as_secs(),
                    "another process uses this relay's credential, and the pool serves the one that \
                     connected last: stop the other, or create a relay of its own for it and give it \
                     that credential"
                );
                wait
            }
            false => backoff.next(random()),
        };
        sleep(wait).await;
    }
}

/// Why there is no connection, in words for an operator.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("`pool.url` cannot be asked: {0}")]
    Url(Error),
    #[error(
        "the credential has a character that no header has: write it into `pool.credential_file` as the API gave it"
    )]
    Credential,
    #[error(
        "the pool refuses the credential: it is revoked, or of another deployment. Create a relay in the pool, and give this one that credential"
    )]
    Refused,
    #[error(
        "the pool answered HTTP {0} instead of a WebSocket. The relay asks the pool again; if the pool goes on like this, see that `pool.url` names the Worker's host"
    )]
    Status(u16),
    #[error("no connection within {} s: see that this machine reaches the host of `pool.url`", CONNECT_TIMEOUT.as_secs())]
    TimedOut,
    #[error("{}", described(.0))]
    Failed(Error),
}

async fn connect(pool: &PoolSettings, dns: &Dns) -> Result<Socket, ConnectError> {
    let mut request = pool
        .url
        .clone()
        .into_client_request()
        .map_err(ConnectError::Url)?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", pool.credential.expose()))
        .map_err(|_| ConnectError::Credential)?;
    bearer.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("ringfence-relay/", env!("CARGO_PKG_VERSION"))),
    );
    // A few times the longest frame: a longer message is answered with an error frame rather than
    // by hanging up, but none can fill the memory.
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(4 * MAX_FRAME_BYTES))
        .max_frame_size(Some(4 * MAX_FRAME_BYTES));
    let upgrade = async {
        let stream = reach(pool, dns).await?;
        client_async_tls_with_config(request, stream, Some(config), None).await
    };
    match timeout(CONNECT_TIMEOUT, upgrade).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(response))) => Err(match response.status().as_u16() {
            401 | 403 => ConnectError::Refused,
            status => ConnectError::Status(status),
        }),
        Ok(Err(error)) => Err(ConnectError::Failed(error)),
        Err(_) => Err(ConnectError::TimedOut),
    }
}

/// What went wrong; for a certificate that this machine does not trust also what to do.
fn described(error: &Error) -> String {
    let inner = match error {
        Error::Io(io) => io.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    match inner {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "the pool's certificate is of a CA that this system does not trust: install the package \
             ca-certificates, or, if the CA is a private one, let SSL_CERT_FILE name the file with its \
             certificate"
                .into()
        }
        Some(rustls::Error::InvalidCertificate(wrong)) => format!(
            "the pool's certificate is not good: {wrong}. See that pool.url names the host as the \
             certificate does, and that this machine's clock is right"
        ),
        _ => error.to_string(),
    }
}

/// A TCP connection to the first of the pool's addresses that takes one.
async fn reach(pool: &PoolSettings, dns: &Dns) -> std::io::Result<TcpStream> {
    let host = pool.url.host().unwrap_or_default().trim_matches(['[', ']']);
    let secure = pool.url.scheme_str() != Some("ws");
    let port = pool.url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let found = match host.parse::<IpAddr>() {
        Ok(ip) => vec![(ip, port).into()],
        Err(_) => addresses(host, port, dns)
            .await
            .map_err(std::io::Error::other)?,
    };
    let mut last = std::io::Error::other(format!("DNS has no address of {host}: see `pool.url`"));
    for address in found {
        let why = match timeout(ACCEPT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A frame waits for no other.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ACCEPT_TIMEOUT.as_secs()),
        };
        last = std::io::Error::other(format!(
            "cannot reach the pool at {address}: {why}. See that this machine's firewall and routes let it out there"
        ));
    }
    Err(last)
}

enum Ended {
    ByUs,
    /// The pool closed this connection for another one with the same credential.
    Replaced,
    ByThem(String),
}

async fn converse(
    socket: Socket,
    mut frames: mpsc::Receiver<String>,
    events: &mpsc::Sender<LinkEvent>,
    ping_interval: Duration,
) -> Ended {
    let (mut write, mut read) = socket.split();
    let mut ping = interval_at(Instant::now() + ping_interval, ping_interval);
    let mut heard = Instant::now();
    loop {
        let sent = tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else {
                    let _ = timeout(Duration::from_secs(1), write.close()).await;
                    return Ended::ByUs;
                };
                let mut sent = write.feed(Message::text(frame)).await;
                while sent.is_ok() && let Ok(frame) = frames.try_recv() {
                    sent = write.feed(Message::text(frame)).await;
                }
                match sent {
                    Ok(()) => write.flush().await,
                    Err(error) => Err(error),
                }
            }
            message = read.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) if text.as_str() == PONG => Ok(()),
                    Some(Ok(Message::Text(text))) => {
                        if events.send(LinkEvent::Text(text.to_string())).await.is_err() {
                            return Ended::ByUs;
                        }
                        Ok(())
                    }
                    Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == CLOSE_REPLACED => {
                        return Ended::Replaced;
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map_or_else(String::new, |frame| format!(": {} {}", frame.code, frame.reason));
                        return Ended::ByThem(format!("the pool closed the connection{why}"));
                    }
                    // Protocol-level pings are answered by the library at the next flush.
                    Some(Ok(_)) => write.flush().await,
                    Some(Err(error)) => Err(error),
                    None => return Ended::ByThem("the connection ended".into()),
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > ping_interval * 2 {
                    return Ended::ByThem("no answer to PING".into());
                }
                write.send(Message::text(PING)).await
            }
        };
        if let Err(error) = sent {
            return Ended::ByThem(error.to_string());
        }
    }
}
