//! A method with its key: what seals, and what the phone is told so that it can open.

use std::fmt;

use aes::cipher::KeyInit;
use aes::{Aes128, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::aes128gcm::{self, GcmRecords};
use super::envelope::{Encoding, Envelope, OpenError};
use super::kdf::{self, Digest, KeyIv};
use super::method::{Cipher, EcbKey, Ikm, KeyId, Method};
use super::{Profile, Salt, cbc, ecb};
use crate::hash::{hex, hmac_sha256};
use crate::key::DeviceKey;

/// For 16 bytes that are derived from a device's key. Stored files and phones depend on them.
const KEY_LABEL: &[u8] = b"ringfence/v1/phone-key";
/// The same for an IV.
const IV_LABEL: &[u8] = b"ringfence/v1/phone-iv";

/// A profile with the key of one phone: seals files, and says what a bootstrap tells the phone
/// ([`parameters`](Self::parameters)). Both are made from the same texts, so what a phone is told is what
/// opens its files. `Debug` says nothing of the key, and the key is wiped when dropped.
#[derive(Clone)]
pub struct Sealer<'a> {
    profile: &'a Profile,
    /// What the phone is told as its key.
    key: Zeroizing<String>,
    /// What it is told as its IV, where it is told one.
    iv: Option<Zeroizing<String>>,
    keyed: Keyed,
}

/// A [`Method`] with the bytes of its key.
#[derive(Clone)]
enum Keyed {
    Salted {
        cipher: Cipher,
        kdf: Digest,
        encoding: Encoding,
    },
    FixedIv {
        key: Zeroizing<[u8; 16]>,
        iv: [u8; 16],
    },
    Ecb128(Zeroizing<[u8; 16]>),
    Ecb256(Zeroizing<[u8; 32]>),
    Aes128Gcm {
        ikm: Zeroizing<Vec<u8>>,
        key_id: KeyId,
        record_size: u32,
    },
}

/// What is left to be done for a file by whoever has a faster AES than this crate.
#[derive(Debug)]
pub enum Plan {
    /// To be encrypted by AES-CBC with PKCS#7; the result goes to [`Sealer::assemble`].
    Cbc(KeyIv),
    /// To be encrypted record by record; the results, one after the other, go to [`Sealer::assemble`].
    Gcm(GcmRecords),
    /// The sealed file. WebCrypto has no ECB.
    Sealed(Vec<u8>),
}

/// A file cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A record of 64 GiB, which no profile has.
    #[error("the file is too long for the cipher")]
    TooLong,
}

/// Why a text is no key, or no IV, for a method. Nothing of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Of another length, or of other characters.
    #[error("the method takes a key of {0}")]
    Key(&'static str),
    /// An IV is missing, is none, or is not wanted.
    #[error("the method takes {0}")]
    Iv(&'static str),
}

impl fmt::Debug for Sealer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({}, …)", self.profile.name)
    }
}

