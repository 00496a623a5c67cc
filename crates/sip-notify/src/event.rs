//! The text of the Event header.

use std::fmt;
use std::str::FromStr;

use crate::lex::is_token_byte;

/// What the phone is told: the text of the Event header (RFC 6665 §8.4).
///
/// A phone compares it with what its own configuration says (`CFG_RESYNC_FROM_SIP`), so the text is
/// the operator's; the default of the guide is `check-sync`. Parameters are allowed
/// (`check-sync;reboot=false`), anything that is no event type is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(Box<str>);

/// Longest text of an Event header taken.
const MAX_EVENT: usize = 128;

impl EventType {
    /// `check-sync`, the vendor's default.
    pub fn check_sync() -> Self {
        Self("check-sync".into())
    }

    /// Checks the text of an Event header.
    pub fn parse(text: &str) -> Result<Self, EventTypeError> {
        let text = text.trim_matches([' ', '\t']);
        if text.len() > MAX_EVENT {
            return Err(EventTypeError::TooLong);
        }
        let mut parts = text.split(';');
        let name = parts.next().unwrap_or_default();
        let is_token = |part: &str| !part.is_empty() && part.bytes().all(is_token_byte);
        if !is_token(name) {
            return Err(EventTypeError::Name);
        }
        let all_parameters_fine = parts.all(|part| match part.split_once('=') {
            Some((name, value)) => is_token(name) && is_token(value),
            None => is_token(part),
        });
        if !all_parameters_fine {
            return Err(EventTypeError::Parameter);
        }
        Ok(Self(text.into()))
    }

    /// The text as it goes into the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EventType {
    fn default() -> Self {
        Self::check_sync()
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
        "an event is a word of letters, digits and -.!%*_+`'~, such as check-sync: use the text \
         of the phone's CFG_RESYNC_FROM_SIP"
    )]
    Name,
    /// A part after a semicolon.
    #[error("an event's parameters are written ;name or ;name=value without spaces or quotes")]
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
        ] {
            assert_eq!(EventType::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            EventType::parse(" check-sync\t").unwrap(),
            EventType::default()
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
        for text in ["a;", "a;=x", "a;b=", "a;b=c d", "a; b"] {
            assert_eq!(
                EventType::parse(text),
                Err(EventTypeError::Parameter),
                "{text:?}"
            );
        }
        assert_eq!(
            EventType::parse(&"a".repeat(129)),
            Err(EventTypeError::TooLong)
        );
    }
}
