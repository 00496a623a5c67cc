//! Signatures by Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over id, time and body, joined by dots.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Begins a secret as it is shown.
const PREFIX: &str = "whsec_";

/// A secret: 32 bytes.
pub struct WebhookSecret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// A secret of random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// The secret of bytes that were unwrapped; nothing if they are none.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// What is wrapped.
    pub fn expose(&self) -> &[u8] {
        &*self.0
    }

    /// What the operator is shown once: `whsec_` and base64.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(*self.0))
    }

    /// The signature of a message. `at` is in Unix seconds.
    fn sign(&self, id: &str, at: u64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.expose()).ok()?;
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        Some(format!(
            "v1,{}",
            STANDARD.encode(mac.finalize().into_bytes())
        ))
    }
}

/// The value of `webhook-signature`: a signature by each secret, with a blank between.
pub fn signatures(secrets: &[WebhookSecret], id: &str, at: u64, body: &str) -> String {
    let each = secrets
        .iter()
        .filter_map(|secret| secret.sign(id, at, body));
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// printf 'msg_1.1700000000.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07 -binary | base64
    #[test]
    fn webhook_signature_format_unchanged() {
        let secret = || WebhookSecret::new([7; 32]);
        assert_eq!(
            secret().text(),
            "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        );
        let one = "v1,nuLLyheCKcS2N8JNOFt5stk98R+umYWr26/ZTfdtGM8=";
        assert_eq!(signatures(&[secret()], "msg_1", 1_700_000_000, "{}"), one);
        assert_eq!(
            signatures(&[secret(), secret()], "msg_1", 1_700_000_000, "{}"),
            format!("{one} {one}")
        );
        assert_eq!(format!("{:?}", secret()), "WebhookSecret(…)");
    }
}
