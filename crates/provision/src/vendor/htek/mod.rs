//! Htek: UC8xx and UC9xx desk phones (firmware 2.0.4 and its like).
//!
//! From the vendor's public guide and from templates of public provisioning servers, which agree on the
//! numbers of the first six accounts. Nothing was tried on hardware.
//!
//! A phone asks for `factory000x.bin`, which must never be there, then for `cfg<code>.xml` of its model,
//! `cfg<mac>` (a binary form that the vendor advises against) and `cfg<mac>.xml`. One edition of the guide says
//! that it stops at the first success: so there is no common file. Its first request may take five minutes.
//!
//! The guide has a chapter on encrypted files, which is in no public store: files go out in clear over
//! HTTPS, and the access path is what protects them.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::p_values::Numbered;
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};

mod conduct;
mod vocabulary;

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [UC];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Htek",
    families: &FAMILIES,
    patterns: &["Htek {model} {firmware} {mac}", "Htek {model} {firmware}"],
    bare_patterns: &[],
};

/// Desk phones.
pub const UC: Family = Family::new(&FamilySpec {
    id: "htek",
    phones: "Htek UC8xx and UC9xx, which read numbered parameters.",
    model_prefixes: &["UC8", "UC9"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "idx" },
        root: "hl_provision",
        groups: None,
        values: &[],
        attributes: &[
            ("hl_provision", "version", false),
            ("config", "version", false),
        ],
        // A label for people: the number rules.
        parameter_attributes: &[("para", &[])],
        attributes_help: "<hl_provision> and <config> have version, parameters have para; a phone ignores others.",
    }),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "cfg{mac}.xml")],
    never: &["factory*.bin"],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[("Configuration server path", "<base>")],
    fetch_event: "resync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::UC,
    key: KeyPlace {
        prefix: KEY,
        groups: &["config"],
        carrier: None,
    },
    vocabulary: vocabulary::UC,
    lint: |file| RULES.check(file),
});

/// The key of sealed files, whose cipher is not published.
const KEY: &str = "P8631";

const RULES: Numbered = Numbered {
    root: "hl_provision",
    others: &[],
    key: KEY,
    key_does: " makes the phone expect sealed files",
    key_help: "Delete it: how these are sealed is not published, so the phone could read no file any more.",
};
