//! Mitel, before that Aastra: the SIP phones 67xx, 68xx and 69xx. MiNet phones (53xx) are others.
//!
//! From administrator guides of the 6700i, 6800 and 6867i, from WAZO's and FusionPBX's public templates and from a
//! log of requests. Nothing was tried on hardware.
//!
//! A phone asks for `security.tuz`, `startup.cfg` (67xx: `aastra.cfg`), `<model>.cfg`, `<MAC>.cfg` and licences. The
//! first must never be there. Without the second it goes no further: so that one is always answered, with the
//! same for everybody. All else may be missing. The last file read wins.
//!
//! A name is words with blanks between them, `sip line1 user name`. A setting cannot have blanks in its name: it
//! has `_` there, and the template turns them back. No parameter has a `_` of its own.
//!
//! Sealed files (`.tuz`) are made by the vendor's tool with a password that every phone can find out; the format
//! is not published. Files go out in clear over HTTPS, and the access path is what protects them.

use crate::family::{Duplicates, Family, LineSyntax, MAX_SETTINGS, Syntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};

mod conduct;
mod lint;
mod vocabulary;

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [SIP];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Mitel",
    families: &FAMILIES,
    patterns: &[
        "Mitel{model} MAC:{mac} V:{firmware}",
        "Aastra{model} MAC:{mac} V:{firmware}",
    ],
    bare_patterns: &[],
};

/// The SIP phones.
pub const SIP: Family = Family::new(&FamilySpec {
    id: "mitel",
    phones: "Mitel's and Aastra's SIP phones 67xx, 68xx and 69xx.",
    model_prefixes: &[
        "AASTRA", "MITEL", "6730I", "6731I", "6735I", "6737I", "6739I", "6751I", "6753I", "6755I",
        "6757I", "6863I", "6865I", "6867I", "6869I", "6873I", "6905", "6910", "6915", "6920",
        "6930", "6940", "6970", "9143I", "9480I",
    ],
    syntax: Syntax::Lines(LineSyntax {
        magic_line: "",
        separator: ':',
        written: ": ",
        // `^` and `!` stand before a name: over or against what was set at the phone. `[`, `|` and `]` are in
        // names of daylight saving.
        name_characters: &[' ', '-', '_', '.', '^', '!', '[', '|', ']'],
        refused: &['#', '"'],
        refused_help: "Choose a value without # and \": the one begins a comment, and how the other is written is not published.",
        repeatable: &[],
        modules: None,
    }),
    // No limit is published.
    total_limit: 256 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard, FileKind::Master],
    profiles: &[],
    default_profile: None,
    templates: &[
        (FileKind::Standard, include_str!("templates/standard.j2")),
        (FileKind::Master, include_str!("templates/master.j2")),
    ],
    names: &[
        (FileKind::Master, Form::Plain, "startup.cfg"),
        (FileKind::Master, Form::Plain, "aastra.cfg"),
        (FileKind::Standard, Form::Plain, "{MAC}.cfg"),
    ],
    // Whatever is at the first would be taken for the password of sealed files.
    never: &["security.tuz", "*.tuz"],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    // It restarts if something has changed, and only then.
    typed: &[
        ("Configuration Server: Download Protocol", "HTTPS"),
        ("HTTPS Server", "<host>"),
        ("HTTPS Path", "<segment>"),
        ("HTTPS Port", "443"),
    ],
    fetch_event: "check-sync",
    restart_event: None,
    conduct: &conduct::SIP,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::SIP,
    lint: lint::check,
});
