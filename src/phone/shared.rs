//! Files as they are, over HTTPS: product, master and system files of a model or a tenant, and the
//! standard file of phones whose files are not sealed.
//!
//! In KV they are wrapped: a rendered file is never stored in clear.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::serving::{Audience, Phone, Present};
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::Resolved;

use super::deed::{Deed, Keeping};
use super::keep::{self, InKv};
use super::request::storage;
use super::request_url::RequestUrl;
use super::{Body, PhoneOutcome, PhoneRequest, Reason, Served, sealed};
use crate::db::StorageError;
use crate::edge::{self, FileRead};
use crate::files::inputs::{self, FileInputs};
use crate::files::{render, seal};
use crate::model::published::{FileMeta, PublishedTenant};
use crate::phone::event::Record;
use crate::store::file_inputs::{self, ReadWhen};
use crate::witness;

/// Serves a product, master or system file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let kind = named.kind;
    let audience = Audience::named(named.mac.is_some(), named.model.is_some());
    let owner = owner(named);
    let looked = look(request, tenant, kind, &owner, None).await;
    record.record_fact(|facts| facts.copies.extend(looked.copy(Form::Plain)));
    if let Some(outcome) = cached(request, tenant, kind, &owner, &looked, record).await {
        return Ok(outcome);
    }
    let inputs = match find(request, tenant, named).await? {
        Found::Inputs(inputs) => inputs,
        Found::Nothing(reason) => return Ok(PhoneOutcome::Refused(reason)),
    };
    record.found(&inputs);
    if inputs
        .device
        .as_ref()
        .is_some_and(|device| device.disabled != 0)
    {
        return Ok(PhoneOutcome::Refused(Reason::Disabled));
    }
    let phone = Phone {
        family: inputs.family,
        profile: inputs.profile.as_ref(),
    };
    let rules = tenant.options.rules();
    if rules.serves(kind, Form::Plain, "", phone).is_err() {
        return Ok(PhoneOutcome::Refused(Reason::WrongForm));
    }
    let wanted = Wanted {
        kind,
        audience,
        looked: &looked,
        request_url: &RequestUrl::of(request, tenant),
    };
    from_inputs(request, &inputs, &wanted, Reason::Shared, record).await
}

/// Whose file is at a name, as KV's key says it: a MAC, a model, a family, or nobody in particular.
fn owner(named: &Resolved) -> String {
    match (&named.mac, &named.model, named.family) {
        (Some(mac), _, _) => mac.upper(),
        (None, Some(model), _) => model.clone(),
        // No model has an @ in its name.
        (None, None, Some(family)) => format!("@{}", family.as_str()),
        (None, None, None) => String::new(),
    }
}

/// What was found for the file at a plain name.
pub(super) enum Found {
    /// What it is made from.
    Inputs(Box<FileInputs>),
    /// There is none, for a reason.
    Nothing(Reason),
}

/// What the file at a plain name is made from, or why there is nothing.
pub(super) async fn find(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
) -> Result<Found, StorageError> {
    let (app, id) = (&request.app, &tenant.tenant);
    let (found, missing) = match (&named.mac, &named.model) {
        (Some(mac), _) => (
            inputs::for_phone(app, id, mac, ReadWhen::InService).await,
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
            None => return Ok(Found::Nothing(Reason::NoFamily)),
        },
    };
    Ok(match found.map_err(storage)? {
        Some(inputs) => Found::Inputs(Box::new(inputs)),
        None => Found::Nothing(missing),
    })
}

/// What KV has of a plain file. `families` are those whose name was asked for; `None`: it is a name of all.
/// `owner` is whose file it is; see [`owner`].
pub(super) async fn look(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    kind: FileKind,
    owner: &str,
    families: Option<&[Family]>,
) -> InKv {
    let key = edge::file_key(&tenant.tenant, kind, Form::Plain, owner);
    let read = FileRead::begin(&request.app, key);
    let is_theirs = |meta: &FileMeta| {
        families.is_none_or(|all| meta.family.is_some_and(|it| all.contains(&it)))
            && !meta
                .family
                .is_some_and(|it| it.spec().forbids(&request.path))
    };
    keep::look(
        &request.app,
        tenant,
        &request.caller.origin,
        read,
        is_theirs,
    )
    .await
}

