//! What the pure crates are handed: the time, random bytes, ids.

use std::cell::Cell;

use sha2::{Digest as _, Sha256};
use ulid::Ulid;

/// Ends this turn of the event loop: other requests of the isolate are worked on before it goes on.
pub async fn let_others_go_first() {
    worker::Delay::from(std::time::Duration::ZERO).await;
}

/// A day, in milliseconds.
pub const DAY_MS: u64 = 24 * 3600 * 1000;

/// Unix time in milliseconds.
pub fn now() -> u64 {
    worker::Date::now().as_millis()
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

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// SHA-256 as 64 lower-case hexadecimal digits: how tokens and access paths are stored. They are
/// random bits enough to need no salt and no slow hash.
pub fn sha256_hex(text: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_two_for_each_byte() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }

    #[test]
    fn ids_of_one_millisecond_are_in_order_and_those_of_different_ones_by_time() {
        let ids: Vec<String> = [7, 7, 7, 8].map(new_id).into();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_ne!(new_id(9).get(10..), new_id(10).get(10..));
    }
}
