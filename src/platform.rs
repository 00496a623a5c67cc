//! What the pure crates are handed: the time, random bytes, ids.

use ulid::Ulid;

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

/// A new ULID for `now`. Should randomness fail, the time alone has to do: an id is no secret.
pub fn new_id(now: u64) -> String {
    let random = random_array().map(u128::from_le_bytes).unwrap_or_default();
    Ulid::from_parts(now, random).to_string()
}
