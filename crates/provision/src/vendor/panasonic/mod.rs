//! Panasonic: KX-UT, KX-UDS124, KX-TGP, KX-UTG, KX-HDV.
//!
//! From the vendor's guides. What the guides do not state says so ([`Duplicates::Unstated`], `None`)
//! instead of guessing. The guides' names of most parameters are not known here, so the templates name
//! almost none: settings say by their names where they go. In a text family `standard_X` becomes the
//! parameter `X` of the standard file; in the XML family `standard_Prov_X` becomes `System/Prov/X`,
//! `standard_Network_NTP_X` becomes `Network/NTP/X` and `standard_Line1_Sip_X` becomes `X` of the first line's
//! `Sip`. Likewise for `product_`, `master_` and `system_`, and for `initial_X` in a text family. All templates work without any setting; an initial
//! file needs `urls.standard`.

mod conduct;
mod lint;
mod profiles;
mod vocabulary;

pub use profiles::PROFILES;

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};

/// A file of parameters that begins with a magic line, as a template.
macro_rules! parameters {
    ($magic:literal, $kind:literal) => {
        concat!(
            $magic,
            "\n{% set kind = \"",
            $kind,
            "\" %}\n",
            include_str!("templates/text_parameters.j2")
        )
    };
}

/// The templates of a text family.
macro_rules! text_templates {
    ($magic:literal $(, ($kind:expr, $name:literal))*) => {
        &[
            (
                FileKind::Initial,
                concat!($magic, "\n", include_str!("templates/text_initial.j2")),
            ),
            (FileKind::Standard, parameters!($magic, "standard")),
            (FileKind::Product, parameters!($magic, "product")),
            (FileKind::Master, parameters!($magic, "master")),
            $(($kind, parameters!($magic, $name)),)*
        ]
    };
}

/// An XML file with parameters of the device, as a template.
macro_rules! device_xml {
    ($kind:literal) => {
        concat!(
            "{% set kind = \"",
            $kind,
            "\" %}\n",
            include_str!("templates/xml_device.j2")
        )
    };
}

/// The vendor's families.
pub const FAMILIES: [Family; 5] = [UT, UDS124, TGP500, UTG, HDV];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Panasonic",
    families: &FAMILIES,
    patterns: &[
        "Panasonic_{model}/{firmware} ({mac})",
        "Panasonic_{model}/{firmware}",
    ],
    bare_patterns: &[],
};

/// Under which names its phones ask, or are told to ask.
pub const NAMES: &[(FileKind, Form, &str)] = &[
    // What a phone appends to a URL that ends in a slash.
    (FileKind::Initial, Form::Plain, "{MODEL}.cfg"),
    (FileKind::Initial, Form::Plain, "Initial{MAC}.cfg"),
    (FileKind::Standard, Form::Plain, "Config{MAC}.cfg"),
    (FileKind::Standard, Form::Sealed, "Config{MAC}.enc"),
    (FileKind::Product, Form::Plain, "Config{MODEL}.cfg"),
    (FileKind::Product, Form::Sealed, "Product{MAC}.enc"),
    (FileKind::Master, Form::Plain, "ConfigCom.cfg"),
    (FileKind::Master, Form::Sealed, "Master{MAC}.enc"),
    (FileKind::System, Form::Plain, "System.cfg"),
];

/// The event that the vendor's phones obey as they come from the factory.
pub const FETCH_EVENT: &str = "check-sync";

/// What tells phones the text of the Event header: the name that all built-in templates read, and what
/// they give to phones of either format.
pub const EVENT_SETTINGS: &[&str] = &[
    "CFG_RESYNC_FROM_SIP",
    "standard_Prov_CFG_RESYNC_FROM_SIP",
    "standard_CFG_RESYNC_FROM_SIP",
];

/// KX-UT1xx, KX-UT248, KX-UT670.
pub const UT: Family = Family::new(&FamilySpec {
    id: "ut",
    phones: "KX-UT1xx, KX-UT248, KX-UT670.",
    model_prefixes: &["KX-UT"],
    profiles: &["e1c", "e2c", "e3c"],
    ..TEXT
});

