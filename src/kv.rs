//! The KV binding, by its JavaScript interface.
//!
//! `worker::KvStore` copies every value into the module's memory; a sealed file only passes
//! through, so this keeps it the `ArrayBuffer` that the runtime made.

use js_sys::{ArrayBuffer, Promise, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::db::StorageError;

#[wasm_bindgen]
extern "C" {
    type Namespace;

    #[wasm_bindgen(method, catch)]
    async fn get(this: &Namespace, key: &str, options: &JsValue) -> Result<JsValue, JsValue>;

    // Not `async`: the read begins with the call, whoever waits for it and when.
    #[wasm_bindgen(method, catch, js_name = getWithMetadata)]
    fn get_with_metadata(
        this: &Namespace,
        key: &str,
        options: &JsValue,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn put(
        this: &Namespace,
        key: &str,
        value: &JsValue,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    // Not `async`: many deletions go on at once.
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Namespace, key: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn list(this: &Namespace, options: &JsValue) -> Result<JsValue, JsValue>;
}

/// So many deletions are on their way at a time.
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
        let value = self.0.get(key, &"text".into()).await.map_err(failed)?;
        Ok(value.as_string())
    }

    /// Begins to read a value as bytes.
    pub(super) fn begin(&self, key: &str) -> Result<Reading, StorageError> {
        let promise = self.0.get_with_metadata(key, &"arrayBuffer".into());
        Ok(Reading(JsFuture::from(promise.map_err(failed)?)))
    }

    /// Stores text with metadata for so many seconds, at least 60.
    pub(super) async fn put_text(
        &self,
        key: &str,
        value: &str,
        metadata: &str,
        seconds: u32,
    ) -> Result<(), StorageError> {
        let options = js_sys::Object::new();
        Reflect::set(&options, &"metadata".into(), &metadata.into()).map_err(failed)?;
        Reflect::set(&options, &"expirationTtl".into(), &seconds.into()).map_err(failed)?;
        self.0
            .put(key, &value.into(), &options)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Stores bytes with metadata: for so many seconds, at least 60, or for good.
    pub(super) async fn put_buffer(
        &self,
        key: &str,
        value: &ArrayBuffer,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<(), StorageError> {
        let options = js_sys::Object::new();
        Reflect::set(&options, &"metadata".into(), &metadata.into()).map_err(failed)?;
        if let Some(seconds) = seconds {
            Reflect::set(&options, &"expirationTtl".into(), &seconds.into()).map_err(failed)?;
        }
        self.0.put(key, value, &options).await.map_err(failed)?;
        Ok(())
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
        let options = js_sys::Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into()).map_err(failed)?;
        if let Some(cursor) = cursor {
            Reflect::set(&options, &"cursor".into(), &cursor.into()).map_err(failed)?;
        }
        let page = self.0.list(&options).await.map_err(failed)?;
        let text = js_sys::JSON::stringify(&page).map_err(failed)?;
        ringfence_json::from_str(&String::from(text))
            .map_err(|error| StorageError::Corrupt(error.to_string()))
    }
}

/// A value on its way from KV. Dropping it wastes the read and nothing else.
pub(super) struct Reading(JsFuture);

impl Reading {
    /// The bytes, outside the module's memory, with their metadata as text.
    pub(super) async fn finish(self) -> Result<Option<(ArrayBuffer, String)>, StorageError> {
        let found = self.0.await.map_err(failed)?;
        let value = Reflect::get(&found, &"value".into()).map_err(failed)?;
        let metadata = Reflect::get(&found, &"metadata".into()).map_err(failed)?;
        Ok(value
            .dyn_into::<ArrayBuffer>()
            .ok()
            .zip(metadata.as_string()))
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
