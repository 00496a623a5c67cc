//! A file encrypted with the device's key: the hot path.
//!
//! Two KV reads answer it: the tenant's and the file's, at once where an earlier request told which
//! file it will be. D1 is asked only where KV has no file that is still good, and what the operator
//! wants to know is written afterwards.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::{Audience, Phone, extension};
use ringfence_provision::template::SecretsMode;
use serde_json::{Value, json};

use super::{Body, Outcome, PhoneRequest, Reason, Served, keep, storage};
use crate::app::App;
use crate::db::StorageError;
use crate::edge::{self, FileRead};
use crate::files::inputs::{self, FileInputs};
use crate::files::render::{self, FileError};
use crate::files::seal;
use crate::kv::to_buffer;
use crate::model::published::{FileMeta, PublishedTenant};
use crate::model::tenant::has_extension;
use crate::phone::event::Record;
use crate::platform::log;
use crate::store::claims;
use crate::store::file_inputs::Reads;
use crate::witness;

/// `Content-Type` of every sealed file.
const CONTENT_TYPE: &str = "application/octet-stream";

/// So many findings of a file are in its event: every phone that asks for the file writes one.
const MAX_FINDINGS: usize = 20;

/// Serves a sealed file at its own name. `begun` is a read that may be the one it takes.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    kind: FileKind,
    mac: &Mac,
    begun: Option<FileRead>,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let subject = mac.upper();
    let key = edge::file_key(&tenant.tenant, kind, Form::Sealed, &subject);
    let read = match begun.filter(|read| read.key() == key) {
        Some(read) => read,
        None => FileRead::begin(&request.app, key.clone()),
    };
    let cached = read.finish().await;
    let fresh = cached.as_ref().filter(|(_, meta)| {
        tenant.accepts(&subject, meta.version) && has_extension(&request.path, &meta.extension)
    });
    if let Some((bytes, meta)) = fresh {
        note(record, kind, meta);
        record.came_from_kv(&key, meta.version, Some(meta.generation));
        if !meta.settled && !request.head {
            let after = After {
                tenant_id: tenant.tenant.clone(),
                confirms: true,
                in_kv: true,
            };
            settle_later(&request.app, key, bytes.clone(), meta.clone(), after);
        }
        return Ok(served(bytes.clone(), meta, Reason::Sealed, None));
    }
    let Some(bundle) = inputs::for_phone(&request.app, &tenant.tenant, mac, Reads::Sealed)
        .await
        .map_err(storage)?
    else {
        return Ok(Outcome::Refused(Reason::UnknownDevice));
    };
    record.device = bundle.device.as_ref().map(|device| device.id.clone());
    match fit(&bundle, kind, Some(&request.path), tenant) {
        Ok(()) => {
            let ask = Ask {
                kind,
                mac,
                at_plain_name: false,
            };
            from_bundle(request, &bundle, &ask, cached, record).await
        }
        Err(reason) => Ok(Outcome::Refused(reason)),
    }
}

/// Serves the sealed standard file at the plain name, for tenants that want that. It goes out whole
/// and without an ETag: at this name a bootstrap, which has none, may wait the next time.
///
/// It confirms nothing. A phone that holds its key asks here, and so does one whose bootstrap was lost
/// on its way: which of them it was nobody can tell.
pub(super) async fn serve_at_plain_name(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    bundle: &FileInputs,
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
            let ask = Ask {
                kind: FileKind::Standard,
                mac,
                at_plain_name: true,
            };
            let outcome = from_bundle(request, bundle, &ask, cached, record).await?;
            Ok(match outcome {
                Outcome::Served(served) => Outcome::Served(Served {
                    etag: None,
                    reason: match served.reason {
                        Reason::Sealed => Reason::SealedAtPlainName,
                        other => other,
                    },
                    ..served
                }),
                other => other,
            })
        }
        Err(reason) => Ok(Outcome::Refused(reason)),
    }
}

/// Puts the files that a phone asks for next where they are fast, after its bootstrap.
pub(super) async fn refresh(app: &App, tenant_id: &str, mac: &Mac) {
    if let Ok(Some(bundle)) = inputs::for_device(app, tenant_id, mac).await
        && let Ok((bytes, meta)) = make(app, &bundle, FileKind::Standard).await
    {
        let key = edge::file_key(tenant_id, FileKind::Standard, Form::Sealed, &mac.upper());
        if keep::state(app, tenant_id, Form::Sealed, &meta)
            .await
            .is_some()
        {
            keep::store(app, tenant_id, Form::Sealed, &key, &bytes, &meta).await;
        }
    }
}

/// Whether a device may get a sealed file at that path.
fn fit(
    bundle: &FileInputs,
    kind: FileKind,
    path: Option<&str>,
    tenant: &PublishedTenant,
) -> Result<(), Reason> {
    let (Some(device), Some(profile)) = (&bundle.device, &bundle.profile) else {
        return Err(Reason::WrongForm);
    };
    let shape = Phone {
        family: bundle.family,
        profile: Some(profile),
    };
    let extension = path.map_or(profile.extension.as_str(), extension);
    if device.disabled != 0 {
        Err(Reason::Disabled)
    } else if !device.may_have_sealed() {
        Err(Reason::NotDelivered)
    } else {
        let rules = tenant.options.rules();
        // An initial file holds the access path it was asked under, so it is never kept, hence never
        // sealed.
        rules
            .serves(kind, Form::Sealed, extension, shape)
            .map_err(|_| Reason::WrongForm)
    }
}