/// KX-UDS124, a base station for cordless phones: one more kind of file, larger files.
pub const UDS124: Family = Family::new(&FamilySpec {
    id: "uds124",
    phones: "KX-UDS124, a base station for cordless phones: one more kind of file, larger files.",
    model_prefixes: &["KX-UDS"],
    // The guide says "2040 KB".
    total_limit: 2040 * 1024,
    // It has 255 handsets: nineteen for each of them, and some more. Its file has room for them three
    // times over.
    settings_limit: 5_000,
    kinds: &FileKind::ALL,
    profiles: &["e1c", "e2c", "e3c"],
    templates: text_templates!(
        "# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!",
        (FileKind::System, "system")
    ),
    conduct: &conduct::WITH_SYSTEM,
    ..TEXT
});

/// KX-TGP500 and KX-TGP550, whose magic line differs.
pub const TGP500: Family = Family::new(&FamilySpec {
    id: "tgp500",
    phones: "KX-TGP500 and KX-TGP550, whose magic line differs.",
    model_prefixes: &["KX-TGP5"],
    syntax: Syntax::Text {
        magic: "# PCC Standard Format File #",
        magic_line: "# PCC Standard Format File #",
    },
    profiles: &["e1c", "e2c", "e3c"],
    templates: text_templates!("# PCC Standard Format File #"),
    ..TEXT
});

/// KX-UTG200 and KX-UTG300: XML, and the only family whose cipher is published.
pub const UTG: Family = Family::new(&FamilySpec {
    id: "utg",
    phones: "KX-UTG200 and KX-UTG300: XML, and the only family whose cipher is published.",
    model_prefixes: &["KX-UTG"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "idx" },
        root: "PANASIPPhoneConfig",
        groups: None,
        values: &[],
        attributes: &[
            ("Line", "idx", true),
            // Groups with names in capitals, as FusionPBX's template for a KX-UTG300B has them.
            ("CDP", "", false),
            ("LLDP", "", false),
            ("NTP", "", false),
            ("HTTP", "", false),
            ("STUN", "", false),
            ("SSH", "", false),
            ("LDAP", "", false),
        ],
        parameter_attributes: &[
            ("perm", &["R", "RW", "!", "!R", "!RW"]),
            ("access", &["A", "U", "AU"]),
        ],
        attributes_help: "Parameters may have perm and access, <Line> has idx; a phone ignores others.",
    }),
    // Its guide prints no limit of its own.
    duplicates: Duplicates::LastWins,
    profiles: &[
        "utg-128",
        "utg-192",
        "utg-256",
        "utg-128-sha256",
        "utg-192-sha256",
        "utg-256-sha256",
    ],
    default_profile: Some("utg-128"),
    vocabulary: vocabulary::XML,
    templates: &[
        (FileKind::Initial, include_str!("templates/xml_initial.j2")),
        (FileKind::Standard, device_xml!("standard")),
        (FileKind::Product, device_xml!("product")),
        (FileKind::Master, device_xml!("master")),
    ],
    conduct: &conduct::UTG,
    ..TEXT
});

/// KX-HDV1xx to 4xx, KX-TGP600 and KX-TGP700.
pub const HDV: Family = Family::new(&FamilySpec {
    id: "hdv",
    phones: "KX-HDV1xx to 4xx, KX-TGP600 and KX-TGP700.",
    model_prefixes: &["KX-TGP6", "KX-TGP7", "KX-HDV"],
    duplicates: Duplicates::Unstated,
    // They know only the last two of the three slots for keys.
    profiles: &["e2c", "e3c"],
    conduct: &conduct::HDV,
    ..TEXT
});

/// What most of the families have in common.
const TEXT: FamilySpec = FamilySpec {
    id: "",
    typed: &[(
        "URL (DHCP option 160, 159 or 66, or the redirection service)",
        "<base>/Initial{MAC}.cfg",
    )],
    phones: "",
    model_prefixes: &[],
    syntax: Syntax::Text {
        magic: "# Panasonic SIP Phone Standard Format File #",
        magic_line: "# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!",
    },
    // The guides say "120 KB"; a KB is taken as 1024 bytes.
    total_limit: 120 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::FirstWins,
    kinds: &[
        FileKind::Initial,
        FileKind::Standard,
        FileKind::Product,
        FileKind::Master,
    ],
    profiles: &[],
    default_profile: None,
    templates: text_templates!(
        "# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!"
    ),
    names: &[],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    fetch_event: FETCH_EVENT,
    // No guide names one.
    restart_event: None,
    conduct: &conduct::TEXT,
    key: KeyPlace {
        prefix: lint::KEY_PREFIX,
        groups: &["Device", "System", "Prov"],
        carrier: None,
    },
    vocabulary: vocabulary::TEXT,
    lint: lint::check,
};
