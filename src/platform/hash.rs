//! Digests: as they are stored, lower-case hexadecimal digits; and of whole files by WebCrypto, which takes a fraction of the
//! time that the same takes in WebAssembly.

use std::cell::RefCell;

use js_sys::{Object, Reflect, Uint8Array};
pub use ringfence_provision::hex;
use sha2::{Digest as _, Sha256};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = digest)]
    async fn subtle_digest(algorithm: &str, data: &Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    async fn subtle_import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &JsValue,
        extractable: bool,
        usages: &js_sys::Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = sign)]
    async fn subtle_sign(
        algorithm: &str,
        key: &JsValue,
        data: &Uint8Array,
    ) -> Result<JsValue, JsValue>;
}

thread_local! {
    /// The last key of [`hmac_sha256`], as WebCrypto has it.
    static HMAC_KEY: RefCell<Option<([u8; 32], JsValue)>> = const { RefCell::new(None) };
}

/// SHA-256 of a file.
pub async fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = subtle_digest("SHA-256", &Uint8Array::from(bytes)).await;
    let digest = digest.ok().and_then(array);
    digest.unwrap_or_else(|| Sha256::digest(bytes).into())
}

/// HMAC-SHA256 of a file's length; `None`: WebCrypto refuses.
pub async fn hmac_sha256(secret: &[u8; 32], message: &[u8]) -> Option<[u8; 32]> {
    let key = hmac_key(secret).await.ok()?;
    let tag = subtle_sign("HMAC", &key, &Uint8Array::from(message)).await;
    array(tag.ok()?)
}

/// The key, which is the same for all files until the master key changes: so it is kept.
async fn hmac_key(secret: &[u8; 32]) -> Result<JsValue, JsValue> {
    let kept = HMAC_KEY.with_borrow(|kept| {
        let same = kept.as_ref().filter(|(of, _)| of == secret);
        same.map(|(_, key)| key.clone())
    });
    if let Some(key) = kept {
        return Ok(key);
    }
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"HMAC".into())?;
    Reflect::set(&algorithm, &"hash".into(), &"SHA-256".into())?;
    let usages = js_sys::Array::of1(&"sign".into());
    let bytes = Uint8Array::from(&secret[..]);
    let key = subtle_import_key("raw", &bytes, &algorithm, false, &usages).await?;
    HMAC_KEY.set(Some((*secret, key.clone())));
    Ok(key)
}

fn array(buffer: JsValue) -> Option<[u8; 32]> {
    Uint8Array::new(&buffer).to_vec().try_into().ok()
}

/// SHA-256 as 64 lower-case hexadecimal digits: how tokens and access paths are stored. They are
/// random bits enough to need no salt and no slow hash.
pub fn sha256_hex(text: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(text))
}
