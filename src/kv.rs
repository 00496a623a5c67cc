//! The KV binding, by its JavaScript interface.
//!
//! `worker::KvStore` copies every value into the module's memory; a sealed file only passes
//! through, so this keeps it the `ArrayBuffer` that the runtime made. What takes several calls is one function of `kv.js`.

use js_sys::{ArrayBuffer, Promise, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::db::{Corrupt, StorageError};

#[wasm_bindgen]
extern "C" {
    type Namespace;

    // Not `async`: many deletions go on at once.
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Namespace, key: &str) -> Result<Promise, JsValue>;

    /// What [`begin`] promises.
    type FoundValue;

    #[wasm_bindgen(method, getter)]
    fn value(this: &FoundValue) -> Option<ArrayBuffer>;
}

#[wasm_bindgen(module = "/src/kv.js")]
extern "C" {
    // Not `async`: the read begins with the call, whoever waits for it and when.
    #[wasm_bindgen(catch)]
    fn begin(kv: &Namespace, key: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = metadataOf)]
    fn metadata_of(found: &FoundValue) -> Option<String>;

    #[wasm_bindgen(catch)]
    async fn text(kv: &Namespace, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn put(
        kv: &Namespace,
        key: &str,
        value: &JsValue,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn list(kv: &Namespace, prefix: &str, cursor: Option<String>)
    -> Result<JsValue, JsValue>;
}

/// The most deletions that are on their way to KV at a time.
const MAX_DELETIONS: usize = 50;

/// A name of the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    pub name: String,
    /// As it was stored: text, or nothing.
    #[serde(default)]
    pub metadata: Option<String>,
}

/// Some names, in their order.
#[derive(Debug, Deserialize)]
pub(super) struct KeyPage {
    pub keys: Vec<Listed>,
    /// Where to go on; nothing on the last page.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The namespace bound as `FILES`.
pub struct Kv(Namespace);

impl Kv {
    /// The binding.
    ///
    /// # Errors
    /// The deployment has no KV namespace bound as `FILES`.
    pub fn new(env: &Env) -> Result<Self, StorageError> {
        let binding = Reflect::get(env, &"FILES".into()).map_err(failed)?;
        if binding.is_undefined() {
            return Err(StorageError::Config(
                "no KV namespace is bound as FILES".into(),
            ));
        }
        Ok(Self(binding.unchecked_into()))
    }

    /// A value as text.
    pub(super) async fn text(&self, key: &str) -> Result<Option<String>, StorageError> {
        let value = text(&self.0, key).await.map_err(failed)?;
        Ok(value.as_string())
    }

    /// Begins to read a value as bytes.
    pub(super) fn begin(&self, key: &str) -> Result<Reading, StorageError> {
        let promise = begin(&self.0, key).map_err(failed)?;
        Ok(Reading(JsFuture::from(promise)))
    }

    /// Stores text with metadata for `seconds` seconds, at least 60.
    pub(super) async fn put_text(
        &self,
        key: &str,
        value: &str,
        metadata: &str,
        seconds: u32,
    ) -> Result<(), StorageError> {
        put(&self.0, key, &value.into(), metadata, Some(seconds))
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Stores bytes with metadata: for `seconds` seconds, at least 60, or for good.
    pub(super) async fn put_buffer(
        &self,
        key: &str,
        value: &ArrayBuffer,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<(), StorageError> {
        put(&self.0, key, value, metadata, seconds)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Removes a value; a value that is not there is no error.
    pub(super) async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let deletion: Promise = self.0.delete(key).map_err(failed)?;
        JsFuture::from(deletion).await.map_err(failed)?;
        Ok(())
    }

    /// Removes many values.
    pub(super) async fn delete_all(&self, keys: &[String]) -> Result<(), StorageError> {
        for some in keys.chunks(MAX_DELETIONS) {
            let deletions = js_sys::Array::new();
            for key in some {
                let deletion: Promise = self.0.delete(key).map_err(failed)?;
                deletions.push(&deletion);
            }
            let all = Promise::all(&deletions.into());
            JsFuture::from(all).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Names that begin with `prefix`: the first ones, or those behind `cursor`.
    pub(super) async fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<KeyPage, StorageError> {
        let page = list(&self.0, prefix, cursor.map(ToOwned::to_owned)).await;
        let text = page.map_err(failed)?.as_string().unwrap_or_default();
        ringfence_json::from_str(&text).map_err(|error| Corrupt::Json(error).into())
    }
}

/// A value on its way from KV. Dropping it wastes the read and nothing else.
pub(super) struct Reading(JsFuture);

impl Reading {
    /// The bytes, outside the module's memory, with their metadata as text.
    pub(super) async fn finish(self) -> Result<Option<(ArrayBuffer, String)>, StorageError> {
        let found: FoundValue = self.0.await.map_err(failed)?.unchecked_into();
        Ok(found.value().zip(metadata_of(&found)))
    }
}

/// Bytes as the runtime's own, for KV and for a response body.
pub fn to_buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

fn failed(error: JsValue) -> StorageError {
    let text = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "KV failed".into());
    StorageError::Cache(text)
}
