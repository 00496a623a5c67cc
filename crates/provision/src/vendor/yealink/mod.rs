//! Yealink: desk phones, conference phones and the bases of cordless phones.
//!
//! From pages of the vendor's administration guides and from templates of public provisioning servers. Nothing
//! was tried on hardware.
//!
//! A phone that is given a directory asks for `<mac>.boot` and `y000000000000.boot` first: where one of them is
//! there, it fetches what that one includes and nothing else. Then it asks for `y0000000000NN.cfg`, which is its model's
//! and names no device, and for `<mac>.cfg`, in small letters. After a 404 it keeps what it has. It compares each file
//! with what it had: the same bytes change nothing.
//!
//! The device's file is sealed under the name of the plain one, where an operator wants that: the vendor's cipher
//! is ECB, which shows equal blocks and lets them be swapped.

use crate::family::{Duplicates, Family, LineSyntax, MAX_SETTINGS, Syntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace, Older, UserAgents};

mod conduct;
mod lint;
mod profiles;
mod vocabulary;

pub use profiles::PROFILES;

/// The vendor's families.
pub const FAMILIES: [Family; 2] = [STATIC, OLD];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Yealink",
    families: &FAMILIES,
    patterns: &[
        "Yealink SIP-{model} {firmware} {mac}",
        "Yealink SIP VP-{model} {firmware} {mac}",
        "Yealink-{model} {firmware}",
        "Yealink {model} {firmware} {mac}",
        "Yealink SIP-{model} {firmware}",
        "Yealink {model} {firmware}",
    ],
    bare_patterns: &["{model} {firmware} {mac}"],
};

/// How an operator may write models: as the phone's label, as its User-Agent, with the vendor's name.
macro_rules! typed {
    ($($model:literal),* $(,)?) => {
        &[$(
            $model,
            concat!("SIP-", $model),
            concat!("SIP VP-", $model),
            concat!("YEALINK ", $model),
            concat!("YEALINK SIP-", $model),
            concat!("YEALINK SIP VP-", $model),
        )*]
    };
}

/// The device's file, as a template; `$device` is what the names of the device's own parameters begin with.
macro_rules! standard {
    ($device:literal) => {
        concat!(
            "#!version:1.0.0.1\n{% set static = \"",
            $device,
            "\" %}\n",
            include_str!("templates/standard.j2")
        )
    };
}

/// Firmware v81 and later.
pub const STATIC: Family = Family::new(&FamilySpec {
    id: "yealink",
    phones: "Yealink's desk phones, conference phones and bases with firmware v81 or later, whose device settings begin with static.",
    model_prefixes: typed![
        "T1", "T2", "T3", "T4", "T5", "T7", "T8", "W70", "W73", "W75", "W76", "W77", "W78", "W79",
        "W80", "W90", "CP86", "CP9", "AX8", "VP59",
    ],
    syntax: SYNTAX,
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    // That the last counts is known of several files; within one it is a guess.
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: PROFILES_OF_STATIC,
    // ECB is weak: an operator who wants it says so.
    default_profile: None,
    templates: &[(FileKind::Standard, standard!("static."))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.cfg")],
    // With a boot file a phone fetches only what that one includes; the others hold a key under one that is public.
    never: &["*.boot", "*_Security.enc", "*.enc"],
    model_affixes: &[],
    older: Some(&Older {
        family: OLD,
        from: 1,
        below: &[81],
    }),
    sealed_at_plain_name: true,
    told: None,
    refuses_public_certificates: false,
    // The built-in template sets sip.notify_reboot_enable to 0, without which a phone restarts.
    typed: &[("Server URL", "<base>/")],
    fetch_event: "check-sync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::STATIC,
    key: KeyPlace {
        prefix: "static.auto_provision.aes_key_16.",
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::STATIC,
    lint: |file| lint::check(file, "static."),
});

/// Firmware v70 to v80.
pub const OLD: Family = Family::new(&FamilySpec {
    id: "yealink-v80",
    phones: "Yealink's phones with firmware v70 to v80, and the bases W52P, W56P and W60B, whose device settings do not begin with static.",
    // No public template for v81 or later knows the desk phones of this list. Of all other phones the firmware decides,
    // which a model's name does not tell.
    model_prefixes: typed![
        "T20", "T22", "T26", "T28", "T32", "T38", "VP530", "W52", "W53", "W56", "W60",
    ],
    syntax: SYNTAX,
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: PROFILES_OF_OLD,
    default_profile: None,
    templates: &[(FileKind::Standard, standard!(""))],
    names: &[(FileKind::Standard, Form::Plain, "{mac}.cfg")],
    never: &["*.boot", "*_Security.enc", "*.enc"],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: true,
    told: None,
    refuses_public_certificates: false,
    typed: &[("Server URL", "<base>/")],
    fetch_event: "check-sync",
    restart_event: Some("check-sync;reboot=true"),
    conduct: &conduct::OLD,
    key: KeyPlace {
        prefix: "auto_provision.aes_key_16.",
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::OLD,
    lint: |file| lint::check(file, ""),
});

/// Profiles for v81 and later: the first for firmware before v85, the others from v85 on.
const PROFILES_OF_STATIC: &[&str] = &["yealink-ecb-128", "yealink-v85-ecb-128", "yealink-ecb-256"];

/// Profiles for v70 to v80, whose keys have a parameter of their own.
const PROFILES_OF_OLD: &[&str] = &["yealink-v80-ecb-128"];

const SYNTAX: Syntax = Syntax::Lines(LineSyntax {
    magic_line: "#!version:1.0.0.1",
    separator: '=',
    written: " = ",
    name_characters: &['.', '_', '-'],
    refused: &[],
    refused_help: "",
    repeatable: &["static.security.user_password", "security.user_password"],
    modules: None,
});
