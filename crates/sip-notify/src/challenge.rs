//! WWW-Authenticate and Proxy-Authenticate: what must be known to be let through.

use crate::digest::Algorithm;
use crate::lex::{Cursor, is_space, is_token_byte};
use crate::response::Response;

/// Who challenged: it decides the header that the answer goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Challenger {
    /// The phone itself (401).
    Origin,
    /// A proxy on the way (407).
    Proxy,
}

impl Challenger {
    /// Who sent this response, if it is a challenge.
    pub fn of(response: &Response<'_>) -> Option<Self> {
        match response.status() {
            401 => Some(Self::Origin),
            407 => Some(Self::Proxy),
            _ => None,
        }
    }

    /// The header that carries the challenge.
    pub fn challenge_header(self) -> &'static str {
        match self {
            Self::Origin => "WWW-Authenticate",
            Self::Proxy => "Proxy-Authenticate",
        }
    }

    /// The header that carries the answer.
    pub fn answer_header(self) -> &'static str {
        match self {
            Self::Origin => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

/// A digest challenge that can be answered (RFC 7616 §3.3, RFC 2617 §3.2.1).
///
/// Realm, nonce and opaque are kept as they stood between the quotes, escapes included: they are
/// sent back so, and `unq()` of the RFCs removes quotes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is wanted.
    pub realm: Box<str>,
    /// The challenger's one-time value.
    pub nonce: Box<str>,
    /// To be sent back unchanged.
    pub opaque: Option<Box<str>>,
    /// The hash; MD5 where the challenge names none.
    pub algorithm: Algorithm,
    /// Whether `qop=auth` is offered. Without, the older form of RFC 2069 is meant.
    pub qop_auth: bool,
    /// The password was right and the nonce too old.
    pub stale: bool,
}

/// Why a challenge cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Basic, Bearer, …: a password is sent as a digest or not at all.
    #[error("the scheme is not Digest")]
    Scheme,
    /// Neither MD5 nor SHA-256.
    #[error("the algorithm is neither MD5 nor SHA-256")]
    Algorithm,
    /// Only `auth-int`, or a session algorithm without qop, whose meaning RFC 2617 leaves open.
    #[error("the quality of protection is not auth")]
    Qop,
    /// Realm or nonce missing or twice, or a control character.
    #[error("the challenge is malformed")]
    Malformed,
    /// A realm, nonce or opaque of more than 512 bytes.
    #[error("the realm, nonce or opaque has more than {MAX_VALUE} bytes")]
    TooLong,
}

/// Longest realm, nonce or opaque taken: each is sent back in one datagram.
const MAX_VALUE: usize = 512;

/// The challenges of one header. RFC 3261 §20.44 wants one per header line, HTTP allows several, and
/// so do some peers.
pub(crate) fn parse_all(value: &[u8]) -> Vec<Result<Challenge, ChallengeError>> {
    let mut cursor = Cursor::new(value);
    let mut all = Vec::new();
    while !cursor.is_empty() {
        let Some(scheme) = scheme(&mut cursor) else {
            all.push(Err(ChallengeError::Malformed));
            break;
        };
        let fields = Fields::read(&mut cursor);
        all.push(if scheme.eq_ignore_ascii_case(b"Digest") {
            fields.and_then(Fields::check)
        } else {
            Err(ChallengeError::Scheme)
        });
        if fields.is_err() {
            break;
        }
    }
    all
}

fn scheme<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    cursor.skip_space();
    let scheme = cursor.token()?;
    cursor.skip_space();
    Some(scheme)
}

