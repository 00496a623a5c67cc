//! Secrets in a table, wrapped under a passphrase.
//!
//! A cell is `wrapped.v1.<salt>.<nonce and ciphertext>`, both in base64url. The key is Argon2id of the passphrase
//! (64 MiB, three passes) with the salt, which is that of the whole table; the cipher is AES-256-GCM with
//! `<MAC>:<name of the setting>` as associated data, so that a cell in another row or column does not open.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringfence_import::Device;
use ringfence_provision::layers::Value;
use ringfence_provision::mac::Mac;
use ringfence_provision::secret::SecretString;

use crate::failure::Failure;

const BEGIN: &str = "wrapped.v1.";

/// What Argon2id costs: memory in KiB, passes, lanes. RFC 9106's second recommendation.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);

/// The shortest passphrase, in characters.
const MIN_PASSPHRASE: usize = 12;

/// The most salts of a table. A table of ours has one, and each salt costs as much as the passphrase.
const MAX_SALTS: usize = 16;

type Salt = [u8; 16];

/// Wraps secrets.
pub struct Wrap {
    salt: Salt,
    cipher: Aes256Gcm,
}

/// Opens what is wrapped.
pub struct Unwrap {
    passphrase: SecretString,
    ciphers: BTreeMap<Salt, Aes256Gcm>,
}

impl Wrap {
    /// A key for one table.
    ///
    /// # Errors
    /// The passphrase is too short, or there is no randomness.
    pub fn new(passphrase: &SecretString) -> Result<Self, Failure> {
        if passphrase.expose().chars().count() < MIN_PASSPHRASE {
            return Err(Failure::Usage(format!(
                "the passphrase has fewer than {MIN_PASSPHRASE} characters: whoever has the table could try them all. Take a longer one."
            )));
        }
        let mut salt = Salt::default();
        random(&mut salt)?;
        Ok(Self {
            salt,
            cipher: cipher(passphrase, &salt)?,
        })
    }

    /// The cell of a secret.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn seal(&self, mac: Mac, name: &str, secret: &str) -> Result<String, Failure> {
        let mut nonce = [0; 12];
        random(&mut nonce)?;
        self.seal_with(nonce, mac, name, secret)
    }

    fn seal_with(
        &self,
        nonce: [u8; 12],
        mac: Mac,
        name: &str,
        secret: &str,
    ) -> Result<String, Failure> {
        let aad = associated(mac, name);
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: aad.as_bytes(),
        };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let sealed =
            sealed.map_err(|_| Failure::Usage("a secret cannot be wrapped.".to_owned()))?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Ok(format!(
            "{BEGIN}{}.{}",
            URL_SAFE_NO_PAD.encode(self.salt),
            URL_SAFE_NO_PAD.encode(bytes)
        ))
    }
}

impl Unwrap {
    /// What opens cells by this passphrase.
    pub fn new(passphrase: SecretString) -> Self {
        Self {
            passphrase,
            ciphers: BTreeMap::new(),
        }
    }

    /// The secret of a cell.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence goes on behind the column's name.
    fn open(&mut self, mac: Mac, name: &str, cell: &str) -> Result<SecretString, &'static str> {
        const BROKEN: &str = "the wrapped secret is not whole: export the table again";
        let (salt, sealed) = cell
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.split_once('.'))
            .ok_or(BROKEN)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| BROKEN);
        let salt: Salt = decode(salt)?.try_into().map_err(|_| BROKEN)?;
        let sealed = decode(sealed)?;
        if !self.ciphers.contains_key(&salt) {
            if self.ciphers.len() >= MAX_SALTS {
                return Err("the table has secrets of too many exports: import them one by one");
            }
            let made = cipher(&self.passphrase, &salt).map_err(|_| BROKEN)?;
            self.ciphers.insert(salt, made);
        }
        let cipher = self.ciphers.get(&salt).ok_or(BROKEN)?;
        let (nonce, message) = sealed.split_first_chunk::<12>().ok_or(BROKEN)?;
        let aad = associated(mac, name);
        let payload = Payload {
            msg: message,
            aad: aad.as_bytes(),
        };
        let plain = cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| {
            "the wrapped secret does not open: the passphrase is another one, or the cell is of another phone or column. Give the passphrase of the export, or export the table again"
        })?;
        let text = String::from_utf8(plain).map_err(|_| BROKEN)?;
        Ok(SecretString::new(text))
    }
}

