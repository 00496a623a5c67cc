//! What KV has of a file for whoever asks, and keeping there one that was just made, for the next request.
//! What changed while it was being made and stored does not find it there.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::Form;
use ringfence_provision::lifecycle::KeyState;

use super::Copy;
use crate::app::App;
use crate::edge::{self, FileRead};
use crate::model::published::{FileMeta, Place, PublishedTenant};
use crate::platform::log;
use crate::store::file_inputs;

/// A file that KV has.
pub(super) struct StoredFile {
    /// Its key there.
    pub(super) key: String,
    pub(super) bytes: ArrayBuffer,
    pub(super) meta: FileMeta,
}

/// What KV has of a file.
pub(super) struct InKv {
    key: String,
    /// What is for whoever asks, of whatever version.
    pub(super) kept: Option<StoredFile>,
    /// The version of what lies there with URLs of another place, and that place.
    other: Option<(u64, Place)>,
}

/// Looks for a file in KV, for whoever asks at `origin`. Two access paths that are asked under in turn each
/// have a value of their own; the second one takes another read, and where what was found is not `wanted`
/// nothing more is read.
pub(super) async fn look(
    app: &App,
    tenant: &PublishedTenant,
    origin: &str,
    read: FileRead,
    wanted: impl Fn(&FileMeta) -> bool,
) -> InKv {
    let key = read.key().to_owned();
    let mut looked = InKv {
        key: key.clone(),
        kept: None,
        other: None,
    };
    let Some((bytes, meta)) = read.finish().await.filter(|(_, meta)| wanted(meta)) else {
        return looked;
    };
    let kept = |key, bytes, meta| Some(StoredFile { key, bytes, meta });
    if tenant.fits(meta.place.as_ref(), origin) {
        edge::remember(&key, &meta, app.now);
        looked.kept = kept(key, bytes, meta);
        return looked;
    }
    let second = edge::second_key(&key);
    looked.other = meta.place.map(|place| (meta.version, place));
    let found = edge::read_file(app, &second).await;
    if let Some((bytes, meta)) = found.filter(|(_, meta)| wanted(meta))
        && tenant.fits(meta.place.as_ref(), origin)
    {
        looked.kept = kept(second, bytes, meta);
    }
    looked
}

impl InKv {
    /// What there is, for whoever explains the decision.
    pub(super) fn copy(&self, form: Form) -> Option<Copy> {
        self.kept.as_ref().map(|kept| Copy {
            form,
            meta: kept.meta.clone(),
        })
    }

    /// As if KV had none.
    pub(super) fn without_file(self) -> Self {
        Self { kept: None, ..self }
    }

    /// Where a file that was made now is to lie: beside one of the same version with URLs of another place.
    pub(super) fn key_of(&self, meta: &FileMeta) -> String {
        let is_beside = self.other.as_ref().is_some_and(|(version, place)| {
            *version >= meta.version && meta.place.as_ref().is_some_and(|own| own != place)
        });
        match is_beside {
            true => edge::second_key(&self.key),
            false => self.key.clone(),
        }
    }
}

/// The state of the key of the device that a file is for, as long as the file is the device's latest and,
/// if it is sealed, sealed with its present key.
pub(super) async fn state(
    app: &App,
    tenant_id: &str,
    form: Form,
    meta: &FileMeta,
) -> Option<KeyState> {
    let generation = (form == Form::Sealed).then_some(meta.generation);
    file_inputs::if_current(&app.db, tenant_id, &meta.device, generation, meta.version)
        .await
        .ok()
        .flatten()
}

/// Stores a file that was the latest a moment ago; and takes it out again should its device have changed
/// while it was being stored. (A re-key in that gap is covered by its fence.) A file that is not one
/// device's has the version of what it was made from, which tells.
pub(super) async fn store(
    app: &App,
    tenant_id: &str,
    form: Form,
    key: &str,
    bytes: &ArrayBuffer,
    meta: &FileMeta,
) {
    // A put that failed may have landed all the same.
    let stored = edge::put_file(app, key, bytes, meta).await;
    // A sealed file stored as confirmed must not outlive a re-arm: the next fetch has something to say.
    let must_confirm = form == Form::Sealed && meta.confirmed;
    let fits = meta.device.is_empty()
        || state(app, tenant_id, form, meta)
            .await
            .is_some_and(|state| !must_confirm || state == KeyState::Confirmed);
    if !fits {
        edge::remove_file(app, key).await;
    } else if let Err(error) = stored {
        log::warn(
            "file_not_stored",
            &[("key", key), ("error", &error.to_string())],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(access_path: &str) -> Place {
        Place {
            access_path: access_path.into(),
            origin: "https://a.example".into(),
        }
    }

    fn meta(version: u64, place: Option<Place>) -> FileMeta {
        FileMeta {
            version,
            generation: 1,
            etag: String::new(),
            confirmed: false,
            device: "D".into(),
            extension: "enc".into(),
            content_type: String::new(),
            content_encoding: String::new(),
            length: 1,
            master: String::new(),
            family: None,
            place,
        }
    }

    #[test]
    fn a_file_lies_beside_one_of_its_version_with_another_url_and_takes_an_older_ones_place() {
        let mut looked = InKv {
            key: "f".into(),
            kept: None,
            other: Some((5, place("A"))),
        };
        assert_eq!(looked.key_of(&meta(5, Some(place("B")))), "f:2");
        assert_eq!(looked.key_of(&meta(6, Some(place("B")))), "f");
        assert_eq!(looked.key_of(&meta(5, Some(place("A")))), "f");
        assert_eq!(looked.key_of(&meta(5, None)), "f");
        looked.other = None;
        assert_eq!(looked.key_of(&meta(5, Some(place("B")))), "f");
    }
}
