//! How a kind of phone wants its files sealed, as data.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, Iv, Key, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::envelope::{BLOCK, Encoding, Envelope, OpenError};
use super::kdf::{Digest, KeyIv, derive};

/// AES in CBC mode with PKCS#7 padding, by the size of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cipher {
    /// 128 bits.
    #[serde(rename = "aes-128-cbc")]
    Aes128,
    /// 192 bits.
    #[serde(rename = "aes-192-cbc")]
    Aes192,
    /// 256 bits.
    #[serde(rename = "aes-256-cbc")]
    Aes256,
}

impl Cipher {
    /// The name that `openssl enc` takes after a dash.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes128 => "aes-128-cbc",
            Self::Aes192 => "aes-192-cbc",
            Self::Aes256 => "aes-256-cbc",
        }
    }

    /// The size of the cipher's key in bits. The length of a device's key text is another matter: always
    /// 32 characters.
    pub fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }
}

/// A way of sealing.
///
/// ```
/// use ringfence_provision::vendor;
///
/// let profile = vendor::profile("utg-128").expect("built in");
/// let sealed = profile.seal(
///     "12341234abcdabcd12341234abcdabcd",
///     [1, 2, 3, 4, 5, 6, 7, 8],
///     b"NTP=192.0.2.1\n",
/// );
/// assert!(sealed.starts_with(b"U2FsdGVkX18BAgMEBQYHC"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Profile {
    /// What an operator calls it: 1 to 32 of `[a-z0-9-]`.
    pub name: String,
    /// The cipher.
    pub cipher: Cipher,
    /// The digest of the key derivation.
    pub kdf: Digest,
    /// How the envelope is written.
    pub encoding: Encoding,
    /// The extension of sealed files, without its dot: 1 to 16 letters and digits.
    pub extension: String,
    /// The parameter that carries the key in a bootstrap.
    pub key_parameter: String,
    /// The parameter that carries [`Cipher::bits`], for phones that must be told.
    pub key_length_parameter: Option<String>,
    /// Whether the vendor has published the envelope. A profile that is not verified is only
    /// used where an operator has switched it on.
    pub verified: bool,
}

/// A built-in profile, as a vendor's folder writes it: see [`Profile`].
#[derive(Clone, Copy, Debug)]
pub struct ProfileSpec {
    /// See [`Profile::name`].
    pub name: &'static str,
    /// See [`Profile::cipher`].
    pub cipher: Cipher,
    /// See [`Profile::kdf`].
    pub kdf: Digest,
    /// See [`Profile::encoding`].
    pub encoding: Encoding,
    /// See [`Profile::extension`].
    pub extension: &'static str,
    /// See [`Profile::key_parameter`].
    pub key_parameter: &'static str,
    /// See [`Profile::key_length_parameter`].
    pub key_length_parameter: Option<&'static str>,
    /// See [`Profile::verified`].
    pub verified: bool,
}

impl ProfileSpec {
    /// The profile.
    pub fn profile(&self) -> Profile {
        Profile {
            name: self.name.to_owned(),
            cipher: self.cipher,
            kdf: self.kdf,
            encoding: self.encoding,
            extension: self.extension.to_owned(),
            key_parameter: self.key_parameter.to_owned(),
            key_length_parameter: self.key_length_parameter.map(str::to_owned),
            verified: self.verified,
        }
    }
}

impl Profile {
    /// The same profile with another digest.
    #[must_use]
    pub fn with_digest(self, kdf: Digest) -> Self {
        Self { kdf, ..self }
    }

    /// The key and IV for AES-CBC, for a caller that lets WebCrypto do it and then calls
    /// [`assemble`](Self::assemble).
    pub fn key_and_iv(&self, pass: &str, salt: [u8; 8]) -> KeyIv {
        match self.cipher {
            Cipher::Aes128 => key_iv::<16>(self.kdf, pass, salt),
            Cipher::Aes192 => key_iv::<24>(self.kdf, pass, salt),
            Cipher::Aes256 => key_iv::<32>(self.kdf, pass, salt),
        }
    }