/// Opens what is wrapped of a device's settings.
///
/// # Errors
/// The setting, and what is wrong with its cell.
pub fn open_all(
    mut unwrap: Option<&mut Unwrap>,
    device: &mut Device,
) -> Result<(), (String, &'static str)> {
    for (name, value) in &mut device.settings {
        let Value::Secret(cell) = value else { continue };
        if !cell.expose().starts_with(BEGIN) {
            continue;
        }
        let opened = match unwrap.as_mut() {
            Some(unwrap) => unwrap.open(device.mac, name, cell.expose()),
            None => {
                Err("the secret is wrapped: --unwrap-secrets-with says where the passphrase is")
            }
        };
        *value = Value::Secret(opened.map_err(|why| (name.clone(), why))?);
    }
    Ok(())
}

fn associated(mac: Mac, name: &str) -> String {
    format!("{}:{name}", mac.upper())
}

fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes)
        .map_err(|error| Failure::Usage(format!("the system has no randomness: {error}")))
}

fn cipher(passphrase: &SecretString, salt: &Salt) -> Result<Aes256Gcm, Failure> {
    let wrong =
        |error: argon2::Error| Failure::Usage(format!("the passphrase cannot be used: {error}"));
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(wrong)?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut key)
        .map_err(wrong)?;
    Ok(Aes256Gcm::new(&key.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mac(text: &str) -> Mac {
        Mac::parse(text).unwrap()
    }

    #[test]
    fn wrapped_secret_format_unchanged() {
        let passphrase = SecretString::new("correct horse battery");
        let salt = *b"0123456789abcdef";
        let wrap = Wrap {
            salt,
            cipher: cipher(&passphrase, &salt).unwrap(),
        };
        let phone = mac("0080F0C571EB");
        let cell = wrap
            .seal_with(*b"nonce-of-12b", phone, "line_1_password", "Harbour-77")
            .unwrap();
        insta::assert_snapshot!(cell);
        let mut unwrap = Unwrap::new(passphrase);
        assert_eq!(
            unwrap
                .open(phone, "line_1_password", &cell)
                .unwrap()
                .expose(),
            "Harbour-77"
        );
    }

    #[test]
    fn a_cell_opens_in_its_own_place_and_by_its_own_passphrase_alone() {
        let passphrase = SecretString::new("correct horse battery");
        let wrap = Wrap::new(&passphrase).unwrap();
        let phone = mac("0080F0C571EB");
        let cell = wrap.seal(phone, "line_1_password", "Harbour-77").unwrap();
        assert_ne!(
            cell,
            wrap.seal(phone, "line_1_password", "Harbour-77").unwrap()
        );
        let mut unwrap = Unwrap::new(passphrase);
        assert!(
            unwrap
                .open(mac("0080F0C571EC"), "line_1_password", &cell)
                .is_err()
        );
        assert!(unwrap.open(phone, "line_2_password", &cell).is_err());
        for broken in [
            BEGIN,
            "wrapped.v1.x.y",
            &cell[..cell.len() - 3],
            &cell.replace("v1.", "v1.A"),
        ] {
            assert!(unwrap.open(phone, "line_1_password", broken).is_err());
        }
        let mut other = Unwrap::new(SecretString::new("correct horse batteries"));
        assert!(
            other
                .open(phone, "line_1_password", &cell)
                .unwrap_err()
                .contains("passphrase")
        );
        assert!(Wrap::new(&SecretString::new("short")).is_err());
    }
}
