//! How a kind of phone wants its files sealed, as data.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use super::envelope::Encoding;
use super::kdf::Digest;
use super::method::{Cipher, EcbKey, Ikm, KeyId, Method};
use super::sealer::{KeyTextError, Sealer};
use crate::key::DeviceKey;

/// The longest file that is unpacked, in bytes: more than any family takes.
pub const MAX_UNPACKED: u64 = 8 * 1024 * 1024;

/// What sealing is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Grade {
    /// The format is published, and nobody reads a file without its key. A sealed file may still
    /// show when the file changed, and how long the file is.
    Sound,
    /// The format is published, and nobody reads a whole file without its key, but sealed files
    /// show more: which parts of two files, or of one, are equal.
    Weak,
    /// Whoever knows the vendor's format reads the file: what would be a key is public.
    Obfuscation,
    /// The vendor has not published how its phones open files; this is a guess, and will probably not open.
    Unpublished,
}

impl Grade {
    /// The word used in the API and in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Weak => "weak",
            Self::Obfuscation => "obfuscation",
            Self::Unpublished => "unpublished",
        }
    }

    /// Whether it can be counted on to keep a file's content secret from whoever has no key, and the phone
    /// to open it. What cannot is used only where an operator has switched it on.
    pub fn is_sealing(self) -> bool {
        matches!(self, Self::Sound | Self::Weak)
    }
}

/// A way of sealing.
///
/// ```
/// use ringfence_provision::key::DeviceKey;
/// use ringfence_provision::vendor;
///
/// let profile = vendor::profile("utg-128").expect("built in");
/// let key = DeviceKey::parse("12341234abcdabcd12341234abcdabcd")?;
/// let sealer = profile.sealer(&key);
/// let sealed = sealer.seal(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], b"NTP=192.0.2.1\n")?;
/// assert!(sealed.starts_with(b"U2FsdGVkX18BAgMEBQYHC"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenProfile", into = "WrittenProfile")]
pub struct Profile {
    /// What an operator calls it: 1 to 32 of `[a-z0-9-]`.
    pub name: String,
    /// How a file is encrypted.
    pub method: Method,
    /// The extension of sealed files, without its dot: 1 to 16 letters and digits.
    pub extension: String,
    /// The parameter that carries the key in a bootstrap: 1 to 64 letters, digits, `_`, `.` and `-`.
    pub key_parameter: String,
    /// The parameter that carries [`Method::bits`], for phones that must be told.
    pub key_length_parameter: Option<String>,
    /// The parameter that carries the IV, if the method has one that a phone is told.
    pub iv_parameter: Option<String>,
    /// Whether a file is packed by gzip before it is sealed.
    pub gzip: bool,
    /// What it is worth.
    pub grade: Grade,
}

/// A built-in profile, as a vendor's folder writes it: see [`Profile`].
#[derive(Clone, Copy, Debug)]
pub struct ProfileSpec {
    /// See [`Profile::name`].
    pub name: &'static str,
    /// See [`Profile::method`].
    pub method: Method,
    /// See [`Profile::extension`].
    pub extension: &'static str,
    /// See [`Profile::key_parameter`].
    pub key_parameter: &'static str,
    /// See [`Profile::key_length_parameter`].
    pub key_length_parameter: Option<&'static str>,
    /// See [`Profile::iv_parameter`].
    pub iv_parameter: Option<&'static str>,
    /// See [`Profile::gzip`].
    pub gzip: bool,
    /// See [`Profile::grade`].
    pub grade: Grade,
}

impl ProfileSpec {
    /// The profile.
    pub fn profile(&self) -> Profile {
        Profile {
            name: self.name.to_owned(),
            method: self.method,
            extension: self.extension.to_owned(),
            key_parameter: self.key_parameter.to_owned(),
            key_length_parameter: self.key_length_parameter.map(str::to_owned),
            iv_parameter: self.iv_parameter.map(str::to_owned),
            gzip: self.gzip,
            grade: self.grade,
        }
    }
}

