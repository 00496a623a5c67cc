//! The initial file: it names the others. Never kept anywhere, since it holds the access path that
//! it was asked under.

use ringfence_provision::kind::FileKind;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::Resolved;

use super::{Body, Outcome, PhoneRequest, Reason, Served, forward, sealed, shared, storage};
use crate::db::StorageError;
use crate::files::inputs::{self, FileInputs};
use crate::files::names::urls;
use crate::files::render;
use crate::files::urls::Base;
use crate::model::published::PublishedTenant;
use crate::phone::event::Record;
use crate::store::certificates;

/// Serves the initial file of a device, of a model, or of a whole family.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let found = match &named.mac {
        Some(mac) => {
            let initial = inputs::for_initial(&request.app, &tenant.tenant, mac)
                .await
                .map_err(storage)?;
            if let (None, Some(forward)) = (&initial.bundle, &initial.forward) {
                return Ok(forward::serve(request, forward, mac).await);
            }
            initial
                .bundle
                .map(|bundle| (bundle, initial.certificates))
                .ok_or(Reason::UnknownDevice)
        }
        None => match shared::find(request, tenant, named).await? {
            Ok(bundle) => {
                let names = certificates::names(&request.app.db, &tenant.tenant).await?;
                Ok((bundle, names))
            }
            Err(reason) => Err(reason),
        },
    };
    let (bundle, certificates) = match found {
        Ok(found) => found,
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
    let base = Base {
        origin: request.caller.origin.clone(),
        access_path: request.access_path.clone(),
        hostname: tenant.hostname.clone(),
    };
    let urls = urls(
        &base,
        &tenant.options,
        &bundle,
        &certificates,
        request.app.now,
    );
    Ok(
        match render::render(
            &bundle,
            FileKind::Initial,
            Audience::told(named.mac.is_some(), named.model.is_some()),
            &urls,
            SecretsMode::Reveal,
        ) {
            Ok(file) => served(&bundle, &file.bytes, Reason::Initial),
            Err(error) => Outcome::Broken {
                detail: sealed::broken(&error),
            },
        },
    )
}

pub(super) fn served(bundle: &FileInputs, bytes: &[u8], reason: Reason) -> Outcome {
    Outcome::Served(Served {
        body: Body::new(bytes),
        content_type: render::content_type(bundle).into(),
        etag: None,
        reason,
        detail: None,
    })
}
