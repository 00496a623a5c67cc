//! A file encrypted with the device's key: the hot path.
//!
//! Two KV reads answer it: the tenant's and the file's, at once where an earlier request told which
//! file it will be. D1 is asked only where KV has no file that is still good, and what the operator
//! wants to know is written afterwards.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::serving::{Phone, extension};
use serde_json::{Value, json};

use super::deed::{Deed, Settling};
use super::keep::{self, InKv};
use super::own_file::{Made, SealedFileError, content_encoding, make};
use super::request::storage;
use super::request_url::RequestUrl;
use super::{Body, PhoneOutcome, PhoneRequest, Reason, Served};
use crate::db::StorageError;
use crate::edge::{self, FileRead};
use crate::files::inputs::{self, FileInputs};
use crate::files::render::FileError;
use crate::model::published::{FileMeta, PublishedTenant};
use crate::model::tenant::has_extension;
use crate::phone::event::Record;
use crate::store::file_inputs::{CachedFile, ReadWhen};
use crate::witness;

/// The most findings of a file that are in an event: every phone that asks for the file writes an event.
const MAX_FINDINGS: usize = 20;

/// Serves a sealed file at its own name. `prefetched` is a read that may be the one it takes.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    kind: FileKind,
    mac: &Mac,
    prefetched: Option<FileRead>,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let owner = mac.upper();
    let key = edge::file_key(&tenant.tenant, kind, Form::Sealed, &owner);
    let origin = &request.caller.origin;
    if let Some(meta) = unchanged(request, tenant, &key, &owner, origin)
        && record.facts.is_none()
    {
        record_file(record, kind, &meta);
        record.came_from_kv(&key, meta.version, Some(meta.generation));
        let length = meta.length;
        return Ok(served(Body::Known { length }, &meta, Reason::Sealed, None));
    }
    let read = match prefetched.filter(|read| read.key() == key) {
        Some(read) => read,
        None => FileRead::begin(&request.app, key.clone()),
    };
    let wanted = |meta: &FileMeta| has_extension(&request.path, &meta.extension);
    let looked = keep::look(&request.app, tenant, origin, read, wanted).await;
    record.record_fact(|facts| facts.copies.extend(looked.copy(Form::Sealed)));
    let kept = looked.kept.as_ref();
    if let Some(kept) = kept.filter(|kept| tenant.accepts(&owner, kept.meta.version)) {
        let (bytes, meta) = (&kept.bytes, &kept.meta);
        record_file(record, kind, meta);
        record.came_from_kv(&kept.key, meta.version, Some(meta.generation));
        if !meta.confirmed && !request.head {
            record.deeds.push(Deed::Settle(Box::new(Settling {
                tenant_id: tenant.tenant.clone(),
                key: Some(kept.key.clone()),
                bytes: bytes.clone(),
                meta: meta.clone(),
                confirms: true,
                in_kv: true,
            })));
        }
        let body = Body::Read(bytes.clone());
        return Ok(served(body, meta, Reason::Sealed, None));
    }
    let Some(inputs) = inputs::for_phone(&request.app, &tenant.tenant, mac, ReadWhen::Sealed)
        .await
        .map_err(storage)?
    else {
        return Ok(PhoneOutcome::Refused(Reason::UnknownDevice));
    };
    record.found(&inputs);
    match may_serve(&inputs, kind, Some(&request.path), tenant) {
        Ok(()) => {
            let ask = SealedAsk {
                kind,
                at_plain_name: false,
                request_url: &RequestUrl::of(request, tenant),
            };
            from_inputs(request, &inputs, &ask, looked, record).await
        }
        Err(reason) => Ok(PhoneOutcome::Refused(reason)),
    }
}

/// What KV said a moment ago beside the file that is asked for, if the phone has that very file and it is still good.
fn unchanged(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    key: &str,
    owner: &str,
    origin: &str,
) -> Option<FileMeta> {
    edge::known(key, request.app.now, |meta| {
        tenant.accepts(owner, meta.version)
            && tenant.fits(meta.place.as_ref(), origin)
            && has_extension(&request.path, &meta.extension)
            && request.conditions.name_copy(&meta.etag)
    })
}

/// Looks for the sealed standard file of a device that is asked for by the plain name.
pub(super) async fn look_at_plain_name(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    mac: &Mac,
    record: &mut Record,
) -> InKv {
    let owner = mac.upper();
    let key = edge::file_key(&tenant.tenant, FileKind::Standard, Form::Sealed, &owner);
    let read = FileRead::begin(&request.app, key);
    let origin = &request.caller.origin;
    let looked = keep::look(&request.app, tenant, origin, read, |_| true).await;
    record.record_fact(|facts| facts.copies.extend(looked.copy(Form::Sealed)));
    looked
}

/// What D1 compares with the device, to leave out what the file is made from where KV has that file.
pub(super) fn kept(looked: &InKv) -> Option<CachedFile<'_>> {
    let meta = &looked.kept.as_ref()?.meta;
    Some(CachedFile {
        device_id: &meta.device,
        generation: meta.generation,
        version: meta.version,
    })
}

/// Whether what KV has is the very file that would be made now.
fn is_current(inputs: &FileInputs, meta: &FileMeta) -> bool {
    is_own(inputs, meta) && meta.version == inputs.version()
}