/// The parameters of one challenge, as they stand there.
#[derive(Clone, Copy, Default)]
struct Fields<'a> {
    realm: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
    opaque: Option<&'a [u8]>,
    algorithm: Option<&'a [u8]>,
    qop: Option<&'a [u8]>,
    stale: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads up to the end, or to where the next challenge begins: a token followed by no `=`.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ChallengeError> {
        let mut fields = Self::default();
        loop {
            while cursor.eat(b',') {}
            if cursor.is_empty() {
                return Ok(fields);
            }
            let before = *cursor;
            let name = cursor.token().ok_or(ChallengeError::Malformed)?;
            if !cursor.eat(b'=') {
                *cursor = before;
                return Ok(fields);
            }
            let value = match cursor.quoted() {
                Some(quoted) => quoted,
                // `=` and `/`: the token68 of other schemes, which is skipped.
                None => {
                    cursor.take_while(|byte| is_token_byte(byte) || matches!(byte, b'=' | b'/'))
                }
            };
            cursor.skip_space();
            if !matches!(cursor.rest().first(), None | Some(b',')) {
                return Err(ChallengeError::Malformed);
            }
            fields.set(name, value)?;
        }
    }

    fn set(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), ChallengeError> {
        let places = [
            (&b"realm"[..], &mut self.realm),
            (b"nonce", &mut self.nonce),
            (b"opaque", &mut self.opaque),
            (b"algorithm", &mut self.algorithm),
            (b"qop", &mut self.qop),
            (b"stale", &mut self.stale),
        ];
        for (known, place) in places {
            if name.eq_ignore_ascii_case(known) {
                // Twice the same parameter: which one the challenger means is a guess.
                return match place.replace(value) {
                    None => Ok(()),
                    Some(_) => Err(ChallengeError::Malformed),
                };
            }
        }
        Ok(())
    }

    fn check(self) -> Result<Challenge, ChallengeError> {
        let algorithm = match self.algorithm {
            None => Algorithm::Md5,
            Some(name) => Algorithm::parse(name).ok_or(ChallengeError::Algorithm)?,
        };
        let mut options = self
            .qop
            .unwrap_or_default()
            .split(|byte| *byte == b',' || is_space(*byte))
            .filter(|option| !option.is_empty())
            .peekable();
        let has_qop = options.peek().is_some();
        let qop_auth = options.any(|option| option.eq_ignore_ascii_case(b"auth"));
        if has_qop != qop_auth || (algorithm.is_session() && !qop_auth) {
            return Err(ChallengeError::Qop);
        }
        Ok(Challenge {
            realm: echo(self.realm.ok_or(ChallengeError::Malformed)?)?,
            nonce: echo(self.nonce.ok_or(ChallengeError::Malformed)?)?,
            opaque: self.opaque.map(echo).transpose()?,
            algorithm,
            qop_auth,
            stale: self
                .stale
                .is_some_and(|word| word.eq_ignore_ascii_case(b"true")),
        })
    }
}

/// A value that goes back into a header of ours: it must not be able to end the line.
fn echo(value: &[u8]) -> Result<Box<str>, ChallengeError> {
    let text = std::str::from_utf8(value).map_err(|_| ChallengeError::Malformed)?;
    if text.chars().any(char::is_control) {
        return Err(ChallengeError::Malformed);
    }
    if text.len() > MAX_VALUE {
        return Err(ChallengeError::TooLong);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_usual_challenge() {
        let all = parse_all(
            br#"Digest realm="pbx.example",nonce="n/1=", algorithm=md5 ,qop="auth-int, auth" , opaque="", stale=TRUE, domain="sip:x", extra"#,
        );
        // A name without value at the end looks like another scheme.
        assert_eq!(all.len(), 2);
        let challenge = all[0].as_ref().unwrap();
        assert_eq!(&*challenge.realm, "pbx.example");
        assert_eq!(&*challenge.nonce, "n/1=");
        assert_eq!(challenge.opaque.as_deref(), Some(""));
        assert_eq!(challenge.algorithm, Algorithm::Md5);
        assert!(challenge.qop_auth && challenge.stale);
        assert_eq!(all[1], Err(ChallengeError::Scheme));
    }

    #[test]
    fn several_challenges_in_one_header_are_told_apart() {
        let all = parse_all(
            br#"Basic realm="a", Digest realm="b", nonce="1", algorithm=SHA-256, Bearer abc=, digest realm=c,nonce=2"#,
        );
        assert_eq!(all.len(), 4);
        assert_eq!(all[0], Err(ChallengeError::Scheme));
        assert_eq!(all[1].as_ref().unwrap().algorithm, Algorithm::Sha256);
        assert_eq!(all[2], Err(ChallengeError::Scheme));
        assert_eq!(&*all[3].as_ref().unwrap().realm, "c");
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        for (value, error) in [
            (
                &br#"Digest realm="a", nonce="1", algorithm=SHA-512-256"#[..],
                ChallengeError::Algorithm,
            ),
            (
                br#"Digest realm="a", nonce="1", qop="auth-int""#,
                ChallengeError::Qop,
            ),
            (
                br#"Digest realm="a", nonce="1", algorithm=MD5-sess"#,
                ChallengeError::Qop,
            ),
            (br#"Digest nonce="1""#, ChallengeError::Malformed),
            (br#"Digest realm="a""#, ChallengeError::Malformed),
            (
                br#"Digest realm="a", realm="b", nonce="1""#,
                ChallengeError::Malformed,
            ),
            (
                b"Digest realm=\"a\r\n b\", nonce=\"1\"",
                ChallengeError::Malformed,
            ),
            (
                b"Digest realm=\"\xff\", nonce=\"1\"",
                ChallengeError::Malformed,
            ),
            (br#"Digest realm="a, nonce=1"#, ChallengeError::Malformed),
            (b",", ChallengeError::Malformed),
        ] {
            assert_eq!(parse_all(value), [Err(error)], "{}", value.escape_ascii());
        }
        assert!(parse_all(b"").is_empty());
        for name in ["realm", "nonce", "opaque"] {
            let value = r#"Digest realm="a", nonce="1", opaque="o""#.replace(
                &format!("{name}=\""),
                &format!("{name}=\"{}", "x".repeat(MAX_VALUE)),
            );
            assert_eq!(
                parse_all(value.as_bytes()),
                [Err(ChallengeError::TooLong)],
                "{name}"
            );
        }
    }
}
