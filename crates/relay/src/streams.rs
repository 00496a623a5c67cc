//! Connections to proxies: opened when there is something to say, closed when nobody needs them any more. Each has a
//! task of its own; what is said over it is the engine's business.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ringfence_sender::StreamPeer;
use ringfence_sip_notify::Transport;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

/// How long a proxy may take to accept a connection, TLS and all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a proxy may take none of what is written: it is at a stand, and so is every NOTIFY behind it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may be quiet before it is closed, if no NOTIFY is out over it.
const IDLE: Duration = Duration::from_secs(60);
/// Read at once, in bytes.
const BUFFER: usize = 16 * 1024;
/// The most pieces in which what was read waits; then the connection is not read any further.
const MAX_PIECES: usize = 64;

/// What happens on a connection.
#[derive(Debug)]
pub enum StreamEvent {
    /// Something was read.
    Data(Arc<StreamPeer>, Vec<u8>),
    /// It ended, or there was none to be had; why, as a part of a sentence.
    Closed(Arc<StreamPeer>, String),
}

struct Link {
    /// Tells this connection from an earlier one to the same peer.
    id: u64,
    out: mpsc::UnboundedSender<Vec<u8>>,
    used: Instant,
}

/// The connections to proxies.
pub struct Streams {
    tls: Arc<ClientConfig>,
    links: HashMap<Arc<StreamPeer>, Link>,
    events: mpsc::Receiver<(u64, StreamEvent)>,
    event: mpsc::Sender<(u64, StreamEvent)>,
    next_id: u64,
}

impl Streams {
    /// No connection yet. `ca` is a certificate authority's certificates in PEM, beside the system's.
    ///
    /// # Errors
    /// `ca` holds no certificate.
    pub fn new(ca: Option<&[u8]>) -> io::Result<Self> {
        let (event, events) = mpsc::channel(MAX_PIECES);
        Ok(Self {
            tls: Arc::new(client_config(ca)?),
            links: HashMap::new(),
            events,
            event,
            next_id: 0,
        })
    }

    /// Sends over the connection to `peer`, and opens it first if there is none.
    pub fn send(&mut self, peer: &Arc<StreamPeer>, bytes: Vec<u8>) {
        if !self.links.contains_key(peer) {
            let (out, queued) = mpsc::unbounded_channel();
            self.next_id += 1;
            let id = self.next_id;
            tracing::debug!(%peer, "connecting");
            tokio::spawn(keep(
                peer.clone(),
                self.tls.clone(),
                queued,
                self.event.clone(),
                id,
            ));
            let used = Instant::now();
            self.links.insert(peer.clone(), Link { id, out, used });
        }
        if let Some(link) = self.links.get_mut(peer) {
            link.used = Instant::now();
            // A task that has just ended says so by its event.
            let _ = link.out.send(bytes);
        }
    }

    /// Closes the connection to `peer`; no event follows.
    pub fn close(&mut self, peer: &Arc<StreamPeer>) {
        self.links.remove(peer);
    }

    /// Closes what nobody has used for a while. `is_needed` says whether a NOTIFY is out over a connection.
    pub fn close_idle(&mut self, is_needed: impl Fn(&Arc<StreamPeer>) -> bool) {
        self.links
            .retain(|peer, link| link.used.elapsed() < IDLE || is_needed(peer));
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The next event that is there already.
    pub fn try_next(&mut self) -> Option<StreamEvent> {
        loop {
            let (id, event) = self.events.try_recv().ok()?;
            if let Some(event) = self.current(id, event) {
                return Some(event);
            }
        }
    }

    /// The next event. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> StreamEvent {
        loop {
            match self.events.recv().await {
                Some((id, event)) => {
                    if let Some(event) = self.current(id, event) {
                        return event;
                    }
                }
                // A sender is kept here, so that this does not happen.
                None => std::future::pending().await,
            }
        }
    }

