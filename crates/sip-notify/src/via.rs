//! The Via of an answer: it is ours, echoed, with what the peer saw of our address.

use std::net::IpAddr;

use crate::lex::{Cursor, is_space, trim, visible};

/// The topmost Via of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, … as written.
    pub transport: &'a str,
    /// The host of `sent-by`, as written.
    pub host: &'a str,
    /// The port of `sent-by`.
    pub port: Option<u16>,
    /// `branch`.
    pub branch: Option<&'a str>,
    /// `received`: the address that the peer saw the request come from.
    pub received: Option<IpAddr>,
    /// `rport`: the port that the peer saw the request come from (RFC 3581), once it is filled in.
    pub rport: Option<u16>,
    /// Whether an `rport` stands there, filled in or not.
    pub wants_rport: bool,
}

/// Reads the first value of a Via header; says also whether another follows it on the line.
pub(crate) fn parse(value: &[u8]) -> Option<(Via<'_>, bool)> {
    let mut cursor = Cursor::new(value);
    if !cursor.token()?.eq_ignore_ascii_case(b"SIP") || !cursor.eat(b'/') {
        return None;
    }
    if cursor.token()? != b"2.0" || !cursor.eat(b'/') {
        return None;
    }
    let transport = visible(cursor.token()?)?;
    cursor.skip_space();
    let (host, port) = sent_by(&mut cursor)?;
    let mut via = Via {
        transport,
        host,
        port,
        branch: None,
        received: None,
        rport: None,
        wants_rport: false,
    };
    while cursor.eat(b';') {
        let name = cursor.token()?;
        let value = if cursor.eat(b'=') {
            Some(parameter_value(&mut cursor)?)
        } else {
            None
        };
        // The first of a name counts: what a later hop appends cannot replace it.
        if name.eq_ignore_ascii_case(b"branch") && via.branch.is_none() {
            via.branch = Some(visible(value?)?);
        } else if name.eq_ignore_ascii_case(b"received") && via.received.is_none() {
            via.received = value.and_then(address);
        } else if name.eq_ignore_ascii_case(b"rport") && !via.wants_rport {
            via.wants_rport = true;
            via.rport = value.and_then(|digits| visible(digits)?.parse().ok());
        }
    }
    cursor.skip_space();
    if cursor.is_empty() {
        return Some((via, false));
    }
    cursor.eat(b',').then_some((via, true))
}

fn sent_by<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a str, Option<u16>)> {
    let host = if cursor.rest().first() == Some(&b'[') {
        let start = cursor.rest();
        cursor.take_while(|byte| byte != b']' && !is_space(byte));
        let len = start
            .len()
            .checked_sub(cursor.rest().len())?
            .checked_add(1)?;
        if !cursor.eat(b']') {
            return None;
        }
        start.get(..len)?
    } else {
        cursor.take_while(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let port = if cursor.eat(b':') {
        Some(
            visible(cursor.take_while(|byte| byte.is_ascii_digit()))?
                .parse()
                .ok()?,
        )
    } else {
        None
    };
    Some((visible(host)?, port))
}

/// A token, a host or a quoted string. Anything up to a separator will do: what does not matter to
/// us need not be right.
fn parameter_value<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if cursor.rest().first() == Some(&b'"') {
        return cursor.quoted();
    }
    let value = cursor.take_while(|byte| !is_space(byte) && !matches!(byte, b';' | b',' | b'"'));
    (!value.is_empty()).then_some(value)
}

/// An address; an IPv6 one comes with brackets or, as RFC 3261 has it, without.
fn address(value: &[u8]) -> Option<IpAddr> {
    let text = visible(trim(value))?;
    let text = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_nat_fills_in_received_and_rport() {
        let (via, more) =
            parse(b"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;received=192.0.2.9;rport=40001")
                .unwrap();
        assert!(!more);
        assert_eq!((via.host, via.port), ("10.0.0.1", Some(5060)));
        assert_eq!(via.branch, Some("z9hG4bKx"));
        assert_eq!(via.received, Some([192, 0, 2, 9].into()));
        assert_eq!(via.rport, Some(40001));
    }

    #[test]
    fn white_space_and_folds_are_allowed_between_the_parts() {
        let (via, more) = parse(
            b"SIP  / 2.0\r\n /UDP\r\n  [2001:db8::1] : 5061 ;\r\n\tbranch = z9hG4bKy ; rport;received=2001:db8::9, SIP/2.0/UDP x",
        )
        .unwrap();
        assert!(more);
        assert_eq!(
            (via.transport, via.host, via.port),
            ("UDP", "[2001:db8::1]", Some(5061))
        );
        assert_eq!(via.branch, Some("z9hG4bKy"));
        assert_eq!(via.received, Some("2001:db8::9".parse().unwrap()));
        assert_eq!((via.rport, via.wants_rport), (None, true));
    }

    #[test]
    fn a_via_that_is_none_is_refused() {
        for value in [
            &b""[..],
            b"SIP/2.0",
            b"SIP/1.0/UDP h;branch=x",
            b"SIP/2.0/UDP ;branch=x",
            b"SIP/2.0/UDP h:99999;branch=x",
            b"SIP/2.0/UDP h;branch=",
            b"SIP/2.0/UDP h;branch",
            b"SIP/2.0/UDP h;branch=a b",
            b"SIP/2.0/UDP [::1;branch=x",
            b"SIP/2.0/UDP h;branch=\xff",
        ] {
            assert_eq!(parse(value), None, "{}", value.escape_ascii());
        }
    }
}
