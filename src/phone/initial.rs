//! The initial file: it names the others. Never kept anywhere, since it holds the access path that
//! it was asked under.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::UrlVars;

use super::{Body, CERTIFICATES, Outcome, PhoneRequest, Reason, Served, sealed, storage};
use crate::edge::TenantEdge;
use crate::files::bundle::{self, Bundle};
use crate::files::render;
use crate::files::urls::{Base, Urls};
use crate::model::device::DeviceRow;
use crate::model::tenant::{SharedFiles, TenantOptions};
use crate::observe::Record;
use crate::store::StorageError;
use crate::store::phone::{self, Reads};

/// Serves the initial file of a device, or of a model.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    mac: Option<&Mac>,
    model: Option<&str>,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let bundle = match (mac, model) {
        (Some(mac), _) => bundle::for_phone(&request.app, &tenant.tenant, mac, Reads::InService)
            .await
            .map_err(storage)?,
        (None, Some(model)) => bundle::for_model(&request.app, &tenant.tenant, model)
            .await
            .map_err(storage)?,
        (None, None) => None,
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
    let base = Base {
        origin: request.caller.origin.clone(),
        access_path: request.access_path.clone(),
        hostname: tenant.hostname.clone(),
    };
    let certificates = phone::certificate_names(&request.app.db, &tenant.tenant).await?;
    let urls = urls(&base, &tenant.options, &bundle, &certificates);
    Ok(
        match render::render(&bundle, FileKind::Initial, &urls, SecretsMode::Reveal) {
            Ok(file) => Outcome::Served(Served {
                body: Body::new(&file.bytes),
                content_type: render::content_type(&bundle).into(),
                etag: None,
                reason: Reason::Initial,
                detail: None,
            }),
            Err(error) => Outcome::Broken {
                detail: sealed::broken(&error),
            },
        },
    )
}

/// The URLs that an initial file may name: `standard`, `product`, `master`, `system` and
/// `certificate_1` to `_3`. A URL that would be too long for a phone is left out, so that a
/// template that needs it says so.
pub fn urls(
    base: &Base,
    options: &TenantOptions,
    bundle: &Bundle,
    certificates: &[String],
) -> Urls {
    let mut names = Vec::new();
    let kinds = bundle
        .family
        .kinds()
        .iter()
        .filter(|&&kind| kind != FileKind::Initial);
    for &kind in kinds {
        if let Some(name) = name(options, bundle, kind) {
            names.push((kind.as_str().to_owned(), name));
        }
    }
    for (index, name) in certificates.iter().take(3).enumerate() {
        names.push((
            format!("certificate_{}", index + 1),
            format!("{CERTIFICATES}{name}"),
        ));
    }
    Urls::new(base, names)
}

/// The name of a file, for a device as it is, for a model as the phone itself fills it in. A shared
/// file that goes out sealed has no name where none is for the device's profile: at a plain name
/// there would be nothing but the refusal.
fn name(options: &TenantOptions, bundle: &Bundle, kind: FileKind) -> Option<String> {
    let extension = bundle
        .profile
        .as_ref()
        .map(|profile| profile.extension.as_str());
    let form = form(options, bundle, kind);
    let template = options
        .preferred_name(kind, form, extension.unwrap_or_default())
        .or_else(|| {
            let plain = kind == FileKind::Standard || form == Form::Plain;
            plain.then(|| options.preferred_name(kind, Form::Plain, ""))?
        })?;
    let Some(device) = &bundle.device else {
        return Some(template.with_phone_macros());
    };
    let vars = UrlVars {
        mac: Mac::parse(&device.mac).ok(),
        model: Some(&device.model),
        fwver: None,
    };
    Some(
        template
            .render(&vars)
            .unwrap_or_else(|_| template.with_phone_macros()),
    )
}

fn form(options: &TenantOptions, bundle: &Bundle, kind: FileKind) -> Form {
    let has_key = bundle
        .device
        .as_ref()
        .is_some_and(DeviceRow::may_have_sealed);
    let waits = bundle
        .device
        .as_ref()
        .is_some_and(|device| device.key_state == ringfence_provision::lifecycle::KeyState::Armed);
    match kind {
        _ if bundle.profile.is_none() => Form::Plain,
        FileKind::Standard if options.state_dependent_names && has_key && !waits => Form::Sealed,
        FileKind::Standard => Form::Plain,
        _ if options.shared_files == SharedFiles::Sealed => Form::Sealed,
        _ => Form::Plain,
    }
}
