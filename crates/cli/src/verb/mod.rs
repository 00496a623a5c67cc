//! The verbs of the command line as data: what each is called, which call of the API it is, what it takes, and how its
//! answer is shown.

mod admin;
mod fleet;
mod local;
mod notify;
mod tenancy;

use ringfence_api::operation::Operation;

use crate::failure::Failure;
use crate::given::Given;
use crate::output::Output;
use crate::session::Session;

/// All verbs, in the order of the help.
pub fn all() -> impl Iterator<Item = &'static Verb> {
    [
        fleet::VERBS,
        tenancy::VERBS,
        notify::VERBS,
        admin::VERBS,
        local::VERBS,
    ]
    .into_iter()
    .flatten()
}

/// What stands behind the nouns in the help.
pub const NOUNS: &[(&str, &str)] = &[
    ("devices", "Phones: list, add, change, look into, notify"),
    (
        "unknown",
        "Phones that asked and are no device: adopt or dismiss",
    ),
    ("operations", "Changes of many devices at once"),
    ("tenants", "Customers"),
    ("sites", "Places of a tenant"),
    ("models", "What phones are"),
    (
        "settings",
        "Settings of the tenant, a site, a model or a device",
    ),
    ("options", "Versions of a tenant's options"),
    ("templates", "What files are rendered from"),
    (
        "tests",
        "What is to be so in files: a change that breaks it is refused",
    ),
    ("certificates", "Certificates that phones fetch"),
    ("access-paths", "The unguessable part of a tenant's URLs"),
    ("limits", "What a tenant may use"),
    ("destinations", "Where a tenant's NOTIFYs may go"),
    ("rollouts", "NOTIFYs to many devices, paced"),
    ("jobs", "Single NOTIFYs"),
    ("pools", "Queues of NOTIFYs with whoever sends them"),
    ("relays", "Programs that send for a pool"),
    ("tokens", "Tokens of the API"),
    ("sessions", "Browsers that are signed in to the console"),
    ("audit", "Who changed what"),
    ("webhooks", "Who is told of what happens"),
    ("restored", "A database that was put back"),
    ("profiles", "Installations, and where their tokens are"),
];

/// One verb.
#[derive(Debug)]
pub struct Verb {
    /// What it is called: a noun and a verb, or one word.
    pub words: &'static str,
    /// What it does, in a sentence without its full stop.
    pub about: &'static str,
    pub does: Does,
    /// The operations of the API that it calls.
    pub calls: &'static [Operation],
    /// What it takes, in groups that several verbs share.
    pub args: &'static [&'static [Arg]],
    pub shows: Shows,
    /// Fields that a change keeps as they are: it reads them first, and writes them for that revision alone. Each as the
    /// answer has it, and as the body does.
    pub keeps: &'static [(&'static str, &'static str)],
    /// What is asked before, because it cannot be undone.
    pub confirms: Option<&'static str>,
    /// What `--wait` waits for.
    pub waits: Option<Wait>,
}

