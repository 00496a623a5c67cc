//! Digest access authentication: RFC 7616, and RFC 2617 for the peers of its time.

use std::fmt::Write;

use md5::Md5;
use sha2::Sha256;
use sha2::digest::Digest;

/// A digest's hash. The `-sess` forms bind the password to one nonce and cnonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`
    Md5,
    /// `MD5-sess`
    Md5Session,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Session,
}

impl Algorithm {
    /// The algorithm of that name, in any case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        [
            Self::Md5,
            Self::Md5Session,
            Self::Sha256,
            Self::Sha256Session,
        ]
        .into_iter()
        .find(|algorithm| name.eq_ignore_ascii_case(algorithm.as_str().as_bytes()))
    }

    /// The name as RFC 7616 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Session => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Session => "SHA-256-sess",
        }
    }

    /// Whether it is one of the `-sess` forms.
    pub fn is_session(self) -> bool {
        matches!(self, Self::Md5Session | Self::Sha256Session)
    }

    /// The larger, the better, for choosing among several challenges.
    pub(crate) fn strength(self) -> u8 {
        match self {
            Self::Md5 | Self::Md5Session => 0,
            Self::Sha256 | Self::Sha256Session => 1,
        }
    }

    /// The hash, in lower-case hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Md5 | Self::Md5Session => hash::<Md5>(parts),
            Self::Sha256 | Self::Sha256Session => hash::<Sha256>(parts),
        }
    }
}

/// All that a digest is calculated from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The hash.
    pub algorithm: Algorithm,
    /// Who is let through.
    pub username: &'a str,
    /// What only he and the challenger know.
    pub password: &'a str,
    /// Of the challenge.
    pub realm: &'a str,
    /// Of the challenge.
    pub nonce: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
    /// The client's own one-time value.
    pub cnonce: &'a str,
    /// How often the nonce was used, this time included; `None` without `qop`.
    pub nonce_count: Option<u32>,
}

impl Input<'_> {
    /// The value of `response` (RFC 7616 §3.4.1).
    pub fn response(&self) -> String {
        let hash = |parts: &[&str]| self.algorithm.hash(parts);
        let mut secret = hash(&[self.username, self.realm, self.password]);
        if self.algorithm.is_session() {
            secret = hash(&[&secret, self.nonce, self.cnonce]);
        }
        let request = hash(&[self.method, self.uri]);
        match self.nonce_count {
            Some(count) => {
                let count = nonce_count(count);
                hash(&[&secret, self.nonce, &count, self.cnonce, "auth", &request])
            }
            None => hash(&[&secret, self.nonce, &request]),
        }
    }
}

/// `nc`: eight hexadecimal digits.
pub(crate) fn nonce_count(count: u32) -> String {
    format!("{count:08x}")
}

/// The hash of the parts with colons between.
fn hash<D: Digest>(parts: &[&str]) -> String {
    let mut digest = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            digest.update(b":");
        }
        digest.update(part.as_bytes());
    }
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    const RFC_7616: Input<'static> = Input {
        algorithm: Algorithm::Sha256,
        username: "Mufasa",
        password: "Circle of Life",
        realm: "http-auth@example.org",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        method: "GET",
        uri: "/dir/index.html",
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nonce_count: Some(1),
    };

    /// RFC 2617 §3.5.
    const RFC_2617: Input<'static> = Input {
        algorithm: Algorithm::Md5,
        username: "Mufasa",
        password: "Circle Of Life",
        realm: "testrealm@host.com",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        method: "GET",
        uri: "/dir/index.html",
        cnonce: "0a4f113b",
        nonce_count: Some(1),
    };

    #[test]
    fn the_examples_of_rfc_7616() {
        assert_eq!(
            RFC_7616.response(),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
        let md5 = Input {
            algorithm: Algorithm::Md5,
            ..RFC_7616
        };
        assert_eq!(md5.response(), "8ca523f5e9506fed4657c9700eebdbec");
    }

    #[test]
    fn the_example_of_rfc_2617() {
        assert_eq!(RFC_2617.response(), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn without_qop_the_form_of_rfc_2069() {
        let old = Input {
            nonce_count: None,
            ..RFC_2617
        };
        assert_eq!(old.response(), "670fd8c2df070c60b045671b8b24ff02");
    }

    /// Calculated with `md5sum` and `sha256sum` from the formula of RFC 7616 §3.4.2.
    #[test]
    fn the_session_forms_bind_the_password_to_nonce_and_cnonce() {
        let md5 = Input {
            algorithm: Algorithm::Md5Session,
            ..RFC_7616
        };
        assert_eq!(md5.response(), "e783283f46242139c486a698fec7211d");
        let sha = Input {
            algorithm: Algorithm::Sha256Session,
            ..RFC_7616
        };
        assert_eq!(
            sha.response(),
            "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"
        );
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Algorithm::parse(b"sha-256"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::parse(b"MD5-SESS"), Some(Algorithm::Md5Session));
        assert_eq!(Algorithm::parse(b"SHA-512-256"), None);
    }
}
