//! A tenant's options: how its URLs are written and what a phone may get in which way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::serving::{Audience, Rules, extension};
use ringfence_provision::url_template::{
    Route, RouteConflict, RouteError, RouteTable, UrlTemplate,
};
use ringfence_provision::vendor::NAMES;
use serde::{Deserialize, Serialize};

/// What a tenant decides. Every field has a default, so that an empty object is a whole tenant, and
/// what it does not know is passed over: a newer version may have stored it. The API refuses that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantOptions {
    /// The names under which each kind of file is served, relative to the access path.
    pub urls: BTreeMap<FileKind, Names>,
    /// Names of one family's files, by family: its phones are told these before those of `urls`,
    /// and a file at a name without `{MAC}` and `{MODEL}` is written for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub family_urls: BTreeMap<Family, BTreeMap<FileKind, Names>>,
    /// What the plain name of a standard file answers once its bootstrap is gone.
    pub plain_name_after_delivery: PlainName,
    /// How product and master files go to devices that have a sealing profile.
    pub shared_files: SharedFiles,
    /// The family of a plain file whose name tells neither device nor model nor family, where
    /// phones of several families could get such a file.
    pub shared_family: Option<Family>,
    /// Whether an initial file asked for by MAC names the plain standard file before and the sealed one
    /// after the key was delivered, instead of both by the phone's own rule.
    pub state_dependent_names: bool,
    /// Number of seconds after a bootstrap was taken during which the same source address may take
    /// it again; 0 is none. The first sealed fetch ends this time.
    pub retry_window_s: u32,
    /// Number of seconds after which an unused bootstrap expires; 0 is never.
    pub bootstrap_expiry_s: u32,
    /// Whether sealed files may leave over plain HTTP. A bootstrap never does.
    pub sealed_over_http: bool,
    /// Whether models may have a sealing profile whose grade is `unpublished` or `obfuscation`.
    pub unverified_profiles: bool,
    /// How many events a minute are written; the rest is counted.
    pub events_per_minute: u32,
    /// Number of days for which events are kept.
    pub event_retention_days: u32,
    /// The networks that bootstraps are expected to be taken from, such as `203.0.113.0/24` or
    /// `2001:db8::/32`; none: from everywhere. One that is taken elsewhere is taken all the same, and its device
    /// is listed by `unexpected_network`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub expected_networks: Vec<IpNet>,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self {
            urls: default_urls(),
            family_urls: BTreeMap::new(),
            plain_name_after_delivery: PlainName::Refuse,
            shared_files: SharedFiles::Sealed,
            shared_family: None,
            state_dependent_names: false,
            retry_window_s: 0,
            bootstrap_expiry_s: 7 * 24 * 3600,
            sealed_over_http: false,
            unverified_profiles: false,
            events_per_minute: 600,
            event_retention_days: 30,
            expected_networks: Vec::new(),
        }
    }
}

/// The names of one kind of file, in the order of preference: the first that fits is the one an
/// initial file names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Names {
    /// The names at which the file is served as it is.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub plain: Vec<UrlTemplate>,
    /// The names at which the file is served encrypted; each has `{MAC}` in it, and ends in the
    /// extension of a profile.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub sealed: Vec<UrlTemplate>,
}

/// What the plain name answers after the bootstrap is gone. Which name a phone asks for once it
/// has its key is not published, so it is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PlainName {
    /// The plain name answers the same refusal as any name that serves nothing.
    Refuse,
    /// The plain name answers the sealed file.
    Sealed,
}

/// How files that are not one device's go to devices with a sealing profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SharedFiles {
    /// The file is served sealed with the key of the device that asks.
    Sealed,
    /// The file is served as it is.
    Plain,
}

impl TenantOptions {
    /// Every name with what is served there.
    pub fn routes(&self) -> Vec<Route> {
        let of_families = self.family_urls.iter().flat_map(|(&family, urls)| {
            urls.iter()
                .map(move |(kind, names)| (Some(family), kind, names))
        });
        self.urls
            .iter()
            .map(|(kind, names)| (None, kind, names))
            .chain(of_families)
            .flat_map(|(family, &kind, names)| {
                let forms = [(Form::Plain, &names.plain), (Form::Sealed, &names.sealed)];
                forms.into_iter().flat_map(move |(form, templates)| {
                    templates.iter().map(move |template| Route {
                        kind,
                        form,
                        template: template.clone(),
                        family,
                    })
                })
            })
            .collect()
    }

