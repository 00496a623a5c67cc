//! The API's tokens, as an isolate remembers them for addresses that send wrong ones.
//!
//! An address that is barred is not looked up in D1 for each request, and still its valid tokens must
//! work: behind one address there may be a whole office, and a program of somebody else that guesses.
//! So the hashes of all tokens are read at once and kept for a few seconds. However many guesses come,
//! that is one question to D1 in that time, and a token that is right passes on to the usual look-up,
//! which knows whether it has been removed or has expired since.

use std::cell::RefCell;
use std::collections::BTreeMap;

use subtle::ConstantTimeEq;

use super::auth::parts;
use crate::app::App;
use crate::observe;
use crate::platform::sha256_hex;
use crate::store::tokens::{self, TokenRow};

/// For how long what was read is used.
const KEPT_MS: u64 = 10_000;

/// How many tokens are remembered; further ones wait for the address's minute to end.
const TOKENS_MAX: u32 = 5_000;

#[derive(Default)]
struct Known {
    /// When it is to be read again, in Unix milliseconds.
    until: u64,
    /// Id → SHA-256 of the secret part, hex.
    hashes: BTreeMap<String, String>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Whether a token is one of the deployment's. Should D1 not answer, what was read last counts.
pub async fn is_good(app: &App, text: &str) -> bool {
    let Some((id, secret)) = parts(text) else {
        return false;
    };
    // Whoever comes while the first one reads finds the time set, and what was there before.
    if KNOWN.with_borrow_mut(|known| known.is_due(app.now)) {
        match tokens::list(&app.db, "", TOKENS_MAX).await {
            Ok(rows) => KNOWN.with_borrow_mut(|known| known.take(rows)),
            Err(error) => observe::warn("tokens_not_read", &[("error", &error.0)]),
        }
    }
    KNOWN.with_borrow(|known| known.has(id, secret))
}

impl Known {
    fn is_due(&mut self, now: u64) -> bool {
        let due = self.until <= now;
        if due {
            self.until = now + KEPT_MS;
        }
        due
    }

    fn take(&mut self, rows: Vec<TokenRow>) {
        self.hashes = rows.into_iter().map(|row| (row.id, row.hash)).collect();
    }

    fn has(&self, id: &str, secret: &str) -> bool {
        let hash = sha256_hex(secret);
        self.hashes
            .get(id)
            .is_some_and(|stored| hash.as_bytes().ct_eq(stored.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01JD0000000000000000000000";

    fn row(secret: &str) -> TokenRow {
        TokenRow {
            id: ID.into(),
            hash: sha256_hex(secret),
            name: String::new(),
            tenant_id: None,
            access: "read".into(),
            reveal: 0,
            created_at: 1,
            expires_at: None,
        }
    }

    #[test]
    fn a_token_is_known_by_its_whole_secret() {
        let mut known = Known::default();
        known.take(vec![row("right")]);
        assert!(known.has(ID, "right"));
        assert!(!known.has(ID, "wrong"));
        assert!(!known.has("01JD0000000000000000000001", "right"));
        known.take(Vec::new());
        assert!(!known.has(ID, "right"));
    }

    #[test]
    fn however_many_ask_it_is_read_once_in_ten_seconds() {
        let mut known = Known::default();
        let reads = (0..KEPT_MS * 2).filter(|now| known.is_due(1_000 + now));
        assert_eq!(reads.count(), 2);
    }
}