/// How a verb is done.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    /// By one call: that of its operations for whose path all names are given.
    Call,
    /// By a function, which makes its calls.
    Run(fn(&Session, &Given<'_>) -> Result<(), Failure>),
    /// By a function that needs no installation.
    Local(fn(Output, &Given<'_>) -> Result<(), Failure>),
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug)]
pub enum Shows {
    /// Items, a row each: the heads of their columns, and the fields below them. The first names the item.
    List(&'static [(&'static str, &'static str)]),
    /// One thing, field by field.
    One,
    /// One thing in sentences of its own; in quiet output the named field alone.
    Device,
    /// A text of the answer as it is.
    Text(&'static str),
    /// The whole answer as it is.
    Raw,
    /// A sentence.
    Done(&'static str),
    /// The function says it.
    Own,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Job,
    Rollout,
    Operation,
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// `never_seen`; the option is `--never-seen`, the place `NEVER_SEEN`.
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub goes: Goes,
    pub is_place: bool,
    pub is_required: bool,
    pub is_many: bool,
}

/// What an argument's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    /// A whole number, or `default`.
    Limit,
    /// `--name` alone.
    Flag,
    /// A time that is over.
    Past,
    /// A time that is to come.
    Future,
    /// A site, by its name or id; empty for none.
    Site,
    /// A site of the tenant that a phone goes to, by its name or id.
    SiteThere,
    /// A tenant, by its name or id.
    Tenant,
    /// A pool, by its name or id; empty for none.
    Pool,
    /// A relay of the pool, by its name or id.
    Relay,
    /// Empty for none.
    Optional,
    /// A file with JSON, or `-`.
    Json,
    /// A file with text, or `-`.
    File,
    /// Where a secret is.
    Secret,
    /// `on` or `off`.
    Switch,
    /// All that stands behind the verb, options too.
    Rest,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// Where an argument goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// Into the path, for `{name}`.
    Path,
    /// Into the query, as the parameter of its own name.
    Query,
    /// Into the query, as this parameter.
    QueryAs(&'static str),
    /// Into the body, at this path of fields.
    Body(&'static str),
    /// It is the tenant.
    Tenant,
    /// The function reads it.
    Own,
}

/// A verb that is one call.
const fn call(
    words: &'static str,
    about: &'static str,
    calls: &'static [Operation],
    args: &'static [&'static [Arg]],
    shows: Shows,
) -> Verb {
    Verb {
        words,
        about,
        does: Does::Call,
        calls,
        args,
        shows,
        keeps: &[],
        confirms: None,
        waits: None,
    }
}

/// A verb that is a function.
const fn run(
    words: &'static str,
    about: &'static str,
    run: fn(&Session, &Given<'_>) -> Result<(), Failure>,
    calls: &'static [Operation],
    args: &'static [&'static [Arg]],
) -> Verb {
    let mut verb = call(words, about, calls, args, Shows::Own);
    verb.does = Does::Run(run);
    verb
}

/// A verb that needs no installation.
const fn local(
    words: &'static str,
    about: &'static str,
    run: fn(Output, &Given<'_>) -> Result<(), Failure>,
    args: &'static [&'static [Arg]],
) -> Verb {
    let mut verb = call(words, about, &[], args, Shows::Own);
    verb.does = Does::Local(run);
    verb
}

impl Verb {
    const fn keeps(mut self, fields: &'static [(&'static str, &'static str)]) -> Self {
        self.keeps = fields;
        self
    }

    const fn confirms(mut self, what: &'static str) -> Self {
        self.confirms = Some(what);
        self
    }

    const fn waits(mut self, wait: Wait) -> Self {
        self.waits = Some(wait);
        self
    }

    /// Its arguments, one after the other.
    pub fn each_arg(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().copied().flatten()
    }
}

const fn arg(name: &'static str, help: &'static str, goes: Goes) -> Arg {
    Arg {
        name,
        help,
        kind: Kind::Text,
        goes,
        is_place: false,
        is_required: false,
        is_many: false,
    }
}

/// A place of the path that must be given.
const fn place(name: &'static str, help: &'static str) -> Arg {
    arg(name, help, Goes::Path).at_place().required()
}

/// An option that is a parameter of the query.
const fn query(name: &'static str, help: &'static str) -> Arg {
    arg(name, help, Goes::Query)
}

/// An option that is a field of the body.
const fn body(name: &'static str, help: &'static str) -> Arg {
    arg(name, help, Goes::Body(name))
}

/// An argument that the verb's function reads.
const fn own(name: &'static str, help: &'static str) -> Arg {
    arg(name, help, Goes::Own)
}

impl Arg {
    const fn is(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    const fn at_place(mut self) -> Self {
        self.is_place = true;
        self
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn many(mut self) -> Self {
        self.is_many = true;
        self
    }

    /// The same, called otherwise than the field that it goes into.
    const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

/// What each list takes.
const PAGED: &[Arg] = &[own(
    "limit",
    "Most rows that are listed; 0 for all. A table for people has 1000 without it",
)
.is(Kind::Number)];

/// What a change of something with files takes.
const CHANGE: &[Arg] = &[
    query("dry_run", "Write nothing, and say what would change").is(Kind::Flag),
    query("comment", "What the history and the audit log say about it"),
];

/// What a change takes that no file is made from.
const TRIED: &[Arg] = &[
    query("dry_run", "Write nothing, and say what would happen").is(Kind::Flag),
    query("comment", "What the audit log says about it"),
];

/// What a change takes that is of more phones than one.
const CHANGE_OF_MANY: &[Arg] = &[
    query("dry_run", "Write nothing, and say what would change").is(Kind::Flag),
    own(
        "diff_for",
        "With --dry-run: show what would change in the files of this phone",
    ),
    query("comment", "What the history and the audit log say about it"),
];

/// One option of a tenant or a pool.
const SET_OPTION: Arg = own(
    "set",
    "An option: NAME=VALUE, such as expiry_s=3600; may be repeated",
)
.many();

/// What a change of options takes beside a file of them.
const OPTIONS: &[Arg] = &[
    SET_OPTION,
    own(
        "unset",
        "An option that is to have its default again; may be repeated",
    )
    .many(),
];

/// The tenant, where it is what the verb is about.
const TENANT: &[Arg] = &[arg(
    "TENANT",
    "Name or id of the tenant; without it, --tenant's",
    Goes::Tenant,
)
.at_place()];

const MAC: &[Arg] = &[place("mac", "MAC of the phone, in any notation")];

/// Only for a verb that cannot be undone.
pub const YES: Arg = own("yes", "Do not ask").is(Kind::Flag);

/// Only for a verb that can wait.
pub const WAIT: &[Arg] = &[
    own("wait", "Wait for how it ends, and say so by the exit code").is(Kind::Flag),
    own(
        "timeout",
        "With --wait: time after which to give up [default: 35m]",
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use ringfence_api::{openapi, path};
    use serde_json::Value;

    use super::*;

    /// What the OpenAPI document says of an operation.
    fn described(document: &Value, operation: Operation) -> &Value {
        &document["paths"][operation.pattern()][operation.method().to_lowercase()]
    }

    /// What a schema is where it refers to another.
    fn followed<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// Whether a schema has a member, at a path of fields; of anything that says nothing of its members, each.
    fn has(document: &Value, schema: &Value, path: &str) -> bool {
        let schema = followed(document, schema);
        let one_of = ["anyOf", "oneOf"]
            .iter()
            .filter_map(|it| schema[it].as_array());
        if one_of.flatten().any(|schema| has(document, schema, path)) {
            return true;
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        match &schema["properties"][first] {
            Value::Null => false,
            member if rest.is_empty() || member == &Value::Bool(true) => true,
            member => has(document, member, rest),
        }
    }

    #[test]
    fn every_operation_of_the_api_has_a_verb() {
        let made: BTreeSet<Operation> = all().flat_map(|verb| verb.calls).copied().collect();
        // `lint` does the same with the same code, without an installation.
        let missing = Operation::ALL.iter().filter(|it| !made.contains(it));
        assert_eq!(missing.collect::<Vec<_>>(), [&Operation::Lint]);
    }

    #[test]
    fn parameters_and_fields_are_those_of_the_operation() {
        let document = openapi::document();
        for verb in all().filter(|verb| matches!(verb.does, Does::Call)) {
            let operation = *verb.calls.last().unwrap();
            let said = described(&document, operation);
            let parameters: BTreeSet<&str> = said["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| it["name"].as_str())
                .collect();
            let body = &said["requestBody"]["content"]["application/json"]["schema"];
            if let Shows::List(_) = verb.shows {
                let is_paged = verb.each_arg().any(|arg| arg.name == "limit");
                let has_pages = parameters.contains("limit");
                assert_eq!(is_paged, has_pages, "{}: pages", verb.words);
            }
            for arg in verb.each_arg() {
                let (is_there, what) = match arg.goes {
                    Goes::QueryAs(name) => (parameters.contains(name), name),
                    Goes::Query => (parameters.contains(arg.name), arg.name),
                    Goes::Path => {
                        let mut names = path::names(operation.pattern());
                        (names.any(|name| name == arg.name), arg.name)
                    }
                    Goes::Body(field) => {
                        let first = field.split('.').next().unwrap();
                        (has(&document, body, first), field)
                    }
                    Goes::Tenant | Goes::Own => continue,
                };
                assert!(is_there, "{}: {operation:?} has no {what}", verb.words);
            }
        }
    }

    #[test]
    fn what_must_be_there_and_what_may_be_chosen_is_known_here() {
        let document = openapi::document();
        let mut wrong = Vec::new();
        for verb in all().filter(|verb| matches!(verb.does, Does::Call)) {
            let operation = *verb.calls.last().unwrap();
            let said = described(&document, operation);
            let body = &said["requestBody"]["content"]["application/json"]["schema"];
            let body = followed(&document, body);
            let needed = body["required"].as_array().into_iter().flatten();
            for name in needed.filter_map(Value::as_str) {
                let is_kept = verb.keeps.iter().any(|(_, place)| place.starts_with(name));
                let mut args = verb.each_arg();
                let is_given = args.any(|arg| match arg.goes {
                    Goes::Body(place) => place.starts_with(name) && (arg.is_required || is_kept),
                    _ => false,
                });
                if !is_given {
                    wrong.push(format!("{}: {name} is not required", verb.words));
                }
            }
            for arg in verb.each_arg() {
                let schema = match arg.goes {
                    Goes::Body(name) => &body["properties"][name],
                    Goes::Query => said["parameters"]
                        .as_array()
                        .and_then(|all| all.iter().find(|it| it["name"] == arg.name))
                        .map_or(&Value::Null, |it| &it["schema"]),
                    _ => continue,
                };
                let chosen: BTreeSet<String> = choices(&document, schema);
                let here: BTreeSet<String> = match arg.kind {
                    Kind::Choice(words) => words.iter().map(|it| (*it).to_owned()).collect(),
                    _ => BTreeSet::new(),
                };
                // A family is one of more than a line of help bears.
                if chosen.len() < 20 && chosen != here {
                    wrong.push(format!("{}: {} is one of {chosen:?}", verb.words, arg.name));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// The words that a schema allows.
    fn choices(document: &Value, schema: &Value) -> BTreeSet<String> {
        let schema = followed(document, schema);
        let own = schema["enum"].as_array().into_iter().flatten();
        let mut out: BTreeSet<String> = own
            .chain(std::iter::once(&schema["const"]))
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        for several in ["anyOf", "oneOf"] {
            for one in schema[several].as_array().into_iter().flatten() {
                out.extend(choices(document, one));
            }
        }
        out
    }

    #[test]
    fn what_is_shown_and_what_is_kept_is_in_the_answer() {
        let document = openapi::document();
        let answer = |operation: Operation| {
            let answers = described(&document, operation)["responses"]
                .as_object()
                .unwrap();
            let (_, answer) = answers
                .iter()
                .find(|(status, _)| status.starts_with('2'))
                .unwrap();
            &answer["content"]["application/json"]["schema"]
        };
        let mut missing = Vec::new();
        for verb in all().filter(|verb| matches!(verb.does, Does::Call)) {
            let operation = *verb.calls.last().unwrap();
            let (schema, fields) = match verb.shows {
                Shows::List(columns) => {
                    let page = followed(&document, answer(operation));
                    let fields = columns.iter().map(|(_, field)| *field).collect();
                    (&page["properties"]["items"]["items"], fields)
                }
                Shows::Text(field) => (answer(operation), vec![field]),
                _ => (&Value::Null, Vec::new()),
            };
            let present = operation.reading().map_or(&Value::Null, answer);
            let fields = fields.into_iter().map(|field: &str| (schema, field));
            let kept = verb.keeps.iter().map(|(field, _)| (present, *field));
            let lacks = |(schema, field): &(&Value, &str)| {
                // The state of a phone is said from several fields (`table`).
                let is_said = *field == "state" && has(&document, schema, "key.state");
                !is_said && !has(&document, schema, field)
            };
            let lacking = fields.chain(kept).filter(lacks);
            missing.extend(lacking.map(|(_, field)| (verb.words, field)));
        }
        assert_eq!(missing, []);
    }

    #[test]
    fn what_removes_something_asks_before() {
        let removes = |verb: &&Verb| verb.calls.iter().any(|it| it.method() == "DELETE");
        let unasked = all().filter(removes).filter(|it| it.confirms.is_none());
        // What these take away comes again, or goes back to what was there before.
        assert_eq!(
            unasked.map(|verb| verb.words).collect::<Vec<_>>(),
            [
                "devices end-forward",
                "unknown dismiss",
                "templates remove",
                "access-paths end-move",
                "sessions remove"
            ]
        );
    }

    #[test]
    fn a_word_is_used_once() {
        let mut seen = BTreeSet::new();
        for verb in all() {
            assert!(seen.insert(verb.words), "{} is there twice", verb.words);
            if let Some((noun, _)) = verb.words.split_once(' ') {
                assert!(
                    NOUNS.iter().any(|(it, _)| *it == noun),
                    "{noun} says nothing"
                );
            }
            let mut names = BTreeSet::new();
            for arg in verb.each_arg() {
                assert!(names.insert(arg.name), "{}: {} twice", verb.words, arg.name);
            }
        }
    }
}
