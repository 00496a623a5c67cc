//! The connection to a pool's proxy: opened, written to, read from and closed. What is said over it is the sender's
//! business.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use js_sys::{Function, Reflect};
use ringfence_queue::edge::{EdgeOptions, EdgeTransport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Env, SecureTransport, Socket};

use crate::platform;

/// How long the proxy may take to accept the connection, TLS and all, in milliseconds.
const CONNECT_MS: u64 = 10_000;

/// How long the proxy may take none of what is written, in milliseconds: it is at a stand, and so is every NOTIFY
/// behind it.
const WRITE_MS: u64 = 15_000;

/// Read at once, in bytes.
const BUFFER: usize = 16 * 1024;

/// How many written bytes may wait; then nothing more is taken from the sender.
const MAX_OUTGOING: usize = 256 * 1024;

/// What the connection and whoever uses it leave for each other.
#[derive(Default)]
struct Wires {
    incoming: RefCell<Vec<u8>>,
    outgoing: RefCell<Vec<u8>>,
    /// Whether the proxy has accepted the connection.
    is_open: Cell<bool>,
    /// Since when the proxy has taken nothing of what is being written, Unix milliseconds.
    stalled_since: Cell<Option<u64>>,
    /// Whether the connection is to be closed.
    is_over: Cell<bool>,
}

/// A connection, or the attempt at one.
pub(super) struct Link {
    wires: Rc<Wires>,
    life: Pin<Box<dyn Future<Output = String>>>,
    since: u64,
    ended: Option<String>,
    announced: bool,
}

impl Link {
    /// Begins to connect. Nothing happens before it is polled.
    pub(super) fn open(env: &Env, edge: &EdgeOptions, now: u64) -> Self {
        let wires = Rc::new(Wires::default());
        let life = Box::pin(live(env.clone(), edge.clone(), Rc::clone(&wires)));
        Self {
            wires,
            life,
            since: now,
            ended: None,
            announced: false,
        }
    }

    /// Goes on with whatever it can; ready once something was read, or it was opened, or it has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended.is_none()
            && let Poll::Ready(why) = self.life.as_mut().poll(cx)
        {
            self.ended = Some(why);
        }
        let opened = self.wires.is_open.get() && !self.announced;
        let is_quiet = self.wires.incoming.borrow().is_empty() && self.ended.is_none() && !opened;
        match is_quiet {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Whether the proxy has accepted the connection; true once.
    pub(super) fn has_just_opened(&mut self) -> bool {
        let opened = self.wires.is_open.get() && !self.announced;
        self.announced |= opened;
        opened
    }

    /// What was read.
    pub(super) fn take(&self) -> Vec<u8> {
        self.wires.incoming.take()
    }

    /// Why it has ended, as a part of a sentence.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// Whether there is room for more.
    pub(super) fn takes_more(&self) -> bool {
        self.wires.outgoing.borrow().len() < MAX_OUTGOING
    }

    /// Sends, as soon as it is open.
    pub(super) fn send(&self, bytes: &[u8]) {
        self.wires.outgoing.borrow_mut().extend_from_slice(bytes);
    }

    /// When it counts for dead unless something happens before, Unix milliseconds.
    pub(super) fn deadline(&self) -> Option<u64> {
        match self.wires.is_open.get() {
            false => Some(self.since + CONNECT_MS),
            true => self.wires.stalled_since.get().map(|since| since + WRITE_MS),
        }
    }

    /// Why it counts for dead at its deadline.
    pub(super) fn overdue(&self) -> String {
        match self.wires.is_open.get() {
            false => format!("no connection within {} s", CONNECT_MS / 1000),
            true => format!("the proxy took nothing for {} s", WRITE_MS / 1000),
        }
    }

    /// Closes it; what is still to be written is dropped.
    pub(super) async fn close(mut self) {
        self.wires.is_over.set(true);
        if self.ended.is_some() {
            return;
        }
        // The end of a connection that does not come is not waited for.
        let mut patience = pin!(worker::Delay::from(std::time::Duration::from_secs(1)));
        poll_fn(|cx| match self.life.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => patience.as_mut().poll(cx),
        })
        .await;
    }
}

