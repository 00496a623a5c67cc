//! OBi: the OBi200, OBi300 and OBi500 adapters, OBi1000 phones and VVX x50 phones in their OBi Edition.
//!
//! From write-ups and templates of public provisioning servers, from the backup of a phone among them, and from
//! pages of the vendor's guides. Nothing was tried on hardware.
//!
//! A phone asks for the one URL that its rule names (`X_DeviceManagement.ITSPProvisioning.ConfigURL`), in which it
//! puts its MAC for `$MAC`; whether in capitals is not stated, so both are answered. A new phone that DHCP tells
//! of a server asks for a file of its model first (`OBi202.xml`), which is the same for all of them: it carries no secret
//! but the rule for the phone's own.
//!
//! The rule may say that the file is sealed (AES-128-CBC) and which secret parameters hold key and IV. So a sealed
//! file has a name of its own, and a bootstrap sets these parameters and rewrites the rule. The sealed file has the
//! same rule again: a new access path comes by it, too.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::url_template::Macro;
use crate::vendor::{FamilySpec, KeyPlace, Told, UserAgents, Written};

mod conduct;
mod lint;
mod profiles;
mod vocabulary;

pub use profiles::PROFILES;

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [OBI];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "OBi",
    families: &FAMILIES,
    patterns: &["OBIHAI/{model}-{firmware}"],
    bare_patterns: &[],
};

/// The rule in the file of a model. Whether a phone writes its MAC in capitals is not stated, nor how what it replaces is told
/// from letters behind it.
const TOLD: Told = Told {
    macros: &[
        Written {
            stands_for: Macro::MacUpper,
            text: "$MAC",
            before_word: None,
        },
        Written {
            stands_for: Macro::MacLower,
            text: "$MAC",
            before_word: None,
        },
        Written {
            stands_for: Macro::Model,
            text: "$DM",
            before_word: None,
        },
    ],
    in_its_folder: false,
};

/// Adapters and phones.
pub const OBI: Family = Family::new(&FamilySpec {
    id: "obi",
    phones: "OBi adapters and phones, and VVX x50 phones in their OBi Edition.",
    model_prefixes: &["OBI"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Pairs {
            name: "N",
            value: "V",
            groups: ["O", "P"],
        },
        root: "ParameterList",
        groups: Some(&["O", "P"]),
        values: &[],
        attributes: &[("ParameterList", "X_Reset", false), ("O", "X_Reset", false)],
        // The value is the phone's own default.
        parameter_attributes: &[("X_UD", &["Y"])],
        attributes_help: "<V> may have X_UD, <ParameterList> and <O> may have X_Reset; a phone ignores others.",
    }),
    // No limit is published; a backup of all parameters has 220 KB.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Initial, FileKind::Standard],
    profiles: &["obi-128"],
    // It is weak: an operator switches it on.
    default_profile: None,
    templates: &[
        (FileKind::Initial, include_str!("templates/initial.j2")),
        (FileKind::Standard, include_str!("templates/standard.j2")),
    ],
    names: &[
        (FileKind::Initial, Form::Plain, "{MODEL}.xml"),
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
        (FileKind::Standard, Form::Plain, "{mac}.xml"),
        (FileKind::Standard, Form::Sealed, "{MAC}.aes"),
        (FileKind::Standard, Form::Sealed, "{mac}.aes"),
    ],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: Some(&TOLD),
    refuses_public_certificates: false,
    // Which events they obey was not found: this is a guess, and a setting overrules it.
    typed: &[
        (
            "Auto Provisioning, ITSP Provisioning: ConfigURL",
            "<base>/$MAC.xml",
        ),
        ("Method", "System Start"),
        ("OBiTALK Provisioning", "off"),
    ],
    fetch_event: "resync",
    restart_event: None,
    conduct: &conduct::OBI,
    key: KeyPlace {
        prefix: lint::SECRETS,
        groups: &[lint::OBJECT],
        carrier: None,
    },
    vocabulary: vocabulary::OBI,
    lint: lint::check,
});