    /// Seals a file. For the salt see [`super::salt`].
    pub fn seal(&self, pass: &str, salt: [u8; 8], plaintext: &[u8]) -> Vec<u8> {
        let ciphertext = match self.cipher {
            Cipher::Aes128 => encrypt::<Encryptor<Aes128>, 16>(self.kdf, pass, salt, plaintext),
            Cipher::Aes192 => encrypt::<Encryptor<Aes192>, 24>(self.kdf, pass, salt, plaintext),
            Cipher::Aes256 => encrypt::<Encryptor<Aes256>, 32>(self.kdf, pass, salt, plaintext),
        };
        self.assemble(salt, &ciphertext)
    }

    /// Opens a sealed file.
    ///
    /// About one wrong key in 256 goes unnoticed and gives nonsense, since nothing authenticates
    /// the file. Not for a service to run on what strangers send: see the module.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, pass: &str, file: &[u8]) -> Result<Vec<u8>, OpenError> {
        let envelope = Envelope::parse(self.encoding, file)?;
        match self.cipher {
            Cipher::Aes128 => decrypt::<Decryptor<Aes128>, 16>(self.kdf, pass, &envelope),
            Cipher::Aes192 => decrypt::<Decryptor<Aes192>, 24>(self.kdf, pass, &envelope),
            Cipher::Aes256 => decrypt::<Decryptor<Aes256>, 32>(self.kdf, pass, &envelope),
        }
    }

    /// The file with this salt and ciphertext. The ciphertext is AES-CBC's, padding included.
    pub fn assemble(&self, salt: [u8; 8], ciphertext: &[u8]) -> Vec<u8> {
        Envelope::write(self.encoding, salt, ciphertext)
    }

    /// The bytes of the sealed file of a plaintext of `plain_len` bytes.
    pub fn sealed_len(&self, plain_len: usize) -> usize {
        // PKCS#7 always pads: a plaintext of whole blocks grows by one.
        let ciphertext = (plain_len / BLOCK).saturating_add(1).saturating_mul(BLOCK);
        self.encoding.file_len(ciphertext)
    }
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The name.
    #[error("the profile's name `{0}` must be 1 to 32 of the characters a–z, 0–9 and -")]
    Name(String),
    /// The extension.
    #[error("the extension `{0}` must be 1 to 16 letters and digits, without a dot")]
    Extension(String),
    /// One of the two parameters.
    #[error("the parameter `{0}` must be 1 to 32 of the characters A–Z, 0–9 and _")]
    Parameter(String),
}

/// A profile as it was written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    name: String,
    cipher: Cipher,
    kdf: Digest,
    encoding: Encoding,
    extension: String,
    key_parameter: String,
    #[serde(default)]
    key_length_parameter: Option<String>,
    #[serde(default)]
    verified: bool,
}

impl TryFrom<Unchecked> for Profile {
    type Error = ProfileError;

    fn try_from(from: Unchecked) -> Result<Self, ProfileError> {
        let made_of = |text: &str, max: usize, allowed: fn(char) -> bool| {
            (1..=max).contains(&text.len()) && text.chars().all(allowed)
        };
        if !made_of(&from.name, 32, |c| matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(ProfileError::Name(from.name));
        }
        if !made_of(&from.extension, 16, |c| c.is_ascii_alphanumeric()) {
            return Err(ProfileError::Extension(from.extension));
        }
        for parameter in [
            Some(&from.key_parameter),
            from.key_length_parameter.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            if !made_of(parameter, 32, |c| matches!(c, 'A'..='Z' | '0'..='9' | '_')) {
                return Err(ProfileError::Parameter(parameter.clone()));
            }
        }
        Ok(Self {
            name: from.name,
            cipher: from.cipher,
            kdf: from.kdf,
            encoding: from.encoding,
            extension: from.extension,
            key_parameter: from.key_parameter,
            key_length_parameter: from.key_length_parameter,
            verified: from.verified,
        })
    }
}