impl Profile {
    /// The same profile with another digest, if its method derives its key by one.
    #[must_use]
    pub fn with_digest(self, kdf: Digest) -> Self {
        let method = match self.method {
            Method::Salted {
                cipher, encoding, ..
            } => Method::Salted {
                cipher,
                kdf,
                encoding,
            },
            other => other,
        };
        Self { method, ..self }
    }

    /// What seals a device's files.
    pub fn sealer(&self, key: &DeviceKey) -> Sealer<'_> {
        Sealer::new(self, key)
    }

    /// The same for the texts that a phone was told, for tests and tools.
    ///
    /// # Errors
    /// [`KeyTextError`]: a text is not of the method's length or characters.
    pub fn sealer_of_texts(&self, key: &str, iv: Option<&str>) -> Result<Sealer<'_>, KeyTextError> {
        Sealer::with_texts(self, key, iv)
    }

    /// What is sealed of a file: the file, or the file as gzip packs it. The same file gives the same bytes: no name and
    /// no time stand in them. It is also what the [salt](super::salt) is made of.
    ///
    /// ```
    /// use ringfence_provision::vendor;
    ///
    /// let profile = vendor::profile("spa-256-gzip").expect("built in");
    /// let payload = profile.payload(b"<flat-profile/>\n");
    /// assert!(payload.starts_with(&[0x1f, 0x8b]));
    /// assert_eq!(profile.unpack(payload.to_vec()).as_deref(), Some(&b"<flat-profile/>\n"[..]));
    /// ```
    pub fn payload<'a>(&self, plaintext: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.gzip {
            return Cow::Borrowed(plaintext);
        }
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
        let packed = encoder.write_all(plaintext).and_then(|()| encoder.finish());
        // Memory takes whatever is written to it.
        Cow::Owned(packed.unwrap_or_default())
    }

    /// The file of a payload, for tests and tools; `None` where it is none of gzip, or would be longer than
    /// [`MAX_UNPACKED`].
    pub fn unpack(&self, payload: Vec<u8>) -> Option<Vec<u8>> {
        if !self.gzip {
            return Some(payload);
        }
        let mut file = Vec::new();
        let decoder = GzDecoder::new(payload.as_slice());
        let read = decoder.take(MAX_UNPACKED + 1).read_to_end(&mut file).ok()?;
        (read as u64 <= MAX_UNPACKED).then_some(file)
    }

    /// The bytes of the sealed file of a [payload](Self::payload) of `plain_len` bytes.
    pub fn sealed_len(&self, plain_len: usize) -> usize {
        self.method.sealed_len(plain_len)
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
    /// One of the parameters.
    #[error("the parameter `{0}` must be 1 to 64 of the characters A–Z, a–z, 0–9, _, . and -")]
    Parameter(String),
    /// Members that do not go together.
    #[error("the cipher {0}")]
    Method(&'static str),
}

/// The method's name in a written profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum CipherName {
    Cbc(Cipher),
    Other(OtherCipher),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum OtherCipher {
    #[serde(rename = "aes-128-ecb")]
    Ecb128,
    #[serde(rename = "aes-256-ecb")]
    Ecb256,
    #[serde(rename = "aes128gcm")]
    Aes128Gcm,
}

/// A profile as it is written. What a cipher has no use for is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProfile {
    name: String,
    cipher: CipherName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kdf: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ikm: Option<Ikm>,
    /// `None`: as many as are usual of `ikm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_len: Option<u8>,
    /// `None`: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record_size: Option<u32>,
    extension: String,
    key_parameter: String,
    #[serde(default)]
    key_length_parameter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iv_parameter: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gzip: bool,
    /// `None`: by `verified`.
    #[serde(default)]
    grade: Option<Grade>,
    /// How profiles were written that had no grade.
    #[serde(default, skip_serializing)]
    verified: bool,
}

