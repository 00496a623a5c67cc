//! The initial file of a device that went to another tenant, asked for where it was: it names the URLs
//! of the tenant that the device is in, until the phone has been there.
//!
//! Phones whose own file says where they ask next, in clear, get such a file with nothing else in it: no setting of
//! either tenant, so no secret. Nothing more is sent on: what is sealed, the bootstrap, and what a tenant set are
//! served where the device is and nowhere else.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::Layers;
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use serde_json::json;

use super::answer::served;
use super::request::storage;
use super::{PhoneOutcome, PhoneRequest, Reason, request_url};
use crate::db::{Corrupt, StorageError};
use crate::files::inputs::FileInputs;
use crate::files::names::{own_urls, urls};
use crate::files::urls::Base;
use crate::files::{inputs, render};
use crate::model::tenant::TenantOptions;
use crate::platform::log;
use crate::store::file_inputs::Forward;

/// Whether the phone of a device that left is sent on by the device's own file, asked for at a name of some families
/// (`None`: of all): one in clear whose template names its URL.
pub(super) fn leads_by_own_file(forward: &Forward, theirs: Option<&[Family]>) -> bool {
    let names_its_url = |family: &Family| {
        theirs.is_none_or(|all| all.contains(family))
            && family.template(FileKind::Standard).contains("urls")
    };
    forward.profile.is_none() && forward.family.as_ref().is_some_and(names_its_url)
}

/// Serves the initial file of the tenant that the device is in, or what its standard file says of URLs. Why it cannot
/// be made is for that tenant alone: the event is one of the tenant that the device left.
pub(super) async fn serve(
    request: &PhoneRequest,
    forward: &Forward,
    kind: FileKind,
    mac: &Mac,
) -> PhoneOutcome {
    match make(request, forward, kind, mac).await {
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
            PhoneOutcome::Unavailable {
                detail: "The file of the tenant that the device is in cannot be read now.".into(),
            }
        }
    }
}

async fn make(
    request: &PhoneRequest,
    forward: &Forward,
    kind: FileKind,
    mac: &Mac,
) -> Result<PhoneOutcome, StorageError> {
    let app = &request.app;
    let target = &forward.target_id;
    let inputs::Initial {
        inputs,
        certificates,
        ..
    } = inputs::for_initial(app, target, mac)
        .await
        .map_err(storage)?;
    // The target may have removed it since, or have another device of that MAC.
    let Some(inputs) = inputs.filter(|inputs| {
        let device = inputs.device.as_ref();
        device.is_some_and(|device| device.id == forward.device_id)
    }) else {
        return Ok(PhoneOutcome::Refused(Reason::UnknownDevice));
    };
    if inputs.device.as_ref().is_some_and(|it| it.disabled != 0) {
        return Ok(PhoneOutcome::Refused(Reason::Disabled));
    }
    let options: TenantOptions = ringfence_json::from_str(&forward.options).map_err(|why| {
        let tenant = target.clone();
        Corrupt::TenantOptions { tenant, why }
    })?;
    let keyring = &app.keyring;
    // Where that tenant's phones are to move to, or else where the move said.
    let segment = match inputs.addresses.as_ref() {
        Some(addresses) => {
            request_url::target(keyring, target, addresses)?.map(|(_, segment)| segment)
        }
        None => None,
    };
    let segment = match segment {
        Some(segment) => segment,
        None => request_url::segment(keyring, target, &forward.access_path_id, &forward.segment)?,
    };
    let base = Base {
        origin: match &forward.hostname {
            Some(host) => format!("https://{host}"),
            None => request.caller.origin.clone(),
        },
        access_path: segment.expose().to_owned(),
        hostname: forward.hostname.clone(),
    };
    let (inputs, urls) = match kind {
        FileKind::Initial => {
            let urls = urls(&base, &options, &inputs, &certificates, request.app.now);
            (inputs, urls)
        }
        // It became a sealed one meanwhile.
        _ if inputs.profile.is_some() => return Ok(PhoneOutcome::Refused(Reason::UnknownDevice)),
        _ => {
            let urls = own_urls(&base, &options, &inputs);
            (bare(inputs), urls)
        }
    };
    Ok(
        match render::render(&inputs, kind, Audience::Device, &urls, SecretsMode::Reveal) {
            Ok(file) => served(&inputs, &file.bytes, Reason::Forwarded),
            // What is wrong with it is for the other tenant alone, and may quote its access path.
            Err(_) => PhoneOutcome::Broken {
                detail: json!({
                    "render": "The file of the tenant that the device is in cannot be made: its lint there says why."
                }),
            },
        },
    )
}

/// A device whose files say what their built-in templates say without any setting.
fn bare(inputs: FileInputs) -> FileInputs {
    FileInputs {
        layers: Layers::default(),
        templates: BTreeMap::new(),
        ..inputs
    }
}
