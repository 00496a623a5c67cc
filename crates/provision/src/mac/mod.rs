//! The MAC address that names a device.
//!
//! A phone writes its own MAC in upper case without separators (`{MAC}`), its label has colons or
//! nothing, a switch prints dots, and operators paste all of them. Every notation ends up
//! as the same [`Mac`], so that a device cannot exist twice.

mod find;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The MAC address of one phone (EUI-48, unicast, not all zero).
///
/// ```
/// use ringfence_provision::mac::Mac;
///
/// let mac = Mac::parse("00:80:f0:c5:71:eb")?;
/// assert_eq!(mac.upper(), "0080F0C571EB");
/// assert_eq!(mac, Mac::parse("0080.F0C5.71EB")?);
/// # Ok::<(), ringfence_provision::mac::MacError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

/// Why a text is not the MAC of a phone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MacError {
    /// Nothing was given.
    #[error("a MAC address is twelve hexadecimal digits, and this is empty")]
    Empty,
    /// A character that no notation has.
    #[error(
        "{character:?} at character {position} is neither a hexadecimal digit nor one of the \
         separators : - ."
    )]
    Character {
        /// The character.
        character: char,
        /// Where it is, counted from 1 in characters.
        position: usize,
    },
    /// Too few or too many digits.
    #[error("a MAC address has twelve hexadecimal digits, and this has {0}")]
    Digits(usize),
    /// Separators of several sorts, or not after every second, fourth or sixth digit.
    #[error(
        "the separators are not regular: write 0080F0C571EB, 00:80:F0:C5:71:EB, \
         00-80-F0-C5-71-EB or 0080.F0C5.71EB"
    )]
    Grouping,
    /// The group bit is set: a multicast or broadcast address, which no phone has as its own.
    #[error("this is a multicast or broadcast address, which no phone has as its own")]
    Group,
    /// All zero, as some software prints for "none".
    #[error("a MAC address of zeros stands for no device")]
    Zero,
}

impl Mac {
    /// The address of these octets, first octet first.
    ///
    /// # Errors
    /// [`MacError::Group`] and [`MacError::Zero`].
    pub fn from_octets(octets: [u8; 6]) -> Result<Self, MacError> {
        let [first, ..] = octets;
        if first & 1 == 1 {
            return Err(MacError::Group);
        }
        if octets == [0; 6] {
            return Err(MacError::Zero);
        }
        Ok(Self(octets))
    }

    /// Reads every notation in use: bare, in pairs, in fours or in sixes, separated by colons,
    /// dashes or dots, in any case.
    ///
    /// # Errors
    /// Whatever else it is, with the reason. White space is not trimmed.
    pub fn parse(text: &str) -> Result<Self, MacError> {
        if text.is_empty() {
            return Err(MacError::Empty);
        }
        let mut digits = Vec::with_capacity(12);
        // The separators, and after how many digits each came.
        let mut separators = Vec::new();
        for (at, character) in text.chars().enumerate() {
            match (character.to_digit(16), character) {
                (Some(digit), _) => digits.push(digit as u8),
                (None, ':' | '-' | '.') => separators.push((character, digits.len())),
                (None, _) => {
                    return Err(MacError::Character {
                        character,
                        position: at + 1,
                    });
                }
            }
        }
        if digits.len() != 12 {
            return Err(MacError::Digits(digits.len()));
        }
        if !regular(&separators) {
            return Err(MacError::Grouping);
        }
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair.iter().fold(0, |value, digit| value << 4 | digit);
        }
        Self::from_octets(octets)
    }

    /// `0080F0C571EB`, as a phone writes `{MAC}`.
    pub fn upper(self) -> String {
        self.to_string()
    }

    /// `0080f0c571eb`, as a phone writes `{mac}`.
    pub fn lower(self) -> String {
        self.upper().to_ascii_lowercase()
    }

    /// `00:80:F0:C5:71:EB`, as some phones write it.
    pub fn with_colons(self) -> String {
        self.octets().map(|octet| format!("{octet:02X}")).join(":")
    }

    /// The six octets, first octet first.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        Self::parse(text)
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Whether the separators are all the same one, after every second, fourth or sixth digit.
fn regular(separators: &[(char, usize)]) -> bool {
    let Some(&(separator, size)) = separators.first() else {
        return true;
    };
    [2, 4, 6].contains(&size)
        && separators.len() == 12 / size - 1
        && separators
            .iter()
            .enumerate()
            .all(|(n, &(each, after))| each == separator && after == size * (n + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_notation_is_the_same_device() {
        let mac = Mac([0x00, 0x80, 0xF0, 0xC5, 0x71, 0xEB]);
        for text in [
            "0080F0C571EB",
            "0080f0c571eb",
            "0080f0C571Eb",
            "00:80:F0:C5:71:EB",
            "00-80-f0-c5-71-eb",
            "00.80.f0.c5.71.eb",
            "0080.f0c5.71eb",
            "0080-F0C5-71EB",
            "0080F0-C571EB",
        ] {
            assert_eq!(Mac::parse(text), Ok(mac), "{text}");
        }
        assert_eq!(mac.upper(), "0080F0C571EB");
        assert_eq!(mac.lower(), "0080f0c571eb");
    }

    #[test]
    fn the_rest_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", MacError::Empty),
            ("0080F0C571E", MacError::Digits(11)),
            ("0080F0C571EB0", MacError::Digits(13)),
            ("00:80:F0:C5:71", MacError::Digits(10)),
            (":0080F0C571EB", MacError::Grouping),
            ("0080F0C571EB:", MacError::Grouping),
            ("00:80:F0:C5:71EB", MacError::Grouping),
            ("00:80:F0-C5-71-EB", MacError::Grouping),
            ("00::80F0:C5:71:EB", MacError::Grouping),
            ("008:0F0:C57:1EB", MacError::Grouping),
            ("01005E000001", MacError::Group),
            ("FFFFFFFFFFFF", MacError::Group),
            ("000000000000", MacError::Zero),
        ] {
            assert_eq!(Mac::parse(text), Err(reason), "{text}");
        }
        for (text, character, position) in [
            ("KX-UTG300B", 'K', 1),
            (" 0080F0C571EB", ' ', 1),
            ("0080F0C571EB\n", '\n', 13),
            ("0080F0C571E٣", '٣', 12),
        ] {
            let reason = MacError::Character {
                character,
                position,
            };
            assert_eq!(Mac::parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn json_is_the_upper_case_text_and_reads_any_notation() {
        let mac: Mac = serde_json::from_str("\"00:80:f0:c5:71:eb\"").unwrap();
        assert_eq!(serde_json::to_string(&mac).unwrap(), "\"0080F0C571EB\"");
        assert!(serde_json::from_str::<Mac>("\"nobody\"").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(mut octets: [u8; 6]) {
            octets[0] &= 0xFE;
            prop_assume!(octets != [0; 6]);
            let mac = Mac::from_octets(octets).unwrap();
            let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            for text in [mac.upper(), mac.lower(), pairs.join(":"), pairs.join("-")] {
                prop_assert_eq!(Mac::parse(&text), Ok(mac));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}") {
            if let Ok(mac) = Mac::parse(&text) {
                prop_assert_eq!(Mac::parse(&mac.upper()), Ok(mac));
            }
        }
    }
}
