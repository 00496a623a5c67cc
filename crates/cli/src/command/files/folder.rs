//! The files: read, and written so that people may go on with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fleet::{Device, Fleet, Layer, Place, Setting, SettingError, check};
use crate::failure::Failure;

/// The longest of the files, in bytes: 100,000 phones with some settings each.
const MAX_FILE: u64 = 128 * 1024 * 1024;

const TENANT: &str = "tenant.toml";
const SITES: &str = "sites.toml";
const MODELS: &str = "models.toml";
const DEVICES: &str = "devices.toml";
const TEMPLATES: &str = "templates";

/// `tenant.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TenantFile {
    options: Option<toml::Table>,
    settings: Option<Layer>,
}

/// Reads the files of a folder.
///
/// # Errors
/// There is none, or one of them is not as it must be.
pub(super) fn read(folder: &Path) -> Result<Fleet, Failure> {
    let tenant: Option<TenantFile> = file(folder, TENANT)?;
    let options = tenant.as_ref().and_then(|tenant| tenant.options.clone());
    let options = options.map(serde_json::to_value).transpose();
    let options = options
        .map_err(|error| Failure::Usage(format!("{}: {error}.", folder.join(TENANT).display())))?;
    let devices: Option<BTreeMap<String, Device>> = file(folder, DEVICES)?;
    let fleet = Fleet {
        options,
        settings: tenant.and_then(|tenant| tenant.settings),
        sites: file(folder, SITES)?,
        models: file(folder, MODELS)?,
        devices: devices.map(|it| by_mac(folder, it)).transpose()?,
        templates: templates(folder)?,
    };
    if fleet == Fleet::default() {
        return Err(Failure::Usage(format!(
            "{} has none of {TENANT}, {SITES}, {MODELS}, {DEVICES} and {TEMPLATES}/. `ringfence pull` writes them.",
            folder.display()
        )));
    }
    check_layers(folder, &fleet)?;
    Ok(fleet)
}

fn file<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, Failure> {
    let path = folder.join(name);
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(&path, &error)),
    };
    toml::from_str(&text).map(Some).map_err(|error| {
        // The parser's own message quotes the line, in which somebody may have written a password.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        let why = error.message().lines().next().unwrap_or_default();
        Failure::Usage(format!("{}, line {line}: {why}.", path.display()))
    })
}

fn read_file(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!(
            "it has more than {MAX_FILE} bytes, the most that are read: is it the right file?"
        )));
    }
    Ok(text)
}

fn by_mac(
    folder: &Path,
    devices: BTreeMap<String, Device>,
) -> Result<BTreeMap<Mac, Device>, Failure> {
    let mut out = BTreeMap::new();
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", folder.join(DEVICES).display()));
    for (name, device) in devices {
        let mac = Mac::parse(&name).map_err(|error| {
            wrong(format!(
                "a table is called otherwise than by a MAC: {error}."
            ))
        })?;
        if device.model.is_empty() {
            return Err(wrong(format!(
                "{} has no model: give it one, such as model = \"KX-UTG300B\".",
                mac.upper()
            )));
        }
        if out.insert(mac, device).is_some() {
            return Err(wrong(format!(
                "{} is there twice, in two notations. Keep one of them.",
                mac.upper()
            )));
        }
    }
    Ok(out)
}

fn check_layers(folder: &Path, fleet: &Fleet) -> Result<(), Failure> {
    let wrong = |name: &str, whose: &str, why: SettingError| {
        let path = folder.join(name);
        Failure::Usage(format!("{}{whose}: {why}.", path.display()))
    };
    if let Some(layer) = &fleet.settings {
        check(layer).map_err(|why| wrong(TENANT, "", why))?;
    }
    for (name, site) in fleet.sites.iter().flatten() {
        check(&site.settings).map_err(|why| wrong(SITES, &format!(", {name}"), why))?;
    }
    for (name, model) in fleet.models.iter().flatten() {
        check(&model.settings).map_err(|why| wrong(MODELS, &format!(", {name}"), why))?;
    }
    for (mac, device) in fleet.devices.iter().flatten() {
        check(&device.settings)
            .map_err(|why| wrong(DEVICES, &format!(", {}", mac.upper()), why))?;
    }
    Ok(())
}

/// The templates of a folder; nothing where it has none.
fn templates(folder: &Path) -> Result<Option<BTreeMap<Place, String>>, Failure> {
    let root = folder.join(TEMPLATES);
    if !root.is_dir() {
        return Ok(None);
    }
    let mut found = BTreeMap::new();
    for path in files_below(&root, 3)? {
        let place = place(&root, &path).ok_or_else(|| {
            Failure::Usage(format!(
                "{} is no template: they are called <kind>/<family>.j2 or <kind>/<family>/<model>.j2.",
                path.display()
            ))
        })?;
        let text = read_file(&path).map_err(|error| Failure::file(&path, &error))?;
        found.insert(place, text);
    }
    Ok(Some(found))
}

