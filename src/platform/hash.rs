//! Digests as they are stored: lower-case hexadecimal digits.

use sha2::{Digest as _, Sha256};

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
}
