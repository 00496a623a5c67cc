//! Putting a value into a file so that the phone reads back exactly that value, or refusing it.
//!
//! The text formats have no published escape at all, so what would end the value or the line is
//! refused; what else a family's lines cannot hold its reader finds. XML has one, but a phone's parser may turn line ends into blanks and no value of
//! either format goes over several lines: control characters are refused in both.

use thiserror::Error;

use crate::family::Format;

/// The longest value of the text format, in characters; the guide of the XML families prints none.
pub const MAX_VALUE: usize = 500;

/// Why a value cannot be written in a format. Says nothing about the value but the culprit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EscapeError {
    /// The character ends the value, and there is no way to write it otherwise.
    #[error("the text format has no way to write {name} in a value: choose a value without it")]
    NoEscape {
        /// The character's name.
        name: &'static str,
    },
    /// The character is a control character or not a character of XML 1.0.
    #[error(
        "the control character U+{code:04X} cannot be written in a value: choose a value without it"
    )]
    Control {
        /// Its code point.
        code: u32,
    },
    /// A blank at an end, where the format has no quotes to keep it.
    #[error("a value cannot begin or end with a blank in this format")]
    Blank,
    /// A parameter cannot have that name.
    #[error("no parameter of this format can have that name: look it up in the guide of the model")]
    Name,
    /// Longer than [`MAX_VALUE`].
    #[error("a value of {length} characters is too long: a phone takes {MAX_VALUE} at most")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
}

/// The value as it is written between the quotes of a text file, or between the tags (or in an
/// attribute) of an XML file.
///
/// # Errors
/// See [`EscapeError`]; a value is never changed to make it fit.
///
/// ```
/// use ringfence_provision::{family::Format, format::escape};
///
/// let password = "e3#rl2(&ae#1";
/// assert_eq!(escape(Format::Text, password).as_deref(), Ok(password));
/// assert_eq!(escape(Format::Xml, password).as_deref(), Ok("e3#rl2(&amp;ae#1"));
/// assert!(escape(Format::Text, "say \"no\"").is_err());
/// ```
pub fn escape(format: Format, value: &str) -> Result<String, EscapeError> {
    let length = value.chars().count();
    if format == Format::Text && length > MAX_VALUE {
        return Err(EscapeError::TooLong { length });
    }
    if format == Format::Lines && value.trim() != value {
        return Err(EscapeError::Blank);
    }
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        if forbidden(character) {
            return Err(EscapeError::Control {
                code: character.into(),
            });
        }
        match (format, character) {
            (Format::Text, '"') => {
                return Err(EscapeError::NoEscape {
                    name: "a double quote",
                });
            }
            (Format::Xml, '&') => out.push_str("&amp;"),
            (Format::Xml, '<') => out.push_str("&lt;"),
            (Format::Xml, '>') => out.push_str("&gt;"),
            (Format::Xml, '"') => out.push_str("&quot;"),
            (Format::Xml, '\'') => out.push_str("&apos;"),
            _ => out.push(character),
        }
    }
    Ok(out)
}

/// Control characters (with CR, LF, TAB and NUL) and the two code points below U+10000 that XML
/// 1.0 §2.2 leaves out beside surrogates.
pub(super) fn forbidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn text_refuses_what_would_end_the_value_or_the_line() {
        for value in ["a\"b", "a\rb", "a\nb", "a\0b", "a\tb", "\u{7f}"] {
            assert!(escape(Format::Text, value).is_err(), "{value:?}");
        }
        let odd = "e3#rl2(&ae#1 <'=;> ü“”";
        assert_eq!(escape(Format::Text, odd).unwrap(), odd);
    }

    #[test]
    fn xml_escapes_markup_and_refuses_what_is_no_character() {
        let escaped = escape(Format::Xml, r#"<a & "b" 'c'>#"#).unwrap();
        assert_eq!(escaped, "&lt;a &amp; &quot;b&quot; &apos;c&apos;&gt;#");
        for value in ["\u{1}", "\u{fffe}", "a\nb", "\u{85}"] {
            assert!(escape(Format::Xml, value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_value_is_measured_in_characters() {
        let longest = "ü".repeat(MAX_VALUE);
        assert!(escape(Format::Text, &longest).is_ok());
        let error = escape(Format::Text, &format!("{longest}ü")).unwrap_err();
        assert_eq!(error, EscapeError::TooLong { length: 501 });
    }

    #[test]
    fn an_error_does_not_repeat_the_value() {
        let error = escape(Format::Text, "hunter2\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
