//! What a family's built-in template makes of settings, and whether it would be served.

// Not each test asks everything.
#![allow(clippy::unwrap_used, dead_code)]

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, has_errors, lint};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::{Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, RenderError, Rendered, SecretsMode, render,
};
use ringfence_provision::url_template::{UrlTemplate, UrlVars};

/// The pieces of a URL that a phone asked under.
pub(crate) const URLS: [(&str, &str); 6] = [
    ("base", "https://phones.example.net/s3gment"),
    ("without_scheme", "phones.example.net/s3gment"),
    ("host", "phones.example.net"),
    ("hostname", "phones.example.net"),
    ("port", "443"),
    ("path", "s3gment"),
];

/// Two lines, and values that are hard to write.
pub(crate) const TWO_LINES: [(&str, &str); 12] = [
    ("line_1_user", "201"),
    ("line_1_auth_user", "a201"),
    ("line_1_password", "e3#rl2(&ae#1"),
    ("line_1_display_name", "Büro \"Nord\" <1>; 100% & 'so'"),
    ("line_1_label", "Büro"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_outbound_proxy", "edge.example.net:5062"),
    ("line_2_user", "202"),
    ("line_2_password", "\"; <b>%20</b> ä"),
    ("line_2_domain", "two.example.net"),
];

/// A phone.
#[derive(Clone, Copy)]
pub(crate) struct Phone {
    pub(crate) family: Family,
    pub(crate) mac: &'static str,
    pub(crate) model: &'static str,
}

/// Which file of it is made, and from what beside settings.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) kind: FileKind,
    pub(crate) urls: &'a [(&'a str, &'a str)],
    pub(crate) secrets: SecretsMode,
    pub(crate) sealed_extension: Option<&'a str>,
}

impl Default for Asked<'_> {
    /// The standard file, in clear, which knows no URL.
    fn default() -> Self {
        Self {
            kind: FileKind::Standard,
            urls: &[],
            secrets: SecretsMode::Reveal,
            sealed_extension: None,
        }
    }
}

/// Settings of the device; what is called a password is a secret.
pub(crate) fn layers(settings: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    for (name, value) in settings {
        let value = match name.contains("password") {
            true => Value::Secret((*value).into()),
            false => Value::Text((*value).into()),
        };
        layers.device.insert((*name).to_owned(), value);
    }
    layers
}

impl Phone {
    /// The first name by which it asks for its own file in a form, as a file of a kind tells it.
    fn own_name(&self, kind: FileKind, form: Form) -> Option<String> {
        let spec = self.family.spec();
        let own = |it: &&(FileKind, Form, &str)| {
            (it.0, it.1) == (FileKind::Standard, form) && !self.family.carries_key_at(it.2)
        };
        let (_, _, name) = spec.names.iter().find(own)?;
        let name = UrlTemplate::parse(name).unwrap();
        if kind == FileKind::Initial {
            return spec.told_name(&name);
        }
        let vars = UrlVars {
            mac: Mac::parse(self.mac).ok(),
            model: Some(self.model),
            fwver: None,
        };
        name.render(&vars).ok()
    }

    /// What the template of a file makes of settings of the device, or why not.
    pub(crate) fn made(
        &self,
        settings: &[(&str, &str)],
        asked: Asked<'_>,
    ) -> Result<Rendered, RenderError> {
        let device = DeviceVars {
            mac: Mac::parse(self.mac).unwrap(),
            model: self.model,
            sealed_extension: asked.sealed_extension,
        };
        let mut urls: BTreeMap<String, String> = asked
            .urls
            .iter()
            .map(|(name, url)| ((*name).to_owned(), (*url).to_owned()))
            .collect();
        if let Some(base) = urls.get("base").cloned() {
            let forms = [("plain", Form::Plain), ("sealed", Form::Sealed)];
            let named = forms.map(|(key, form)| (key, self.own_name(asked.kind, form)));
            for (key, name) in named {
                let url = name.map(|name| (key.to_owned(), format!("{base}/{name}")));
                urls.extend(url);
            }
        }
        let context = RenderContext {
            file_name: asked.kind.as_str(),
            kind: asked.kind,
            format: self.family.format(),
            vocabulary: self.family.spec().vocabulary,
            layers: &layers(settings),
            device: (asked.kind == FileKind::Standard).then_some(device),
            urls: &urls,
            secrets: asked.secrets,
            limits: Limits::of(self.family),
        };
        render(self.family.template(asked.kind), &context)
    }

