//! What one request works with: its bindings, its time, its id and who made it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use ringfence_provision::wrap::Keyring;
use worker::{Context, Env, Request, Url};

use crate::db::{Db, StorageError};
use crate::kv::Kv;
use crate::platform;
use crate::platform::config::{self, ConfigError};

/// Everything a handler may reach. Made once per request, cheap to clone.
#[derive(Clone)]
pub struct App {
    pub env: Env,
    pub db: Rc<Db>,
    pub kv: Rc<Kv>,
    pub keyring: Rc<Keyring>,
    /// Unix milliseconds at which the request came in.
    pub now: u64,
    /// In every answer and every log line.
    pub request_id: Rc<str>,
    /// Where the publishing of several changes is done at once.
    pub unpublished: Option<Rc<Unpublished>>,
    after: After,
}

/// Work that is left to do.
type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What runs after the answer has gone out.
#[derive(Clone)]
enum After {
    /// The runtime keeps the request alive for it.
    Request(Rc<Context>),
    /// There is no request: it is kept for whoever does the work.
    Step(Rc<RefCell<Vec<Work>>>),
}

/// Changes that are stored and not yet made known to the edge.
#[derive(Default)]
pub struct Unpublished {
    /// Tenants whose version or fences changed.
    pub tenants: RefCell<BTreeSet<String>>,
    /// Tenant and MAC of devices whose files are void.
    pub files: RefCell<BTreeSet<(String, String)>>,
}

/// The request cannot be worked on at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl App {
    /// Reads the bindings.
    ///
    /// # Errors
    /// A binding or a secret is missing.
    pub fn new(env: Env, context: Context, now: u64, request_id: &str) -> Result<Self, SetupError> {
        let context = Rc::new(context);
        Ok(Self {
            db: Rc::new(Db::of_request(&env, Rc::clone(&context))?),
            kv: Rc::new(Kv::new(&env)?),
            keyring: config::keyring(&env)?,
            env,
            now,
            request_id: request_id.into(),
            unpublished: None,
            after: After::Request(context),
        })
    }

    /// What a step of work has that no request asked for just now: its changes are published together, by
    /// whoever does it, and what is to run later is run by [`finish`](Self::finish).
    ///
    /// # Errors
    /// A binding or a secret is missing.
    pub fn for_step(env: Env, now: u64, request_id: &str) -> Result<Self, SetupError> {
        Ok(Self {
            db: Rc::new(Db::new(&env)?),
            kv: Rc::new(Kv::new(&env)?),
            keyring: config::keyring(&env)?,
            env,
            now,
            request_id: request_id.into(),
            unpublished: Some(Rc::default()),
            after: After::Step(Rc::default()),
        })
    }

    /// Runs `work` after the answer has gone out.
    pub fn later(&self, work: impl Future<Output = ()> + 'static) {
        match &self.after {
            After::Request(context) => context.wait_until(work),
            After::Step(kept) => kept.borrow_mut().push(Box::pin(work)),
        }
    }

    /// Runs what a step has left for later.
    pub async fn finish(&self) {
        let After::Step(kept) = &self.after else {
            return;
        };
        let kept = kept.take();
        for work in kept {
            work.await;
        }
    }

    /// A new ULID.
    pub fn new_id(&self) -> String {
        platform::new_id(self.now)
    }
}

/// Who asked, as far as the connection tells. Only the address is more than a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Host of the URL, without port.
    pub host: String,
    /// Scheme, host and port: what this request's URL starts with.
    pub origin: String,
    /// Whether the request came over TLS.
    pub tls: bool,
    pub address: String,
    pub user_agent: String,
    pub country: String,
}

impl Caller {
    /// Reads the connection's facts off a request.
    pub fn new(request: &Request, env: &Env) -> worker::Result<Self> {
        let url = request.url()?;
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        Ok(Self::at(
            &url,
            env,
            &header("cf-connecting-ip"),
            &header("user-agent"),
            &header("cf-ipcountry"),
        ))
    }

    /// Whoever asks for `url` and says that of itself.
    pub fn at(url: &Url, env: &Env, address: &str, user_agent: &str, country: &str) -> Self {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        Self {
            tls: url.scheme() == "https" || config::loopback_counts_as_tls(env, &host),
            origin: url.origin().ascii_serialization(),
            host,
            address: bounded(address, 45),
            user_agent: bounded(user_agent, 200),
            country: bounded(country, 2),
        }
    }
}

/// The first `limit` characters, without control characters: what strangers send goes into logs.
fn bounded(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limit)
        .collect()
}
