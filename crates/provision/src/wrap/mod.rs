//! Wrapping: how keys, secret settings and plaintext files are kept at rest.
//!
//! AES-256-GCM under a subkey of a master key, which is a secret of the Worker. The identity of the
//! row is the associated data, so a value moved to another row does not unwrap there. The id of the
//! master key is stored with each value, so that the secret can be rotated: a [`Keyring`] wraps
//! with the current master key and unwraps with the previous one too, until every value is wrapped
//! again. That may stop and start again anywhere.
//!
//! Two formats, both pinned by tests:
//!
//! | for | format |
//! |---|---|
//! | a column of text | `v1.<key id>.<base64url of the nonce>.<base64url of ciphertext and tag>` |
//! | a file in KV | see [`FileFrame`]; the bytes are WebCrypto's, which may do the work |
//!
//! A nonce is twelve random bytes, and must be new for every call. NIST SP 800-38D §8.3 allows 2³²
//! random nonces under one key: rotate the master key long before that.

mod frame;
mod master;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use frame::FileFrame;
pub use master::{MasterKey, MasterKeyError};

use crate::key::DeviceKey;

/// The master keys in use: the one that wraps, and during a rotation the one before it.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: MasterKey,
    previous: Option<MasterKey>,
}

impl Keyring {
    /// Puts two master keys together.
    ///
    /// # Errors
    /// [`MasterKeyError::SameId`]: nobody could tell which of them wrapped a value.
    pub fn new(current: MasterKey, previous: Option<MasterKey>) -> Result<Self, MasterKeyError> {
        match &previous {
            Some(previous) if previous.id() == current.id() => Err(MasterKeyError::SameId {
                id: current.id().to_owned(),
            }),
            _ => Ok(Self { current, previous }),
        }
    }

    /// The master key that wraps.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The master key before it, during a rotation.
    pub fn previous(&self) -> Option<&MasterKey> {
        self.previous.as_ref()
    }

    /// The master key of this id, if it is one of the two.
    ///
    /// # Errors
    /// [`WrapError::UnknownKey`].
    pub fn find(&self, id: &str) -> Result<&MasterKey, WrapError> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id() == id)
            .ok_or_else(|| WrapError::UnknownKey { id: id.to_owned() })
    }

    /// Wraps a value for the row that `associated_data` names, such as `device-key:<id>:<generation>`.
    ///
    /// # Errors
    /// [`WrapError::TooLong`], which takes 64 GiB.
    pub fn wrap(
        &self,
        nonce: [u8; 12],
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<String, WrapError> {
        let ciphertext = seal(self.current.wrap_key(), nonce, associated_data, plaintext)?;
        Ok(Wrapped {
            key_id: self.current.id(),
            nonce,
            ciphertext,
        }
        .write())
    }

    /// Unwraps the value of the row that `associated_data` names.
    ///
    /// # Errors
    /// [`WrapError::Format`], [`WrapError::UnknownKey`] or [`WrapError::Tampered`].
    pub fn unwrap(&self, associated_data: &str, wrapped: &str) -> Result<Vec<u8>, WrapError> {
        let wrapped = Wrapped::parse(wrapped)?;
        let key = self.find(wrapped.key_id)?;
        open(
            key.wrap_key(),
            wrapped.nonce,
            associated_data,
            &wrapped.ciphertext,
        )
    }

    /// Every [fingerprint](DeviceKey::fingerprint) that a row with this key may have: under the
    /// current master key, to be stored, and under the previous one. A key is taken if a row has
    /// either of them.
    pub fn fingerprints(&self, key: &DeviceKey) -> (String, Option<String>) {
        let under = |master: &MasterKey| key.fingerprint(master.fingerprint_key());
        (under(&self.current), self.previous.as_ref().map(under))
    }

    /// Wraps a file for KV into a [`FileFrame`].
    ///
    /// # Errors
    /// [`WrapError::TooLong`], which takes 64 GiB.
    pub fn wrap_file(
        &self,
        nonce: [u8; 12],
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, WrapError> {
        let ciphertext = seal(self.current.file_key(), nonce, associated_data, plaintext)?;
        Ok(FileFrame::write(&self.current, nonce, &ciphertext))
    }

    /// Unwraps a file from KV.
    ///
    /// # Errors
    /// Those of [`unwrap`](Self::unwrap).
    pub fn unwrap_file(&self, associated_data: &str, frame: &[u8]) -> Result<Vec<u8>, WrapError> {
        let frame = FileFrame::parse(frame)?;
        let key = self.find(frame.key_id)?;
        open(
            key.file_key(),
            frame.nonce,
            associated_data,
            frame.ciphertext,
        )
    }
}

/// The id of the master key that a value was wrapped under.
///
/// # Errors
/// [`WrapError::Format`].
pub fn key_id_of(wrapped: &str) -> Result<&str, WrapError> {
    Ok(Wrapped::parse(wrapped)?.key_id)
}

/// Why a value does not unwrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// Not one of the formats of this module.
    #[error("not a wrapped value: {0}")]
    Format(&'static str),
    /// The master key is not in the ring.
    #[error(
        "wrapped under the master key `{id}`, which is neither the current nor the previous one: \
         give it back as the previous one until the rotation has finished"
    )]
    UnknownKey {
        /// The id stored with the value.
        id: String,
    },
    /// The tag is wrong.
    #[error(
        "the value was altered, belongs to another row, or its master key's id now names another secret"
    )]
    Tampered,
    /// More than AES-GCM can take.
    #[error("the value is too long to be wrapped")]
    TooLong,
}

