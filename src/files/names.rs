//! How a tenant's files are called, as an initial file names them, and a device's file itself.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::url_template::{UrlTemplate, UrlVars};

use super::inputs::FileInputs;
use super::urls::{Base, OwnNames, Urls};
use crate::model::device::DeviceRow;
use crate::model::tenant::{SharedFiles, TenantOptions, has_extension};

/// Files below this folder are the tenant's root certificates, under their own names.
pub const CERTIFICATES: &str = "certs/";

/// The URLs that an initial file may name: `standard`, `product`, `master`, `system` and
/// `certificate_1` to `_3`. A URL that would be too long for a phone is left out, so that a
/// template that needs it says so.
pub fn urls(
    base: &Base,
    options: &TenantOptions,
    inputs: &FileInputs,
    certificates: &[String],
    now: u64,
) -> Urls {
    let mut names = Vec::new();
    let kinds = inputs
        .family
        .kinds()
        .iter()
        .filter(|&&kind| kind != FileKind::Initial);
    for &kind in kinds {
        if let Some(name) = name(options, inputs, kind, now) {
            names.push((kind.as_str().to_owned(), name));
        }
    }
    for (index, name) in certificates.iter().take(3).enumerate() {
        names.push((
            format!("certificate_{}", index + 1),
            format!("{CERTIFICATES}{name}"),
        ));
    }
    Urls::new(base, &own_names(options, inputs), names)
}

/// What a device's file may name of itself. It is the same in whatever state the key is.
pub fn own_urls(base: &Base, options: &TenantOptions, inputs: &FileInputs) -> Urls {
    Urls::new(base, &own_names(options, inputs), [])
}

/// The names of a device's standard file, in whatever state the key is.
fn own_names(options: &TenantOptions, inputs: &FileInputs) -> OwnNames {
    let extension = inputs.profile.as_ref().map(|it| it.extension.as_str());
    OwnNames {
        standard: own_name(options, inputs),
        plain: plain_name(options, inputs.family).and_then(|name| filled_in(&name, inputs)),
        sealed: extension
            .and_then(|extension| sealed_name(options, inputs.family, extension))
            .and_then(|name| filled_in(&name, inputs)),
    }
}

/// The name under which a phone of the family gets its standard file in clear, or its bootstrap: the first that the
/// tenant gives the family, or the first by which the phone asks by itself, or else the first of all families.
pub fn plain_name(options: &TenantOptions, family: Family) -> Option<UrlTemplate> {
    standard_name(options, family, Form::Plain, "")
}

/// The same of its sealed file with that extension.
pub fn sealed_name(
    options: &TenantOptions,
    family: Family,
    extension: &str,
) -> Option<UrlTemplate> {
    standard_name(options, family, Form::Sealed, extension)
}

/// Of either: in clear the extension does not matter.
fn standard_name(
    options: &TenantOptions,
    family: Family,
    form: Form,
    extension: &str,
) -> Option<UrlTemplate> {
    let is_it = |own: Form, name: &str| {
        own == form && (form == Form::Plain || has_extension(name, extension))
    };
    let of_tenant = || {
        let name = options.preferred_name(FileKind::Standard, form, family, extension);
        name.cloned()
    };
    match gives_names(options, family) {
        true => of_tenant(),
        false => family_name(family, is_it).or_else(of_tenant),
    }
}

/// Whether the tenant gives phones of a family names for their standard file in the place of those by which they ask.
fn gives_names(options: &TenantOptions, family: Family) -> bool {
    let given = options.family_urls.get(&family);
    given.is_some_and(|urls| urls.contains_key(&FileKind::Standard))
}

/// The name under which a phone of the family asks for its standard file: the first that the tenant gives
/// the family, or the first by which the phone asks by itself, or else the one that it is told.
fn own_name(options: &TenantOptions, inputs: &FileInputs) -> Option<String> {
    const KIND: FileKind = FileKind::Standard;
    let family = inputs.family;
    let given = options
        .family_urls
        .get(&family)
        .and_then(|urls| urls.get(&KIND));
    if given.is_none()
        && let Some(template) = name_by_itself(family)
    {
        return filled_in(&template, inputs);
    }
    let template = given
        .and_then(|names| {
            let mut plain = names.plain.iter();
            let whole = plain.find(|name| !family.carries_key_at(name.as_str()));
            whole.or_else(|| names.sealed.first())
        })
        .or_else(|| options.preferred_name(KIND, Form::Plain, family, ""))?;
    filled_in(template, inputs)
}

/// The first name by which a phone of the family asks for its standard file without being told. What carries
/// the key alone is not that file.
fn name_by_itself(family: Family) -> Option<UrlTemplate> {
    family_name(family, |_, _| true)
}

