//! The WebSocket to the pool: connects, keeps alive, connects again. What is said over it is none
//! of its business.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringfence_wire::{MAX_FRAME_BYTES, PING, PONG};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::backoff::Backoff;
use crate::config::PoolSettings;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long connecting, TLS and the upgrade may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection this old was a good one: the next wait is short again.
const GOOD_AFTER: Duration = Duration::from_secs(20);
/// Frames that may wait for the socket.
const QUEUE: usize = 64;

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
    events: mpsc::Sender<LinkEvent>,
    mut random: impl FnMut() -> u64,
) {
    let mut backoff = Backoff::new(pool.reconnect_min, pool.reconnect_max);
    loop {
        let since = Instant::now();
        let reason = match connect(&pool).await {
            Ok(socket) => {
                let (sender, frames) = mpsc::channel(QUEUE);
                if events.send(LinkEvent::Up(sender)).await.is_err() {
                    return;
                }
                match converse(socket, frames, &events, pool.ping_interval).await {
                    Ended::ByUs => return,
                    Ended::ByThem(reason) => reason,
                }
            }
            Err(reason) => reason,
        };
        if events.send(LinkEvent::Down(reason)).await.is_err() {
            return;
        }
        if since.elapsed() > GOOD_AFTER {
            backoff.reset();
        }
        sleep(backoff.next(random())).await;
    }
}

async fn connect(pool: &PoolSettings) -> Result<Socket, String> {
    let mut request = pool
        .url
        .clone()
        .into_client_request()
        .map_err(|error| error.to_string())?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", pool.credential.expose()))
        .map_err(|_| "the credential fits no header".to_owned())?;
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
    match timeout(
        CONNECT_TIMEOUT,
        connect_async_with_config(request, Some(config), true),
    )
    .await
    {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(response))) => Err(match response.status().as_u16() {
            401 | 403 => {
                "the pool refuses the credential: it is revoked, or of another deployment".into()
            }
            status => format!("the pool answered HTTP {status} instead of a WebSocket"),
        }),
        Ok(Err(error)) => Err(trouble(&error)),
        Err(_) => Err(format!(
            "no connection within {} s",
            CONNECT_TIMEOUT.as_secs()
        )),
    }
}

/// What went wrong; for a certificate of an unknown CA also what to do.
fn trouble(error: &Error) -> String {
    let tls = match error {
        Error::Io(io) => io.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    match tls {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "the pool's certificate is of a CA that this system does not trust; if it is a private \
             one, let SSL_CERT_FILE name the file with the CA's certificate"
                .into()
        }
        _ => error.to_string(),
    }
}

enum Ended {
    ByUs,
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
