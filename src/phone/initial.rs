//! The initial file: it names the others. Never kept anywhere, since it holds the access path that
//! it was asked under.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::url_template::{Resolved, UrlTemplate, UrlVars};

use super::{
    Body, CERTIFICATES, Outcome, PhoneRequest, Reason, Served, forward, sealed, shared, storage,
};
use crate::edge::TenantEdge;
use crate::files::bundle::{self, Bundle};
use crate::files::render;
use crate::files::urls::{Base, Urls};
use crate::model::device::DeviceRow;
use crate::model::tenant::{SharedFiles, TenantOptions};
use crate::observe::Record;
use crate::store::StorageError;
use crate::store::phone;

/// Serves the initial file of a device, of a model, or of a whole family.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    named: &Resolved,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let found = match &named.mac {
        Some(mac) => {
            let initial = bundle::for_initial(&request.app, &tenant.tenant, mac)
                .await
                .map_err(storage)?;
            if let (None, Some(forward)) = (&initial.bundle, &initial.forward) {
                return forward::serve(request, forward, mac).await;
            }
            initial
                .bundle
                .map(|bundle| (bundle, initial.certificates))
                .ok_or(Reason::UnknownDevice)
        }
        None => match shared::find(request, tenant, named).await? {
            Ok(bundle) => {
                let names = phone::certificate_names(&request.app.db, &tenant.tenant).await?;
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
    let urls = urls(&base, &tenant.options, &bundle, &certificates);
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

pub(super) fn served(bundle: &Bundle, bytes: &[u8], reason: Reason) -> Outcome {
    Outcome::Served(Served {
        body: Body::new(bytes),
        content_type: render::content_type(bundle).into(),
        etag: None,
        reason,
        detail: None,
    })
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
    let template = template(options, bundle, kind)?;
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

/// The name that the phone is told, as it is written.
fn template<'a>(
    options: &'a TenantOptions,
    bundle: &Bundle,
    kind: FileKind,
) -> Option<&'a UrlTemplate> {
    let extension = bundle
        .profile
        .as_ref()
        .map_or("", |profile| profile.extension.as_str());
    let form = form(options, bundle, kind);
    options
        .preferred_name(kind, form, bundle.family, extension)
        .or_else(|| {
            let plain = kind == FileKind::Standard || form == Form::Plain;
            plain.then(|| options.preferred_name(kind, Form::Plain, bundle.family, ""))?
        })
}

/// For whom the file of a kind is that the phone is told: its name decides which layers reach it.
/// Without a name it is for everyone.
pub fn audience(options: &TenantOptions, bundle: &Bundle, kind: FileKind) -> Audience {
    template(options, bundle, kind).map_or(Audience::Everyone, Audience::of)
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