fn files_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let wrong = |error: std::io::Error| Failure::file(folder, &error);
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match path.is_dir() {
            _ if is_hidden => {}
            true if depth > 1 => files.extend(files_below(&path, depth - 1)?),
            _ => files.push(path),
        }
    }
    files.sort();
    Ok(files)
}

fn place(root: &Path, path: &Path) -> Option<Place> {
    let below = path.strip_prefix(root).ok()?.to_str()?;
    let below = below.strip_suffix(".j2")?.replace('\\', "/");
    let mut parts = below.split('/');
    let kind = FileKind::parse(parts.next()?)?;
    let family = Family::parse(parts.next()?)?;
    let model = parts.next().map(str::to_owned);
    match parts.next() {
        Some(_) => None,
        None => Some(Place {
            kind: kind.as_str().to_owned(),
            family: family.as_str().to_owned(),
            model,
        }),
    }
}

/// Writes a tenant into a folder; the number of files.
///
/// # Errors
/// A file is there already, or cannot be written.
pub(super) fn write(folder: &Path, fleet: &Fleet, overwrite: bool) -> Result<usize, Failure> {
    let mut files: Vec<(PathBuf, String)> = vec![
        (folder.join(TENANT), tenant(fleet)),
        (folder.join(SITES), sites(fleet)),
        (folder.join(MODELS), models(fleet)),
        (folder.join(DEVICES), devices(fleet)),
    ];
    for (place, source) in fleet.templates.iter().flatten() {
        let path = folder.join(TEMPLATES).join(format!("{}.j2", place.path()));
        files.push((path, source.clone()));
    }
    if !overwrite && let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::Usage(format!(
            "{} is there already: --overwrite writes over it.",
            path.display()
        )));
    }
    for (path, text) in &files {
        let wrong = |error: std::io::Error| Failure::file(path, &error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(wrong)?;
        }
        std::fs::write(path, text).map_err(wrong)?;
    }
    Ok(files.len())
}

const HEAD: &str = "# Written by `ringfence pull`; `ringfence plan` says what differs, `ringfence apply` makes it so.\n";

fn tenant(fleet: &Fleet) -> String {
    let mut out = HEAD.to_owned();
    if let Some(Value::Object(options)) = &fleet.options {
        let options: serde_json::Map<String, Value> = options
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let table: BTreeMap<&str, Value> = BTreeMap::from([("options", Value::Object(options))]);
        // What JSON can say and TOML cannot is null, which is left out.
        if let Ok(text) = toml::to_string(&without_null(&table)) {
            let _ = write!(out, "\n{text}");
        }
    }
    out += "\n[settings]\n";
    layer(&mut out, fleet.settings.as_ref());
    out
}

fn without_null(table: &BTreeMap<&str, Value>) -> Value {
    fn clean(value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), clean(value)))
                .collect(),
            value => value.clone(),
        }
    }
    table
        .iter()
        .map(|(name, value)| ((*name).to_owned(), clean(value)))
        .collect()
}

fn sites(fleet: &Fleet) -> String {
    let mut out = HEAD.to_owned();
    for (name, site) in fleet.sites.iter().flatten() {
        let _ = write!(out, "\n[{}]\n", quoted(name));
        settings(&mut out, name, &site.settings);
    }
    out
}

fn models(fleet: &Fleet) -> String {
    let mut out = HEAD.to_owned();
    for (name, model) in fleet.models.iter().flatten() {
        let _ = write!(out, "\n[{}]\n", quoted(name));
        for (field, value) in [("family", &model.family), ("profile", &model.profile)] {
            if let Some(value) = value {
                let _ = writeln!(out, "{field} = {}", quoted(value));
            }
        }
        settings(&mut out, name, &model.settings);
    }
    out
}

fn devices(fleet: &Fleet) -> String {
    let mut out = HEAD.to_owned();
    for (mac, device) in fleet.devices.iter().flatten() {
        let name = mac.upper();
        let _ = write!(
            out,
            "\n[{}]\nmodel = {}\n",
            quoted(&name),
            quoted(&device.model)
        );
        if let Some(site) = &device.site {
            let _ = writeln!(out, "site = {}", quoted(site));
        }
        if !device.label.is_empty() {
            let _ = writeln!(out, "label = {}", quoted(&device.label));
        }
        settings(&mut out, &name, &device.settings);
    }
    out
}

