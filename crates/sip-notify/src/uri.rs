//! SIP URIs, as far as a NOTIFY over UDP needs them.

use std::fmt;
use std::str::FromStr;

use crate::host::Host;

/// A `sip:` URI (RFC 3261 §19.1) that a request over UDP can be sent to.
///
/// Refused, because it would send the request elsewhere than the host says, or over another
/// transport: `sips:`, `maddr`, `transport` other than `udp`; because it has no place in a
/// Request-URI: embedded headers (`?`); because it would print a secret: a password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    text: Box<str>,
    user_len: u16,
    host: Host,
    port: Option<u16>,
}

/// Longest URI taken, in bytes.
const MAX_URI: usize = 256;
/// `sip:`
const SCHEME_LEN: usize = 4;

impl SipUri {
    /// Reads `sip:user@host:port;parameters`; user, port and parameters may be missing.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI {
            return Err(UriError::TooLong);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if scheme.eq_ignore_ascii_case("sips") {
            return Err(UriError::Secure);
        }
        if !scheme.eq_ignore_ascii_case("sip") {
            return Err(UriError::Scheme);
        }
        // A user part may hold ';' and '?', so the '@' is looked for first (§19.1.2).
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) => (user, rest),
            None => ("", rest),
        };
        if rest.contains('@') || (user.is_empty() && text.contains('@')) {
            return Err(UriError::User);
        }
        if user.contains(':') {
            return Err(UriError::Password);
        }
        if !is_escaped_text(user, b"-_.!~*'()&=+$,;?/") {
            return Err(UriError::User);
        }
        if rest.contains('?') {
            return Err(UriError::Headers);
        }
        let (authority, parameters) = match rest.split_once(';') {
            Some((authority, parameters)) => (authority, Some(parameters)),
            None => (rest, None),
        };
        let (host, port) = split_port(authority)?;
        let host = Host::parse(host).ok_or(UriError::Host)?;
        for parameter in parameters.into_iter().flat_map(|all| all.split(';')) {
            check_parameter(parameter)?;
        }

        let mut canonical = String::with_capacity(text.len());
        canonical.push_str("sip:");
        canonical.push_str(user);
        if !user.is_empty() {
            canonical.push('@');
        }
        canonical.push_str(&host.to_string());
        if let Some(port) = port {
            canonical.push(':');
            canonical.push_str(&port.to_string());
        }
        if let Some(parameters) = parameters {
            canonical.push(';');
            canonical.push_str(parameters);
        }
        Ok(Self {
            text: canonical.into(),
            user_len: u16::try_from(user.len()).map_err(|_| UriError::TooLong)?,
            host,
            port,
        })
    }

    /// Reads a SIP address as registrars, phones and dial plans print it: a URI, or a URI in angle
    /// brackets with a name before it and parameters of a header behind it (`"Front Desk"
    /// <sip:201@192.0.2.5>;expires=60`), which are dropped. `sip:` may be left out.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); and [`UriError::Contact`] for `201/sip:…`, in which Asterisk's
    /// console joins an address of record and a contact: which of the two is meant cannot be told.
    pub fn parse_pasted(text: &str) -> Result<Self, UriError> {
        let text = text.trim_matches([' ', '\t']);
        let text = match text.rfind('<') {
            None => text,
            Some(at) => {
                let (name, rest) = text.split_at_checked(at).unwrap_or_default();
                let name = name.trim_matches([' ', '\t']);
                let (uri, after) = rest
                    .trim_start_matches('<')
                    .split_once('>')
                    .ok_or(UriError::Brackets)?;
                let after = after.trim_matches([' ', '\t']);
                let is_right = !name.contains(['<', '>', '\r', '\n'])
                    && (after.is_empty() || after.starts_with(';'))
                    && !after.contains(['>', '\r', '\n']);
                if !is_right {
                    return Err(UriError::Brackets);
                }
                uri
            }
        };
        let is_schemed = |text: &str| {
            ["sip:", "sips:"].iter().any(|scheme| {
                text.get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            })
        };
        if is_schemed(text) {
            return Self::parse(text);
        }
        if text
            .split_once('/')
            .is_some_and(|(_, rest)| is_schemed(rest))
        {
            return Err(UriError::Contact);
        }
        Self::parse(&format!("sip:{text}"))
    }

    /// The URI as it goes into a request: scheme and host in lower case, the rest as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`, escapes as written.
    pub fn user(&self) -> Option<&str> {
        let end = SCHEME_LEN.checked_add(usize::from(self.user_len))?;
        self.text
            .get(SCHEME_LEN..end)
            .filter(|user| !user.is_empty())
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, if the URI names one. One that does decides against SRV records (RFC 3263 §4.2).
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether the URI has the parameter `lr`, as that of a loose router must (RFC 3261 §19.1.1).
    pub fn is_loose_router(&self) -> bool {
        self.parameters().any(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("lr")
        })
    }

    /// The same URI with `lr`.
    #[must_use]
    pub fn into_loose_router(mut self) -> Self {
        if !self.is_loose_router() {
            self.text = format!("{};lr", self.text).into();
        }
        self
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        let after_user = self
            .text
            .split_once('@')
            .map_or(&*self.text, |(_, rest)| rest);
        after_user.split(';').skip(1)
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for SipUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text is no URI that a NOTIFY can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// No `sip:`.
    #[error("a SIP address starts with sip:, for example sip:100@pbx.example")]
    Scheme,
    /// `sips:`.
    #[error("sips: asks for TLS on the whole way, which no sender can promise: use sip:")]
    Secure,
    /// A character that must be escaped, or more than one `@`.
    #[error("the part before the @ holds a character that must be written as %hh")]
    User,
    /// `user:password@`.
    #[error("a password has no place in a SIP address: set the line's credentials instead")]
    Password,
    /// Neither an address nor a name.
    #[error("the host is neither an IPv4 address, an IPv6 address in brackets, nor a name")]
    Host,
    /// Not 1–65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// Malformed, or `maddr`.
    #[error(
        "a parameter is malformed, or is maddr, which would send the request elsewhere: correct or remove it"
    )]
    Parameter,
    /// `transport` other than `udp`.
    #[error("the transport is the sender's to choose: remove the transport parameter")]
    Transport,
    /// `?name=value`.
    #[error(
        "headers after a ? are not allowed in an address that a request is sent to: remove the ? and what follows"
    )]
    Headers,
    /// `201/sip:201@192.0.2.5`.
    #[error(
        "a registrar's line with a slash in it holds two addresses: write what follows the slash, from sip: on, to reach that contact, or user@domain for the address of record"
    )]
    Contact,
    /// `<` without `>`, or something behind it that belongs to no address.
    #[error("the angle brackets enclose one address, as in \"Front Desk\" <sip:201@192.0.2.5>")]
    Brackets,
    /// More than 256 bytes.
    #[error("a SIP address has at most {MAX_URI} characters")]
    TooLong,
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), UriError> {
    let port_at = match authority.rfind(']') {
        Some(bracket) => authority
            .get(bracket..)
            .and_then(|rest| rest.find(':'))
            .map(|at| at + bracket),
        None => authority.find(':'),
    };
    let Some((host, port)) = port_at.and_then(|at| authority.split_at_checked(at)) else {
        return Ok((authority, None));
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UriError::Port);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(UriError::Port),
        Ok(port) => Ok((host, Some(port))),
    }
}

