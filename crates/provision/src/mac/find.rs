//! MACs in the middle of other text, such as the name of a file.

use super::Mac;

/// How long a MAC is in each notation, and after how many digits its first separator comes: bare, in sixes, in
/// fours, in pairs.
const NOTATIONS: [(usize, Option<usize>); 4] =
    [(12, None), (13, Some(6)), (14, Some(4)), (17, Some(2))];

impl Mac {
    /// What may be a MAC in a text, in any notation that [`Mac::parse`] reads, at most `most` of
    /// them. Those that no further hexadecimal digit touches come first: in `face0080F0C571EB` every
    /// twelve digits in a row may be meant. Each place of the text is looked at a bounded number of
    /// times.
    ///
    /// ```
    /// use ringfence_provision::mac::Mac;
    ///
    /// let found = Mac::find_in("config-00:80:f0:c5:71:eb.cfg", 4);
    /// assert_eq!(found, [Mac::parse("0080F0C571EB")?]);
    /// # Ok::<(), ringfence_provision::mac::MacError>(())
    /// ```
    pub fn find_in(text: &str, most: usize) -> Vec<Self> {
        let bytes = text.as_bytes();
        let is_digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_hexdigit)
        };
        let (mut whole, mut within) = (Vec::new(), Vec::new());
        for begin in (0..bytes.len()).filter(|&at| is_digit(Some(at))) {
            for (length, separator) in NOTATIONS {
                // Most of what is no MAC is told by one look.
                if separator.is_some_and(|digits| is_digit(Some(begin + digits))) {
                    continue;
                }
                let end = begin + length;
                let Some(mac) = text.get(begin..end).and_then(|text| Self::parse(text).ok()) else {
                    continue;
                };
                let touched = is_digit(begin.checked_sub(1)) || is_digit(Some(end));
                let list = if touched { &mut within } else { &mut whole };
                if list.len() < most && !list.contains(&mac) {
                    list.push(mac);
                }
            }
        }
        for mac in within {
            if whole.len() < most && !whole.contains(&mac) {
                whole.push(mac);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let macs = Mac::find_in(text, 8);
        macs.into_iter().map(Mac::upper).collect()
    }

    #[test]
    fn a_mac_is_found_in_every_notation_and_in_the_middle_of_a_name() {
        for text in [
            "Config0080F0C571EB.cfg",
            "config0080f0c571eb.cfg",
            "00:80:f0:c5:71:eb",
            "x-00-80-F0-C5-71-EB.xml",
            "phones/0080.f0c5.71eb/boot",
            "a_0080f0-c571eb",
        ] {
            assert_eq!(found(text), ["0080F0C571EB"], "{text}");
        }
        for text in [
            "",
            "ConfigCom.cfg",
            "0080F0C571E",
            "000000000000",
            "FFFFFFFFFFFF",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn of_a_longer_run_every_twelve_digits_may_be_meant_and_a_whole_one_comes_first() {
        assert_eq!(
            found("c0080F0C571EB"),
            ["C0080F0C571E", "0080F0C571EB"],
            "a letter before it reads as a digit"
        );
        assert_eq!(
            found("ab0080F0C571EB/0080F0000001").first().unwrap(),
            "0080F0000001"
        );
    }

    #[test]
    fn a_hostile_run_finds_no_more_than_was_asked_for() {
        let run: String = ('a'..='f').cycle().take(4096).collect();
        assert!(Mac::find_in(&run, 8).len() <= 8);
    }

    proptest! {
        #[test]
        fn a_mac_between_other_letters_is_found(
            before in "[g-zG-Z/_ é]{0,12}", after in "[g-zG-Z/_ é]{0,12}",
            mut octets: [u8; 6], notation in 0..4_usize,
        ) {
            octets[0] &= 0xFE;
            prop_assume!(octets != [0; 6]);
            let mac = Mac::from_octets(octets).unwrap();
            let bare = mac.upper();
            let text = match notation {
                0 => bare,
                1 => bare.to_lowercase(),
                2 => octets.map(|octet| format!("{octet:02x}")).join(":"),
                _ => format!("{}.{}.{}", &bare[..4], &bare[4..8], &bare[8..]),
            };
            prop_assert_eq!(Mac::find_in(&format!("{before}{text}{after}"), 4), [mac]);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9a-f:.é-]{0,60}") {
            let _ = Mac::find_in(&text, 3);
        }
    }
}