/// A file that KV holds and that is still good.
pub(super) async fn cached(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    kind: FileKind,
    owner: &str,
    looked: &InKv,
    record: &mut Record,
) -> Option<PhoneOutcome> {
    let kept = looked.kept.as_ref()?;
    let meta = &kept.meta;
    if !tenant.accepts(owner, meta.version) {
        return None;
    }
    let frame = js_sys::Uint8Array::new(&kept.bytes).to_vec();
    let bytes = seal::unwrap_file(&request.app.keyring, &kept.key, &frame)
        .await
        .ok()?;
    record.record_fact(|facts| facts.came_from_kv = true);
    if !meta.device.is_empty() {
        record.device = Some(meta.device.clone());
        record.came_from_kv(&kept.key, meta.version, None);
    }
    let reason = if kind == FileKind::Standard {
        record.fetched = Some(meta.version);
        Reason::PlainOverHttps
    } else {
        Reason::Shared
    };
    Some(PhoneOutcome::Served(Served {
        body: Body::Read(bytes),
        content_type: meta.content_type.clone(),
        content_encoding: String::new(),
        etag: None,
        reason,
        detail: None,
    }))
}

/// A plain file that is to be made.
pub(super) struct Wanted<'a> {
    pub(super) kind: FileKind,
    pub(super) audience: Audience,
    /// What KV has of it.
    pub(super) looked: &'a InKv,
    pub(super) request_url: &'a RequestUrl,
}

/// Renders a file and answers with it; it is to be put into KV afterwards.
pub(super) async fn from_inputs(
    request: &PhoneRequest,
    inputs: &FileInputs,
    wanted: &Wanted<'_>,
    reason: Reason,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let &Wanted {
        kind,
        audience,
        looked,
        request_url,
    } = wanted;
    let (urls, place) = request_url.own_urls(&request.app.keyring, inputs, kind, Form::Plain)?;
    let file = match render::render(inputs, kind, audience, &urls, SecretsMode::Reveal) {
        Ok(file) => file,
        Err(error) => {
            return last_good(request, inputs, looked, sealed::broken(&error)).await;
        }
    };
    let meta = FileMeta {
        version: inputs.version(),
        generation: 0,
        etag: String::new(),
        confirmed: true,
        device: device_id(inputs).to_owned(),
        extension: String::new(),
        content_type: render::content_type(inputs).into(),
        content_encoding: String::new(),
        length: file.bytes.len(),
        master: request.app.keyring.current().id().to_owned(),
        family: (kind == FileKind::Standard).then_some(inputs.family),
        place: place.filter(|_| file.names_its_url),
    };
    let outcome = PhoneOutcome::Served(Served {
        body: Body::new(&file.bytes),
        content_type: meta.content_type.clone(),
        content_encoding: String::new(),
        etag: None,
        reason,
        detail: None,
    });
    if file.names_its_url && meta.place.is_none() {
        // For which access path it is, nobody could tell.
        return Ok(outcome);
    }
    record.deeds.push(Deed::Keep(Box::new(Keeping {
        tenant_id: inputs.tenant_id.clone(),
        key: looked.key_of(&meta),
        bytes: file.bytes,
        meta,
    })));
    Ok(outcome)
}

/// The file of before, where the present one cannot be made; but none with URLs of another access path.
async fn last_good(
    request: &PhoneRequest,
    inputs: &FileInputs,
    looked: &InKv,
    detail: serde_json::Value,
) -> Result<PhoneOutcome, StorageError> {
    // Another device may have had the MAC, and after a restore another history the versions.
    let own = looked.kept.as_ref().filter(|kept| {
        let meta = &kept.meta;
        meta.device == device_id(inputs) && witness::is_same_era(meta.version, inputs.version())
    });
    let Some(kept) = own else {
        return Ok(PhoneOutcome::Broken { detail });
    };
    let frame = js_sys::Uint8Array::new(&kept.bytes).to_vec();
    Ok(
        match seal::unwrap_file(&request.app.keyring, &kept.key, &frame).await {
            Ok(bytes) => PhoneOutcome::Served(Served {
                body: Body::Read(bytes),
                content_type: kept.meta.content_type.clone(),
                content_encoding: String::new(),
                etag: None,
                reason: Reason::SharedLastGood,
                detail: Some(detail),
            }),
            Err(_) => PhoneOutcome::Broken { detail },
        },
    )
}

/// The device that a file is made for; empty for one of a model or tenant.
fn device_id(inputs: &FileInputs) -> &str {
    inputs.device.as_ref().map_or("", |device| &device.id)
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
    fn owner_format_unchanged() {
        let nobody = Resolved {
            kind: FileKind::Master,
            form: Form::Plain,
            mac: None,
            model: None,
            fwver: None,
            family: None,
            others: Vec::new(),
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
        let all = [&nobody, &family, &model, &device].map(owner);
        assert_eq!(all, ["", "@uds124", "KX-UDS124", "0080F0C571EB"]);
    }
}
