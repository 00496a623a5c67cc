//! A file encrypted with the device's key: the hot path.
//!
//! Two KV reads answer it: the tenant's (done by then) and the file's. D1 is asked only where KV
//! has no file that is still good, and what the operator wants to know is written afterwards.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::SecretsMode;
use serde_json::{Value, json};

use super::{Body, Outcome, PhoneRequest, Reason, Served, is_fresh};
use crate::app::App;
use crate::edge::{self, FileMeta, TenantEdge};
use crate::files::bundle::{self, Bundle};
use crate::files::render::{self, FileError};
use crate::files::seal;
use crate::model::tenant::has_extension;
use crate::observe::Record;
use crate::store::{StorageError, phone};

/// `Content-Type` of every sealed file.
const CONTENT_TYPE: &str = "application/octet-stream";

/// Serves a sealed file at its own name.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    kind: FileKind,
    mac: &Mac,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let key = edge::file_key(&tenant.tenant, kind, Form::Sealed, &mac.upper());
    let cached = edge::read_file(&request.app, &key).await;
    if let Some((bytes, meta)) = cached
        .as_ref()
        .filter(|(_, meta)| is_fresh(tenant, mac, meta))
    {
        note(record, kind, meta);
        if !meta.settled {
            settle_later(&request.app, key, bytes.clone(), meta.clone());
        }
        return Ok(served(bytes.clone(), meta, Reason::Sealed, None));
    }
    let Some(bundle) = find(&request.app, tenant, mac).await? else {
        return Ok(Outcome::Refused(Reason::UnknownDevice));
    };
    record.device = bundle.device.as_ref().map(|device| device.id.clone());
    match fit(&bundle, kind, Some(&request.path), tenant) {
        Ok(()) => from_bundle(request, &bundle, kind, mac, cached, record).await,
        Err(reason) => Ok(Outcome::Refused(reason)),
    }
}

/// Serves the sealed standard file at the plain name, for tenants that want that.
pub(super) async fn serve_at_plain_name(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    bundle: &Bundle,
    mac: &Mac,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    match fit(bundle, FileKind::Standard, None, tenant) {
        Ok(()) => {
            let key = edge::file_key(
                &tenant.tenant,
                FileKind::Standard,
                Form::Sealed,
                &mac.upper(),
            );
            let cached = edge::read_file(&request.app, &key).await;
            from_bundle(request, bundle, FileKind::Standard, mac, cached, record).await
        }
        Err(reason) => Ok(Outcome::Refused(reason)),
    }
}

/// Puts the files that a phone asks for next where they are fast, after its bootstrap.
pub(super) async fn refresh(app: &App, tenant_id: &str, mac: &Mac) {
    if let Ok(Some(bundle)) = bundle::for_device(app, tenant_id, mac).await
        && let Ok((bytes, meta)) = make(app, &bundle, FileKind::Standard).await
    {
        let key = edge::file_key(tenant_id, FileKind::Standard, Form::Sealed, &mac.upper());
        store(app, &key, &bytes, &meta).await;
    }
}

/// Whether a device may get a sealed file at that path.
fn fit(
    bundle: &Bundle,
    kind: FileKind,
    path: Option<&str>,
    tenant: &TenantEdge,
) -> Result<(), Reason> {
    let (Some(device), Some(profile)) = (&bundle.device, &bundle.profile) else {
        return Err(Reason::WrongForm);
    };
    if device.disabled != 0 {
        Err(Reason::Disabled)
    } else if !device.may_have_sealed() {
        Err(Reason::NotDelivered)
    } else if path.is_some_and(|path| !has_extension(path, &profile.extension))
        || !bundle.family.kinds().contains(&kind)
        || (kind != FileKind::Standard
            && tenant.options.shared_files != crate::model::tenant::SharedFiles::Sealed)
    {
        Err(Reason::WrongForm)
    } else {
        Ok(())
    }
}