/// Which sealed file is asked for, and how.
struct Ask<'a> {
    kind: FileKind,
    mac: &'a Mac,
    /// Whether by the name of the bootstrap.
    at_plain_name: bool,
}

async fn from_bundle(
    request: &PhoneRequest,
    bundle: &FileInputs,
    ask: &Ask<'_>,
    cached: Option<(ArrayBuffer, FileMeta)>,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let kind = ask.kind;
    match make(&request.app, bundle, kind).await {
        Ok((bytes, meta)) => {
            note(record, kind, &meta);
            let outcome = served(bytes.clone(), &meta, Reason::Sealed, None);
            let key = edge::file_key(&bundle.tenant_id, kind, Form::Sealed, &ask.mac.upper());
            let after = After {
                tenant_id: bundle.tenant_id.clone(),
                confirms: !request.head && !ask.at_plain_name,
                in_kv: false,
            };
            settle_later(&request.app, key, bytes, meta, after);
            Ok(outcome)
        }
        Err(MakeError::File(error)) => {
            let detail = broken(&error);
            Ok(match cached.filter(|(_, meta)| is_own(bundle, meta)) {
                Some((bytes, meta)) => served(bytes, &meta, Reason::SealedLastGood, Some(detail)),
                None => Outcome::Broken { detail },
            })
        }
        Err(MakeError::Seal(error)) => Err(StorageError::Corrupt(error)),
    }
}

/// Whether a file of before is still this device's under its present key. What was good goes on
/// being served, but never under a key that is gone, and never another device's that had the MAC:
/// its generations begin at 1 again. After a restore of the database a generation may be given out
/// once more, so a file of another era is nobody's.
fn is_own(bundle: &FileInputs, meta: &FileMeta) -> bool {
    let extension = bundle.profile.as_ref().map(|profile| &profile.extension);
    bundle
        .device
        .as_ref()
        .is_some_and(|device| device.id == meta.device && device.generation == meta.generation)
        && extension == Some(&meta.extension)
        && witness::is_same_era(meta.version, bundle.version())
}

/// Why a sealed file could not be made.
enum MakeError {
    File(FileError),
    Seal(String),
}

async fn make(
    app: &App,
    bundle: &FileInputs,
    kind: FileKind,
) -> Result<(ArrayBuffer, FileMeta), MakeError> {
    let (Some(device), Some(profile)) = (&bundle.device, &bundle.profile) else {
        return Err(MakeError::Seal("the device has no sealing profile".into()));
    };
    let file = render::render(
        bundle,
        kind,
        // A sealed file is for the one device whose key it is sealed with.
        Audience::Device,
        &Default::default(),
        SecretsMode::Reveal,
    )
    .map_err(MakeError::File)?;
    let key = seal::unwrap_key(&app.keyring, device)
        .map_err(|error| MakeError::Seal(error.to_string()))?;
    let key_id = seal::key_identity(&device.id, device.generation);
    let bytes = seal::seal(&app.keyring, profile, &key, &key_id, &file.bytes).await;
    let meta = FileMeta {
        version: bundle.version(),
        generation: device.generation,
        etag: seal::etag(&bytes),
        settled: false,
        device: device.id.clone(),
        extension: profile.extension.clone(),
        content_type: CONTENT_TYPE.into(),
        length: bytes.len(),
        master: String::new(),
        family: None,
    };
    Ok((to_buffer(&bytes), meta))
}

/// After what a file is settled.
struct After {
    /// Whose file it is.
    tenant_id: String,
    /// Whether it was fetched in a way that confirms the key.
    confirms: bool,
    /// Whether KV has it already.
    in_kv: bool,
}

/// The first fetch of a sealed name after a delivery confirms the key (`HEAD` is none); then the file is
/// stored as one that has nothing new to say. While a bootstrap waits for a phone that may have the
/// key already, every fetch goes on asking.
fn settle_later(app: &App, key: String, bytes: ArrayBuffer, meta: FileMeta, after: After) {
    let worker = app.clone();
    let tenant_id = after.tenant_id;
    app.later(async move {
        if after.confirms {
            let generation = meta.generation;
            let confirmed = claims::confirm(&worker.db, &meta.device, generation, worker.now).await;
            if let Err(error) = confirmed {
                log::warn("key_not_confirmed", &[("error", &error.to_string())]);
            }
        }
        let Some(state) = keep::state(&worker, &tenant_id, Form::Sealed, &meta).await else {
            return;
        };
        let settled = state == KeyState::Confirmed;
        if settled || !after.in_kv {
            let meta = FileMeta { settled, ..meta };
            keep::store(&worker, &tenant_id, Form::Sealed, &key, &bytes, &meta).await;
        }
    });
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
        FileError::Lint(findings) => {
            let (first, rest) = findings.split_at(findings.len().min(MAX_FINDINGS));
            if rest.is_empty() {
                json!({ "findings": first })
            } else {
                json!({ "findings": first, "more": rest.len() })
            }
        }
    }
}
