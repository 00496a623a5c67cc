//! Addresses that guess: wrong tokens, wrong relay credentials, access paths that nobody has.
//!
//! Guessing finds nothing, for what is guessed has 128 random bits or more. But each guess is a
//! question to D1, which phones need. So guesses are counted for each address by the runtime's rate
//! limiter, after the answer; and while an address is over the limit, what only D1 can know is
//! refused without asking. Whoever is known without D1 is answered as ever: a phone behind the same
//! address, by way of KV, and the holder of `ADMIN_TOKEN`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use worker::Env;

use crate::app::App;
use crate::platform::log;

/// For how long an address stays barred after it has passed the limit: the limiter's own period
/// (`wrangler.toml`).
const BARRED_MS: u64 = 60_000;

/// More addresses than this are not remembered as barred; the limiter finds them again.
const MAX_ADDRESSES: usize = 1_000;

#[wasm_bindgen]
extern "C" {
    type RateLimit;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &RateLimit, options: &Object) -> Result<JsValue, JsValue>;
}

/// What is guessed. Each is counted for itself: whoever asks for wrong files beside a relay does not
/// keep the relay out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guessed {
    AccessPath,
    Token,
    Credential,
    Session,
}

thread_local! {
    /// Key of the limiter → until when it is barred, in Unix milliseconds.
    static BARRED: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether an address is over the limit.
pub fn is_barred(guessed: Guessed, address: &str, now: u64) -> bool {
    // Nearly always empty: then an address is not even looked at.
    let nobody = BARRED.with_borrow(BTreeMap::is_empty);
    !nobody && is_barred_key(&key(guessed, address), now)
}

/// The same for a key of the limiter.
pub fn is_barred_key(key: &str, now: u64) -> bool {
    BARRED.with_borrow(|barred| barred.get(key).is_some_and(|&until| now < until))
}

/// What the limiter counts: the guess, and whom the address stands for. One customer has a /64 of
/// IPv6, and may use each address of it.
fn key(guessed: Guessed, address: &str) -> String {
    let guess = match guessed {
        Guessed::AccessPath => "path",
        Guessed::Token => "token",
        Guessed::Credential => "relay",
        Guessed::Session => "session",
    };
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{guess}:{}", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Err(_) => format!("{guess}:{address}"),
    }
}

/// Counts a wrong guess, after the answer. An address that is barred already is not counted: it is
/// let go when its time is over, and barred again if it goes on.
pub fn wrong_guess(app: &App, guessed: Guessed, address: &str) {
    if address.is_empty() || is_barred(guessed, address, app.now) {
        return;
    }
    let (worker, key) = (app.clone(), key(guessed, address));
    app.later(async move {
        match within_limit(&worker.env, "GUESSES", &key).await {
            Ok(true) => {}
            Ok(false) => {
                log::warn("address_barred", &[("guess", &key)]);
                bar(key, worker.now);
            }
            // A limiter that does not work locks nobody out.
            Err(_) => log::warn("rate_limit_failed", &[]),
        }
    });
}

/// Asks the limiter, which counts. A deployment without the binding has no limit.
pub async fn within_limit(env: &Env, binding: &str, key: &str) -> Result<bool, JsValue> {
    let binding = Reflect::get(env, &binding.into())?;
    if binding.is_undefined() {
        return Ok(true);
    }
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    let limiter: RateLimit = binding.unchecked_into();
    let outcome = limiter.limit(&options).await?;
    Ok(Reflect::get(&outcome, &"success".into())?.is_truthy())
}

/// Refuses what a key of the limiter counts for a minute.
pub fn bar(key: String, now: u64) {
    BARRED.with_borrow_mut(|barred| {
        barred.retain(|_, until| now < *until);
        if barred.len() < MAX_ADDRESSES {
            barred.insert(key, now + BARRED_MS);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    use Guessed::{AccessPath, Token};

    #[test]
    fn an_address_is_barred_for_a_minute_and_nobody_else_and_for_nothing_else() {
        bar(key(Token, "192.0.2.1"), 1_000);
        assert!(is_barred(Token, "192.0.2.1", 1_000));
        assert!(is_barred(Token, "192.0.2.1", 1_000 + BARRED_MS - 1));
        assert!(!is_barred(Token, "192.0.2.1", 1_000 + BARRED_MS));
        assert!(!is_barred(Token, "192.0.2.2", 1_000));
        assert!(!is_barred(AccessPath, "192.0.2.1", 1_000));
    }

    #[test]
    fn a_network_of_ipv6_is_one_guesser() {
        bar(key(Token, "2001:db8:1:2::1"), 1_000);
        assert!(is_barred(Token, "2001:DB8:1:2:ffff::2", 1_000));
        assert!(!is_barred(Token, "2001:db8:1:3::1", 1_000));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_old_makes_room() {
        for number in 0..MAX_ADDRESSES + 5 {
            bar(key(Token, &format!("2001:db8:0:{number:x}::1")), 1_000);
        }
        assert_eq!(BARRED.with_borrow(BTreeMap::len), MAX_ADDRESSES);
        bar(key(Token, "192.0.2.1"), 1_000 + BARRED_MS);
        assert_eq!(BARRED.with_borrow(BTreeMap::len), 1);
    }
}
