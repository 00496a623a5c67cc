//! The API's tokens, as an isolate remembers them for addresses that send wrong ones.
//!
//! An address that is barred is not looked up in D1 for each request, and still its valid tokens must
//! work: behind one address there may be a whole office, and a program of somebody else that guesses.
//! So the hashes of all tokens are read at once and kept for a few seconds. However many guesses come,
//! that is one question to D1 in that time, and a token that is right passes on to the usual look-up,
//! which knows whether it has been removed or has expired since.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::app::App;
use crate::platform::credential::{self, Sent};
use crate::platform::log;
use crate::store::tokens::{self, TokenRow};

/// For how long what was read is used.
const KEPT_MS: u64 = 10_000;

/// How many tokens are remembered; further ones wait for the address's minute to end.
const MAX_TOKENS: u32 = 5_000;

#[derive(Default)]
struct KnownTokens {
    /// When it is to be read again, in Unix milliseconds.
    until: u64,
    /// Id → SHA-256 of the secret part, hex.
    hashes: BTreeMap<String, String>,
}

thread_local! {
    static KNOWN: RefCell<KnownTokens> = RefCell::default();
}

/// Whether a token is one of the deployment's. Should D1 not answer, what was read last counts.
pub async fn is_good(app: &App, text: &str) -> bool {
    let Some(sent) = Sent::parse(credential::TOKEN, text) else {
        return false;
    };
    // Whoever comes while the first one reads finds the time set, and what was there before.
    if KNOWN.with_borrow_mut(|known| known.is_due(app.now)) {
        match tokens::list(&app.db, "", MAX_TOKENS).await {
            Ok(rows) => KNOWN.with_borrow_mut(|known| known.take(rows)),
            Err(error) => log::warn("tokens_not_read", &[("error", &error.to_string())]),
        }
    }
    KNOWN.with_borrow(|known| known.has(&sent))
}

impl KnownTokens {
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

    fn has(&self, sent: &Sent<'_>) -> bool {
        sent.matches(self.hashes.get(sent.id).map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::known::*;
    use crate::platform::credential::NewCredential;

    const ID: &str = "01JD0000000000000000000000";
    const OTHER: &str = "01JD0000000000000000000001";

    fn row(id: &str, hash: &str) -> TokenRow {
        TokenRow {
            id: id.into(),
            hash: hash.into(),
            name: String::new(),
            tenant_id: None,
            access: "read".into(),
            reveal: 0,
            created_at: 1,
            expires_at: None,
            email: None,
        }
    }

    #[test]
    fn a_token_is_known_by_its_whole_secret() {
        let new = |id, byte| NewCredential::new(credential::TOKEN, id, [byte; 32]);
        let (right, wrong, other) = (new(ID, 1), new(ID, 2), new(OTHER, 1));
        let sent = |new: &NewCredential| new.text.clone();
        let is_known = |known: &KnownTokens, text: String| {
            known.has(&Sent::parse(credential::TOKEN, &text).unwrap())
        };
        let mut known = KnownTokens::default();
        known.take(vec![row(ID, &right.hash)]);
        assert!(is_known(&known, sent(&right)));
        assert!(!is_known(&known, sent(&wrong)));
        assert!(!is_known(&known, sent(&other)));
        known.take(Vec::new());
        assert!(!is_known(&known, sent(&right)));
    }

    #[test]
    fn however_many_ask_it_is_read_once_in_ten_seconds() {
        let mut known = KnownTokens::default();
        let reads = (0..KEPT_MS * 2).filter(|now| known.is_due(1_000 + now));
        assert_eq!(reads.count(), 2);
    }
}