    /// The event, if it is of a connection that is still there.
    fn current(&mut self, id: u64, event: StreamEvent) -> Option<StreamEvent> {
        let (StreamEvent::Data(peer, _) | StreamEvent::Closed(peer, _)) = &event;
        let link = self.links.get_mut(peer).filter(|link| link.id == id)?;
        link.used = Instant::now();
        if let StreamEvent::Closed(peer, why) = &event {
            tracing::debug!(%peer, %why, "connection ended");
            let peer = peer.clone();
            self.links.remove(&peer);
        }
        Some(event)
    }
}

fn client_config(ca: Option<&[u8]>) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(pem) = ca {
        add(&mut roots, pem)?;
    }
    Ok(ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Adds the certificates of a file in PEM.
fn add(roots: &mut RootCertStore, pem: &[u8]) -> io::Result<()> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    match roots.len() > before {
        true => Ok(()),
        false => Err(io::Error::other(
            "there is no certificate in PEM in it; name a file that has -----BEGIN CERTIFICATE-----",
        )),
    }
}

/// Whether certificates can be used as those of an authority.
///
/// # Errors
/// There is none, or one that cannot be read.
pub fn check_ca(pem: &[u8]) -> io::Result<()> {
    add(&mut RootCertStore::empty(), pem)
}

/// A connection's life: from connecting to the reason of its end.
async fn keep(
    peer: Arc<StreamPeer>,
    tls: Arc<ClientConfig>,
    queued: mpsc::UnboundedReceiver<Vec<u8>>,
    event: mpsc::Sender<(u64, StreamEvent)>,
    id: u64,
) {
    let ended = match timeout(CONNECT_TIMEOUT, connect(&peer, tls)).await {
        Ok(Ok(stream)) => converse(stream, &peer, queued, &event, id).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::Error::other(format!(
            "no connection within {} s",
            CONNECT_TIMEOUT.as_secs()
        ))),
    };
    // Closed by us: nobody has to be told.
    if let Err(error) = ended {
        let closed = StreamEvent::Closed(peer, error.to_string());
        let _ = event.send((id, closed)).await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(peer: &StreamPeer, tls: Arc<ClientConfig>) -> io::Result<Box<dyn Stream>> {
    let address = peer
        .address
        .ok_or_else(|| io::Error::other("the proxy has no address"))?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if peer.transport != Transport::Tls {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(peer.host.clone()).map_err(io::Error::other)?;
    Ok(Box::new(
        TlsConnector::from(tls).connect(name, stream).await?,
    ))
}

/// Reads and writes until one side ends it: an error is the reason of theirs.
async fn converse(
    stream: Box<dyn Stream>,
    peer: &Arc<StreamPeer>,
    mut queued: mpsc::UnboundedReceiver<Vec<u8>>,
    event: &mpsc::Sender<(u64, StreamEvent)>,
    id: u64,
) -> io::Result<()> {
    let (mut read, mut write) = tokio::io::split(stream);
    let reading = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = read.read(&mut buffer).await?;
            if length == 0 {
                return Err(io::Error::other("the proxy closed it"));
            }
            let data = buffer.get(..length).unwrap_or_default().to_vec();
            let data = StreamEvent::Data(peer.clone(), data);
            if event.send((id, data)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some(mut bytes) = queued.recv().await {
            // What waits goes out together: fewer packets, and fewer records of TLS.
            while bytes.len() < BUFFER
                && let Ok(more) = queued.try_recv()
            {
                bytes.extend(more);
            }
            let written = async {
                write.write_all(&bytes).await?;
                write.flush().await
            };
            timeout(WRITE_TIMEOUT, written).await.map_err(|_| {
                io::Error::other(format!(
                    "the proxy took nothing for {} s",
                    WRITE_TIMEOUT.as_secs()
                ))
            })??;
        }
        let _ = timeout(Duration::from_secs(1), write.shutdown()).await;
        Ok(())
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}
