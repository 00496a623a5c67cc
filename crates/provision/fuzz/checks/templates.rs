//! What must hold for any MAC, URL template, path and file template that comes in. Used by the
//! fuzz targets and, on a stable compiler, by the smoke test.

use std::collections::BTreeMap;

use ringfence_provision::family::Format;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::{Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, SecretsMode, check_template, render,
};
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate, UrlVars};

/// Does not occur in a template by chance.
const SECRET: &str = "q7#X&z<9vW";

/// Reads the bytes as a MAC.
#[allow(dead_code)]
pub(crate) fn mac(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Mac::parse(&text) {
        Ok(mac) => {
            assert_eq!(Mac::parse(&mac.upper()), Ok(mac));
            assert_eq!(Mac::parse(&mac.lower()), Ok(mac));
            assert_eq!(mac.octets()[0] & 1, 0);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads the lines as a path and the templates of a table.
#[allow(dead_code)]
pub(crate) fn routes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines();
    let path = lines.next().unwrap_or_default();
    let files = FileKind::ALL
        .into_iter()
        .flat_map(|kind| [Form::Plain, Form::Sealed].map(|form| (kind, form)));
    let routes: Vec<Route> = lines
        .zip(files)
        .filter_map(|(line, (kind, form))| {
            let template = UrlTemplate::parse(line).ok()?;
            let curly = template.with_phone_macros();
            // What no phone replaces is told by another macro.
            if !template.as_str().contains("MAC:COLONS") {
                assert_eq!(UrlTemplate::parse(&curly).as_ref(), Ok(&template));
            }
            Some(Route {
                kind,
                form,
                template,
                family: None,
            })
        })
        .collect();
    let table = match RouteTable::new(routes) {
        Ok(table) => table,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let vars = UrlVars {
        mac: Mac::parse("0080F0C571EB").ok(),
        model: Some("KX-UTG300B"),
        fwver: Some("01.000"),
    };
    let again: Vec<Route> = table.routes().cloned().collect();
    for route in &again {
        let written = route.template.render(&vars).expect("values are fine");
        let resolved = table.resolve(&written);
        // Another, narrower template may be meant; or a wider value is beyond its bound.
        if let Some(resolved) = resolved {
            assert!(
                again
                    .iter()
                    .any(|it| (it.kind, it.form) == (resolved.kind, resolved.form))
            );
        }
    }
    if let Some(resolved) = table.resolve(path) {
        let vars = UrlVars {
            mac: resolved.mac,
            model: resolved.model.as_deref(),
            fwver: resolved.fwver.as_deref(),
        };
        let same_file = |it: &&Route| (it.kind, it.form) == (resolved.kind, resolved.form);
        let written = again
            .iter()
            .filter(same_file)
            .map(|it| it.template.render(&vars));
        // What was read is written back as the path that it was read from, but for its encoding.
        let decoded = ringfence_provision::url_template::decode(path);
        assert!(
            written
                .into_iter()
                .any(|it| it.is_ok() && it.ok() == decoded.clone().ok())
        );
    }
}

/// Renders the bytes as a template, in both formats, open and masked.
#[allow(dead_code)]
pub(crate) fn template(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let _ = check_template(&source, "file");
    let mut layers = Layers::default();
    layers
        .tenant
        .insert("NTP".into(), Value::Text("ntp.example".into()));
    layers
        .site
        .insert("NTP".into(), Value::Text("\"\r\n<&>'\"".into()));
    layers.model.insert("N".into(), Value::Text("5".into()));
    layers
        .device
        .insert("PASS".into(), Value::Secret(SECRET.into()));
    let urls = BTreeMap::from([("standard".to_owned(), "https://prov.example/".to_owned())]);
    for format in [Format::Text, Format::Xml] {
        for secrets in [SecretsMode::Reveal, SecretsMode::Mask] {
            let limits = Limits {
                fuel: 5_000,
                output: 4_096,
            };
            let result = render(
                &source,
                &RenderContext {
                    file_name: "file",
                    kind: FileKind::Standard,
                    format,
                    vocabulary: &[],
                    layers: &layers,
                    device: Mac::parse("0080F0C571EB").ok().map(|mac| DeviceVars {
                        mac,
                        model: "KX",
                        sealed_extension: None,
                    }),
                    urls: &urls,
                    secrets,
                    limits,
                },
            );
            match result {
                Ok(rendered) => {
                    assert!(rendered.text.len() <= limits.output);
                    if format == Format::Text {
                        assert!(!rendered.text.replace("\r\n", "").contains('\n'));
                    }
                    let in_the_open = secrets == SecretsMode::Reveal && format == Format::Text;
                    assert!(in_the_open || !rendered.text.contains(SECRET));
                }
                Err(error) => assert!(!format!("{error} {error:?}").contains(SECRET)),
            }
        }
    }
}
