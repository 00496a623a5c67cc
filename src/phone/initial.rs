//! The initial file: it names the others. Never kept anywhere: what it names also depends on the state of the
//! key.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::Resolved;

use super::answer::served;
use super::request::storage;
use super::request_url::RequestUrl;
use super::shared::Found;
use super::{PhoneOutcome, PhoneRequest, Reason, forward, sealed, shared};
use crate::db::StorageError;
use crate::files::inputs;
use crate::files::names::urls;
use crate::files::render;
use crate::model::published::PublishedTenant;
use crate::phone::event::Record;
use crate::store::{certificates, models};

/// Serves the initial file of a device, of a model, or of a whole family.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    // The name may be another family's, and some phones have no such file at all.
    let theirs = record
        .names
        .as_ref()
        .and_then(|names| names.families_at(&request.path, FileKind::Initial, Form::Plain));
    let (inputs, certificates) = match &named.mac {
        Some(mac) => {
            let initial = inputs::for_initial(&request.app, &tenant.tenant, mac)
                .await
                .map_err(storage)?;
            if let (None, Some(forward)) = (&initial.inputs, &initial.forward) {
                record.record_fact(|facts| facts.forward = Some(forward.clone()));
                return Ok(forward::serve(request, forward, FileKind::Initial, mac).await);
            }
            let Some(inputs) = initial.inputs else {
                return Ok(PhoneOutcome::Refused(Reason::UnknownDevice));
            };
            (inputs, initial.certificates)
        }
        None => match of_model(request, tenant, named, theirs.as_deref()).await? {
            Found::Inputs(inputs) => {
                let names = certificates::names(&request.app.db, &tenant.tenant).await?;
                (*inputs, names)
            }
            Found::Nothing(reason) => return Ok(PhoneOutcome::Refused(reason)),
        },
    };
    record.found(&inputs);
    if inputs
        .device
        .as_ref()
        .is_some_and(|device| device.disabled != 0)
    {
        return Ok(PhoneOutcome::Refused(Reason::Disabled));
    }
    let is_theirs = theirs.is_none_or(|all| all.contains(&inputs.family));
    let family = inputs.family.spec();
    if !is_theirs || !family.kinds.contains(&FileKind::Initial) || family.forbids(&request.path) {
        return Ok(PhoneOutcome::Refused(Reason::NoSuchPath));
    }
    let (base, _) = RequestUrl::of(request, tenant).base(&request.app.keyring, &inputs)?;
    let urls = urls(
        &base,
        &tenant.options,
        &inputs,
        &certificates,
        request.app.now,
    );
    Ok(
        match render::render(
            &inputs,
            FileKind::Initial,
            Audience::named(named.mac.is_some(), named.model.is_some()),
            &urls,
            SecretsMode::Reveal,
        ) {
            Ok(file) => served(&inputs, &file.bytes, Reason::Initial),
            Err(error) => PhoneOutcome::Broken {
                detail: sealed::broken(&error),
            },
        },
    )
}

/// What the file of a model is made from, or that of everybody. The model may be written otherwise than the phone
/// writes it: a phone that finds nothing at this name asks for nothing else.
async fn of_model(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    theirs: Option<&[Family]>,
) -> Result<Found, StorageError> {
    let found = shared::find(request, tenant, named).await?;
    let (Found::Nothing(Reason::UnknownModel), Some(asked)) = (&found, &named.model) else {
        return Ok(found);
    };
    let alike = models::alike(&request.app.db, &tenant.tenant, asked, theirs).await?;
    let Some(model) = alike else {
        return Ok(found);
    };
    let named = Resolved {
        model: Some(model),
        ..named.clone()
    };
    shared::find(request, tenant, &named).await
}
