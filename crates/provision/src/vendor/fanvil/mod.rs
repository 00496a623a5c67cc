//! Fanvil: phones that read `<sysConf>` (firmware 2.2.10 and newer of X-U, X7, X210, V, H, i and W models), and
//! older ones that read `<VOIP_CONFIG_FILE>` (C58, C62, X3, X4, X5).
//!
//! From public templates of provisioning servers (WAZO, FusionPBX, Tancredi), which agree on the names below;
//! the vendor's own guides are in no public store. Nothing was tried on hardware.
//!
//! A phone asks for the file of its model under a code (`F0V5UV200000.cfg` of an X5U-V2), then for its own,
//! `<mac>.cfg`, whose name is a setting of the phone. A 404 on the first does no harm.
//!
//! The third format is a text: lines in modules. Newer phones read it as well, and Tancredi serves it to all of them; its
//! templates, and files that phones wrote and others published, agree on the names. There is no escape in it.
//!
//! Files can be sealed with a key that stands in them; of the cipher nothing but the word AES is published. So files go
//! out in clear over HTTPS, and the access path is what protects them.

use crate::family::{
    Duplicates, Family, LineSyntax, MAX_SETTINGS, Modules, Syntax, XmlStyle, XmlSyntax,
};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};

mod conduct;
mod groups;
mod keys;
mod lint;
mod older_groups;
mod older_vocabulary;
mod text_modules;
mod text_vocabulary;
mod vocabulary;
mod zone;

/// The vendor's families.
pub const FAMILIES: [Family; 3] = [SYS_CONF, VOIP_CONFIG, TEXT];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Fanvil",
    families: &FAMILIES,
    patterns: &[
        "Fanvil {model} {firmware} {mac}",
        "Fanvil {model} {firmware}",
    ],
    bare_patterns: &[],
};

/// Phones that read `<sysConf>`.
pub const SYS_CONF: Family = Family::new(&FamilySpec {
    id: "fanvil",
    phones: "Fanvil's phones whose files are <sysConf>: firmware 2.2.10 and newer.",
    model_prefixes: &[
        "FANVIL", "X1S", "X2", "X3SG", "X3U", "X4U", "X5S", "X5U", "X6", "X7", "X210", "X301",
        "X303", "X305", "V60", "V61", "V62", "V63", "V64", "V65", "V66", "V67", "H2", "H3", "H5",
        "I10", "I12", "I16", "I20", "I23", "I30", "I31", "I32", "I33", "I51", "I52", "I53", "I56",
        "I57", "I61", "I62", "I63", "I64", "W610", "W611", "W620",
    ],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "index" },
        root: "sysConf",
        groups: Some(groups::GROUPS),
        values: &[],
        attributes: groups::COUNTED,
        parameter_attributes: &[],
        attributes_help: "Groups of which there are several have index; a phone ignores others.",
    }),
    // No limit is published; templates of 197,000 bytes are in use.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.cfg")],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    // `check-sync;reboot=true` restarts it.
    typed: &[
        ("Static Provisioning Server: Server Address", "<base>"),
        ("Config File Name", "$mac.cfg"),
        ("Protocol", "HTTPS"),
        ("Update Mode", "Update after reboot"),
    ],
    fetch_event: "check-sync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::ALL,
    key: KeyPlace {
        prefix: lint::SYS_CONF.keys[0],
        groups: &["ap"],
        carrier: None,
    },
    vocabulary: vocabulary::SYS_CONF,
    lint: |file| lint::SYS_CONF.check(file),
});

/// Older phones, which read `<VOIP_CONFIG_FILE>`.
pub const VOIP_CONFIG: Family = Family::new(&FamilySpec {
    id: "fanvil-x",
    phones: "Fanvil's older phones, whose files are <VOIP_CONFIG_FILE>: firmware 1.x to 2.10 of C58, C62, X3, X4 and X5.",
    model_prefixes: &["C58", "C62", "X3", "X4", "X5"],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Elements { index: "ID" },
        root: "VOIP_CONFIG_FILE",
        groups: Some(older_groups::GROUPS),
        values: &[],
        attributes: &[],
        parameter_attributes: &[],
        attributes_help: "There are none; a phone ignores them.",
    }),
    // No limit is published; templates of 47,000 bytes are in use.
    total_limit: 256 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/older.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.cfg")],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[
        ("Static Provisioning Server: Server Address", "<base>"),
        ("Config File Name", "$mac.cfg"),
        ("Protocol", "HTTPS"),
        ("Update Mode", "Update after reboot"),
    ],
    fetch_event: "check-sync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::ALL,
    key: KeyPlace {
        prefix: lint::VOIP_CONFIG.keys[0],
        groups: &["AUTOUPDATE_CONFIG_MODULE"],
        carrier: None,
    },
    vocabulary: older_vocabulary::VOIP_CONFIG,
    lint: |file| lint::VOIP_CONFIG.check(file),
});

/// Phones that are given lines in modules.
pub const TEXT: Family = Family::new(&FamilySpec {
    id: "fanvil-text",
    phones: "Fanvil's phones that are given the form in lines: <<VOIP CONFIG FILE>> and modules.",
    // No model reads this form alone, so far as is known.
    model_prefixes: &[],
    syntax: Syntax::Lines(LineSyntax {
        magic_line: "<<VOIP CONFIG FILE>>Version:",
        separator: ':',
        written: ":",
        name_characters: &[' ', '-', '_', '.', '/'],
        refused: &[],
        refused_help: "",
        repeatable: &[],
        modules: Some(Modules {
            known: text_modules::MODULES,
            last_line: "<<END OF FILE>>",
            // With CR LF, 64 bytes.
            first_line: 62,
            columns: (19, 24),
        }),
    }),
    // No limit is published; files of 36,000 bytes are in use.
    total_limit: 256 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/text.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.cfg")],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[
        ("Static Provisioning Server: Server Address", "<base>"),
        ("Config File Name", "$mac.cfg"),
        ("Protocol", "HTTPS"),
        ("Update Mode", "Update after reboot"),
    ],
    fetch_event: "check-sync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::ALL,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: text_vocabulary::TEXT,
    lint: lint::check_text,
});