fn key_iv<const K: usize>(digest: Digest, pass: &str, salt: [u8; 8]) -> KeyIv {
    let (mut key, iv) = derive::<K>(digest, pass, salt);
    let key_iv = KeyIv {
        key: key.to_vec(),
        iv,
    };
    key.zeroize();
    key_iv
}

fn encrypt<M, const K: usize>(kdf: Digest, pass: &str, salt: [u8; 8], plaintext: &[u8]) -> Vec<u8>
where
    M: KeyIvInit + BlockModeEncrypt,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    mode::<M, K>(kdf, pass, salt).encrypt_padded_vec::<Pkcs7>(plaintext)
}

fn decrypt<M, const K: usize>(
    kdf: Digest,
    pass: &str,
    envelope: &Envelope,
) -> Result<Vec<u8>, OpenError>
where
    M: KeyIvInit + BlockModeDecrypt,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    mode::<M, K>(kdf, pass, envelope.salt)
        .decrypt_padded_vec::<Pkcs7>(&envelope.ciphertext)
        .map_err(|_| OpenError::Padding)
}

/// Keys a block mode. That `K` is the size of the mode's key is checked by the compiler.
fn mode<M, const K: usize>(kdf: Digest, pass: &str, salt: [u8; 8]) -> M
where
    M: KeyIvInit,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    let (mut bytes, iv) = derive::<K>(kdf, pass, salt);
    let mut key = Key::<M>::from(bytes);
    let mode = M::new(&key, &Iv::<M>::from(iv));
    key.as_mut_slice().zeroize();
    bytes.zeroize();
    mode
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::vendor;

    const PASS: &str = "12341234abcdabcd12341234abcdabcd";
    const SALT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
    const PLAIN: &[u8] = b"<PANASIPPhoneConfig/>\n";

    fn sealed(cipher: Cipher, digest: Digest) -> String {
        let profile = vendor::profile(&format!("utg-{}", cipher.bits()))
            .unwrap()
            .with_digest(digest);
        let file = profile.seal(PASS, SALT, PLAIN);
        assert_eq!(file.len(), profile.sealed_len(PLAIN.len()));
        assert_eq!(profile.open(PASS, &file).unwrap(), PLAIN);
        String::from_utf8(file).unwrap()
    }

    /// What the guide's command writes, with the salt given.
    #[test]
    fn sealed_bytes_are_those_of_the_openssl_command() {
        for (cipher, digest, file) in [
            (
                Cipher::Aes128,
                Digest::Md5,
                "U2FsdGVkX18BAgMEBQYHCBsc0vVMoxi4ozQdEbcKwwsLgi8XBN7ivfS1/gq+yTWF\n",
            ),
            (
                Cipher::Aes192,
                Digest::Md5,
                "U2FsdGVkX18BAgMEBQYHCNvfndNeN0MxSQLVSEs5PSASqJPjETttUc842cWGR9k6\n",
            ),
            (
                Cipher::Aes256,
                Digest::Md5,
                "U2FsdGVkX18BAgMEBQYHCIRjSnKySPIIOSmTepkqQQeNoGxPmYXxF0gDvBJC40dj\n",
            ),
            (
                Cipher::Aes128,
                Digest::Sha256,
                "U2FsdGVkX18BAgMEBQYHCHwzQ8lLJvfGDZ9FJd8PONmmOIcBnMNHY1brZxcQe30Y\n",
            ),
            (
                Cipher::Aes256,
                Digest::Sha256,
                "U2FsdGVkX18BAgMEBQYHCHy49M+5XE+9S3OVDZQeO5NgGeUde96QkVhTwrh1SKao\n",
            ),
        ] {
            assert_eq!(sealed(cipher, digest), file, "{cipher:?} {digest:?}");
        }
    }

    #[test]
    fn another_key_does_not_open() {
        let profile = vendor::profile("utg-128").unwrap();
        let file = profile.seal(PASS, SALT, PLAIN);
        let opened = profile.open("12341234abcdabcd12341234abcdabce", &file);
        assert_eq!(opened, Err(OpenError::Padding));
    }

    #[test]
    fn only_the_published_envelope_is_verified() {
        for name in vendor::profiles().map(|spec| spec.name) {
            let profile = vendor::profile(name).unwrap();
            assert_eq!(profile.name, name);
            assert_eq!(
                profile.verified,
                (name.starts_with("utg-") || name.starts_with("gxp-"))
            );
        }
        assert_eq!(vendor::profile("e4c"), None);
    }

    #[test]
    fn a_profile_named_after_a_digest_differs_in_that_alone() {
        for name in ["utg-128", "utg-192", "utg-256"] {
            let md5 = vendor::profile(name).unwrap();
            let sha256 = vendor::profile(&format!("{name}-sha256")).unwrap();
            assert_eq!((md5.kdf, sha256.kdf), (Digest::Md5, Digest::Sha256));
            assert_ne!(md5.seal(PASS, SALT, PLAIN), sha256.seal(PASS, SALT, PLAIN));
            let named = Profile {
                name: name.to_owned(),
                ..sha256.with_digest(Digest::Md5)
            };
            assert_eq!(named, md5);
        }
    }

    #[test]
    fn each_extension_of_the_text_families_has_its_own_key_slot() {
        for (name, parameter) in [
            ("e1c", "CFG_FILE_KEY1"),
            ("e2c", "CFG_FILE_KEY2"),
            ("e3c", "CFG_FILE_KEY3"),
        ] {
            let profile = vendor::profile(name).unwrap();
            assert_eq!(profile.extension, name);
            assert_eq!(profile.key_parameter, parameter);
        }
    }

    #[test]
    fn profile_json_format_unchanged() {
        let profile = vendor::profile("utg-192").unwrap();
        let json = serde_json::to_string_pretty(&profile).unwrap();
        insta::assert_snapshot!(json, @r#"
        {
          "name": "utg-192",
          "cipher": "aes-192-cbc",
          "kdf": "md5",
          "encoding": "base64",
          "extension": "enc",
          "key_parameter": "CFG_FILE_KEY",
          "key_length_parameter": "CFG_FILE_KEY_LENGTH",
          "verified": true
        }
        "#);
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
    }

    /// Another vendor's way needs no code.
    #[test]
    fn binary_aes_256_is_a_matter_of_data() {
        let profile: Profile = serde_json::from_str(
            r#"{
                "name": "binary-256", "cipher": "aes-256-cbc", "kdf": "md5",
                "encoding": "binary", "extension": "cfg", "key_parameter": "KEY"
            }"#,
        )
        .unwrap();
        assert!(!profile.verified);
        let file = profile.seal(PASS, SALT, PLAIN);
        assert_eq!(file[..16], *b"Salted__\x01\x02\x03\x04\x05\x06\x07\x08");
        assert_eq!(file.len(), profile.sealed_len(PLAIN.len()));
        assert_eq!(profile.open(PASS, &file).unwrap(), PLAIN);
    }

    #[test]
    fn a_profile_that_would_break_urls_or_files_is_refused() {
        let with = |field: &str, value: &str| {
            let mut json = serde_json::to_value(vendor::profile("utg-128").unwrap()).unwrap();
            json[field] = value.into();
            serde_json::from_value::<Profile>(json)
                .unwrap_err()
                .to_string()
        };
        assert!(with("name", "Über").contains("the profile's name"));
        assert!(with("extension", ".enc").contains("without a dot"));
        assert!(with("extension", "").contains("without a dot"));
        assert!(with("key_parameter", "KEY=\"").contains("the parameter"));
        assert!(with("key_length_parameter", "a b").contains("the parameter"));
        assert!(with("kdf", "sha1").contains("sha1"));
        assert!(with("iterations", "1").contains("unknown field"));
    }
}
