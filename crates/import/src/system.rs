//! The systems whose tables are known by their headers, and what their columns mean.

use crate::column::{Meaning, Target};

/// Where a file comes from, as far as its header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum System {
    /// None that is known: columns are known by their usual names.
    #[default]
    Any,
    FusionPbx,
    FsPbx,
    ThreeCx,
    Vodia,
    FreePbx,
}

impl System {
    /// Its name for people; empty for none that is known.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::FusionPbx => "FusionPBX",
            Self::FsPbx => "FS PBX",
            Self::ThreeCx => "3CX",
            Self::Vodia => "Vodia",
            Self::FreePbx => "FreePBX",
        }
    }

    /// The system that a header is of. `names` are [`normal`], `first` is the first one as it is.
    pub(crate) fn of(names: &[String], first: &str) -> Self {
        let has = |name: &str| names.iter().any(|it| it == name);
        let any = |some: &[&str]| some.iter().any(|name| has(name));
        let address = any(&["deviceaddress", "devicemacaddress"]);
        if address
            && any(&[
                "deviceuuid",
                "devicetemplate",
                "devicevendor",
                "phonetemplate",
                "userid",
                "devicelabel",
            ])
        {
            return Self::FusionPbx;
        }
        if has("associatedextension") || (has("macaddress") && has("serialnumber")) {
            return Self::FsPbx;
        }
        if has("number")
            && has("mac")
            && any(&["firstname", "outboundcallerid", "webmeetingfriendlyname"])
        {
            return Self::ThreeCx;
        }
        if first.trim_start().starts_with('#') || any(&["mbpin", "webpass"]) {
            return Self::Vodia;
        }
        if has("extension")
            && any(&[
                "tech",
                "technology",
                "sipname",
                "cidmasquerade",
                "devinfosecret",
            ])
        {
            return Self::FreePbx;
        }
        Self::Any
    }

    /// What a column means in tables of the system; `group` is the number behind its name, from 1.
    pub(crate) fn meaning(self, name: &str, group: u16) -> Option<Meaning> {
        let line = |part| Some(Meaning::Line { part, group });
        let given = |target| Some(Meaning::Given(target));
        let own = match (self, name) {
            (Self::FusionPbx, "linenumber") => return Some(Meaning::LineNumber { group }),
            (Self::FusionPbx, "enabled") => line("enabled"),
            (Self::FusionPbx, "sharedline" | "devicepassword" | "deviceusername") => return None,
            (Self::ThreeCx, "model") => Some(Meaning::Template),
            (Self::Vodia, "alias") => line("user"),
            (Self::FreePbx, "name") => Some(Meaning::Person),
            (Self::FreePbx, "devinfosecret") => line("password"),
            (Self::FreePbx, "password" | "description" | "user") => return None,
            _ => None,
        };
        if own.is_some() {
            return own;
        }
        match name {
            "mac" | "macaddress" | "macaddr" | "deviceaddress" | "devicemacaddress"
            | "devicemac" => given(Target::Mac),
            "model" | "devicemodel" | "phonemodel" => given(Target::Model),
            "devicetemplate" | "phonetemplate" => Some(Meaning::Template),
            "family" => given(Target::Family),
            "site" | "sitename" | "location" | "branch" => given(Target::Site),
            "label" | "devicelabel" | "phonelabel" | "name" | "devicename" => given(Target::Label),
            "firstname" | "lastname" => Some(Meaning::Person),
            "extension"
            | "ext"
            | "associatedextension"
            | "number"
            | "extensionnumber"
            | "userid"
            | "user"
            | "sipuser" => line("user"),
            "authid" | "authuser" | "authusername" => line("auth_user"),
            "password" | "authpassword" | "sippassword" | "secret" => line("password"),
            "displayname" => line("display_name"),
            "domain" | "sipdomain" | "serveraddress" | "sipserver" => line("domain"),
            "registrar" => line("registrar"),
            "outboundproxy" | "outboundproxyprimary" => line("outbound_proxy"),
            "sipport" => line("port"),
            "siptransport" | "transport" => line("transport"),
            "registerexpires" => line("expires"),
            _ => None,
        }
    }
}

/// A name of a column without what its spelling differs in: `MAC address`, `mac_address` and `#MacAddress` are one.
pub(crate) fn normal(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect()
}
