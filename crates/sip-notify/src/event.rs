//! The text of the Event header.

use std::fmt;
use std::str::FromStr;

use crate::lex::Cursor;

/// What the phone is told: the text of the Event header (RFC 6665 §8.4).
///
/// A phone compares it with what its own configuration says, so the text is the operator's. Parameters are allowed, with blanks
/// around `;` and `=` as RFC 3261 §25.1 has it, and with values in quotes where they hold more than a
/// word (`resync;profile="https://pbx.example/a.cfg"`); anything that is no event type is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(Box<str>);

/// Longest text of an Event header taken.
const MAX_EVENT: usize = 128;

impl EventType {
    /// Checks the text of an Event header.
    pub fn parse(text: &str) -> Result<Self, EventTypeError> {
        let text = text.trim_matches([' ', '\t']);
        if text.len() > MAX_EVENT {
            return Err(EventTypeError::TooLong);
        }
        let is_control = |c: char| c.is_control() && c != '\t';
        let mut cursor = Cursor::new(text.as_bytes());
        if cursor.token().is_none() {
            return Err(EventTypeError::Name);
        }
        let mut error = EventTypeError::Name;
        while !cursor.is_empty() {
            if !cursor.eat(b';') || text.contains(is_control) {
                return Err(error);
            }
            error = EventTypeError::Parameter;
            cursor.token().ok_or(error)?;
            if cursor.eat(b'=') {
                cursor.quoted().or_else(|| cursor.token()).ok_or(error)?;
            }
        }
        Ok(Self(text.into()))
    }

    /// The text as it goes into the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text is no Event header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventTypeError {
    /// The part before the first semicolon.
    #[error(
        "an event is a word of letters, digits and -.!%*_+`'~, such as check-sync: use the text that the \
         phone's own configuration names"
    )]
    Name,
    /// A part after a semicolon.
    #[error(
        "an event's parameters are written ;name, ;name=value or ;name=\"value\": put a value with \
         other characters than those of a word, such as a URL, into quotes"
    )]
    Parameter,
    /// More than 128 bytes.
    #[error("an event's text has at most {MAX_EVENT} characters")]
    TooLong,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_of_known_phones_are_taken() {
        for text in [
            "check-sync",
            "check-sync;reboot=true",
            "resync",
            "ua-profile",
            "a.b;c",
            "check-sync; reboot=false",
            "check-sync ;\treboot = true ; x",
            "resync;profile=\"https://pbx.example/a;b.cfg\"",
        ] {
            assert_eq!(EventType::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            EventType::parse(" check-sync\t").unwrap().as_str(),
            "check-sync"
        );
    }

    #[test]
    fn a_text_that_would_break_the_header_is_refused() {
        for text in ["", ";x", "check sync", "check-sync\r\nX: y", "a,b", "\"a\""] {
            assert_eq!(
                EventType::parse(text),
                Err(EventTypeError::Name),
                "{text:?}"
            );
        }
        for text in [
            "a;",
            "a;=x",
            "a;b=",
            "a;b=c d",
            "a; ",
            "a;b=\"c",
            "a;b=https://pbx.example/a.cfg",
        ] {
            assert_eq!(
                EventType::parse(text),
                Err(EventTypeError::Parameter),
                "{text:?}"
            );
        }
        for text in ["a;b\r\n;c", "a;b=\"\r\n\"", "a;\r\n b"] {
            assert!(EventType::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            EventType::parse(&"a".repeat(129)),
            Err(EventTypeError::TooLong)
        );
    }
}