fn check_parameter(parameter: &str) -> Result<(), UriError> {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (parameter, None),
    };
    const ALLOWED: &[u8] = b"-_.!~*'()[]/:&+$";
    if name.is_empty()
        || value == Some("")
        || !is_escaped_text(name, ALLOWED)
        || !is_escaped_text(value.unwrap_or_default(), ALLOWED)
        || name.eq_ignore_ascii_case("maddr")
    {
        return Err(UriError::Parameter);
    }
    if name.eq_ignore_ascii_case("transport")
        && !value.is_some_and(|v| v.eq_ignore_ascii_case("udp"))
    {
        return Err(UriError::Transport);
    }
    Ok(())
}

/// Letters, digits, `extra`, and `%hh`.
fn is_escaped_text(text: &str, extra: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
                hex() && hex()
            }
            _ => byte.is_ascii_alphanumeric() || extra.contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_parts_of_a_uri() {
        let uri = SipUri::parse("SIP:+4930%20x@PBX.example:5070;transport=UDP;user=phone").unwrap();
        assert_eq!(
            uri.as_str(),
            "sip:+4930%20x@pbx.example:5070;transport=UDP;user=phone"
        );
        assert_eq!(uri.user(), Some("+4930%20x"));
        assert_eq!(uri.host(), &Host::Name("pbx.example".into()));
        assert_eq!(uri.port(), Some(5070));

        let uri = SipUri::parse("sip:[2001:db8::7]").unwrap();
        assert_eq!((uri.user(), uri.port()), (None, None));
        assert_eq!(
            SipUri::parse("sip:1@[2001:db8::7]:5062").unwrap().port(),
            Some(5062)
        );
    }

    #[test]
    fn a_user_part_may_hold_what_looks_like_parameters() {
        let uri = SipUri::parse("sip:a;lr?b@192.0.2.1").unwrap();
        assert_eq!(uri.user(), Some("a;lr?b"));
        assert!(!uri.is_loose_router());
        assert_eq!(uri.into_loose_router().as_str(), "sip:a;lr?b@192.0.2.1;lr");
    }

    #[test]
    fn an_address_is_taken_as_registrars_print_it() {
        for (text, uri) in [
            ("\"Front Desk\" <sip:201@192.0.2.5>", "sip:201@192.0.2.5"),
            ("Front Desk <sip:201@192.0.2.5>", "sip:201@192.0.2.5"),
            ("\"a;b\"<SIP:201@PBX.example>", "sip:201@pbx.example"),
            ("<sip:proxy.example;lr>", "sip:proxy.example;lr"),
            (
                " <sip:201@192.0.2.5:5062;ob>;expires=3599;q=0.5 ",
                "sip:201@192.0.2.5:5062;ob",
            ),
            ("201@pbx.example", "sip:201@pbx.example"),
            ("proxy.example:5062", "sip:proxy.example:5062"),
        ] {
            assert_eq!(SipUri::parse_pasted(text).unwrap().as_str(), uri, "{text}");
        }
        for (text, error) in [
            ("201/sip:201@192.0.2.5:5060", UriError::Contact),
            ("201/SIP:201@192.0.2.5", UriError::Contact),
            ("<201/sip:201@192.0.2.5>", UriError::Contact),
            ("<sip:201@192.0.2.5", UriError::Brackets),
            (
                "<sip:201@192.0.2.5>, <sip:202@192.0.2.5>",
                UriError::Brackets,
            ),
            ("<sip:201@192.0.2.5> x", UriError::Brackets),
            ("x\r\ny <sip:201@192.0.2.5>", UriError::Brackets),
            ("<sip:201@192.0.2.5>;x\r\nY: z", UriError::Brackets),
            ("<sips:201@pbx.example>", UriError::Secure),
            ("\"x\" <>", UriError::Host),
            ("sip:a:b@pbx.example", UriError::Password),
        ] {
            assert_eq!(SipUri::parse_pasted(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        for (text, error) in [
            ("100@pbx.example", UriError::Scheme),
            ("tel:+1", UriError::Scheme),
            ("sips:100@pbx.example", UriError::Secure),
            ("sip:1 0@pbx.example", UriError::User),
            ("sip:@pbx.example", UriError::User),
            ("sip:a@b@pbx.example", UriError::User),
            ("sip:a%2@pbx.example", UriError::User),
            ("sip:a>@pbx.example", UriError::User),
            ("sip:a:b@pbx.example", UriError::Password),
            ("sip:", UriError::Host),
            ("sip:a@pbx.example\r\nX: y", UriError::Port),
            ("sip:a@pbx.example\r\n", UriError::Host),
            ("sip:a@2001:db8::1", UriError::Port),
            ("sip:a@pbx.example:", UriError::Port),
            ("sip:a@pbx.example:0", UriError::Port),
            ("sip:a@pbx.example:+5", UriError::Port),
            ("sip:a@pbx.example:70000", UriError::Port),
            ("sip:a@pbx.example;maddr=192.0.2.9", UriError::Parameter),
            ("sip:a@pbx.example;x=\"y\"", UriError::Parameter),
            ("sip:a@pbx.example;", UriError::Parameter),
            ("sip:a@pbx.example;transport=tcp", UriError::Transport),
            ("sip:a@pbx.example?Subject=x", UriError::Headers),
        ] {
            assert_eq!(SipUri::parse(text), Err(error), "{text:?}");
        }
        let long = format!("sip:{}@pbx.example", "a".repeat(300));
        assert_eq!(SipUri::parse(&long), Err(UriError::TooLong));
    }
}
