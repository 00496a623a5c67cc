//! A file of one device, made: rendered in clear, and sealed with the device's key.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::seal::Profile;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;

use super::request_url::RequestUrl;
use crate::app::App;
use crate::db::{Corrupt, StorageError};
use crate::files::inputs::FileInputs;
use crate::files::render::{self, File, FileError};
use crate::files::seal;
use crate::kv::to_buffer;
use crate::model::published::{FileMeta, Place};

/// `Content-Type` of every sealed file, and of others that are no text.
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";

/// Why a sealed file could not be made.
pub(super) enum SealedFileError {
    /// It does not render, or fails its lint.
    File(FileError),
    /// What it is made from or sealed with cannot be had.
    Storage(StorageError),
}

impl SealedFileError {
    pub(super) fn not_sealed(why: impl std::error::Error + 'static) -> Self {
        Self::Storage(Corrupt::File(Box::new(why)).into())
    }
}

/// A sealed file that was just made.
pub(super) struct Made {
    pub(super) bytes: ArrayBuffer,
    pub(super) meta: FileMeta,
    /// Whether it is known for which access path it is.
    pub(super) may_be_kept: bool,
}

/// Makes a sealed file.
///
/// # Errors
/// The file does not render, fails its lint, or cannot be sealed.
pub(super) async fn make(
    app: &App,
    inputs: &FileInputs,
    kind: FileKind,
    request_url: &RequestUrl,
) -> Result<Made, SealedFileError> {
    InClear::of(app, inputs, (kind, Form::Sealed), request_url)?
        .seal(app, inputs)
        .await
}

/// A file of one device before it is sealed.
pub(super) struct InClear {
    pub(super) file: File,
    /// For which access path it is, if it names one.
    place: Option<Place>,
}

impl InClear {
    /// Renders it, for going out in that form.
    pub(super) fn of(
        app: &App,
        inputs: &FileInputs,
        (kind, form): (FileKind, Form),
        request_url: &RequestUrl,
    ) -> Result<Self, SealedFileError> {
        let (urls, place) = request_url
            .own_urls(&app.keyring, inputs, kind, form)
            .map_err(SealedFileError::Storage)?;
        let file = render::render(
            inputs,
            kind,
            // A sealed file is for the one device whose key it is sealed with.
            Audience::Device,
            &urls,
            SecretsMode::Reveal,
        )
        .map_err(SealedFileError::File)?;
        let place = place.filter(|_| file.names_its_url);
        Ok(Self { file, place })
    }

    /// Seals it with the device's key.
    pub(super) async fn seal(
        &self,
        app: &App,
        inputs: &FileInputs,
    ) -> Result<Made, SealedFileError> {
        let (Some(device), Some(profile)) = (&inputs.device, &inputs.profile) else {
            return Err(SealedFileError::Storage(Corrupt::NoProfile.into()));
        };
        let key = seal::unwrap_key(&app.keyring, device).map_err(SealedFileError::not_sealed)?;
        let key_id = seal::key_identity(&device.id, device.generation);
        let bytes = seal::seal(&app.keyring, profile, &key, &key_id, &self.file.bytes)
            .await
            .map_err(SealedFileError::not_sealed)?;
        let meta = FileMeta {
            version: inputs.version(),
            generation: device.generation,
            etag: seal::etag(&bytes).await,
            confirmed: false,
            device: device.id.clone(),
            extension: profile.extension.clone(),
            content_type: CONTENT_TYPE.into(),
            content_encoding: content_encoding(profile).into(),
            length: bytes.len(),
            master: String::new(),
            family: None,
            place: self.place.clone(),
        };
        Ok(Made {
            bytes: to_buffer(&bytes),
            may_be_kept: meta.place.is_some() || !self.file.names_its_url,
            meta,
        })
    }
}

/// The `Content-Encoding` of a profile's files; empty where they have none.
pub(super) fn content_encoding(profile: &Profile) -> &'static str {
    profile.method.content_encoding().unwrap_or_default()
}
