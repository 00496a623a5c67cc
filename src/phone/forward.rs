//! The initial file of a device that went to another tenant, asked for where it was: it names the URLs
//! of the tenant that the device is in, until the phone has been there.
//!
//! Nothing else is sent on: what is sealed, and the bootstrap, are served where the device is and
//! nowhere else.

use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use serde_json::json;

use super::initial::served;
use super::{Outcome, PhoneRequest, Reason, storage};
use crate::db::StorageError;
use crate::files::names::urls;
use crate::files::urls::Base;
use crate::files::{inputs, render};
use crate::model::tenant::TenantOptions;
use crate::platform::log;
use crate::store::access_paths::segment_identity;
use crate::store::file_inputs::Forward;

/// Serves the initial file of the tenant that the device is in. Why it cannot be made is for that tenant
/// alone: the event is one of the tenant that the device left.
pub(super) async fn serve(request: &PhoneRequest, forward: &Forward, mac: &Mac) -> Outcome {
    match make(request, forward, mac).await {
        Ok(outcome) => outcome,
        Err(error) => {
            log::warn(
                "forward_failed",
                &[
                    ("request_id", &request.app.request_id),
                    ("tenant", &forward.target_id),
                    ("device", &forward.device_id),
                    ("error", &error.to_string()),
                ],
            );
            Outcome::Unavailable {
                detail: "The initial file of the tenant that the device is in cannot be read now."
                    .into(),
            }
        }
    }
}

async fn make(
    request: &PhoneRequest,
    forward: &Forward,
    mac: &Mac,
) -> Result<Outcome, StorageError> {
    let app = &request.app;
    let target = &forward.target_id;
    let inputs::Initial {
        bundle,
        certificates,
        ..
    } = inputs::for_initial(app, target, mac)
        .await
        .map_err(storage)?;
    // The target may have removed it since, or have another device of that MAC.
    let Some(bundle) = bundle.filter(|bundle| {
        let device = bundle.device.as_ref();
        device.is_some_and(|device| device.id == forward.device_id)
    }) else {
        return Ok(Outcome::Refused(Reason::UnknownDevice));
    };
    if bundle.device.as_ref().is_some_and(|it| it.disabled != 0) {
        return Ok(Outcome::Refused(Reason::Disabled));
    }
    let options: TenantOptions = serde_json::from_str(&forward.options)
        .map_err(|error| StorageError::Corrupt(format!("options of tenant {target}: {error}")))?;
    let identity = segment_identity(target, &forward.access_path_id);
    let segment = app
        .keyring
        .unwrap(&identity, &forward.segment)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| StorageError::Corrupt(format!("{identity} does not open")))?;
    let base = Base {
        origin: match &forward.hostname {
            Some(host) => format!("https://{host}"),
            None => request.caller.origin.clone(),
        },
        access_path: segment,
        hostname: forward.hostname.clone(),
    };
    let urls = urls(&base, &options, &bundle, &certificates, request.app.now);
    Ok(
        match render::render(
            &bundle,
            FileKind::Initial,
            Audience::Device,
            &urls,
            SecretsMode::Reveal,
        ) {
            Ok(file) => served(&bundle, &file.bytes, Reason::Forwarded),
            // What is wrong with it is for the other tenant alone, and may quote its access path.
            Err(_) => Outcome::Broken {
                detail: json!({
                    "render": "The initial file of the tenant that the device is in cannot be made: its lint there says why."
                }),
            },
        },
    )
}
