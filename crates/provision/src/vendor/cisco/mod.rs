//! Cisco: the SPA line, which was Linksys's and Sipura's before, and the multiplatform phones (MPP).
//!
//! From the vendor's provisioning and administration guides, and from templates of public provisioning
//! servers. Nothing was tried on hardware.
//!
//! A phone asks exactly what its rule (`Profile_Rule`) says and appends nothing; `$MA` in it is the MAC in
//! small letters. The factory's rule asks for a file that is the same for all phones of a model, so the first
//! file carries no secret but the rule for the device's own. A 404 fails the rule, and the phone comes back
//! after `Resync_Error_Retry_Delay`: nothing else is asked for meanwhile.
//!
//! An SPA phone must be told by its rule that a file is sealed (`[--key $SA]`), so its sealed file has a name
//! of its own and the device's file rewrites the rule, as a bootstrap and when it is sealed alike. MPP phones
//! are told by a header of the answer (RFC 8188), under the name of the plain file, which they go on taking.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::url_template::Macro;
use crate::vendor::{Conduct, FamilySpec, KeyPlace, Told, UserAgents, Written};

mod conduct;
mod keys;
mod lint;
mod profiles;
mod vocabulary;

pub use profiles::PROFILES;

/// The vendor's families.
pub const FAMILIES: [Family; 2] = [SPA, MPP];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Cisco",
    families: &FAMILIES,
    patterns: &[
        "Cisco-{model}/{firmware} ({mac})",
        "Cisco-{model}/{firmware}",
        "Cisco/{model}-{firmware} ({mac})",
        "Cisco/{model}-{firmware}",
        // Twelve digits behind these are a serial number.
        "Cisco/{model}-MPP-",
        "Linksys/{model}-{firmware}",
    ],
    bare_patterns: &[],
};

/// The sealing profiles of the SPA line, the default first.
const SPA_PROFILES: &[&str] = &[
    "spa-256",
    "spa-256-sha256",
    "spa-256-gzip",
    "spa-256-sha256-gzip",
];

/// The sealing profiles of multiplatform phones, the default first.
const MPP_PROFILES: &[&str] = &[
    "mpp-8188",
    "mpp-8188-16",
    "mpp-8188-hex",
    "mpp-8188-base64url",
    "spa-256",
    "spa-256-sha256",
    "spa-256-gzip",
    "spa-256-sha256-gzip",
];

/// The SPA line.
pub const SPA: Family = Family::new(&FamilySpec {
    id: "spa",
    typed: &[("Profile Rule", "<base>/$MA.cfg")],
    phones: "Cisco, Linksys and Sipura SPA1xx to SPA9xx, and PAP2T.",
    model_prefixes: &["SPA", "PAP2"],
    profiles: SPA_PROFILES,
    default_profile: first(SPA_PROFILES),
    templates: &[
        (FileKind::Initial, include_str!("templates/spa_initial.j2")),
        (
            FileKind::Standard,
            include_str!("templates/spa_standard.j2"),
        ),
    ],
    names: &[
        // `spa$PSN.cfg`: the model is the whole name, as `spa504G`.
        (FileKind::Initial, Form::Plain, "{MODEL}.cfg"),
        // PAP2T.
        (FileKind::Initial, Form::Plain, "init.cfg"),
        (FileKind::Standard, Form::Plain, "{mac}.cfg"),
        (FileKind::Standard, Form::Sealed, "{mac}.enc"),
    ],
    // The guide names the authorities that it trusts, all of them the vendor's own; that it trusts no other is inferred.
    refuses_public_certificates: true,
    conduct: &conduct::SPA,
    key: KeyPlace {
        prefix: lint::KEY_OF_RULES,
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::SPA,
    lint: lint::check_spa,
    ..FLAT
});

/// Multiplatform phones.
pub const MPP: Family = Family::new(&FamilySpec {
    id: "mpp",
    typed: &[("Profile Rule", "<base>/$MA.xml")],
    phones: "Cisco's multiplatform phones, 68xx, 78xx, 88xx and 98xx, and ATA 191 and 192 with such firmware.",
    model_prefixes: &[
        "6821", "6841", "6851", "6861", "6871", "7811", "7821", "7832", "7841", "7861", "8811",
        "8832", "8841", "8845", "8851", "8861", "8865", "9841", "9851", "9861", "9871", "CP-68",
        "CP-78", "CP-88", "CP-98", "DP-98", "ATA191", "ATA192",
    ],
    profiles: MPP_PROFILES,
    default_profile: first(MPP_PROFILES),
    templates: &[
        (FileKind::Initial, include_str!("templates/mpp_initial.j2")),
        (
            FileKind::Standard,
            include_str!("templates/mpp_standard.j2"),
        ),
    ],
    names: &[
        // `$PSN.xml` by one guide, `CP-$PSN.cfg` by another, `ata$PSN.cfg` of an adapter.
        (FileKind::Initial, Form::Plain, "{MODEL}.xml"),
        (FileKind::Initial, Form::Plain, "CP-{MODEL}.cfg"),
        (FileKind::Initial, Form::Plain, "{MODEL}.cfg"),
        (FileKind::Standard, Form::Plain, "{mac}.xml"),
        // For those that are sealed as the SPA line is.
        (FileKind::Standard, Form::Sealed, "{mac}.enc"),
    ],
    // RFC 8188: the answer's header says what it is.
    model_affixes: &["CP", "DP", "3PCC"],
    sealed_at_plain_name: true,
    conduct: &conduct::MPP,
    key: KeyPlace {
        prefix: lint::KEY_OF_CONTENT,
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::MPP,
    lint: lint::check_mpp,
    ..FLAT
});

/// The rule in the file of a model: a phone puts its MAC, and its model, into the URL.
const TOLD: Told = Told {
    macros: &[
        Written {
            stands_for: Macro::MacLower,
            text: "$MA",
            before_word: Some("$(MA)"),
        },
        Written {
            stands_for: Macro::MacUpper,
            text: "$MAU",
            before_word: Some("$(MAU)"),
        },
        Written {
            stands_for: Macro::MacColons,
            text: "$MAC",
            before_word: Some("$(MAC)"),
        },
        Written {
            stands_for: Macro::Model,
            text: "$PN",
            before_word: Some("$(PN)"),
        },
    ],
    in_its_folder: false,
};

/// What both have in common.
const FLAT: FamilySpec = FamilySpec {
    id: "",
    typed: &[],
    phones: "",
    model_prefixes: &[],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "" },
        root: "flat-profile",
        groups: Some(&[]),
        values: &[],
        attributes: &[],
        parameter_attributes: &[
            // What the user may do with it: nothing, see it, change it.
            ("ua", &["na", "ro", "rw"]),
            // Where the phone's own export says it belongs.
            ("group", &[]),
        ],
        attributes_help: "Parameters may have ua and group; a phone ignores others.",
    }),
    // No limit is published; templates of 100 KB are in use.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    // Within a file and from file to file.
    duplicates: Duplicates::LastWins,
    kinds: &[FileKind::Initial, FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[],
    names: &[],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: Some(&TOLD),
    refuses_public_certificates: false,
    // `restart_now` restarts it warm, `reboot_now` cold. Each is challenged, unless `Auth_Resync-Reboot_1_` is No.
    fetch_event: "resync",
    restart_event: Some("restart_now"),
    conduct: &Conduct::NOT_FOUND,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: &[],
    lint: |_| {},
};

const fn first(names: &'static [&'static str]) -> Option<&'static str> {
    match names {
        [first, ..] => Some(first),
        [] => None,
    }
}