/// A connection's life: from connecting to the reason of its end.
async fn live(env: Env, edge: EdgeOptions, wires: Rc<Wires>) -> String {
    let mut socket = match connect(&env, &edge) {
        Ok(socket) => socket,
        Err(error) => return error.to_string(),
    };
    let why = {
        let mut opened = pin!(socket.opened());
        poll_fn(|cx| match wires.is_over.get() {
            true => Poll::Ready(Err("closed".into())),
            false => opened.as_mut().poll(cx),
        })
        .await
    };
    let why = match why {
        Ok(_) => {
            wires.is_open.set(true);
            converse(&mut socket, &wires).await
        }
        Err(error) => error.to_string(),
    };
    let _ = socket.close().await;
    why
}

fn connect(env: &Env, edge: &EdgeOptions) -> worker::Result<Socket> {
    let host = edge.proxy.trim_matches(['[', ']']);
    let Some(binding) = &edge.binding else {
        let secure = match edge.transport {
            EdgeTransport::Tcp => SecureTransport::Off,
            EdgeTransport::Tls => SecureTransport::On,
        };
        return Socket::builder()
            .secure_transport(secure)
            .connect(host, edge.dialled_port());
    };
    // A VPC network has no wrapper in workers-rs. Locally, a service whose Worker takes connections stands for it.
    let network = Reflect::get(env, &JsValue::from(binding.as_str()))?;
    if network.is_undefined() {
        return Err(format!(
            "the Worker has no binding {binding}: add it to wrangler.toml and deploy, or correct edge.binding"
        ).into());
    }
    let dial: Function = Reflect::get(&network, &"connect".into())?
        .dyn_into()
        .map_err(|_| {
            worker::Error::from(format!(
                "the binding {binding} is no VPC network: name one in edge.binding"
            ))
        })?;
    let at = match host.contains(':') {
        true => format!("[{host}]:{}", edge.dialled_port()),
        false => format!("{host}:{}", edge.dialled_port()),
    };
    let socket = dial.call1(&network, &at.into())?;
    Ok(socket.unchecked_into::<worker::worker_sys::Socket>().into())
}

/// Reads and writes until one side ends it.
async fn converse(socket: &mut Socket, wires: &Wires) -> String {
    let mut buffer = vec![0; BUFFER];
    let mut writing: Vec<u8> = Vec::new();
    let mut written = 0;
    poll_fn(|cx| {
        if wires.is_over.get() {
            return Poll::Ready("closed".to_owned());
        }
        loop {
            let mut read = ReadBuf::new(&mut buffer);
            match Pin::new(&mut *socket).poll_read(cx, &mut read) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    return Poll::Ready("the proxy closed it".to_owned());
                }
                Poll::Ready(Ok(())) => {
                    wires.incoming.borrow_mut().extend_from_slice(read.filled());
                }
                Poll::Ready(Err(error)) => return Poll::Ready(error.to_string()),
            }
        }
        loop {
            let rest = match writing.get(written..) {
                Some(rest) if !rest.is_empty() => rest,
                _ => {
                    // What waits goes out together: fewer packets, and fewer records of TLS.
                    writing = wires.outgoing.take();
                    written = 0;
                    wires.stalled_since.set(None);
                    if writing.is_empty() {
                        return Poll::Pending;
                    }
                    wires.stalled_since.set(Some(platform::now()));
                    &writing
                }
            };
            match Pin::new(&mut *socket).poll_write(cx, rest) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => {
                    written += count;
                    wires.stalled_since.set(Some(platform::now()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(error.to_string()),
            }
        }
    })
    .await
}