    /// The names under which phones of some families ask by themselves, where the tenant gives none.
    pub fn builtin_routes(&self) -> Vec<Route> {
        let families = Family::ALL.into_iter();
        let names =
            families.flat_map(|family| family.spec().names.iter().map(move |it| (family, it)));
        let own = |family: Family, kind: &FileKind| {
            let urls = self.family_urls.get(&family);
            urls.is_some_and(|urls| urls.contains_key(kind))
        };
        names
            .filter(|(family, (kind, _, _))| !own(*family, kind))
            .filter_map(|(family, (kind, form, name))| {
                Some(Route {
                    kind: *kind,
                    form: *form,
                    template: UrlTemplate::parse(name).ok()?,
                    family: Some(family),
                })
            })
            .collect()
    }

    /// Whether an address is in one of the networks that bootstraps are expected to be taken from. What is no
    /// address is in none.
    pub fn expects(&self, address: &str) -> bool {
        let address: Option<IpAddr> = address.parse().ok();
        self.expected_networks.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.expected_networks
                    .iter()
                    .any(|network| network.contains(&address))
            })
    }

    /// What decides who gets which file.
    pub fn rules(&self) -> Rules {
        Rules {
            shared_in_clear: self.shared_files == SharedFiles::Plain,
            shared_family: self.shared_family,
            unverified_profiles: self.unverified_profiles,
            sealed_over_http: self.sealed_over_http,
        }
    }

    /// The names as a table to look requests up in, with those under which phones of some families ask by
    /// themselves; and which of these stand back behind the tenant's.
    ///
    /// # Errors
    /// Two names could read one path in two ways.
    pub fn route_table(&self) -> Result<(RouteTable, Vec<RouteConflict>), RouteError> {
        RouteTable::beside(self.routes(), &self.builtin_routes())
    }

    /// The name under which a phone is told to ask for a file: of its family's names and then of
    /// all the first that fits. `extension` is the one of its profile.
    pub fn preferred_name(
        &self,
        kind: FileKind,
        form: Form,
        family: Family,
        extension: &str,
    ) -> Option<&UrlTemplate> {
        let own = self.names(kind, Some(family));
        let mut all = own.chain(self.names(kind, None)).filter_map(|(of, names)| {
            let fits = |name: &&UrlTemplate| match form {
                Form::Plain if of.is_some() => {
                    kind != FileKind::Standard || !family.carries_key_at(name.as_str())
                }
                Form::Plain => {
                    Audience::of(name) != Audience::Everyone
                        || self.rules().may_be_announced(kind, family)
                }
                Form::Sealed => has_extension(name.as_str(), extension),
            };
            let templates = match form {
                Form::Plain => &names.plain,
                Form::Sealed => &names.sealed,
            };
            templates.iter().find(fits)
        });
        all.next()
    }

    /// For whom files of a kind are made for phones of a family. Only of the system file there may
    /// be several: which layers reach it is told by its name.
    pub fn audiences(&self, kind: FileKind, family: Family) -> BTreeSet<Audience> {
        let own = match kind {
            FileKind::Initial | FileKind::Standard => Audience::Device,
            FileKind::Product => Audience::Model,
            FileKind::Master => Audience::Everyone,
            FileKind::System => {
                let names = self.names(kind, Some(family)).chain(self.names(kind, None));
                return names
                    .flat_map(|(_, names)| names.plain.iter().chain(&names.sealed))
                    .map(Audience::of)
                    .collect();
            }
        };
        BTreeSet::from([own])
    }

    /// The names of a kind that belong to a family, or to none.
    fn names(
        &self,
        kind: FileKind,
        family: Option<Family>,
    ) -> impl Iterator<Item = (Option<Family>, &Names)> {
        let urls = match family {
            None => Some(&self.urls),
            Some(family) => self.family_urls.get(&family),
        };
        urls.and_then(|urls| urls.get(&kind))
            .into_iter()
            .map(move |names| (family, names))
    }
}

/// Whether a path ends in `.extension`; the extension tells which profile a sealed name is for.
pub fn has_extension(path: &str, wanted: &str) -> bool {
    !wanted.is_empty() && extension(path) == wanted
}

