//! Who a NOTIFY is sent as, when somebody asks.

use std::fmt;

use zeroize::Zeroizing;

/// A username and password for one realm or, without one, for whoever asks.
///
/// The password is wiped from memory when the last holder lets go; `Debug` shows neither.
#[derive(Clone)]
pub struct Credentials {
    username: Box<str>,
    password: Zeroizing<Box<str>>,
    realm: Option<Box<str>>,
}

/// Longest username, password or realm taken, in bytes.
const MAX_LEN: usize = 256;

impl Credentials {
    /// Checks and keeps them. `realm`, if given, is the only one that gets an answer: a digest is
    /// something to guess passwords by, and is shown to nobody else.
    pub fn new(
        username: &str,
        password: &str,
        realm: Option<&str>,
    ) -> Result<Self, CredentialsError> {
        // The colon ends the username in the hash; quote and backslash would need an escape, which
        // challengers disagree about when they hash.
        if username.is_empty()
            || username.len() > MAX_LEN
            || username.contains([':', '"', '\\'])
            || username.chars().any(char::is_control)
        {
            return Err(CredentialsError::Username);
        }
        if password.len() > MAX_LEN || password.chars().any(char::is_control) {
            return Err(CredentialsError::Password);
        }
        if realm.is_some_and(|realm| realm.len() > MAX_LEN || realm.chars().any(char::is_control)) {
            return Err(CredentialsError::Realm);
        }
        Ok(Self {
            username: username.into(),
            password: Zeroizing::new(password.into()),
            realm: realm.map(Into::into),
        })
    }

    /// The username.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Whether they are meant for this realm.
    pub fn fit(&self, realm: &str) -> bool {
        self.realm.as_deref().is_none_or(|own| own == realm)
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Why credentials are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Empty, too long, or with a character that a digest cannot carry.
    #[error(
        "a SIP username has 1 to {MAX_LEN} characters, without colon, quote, backslash or control characters"
    )]
    Username,
    /// Too long, or with a control character.
    #[error("a SIP password has at most {MAX_LEN} characters, without control characters")]
    Password,
    /// Too long, or with a control character.
    #[error("a realm has at most {MAX_LEN} characters, without control characters")]
    Realm,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn debug_says_nothing() {
        let credentials = Credentials::new("100", "s3cret", Some("pbx.example")).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    }

    #[test]
    fn they_fit_their_realm_only() {
        let bound = Credentials::new("100", "x", Some("pbx.example")).unwrap();
        assert!(bound.fit("pbx.example") && !bound.fit("other.example"));
        assert!(
            Credentials::new("100", "x", None)
                .unwrap()
                .fit("other.example")
        );
    }

    #[test]
    fn what_would_break_the_header_is_refused() {
        for username in ["", "a:b", "a\"b", "a\\b", "a\r\nb"] {
            assert_eq!(
                Credentials::new(username, "x", None).unwrap_err(),
                CredentialsError::Username
            );
        }
        assert_eq!(
            Credentials::new("a", "x\ny", None).unwrap_err(),
            CredentialsError::Password
        );
        assert_eq!(
            Credentials::new("a", "x", Some("\n")).unwrap_err(),
            CredentialsError::Realm
        );
    }
}
