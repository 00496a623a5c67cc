//! What one request works with: its bindings, its time, its id and who made it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use ringfence_provision::wrap::Keyring;
use worker::{Context, Env, Url};

use crate::db::{Db, StorageError};
use crate::kv::Kv;
use crate::platform;
use crate::platform::config::{self, ConfigError, LogLevel};

/// What is made from the bindings. An isolate makes it once while they are the same: to read them takes twenty calls out of the
/// module.
#[derive(Clone)]
struct Bound {
    db: Rc<Db>,
    kv: Rc<Kv>,
    keyring: Rc<Keyring>,
    is_local: bool,
    log_level: LogLevel,
}

thread_local! {
    static BOUND: RefCell<Option<(u32, Bound)>> = const { RefCell::new(None) };
}

impl Bound {
    fn of(env: &Env) -> Result<Self, SetupError> {
        let version = config::bindings_version(env);
        let kept = BOUND.with_borrow(|kept| {
            let (of, bound) = kept.as_ref()?;
            (*of == version).then(|| bound.clone())
        });
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let bound = Self {
            db: Rc::new(Db::new(env)?),
            kv: Rc::new(Kv::new(env)?),
            keyring: config::keyring(env)?,
            is_local: config::is_local(env),
            log_level: config::log_level(env),
        };
        BOUND.set(Some((version, bound.clone())));
        Ok(bound)
    }
}

/// Everything a handler may reach. Made once per request, cheap to clone.
#[derive(Clone)]
pub struct App {
    pub env: Env,
    pub db: Rc<Db>,
    pub kv: Rc<Kv>,
    pub keyring: Rc<Keyring>,
    /// Whether the Worker runs on one machine for somebody who tries it.
    pub is_local: bool,
    /// Which answers to phones have a line in the log.
    pub log_level: LogLevel,
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
        let bound = Bound::of(&env)?;
        Ok(Self {
            db: Rc::new(bound.db.of_request(Rc::clone(&context))),
            kv: bound.kv,
            keyring: bound.keyring,
            is_local: bound.is_local,
            log_level: bound.log_level,
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
        let bound = Bound::of(&env)?;
        Ok(Self {
            db: Rc::new(Db::new(&env)?),
            kv: bound.kv,
            keyring: bound.keyring,
            is_local: bound.is_local,
            log_level: bound.log_level,
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

/// Where a URL leads, without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub is_https: bool,
    /// Without port.
    pub host: String,
    /// Scheme, host and port.
    pub text: String,
}

impl Origin {
    pub fn of(url: &Url) -> Self {
        Self {
            is_https: url.scheme() == "https",
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            text: url.origin().ascii_serialization(),
        }
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

/// The longest address of a caller, in characters: that of an IPv6 address with an IPv4 address in it.
const MAX_ADDRESS: usize = 45;
/// The longest User-Agent that is kept of a caller, in characters.
const MAX_USER_AGENT: usize = 200;
/// The longest code of a country, in characters.
const MAX_COUNTRY: usize = 2;

impl Caller {
    /// Whoever asks there and says that of itself. `is_local` as in [`App`].
    pub fn at(
        origin: &Origin,
        is_local: bool,
        address: &str,
        user_agent: &str,
        country: &str,
    ) -> Self {
        let host = &origin.host;
        Self {
            tls: origin.is_https || config::loopback_counts_as_tls(is_local, host),
            origin: origin.text.clone(),
            host: host.clone(),
            address: bounded(address, MAX_ADDRESS),
            user_agent: bounded(user_agent, MAX_USER_AGENT),
            country: bounded(country, MAX_COUNTRY),
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