fn default_urls() -> BTreeMap<FileKind, Names> {
    let mut urls: BTreeMap<FileKind, Names> = BTreeMap::new();
    for (kind, form, name) in NAMES {
        if let Ok(name) = UrlTemplate::parse(name) {
            let names = urls.entry(*kind).or_default();
            match form {
                Form::Plain => names.plain.push(name),
                Form::Sealed => names.sealed.push(name),
            }
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::vendor::panasonic;

    use super::*;

    #[test]
    fn an_empty_object_is_the_default() {
        let options: TenantOptions = serde_json::from_str("{}").unwrap();
        assert_eq!(options, TenantOptions::default());
    }

    #[test]
    fn the_default_names_are_all_there_and_never_in_conflict() {
        let options = TenantOptions::default();
        assert_eq!(options.routes().len(), 9);
        let (table, back) = options.route_table().unwrap();
        assert_eq!(back, []);
        let resolved = table.resolve("Config0080F0C571EB.enc").unwrap();
        assert_eq!(
            (resolved.kind, resolved.form),
            (FileKind::Standard, Form::Sealed)
        );
        let resolved = table.resolve("ConfigCom.cfg").unwrap();
        assert_eq!(
            (resolved.kind, resolved.form),
            (FileKind::Master, Form::Plain)
        );
    }

    #[test]
    fn a_phone_is_told_its_familys_name_and_never_a_file_it_cannot_read() {
        let text =
            r#"{"shared_family":"hdv","family_urls":{"uds124":{"master":{"plain":["Uds.cfg"]}}}}"#;
        let options: TenantOptions = serde_json::from_str(text).unwrap();
        let named = |family| {
            let name = options.preferred_name(FileKind::Master, Form::Plain, family, "");
            name.map(UrlTemplate::as_str)
        };
        assert_eq!(named(panasonic::UDS124), Some("Uds.cfg"));
        assert_eq!(named(panasonic::HDV), Some("ConfigCom.cfg"));
        assert_eq!(named(panasonic::UTG), None);
        let resolved = options.route_table().unwrap().0.resolve("Uds.cfg").unwrap();
        assert_eq!(resolved.family, Some(panasonic::UDS124));
    }

    #[test]
    fn a_phone_is_told_the_name_of_its_whole_file_and_not_of_its_key_alone() {
        let text =
            r#"{"family_urls":{"gxp":{"standard":{"plain":["g/cfg{mac}","g/cfg{mac}.xml"]}}}}"#;
        let options: TenantOptions = serde_json::from_str(text).unwrap();
        let gxp = Family::parse("gxp").unwrap();
        let name = options.preferred_name(FileKind::Standard, Form::Plain, gxp, "");
        assert_eq!(name.map(UrlTemplate::as_str), Some("g/cfg{mac}.xml"));
    }

    #[test]
    fn families_ask_by_their_own_names_unless_the_tenant_gives_others() {
        let names = |options: &TenantOptions| -> Vec<(&str, String)> {
            let routes = options.builtin_routes().into_iter();
            routes
                .map(|route| (route.family.unwrap().as_str(), route.template.to_string()))
                .collect()
        };
        let plain = TenantOptions::default();
        for own in [
            ("gxp", "cfg{mac}.xml".to_owned()),
            ("htek", "cfg{mac}.xml".to_owned()),
            ("snom", "{MAC}.xml".to_owned()),
            ("snom", "{MODEL}-{MAC}.htm".to_owned()),
            ("yealink", "{mac}.cfg".to_owned()),
            ("spa", "{mac}.enc".to_owned()),
            ("mitel", "startup.cfg".to_owned()),
        ] {
            assert!(names(&plain).contains(&own), "{own:?}");
        }
        for given in [r#"{"plain":["a/{mac}.xml"]}"#, "{}"] {
            let text = format!(r#"{{"family_urls":{{"gxp":{{"standard":{given}}}}}}}"#);
            let options: TenantOptions = serde_json::from_str(&text).unwrap();
            assert_eq!(names(&options), names(&plain).split_off(3), "{given}");
        }
    }

    #[test]
    fn tenant_options_json_format_unchanged() {
        let text = r#"{"family_urls":{"uds124":{"master":{"plain":["Uds.cfg"],"sealed":[]}}}}"#;
        let options: TenantOptions = serde_json::from_str(text).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&options).unwrap());
    }

    #[test]
    fn an_address_is_expected_in_the_tenants_networks_or_everywhere() {
        let options = |text| serde_json::from_str::<TenantOptions>(text).unwrap();
        assert!(options("{}").expects("") && options("{}").expects("192.0.2.7"));
        let own = options(r#"{"expected_networks":["203.0.113.0/24","2001:db8::/32"]}"#);
        for (address, expected) in [
            ("203.0.113.9", true),
            ("::ffff:203.0.113.9", true),
            ("2001:db8:1::9", true),
            ("203.0.114.9", false),
            ("2001:db9::1", false),
            ("", false),
            ("here", false),
        ] {
            assert_eq!(own.expects(address), expected, "{address}");
        }
    }

    #[test]
    fn options_that_a_newer_version_stored_are_passed_over() {
        let text = r#"{"new":{"a":1},"retry_window_s":5,"urls":{"master":{"newer":[],"plain":["M.cfg"]}}}"#;
        let options: TenantOptions = serde_json::from_str(text).unwrap();
        assert_eq!(options.retry_window_s, 5);
        let names = options.urls.get(&FileKind::Master).unwrap();
        assert_eq!(names.plain.len(), 1);
    }
}
