//! Files as they are, over HTTPS: product, master and system files of a model or a tenant, and the
//! standard file of phones whose files are not sealed.
//!
//! In KV they are wrapped: a rendered file is never stored in clear.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::serving::{Audience, Phone, Present};
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::Resolved;

use super::{Body, Outcome, PhoneRequest, Reason, Served, keep, sealed, storage};
use crate::db::StorageError;
use crate::files::inputs::{self, FileInputs};
use crate::files::{render, seal};
use crate::kv::to_buffer;
use crate::model::published::{FileMeta, PublishedTenant};
use crate::phone::event::Record;
use crate::store::file_inputs::{self, Reads};
use crate::{edge, witness};

/// Serves a product, master or system file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let kind = named.kind;
    let audience = Audience::told(named.mac.is_some(), named.model.is_some());
    let subject = subject(named);
    if let Some(outcome) = cached(request, tenant, kind, &subject, None, record).await {
        return Ok(outcome);
    }
    let bundle = match find(request, tenant, named).await? {
        Ok(bundle) => bundle,
        Err(reason) => return Ok(Outcome::Refused(reason)),
    };
    record.device = bundle.device.as_ref().map(|device| device.id.clone());
    if bundle
        .device
        .as_ref()
        .is_some_and(|device| device.disabled != 0)
    {
        return Ok(Outcome::Refused(Reason::Disabled));
    }
    let phone = Phone {
        family: bundle.family,
        profile: bundle.profile.as_ref(),
    };
    let rules = tenant.options.rules();
    if rules.serves(kind, Form::Plain, "", phone).is_err() {
        return Ok(Outcome::Refused(Reason::WrongForm));
    }
    let wanted = Wanted {
        kind,
        audience,
        subject: &subject,
    };
    from_bundle(request, &bundle, &wanted, Reason::Shared).await
}

/// Whose file is at a name, as KV's key says it: a MAC, a model, a family, or nobody in particular.
fn subject(named: &Resolved) -> String {
    match (&named.mac, &named.model, named.family) {
        (Some(mac), _, _) => mac.upper(),
        (None, Some(model), _) => model.clone(),
        // No model has an @ in its name.
        (None, None, Some(family)) => format!("@{}", family.as_str()),
        (None, None, None) => String::new(),
    }
}

/// What the file at a plain name is made from, or why there is nothing.
pub(super) async fn find(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
) -> Result<Result<FileInputs, Reason>, StorageError> {
    let (app, id) = (&request.app, &tenant.tenant);
    let (found, missing) = match (&named.mac, &named.model) {
        (Some(mac), _) => (
            inputs::for_phone(app, id, mac, Reads::InService).await,
            Reason::UnknownDevice,
        ),
        (None, Some(model)) => (
            inputs::for_model(app, id, model).await,
            Reason::UnknownModel,
        ),
        (None, None) => match common_model(request, tenant, named).await? {
            Some(model) => (
                inputs::for_family(app, id, &model).await,
                Reason::UnknownModel,
            ),
            None => return Ok(Err(Reason::NoFamily)),
        },
    };
    Ok(found.map_err(storage)?.ok_or(missing))
}

/// A file that KV holds and that is still good. `families` are those whose name was asked for; `None`: it is
/// a name of all.
pub(super) async fn cached(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    kind: FileKind,
    subject: &str,
    families: Option<&[Family]>,
    record: &mut Record,
) -> Option<Outcome> {
    let key = edge::file_key(&tenant.tenant, kind, Form::Plain, subject);
    let (frame, meta) = edge::read_file(&request.app, &key).await?;
    let is_theirs = |families: &[Family]| meta.family.is_some_and(|it| families.contains(&it));
    if !tenant.accepts(subject, meta.version) || !families.is_none_or(is_theirs) {
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

/// A plain file that is to be made.
pub(super) struct Wanted<'a> {
    pub(super) kind: FileKind,
    pub(super) audience: Audience,
    /// See [`subject`].
    pub(super) subject: &'a str,
}

/// Renders a file, answers with it, and puts it into KV afterwards.
pub(super) async fn from_bundle(
    request: &PhoneRequest,
    bundle: &FileInputs,
    wanted: &Wanted<'_>,
    reason: Reason,
) -> Result<Outcome, StorageError> {
    let &Wanted {
        kind,
        audience,
        subject,
    } = wanted;
    let none = Default::default();
    let file = match render::render(bundle, kind, audience, &none, SecretsMode::Reveal) {
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
        family: (kind == FileKind::Standard).then_some(bundle.family),
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
    let tenant_id = bundle.tenant_id.clone();
    request.app.later(async move {
        if let Ok(frame) = seal::wrap_file(&app.keyring, &key, &file.bytes).await {
            let bytes = to_buffer(&frame);
            keep::store(&app, &tenant_id, Form::Plain, &key, &bytes, &meta).await;
        }
    });
    Ok(outcome)
}

/// The file of before, where the present one cannot be made.
async fn last_good(
    request: &PhoneRequest,
    bundle: &FileInputs,
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
fn device_id(bundle: &FileInputs) -> &str {
    bundle.device.as_ref().map_or("", |device| &device.id)
}

/// A model of the family that the file at a name for everyone is written for.
async fn common_model(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
) -> Result<Option<String>, StorageError> {
    let families = file_inputs::families(&request.app.db, &tenant.tenant).await?;
    let present: Vec<Present> = families
        .iter()
        .map(file_inputs::FamilyRow::present)
        .collect();
    let rules = tenant.options.rules();
    let chosen = rules.family_for_everyone(named.kind, named.family, &present);
    let row = families.into_iter().find(|row| Some(row.family) == chosen);
    Ok(row.map(|row| row.model))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::mac::Mac;

    use ringfence_provision::vendor::panasonic;

    use super::*;

    #[test]
    fn subject_format_unchanged() {
        let nobody = Resolved {
            kind: FileKind::Master,
            form: Form::Plain,
            mac: None,
            model: None,
            fwver: None,
            family: None,
        };
        let family = Resolved {
            family: Some(panasonic::UDS124),
            ..nobody.clone()
        };
        let model = Resolved {
            model: Some("KX-UDS124".into()),
            ..nobody.clone()
        };
        let device = Resolved {
            mac: Mac::parse("0080F0C571EB").ok(),
            ..model.clone()
        };
        let all = [&nobody, &family, &model, &device].map(subject);
        assert_eq!(all, ["", "@uds124", "KX-UDS124", "0080F0C571EB"]);
    }
}