async fn from_bundle(
    request: &PhoneRequest,
    bundle: &Bundle,
    kind: FileKind,
    mac: &Mac,
    cached: Option<(ArrayBuffer, FileMeta)>,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    match make(&request.app, bundle, kind).await {
        Ok((bytes, meta)) => {
            note(record, kind, &meta);
            let outcome = served(bytes.clone(), &meta, Reason::Sealed, None);
            let key = edge::file_key(&bundle.tenant_id, kind, Form::Sealed, &mac.upper());
            settle_later(&request.app, key, bytes, meta);
            Ok(outcome)
        }
        Err(MakeError::File(error)) => {
            let detail = broken(&error);
            let generation = bundle.device.as_ref().map_or(0, |device| device.generation);
            match cached {
                // What was good goes on being served, but never under a key that is gone.
                Some((bytes, meta)) if meta.generation == generation => {
                    record.device = Some(meta.device.clone());
                    Ok(served(bytes, &meta, Reason::SealedLastGood, Some(detail)))
                }
                _ => Ok(Outcome::Broken { detail }),
            }
        }
        Err(MakeError::Seal(error)) => Err(StorageError(error)),
    }
}

/// Why a sealed file could not be made.
enum MakeError {
    File(FileError),
    Seal(String),
}

async fn make(
    app: &App,
    bundle: &Bundle,
    kind: FileKind,
) -> Result<(ArrayBuffer, FileMeta), MakeError> {
    let (Some(device), Some(profile)) = (&bundle.device, &bundle.profile) else {
        return Err(MakeError::Seal("the device has no sealing profile".into()));
    };
    let file = render::render(bundle, kind, &Default::default(), SecretsMode::Reveal)
        .map_err(MakeError::File)?;
    let sealing = async {
        let key = seal::unwrap_key(&app.keyring, device)?;
        let key_id = seal::key_identity(&device.id, device.generation);
        seal::seal(&app.keyring, profile, &key, &key_id, &file.bytes).await
    };
    let bytes = sealing
        .await
        .map_err(|error| MakeError::Seal(error.to_string()))?;
    let meta = FileMeta {
        version: bundle.version(),
        generation: device.generation,
        etag: seal::etag(&bytes),
        settled: false,
        device: device.id.clone(),
        content_type: CONTENT_TYPE.into(),
        length: bytes.len(),
    };
    Ok((edge::to_buffer(&bytes), meta))
}

/// Stores a file, unless the device has changed meanwhile; and takes it out again should it have
/// changed while it was being stored. (A re-key in that gap is covered by its fence.)
async fn store(app: &App, key: &str, bytes: &ArrayBuffer, meta: &FileMeta) {
    let current = async || {
        let current =
            phone::is_current(&app.db, &meta.device, Some(meta.generation), meta.version).await;
        matches!(current, Ok(true))
    };
    if !current().await {
        return;
    }
    let stored = edge::put_file(app, key, bytes, meta).await;
    if stored.is_ok() && !current().await {
        edge::remove_file(app, key).await;
    }
}

/// The first sealed fetch after a delivery confirms the key; then the file is stored as one that
/// has nothing new to say.
fn settle_later(app: &App, key: String, bytes: ArrayBuffer, meta: FileMeta) {
    let worker = app.clone();
    app.later(async move {
        let confirmed = phone::confirm(&worker.db, &meta.device, meta.generation, worker.now).await;
        let meta = FileMeta {
            settled: confirmed.is_ok(),
            ..meta
        };
        store(&worker, &key, &bytes, &meta).await;
    });
}

async fn find(app: &App, tenant: &TenantEdge, mac: &Mac) -> Result<Option<Bundle>, StorageError> {
    bundle::for_device(app, &tenant.tenant, mac)
        .await
        .map_err(super::storage)
}

fn note(record: &mut Record, kind: FileKind, meta: &FileMeta) {
    record.device = Some(meta.device.clone());
    if kind == FileKind::Standard {
        record.fetched = Some(meta.version);
    }
}

fn served(bytes: ArrayBuffer, meta: &FileMeta, reason: Reason, detail: Option<Value>) -> Outcome {
    Outcome::Served(Served {
        body: Body(bytes),
        content_type: meta.content_type.clone(),
        etag: Some(meta.etag.clone()),
        reason,
        detail,
    })
}

/// What the operator's event says of a file that cannot be made.
pub(super) fn broken(error: &FileError) -> Value {
    match error {
        FileError::Render(error) => json!({ "render": error.to_string() }),
        FileError::Lint(findings) => json!({ "findings": findings }),
    }
}
