//! What one request works with: its bindings, its time, its id and who made it.

use std::future::Future;
use std::rc::Rc;

use ringfence_provision::wrap::Keyring;
use worker::{Context, Env, Request};

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
    context: Rc<Context>,
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
        Ok(Self {
            db: Rc::new(Db::new(&env)?),
            kv: Rc::new(Kv::new(&env)?),
            keyring: config::keyring(&env)?,
            env,
            now,
            request_id: request_id.into(),
            context: Rc::new(context),
        })
    }

    /// Runs `work` after the answer has gone out.
    pub fn later(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
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
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            tls: url.scheme() == "https" || config::loopback_counts_as_tls(env, &host),
            origin: url.origin().ascii_serialization(),
            host,
            address: bounded(&header("cf-connecting-ip"), 45),
            user_agent: bounded(&header("user-agent"), 200),
            country: bounded(&header("cf-ipcountry"), 2),
        })
    }
}

/// The first `limit` characters, without control characters: what strangers send goes into logs.
fn bounded(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limit)
        .collect()
}