fn settings(out: &mut String, name: &str, values: &Layer) {
    if !values.is_empty() {
        let _ = writeln!(out, "[{}.settings]", quoted(name));
        layer(out, Some(values));
    }
}

fn layer(out: &mut String, values: Option<&Layer>) {
    for (name, setting) in values.into_iter().flatten() {
        let _ = match setting {
            Setting::Text(text) => writeln!(out, "{} = {}", key(name), quoted(text)),
            Setting::Secret(it) => {
                writeln!(out, "{} = {{ secret = {} }}", key(name), quoted(&it.secret))
            }
        };
    }
}

/// A key, bare where TOML lets it be.
fn key(name: &str) -> String {
    let is_bare = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A text as a basic string on one line (TOML 1.0).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for it in text.chars() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            it if it.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::fleet::{Model, Site};
    use super::*;

    fn fleet(text: &str) -> Fleet {
        let layer = || {
            Layer::from([
                ("line_1_user".to_owned(), Setting::Text(text.to_owned())),
                ("a.b".to_owned(), Setting::Text(String::new())),
                ("line_1_password".to_owned(), Setting::kept()),
            ])
        };
        Fleet {
            options: Some(
                json!({"bootstrap_expiry_s": 60, "shared_family": null, "urls": {"initial": {"plain": ["{MODEL}.cfg"], "sealed": []}}}),
            ),
            settings: Some(layer()),
            sites: Some(BTreeMap::from([
                ("Quay, \"west\"".to_owned(), Site { settings: layer() }),
                ("Yard".to_owned(), Site::default()),
            ])),
            models: Some(BTreeMap::from([(
                "KX-UTG300B".to_owned(),
                Model {
                    family: Some("utg".into()),
                    profile: Some("utg-128".into()),
                    settings: Layer::new(),
                },
            )])),
            devices: Some(BTreeMap::from([(
                Mac::parse("0080F0C571EB").unwrap(),
                Device {
                    model: "KX-UTG300B".into(),
                    site: Some("Yard".into()),
                    label: text.to_owned(),
                    settings: layer(),
                },
            )])),
            templates: Some(BTreeMap::from([
                (
                    Place {
                        kind: "standard".into(),
                        family: "utg".into(),
                        model: None,
                    },
                    "{{ a }}\n".to_owned(),
                ),
                (
                    Place {
                        kind: "standard".into(),
                        family: "utg".into(),
                        model: Some("KX-UTG300B".into()),
                    },
                    text.to_owned(),
                ),
            ])),
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in [
            "201",
            "",
            "two\nlines\r\n\t\u{7f}\u{1}",
            "\"'''\"\"\"\\u0041",
            "=1+1",
            "ü \u{1F600} # no comment",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let fleet = fleet(text);
            assert_eq!(write(folder.path(), &fleet, false).unwrap(), 6);
            let mut read = read(folder.path()).unwrap();
            // Null is what TOML does not have.
            read.options.as_mut().unwrap()["shared_family"] = Value::Null;
            assert_eq!(read, fleet, "{text:?}");
            assert!(
                write(folder.path(), &fleet, false).is_err(),
                "nothing is written over"
            );
            write(folder.path(), &fleet, true).unwrap();
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_name_come_back(name in ".{1,40}", text in "(?s).{0,80}") {
            let mut out = String::new();
            layer(&mut out, Some(&Layer::from([(name.clone(), Setting::Text(text.clone()))])));
            let read: Layer = toml::from_str(&out).unwrap();
            proptest::prop_assert_eq!(read, Layer::from([(name, Setting::Text(text))]));
        }
    }

    #[test]
    fn the_files_are_fit_to_be_read() {
        let fleet = fleet("201");
        insta::assert_snapshot!(
            [
                tenant(&fleet),
                sites(&fleet),
                models(&fleet),
                devices(&fleet)
            ]
            .join("----\n")
        );
    }

    #[test]
    fn a_password_in_a_file_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = |text: &str| {
            std::fs::write(folder.path().join(TENANT), text).unwrap();
            read(folder.path()).unwrap_err().to_string()
        };
        for text in [
            "[settings]\nline_1_password = \"Harbour-77\"\n",
            "[settings]\nline_1_password = { secret = \"Harbour-77\" }\n",
            "[settings]\nline_1_password = { value = \"Harbour-77\" }\n",
            "[settings]\nline_1_password = Harbour-77\n",
        ] {
            let said = wrong(text);
            assert!(
                said.contains("tenant.toml") && !said.contains("Harbour"),
                "{said}"
            );
        }
        assert!(wrong("[setings]\n").contains("line 1"));
        assert!(read(&folder.path().join("empty")).is_err());
    }
}
