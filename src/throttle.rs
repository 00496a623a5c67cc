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
use crate::observe;

/// For how long an address stays barred after it has passed the limit: the limiter's own period
/// (`wrangler.toml`).
const BARRED_MS: u64 = 60_000;

/// More addresses than this are not remembered as barred; the limiter finds them again.
const ADDRESSES_MAX: usize = 1_000;

#[wasm_bindgen]
extern "C" {
    type RateLimit;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &RateLimit, options: &Object) -> Result<JsValue, JsValue>;
}

thread_local! {
    /// Network → until when it is barred, in Unix milliseconds.
    static BARRED: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether an address is over the limit.
pub fn is_barred(address: &str, now: u64) -> bool {
    BARRED.with_borrow(|barred| {
        // Nearly always empty: then an address is not even looked at.
        !barred.is_empty()
            && barred
                .get(&network(address))
                .is_some_and(|&until| now < until)
    })
}

/// Whom an address stands for: one customer has a /64 of IPv6, and may use each address of it.
fn network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Err(_) => address.to_owned(),
    }
}

/// Counts a wrong guess, after the answer. An address that is barred already is not counted: it is
/// let go when its time is over, and barred again if it goes on.
pub fn wrong_guess(app: &App, address: &str) {
    if address.is_empty() || is_barred(address, app.now) {
        return;
    }
    let (worker, network) = (app.clone(), network(address));
    app.later(async move {
        match within_limit(&worker.env, &network).await {
            Ok(true) => {}
            Ok(false) => {
                observe::warn("address_barred", &[("address", &network)]);
                bar(network, worker.now);
            }
            // A limiter that does not work locks nobody out.
            Err(_) => observe::warn("rate_limit_failed", &[]),
        }
    });
}

/// Asks the limiter, which counts. A deployment without the binding has no limit.
async fn within_limit(env: &Env, network: &str) -> Result<bool, JsValue> {
    let binding = Reflect::get(env, &"GUESSES".into())?;
    if binding.is_undefined() {
        return Ok(true);
    }
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &network.into())?;
    let limiter: RateLimit = binding.unchecked_into();
    let outcome = limiter.limit(&options).await?;
    Ok(Reflect::get(&outcome, &"success".into())?.is_truthy())
}

fn bar(network: String, now: u64) {
    BARRED.with_borrow_mut(|barred| {
        barred.retain(|_, until| now < *until);
        if barred.len() < ADDRESSES_MAX {
            barred.insert(network, now + BARRED_MS);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_barred_for_a_minute_and_nobody_else() {
        bar("192.0.2.1".into(), 1_000);
        assert!(is_barred("192.0.2.1", 1_000));
        assert!(is_barred("192.0.2.1", 1_000 + BARRED_MS - 1));
        assert!(!is_barred("192.0.2.1", 1_000 + BARRED_MS));
        assert!(!is_barred("192.0.2.2", 1_000));
    }

    #[test]
    fn a_network_of_ipv6_is_one_guesser() {
        bar(network("2001:db8:1:2::1"), 1_000);
        assert!(is_barred("2001:DB8:1:2:ffff::2", 1_000));
        assert!(!is_barred("2001:db8:1:3::1", 1_000));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_old_makes_room() {
        for number in 0..ADDRESSES_MAX + 5 {
            bar(network(&format!("2001:db8:0:{number:x}::1")), 1_000);
        }
        assert_eq!(BARRED.with_borrow(BTreeMap::len), ADDRESSES_MAX);
        bar("192.0.2.1".into(), 1_000 + BARRED_MS);
        assert_eq!(BARRED.with_borrow(BTreeMap::len), 1);
    }
}
