//! What the pure crates are handed: the time, random bytes, ids.

pub mod config;
pub mod credential;
pub mod hash;
pub mod identity;
pub mod log;
pub mod zone;

use std::cell::Cell;

use ulid::Ulid;

/// Ends this turn of the event loop: other requests of the isolate are worked on before it goes on.
pub async fn let_others_go_first() {
    worker::Delay::from(std::time::Duration::ZERO).await;
}

/// A minute, in milliseconds.
pub const MINUTE_MS: u64 = 60 * 1000;

/// An hour, in milliseconds.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;

/// A day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// Unix time in milliseconds.
pub fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// Fills `bytes` from the runtime's CSPRNG.
///
/// # Errors
/// The runtime has no randomness to give; nothing that needs some may go on.
pub fn random(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

/// `N` random bytes.
///
/// # Errors
/// As [`random`].
pub fn random_array<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}

thread_local! {
    static LAST: Cell<Ulid> = const { Cell::new(Ulid::nil()) };
}

/// A new ULID for `now`: of those that this isolate makes in one millisecond, each is greater than
/// the one before, so that lists show them in their order. Should randomness fail, the time alone
/// has to do: an id is no secret.
pub fn new_id(now: u64) -> String {
    let last = LAST.get();
    let fresh = || {
        let random = random_array().map(u128::from_le_bytes).unwrap_or_default();
        Ulid::from_parts(now, random)
    };
    let id = if last.timestamp_ms() == now {
        last.increment().unwrap_or_else(|_| fresh())
    } else {
        fresh()
    };
    LAST.set(id);
    id.to_string()
}

/// The time at which an id was made, in Unix milliseconds; `None` for what is no id.
pub fn time_of_id(id: &str) -> Option<u64> {
    let is_id = id.len() == 26 && !id.bytes().any(|byte| byte.is_ascii_lowercase());
    let id = is_id.then(|| Ulid::from_string(id).ok()).flatten()?;
    Some(id.timestamp_ms())
}

/// The smallest ULID of a time in Unix milliseconds.
pub fn first_id_at(at: u64) -> String {
    Ulid::from_parts(at, 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_are_in_order_and_those_of_different_ones_by_time() {
        let ids: Vec<String> = [7, 7, 7, 8].map(new_id).into();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_ne!(new_id(9).get(10..), new_id(10).get(10..));
    }

    #[test]
    fn an_id_tells_its_time_and_what_is_none_tells_nothing() {
        assert_eq!(
            time_of_id(&new_id(1_700_000_000_000)),
            Some(1_700_000_000_000)
        );
        for text in [
            "",
            "https://phones.example/s3cret",
            &new_id(7).to_lowercase(),
        ] {
            assert_eq!(time_of_id(text), None, "{text}");
        }
    }
}