    /// The same of its standard file.
    pub(crate) fn rendered(
        &self,
        settings: &[(&str, &str)],
        urls: &[(&str, &str)],
    ) -> Result<Rendered, RenderError> {
        let asked = Asked {
            urls,
            ..Asked::default()
        };
        self.made(settings, asked)
    }

    /// What the template of a file of it makes.
    pub(crate) fn of_kind(
        &self,
        kind: FileKind,
        settings: &[(&str, &str)],
        urls: &[(&str, &str)],
    ) -> Result<Rendered, RenderError> {
        let asked = Asked {
            kind,
            urls,
            ..Asked::default()
        };
        self.made(settings, asked)
    }

    /// The canonical form of such a file, in which there is nothing to find.
    pub(crate) fn canonical(
        &self,
        kind: FileKind,
        settings: &[(&str, &str)],
        urls: &[(&str, &str)],
    ) -> String {
        let made = self.of_kind(kind, settings, urls).unwrap();
        self.faultless(kind, &made.text)
    }

    /// The canonical form of a file in which there is nothing to find.
    pub(crate) fn faultless(&self, kind: FileKind, text: &str) -> String {
        let findings = lint(self.family, kind, text.as_bytes());
        assert!(findings.is_empty(), "{findings:#?}\n{text}");
        let document = Document::parse(self.family, text.as_bytes()).unwrap();
        String::from_utf8(document.to_bytes()).unwrap()
    }

    /// Whether a file of one's own has a fault for which it would not be served.
    pub(crate) fn refuses(&self, text: &str) -> bool {
        has_errors(&lint(self.family, FileKind::Standard, text.as_bytes()))
    }

    /// The codes of what is to be said about a file.
    pub(crate) fn codes(&self, text: &str) -> Vec<&'static str> {
        let findings = lint(self.family, FileKind::Standard, text.as_bytes());
        findings.iter().map(|it| it.code).collect()
    }

    /// The bytes that the phone gets, or `None` where something refuses them.
    pub(crate) fn served(&self, settings: &[(&str, &str)]) -> Option<String> {
        let text = self.rendered(settings, &[]).ok()?.text;
        if self.refuses(&text) {
            return None;
        }
        let document = Document::parse(self.family, text.as_bytes()).unwrap();
        Some(String::from_utf8(document.to_bytes()).unwrap())
    }

    /// The same for settings in which there is nothing to find.
    pub(crate) fn clean(&self, settings: &[(&str, &str)]) -> String {
        let made = self.rendered(settings, &[]).unwrap();
        assert!(made.left_out.is_empty(), "{:?}", made.left_out);
        self.faultless(FileKind::Standard, &made.text)
    }

    /// The bytes that the phone gets, with a line of this password.
    pub(crate) fn with_password(&self, password: &str) -> Option<String> {
        self.served(&[
            ("line_1_user", "1"),
            ("line_1_domain", "a.example"),
            ("line_1_password", password),
        ])
    }

    /// Why a setting is refused.
    pub(crate) fn refusal(&self, setting: (&str, &str)) -> String {
        self.refused(&[setting])
    }

    /// Why settings are refused; or why a wish among them is no part of the file, which shows nothing of it then.
    pub(crate) fn refused(&self, settings: &[(&str, &str)]) -> String {
        let made = match self.rendered(settings, &[]) {
            Err(error) => return error.to_string(),
            Ok(made) => made,
        };
        let unsaid = made.unsaid.first().unwrap();
        let used = made.used.iter().find(|used| used.name == unsaid.setting);
        assert_eq!(used, None);
        let (setting, _) = ringfence_provision::vocabulary::find(&unsaid.setting).unwrap();
        assert!(setting.wish, "{unsaid:?}");
        format!("{}: {}", unsaid.setting, unsaid.reason)
    }

    /// The settings that the standard file has no parameter for.
    pub(crate) fn left_out(&self, settings: &[(&str, &str)]) -> Vec<String> {
        self.rendered(settings, &[]).unwrap().left_out
    }
}
