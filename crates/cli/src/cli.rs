//! The command line: from the table of verbs to clap, and from what was given to what is done.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Arg as ClapArg, ArgAction, ArgMatches, Command};
use ringfence_api::operation::Needs;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::command::settings::assigned;
use crate::command::{fleet, follow, options};
use crate::failure::Failure;
use crate::given::{Given, option};
use crate::output::{Format, Output, complain, confirm};
use crate::profile::{self, Profile};
use crate::secret;
use crate::session::Session;
use crate::table::{self, List};
use crate::verb::{self, Arg, Does, Kind, NOUNS, Shows, Verb};
use crate::words::{field, text};

/// What stands below the help of the whole.
const AFTER: &str = "\
`ringfence help devices list` says of each command what it takes.

Where the installation is, and who asks:
  --profile, or RINGFENCE_PROFILE, or the default of ~/.config/ringfence/config.toml (RINGFENCE_CONFIG)
  RINGFENCE_URL and RINGFENCE_TOKEN, or --url and --token-stdin, for one command
  A token is never an argument: everybody on the machine sees those.

Exit codes:
  0  done
  1  the API refused it; the line on standard error says why and what to do
  2  the command line, a file or the configuration is not as it must be
  3  the installation was not reached, or cannot answer now
  4  done, but not all of it: rows were refused, a phone did not fetch, a file has findings, a plan has changes
";

/// Runs the program.
pub fn main() -> ExitCode {
    exit(std::env::args_os())
}

/// Runs the program with these arguments, the first of which is its name.
pub fn exit(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(asking_for_help(args)) {
        Ok(matches) => matches,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

/// `ringfence help devices list` is `ringfence devices list --help`, and so is `ringfence devices help list`.
fn asking_for_help(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let is_noun = |word: &OsString| NOUNS.iter().any(|(noun, _)| word == noun);
    let place = match args.get(1) {
        Some(first) if first == "help" => Some(1),
        Some(first) if is_noun(first) => args.get(2).filter(|it| *it == "help").map(|_| 2),
        _ => None,
    };
    if let Some(place) = place {
        args.remove(place);
        args.push("--help".into());
    }
    args
}

/// The whole command line.
pub fn command() -> Command {
    let mut root = Command::new("ringfence")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A fleet of SIP phones from a terminal, from a file and from git")
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .infer_subcommands(false)
        .args(globals());
    for (noun, about) in NOUNS {
        let mut group = Command::new(*noun)
            .about(*about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true);
        for verb in verb::all() {
            if let Some((first, second)) = verb.words.split_once(' ')
                && first == *noun
            {
                group = group.subcommand(of_verb(second, verb));
            }
        }
        root = root.subcommand(group);
    }
    for verb in verb::all().filter(|verb| !verb.words.contains(' ')) {
        root = root.subcommand(of_verb(verb.words, verb));
    }
    root
}

fn of_verb(name: &'static str, verb: &'static Verb) -> Command {
    let mut command = Command::new(name).about(verb.about);
    for arg in verb.each_arg() {
        command = command.arg(of_arg(arg));
        if arg.kind == Kind::Rest {
            // Help is the other program's too.
            command = command.disable_help_flag(true);
        }
    }
    if verb.confirms.is_some() {
        command = command.arg(of_arg(&verb::YES));
    }
    command
}

fn of_arg(arg: &'static Arg) -> ClapArg {
    let mut out = ClapArg::new(arg.name)
        .help(arg.help)
        .required(arg.is_required);
    if !arg.is_place {
        out = out.long(option(arg.name));
    }
    out = match (arg.kind, arg.is_many) {
        (Kind::Flag, _) => return out.action(ArgAction::SetTrue),
        (_, true) => out.action(ArgAction::Append),
        (_, false) => out.action(ArgAction::Set),
    };
    let name = match arg.kind {
        Kind::Number | Kind::Limit => "N",
        Kind::Past | Kind::Future => "TIME",
        Kind::File | Kind::Json => "FILE",
        Kind::Secret => "WHERE",
        _ => arg.name,
    };
    out = out.value_name(name.to_uppercase());
    match arg.kind {
        // The order of a list may begin with a hyphen.
        Kind::Choice(words) => out
            .value_parser(PossibleValuesParser::new(words))
            .allow_hyphen_values(arg.name == "sort"),
        Kind::Switch => out.value_parser(["on", "off"]),
        Kind::Rest => out
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true),
        _ => out,
    }
}

fn globals() -> [ClapArg; 7] {
    let flag = |name: &'static str, help: &'static str| {
        ClapArg::new(format!("global-{name}"))
            .long(name)
            .help(help)
            .global(true)
            .action(ArgAction::SetTrue)
            .help_heading("For every command")
    };
    let value = |name: &'static str, help: &'static str| {
        flag(name, help)
            .action(ArgAction::Set)
            .value_name(name.to_uppercase())
    };
    [
        value(
            "profile",
            "The installation, as the file of profiles calls it",
        ),
        value("url", "Where the installation is"),
        value("tenant", "Name or id of the tenant (RINGFENCE_TENANT)"),
        flag("token-stdin", "Read the token from standard input"),
        flag("json", "Answer as JSON").conflicts_with("global-csv"),
        flag("csv", "Answer as CSV"),
        flag("quiet", "Answer with names alone, and remark nothing").short('q'),
    ]
}

fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (verb, matches) = find(matches)?;
    let given = Given { matches, verb };
    let output = Output {
        format: match (given.flag("global-json"), given.flag("global-csv")) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => Format::People,
        },
        quiet: given.flag("global-quiet"),
    };
    match verb.does {
        Does::Local(run) => run(output, &given),
        Does::Run(run) => {
            let session = session(&given, output)?;
            confirmed(&given)?;
            run(&session, &given)
        }
        Does::Call => {
            let session = session(&given, output)?;
            confirmed(&given)?;
            do_call(&session, &given)
        }
    }
}

