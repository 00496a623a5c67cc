//! What stands in one cell.

use ringfence_provision::mac::{Mac, MacError};

use crate::error::Refusal;

/// Whether a setting of this name is a secret, whatever a file says: a password stays one.
pub fn is_secret_name(name: &str) -> bool {
    let small = name.to_ascii_lowercase();
    let has_word = ["password", "passwd", "passphrase", "secret", "pwd"]
        .iter()
        .any(|word| small.contains(word));
    let mut parts = small.split(['_', '-', '.']).peekable();
    let mut has_part = false;
    while let Some(part) = parts.next() {
        has_part |= part == "pass" && parts.peek() != Some(&"through");
    }
    has_word || has_part
}

/// Characters after which a spreadsheet takes what stands in a cell for a formula, and the apostrophe that guards.
const GUARDED: [char; 6] = ['=', '+', '-', '@', '\'', '|'];

/// A value as it is written into a cell: with an apostrophe before it where a spreadsheet would take it for a
/// formula, where blanks around it would be lost, or where it is empty and yet a value. `unguarded` takes the
/// apostrophe off.
pub fn guarded(value: &str) -> String {
    let blank = |end: Option<char>| end.is_none_or(|it| it.is_whitespace() || it.is_control());
    let first = value.chars().next();
    match blank(first)
        || blank(value.chars().next_back())
        || first.is_some_and(|it| GUARDED.contains(&it))
    {
        true => format!("'{value}"),
        false => value.to_owned(),
    }
}

/// What a cell holds; nothing where it is empty. Blanks around a value that is not guarded are not meant.
pub(crate) fn unguarded(cell: &str) -> Option<&str> {
    match cell.strip_prefix('\'') {
        Some(value) => Some(value),
        None => Some(cell.trim()).filter(|value| !value.is_empty()),
    }
}

/// Reads a MAC in any notation.
pub(crate) fn mac(text: &str) -> Result<Mac, Refusal> {
    Mac::parse(text).map_err(|error| {
        if is_scientific(text) {
            return Refusal::Scientific;
        }
        match error {
            MacError::Digits(digits) if digits < 12 => Refusal::Short(digits),
            MacError::Digits(_) => Refusal::Mac("it has more than twelve hexadecimal digits"),
            MacError::Empty => Refusal::Mac("it is empty"),
            MacError::Character { .. } => Refusal::Mac("it has a character that no MAC has"),
            MacError::Grouping => Refusal::Mac("its separators are not regular"),
            MacError::Group => Refusal::Mac("it is a multicast or broadcast address"),
            MacError::Zero => Refusal::Mac("it is all zeros"),
        }
    })
}

/// Whether a text is a number as spreadsheets write large ones: `8,02E+10`, `1.2E+11`, `8E+10`.
fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = number.strip_prefix('-').unwrap_or(number);
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    digits(whole) && digits(part) && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_read_in_any_notation_and_its_loss_is_told() {
        for text in [
            "0080f0c571eb",
            "00:80:F0:C5:71:EB",
            "0080.f0c5.71eb",
            "00-80-F0-C5-71-EB",
        ] {
            assert_eq!(mac(text).map(Mac::upper).as_deref(), Ok("0080F0C571EB"));
        }
        for text in [
            "8,02E+10",
            "1.2E+11",
            "8E+10",
            "8.02e10",
            "1,23456E+11",
            "8E-10",
        ] {
            assert_eq!(mac(text), Err(Refusal::Scientific), "{text}");
        }
        assert_eq!(mac("80F0C571EB"), Err(Refusal::Short(10)));
        // Not a number, whatever it looks like.
        assert!(mac("1E1234567890").is_ok_and(|it| it.upper() == "1E1234567890"));
        for text in [
            "desk",
            "0080F0C571EB00",
            "01:00:5e:00:00:01",
            "000000000000",
            "00:80-F0:C5:71:EB",
        ] {
            assert!(matches!(mac(text), Err(Refusal::Mac(_))), "{text}");
        }
    }

    #[test]
    fn no_value_is_taken_for_a_formula_and_each_comes_back() {
        for value in [
            "=1+1", "+49 931", "-1", "@SUM(A1)", "\t=1", "'", "''x", "", " x", "x ", "|x", "plain",
            "\r=1",
        ] {
            let cell = guarded(value);
            let first = cell.chars().next();
            assert!(
                first.is_some_and(|it| it == '\'' || it.is_alphanumeric()),
                "{value:?}"
            );
            assert_eq!(unguarded(&cell), Some(value));
        }
        assert_eq!(unguarded("  "), None);
        assert_eq!(unguarded(" 201 "), Some("201"));
    }

    #[test]
    fn a_password_is_one_by_its_name() {
        for name in [
            "line_1_password",
            "admin_password",
            "standard_SIP_PASSWD",
            "sip_Secret",
            "userPwd",
            "standard_X_PASS_1",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["line_1_user", "ntp", "standard_PASS_THROUGH"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
