//! The binary form of a configuration, `cfg<mac>`: older than the XML and still asked for before it.
//!
//! From two independent public programs that write it; it is not encrypted. All numbers are big-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | length of the file in 16-bit words |
//! | 4–5 | checksum: with it all 16-bit words of the file add up to 0 modulo 65,536 |
//! | 6–11 | the MAC |
//! | 12–15 | CR LF CR LF |
//! | 16– | `NAME=value` pairs with `&` between them, and NUL bytes up to a multiple of 16 |
//!
//! One of the programs percent-encodes values, the other leaves out what separates pairs, so how a phone reads a
//! `%`, for example, is not known. Only characters that mean themselves in both ways are written.

use crate::format::{Finding, Place, codes, message, shown};
use crate::mac::Mac;

const HEADER: usize = 16;

/// One of the programs fills up to a multiple of 4, the other to one of 16, which is both.
const FILL: usize = 16;

/// What of ASCII may mean something else than itself.
const UNCERTAIN: &[u8] = b"%&+;=#?";

/// The bytes of the file.
///
/// # Errors
/// A value has a character that may not be read as itself. The finding does not show the value.
pub fn write(mac: Mac, parameters: &[(&str, &str)]) -> Result<Vec<u8>, Finding> {
    let mut file = vec![0; 6];
    file.extend(mac.octets());
    file.extend(b"\r\n\r\n");
    for (at, (name, value)) in parameters.iter().enumerate() {
        let certain = |byte: u8| byte.is_ascii_graphic() && !UNCERTAIN.contains(&byte);
        if !value.bytes().all(certain) {
            return Err(Finding::error(
                codes::VALUE_CHARACTER,
                Place::FILE,
                message![
                    "the value of ",
                    shown(name),
                    " has a character that the binary form cannot hold"
                ],
                "Use ASCII letters, digits and - . _ ~ : / alone, or give the family names without the binary form.",
            ));
        }
        if at > 0 {
            file.push(b'&');
        }
        file.extend(name.as_bytes());
        file.push(b'=');
        file.extend(value.as_bytes());
    }
    file.resize(file.len().next_multiple_of(FILL).max(HEADER), 0);
    let length = u32::try_from(file.len() / 2).unwrap_or(u32::MAX);
    put(&mut file, 0, &length.to_be_bytes());
    let checksum = sum(&file).wrapping_neg();
    put(&mut file, 4, &checksum.to_be_bytes());
    Ok(file)
}

/// The sum of all 16-bit words. The file has an even length.
fn sum(file: &[u8]) -> u16 {
    let words = file.chunks_exact(2).map(|pair| match *pair {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => 0,
    });
    words.fold(0, u16::wrapping_add)
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    let slots = file.iter_mut().skip(at);
    for (slot, byte) in slots.zip(bytes) {
        *slot = *byte;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::hash::hex;

    #[test]
    fn binary_format_unchanged() {
        let mac = Mac::parse("000b82123456").unwrap();
        let file = write(mac, &[("P2", "admin"), ("gnkey", "0b82")]).unwrap();
        // As the other programs write it.
        assert_eq!(
            hex(&file),
            "000000180840000b821234560d0a0d0a50323d61646d696e26676e6b65793d3062383200000000000000000000000000"
        );
    }

    #[test]
    fn a_character_that_may_be_read_otherwise_is_refused_without_the_value() {
        let mac = Mac::parse("000b82123456").unwrap();
        for value in ["a&b", "a=b", "100%", "a b", "ü", "a+b", "a\n"] {
            let finding = write(mac, &[("P2", value)]).unwrap_err();
            let shown = format!("{finding} {}", finding.help);
            assert!(shown.contains("P2") && !shown.contains(value), "{shown}");
        }
        assert!(write(mac, &[("P237", "[2001:db8::1]:8443/seg-ment_~")]).is_ok());
    }
}
