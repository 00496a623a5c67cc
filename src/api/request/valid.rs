//! What names and labels may be. Every refusal says which member it is about.

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;

use crate::http::problem::{Problem, ProblemKind};

/// The longest name of a tenant, site or token, and the longest label, in characters.
pub const MAX_NAME: usize = 100;

/// The longest name of a model, in bytes.
const MAX_MODEL: usize = 32;

/// The longest name of a certificate, in bytes.
const MAX_CERTIFICATE_NAME: usize = 64;

/// The longest DNS name and the longest of its labels, in bytes (RFC 1035 §2.3.4, without the dots at the ends).
const MAX_HOSTNAME: usize = 253;
const MAX_HOSTNAME_LABEL: usize = 63;

/// A name for people: not empty, on one line, at most [`MAX_NAME`] characters.
pub fn name<'a>(member: &str, text: &'a str) -> Result<&'a str, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid_value(format!(
            "`{member}` must not be empty."
        )));
    }
    label(member, text)
}

/// A label for people: may be empty.
///
/// # Errors
/// The label is too long, or not on one line.
pub fn label<'a>(member: &str, text: &'a str) -> Result<&'a str, Problem> {
    if text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(Problem::invalid_value(format!(
            "`{member}` is at most {MAX_NAME} characters on one line."
        )));
    }
    Ok(text)
}

/// A model as a phone writes it into a URL: 1 to [`MAX_MODEL`] of `[A-Za-z0-9._-]` with a letter or a digit, and not
/// twelve hexadecimal digits, which are a MAC.
pub fn model(text: &str) -> Result<&str, Problem> {
    let hex = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let named = text.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if is_file_name(text, MAX_MODEL) && named && !hex {
        return Ok(text);
    }
    Err(Problem::invalid_value(format!(
        "`model` is what the phone calls itself, with its regional suffix, such as KX-UTG300B or 6940: 1 to {MAX_MODEL} letters, digits, `.`, `_` and `-`, at least one letter or digit, and not twelve hexadecimal digits.",
    )))
}

/// That phones of a family ask for a kind of file.
///
/// # Errors
/// The family's phones ask for other kinds: a problem of the kind `refused_as`, which says for which.
pub fn kind_of(family: Family, kind: FileKind, refused_as: ProblemKind) -> Result<(), Problem> {
    let kinds = family.kinds();
    if kinds.contains(&kind) {
        return Ok(());
    }
    let asked: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    Err(Problem::new(
        refused_as,
        format!(
            "Phones of the family {} never ask for a {} file. Name a kind that they ask for: {}.",
            family.as_str(),
            kind.as_str(),
            asked.join(", ")
        ),
    ))
}

/// The name under which a certificate is served.
///
/// # Errors
/// The text is no plain file name.
pub fn certificate(text: &str) -> Result<&str, Problem> {
    if is_file_name(text, MAX_CERTIFICATE_NAME) && !text.starts_with('.') {
        return Ok(text);
    }
    Err(Problem::invalid_value(format!(
        "A certificate's name is 1 to {MAX_CERTIFICATE_NAME} letters, digits, `.`, `_` and `-`, and does not begin with a dot.",
    )))
}

/// A DNS name in lower case, without a port.
pub fn hostname(text: &str) -> Result<&str, Problem> {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=MAX_HOSTNAME_LABEL).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= MAX_HOSTNAME && text.split('.').all(label) {
        return Ok(text);
    }
    Err(Problem::invalid_value(
        "`hostname` is a DNS name in lower case without scheme and port, such as phones.operator.example.",
    ))
}

fn is_file_name(text: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=most).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use crate::api::request::valid::*;

    #[test]
    fn names_are_on_one_line_and_bounded() {
        assert!(name("name", "Office Würzburg").is_ok());
        assert!(name("name", &"ü".repeat(100)).is_ok());
        for text in ["", "  ", "a\nb", &"n".repeat(101)] {
            assert!(name("name", text).is_err(), "{text:?}");
        }
        assert!(label("label", "").is_ok());
    }

    #[test]
    fn a_model_is_never_taken_for_a_mac() {
        for text in ["KX-UTG300B", "KX-UT113", "a", "6940", "0069400069400"] {
            assert!(model(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "0080F0C571EB",
            "006940006940",
            "..",
            "._-",
            "KX UTG",
            "KX/1",
            &"K".repeat(33),
        ] {
            assert!(model(text).is_err(), "{text}");
        }
    }

    #[test]
    fn certificates_have_plain_file_names() {
        assert!(certificate("root-1.pem").is_ok());
        for text in ["", ".", "..", ".pem", "a/b", "a b"] {
            assert!(certificate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hostnames_are_dns_names() {
        assert!(hostname("phones.operator.example").is_ok());
        for text in [
            "",
            "a.",
            ".a",
            "A.example",
            "a:8080",
            "https://a",
            "-a.example",
            "a b",
        ] {
            assert!(hostname(text).is_err(), "{text}");
        }
    }
}
