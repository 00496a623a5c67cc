//! A vendor that is not there: what a folder of one's own looks like, and the proof that nothing else is needed.
//!
//! Its phones read lines, as `line.1.user: 201`, and ask for `<mac>.acme` alone.

use crate::family::{Duplicates, Family, LineSyntax, Syntax, MAX_SETTINGS};
use crate::kind::{FileKind, Form};
use crate::seal::ProfileSpec;
use crate::vendor::conduct::{AfterMissing, Conduct, Role, asked, found, model};
use crate::vendor::{FamilySpec, KeyPlace, UserAgents};
use crate::vocabulary::{Encoding, each, host_and_port, one};

pub const FAMILIES: [Family; 1] = [DESK];

pub const PROFILES: [ProfileSpec; 0] = [];

pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Acme",
    families: &FAMILIES,
    patterns: &["Acme {model} {firmware} {mac}"],
    bare_patterns: &[],
};

pub const DESK: Family = Family::new(&FamilySpec {
    id: "acme",
    phones: "Acme's desk phones.",
    model_prefixes: &["ACME"],
    syntax: Syntax::Lines(LineSyntax {
        magic_line: "#!acme",
        separator: ':',
        written: ": ",
        name_characters: &['.', '_'],
        refused: &['#'],
        refused_help: "Choose a value without #.",
        repeatable: &[],
        modules: None,
    }),
    total_limit: 64 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::LastWins,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.acme")],
    never: &[],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[("Provisioning URL", "<base>/")],
    fetch_event: "acme-fetch",
    restart_event: None,
    conduct: &Conduct {
        asks: &[asked("{mac}.acme", Role::Device, Some(AfterMissing::Keeps))],
        fetch: Some(found("It fetches without a restart.")),
        models: &[model("ACME-2", "", 2)],
        // Everything else was not found.
        ..Conduct::NOT_FOUND
    },
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: &[
        each("line_{n}_user", "line.{n}.user", 2, Encoding::AsIs),
        each("line_{n}_password", "line.{n}.secret", 2, Encoding::AsIs),
        each("line_{n}_domain", "line.{n}.server", 2, Encoding::With(host_and_port)),
        each("line_{n}_port", "line.{n}.server", 2, Encoding::Joined),
        one("time_zone", "clock.tz", Encoding::With(|it| Ok(Some(it.zone()?.posix.to_owned())))),
    ],
    lint: |_| {},
});