impl From<Profile> for WrittenProfile {
    fn from(from: Profile) -> Self {
        let mut written = Self {
            name: from.name,
            cipher: CipherName::Cbc(Cipher::Aes128),
            kdf: None,
            encoding: None,
            ikm: None,
            key_len: None,
            key_id: None,
            record_size: None,
            extension: from.extension,
            key_parameter: from.key_parameter,
            key_length_parameter: from.key_length_parameter,
            iv_parameter: from.iv_parameter,
            gzip: from.gzip,
            grade: Some(from.grade),
            verified: false,
        };
        match from.method {
            Method::Salted {
                cipher,
                kdf,
                encoding,
            } => {
                written.cipher = CipherName::Cbc(cipher);
                written.kdf = Some(kdf);
                written.encoding = Some(encoding);
            }
            Method::FixedIv => {}
            Method::Ecb(EcbKey::Chars16) => written.cipher = CipherName::Other(OtherCipher::Ecb128),
            Method::Ecb(EcbKey::Chars32) => written.cipher = CipherName::Other(OtherCipher::Ecb256),
            Method::Aes128Gcm {
                ikm,
                key_len,
                key_id,
                record_size,
            } => {
                written.cipher = CipherName::Other(OtherCipher::Aes128Gcm);
                written.ikm = Some(ikm);
                written.key_len = (key_len != ikm.usual_len()).then_some(key_len);
                let id = String::from_utf8_lossy(key_id.as_bytes());
                written.key_id = (!id.is_empty()).then(|| id.into_owned());
                written.record_size = Some(record_size);
            }
        }
        written
    }
}

impl WrittenProfile {
    fn content_coding(&self) -> Result<Method, ProfileError> {
        let ikm = self.ikm.unwrap_or_default();
        let id = self.key_id.as_deref().unwrap_or_default();
        let too_long = ProfileError::Method("has a `key_id` of at most 32 bytes");
        Ok(Method::Aes128Gcm {
            ikm,
            key_len: self.key_len.unwrap_or(ikm.usual_len()),
            key_id: KeyId::parse(id).ok_or(too_long)?,
            record_size: self.record_size.unwrap_or(Method::USUAL_RECORD_SIZE),
        })
    }

    fn method(&self) -> Result<Method, ProfileError> {
        let is_gcm = self.cipher == CipherName::Other(OtherCipher::Aes128Gcm);
        let of_gcm = [
            self.ikm.is_some(),
            self.key_len.is_some(),
            self.key_id.is_some(),
            self.record_size.is_some(),
        ];
        if !is_gcm && of_gcm.contains(&true) {
            let why =
                "has no `ikm`, `key_len`, `key_id` and `record_size`: only aes128gcm has them";
            return Err(ProfileError::Method(why));
        }
        let method = match (self.cipher, self.kdf, self.encoding) {
            (CipherName::Cbc(cipher), Some(kdf), Some(encoding)) => Method::Salted {
                cipher,
                kdf,
                encoding,
            },
            (CipherName::Cbc(Cipher::Aes128), None, None) if self.iv_parameter.is_some() => {
                Method::FixedIv
            }
            (CipherName::Cbc(_), _, _) => {
                let why = "needs `kdf` and `encoding`, or neither and an `iv_parameter`, which is for \
                           aes-128-cbc alone";
                return Err(ProfileError::Method(why));
            }
            (CipherName::Other(other), None, None) => match other {
                OtherCipher::Ecb128 => Method::Ecb(EcbKey::Chars16),
                OtherCipher::Ecb256 => Method::Ecb(EcbKey::Chars32),
                OtherCipher::Aes128Gcm => self.content_coding()?,
            },
            (CipherName::Other(_), _, _) => {
                return Err(ProfileError::Method("has no `kdf` and no `encoding`"));
            }
        };
        match method {
            Method::FixedIv => {}
            _ if self.iv_parameter.is_some() => {
                return Err(ProfileError::Method("has no IV that a phone is told"));
            }
            Method::Aes128Gcm { record_size, .. } if record_size < Method::MIN_RECORD_SIZE => {
                return Err(ProfileError::Method("needs a `record_size` of 18 at least"));
            }
            Method::Aes128Gcm { key_len, .. }
                if !(Method::MIN_KEY_LEN..=Method::MAX_KEY_LEN).contains(&key_len) =>
            {
                return Err(ProfileError::Method("needs a `key_len` of 16 to 32"));
            }
            _ => {}
        }
        Ok(method)
    }
}