/// The parts of a wrapped text.
struct Wrapped<'a> {
    key_id: &'a str,
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

impl<'a> Wrapped<'a> {
    const VERSION: &'static str = "v1";

    fn parse(text: &'a str) -> Result<Self, WrapError> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(WrapError::Format("it needs four parts"));
        let (version, key_id, nonce, ciphertext) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(WrapError::Format("it has more than four parts"));
        }
        if version != Self::VERSION {
            return Err(WrapError::Format("it is not of version v1"));
        }
        if !MasterKey::is_id(key_id) {
            return Err(WrapError::Format("its key id is not one"));
        }
        let bytes = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| WrapError::Format("it is not in base64url"))
        };
        Ok(Self {
            key_id,
            nonce: <[u8; 12]>::try_from(bytes(nonce)?)
                .map_err(|_| WrapError::Format("its nonce has not twelve bytes"))?,
            ciphertext: bytes(ciphertext)?,
        })
    }

    fn write(&self) -> String {
        format!(
            "{}.{}.{}.{}",
            Self::VERSION,
            self.key_id,
            URL_SAFE_NO_PAD.encode(self.nonce),
            URL_SAFE_NO_PAD.encode(&self.ciphertext),
        )
    }
}

fn seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let payload = Payload {
        msg: plaintext,
        aad: associated_data.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| WrapError::TooLong)
}

