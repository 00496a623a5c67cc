//! A file as KV holds it: sealed, or wrapped where its method is plaintext over HTTPS.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::{FileKind, Form};

use super::known;
use crate::app::App;
use crate::db::StorageError;
use crate::kv::Reading;
use crate::model::published::FileMeta;
use crate::platform::log;

/// After how many seconds what a master key wraps ends by itself, whoever asks for it.
const WRAPPED_LIFETIME_S: u32 = 30 * 24 * 3600;

/// The key of a file. `owner` is a MAC, a model, or empty for a file of the whole tenant.
pub fn file_key(tenant: &str, kind: FileKind, form: Form, owner: &str) -> String {
    format!("f1:{tenant}:{}:{}:{owner}", kind.as_str(), form.as_str())
}

/// The key of the same file with the URLs of another access path in it: two that are asked under in turn
/// would otherwise each take the other's place, and cost a look into D1 each time.
pub fn second_key(key: &str) -> String {
    format!("{key}:2")
}

/// A file on its way from KV.
pub struct FileRead {
    key: String,
    /// `None` where KV could not even be asked.
    reading: Option<Reading>,
}

impl FileRead {
    /// Asks KV for a file. What else there is to ask can be asked before [`finish`](Self::finish).
    pub fn begin(app: &App, key: String) -> Self {
        Self {
            reading: app.kv.begin(&key).ok(),
            key,
        }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// The file; `None` where KV does not know it or does not answer.
    pub async fn finish(self) -> Option<(ArrayBuffer, FileMeta)> {
        let (bytes, metadata) = self.reading?.finish().await.ok().flatten()?;
        Some((bytes, ringfence_json::from_str(&metadata).ok()?))
    }
}

/// A file from KV; `None` where KV does not know it or does not answer.
pub async fn read_file(app: &App, key: &str) -> Option<(ArrayBuffer, FileMeta)> {
    FileRead::begin(app, key.to_owned()).finish().await
}

/// Stores a file.
///
/// # Errors
/// KV fails; nothing but speed is lost.
pub async fn put_file(
    app: &App,
    key: &str,
    bytes: &ArrayBuffer,
    meta: &FileMeta,
) -> Result<(), StorageError> {
    known::forget(key);
    let metadata =
        serde_json::to_string(meta).map_err(|error| StorageError::Cache(error.to_string()))?;
    let seconds = (!meta.master.is_empty()).then_some(WRAPPED_LIFETIME_S);
    app.kv.put_buffer(key, bytes, &metadata, seconds).await
}

/// Removes a file. Should KV fail, the file is as good as it was: its version tells.
pub async fn remove_file(app: &App, key: &str) {
    known::forget(key);
    if let Err(error) = app.kv.delete(key).await {
        log::warn(
            "file_not_removed",
            &[("key", key), ("error", &error.to_string())],
        );
    }
}

/// Whether a kept file of this kind may name its own URL: what several devices share may not, and an initial
/// file is kept nowhere.
fn may_name_its_url(kind: FileKind) -> bool {
    matches!(kind, FileKind::Standard | FileKind::System)
}

/// Removes every file of a device: what was sealed under an old key is removed.
///
/// # Errors
/// KV fails: a file may still be there, so the caller must not acknowledge the change.
pub async fn drop_device_files(app: &App, tenant: &str, mac: &str) -> Result<(), StorageError> {
    for key in device_keys(tenant, mac) {
        known::forget(&key);
        app.kv.delete(&key).await?;
    }
    Ok(())
}

/// The same for many devices, each by its tenant and MAC; many values at once.
///
/// # Errors
/// As [`drop_device_files`].
pub async fn drop_files_of<'a>(
    app: &App,
    devices: impl Iterator<Item = &'a (String, String)>,
) -> Result<(), StorageError> {
    let keys: Vec<String> = devices
        .flat_map(|(tenant, mac)| device_keys(tenant, mac))
        .inspect(|key| known::forget(key))
        .collect();
    app.kv.delete_all(&keys).await
}

/// Under which keys there may be files of a device.
fn device_keys(tenant: &str, mac: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for kind in FileKind::ALL {
        for form in [Form::Plain, Form::Sealed] {
            let key = file_key(tenant, kind, form, mac);
            if may_name_its_url(kind) {
                keys.push(second_key(&key));
            }
            keys.push(key);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::published::Place;

    #[test]
    fn file_meta_json_format_unchanged() {
        let meta = FileMeta {
            version: 12,
            generation: 2,
            etag: "\"0123456789abcdef0123456789abcdef\"".into(),
            confirmed: true,
            device: "01JD0000000000000000000000".into(),
            extension: "enc".into(),
            content_type: "application/octet-stream".into(),
            content_encoding: String::new(),
            length: 28_672,
            master: String::new(),
            family: None,
            place: None,
        };
        let text = serde_json::to_string(&meta).unwrap();
        assert_eq!(
            text,
            r#"{"v":12,"g":2,"e":"\"0123456789abcdef0123456789abcdef\"","c":true,"d":"01JD0000000000000000000000","x":"enc","t":"application/octet-stream","n":28672}"#
        );
        assert_eq!(serde_json::from_str::<FileMeta>(&text).unwrap(), meta);
        let coded = FileMeta {
            content_encoding: "aes128gcm".into(),
            ..meta.clone()
        };
        let text = serde_json::to_string(&coded).unwrap();
        assert!(text.ends_with(r#""t":"application/octet-stream","z":"aes128gcm","n":28672}"#));
        assert_eq!(serde_json::from_str::<FileMeta>(&text).unwrap(), coded);
        let wrapped = FileMeta {
            version: 12,
            generation: 0,
            etag: String::new(),
            device: String::new(),
            extension: String::new(),
            content_type: "text/plain".into(),
            master: "k1".into(),
            ..meta
        };
        let text = serde_json::to_string(&wrapped).unwrap();
        assert_eq!(
            text,
            r#"{"v":12,"g":0,"e":"","c":true,"t":"text/plain","n":28672,"m":"k1"}"#
        );
        assert_eq!(serde_json::from_str::<FileMeta>(&text).unwrap(), wrapped);
        let named = FileMeta {
            place: Some(Place {
                access_path: "01JD0000000000000000000001".into(),
                origin: "https://phones.example".into(),
            }),
            ..wrapped
        };
        let text = serde_json::to_string(&named).unwrap();
        assert_eq!(
            text,
            r#"{"v":12,"g":0,"e":"","c":true,"t":"text/plain","n":28672,"m":"k1","u":{"a":"01JD0000000000000000000001","o":"https://phones.example"}}"#
        );
        assert_eq!(serde_json::from_str::<FileMeta>(&text).unwrap(), named);
    }

    #[test]
    fn file_key_format_unchanged() {
        assert_eq!(
            file_key("T", FileKind::Standard, Form::Sealed, "0080F0C571EB"),
            "f1:T:standard:sealed:0080F0C571EB"
        );
        assert_eq!(
            second_key("f1:T:standard:sealed:0080F0C571EB"),
            "f1:T:standard:sealed:0080F0C571EB:2"
        );
    }
}
