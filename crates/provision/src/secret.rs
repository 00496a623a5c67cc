//! Text that must not show up in logs, errors or previews.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// What stands for a secret where it is masked.
pub const MASK: &str = "********";

/// A text that neither `Debug` nor `Display` shows and that is wiped when dropped.
///
/// There is no serde for it: whoever stores or sends one says [`expose`](Self::expose), which is
/// easy to search for.
#[derive(Clone)]
pub struct SecretString(String);

impl SecretString {
    /// Keeps `text` from view.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString")
    }
}

impl fmt::Display for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// In a time that depends on the lengths only.
impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretString {}

impl Drop for SecretString {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_it() {
        let secret = SecretString::from("e3#rl2(&ae#1");
        assert_eq!(
            format!("{secret:?} {secret:#?} {secret}"),
            "SecretString SecretString ********"
        );
        assert_eq!(secret.expose(), "e3#rl2(&ae#1");
        assert_eq!(secret, SecretString::new("e3#rl2(&ae#1"));
        assert_ne!(secret, SecretString::new("e3#rl2(&ae#2"));
    }
}