fn open(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .decrypt(&nonce.into(), payload)
        .map_err(|_| WrapError::Tampered)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::hash::hex;

    /// The bytes 0 to 31.
    const MASTER: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "k2:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NONCE: [u8; 12] = [
        0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
    ];
    const ROW: &str = "device/1/key/1";
    const KEY: &str = "12341234abcdabcd12341234abcdabcd";
    /// Made by WebCrypto, as are the other pinned values here.
    const WRAPPED: &str = "v1.k1.oKGio6Slpqeoqaqr.\
        WBlWoSGsC5GngdCN6WrO1NlGDG_NzLwhFVi1RxIxA2vp-inaex_XemC46Z3O3kRp";

    fn ring(current: &str, previous: Option<&str>) -> Keyring {
        let parse = |text| MasterKey::parse(text).unwrap();
        Keyring::new(parse(current), previous.map(parse)).unwrap()
    }

    #[test]
    fn wrapped_text_format_unchanged() {
        let ring = ring(MASTER, None);
        assert_eq!(ring.wrap(NONCE, ROW, KEY.as_bytes()).unwrap(), WRAPPED);
        assert_eq!(ring.unwrap(ROW, WRAPPED).unwrap(), KEY.as_bytes());
        assert_eq!(key_id_of(WRAPPED).unwrap(), "k1");
    }

    #[test]
    fn file_frame_format_unchanged() {
        let ring = ring(MASTER, None);
        let text = b"NAME=\"value\"\r\n";
        let frame = ring.wrap_file(NONCE, "file/1", text).unwrap();
        assert_eq!(
            hex(&frame),
            "7631026b31a0a1a2a3a4a5a6a7a8a9aaab\
             4e46b1e1aa4bae57a2cd101814a56e82e34b74dd0049b7d3b41c6d0cb34c"
                .replace(' ', "")
        );
        assert_eq!(ring.unwrap_file("file/1", &frame).unwrap(), text);
    }

    #[test]
    fn subkeys_unchanged() {
        let key = MasterKey::parse(MASTER).unwrap();
        let subkeys = [
            key.wrap_key(),
            key.fingerprint_key(),
            key.salt_key(),
            key.file_key(),
        ];
        assert_eq!(
            subkeys.map(|subkey| hex(subkey)),
            [
                "ad3d2f7c78a48ffd4cf1e265528c6180057fc8e0e1791b3c43aec0412b4335fd",
                "c26cf730ec10c99bf924c6cb45843d0854b658a525e15ea4191495b4b8a5e1fe",
                "e95c8d394a76ef10bccee6199723d92cc2059264e28922badfdb62cfb797432c",
                "7f2eff349699f6bf84634cb12e3163ea63e3e34935f456c9d39117b1defee301",
            ]
        );
    }

    #[test]
    fn audit_tag_format_unchanged() {
        let key = MasterKey::parse(MASTER).unwrap();
        // Made by Python's hmac.
        assert_eq!(
            key.audit_tag(&["audit-head", "7"]),
            "dffb13d5aba65aae7fe07b0c8730ae29d2add6370e061b8cfacb059ffd8a4195"
        );
        assert_ne!(key.audit_tag(&["ab", "c"]), key.audit_tag(&["a", "bc"]));
    }

    #[test]
    fn a_value_in_another_row_does_not_unwrap() {
        let ring = ring(MASTER, None);
        let moved = ring.unwrap("device/2/key/1", WRAPPED);
        assert_eq!(moved, Err(WrapError::Tampered));
    }

    #[test]
    fn a_text_does_not_unwrap_as_a_file() {
        let ring = ring(MASTER, None);
        let text = Wrapped::parse(WRAPPED).unwrap();
        let frame = FileFrame::write(ring.current(), text.nonce, &text.ciphertext);
        assert_eq!(ring.unwrap_file(ROW, &frame), Err(WrapError::Tampered));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let ring = ring(MASTER, None);
        let frame = ring.wrap_file(NONCE, ROW, b"content").unwrap();
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(ring.unwrap_file(ROW, &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_rotation_goes_value_by_value_and_may_stop_anywhere() {
        let during = ring(OTHER, Some(MASTER));
        assert_eq!(during.unwrap(ROW, WRAPPED).unwrap(), KEY.as_bytes());
        let again = during.wrap([1; 12], ROW, KEY.as_bytes()).unwrap();
        assert_eq!(key_id_of(&again).unwrap(), "k2");

        let after = ring(OTHER, None);
        assert_eq!(after.unwrap(ROW, &again).unwrap(), KEY.as_bytes());
        assert_eq!(
            after.unwrap(ROW, WRAPPED),
            Err(WrapError::UnknownKey {
                id: "k1".to_owned()
            })
        );
    }

    #[test]
    fn during_a_rotation_a_key_has_two_fingerprints() {
        let key = DeviceKey::parse(KEY).unwrap();
        let (before, none) = ring(MASTER, None).fingerprints(&key);
        let (current, previous) = ring(OTHER, Some(MASTER)).fingerprints(&key);
        assert_eq!((none, previous), (None, Some(before.clone())));
        assert_ne!(current, before);
    }

    #[test]
    fn two_master_keys_of_one_id_are_no_ring() {
        let one = MasterKey::parse(MASTER).unwrap();
        let same = Keyring::new(one.clone(), Some(one)).unwrap_err();
        assert_eq!(
            same,
            MasterKeyError::SameId {
                id: "k1".to_owned()
            }
        );
    }

    #[test]
    fn refuses_what_is_no_master_key_without_repeating_it() {
        let parse = |text: &str| MasterKey::parse(text).unwrap_err();
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert_eq!(parse(secret), MasterKeyError::NoId);
        assert_eq!(parse(&format!(":{secret}")), MasterKeyError::Id);
        assert_eq!(parse(&format!("a.b:{secret}")), MasterKeyError::Id);
        let short = parse("k1:AAECAwQ=");
        assert_eq!(
            short,
            MasterKeyError::Length {
                id: "k1".to_owned(),
                found: 5
            }
        );
        let garbled = parse(&format!("k1:!{secret}"));
        assert!(matches!(garbled, MasterKeyError::NotBase64 { .. }));
        assert!(!format!("{garbled} {garbled:?} {short}").contains("AAEC"));
        assert!(MasterKey::parse(&format!("{MASTER}\n")).is_ok());
    }

    #[test]
    fn debug_shows_ids_alone() {
        let ring = ring(OTHER, Some(MASTER));
        insta::assert_snapshot!(
            format!("{ring:?}"),
            @r#"Keyring { current: MasterKey { id: "k2", .. }, previous: Some(MasterKey { id: "k1", .. }) }"#
        );
    }

    #[test]
    fn says_what_is_no_wrapped_text() {
        for text in [
            "",
            "v1",
            "v1.k1.AA",
            "v2.k1.AA.AA",
            "v1..AA.AA",
            "v1.k1.AA.AA",
            "v1.k1.AA.AA.AA",
        ] {
            assert!(
                matches!(key_id_of(text), Err(WrapError::Format(_))),
                "{text}"
            );
        }
        let padded = format!("{WRAPPED}=");
        assert!(matches!(key_id_of(&padded), Err(WrapError::Format(_))));
    }
}
