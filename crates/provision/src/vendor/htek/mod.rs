//! Htek: UC8xx and UC9xx desk phones (firmware 2.0.4 and its like), and those of the U series.
//!
//! From the vendor's public guide and from templates of public provisioning servers, which agree on the
//! numbers of the first six accounts. Nothing was tried on hardware.
//!
//! The files differ in how a parameter is spelled: most phones know it by a number, beside which a label may stand, and of a phone
//! of the U series the label is the element.
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
mod labels;
mod vocabulary;

/// The vendor's families.
pub const FAMILIES: [Family; 2] = [UC, U];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Htek",
    families: &FAMILIES,
    patterns: &[
        "Htek {model} {firmware} {mac}",
        // Of the U series, as a public trace of its SIP messages has it.
        "Htek {model} V{firmware} {mac}",
        "Htek {model} {firmware}",
    ],
    bare_patterns: &[],
};

/// Desk phones.
pub const UC: Family = Family::new(&FamilySpec {
    id: "htek",
    phones: "Htek UC8xx and UC9xx, which read numbered parameters.",
    model_prefixes: &["UC8", "UC9"],
    syntax: Syntax::Xml(XmlSyntax {
        // A label for people: the number rules.
        parameter_attributes: &[("para", &[])],
        attributes_help: "<hl_provision> and <config> have version, parameters have para; a phone ignores others.",
        ..SYNTAX
    }),
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    conduct: &conduct::UC,
    key: KeyPlace {
        prefix: KEY,
        ..PLACE
    },
    vocabulary: vocabulary::UC,
    lint: |file| RULES.check(file),
    ..COMMON
});

/// Desk phones of the U series.
pub const U: Family = Family::new(&FamilySpec {
    id: "htek-u",
    phones: "Htek UC923U, UC924U and UC926U, which read parameters by their labels.",
    model_prefixes: &["UC923U", "UC924U", "UC926U"],
    syntax: Syntax::Xml(XmlSyntax {
        groups: Some(&["config"]),
        ..SYNTAX
    }),
    templates: &[(FileKind::Standard, include_str!("templates/labels.j2"))],
    conduct: &conduct::U,
    key: KeyPlace {
        prefix: labels::KEY,
        ..PLACE
    },
    vocabulary: labels::U,
    lint: labels::check,
    ..COMMON
});

/// What both have in common.
const COMMON: FamilySpec = FamilySpec {
    id: "",
    phones: "",
    model_prefixes: &[],
    syntax: Syntax::Xml(SYNTAX),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[],
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
    key: PLACE,
    vocabulary: &[],
    lint: |_| {},
};

const SYNTAX: XmlSyntax = XmlSyntax {
    style: XmlStyle::Elements { index: "idx" },
    root: ROOT,
    groups: None,
    values: &[],
    attributes: &[(ROOT, "version", false), ("config", "version", false)],
    parameter_attributes: &[],
    attributes_help: "<hl_provision> and <config> have version; a phone ignores others.",
};

const ROOT: &str = "hl_provision";

const PLACE: KeyPlace = KeyPlace {
    prefix: "",
    groups: &["config"],
    carrier: None,
};

/// The key of sealed files, whose cipher is not published.
const KEY: &str = "P8631";

const RULES: Numbered = Numbered {
    root: ROOT,
    others: &[],
    key: KEY,
    key_does: KEY_DOES,
    key_help: KEY_HELP,
};

const KEY_DOES: &str = " makes the phone expect sealed files";
const KEY_HELP: &str =
    "Delete it: how these are sealed is not published, so the phone could read no file any more.";
