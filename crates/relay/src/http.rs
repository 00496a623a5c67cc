//! `/metrics` and `/healthz`, on loopback. A client that is slow, or asks for anything else, is not
//! kept.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// A page for whoever asks.
#[derive(Debug, Clone)]
pub struct Pages {
    /// Of `/metrics`.
    pub metrics: String,
    /// Of `/healthz`: JSON.
    pub health: String,
    /// Whether the relay is fit for work.
    pub healthy: bool,
}

/// Asks the relay's task for its pages: an answer also shows that the task is alive.
pub type Ask = mpsc::Sender<oneshot::Sender<Pages>>;

const PATIENCE: Duration = Duration::from_secs(5);
const MAX_REQUEST: usize = 4096;
const MAX_CLIENTS: usize = 16;

/// Serves until dropped.
pub async fn serve(listener: TcpListener, ask: Ask) {
    let clients = std::sync::Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let Ok(permit) = clients.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = ask.clone();
                tokio::spawn(async move {
                    let _permit = permit;
                    let _ = timeout(PATIENCE, answer(stream, ask)).await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Listens.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => format!(
                " Another relay on this host has it, or another program: give this one an address of its own, for example `http.listen = \"{}\"`.",
                SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(9470)),
            ),
            ErrorKind::AddrNotAvailable => {
                " Name an address of this machine, for example 127.0.0.1:9470.".into()
            }
            ErrorKind::PermissionDenied => " Take a port of 1024 or more.".into(),
            _ => String::new(),
        };
        std::io::Error::new(
            error.kind(),
            format!("cannot listen on http.listen {address}: {error}.{advice}"),
        )
    })
}

async fn answer(mut stream: TcpStream, ask: Ask) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await?;
        if length == 0 || request.len() + length > MAX_REQUEST {
            return Ok(());
        }
        request.extend_from_slice(part.get(..length).unwrap_or_default());
    }
    let mut words = request.split(|byte| *byte == b' ');
    let (method, path) = (words.next(), words.next());
    let (status, kind, body) = match (method, path) {
        (Some(b"GET"), Some(path @ (b"/metrics" | b"/healthz"))) => match pages(ask).await {
            Some(pages) if path == b"/metrics" => {
                ("200 OK", "text/plain; version=0.0.4", pages.metrics)
            }
            Some(pages) if pages.healthy => ("200 OK", "application/json", pages.health),
            Some(pages) => ("503 Service Unavailable", "application/json", pages.health),
            None => (
                "503 Service Unavailable",
                "text/plain",
                "the relay does not answer\n".into(),
            ),
        },
        (Some(b"GET"), _) => (
            "404 Not Found",
            "text/plain",
            "there are /metrics and /healthz\n".into(),
        ),
        _ => ("405 Method Not Allowed", "text/plain", "GET only\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

async fn pages(ask: Ask) -> Option<Pages> {
    let (sender, receiver) = oneshot::channel();
    ask.send(sender).await.ok()?;
    timeout(Duration::from_secs(2), receiver).await.ok()?.ok()
}