fn confirmed(given: &Given<'_>) -> Result<(), Failure> {
    match given.verb.confirms {
        Some(what) if !given.flag("yes") && !given.flag("dry_run") => confirm(what),
        _ => Ok(()),
    }
}

/// The verb that was given, and its arguments.
fn find(matches: &ArgMatches) -> Result<(&'static Verb, &ArgMatches), Failure> {
    let mut words = Vec::new();
    let mut at = matches;
    while let Some((word, below)) = at.subcommand() {
        words.push(word);
        at = below;
    }
    let words = words.join(" ");
    let verb = verb::all().find(|verb| verb.words == words);
    verb.map(|verb| (verb, at))
        .ok_or_else(|| Failure::Usage("name what is to be done: see --help.".to_owned()))
}

/// Where the installation is and who asks: the command line, then the environment, then the profile.
fn session(given: &Given<'_>, output: Output) -> Result<Session, Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = given.text("global-profile").map(str::to_owned);
    let named = named.or_else(|| set("RINGFENCE_PROFILE"));
    let said_url = given.text("global-url").map(str::to_owned);
    let said_url = said_url.or_else(|| set("RINGFENCE_URL"));
    let profile = profile(named.as_deref(), said_url.is_some())?;
    let url = said_url
        .clone()
        .or_else(|| profile.as_ref().map(|it| it.url.clone()));
    let url = url.ok_or_else(|| {
        Failure::Usage(
            "where is the installation? Write a profile (ringfence profiles add NAME --url https://…), or give --url or RINGFENCE_URL."
                .to_owned(),
        )
    })?;
    // The token of a profile is for the installation of that profile alone.
    let same = |profile: &Profile| {
        said_url.is_none()
            || crate::client::base(&profile.url).ok() == crate::client::base(&url).ok()
    };
    let own = profile.as_ref().filter(|profile| same(profile));
    let token = if given.flag("global-token-stdin") {
        Some(secret::read("-")?)
    } else if let Some(token) = set("RINGFENCE_TOKEN") {
        Some(token.trim().into())
    } else {
        own.map(Profile::token).transpose()?.flatten()
    };
    if token.is_none() && needs_token(given.verb) {
        return Err(Failure::Usage(
            "whose command is it? Give a token: by RINGFENCE_TOKEN, by --token-stdin or by a profile (ringfence profiles add)."
                .to_owned(),
        ));
    }
    let tenant = given.text("global-tenant").map(str::to_owned);
    let tenant = tenant
        .or_else(|| set("RINGFENCE_TENANT"))
        .or_else(|| own.and_then(|profile| profile.tenant.clone()));
    Ok(Session::new(
        Client::new(&url, token, output)?,
        output,
        tenant,
    ))
}

/// Whether a verb makes calls that nobody answers without a token.
fn needs_token(verb: &Verb) -> bool {
    let mut needs = verb.calls.iter().map(|operation| operation.needs());
    needs.all(|needs| needs != Needs::Nothing)
}

