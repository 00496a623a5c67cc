//! Sealing and wrapping by WebCrypto. The pure crate is the reference that a test holds this to;
//! AES in WebAssembly is about nine times slower.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use ringfence_provision::key::DeviceKey;
use ringfence_provision::seal::{self, GcmRecords, KeyIv, Plan, Profile, Salt};
use ringfence_provision::wrap::{FileFrame, Keyring, WrapError};
use wasm_bindgen::prelude::*;

use crate::model::device::DeviceRow;
use crate::platform::hash;
use crate::platform::log;

#[wasm_bindgen(module = "/src/files/seal.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = cbcEncrypt)]
    async fn cbc_encrypt(
        key: &Uint8Array,
        iv: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = gcmEncrypt)]
    async fn gcm_encrypt(
        key: &Uint8Array,
        nonce: &Uint8Array,
        identity: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = gcmRecords)]
    async fn gcm_sealed(
        key: &Uint8Array,
        nonces: &Array,
        records: &Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = gcmDecrypt)]
    async fn gcm_decrypt(
        key: &Uint8Array,
        nonce: &Uint8Array,
        identity: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<JsValue, JsValue>;
}

/// A file cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the device's key: {0}")]
    Key(#[from] WrapError),
    #[error("the device's key is not one")]
    NotAKey,
    #[error("WebCrypto: {0}")]
    WebCrypto(String),
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

impl From<JsValue> for SealError {
    fn from(error: JsValue) -> Self {
        let text = error
            .dyn_ref::<js_sys::Error>()
            .map(|error| String::from(error.message()));
        Self::WebCrypto(text.unwrap_or_else(|| "failed".into()))
    }
}

/// The row identity that a device's key is wrapped for.
pub fn key_identity(device_id: &str, generation: u32) -> String {
    format!("device-key:{device_id}:{generation}")
}

/// A device's key in clear.
///
/// # Errors
/// The master key is missing, or the row was moved.
pub fn unwrap_key(keyring: &Keyring, device: &DeviceRow) -> Result<DeviceKey, SealError> {
    let bytes = keyring.unwrap(
        &key_identity(&device.id, device.generation),
        &device.key_wrapped,
    )?;
    let text = std::str::from_utf8(&bytes).map_err(|_| SealError::NotAKey)?;
    DeviceKey::parse(text).map_err(|_| SealError::NotAKey)
}

/// Seals a file. The same content under the same key gives the same bytes, hence a stable ETag.
/// Where WebCrypto refuses (an engine may lack AES-192) or has no such mode (ECB) the crate seals: slower, and
/// the same bytes.
///
/// # Errors
/// The crate's own: no file is as long.
pub async fn seal(
    keyring: &Keyring,
    profile: &Profile,
    key: &DeviceKey,
    key_id: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, seal::SealError> {
    let payload = profile.payload(plaintext);
    let plaintext = payload.as_ref();
    let salt = salt(keyring, key_id, plaintext).await;
    let sealer = profile.sealer(key);
    let ciphertext = match sealer.plan(&salt, plaintext) {
        Plan::Cbc(material) => cbc(&material, plaintext).await,
        Plan::Gcm(records) => gcm_records(&records).await,
        Plan::Sealed(file) => return Ok(file),
    };
    match ciphertext {
        Ok(ciphertext) => Ok(sealer.assemble(&salt, &ciphertext)),
        Err(error) => {
            log::warn(
                "webcrypto_refused",
                &[
                    ("cipher", profile.method.as_str()),
                    ("error", &SealError::from(error).to_string()),
                ],
            );
            sealer.seal(&salt, plaintext)
        }
    }
}

/// The salt of a file; by the crate where WebCrypto refuses.
async fn salt(keyring: &Keyring, key_id: &str, plaintext: &[u8]) -> Salt {
    let secret = keyring.current().salt_key();
    let tag = hash::hmac_sha256(secret, &seal::salt_message(key_id, plaintext)).await;
    tag.map_or_else(
        || seal::salt(secret, key_id, plaintext),
        |tag| seal::salt_of(&tag),
    )
}

/// AES-CBC with PKCS#7 by WebCrypto.
async fn cbc(material: &KeyIv, plaintext: &[u8]) -> Result<Vec<u8>, JsValue> {
    let (key, iv) = (bytes(&material.key), bytes(&material.iv));
    let sealed = cbc_encrypt(&key, &iv, &bytes(plaintext)).await?;
    Ok(bytes_of(sealed))
}

/// The records of RFC 8188 by WebCrypto, one after the other. Deriving the key takes a few hashes, which the
/// crate does.
async fn gcm_records(job: &GcmRecords) -> Result<Vec<u8>, JsValue> {
    let nonces: Array = job.records.iter().map(|it| bytes(&it.nonce)).collect();
    let records = job.records.iter();
    let records: Array = records.map(|it| bytes(it.plaintext.as_slice())).collect();
    let sealed = gcm_sealed(&bytes(job.key.as_slice()), &nonces, &records).await?;
    Ok(bytes_of(sealed))
}

/// Wraps a plaintext file for KV.
///
/// # Errors
/// WebCrypto refuses, or there is no randomness.
pub async fn wrap_file(
    keyring: &Keyring,
    identity: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce = crate::platform::random_array()?;
    let master = keyring.current();
    let (key, identity) = (bytes(master.file_key()), bytes(identity.as_bytes()));
    let wrapped = gcm_encrypt(&key, &bytes(&nonce), &identity, &bytes(plaintext)).await?;
    Ok(FileFrame::write(master, nonce, &bytes_of(wrapped)))
}

/// Opens a file from KV that [`wrap_file`] made for the same identity.
///
/// # Errors
/// The master key is missing, or the value was changed or moved.
pub async fn unwrap_file(
    keyring: &Keyring,
    identity: &str,
    frame: &[u8],
) -> Result<ArrayBuffer, SealError> {
    let frame = FileFrame::parse(frame)?;
    let key = bytes(keyring.find(frame.key_id)?.file_key());
    let (nonce, identity) = (bytes(&frame.nonce), bytes(identity.as_bytes()));
    let plain = gcm_decrypt(&key, &nonce, &identity, &bytes(frame.ciphertext)).await?;
    plain
        .dyn_into()
        .map_err(|_| SealError::WebCrypto("no buffer".into()))
}

/// A strong validator: 128 bits of SHA-256, quoted.
pub async fn etag(bytes: &[u8]) -> String {
    validator(&hash::sha256(bytes).await)
}

fn validator(digest: &[u8; 32]) -> String {
    let mut digest = hash::hex(digest);
    digest.truncate(32);
    format!("\"{digest}\"")
}

/// As JavaScript sees them.
fn bytes(own: &[u8]) -> Uint8Array {
    Uint8Array::from(own)
}

fn bytes_of(buffer: JsValue) -> Vec<u8> {
    Uint8Array::new(&buffer).to_vec()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn an_etag_is_half_a_digest_in_quotes() {
        let nothing = Sha256::digest(b"").into();
        assert_eq!(validator(&nothing), "\"e3b0c44298fc1c149afbf4c8996fb924\"");
    }
}
