//! Names and values of headers that come from a setting, checked so that none can end its line.

use std::fmt;
use std::str::FromStr;

use crate::lex::is_token_byte;

/// A header field's name: a token (RFC 3261 §25.1), with a compact form written out.
///
/// Compared without regard to case.
#[derive(Clone, Debug)]
pub struct HeaderName(Box<str>);

/// A header field's value: one line of UTF-8 without control characters.
///
/// Spaces and tabs around it are dropped, as a reader of the header would.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderValue(Box<str>);

/// Longest name taken.
const MAX_NAME: usize = 64;
/// Longest value taken, in bytes: a NOTIFY travels in one datagram.
const MAX_VALUE: usize = 512;

/// Headers that the request itself decides; a second copy from a setting would contradict it, and
/// in Via, Route or the authorisation it would move the request or vouch for it.
const OWN: [&str; 17] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Max-Forwards",
    "Route",
    "Record-Route",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Event",
    "Date",
    "Authorization",
    "Proxy-Authorization",
    "Transfer-Encoding",
];

/// Headers that a setting may add: they describe the message and its sender to whoever reads it, and
/// move nothing, vouch for nothing, fetch nothing and show no caller. RFC 3261 §20, RFC 6665 §8.2 and
/// their registry know many more: an identity (P-Asserted-Identity, Identity), a picture or a tone from
/// a URL (Call-Info, Alert-Info), or an order (Refer-To, Replaces) is believed because of the address
/// that it comes from, which is the relay's, whoever wrote the setting.
pub const HARMLESS: [&str; 15] = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Allow",
    "Allow-Events",
    "Content-Disposition",
    "Content-Language",
    "Expires",
    "MIME-Version",
    "Organization",
    "Priority",
    "Subject",
    "Subscription-State",
    "Supported",
    "User-Agent",
];

impl HeaderName {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self, HeaderError> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(HeaderError::Name);
        }
        if name.len() > MAX_NAME {
            return Err(HeaderError::NameTooLong);
        }
        Ok(Self(full_name(name).into()))
    }

    /// The name as it is written into the request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a setting may not carry it, because the request decides it.
    pub fn is_reserved(&self) -> bool {
        OWN.iter().any(|own| own.eq_ignore_ascii_case(&self.0))
    }

    /// Whether a setting may add it: one of [`HARMLESS`].
    pub fn is_harmless(&self) -> bool {
        HARMLESS.iter().any(|name| self.is(name))
    }

    /// Whether it is that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HeaderName {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl HeaderValue {
    /// Checks a value.
    pub fn parse(value: &str) -> Result<Self, HeaderError> {
        let value = value.trim_matches([' ', '\t']);
        if value.len() > MAX_VALUE {
            return Err(HeaderError::ValueTooLong);
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(HeaderError::Value);
        }
        Ok(Self(value.into()))
    }

    /// The value as it is written into the request.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HeaderValue {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a header is not taken from a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No token.
    #[error("a header's name is made of letters, digits and -.!%*_+`'~, without the colon")]
    Name,
    /// More than 64 characters.
    #[error("a header's name has at most {MAX_NAME} characters")]
    NameTooLong,
    /// A line end or another control character.
    #[error("a header's value is one line: remove line ends and control characters")]
    Value,
    /// More than 512 bytes.
    #[error("a header's value has at most {MAX_VALUE} bytes")]
    ValueTooLong,
    /// One of those that the request decides.
    #[error("the header {0} is written by the request itself: remove it from the extra headers")]
    Reserved(HeaderName),
    /// None of those that a setting may add.
    #[error(
        "the header {0} may not be added, because phones and proxies act on it or believe it; allowed are {list}",
        list = HARMLESS.join(", ")
    )]
    NotHarmless(HeaderName),
    /// Another of a name of which a request has one.
    #[error("the header {0} is there twice, and a NOTIFY has one: remove one of them")]
    Twice(HeaderName),
}

/// The long form of a header's name (RFC 3261 §7.3.3 and the IANA registry), itself if it has none.
pub(crate) fn full_name(name: &str) -> &str {
    let [letter] = name.as_bytes() else {
        return name;
    };
    match letter.to_ascii_lowercase() {
        b'a' => "Accept-Contact",
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'd' => "Request-Disposition",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'j' => "Reject-Contact",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'n' => "Identity-Info",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        b'y' => "Identity",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_cannot_start_another_line() {
        for value in ["a\r\nVia: x", "a\nb", "a\rb", "a\0b", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(
                HeaderValue::parse(value),
                Err(HeaderError::Value),
                "{value:?}"
            );
        }
        assert_eq!(
            HeaderValue::parse(" one\ttwo ").unwrap().as_str(),
            "one\ttwo"
        );
        assert_eq!(HeaderValue::parse("").unwrap().as_str(), "");
        assert_eq!(HeaderValue::parse("réveil").unwrap().as_str(), "réveil");
    }

    #[test]
    fn a_name_is_a_token() {
        for name in ["", "X Y", "X:", "X\r\n", "é"] {
            assert_eq!(HeaderName::parse(name), Err(HeaderError::Name), "{name:?}");
        }
        assert_eq!(
            HeaderName::parse("x-reason").unwrap(),
            HeaderName::parse("X-Reason").unwrap()
        );
    }

    #[test]
    fn what_vouches_fetches_or_orders_is_not_harmless() {
        for name in [
            "P-Asserted-Identity",
            "P-Preferred-Identity",
            "Call-Info",
            "Alert-Info",
            "Error-Info",
            "Identity",
            "y",
            "Identity-Info",
            "Replaces",
            "Refer-To",
            "r",
            "Referred-By",
            "Reply-To",
            "Diversion",
            "Path",
            "Require",
            "Proxy-Require",
            "X-Anything",
        ] {
            assert!(!HeaderName::parse(name).unwrap().is_harmless(), "{name}");
        }
        for name in ["s", "subject", "Subscription-State", "USER-AGENT", "u", "k"] {
            assert!(HeaderName::parse(name).unwrap().is_harmless(), "{name}");
        }
        for name in HARMLESS {
            assert!(!HeaderName::parse(name).unwrap().is_reserved(), "{name}");
        }
    }

    #[test]
    fn a_compact_name_does_not_hide_a_reserved_header() {
        for name in ["v", "Via", "VIA", "i", "content-length", "L", "o", "route"] {
            assert!(HeaderName::parse(name).unwrap().is_reserved(), "{name}");
        }
        for name in ["s", "Subscription-State", "User-Agent", "X-Panasonic"] {
            assert!(!HeaderName::parse(name).unwrap().is_reserved(), "{name}");
        }
    }
}
