//! Snom: desk phones (D3xx to D8xx, 3xx to 8xx), and the base stations M300, M400, M700 and M900.
//!
//! From the vendor's public service pages and from templates of public provisioning servers. Nothing was
//! tried on hardware.
//!
//! A phone that is given `…/<segment>/{mac}.xml` asks for `<MAC>.xml`, in capitals; one that is given
//! `…/<segment>/` asks for `<type>.htm` and `<type>-<MAC>.htm`, as in `snomD345-000413A11FA7.htm`; one that is given
//! another name asks for it as it stands and then with the MAC before the extension: `config.xml`, `config-<MAC>.xml`. In
//! each case `<type>-firmware.htm` follows. A 404 on one of them is normal. Base stations ask alike, as far as is known.
//!
//! The rule for other names is printed by Gigaset for its phones with the same firmware. The first of two such names is
//! for everybody, so it is never answered. Of a URL that ends without a slash and a name, as `…/<segment>`, the second
//! name is `<segment>-<MAC>`: it stands beside the access path and not below it, so nothing can answer it.
//!
//! No cipher of files is published, and none was found: files go out in clear over HTTPS, and the access
//! path is what protects them.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};

mod conduct;
mod dect;
mod lint;
mod vocabulary;

/// The vendor's families.
pub const FAMILIES: [Family; 2] = [DESK, DECT];

/// What the vendor's phones call themselves: desk phones, of which older ones leave their MAC out and newer
/// ones put more behind it, then base stations.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Snom",
    families: &FAMILIES,
    patterns: &[
        "Mozilla/4.0 (compatible; {model}-SIP {firmware} {} {mac}",
        "Mozilla/4.0 (compatible; {model}-SIP {firmware}",
        "Mozilla/4.0 (compatible; Snom {model} {firmware} {mac}",
        "Mozilla/4.0 (compatible; Snom {model} {firmware}",
    ],
    bare_patterns: &[],
};

/// Desk phones.
pub const DESK: Family = Family::new(&PHONES);

/// Base stations of cordless phones. What a phone of a line is, is here a handset: they have the same parameters
/// as far as these are an account's, and a list of servers to which the accounts point.
pub const DECT: Family = Family::new(&FamilySpec {
    id: "snom-m",
    phones: "Snom's DECT base stations M300, M400, M700 and M900: all accounts of a base in one file.",
    model_prefixes: &[
        "SNOMM300",
        "SNOMM400",
        "SNOMM700",
        "SNOMM900",
        "SNOM M300",
        "SNOM M400",
        "SNOM M700",
        "SNOM M900",
        // As they call themselves, behind the vendor's name.
        "M300",
        "M400",
        "M700",
        "M900",
    ],
    // Public servers restart a base station, which takes an account that has changed only then.
    typed: &[("Setting URL", "<base>/{mac}.xml")],
    fetch_event: "check-sync;reboot=true",
    restart_event: Some("check-sync;reboot=true"),
    names: &[
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
        (FileKind::Standard, Form::Plain, "{MODEL}-{MAC}.htm"),
    ],
    conduct: &conduct::DECT,
    vocabulary: dect::DECT,
    ..PHONES
});

const PHONES: FamilySpec = FamilySpec {
    id: "snom",
    phones: "Snom's desk phones, which read XML: snomD345 and the like.",
    model_prefixes: &["SNOM"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "idx" },
        root: "settings",
        groups: Some(lint::SECTIONS),
        values: &[],
        attributes: &[
            ("phone-settings", "e", false),
            ("functionKeys", "e", false),
            ("firmware-settings", "e", false),
        ],
        parameter_attributes: &[
            ("idx", &[]),
            // May the user change it, and does the next load write it over?
            ("perm", &["", "RW", "R", "!", "$", "&", " "]),
            ("context", &[]),
            ("label", &[]),
        ],
        attributes_help: "Parameters may have idx and perm, keys context and label too; a phone ignores others.",
    }),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
        (FileKind::Standard, Form::Plain, "{MODEL}-{MAC}.htm"),
        // Firmware 8 of the 3xx.
        (FileKind::Standard, Form::Plain, "{MAC:COLONS}.xml"),
        // Where the URL ends in `config.xml`, behind that one.
        (FileKind::Standard, Form::Plain, "config-{MAC}.xml"),
    ],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    // It may restart all the same, if what has changed needs that.
    typed: &[("Setting URL", "<base>/{mac}.xml")],
    fetch_event: "check-sync;reboot=false",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::DESK,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::DESK,
    lint: lint::check,
};
