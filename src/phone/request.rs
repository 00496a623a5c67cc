//! A phone's request, as every handler takes it.

use ringfence_provision::url_template::MAX_PATH_LEN;

use crate::app::{App, Caller};
use crate::db::{Corrupt, StorageError};
use crate::files::inputs::InputsError;
use crate::http::conditional::Conditions;
use crate::platform::hash::sha256_hex;

/// A phone's request, with what every handler needs.
pub struct PhoneRequest {
    pub app: App,
    pub caller: Caller,
    /// Whether it is `HEAD`, which consumes nothing and reveals nothing.
    pub head: bool,
    /// Whether it is `GET` or `HEAD`.
    pub is_read: bool,
    /// The first segment, as the phone wrote it.
    pub access_path: String,
    /// SHA-256 of the access path, hex: what it is looked up by.
    pub access_path_hash: String,
    /// The rest, still percent-encoded.
    pub path: String,
    pub conditions: Conditions,
}

/// What becomes of a bootstrap that is there for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It is claimed: a phone asks.
    Claim,
    /// Nothing: D1 is asked whether it could be claimed now.
    Look,
}

impl PhoneRequest {
    /// A request for `path`, which begins with a slash. `method` is as it was sent.
    pub fn new(method: &str, path: &str, conditions: Conditions, app: App, caller: Caller) -> Self {
        let (access_path, rest) = path
            .strip_prefix('/')
            .unwrap_or(path)
            .split_once('/')
            .unwrap_or(("", ""));
        // What cannot be one is looked up like any other: it takes as long.
        let sound = access_path.len() <= MAX_PATH_LEN;
        Self {
            head: method == "HEAD",
            is_read: matches!(method, "GET" | "HEAD"),
            access_path_hash: sha256_hex(if sound { access_path } else { "" }),
            access_path: access_path.to_owned(),
            path: rest.to_owned(),
            conditions,
            app,
            caller,
        }
    }

    /// What the URLs in a file begin with: HTTPS, also where it was asked for over plain HTTP.
    pub fn url_origin(&self) -> String {
        if self.caller.tls {
            self.caller.origin.clone()
        } else {
            format!("https://{}", self.caller.host)
        }
    }
}

/// Whatever keeps a file's inputs from being put together, the phone hears 503 and comes back.
pub(super) fn storage(error: InputsError) -> StorageError {
    match error {
        InputsError::Storage(error) => error,
        other => Corrupt::File(Box::new(other)).into(),
    }
}