/// The first of these names that fits.
fn family_name(family: Family, fits: impl Fn(Form, &str) -> bool) -> Option<UrlTemplate> {
    let names = family.spec().names.iter();
    let mut standard = names.filter(|(kind, _, _)| *kind == FileKind::Standard);
    let found = standard.find(|(_, form, name)| !family.carries_key_at(name) && fits(*form, name));
    found.and_then(|(_, _, name)| UrlTemplate::parse(name).ok())
}

/// The name under which the phone of a device asks for its standard file at `now`, in Unix milliseconds: the
/// one by which it asks by itself, or else the one that it is told.
pub fn asked_name(options: &TenantOptions, inputs: &FileInputs, now: u64) -> Option<String> {
    const KIND: FileKind = FileKind::Standard;
    let told = || name(options, inputs, KIND, now);
    match name_by_itself(inputs.family).is_some() {
        true => own_name(options, inputs).or_else(told),
        false => told().or_else(|| own_name(options, inputs)),
    }
}

/// The same for a phone that is no device yet, of which a family or a model may be known.
pub fn name_for(
    options: &TenantOptions,
    family: Option<Family>,
    mac: &Mac,
    model: Option<&str>,
) -> Option<String> {
    const KIND: FileKind = FileKind::Standard;
    let own = family.and_then(|family| {
        let given = options.family_urls.get(&family);
        let is_given = given.is_some_and(|urls| urls.contains_key(&KIND));
        name_by_itself(family).filter(|_| !is_given)
    });
    let told = || match family {
        Some(family) => options
            .preferred_name(KIND, Form::Plain, family, "")
            .cloned(),
        None => options.urls.get(&KIND)?.plain.first().cloned(),
    };
    let vars = UrlVars {
        mac: Some(*mac),
        model,
        fwver: None,
    };
    let template = own.or_else(told)?;
    template.render(&vars).ok()
}

/// A name that asks for a kind of file in that form, of a device or of everyone.
pub fn name_of_kind(
    options: &TenantOptions,
    kind: FileKind,
    form: Form,
    mac: Option<Mac>,
) -> Option<String> {
    let vars = UrlVars {
        mac,
        ..UrlVars::default()
    };
    let all = options.routes().into_iter().chain(options.builtin_routes());
    all.filter(|route| route.kind == kind && route.form == form)
        .filter(|route| route.template.uses_mac() == mac.is_some())
        .find_map(|route| route.template.render(&vars).ok())
}

/// The name of a file, for a device as it is, for a model as the phone itself fills it in. A shared
/// file that goes out sealed has no name where none is for the device's profile: at a plain name
/// there would be nothing but the refusal.
fn name(options: &TenantOptions, inputs: &FileInputs, kind: FileKind, now: u64) -> Option<String> {
    let template = template(options, inputs, kind, now)?;
    filled_in(template, inputs)
}

/// A name as it is for the device, or as the phone itself fills it in; `None` where phones of the family could not.
fn filled_in(template: &UrlTemplate, inputs: &FileInputs) -> Option<String> {
    let of_device = inputs.device.as_ref().and_then(|device| {
        let vars = UrlVars {
            mac: Mac::parse(&device.mac).ok(),
            model: Some(&device.model),
            fwver: None,
        };
        template.render(&vars).ok()
    });
    of_device.or_else(|| inputs.family.spec().told_name(template))
}

/// The name that the phone is told, as it is written.
fn template<'a>(
    options: &'a TenantOptions,
    inputs: &FileInputs,
    kind: FileKind,
    now: u64,
) -> Option<&'a UrlTemplate> {
    let extension = inputs
        .profile
        .as_ref()
        .map_or("", |profile| profile.extension.as_str());
    let form = form(options, inputs, kind, now);
    options
        .preferred_name(kind, form, inputs.family, extension)
        .or_else(|| {
            let plain = kind == FileKind::Standard || form == Form::Plain;
            plain.then(|| options.preferred_name(kind, Form::Plain, inputs.family, ""))?
        })
}

/// For whom the file of a kind is that the phone is told: its name decides which layers reach it.
/// Without a name it is for everyone.
pub fn audience(
    options: &TenantOptions,
    inputs: &FileInputs,
    kind: FileKind,
    now: u64,
) -> Audience {
    template(options, inputs, kind, now).map_or(Audience::Everyone, Audience::of)
}

/// In what form the phone is to ask for a file at `now`, in Unix milliseconds: while a bootstrap waits,
/// that is what it has to fetch.
fn form(options: &TenantOptions, inputs: &FileInputs, kind: FileKind, now: u64) -> Form {
    let device = inputs.device.as_ref();
    let has_key = device.is_some_and(DeviceRow::may_have_sealed);
    let waits = device.is_some_and(|device| device.key().bootstrap_waits(now));
    match kind {
        _ if inputs.profile.is_none() => Form::Plain,
        FileKind::Standard if options.state_dependent_names && has_key && !waits => Form::Sealed,
        FileKind::Standard => Form::Plain,
        _ if options.shared_files == SharedFiles::Sealed => Form::Sealed,
        _ => Form::Plain,
    }
}
