//! Grandstream: phones that read `P` values (`<config version="1">`): GXP11xx to GXP21xx, GRP26xx; adapters that read
//! `P` values with numbers of their own: HT80x, HT81x; and phones that read named items (`<config version="2">`): GRP26xx
//! as well, and newer ones.
//!
//! From the vendor's *XML Provisioning Guide* (2011, 2012, 2018) and administration guides, and from
//! templates of public provisioning servers, which agree on the numbers and names here. Nothing was tried on
//! hardware.
//!
//! A phone asks for `cfg<mac>`, a binary form (a guide of 2023 prints `cfg<mac>.bin`), which it applies before it asks
//! for `cfg<mac>.xml`, `cfg<model>.xml` and `cfg.xml`; each may be missing, and the later ones are fallbacks and
//! no lower layer. Firmware of 2012 and 2013 asks for the XML first. Its URL is a host and a path without a
//! scheme (P237; P212 is 2 for HTTPS), to which it appends `/cfg…`. A 401 makes it ask its user for a password.
//!
//! The vendor names the binary form as the way to hand out the password of sealed files (P1359). So it carries the
//! key here, with the place where the phone asks next (`CARRIER`), and the XML of the same run is sealed
//! already. A phone that asks for the XML first gets it in clear, with the password in it, and no binary form
//! afterwards. That a phone goes on reading plain XML once it has a password is not stated anywhere.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{Along, Extra, FamilySpec, KeyCarrier, KeyPlace, UserAgents};

mod adapters;
pub mod binary;
mod conduct;
mod items;
mod lint;
mod profiles;
mod vocabulary;

pub use profiles::PROFILES;

/// The vendor's families.
pub const FAMILIES: [Family; 3] = [GXP, GXP_V2, HT];

/// What the vendor's phones call themselves. The version of the hardware may follow the model.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Grandstream",
    families: &FAMILIES,
    patterns: &[
        "Grandstream Model HW {model} V{} SW {firmware} DevId {mac}",
        "Grandstream Model HW {model} SW {firmware} DevId {mac}",
        // Of old.
        "Grandstream {model} ({}:{firmware}/{}) DevId {mac}",
        "Grandstream Model HW {model} SW {firmware}",
    ],
    bare_patterns: &[],
};

/// Phones that read `P` values.
pub const GXP: Family = Family::new(&FamilySpec {
    id: "gxp",
    phones: "Grandstream GXP11xx to GXP21xx and GRP26xx, as far as they read P values.",
    model_prefixes: &["GXP11", "GXP14", "GXP16", "GXP17", "GXP21", "GRP26"],
    conduct: &conduct::P_VALUES,
    vocabulary: vocabulary::P_VALUES,
    lint: lint::check_p_values,
    ..NUMBERED
});

/// Adapters for analogue telephones: the same files, with other numbers for most of what is a port's. An HT813 has a port for a
/// line of the exchange, and is none of them.
pub const HT: Family = Family::new(&FamilySpec {
    id: "ht",
    phones: "Grandstream's adapters HT801, HT802, HT812, HT814 and HT818: a line is a port.",
    model_prefixes: &["HT801", "HT802", "HT812", "HT814", "HT818"],
    conduct: &conduct::ADAPTERS,
    vocabulary: adapters::ADAPTERS,
    lint: lint::check_adapters,
    ..NUMBERED
});

/// Phones that read named items. Of the model's name alone nobody can tell which of the two a GRP26xx is to get, so
/// the older one counts.
pub const GXP_V2: Family = Family::new(&FamilySpec {
    id: "gxp-v2",
    phones: "Grandstream GRP26xx, GHP6xx and newer phones, as far as they read named items.",
    model_prefixes: &["GHP6"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Items {
            element: "item",
            part: "part",
            name: "name",
        },
        root: ROOT,
        groups: Some(&["config"]),
        values: &["mac"],
        attributes: &[
            (ROOT, "version", false),
            ("config", "version", false),
            ("item", "name", false),
            ("part", "name", false),
        ],
        parameter_attributes: &[],
        attributes_help: "<gs_provision> and <config> have version, <item> and <part> have name; a phone ignores others.",
    }),
    profiles: &["gxp-v2-256", "gxp-v2-256-sha256"],
    default_profile: Some("gxp-v2-256"),
    templates: &[(FileKind::Standard, include_str!("templates/items.j2"))],
    key: KeyPlace {
        prefix: lint::KEY_ITEM,
        groups: &["config"],
        carrier: Some(&CARRIER_OF_ITEMS),
    },
    vocabulary: items::ITEMS,
    lint: lint::check_items,
    ..COMMON
});

const ROOT: &str = "gs_provision";

/// What those have in common that read `P` values.
const NUMBERED: FamilySpec = FamilySpec {
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "idx" },
        root: ROOT,
        groups: None,
        // A phone drops a file whose `mac` is not its own.
        values: &["mac"],
        attributes: &[(ROOT, "version", false), ("config", "version", false)],
        parameter_attributes: &[],
        attributes_help: "<gs_provision> and <config> have version; a phone ignores others.",
    }),
    profiles: &["gxp-256", "gxp-256-sha256"],
    default_profile: Some("gxp-256"),
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    key: KeyPlace {
        prefix: lint::KEY,
        groups: &["config"],
        carrier: Some(&CARRIER),
    },
    ..COMMON
};

/// What all have in common.
const COMMON: FamilySpec = FamilySpec {
    id: "",
    phones: "",
    model_prefixes: &[],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "" },
        root: ROOT,
        groups: None,
        values: &[],
        attributes: &[],
        parameter_attributes: &[],
        attributes_help: "",
    }),
    // No limit is published; templates of 7,400 lines are in use.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[],
    names: &[
        (FileKind::Standard, Form::Plain, "cfg{mac}"),
        (FileKind::Standard, Form::Plain, "cfg{mac}.bin"),
        (FileKind::Standard, Form::Plain, "cfg{mac}.xml"),
    ],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: true,
    told: None,
    refuses_public_certificates: false,
    // A phone challenges unless P4428 is 1, which it is in an adapter.
    typed: &[
        ("Config Via", "HTTPS"),
        ("Config Server Path", "<host>/<segment>"),
    ],
    fetch_event: "resync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::ITEMS,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: &[],
    lint: |_| {},
};

/// The binary form with the key in it.
const CARRIER: KeyCarrier = KeyCarrier {
    along: &[
        Along {
            path: "config/P212",
            name: PROTOCOL,
            words: &[],
        },
        Along {
            path: "config/P237",
            name: PATH,
            words: &[],
        },
    ],
    ..BINARY
};

/// The same: the binary form knows P values alone.
const CARRIER_OF_ITEMS: KeyCarrier = KeyCarrier {
    along: &[
        Along {
            path: "provisioning.config.protocol",
            name: PROTOCOL,
            words: &[
                ("TFTP", "0"),
                ("HTTP", "1"),
                ("HTTPS", "2"),
                ("FTP", "3"),
                ("FTPS", "4"),
            ],
        },
        Along {
            path: "provisioning.config.serverPath",
            name: PATH,
            words: &[],
        },
    ],
    ..BINARY
};

const PROTOCOL: &str = "P212";
const PATH: &str = "P237";

const BINARY: KeyCarrier = KeyCarrier {
    extensions: &["", "bin"],
    key: lint::KEY,
    along: &[],
    // One of the programs that write the form always says so, the other takes the third to the sixth digit of the
    // MAC, which is the same for the phones of their time.
    extras: &[Extra {
        name: "gnkey",
        value: "0b82",
        setting: "standard_gnkey",
    }],
    write: binary::write,
};
