//! Verbs that need no installation.

use super::{Arg, Kind, Verb, local, own};
use crate::command::{lint, manual, package, phone, profiles};

const REST: &[&[Arg]] = &[&[own(
    "arguments",
    "Options of the package: `ringfence deploy --help`",
)
.is(Kind::Rest)
.at_place()
.many()]];

const NAME: &[Arg] = &[own("name", "Name of the profile").at_place().required()];

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    local("lint", "Check a file as a phone would read it, without an installation", lint::lint,
        &[&[own("file", "The file; - for standard input").at_place().required(),
            own("family", "Family or model of the phone").required(),
            own("kind", "Kind of file [default: standard]").is(Kind::Choice(&["initial", "standard", "product", "master", "system"]))]]),
    local("phone", "Play a phone: boot as its family does, take the key, open sealed files, listen for NOTIFY", phone::phone,
        &[&[own("url", "The provisioning URL with the access path, as it is typed into phones: - reads it from standard input").at_place().required(),
            own("mac", "MAC of the phone; with --count, that of the first").required(),
            own("model", "What the phone is").required(),
            own("family", "The phone's family, where the model does not tell"),
            own("user_agent", "What the phone says it is, instead of what such phones say"),
            own("keep", "File where it keeps its key, as a phone does: it is there at the next boot"),
            own("save", "Folder for the files that it got, opened"),
            own("notify", "Then listen for NOTIFY over UDP at this address, such as 0.0.0.0:5060, and fetch again"),
            own("for", "With --notify: time to listen for, such as 10m"),
            own("count", "Number of phones, with MACs one after the other, and a summary").is(Kind::Number),
            own("at_once", "With --count: number of phones at a time [default: 8]").is(Kind::Number)]]),
    local("profiles list", "List the profiles", profiles::list, &[]),
    local("profiles add", "Write a profile; the token comes from standard input or stays where it is", profiles::add,
        &[NAME, &[own("token_from", "Where the token is: env:VARIABLE, file:PATH or command:LINE"), own("as_default", "Commands that name no profile take this one").is(Kind::Flag)]]),
    local("profiles use", "Have a profile be the one of commands that name none", profiles::use_, &[NAME]),
    local("profiles remove", "Remove a profile, with its token", profiles::remove, &[NAME]),
    local("deploy", "Put Ringfence on Cloudflare, or upgrade it: the npm package does that", package::hand_over, REST),
    local("dev", "Run Ringfence on this machine: the npm package does that", package::hand_over, REST),
    local("destroy", "Remove Ringfence from Cloudflare: the npm package does that", package::hand_over, REST),
    local("completions", "Write completions for a shell", manual::completions,
        &[&[own("shell", "Which shell").is(Kind::Choice(&["bash", "zsh", "fish", "elvish", "powershell"])).at_place().required()]]),
    local("man", "Write the man pages into a folder", manual::man, &[&[own("folder", "Where to").at_place().required()]]),
];
