//! How a tenant's files are called, as an initial file names them.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::url_template::{UrlTemplate, UrlVars};

use super::inputs::FileInputs;
use super::urls::{Base, Urls};
use crate::model::device::DeviceRow;
use crate::model::tenant::{SharedFiles, TenantOptions};

/// Files below this folder are the tenant's root certificates, under their own names.
pub const CERTIFICATES: &str = "certs/";

/// The URLs that an initial file may name: `standard`, `product`, `master`, `system` and
/// `certificate_1` to `_3`. A URL that would be too long for a phone is left out, so that a
/// template that needs it says so.
pub fn urls(
    base: &Base,
    options: &TenantOptions,
    bundle: &FileInputs,
    certificates: &[String],
    now: u64,
) -> Urls {
    let mut names = Vec::new();
    let kinds = bundle
        .family
        .kinds()
        .iter()
        .filter(|&&kind| kind != FileKind::Initial);
    for &kind in kinds {
        if let Some(name) = name(options, bundle, kind, now) {
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
fn name(options: &TenantOptions, bundle: &FileInputs, kind: FileKind, now: u64) -> Option<String> {
    let template = template(options, bundle, kind, now)?;
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
    bundle: &FileInputs,
    kind: FileKind,
    now: u64,
) -> Option<&'a UrlTemplate> {
    let extension = bundle
        .profile
        .as_ref()
        .map_or("", |profile| profile.extension.as_str());
    let form = form(options, bundle, kind, now);
    options
        .preferred_name(kind, form, bundle.family, extension)
        .or_else(|| {
            let plain = kind == FileKind::Standard || form == Form::Plain;
            plain.then(|| options.preferred_name(kind, Form::Plain, bundle.family, ""))?
        })
}

/// For whom the file of a kind is that the phone is told: its name decides which layers reach it.
/// Without a name it is for everyone.
pub fn audience(
    options: &TenantOptions,
    bundle: &FileInputs,
    kind: FileKind,
    now: u64,
) -> Audience {
    template(options, bundle, kind, now).map_or(Audience::Everyone, Audience::of)
}

/// In what form the phone is to ask for a file at `now`, in Unix milliseconds: while a bootstrap waits,
/// that is what it has to fetch.
fn form(options: &TenantOptions, bundle: &FileInputs, kind: FileKind, now: u64) -> Form {
    let device = bundle.device.as_ref();
    let has_key = device.is_some_and(DeviceRow::may_have_sealed);
    let waits = device.is_some_and(|device| device.key().bootstrap_waits(now));
    match kind {
        _ if bundle.profile.is_none() => Form::Plain,
        FileKind::Standard if options.state_dependent_names && has_key && !waits => Form::Sealed,
        FileKind::Standard => Form::Plain,
        _ if options.shared_files == SharedFiles::Sealed => Form::Sealed,
        _ => Form::Plain,
    }
}