impl TryFrom<WrittenProfile> for Profile {
    type Error = ProfileError;

    fn try_from(from: WrittenProfile) -> Result<Self, ProfileError> {
        let made_of = |text: &str, max: usize, allowed: fn(char) -> bool| {
            (1..=max).contains(&text.len()) && text.chars().all(allowed)
        };
        if !made_of(&from.name, 32, |c| matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(ProfileError::Name(from.name));
        }
        if !made_of(&from.extension, 16, |c| c.is_ascii_alphanumeric()) {
            return Err(ProfileError::Extension(from.extension));
        }
        let parameters = [
            Some(&from.key_parameter),
            from.key_length_parameter.as_ref(),
            from.iv_parameter.as_ref(),
        ];
        for parameter in parameters.into_iter().flatten() {
            if !made_of(
                parameter,
                64,
                |c| matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '-'),
            ) {
                return Err(ProfileError::Parameter(parameter.clone()));
            }
        }
        let method = from.method()?;
        let by_word = if from.verified {
            Grade::Sound
        } else {
            Grade::Unpublished
        };
        Ok(Self {
            name: from.name,
            method,
            extension: from.extension,
            key_parameter: from.key_parameter,
            key_length_parameter: from.key_length_parameter,
            iv_parameter: from.iv_parameter,
            gzip: from.gzip,
            grade: from.grade.unwrap_or(by_word),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::family::Family;
    use crate::seal::OpenError;
    use crate::vendor;

    const PASS: &str = "12341234abcdabcd12341234abcdabcd";
    const SALT: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    const PLAIN: &[u8] = b"<PANASIPPhoneConfig/>\n";

    fn seal(profile: &Profile) -> Vec<u8> {
        let sealer = profile.sealer_of_texts(PASS, None).unwrap();
        let file = sealer.seal(&SALT, PLAIN).unwrap();
        assert_eq!(file.len(), profile.sealed_len(PLAIN.len()));
        assert_eq!(sealer.open(&file).unwrap(), PLAIN);
        file
    }

    fn sealed(cipher: Cipher, digest: Digest) -> String {
        let profile = vendor::profile(&format!("utg-{}", cipher.bits()))
            .unwrap()
            .with_digest(digest);
        String::from_utf8(seal(&profile)).unwrap()
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
        let file = seal(&profile);
        let other = profile.sealer_of_texts("12341234abcdabcd12341234abcdabce", None);
        assert_eq!(other.unwrap().open(&file), Err(OpenError::Padding));
    }

    /// A sealed file is kept in KV as it is: one that everybody can read must not come there.
    #[test]
    fn each_built_in_profile_has_its_grade_and_none_is_obfuscation() {
        for name in vendor::profiles().map(|spec| spec.name) {
            let profile = vendor::profile(name).unwrap();
            assert_eq!(profile.name, name);
            let grade = match name {
                "e1c" | "e2c" | "e3c" => Grade::Unpublished,
                "yealink-ecb-128"
                | "yealink-ecb-256"
                | "yealink-v80-ecb-128"
                | "yealink-v85-ecb-128"
                | "obi-128" => Grade::Weak,
                _ => Grade::Sound,
            };
            assert_eq!(profile.grade, grade, "{name}");
            assert_eq!(grade.is_sealing(), grade != Grade::Unpublished);
        }
        assert!(!Grade::Obfuscation.is_sealing());
        assert_eq!(vendor::profile("e4c"), None);
    }

    #[test]
    fn no_family_begins_with_a_profile_that_is_no_sealing() {
        for family in Family::ALL {
            let own = family.default_profile_name().and_then(vendor::profile);
            assert!(
                own.is_none_or(|profile| profile.grade.is_sealing()),
                "{family:?}"
            );
        }
    }

    #[test]
    fn a_grade_is_one_word_everywhere() {
        for grade in [
            Grade::Sound,
            Grade::Weak,
            Grade::Obfuscation,
            Grade::Unpublished,
        ] {
            assert_eq!(serde_json::to_value(grade).unwrap(), grade.as_str());
        }
    }

    #[test]
    fn a_profile_named_after_a_digest_differs_in_that_alone() {
        for name in ["utg-128", "utg-192", "utg-256"] {
            let md5 = vendor::profile(name).unwrap();
            let sha256 = vendor::profile(&format!("{name}-sha256")).unwrap();
            assert_ne!(seal(&md5), seal(&sha256));
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
          "grade": "sound"
        }
        "#);
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
        // As it was before there were grades.
        let before = json.replace(r#""grade": "sound""#, r#""verified": true"#);
        assert_eq!(serde_json::from_str::<Profile>(&before).unwrap(), profile);
        let unverified = json.replace(r#""grade": "sound""#, r#""verified": false"#);
        let unverified = serde_json::from_str::<Profile>(&unverified).unwrap();
        assert_eq!(unverified.grade, Grade::Unpublished);
    }

    #[test]
    fn profile_json_format_of_other_methods_unchanged() {
        let written = |name: &str| {
            let profile = vendor::profile(name).unwrap();
            let json = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
            json
        };
        insta::assert_snapshot!(written("yealink-ecb-128"), @r#"{"name":"yealink-ecb-128","cipher":"aes-128-ecb","extension":"cfg","key_parameter":"static.auto_provision.aes_key_16.mac","key_length_parameter":null,"grade":"weak"}"#);
        insta::assert_snapshot!(written("yealink-ecb-256"), @r#"{"name":"yealink-ecb-256","cipher":"aes-256-ecb","extension":"cfg","key_parameter":"static.auto_provision.aes_key.mac","key_length_parameter":null,"grade":"weak"}"#);
        insta::assert_snapshot!(written("obi-128"), @r#"{"name":"obi-128","cipher":"aes-128-cbc","extension":"aes","key_parameter":"SPRM0","key_length_parameter":null,"iv_parameter":"SPRM1","grade":"weak"}"#);
        insta::assert_snapshot!(written("spa-256-gzip"), @r#"{"name":"spa-256-gzip","cipher":"aes-256-cbc","kdf":"md5","encoding":"binary","extension":"enc","key_parameter":"GPP_SA","key_length_parameter":null,"gzip":true,"grade":"sound"}"#);
        insta::assert_snapshot!(written("mpp-8188"), @r#"{"name":"mpp-8188","cipher":"aes128gcm","ikm":"ascii","record_size":4096,"extension":"xml","key_parameter":"IKM_HTTP_Encrypt_Content","key_length_parameter":null,"grade":"sound"}"#);
        insta::assert_snapshot!(written("mpp-8188-16"), @r#"{"name":"mpp-8188-16","cipher":"aes128gcm","ikm":"ascii","key_len":16,"record_size":4096,"extension":"xml","key_parameter":"IKM_HTTP_Encrypt_Content","key_length_parameter":null,"grade":"sound"}"#);
    }

    /// What a phone makes of its key and of the id was not published, so that either is a matter of data.
    #[test]
    fn the_length_of_the_keying_material_and_the_keys_id_are_data_of_the_profile() {
        let read = |members: &str| {
            let json = format!(
                r#"{{"name": "x", "extension": "xml", "key_parameter": "KEY", "cipher": "aes128gcm", {members}}}"#
            );
            serde_json::from_str::<Profile>(&json).unwrap()
        };
        let told = |profile: &Profile| {
            let key = DeviceKey::parse(PASS).unwrap();
            let parameters = profile.sealer(&key).parameters();
            parameters[0].1.as_str().to_owned()
        };
        for (members, characters) in [
            (r#""ikm": "ascii""#, 32),
            (r#""ikm": "ascii", "key_len": 16"#, 16),
            (r#""ikm": "hex""#, 32),
            (r#""ikm": "hex", "key_len": 32"#, 64),
            (r#""ikm": "base64url""#, 22),
            (r#""ikm": "base64url", "key_len": 32"#, 43),
        ] {
            let profile = read(members);
            let text = told(&profile);
            assert_eq!(text.len(), characters, "{members}");
            // What the phone was told opens what the device's key has sealed.
            let key = DeviceKey::parse(PASS).unwrap();
            let file = profile.sealer(&key).seal(&SALT, PLAIN).unwrap();
            let phone = profile.sealer_of_texts(&text, None).unwrap();
            assert_eq!(phone.open(&file).unwrap(), PLAIN, "{members}");
            let json = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
        }
        assert_eq!(told(&read(r#""key_len": 16"#)), PASS[..16]);
        let (plain, named) = (read(r#""ikm": "ascii""#), read(r#""key_id": "a1""#));
        let (plain, named) = (seal(&plain), seal(&named));
        assert_eq!(plain[20], 0);
        assert_eq!(&named[20..23], b"\x02a1");
        assert_eq!(plain[..20], named[..20]);
        assert_eq!(plain[21..], named[23..]);
    }

    #[test]
    fn every_built_in_profile_is_one_that_could_be_written() {
        for spec in vendor::profiles() {
            let json = serde_json::to_string(&spec.profile()).unwrap();
            let read = serde_json::from_str::<Profile>(&json);
            assert_eq!(read.unwrap(), spec.profile());
        }
    }

    #[test]
    fn members_that_a_cipher_has_no_use_for_are_refused() {
        let read = |members: &str| {
            let json = format!(
                r#"{{"name": "x", "extension": "cfg", "key_parameter": "KEY", {members}}}"#
            );
            serde_json::from_str::<Profile>(&json).map_err(|error| error.to_string())
        };
        let gcm = read(r#""cipher": "aes128gcm""#).unwrap();
        assert_eq!(
            gcm.method,
            Method::Aes128Gcm {
                ikm: Ikm::Ascii,
                key_len: 32,
                key_id: KeyId::EMPTY,
                record_size: 4096
            }
        );
        assert_eq!(gcm.grade, Grade::Unpublished);
        for members in [
            r#""cipher": "aes-128-cbc""#,
            r#""cipher": "aes-128-cbc", "kdf": "md5""#,
            r#""cipher": "aes-256-cbc", "iv_parameter": "IV""#,
            r#""cipher": "aes-256-cbc", "kdf": "md5", "encoding": "binary", "iv_parameter": "IV""#,
            r#""cipher": "aes-256-cbc", "kdf": "md5", "encoding": "binary", "ikm": "hex""#,
            r#""cipher": "aes-128-ecb", "kdf": "md5""#,
            r#""cipher": "aes-128-ecb", "iv_parameter": "IV""#,
            r#""cipher": "aes128gcm", "encoding": "base64""#,
            r#""cipher": "aes128gcm", "record_size": 17"#,
            r#""cipher": "aes128gcm", "key_len": 15"#,
            r#""cipher": "aes128gcm", "key_len": 33"#,
            r#""cipher": "aes128gcm", "key_id": "012345678901234567890123456789012""#,
            r#""cipher": "aes-128-ecb", "key_len": 16"#,
            r#""cipher": "aes-128-ecb", "key_id": """#,
        ] {
            let refused = read(members).unwrap_err();
            assert!(refused.contains("the cipher"), "{members}: {refused}");
        }
        assert!(read(r#""cipher": "rc4""#).is_err());
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
        assert_eq!(profile.grade, Grade::Unpublished);
        let file = seal(&profile);
        assert_eq!(file[..16], *b"Salted__\x01\x02\x03\x04\x05\x06\x07\x08");
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