fn profile(named: Option<&str>, is_told: bool) -> Result<Option<Profile>, Failure> {
    let path = profile::path();
    let profiles = profile::load(&path)?;
    let only = || match profiles.profiles.len() {
        1 => profiles.profiles.keys().next().cloned(),
        _ => None,
    };
    let name = match named {
        Some(named) => named.to_owned(),
        None => match profiles.default.clone().or_else(only) {
            Some(name) => name,
            None => return Ok(None),
        },
    };
    match profiles.profiles.get(&name) {
        Some(profile) => Ok(Some(profile.clone())),
        None if is_told && named.is_none() => Ok(None),
        None => Err(Failure::Usage(format!(
            "{} has no profile {name}. `ringfence profiles list` shows them.",
            path.display()
        ))),
    }
}

/// A verb that is one call, with what it reads before and waits for after.
fn do_call(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let verb = given.verb;
    let mut call = given.call(session)?;
    if let Shows::List(columns) = verb.shows {
        if given.flag("follow") {
            return follow::events(session, &call, columns);
        }
        call.is_whole = verb.each_arg().all(|arg| arg.name != "limit");
        let list = List::new(session.output, columns);
        let limit = list.limit(given.limit()?);
        return show_list(session, &call, list, limit);
    }
    let mut body = Value::Object(Map::new());
    if !verb.keeps.is_empty() {
        let answer = session.client.call(&call.reading()?)?;
        let present = answer.json()?;
        for (name, place) in verb.keeps {
            let value = field(&present, name);
            if !value.is_null() {
                crate::given::put(&mut body, place, value.clone());
            }
        }
        call.if_match = answer.etag;
    }
    if matches!(call.operation.method(), "POST" | "PUT") {
        let mut body = given.body(session, body)?;
        if verb.each_arg().any(|arg| arg.name == "options") {
            options::change(given, &mut body)?;
        }
        if verb.each_arg().any(|arg| arg.name == "secret") {
            let settings = assigned(given)?;
            if !settings.is_empty() {
                crate::given::put(&mut body, "settings", settings.into());
            }
        }
        call.body = Some(body);
    }
    if given.flag("dry_run")
        && call.operation.compares_files()
        && let Some(mac) = given.text("mac").or_else(|| given.text("diff_for"))
    {
        call = call.asking("device", mac);
    }
    let answer = session.client.call(&call)?;
    if let Shows::Raw = verb.shows {
        return session.output.bytes(&answer.body);
    }
    let value = answer.json()?;
    if given.flag("wait")
        && !given.flag("dry_run")
        && let Some(wait) = verb.waits
    {
        return follow::wait(session, given, wait, &value);
    }
    show(session, verb, given, &value)
}

/// Writes a list, page by page.
///
/// # Errors
/// A page is not to be had or cannot be written.
pub fn show_list(
    session: &Session,
    call: &crate::client::ApiCall,
    mut list: List,
    limit: usize,
) -> Result<(), Failure> {
    let is_named = session.output.format != Format::Json;
    let more = session.client.pages(call, limit, |mut items| {
        if is_named {
            fleet::name_sites(session, &mut items)?;
        }
        list.page(&items)
    })?;
    list.end(more)
}

fn show(session: &Session, verb: &Verb, given: &Given<'_>, answer: &Value) -> Result<(), Failure> {
    let output = session.output;
    if given.flag("dry_run") && answer.get("compared").is_some() {
        if let (Shows::Done(word), Format::People) = (verb.shows, output.format) {
            output.remark(&format!("It would be {word}."));
        }
        return fleet::show_trial(output, answer);
    }
    if output.format == Format::People {
        fleet::remark_on_change(output, answer);
    }
    match verb.shows {
        Shows::Device => fleet::show_device(session, answer),
        Shows::Text(name) if output.format == Format::People => match answer.get(name) {
            Some(Value::String(source)) => output.answer(source),
            _ => Err(Failure::Unfinished(match text(answer, "error") {
                "" => "there is no such file.".to_owned(),
                error => format!("the file cannot be made: {error}"),
            })),
        },
        Shows::Done(word) => match output.format {
            Format::Json => table::json(output, answer),
            _ => {
                output.remark(&format!("It is {word}."));
                Ok(())
            }
        },
        _ => table::one(output, answer),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_token() {
        fn check(command: &Command) {
            for arg in command.get_arguments() {
                let name = arg.get_long().unwrap_or_default();
                let is_token =
                    name == "token" && !arg.get_help().unwrap().to_string().contains("id");
                assert!(
                    !is_token && name != "password",
                    "{}: --{name}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn the_help_says_what_there_is() {
        let mut command = command().term_width(100);
        command.build();
        insta::assert_snapshot!(command.render_long_help());
        let devices = command.find_subcommand_mut("devices").unwrap();
        insta::assert_snapshot!(devices.render_long_help());
        let list = devices.find_subcommand_mut("list").unwrap();
        insta::assert_snapshot!(list.render_long_help());
    }
}