/// Whether D1 has left out what the file is made from, and KV's is none for this Worker: one of before may have sealed
/// with the same profile in another way.
pub(super) fn misses_inputs(inputs: &FileInputs, looked: Option<&InKv>) -> bool {
    let Some(stored) = looked.and_then(|looked| looked.kept.as_ref()) else {
        return false;
    };
    let meta = &stored.meta;
    let is_left_out = inputs.device.as_ref().is_some_and(|device| {
        device.id == meta.device
            && device.generation == meta.generation
            && inputs.version() == meta.version
    });
    is_left_out && !is_current(inputs, meta)
}

/// Serves the sealed standard file at the plain name, for tenants that want that. It goes out whole
/// and without an ETag: at this name a bootstrap, which has none, may wait the next time.
///
/// It confirms nothing. A phone that holds its key asks here, and so does one whose bootstrap was lost
/// on its way: which of them it was nobody can tell.
pub(super) async fn serve_at_plain_name(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    inputs: &FileInputs,
    looked: InKv,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    match may_serve(inputs, FileKind::Standard, None, tenant) {
        Ok(()) => {
            if let Some(kept) = looked
                .kept
                .as_ref()
                .filter(|it| is_current(inputs, &it.meta))
            {
                record_file(record, FileKind::Standard, &kept.meta);
                let (body, reason) = (Body::Read(kept.bytes.clone()), Reason::SealedAtPlainName);
                return Ok(match served(body, &kept.meta, reason, None) {
                    PhoneOutcome::Served(served) => PhoneOutcome::Served(Served {
                        etag: None,
                        ..served
                    }),
                    other => other,
                });
            }
            let ask = SealedAsk {
                kind: FileKind::Standard,
                at_plain_name: true,
                request_url: &RequestUrl::of(request, tenant),
            };
            let outcome = from_inputs(request, inputs, &ask, looked, record).await?;
            Ok(match outcome {
                PhoneOutcome::Served(served) => PhoneOutcome::Served(Served {
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
        Err(reason) => Ok(PhoneOutcome::Refused(reason)),
    }
}

/// Whether a device may get a sealed file at that path.
fn may_serve(
    inputs: &FileInputs,
    kind: FileKind,
    path: Option<&str>,
    tenant: &PublishedTenant,
) -> Result<(), Reason> {
    let (Some(device), Some(profile)) = (&inputs.device, &inputs.profile) else {
        return Err(Reason::WrongForm);
    };
    let shape = Phone {
        family: inputs.family,
        profile: Some(profile),
    };
    let extension = path.map_or(profile.extension.as_str(), extension);
    if device.disabled != 0 {
        Err(Reason::Disabled)
    } else if !device.may_have_sealed() {
        Err(Reason::NotDelivered)
    } else {
        let rules = tenant.options.rules();
        // An initial file is for a phone that may have no key yet, so it is never sealed.
        rules
            .serves(kind, Form::Sealed, extension, shape)
            .map_err(|_| Reason::WrongForm)
    }
}

/// Which sealed file is asked for, and how.
struct SealedAsk<'a> {
    kind: FileKind,
    /// Whether by the name of the bootstrap.
    at_plain_name: bool,
    request_url: &'a RequestUrl,
}

async fn from_inputs(
    request: &PhoneRequest,
    inputs: &FileInputs,
    ask: &SealedAsk<'_>,
    looked: InKv,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let kind = ask.kind;
    match make(&request.app, inputs, kind, ask.request_url).await {
        Ok(Made {
            bytes,
            meta,
            may_be_kept,
        }) => {
            record_file(record, kind, &meta);
            let body = Body::Read(bytes.clone());
            let outcome = served(body, &meta, Reason::Sealed, None);
            record.deeds.push(Deed::Settle(Box::new(Settling {
                tenant_id: inputs.tenant_id.clone(),
                key: may_be_kept.then(|| looked.key_of(&meta)),
                bytes,
                meta,
                confirms: !request.head && !ask.at_plain_name,
                in_kv: false,
            })));
            Ok(outcome)
        }
        Err(SealedFileError::File(error)) => {
            let detail = broken(&error);
            // One with URLs of another access path is none of the phone's: it keeps what it has.
            Ok(
                match looked.kept.filter(|kept| is_own(inputs, &kept.meta)) {
                    Some(kept) => {
                        let body = Body::Read(kept.bytes);
                        served(body, &kept.meta, Reason::SealedLastGood, Some(detail))
                    }
                    None => PhoneOutcome::Broken { detail },
                },
            )
        }
        Err(SealedFileError::Storage(error)) => Err(error),
    }
}

/// Whether a cached file was made for this device and its current key. The device id is compared too,
/// because a re-added MAC starts at generation 1 again. After a restore of the database a generation
/// may be given out a second time, so a file of another era belongs to no device.
fn is_own(inputs: &FileInputs, meta: &FileMeta) -> bool {
    let told_by = |profile: &Profile| {
        profile.extension == meta.extension && content_encoding(profile) == meta.content_encoding
    };
    inputs
        .device
        .as_ref()
        .is_some_and(|device| device.id == meta.device && device.generation == meta.generation)
        && inputs.profile.as_ref().is_some_and(told_by)
        && witness::is_same_era(meta.version, inputs.version())
}

/// What the event says of the file.
fn record_file(record: &mut Record, kind: FileKind, meta: &FileMeta) {
    record.device = Some(meta.device.clone());
    if kind == FileKind::Standard {
        record.fetched = Some(meta.version);
    }
}

fn served(body: Body, meta: &FileMeta, reason: Reason, detail: Option<Value>) -> PhoneOutcome {
    PhoneOutcome::Served(Served {
        body,
        content_type: meta.content_type.clone(),
        content_encoding: meta.content_encoding.clone(),
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