impl<'a> Sealer<'a> {
    /// With what a device's key gives for the profile's method.
    ///
    /// | method | what the phone is told |
    /// |---|---|
    /// | [`Salted`](Method::Salted); [`Ecb`](Method::Ecb) with 32 characters | the device's key |
    /// | [`Ecb`](Method::Ecb) with 16 characters | the first 16 characters of it: 95 random bits |
    /// | [`Aes128Gcm`](Method::Aes128Gcm) read as ASCII | the first characters of it, as many as the profile says |
    /// | [`FixedIv`](Method::FixedIv) | the first 16 bytes of HMAC-SHA256(device's key, `ringfence/v1/phone-key`), and as IV those of HMAC-SHA256(device's key, `ringfence/v1/phone-iv`) |
    /// | [`Aes128Gcm`](Method::Aes128Gcm) read as hexadecimal or base64url | as many of the first bytes of HMAC-SHA256(device's key, `ringfence/v1/phone-key`) as the profile says |
    pub(super) fn new(profile: &'a Profile, device: &DeviceKey) -> Self {
        let whole = || Zeroizing::new(device.expose().to_owned());
        let derived = |label| first(&hmac_sha256(device.expose().as_bytes(), &[label]));
        let of_text = |key, keyed| Self {
            profile,
            key,
            iv: None,
            keyed,
        };
        match profile.method {
            Method::Salted {
                cipher,
                kdf,
                encoding,
            } => of_text(
                whole(),
                Keyed::Salted {
                    cipher,
                    kdf,
                    encoding,
                },
            ),
            Method::Ecb(EcbKey::Chars16) => {
                let text: String = device.expose().chars().take(16).collect();
                let key = first(text.as_bytes());
                of_text(Zeroizing::new(text), Keyed::Ecb128(key))
            }
            Method::Ecb(EcbKey::Chars32) => {
                of_text(whole(), Keyed::Ecb256(first(device.expose().as_bytes())))
            }
            Method::FixedIv => {
                let (key, iv) = (derived(KEY_LABEL), derived(IV_LABEL));
                Self {
                    profile,
                    key: Zeroizing::new(hex(key.as_slice())),
                    iv: Some(Zeroizing::new(hex(iv.as_slice()))),
                    keyed: Keyed::FixedIv { key, iv: *iv },
                }
            }
            Method::Aes128Gcm {
                ikm,
                key_len,
                key_id,
                record_size,
            } => {
                let len = usize::from(key_len);
                let bytes = || -> Zeroizing<Vec<u8>> {
                    let whole = hmac_sha256(device.expose().as_bytes(), &[KEY_LABEL]);
                    beginning(&whole, len)
                };
                let (text, ikm) = match ikm {
                    Ikm::Ascii => {
                        let text: String = device.expose().chars().take(len).collect();
                        let bytes = beginning(text.as_bytes(), len);
                        (Zeroizing::new(text), bytes)
                    }
                    Ikm::Hex => {
                        let bytes = bytes();
                        (Zeroizing::new(hex(&bytes)), bytes)
                    }
                    Ikm::Base64url => {
                        let bytes = bytes();
                        (Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes)), bytes)
                    }
                };
                of_text(
                    text,
                    Keyed::Aes128Gcm {
                        ikm,
                        key_id,
                        record_size,
                    },
                )
            }
        }
    }

    /// With the texts that a phone was told.
    pub(super) fn with_texts(
        profile: &'a Profile,
        key: &str,
        iv: Option<&str>,
    ) -> Result<Self, KeyTextError> {
        let raw = key.as_bytes();
        let keyed = match profile.method {
            Method::Salted {
                cipher,
                kdf,
                encoding,
            } => Keyed::Salted {
                cipher,
                kdf,
                encoding,
            },
            Method::Ecb(EcbKey::Chars16) => Keyed::Ecb128(exactly(raw, "16 bytes")?),
            Method::Ecb(EcbKey::Chars32) => Keyed::Ecb256(exactly(raw, "32 bytes")?),
            Method::FixedIv => {
                const DIGITS: &str = "32 hexadecimal digits";
                const AN_IV: KeyTextError = KeyTextError::Iv("an IV of 32 hexadecimal digits");
                let bytes = unhex(key).ok_or(KeyTextError::Key(DIGITS))?;
                let iv = iv.and_then(unhex).ok_or(AN_IV)?;
                Keyed::FixedIv {
                    key: exactly(&bytes, DIGITS)?,
                    iv: *exactly::<16>(&iv, DIGITS).map_err(|_| AN_IV)?,
                }
            }
            Method::Aes128Gcm {
                ikm,
                key_id,
                record_size,
                ..
            } => {
                let ikm = match ikm {
                    Ikm::Ascii => Some(Zeroizing::new(raw.to_vec())),
                    Ikm::Hex => unhex(key),
                    Ikm::Base64url => URL_SAFE_NO_PAD.decode(key).ok().map(Zeroizing::new),
                };
                let ikm = ikm.ok_or(KeyTextError::Key("the text that the profile says"))?;
                Keyed::Aes128Gcm {
                    ikm,
                    key_id,
                    record_size,
                }
            }
        };
        let takes_iv = matches!(keyed, Keyed::FixedIv { .. });
        if iv.is_some() && !takes_iv {
            return Err(KeyTextError::Iv("no IV"));
        }
        Ok(Self {
            profile,
            key: Zeroizing::new(key.to_owned()),
            iv: iv.map(|iv| Zeroizing::new(iv.to_owned())),
            keyed,
        })
    }

    /// The parameters that tell a phone its key, as name and value, in the order in which they stand in a
    /// bootstrap: the key, its length in bits, the IV, as far as the profile has a parameter for each.
    pub fn parameters(&self) -> Vec<(&'a str, Zeroizing<String>)> {
        let profile = self.profile;
        let length = || Zeroizing::new(profile.method.bits().to_string());
        let length = profile
            .key_length_parameter
            .as_deref()
            .map(|name| (name, length()));
        let iv = profile.iv_parameter.as_deref().zip(self.iv.clone());
        std::iter::once((profile.key_parameter.as_str(), self.key.clone()))
            .chain(length)
            .chain(iv)
            .collect()
    }

    /// What there is to encrypt of a file, for a caller that lets WebCrypto do it. For the salt see
    /// [`super::salt`].
    pub fn plan(&self, salt: &Salt, plaintext: &[u8]) -> Plan {
        match &self.keyed {
            Keyed::Salted { cipher, kdf, .. } => {
                Plan::Cbc(kdf::key_iv(*cipher, *kdf, &self.key, short(salt)))
            }
            Keyed::FixedIv { key, iv } => Plan::Cbc(KeyIv {
                key: key.to_vec(),
                iv: *iv,
            }),
            Keyed::Ecb128(key) => Plan::Sealed(ecb::seal(&Aes128::new((&**key).into()), plaintext)),
            Keyed::Ecb256(key) => Plan::Sealed(ecb::seal(&Aes256::new((&**key).into()), plaintext)),
            Keyed::Aes128Gcm {
                ikm, record_size, ..
            } => Plan::Gcm(aes128gcm::records(ikm, salt, *record_size, plaintext)),
        }
    }

    /// The file with this salt and what came of a [`Plan`].
    pub fn assemble(&self, salt: &Salt, ciphertext: &[u8]) -> Vec<u8> {
        match &self.keyed {
            Keyed::Salted { encoding, .. } => Envelope::write(*encoding, short(salt), ciphertext),
            Keyed::FixedIv { .. } | Keyed::Ecb128(_) | Keyed::Ecb256(_) => ciphertext.to_vec(),
            Keyed::Aes128Gcm {
                key_id,
                record_size,
                ..
            } => aes128gcm::write(salt, *record_size, key_id, ciphertext),
        }
    }

    /// Seals a file. For the salt see [`super::salt`]; a method without one passes over it.
    pub fn seal(&self, salt: &Salt, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let ciphertext = match self.plan(salt, plaintext) {
            Plan::Cbc(key_iv) => cbc::encrypt(self.cbc(), &key_iv, plaintext),
            Plan::Gcm(records) => aes128gcm::encrypt(&records)?,
            Plan::Sealed(file) => return Ok(file),
        };
        Ok(self.assemble(salt, &ciphertext))
    }

    /// Opens a sealed file. Of one in [ECB](Method::Ecb) up to 15 line ends of the fill are left.
    ///
    /// With a method of CBC about one wrong key in 256 goes unnoticed and gives nonsense, since nothing
    /// authenticates the file. Not for a service to run on what strangers send: see the module.
    pub fn open(&self, file: &[u8]) -> Result<Vec<u8>, OpenError> {
        match &self.keyed {
            Keyed::Salted {
                cipher,
                kdf,
                encoding,
            } => {
                let envelope = Envelope::parse(*encoding, file)?;
                let key_iv = kdf::key_iv(*cipher, *kdf, &self.key, envelope.salt);
                cbc::decrypt(*cipher, &key_iv, &envelope.ciphertext)
            }
            Keyed::FixedIv { key, iv } => {
                let key_iv = KeyIv {
                    key: key.to_vec(),
                    iv: *iv,
                };
                cbc::decrypt(Cipher::Aes128, &key_iv, file)
            }
            Keyed::Ecb128(key) => ecb::open(&Aes128::new((&**key).into()), file),
            Keyed::Ecb256(key) => ecb::open(&Aes256::new((&**key).into()), file),
            Keyed::Aes128Gcm { ikm, .. } => aes128gcm::open(ikm, file),
        }
    }

    fn cbc(&self) -> Cipher {
        match self.keyed {
            Keyed::Salted { cipher, .. } => cipher,
            _ => Cipher::Aes128,
        }
    }
}

/// The salt of a `Salted__` file is the first half.
fn short(salt: &Salt) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *salt;
    [a, b, c, d, e, f, g, h]
}

/// The first bytes of a longer text.
fn first<const N: usize>(bytes: &[u8]) -> Zeroizing<[u8; N]> {
    let mut array = Zeroizing::new([0; N]);
    for (place, byte) in array.iter_mut().zip(bytes) {
        *place = *byte;
    }
    array
}

/// The first bytes, as many as there are of those that are wanted.
fn beginning(bytes: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.iter().copied().take(len).collect())
}

fn exactly<const N: usize>(
    bytes: &[u8],
    wanted: &'static str,
) -> Result<Zeroizing<[u8; N]>, KeyTextError> {
    let array = <[u8; N]>::try_from(bytes).map_err(|_| KeyTextError::Key(wanted))?;
    Ok(Zeroizing::new(array))
}

fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? * 16 + digit(low)?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).map(Zeroizing::new)
}
