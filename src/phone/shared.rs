//! Files as they are, over HTTPS: product, master and system files of a model or a tenant, and the
//! standard file of phones whose files are not sealed.
//!
//! In KV they are wrapped: a rendered file is never stored in clear.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::SecretsMode;

use super::{Body, Outcome, PhoneRequest, Reason, Served, sealed, storage};
use crate::edge::{self, FileMeta, TenantEdge};
use crate::files::bundle::{self, Bundle};
use crate::files::{render, seal};
use crate::model::tenant::SharedFiles;
use crate::observe::{self, Record};
use crate::store::StorageError;
use crate::store::phone::{self, Reads};
use crate::witness;

/// Serves a product, master or system file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    kind: FileKind,
    mac: Option<&Mac>,
    model: Option<&str>,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let subject = mac
        .map(|mac| mac.upper())
        .or(model.map(str::to_owned))
        .unwrap_or_default();
    if let Some(outcome) = cached(request, tenant, kind, &subject, record).await {
        return Ok(outcome);
    }
    let bundle = match (mac, model) {
        (Some(mac), _) => bundle::for_phone(&request.app, &tenant.tenant, mac, Reads::InService)
            .await
            .map_err(storage)?,
        (None, Some(model)) => bundle::for_model(&request.app, &tenant.tenant, model)
            .await
            .map_err(storage)?,
        (None, None) => match common_model(request, tenant).await? {
            Some(model) => bundle::for_model(&request.app, &tenant.tenant, &model)
                .await
                .map_err(storage)?,
            None => return Ok(Outcome::Refused(Reason::NoFamily)),
        },
    };
    let Some(bundle) = bundle else {
        return Ok(Outcome::Refused(if mac.is_some() {
            Reason::UnknownDevice
        } else {
            Reason::UnknownModel
        }));
    };
    record.device = bundle.device.as_ref().map(|device| device.id.clone());
    if bundle
        .device
        .as_ref()
        .is_some_and(|device| device.disabled != 0)
    {
        return Ok(Outcome::Refused(Reason::Disabled));
    }
    let sealed_only =
        bundle.profile.is_some() && tenant.options.shared_files == SharedFiles::Sealed;
    if sealed_only || !bundle.family.kinds().contains(&kind) {
        return Ok(Outcome::Refused(Reason::WrongForm));
    }
    from_bundle(request, &bundle, kind, &subject, Reason::Shared).await
}

/// A file that KV holds and that is still good.
pub(super) async fn cached(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    kind: FileKind,
    subject: &str,
    record: &mut Record,
) -> Option<Outcome> {
    let key = edge::file_key(&tenant.tenant, kind, Form::Plain, subject);
    let (frame, meta) = edge::read_file(&request.app, &key).await?;
    if !tenant.accepts(subject, meta.version) {
        return None;
    }
    let frame = js_sys::Uint8Array::new(&frame).to_vec();
    let bytes = seal::unwrap_file(&request.app.keyring, &key, &frame)
        .await
        .ok()?;
    if !meta.device.is_empty() {
        record.device = Some(meta.device.clone());
        record.came_from_kv(&key, meta.version, None);
    }
    let reason = if kind == FileKind::Standard {
        record.fetched = Some(meta.version);
        Reason::PlainOverHttps
    } else {
        Reason::Shared
    };
    Some(Outcome::Served(Served {
        body: Body(bytes),
        content_type: meta.content_type,
        etag: None,
        reason,
        detail: None,
    }))
}

/// Renders a file, answers with it, and puts it into KV afterwards.
pub(super) async fn from_bundle(
    request: &PhoneRequest,
    bundle: &Bundle,
    kind: FileKind,
    subject: &str,
    reason: Reason,
) -> Result<Outcome, StorageError> {
    let file = match render::render(bundle, kind, &Default::default(), SecretsMode::Reveal) {
        Ok(file) => file,
        Err(error) => {
            return last_good(request, bundle, kind, subject, sealed::broken(&error)).await;
        }
    };
    let meta = FileMeta {
        version: bundle.version(),
        generation: 0,
        etag: String::new(),
        settled: true,
        device: device_id(bundle).to_owned(),
        extension: String::new(),
        content_type: render::content_type(bundle).into(),
        length: file.bytes.len(),
        master: request.app.keyring.current().id().to_owned(),
    };
    let outcome = Outcome::Served(Served {
        body: Body::new(&file.bytes),
        content_type: meta.content_type.clone(),
        etag: None,
        reason,
        detail: None,
    });
    let key = edge::file_key(&bundle.tenant_id, kind, Form::Plain, subject);
    let app = request.app.clone();
    request.app.later(async move {
        if let Ok(frame) = seal::wrap_file(&app.keyring, &key, &file.bytes).await {
            let stored = edge::put_file(&app, &key, &edge::to_buffer(&frame), &meta).await;
            if let Err(error) = stored {
                observe::warn("file_not_stored", &[("key", &key), ("error", &error.0)]);
            }
            // A device's change while it was being stored does not make it stale: it has to go.
            if !meta.device.is_empty() {
                let current = phone::if_current(&app.db, &meta.device, None, meta.version).await;
                if !matches!(current, Ok(Some(_))) {
                    edge::remove_file(&app, &key).await;
                }
            }
        }
    });
    Ok(outcome)
}

/// The file of before, where the present one cannot be made.
async fn last_good(
    request: &PhoneRequest,
    bundle: &Bundle,
    kind: FileKind,
    subject: &str,
    detail: serde_json::Value,
) -> Result<Outcome, StorageError> {
    let key = edge::file_key(&bundle.tenant_id, kind, Form::Plain, subject);
    let found = edge::read_file(&request.app, &key).await;
    // Another device may have had the MAC, and after a restore another history the versions.
    let own = found.filter(|(_, meta)| {
        meta.device == device_id(bundle) && witness::is_same_era(meta.version, bundle.version())
    });
    let Some((frame, meta)) = own else {
        return Ok(Outcome::Broken { detail });
    };
    let frame = js_sys::Uint8Array::new(&frame).to_vec();
    Ok(
        match seal::unwrap_file(&request.app.keyring, &key, &frame).await {
            Ok(bytes) => Outcome::Served(Served {
                body: Body(bytes),
                content_type: meta.content_type,
                etag: None,
                reason: Reason::SharedLastGood,
                detail: Some(detail),
            }),
            Err(_) => Outcome::Broken { detail },
        },
    )
}

/// The device that a file is made for; empty for one of a model or tenant.
fn device_id(bundle: &Bundle) -> &str {
    bundle.device.as_ref().map_or("", |device| &device.id)
}

/// A model whose family a file for the whole tenant is written for: the tenant's choice, or its
/// only family. Which model of it makes no difference: such a file has the family's template and
/// the tenant's settings alone.
async fn common_model(
    request: &PhoneRequest,
    tenant: &TenantEdge,
) -> Result<Option<String>, StorageError> {
    let families: Vec<(Family, String)> = phone::families(&request.app.db, &tenant.tenant).await?;
    let chosen = tenant.options.shared_family;
    let mut fitting = families
        .into_iter()
        .filter(|(family, _)| chosen.is_none_or(|chosen| chosen == *family));
    Ok(match (fitting.next(), fitting.next()) {
        (Some((_, model)), None) => Some(model),
        _ => None,
    })
}
