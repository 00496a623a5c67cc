//! The pages for operators in `docs/phones`: what the records of a vendor's families say stands in them.
//!
//! `UPDATE=1 cargo test -p ringfence-provision --test pages` writes it anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringfence_provision::family::{Duplicates, Family};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::vendor::conduct::{
    AfterMissing, Asked, BetweenFiles, Challenge, Challenges, Fact, KnownModel, Macro, Role,
};
use ringfence_provision::vendor::{FamilySpec, NAMES, grade, of_family, patterns_of, profiles};

const BEGIN: &str = "<!-- records -->\n";
const END: &str = "<!-- /records -->\n";
const NOT_FOUND: &str = "not found";

#[test]
fn each_page_has_what_the_records_say() {
    let mut wrong = Vec::new();
    for (vendor, families) in vendors() {
        let page = page(vendor);
        let Ok(text) = std::fs::read_to_string(&page) else {
            // A vendor outside of the tree has its page elsewhere.
            let folder = format!("src/vendor/{}", vendor.to_lowercase());
            let is_ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).exists();
            assert!(!is_ours, "{} is missing", page.display());
            continue;
        };
        let made = with_records(&text, &records(&families));
        if text == made {
            continue;
        }
        match std::env::var_os("UPDATE") {
            Some(_) => std::fs::write(page, made).unwrap(),
            None => wrong.push(vendor),
        }
    }
    assert!(
        wrong.is_empty(),
        "pages of {wrong:?}: UPDATE=1 cargo test -p ringfence-provision --test pages"
    );
}

#[test]
fn a_record_tells_of_each_name_that_is_served() {
    for family in Family::ALL {
        let spec = family.spec();
        let asks = spec.conduct.asks;
        let mut seen: Vec<&str> = asks.iter().map(|asked| asked.name).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), asks.len(), "{family:?} asks twice");
        for (kind, _, name) in names(family) {
            let asked = asks.iter().find(|asked| asked.name == name);
            let role = asked.map(|asked| asked.role);
            let fits = match kind {
                FileKind::Initial => matches!(role, Some(Role::Initial | Role::Index)),
                FileKind::Standard => role == Some(Role::Device),
                FileKind::Product => role == Some(Role::Model),
                FileKind::Master | FileKind::System => role == Some(Role::Everybody),
            };
            assert!(fits, "{family:?}: {kind:?} {name} is {role:?}");
        }
    }
}

#[test]
fn what_a_record_says_is_short_and_whole_sentences() {
    let mut wrong = Vec::new();
    for family in Family::ALL {
        let conduct = family.spec().conduct;
        let mut facts: Vec<&str> = [
            conduct.missing,
            conduct.certificate,
            conduct.http_authentication,
            conduct.tls,
            conduct.challenge.map_or(&[], |challenge| challenge.remarks),
        ]
        .concat()
        .iter()
        .map(|fact| fact.text)
        .collect();
        let single = [
            conduct.with_key,
            conduct.after_rekey,
            conduct.fetch,
            conduct.restart,
            conduct.certificate_subject,
            conduct
                .challenge
                .and_then(|challenge| challenge.credentials),
        ];
        facts.extend(single.into_iter().flatten().map(|fact| fact.text));
        facts.extend(conduct.asks.iter().filter_map(|asked| asked.remark));
        let is_short = |text: &&&str| text.len() <= 200 && text.ends_with('.');
        let others = facts.iter().filter(|text| !is_short(text));
        wrong.extend(others.map(|text| (family, *text)));
        // A table's cell ends there.
        assert!(!facts.concat().contains(['|', '\n']), "{family:?}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_code_of_a_model_stands_in_a_name_that_its_phones_ask_for() {
    for family in Family::ALL {
        let conduct = family.spec().conduct;
        let has_codes = conduct.models.iter().any(|model| model.code.is_some());
        let asks = conduct.asks.iter();
        assert_eq!(
            has_codes,
            asks.filter(|asked| asked.name.contains("{code}")).count() > 0,
            "{family:?}"
        );
        for model in conduct.models {
            assert!(
                model.code.is_some() || model.lines.is_some(),
                "{family:?} {}: nothing is known",
                model.model
            );
        }
    }
}

/// The vendors, each with its families.
fn vendors() -> Vec<(&'static str, Vec<Family>)> {
    let mut vendors: Vec<(&'static str, Vec<Family>)> = Vec::new();
    for family in Family::ALL {
        let vendor = of_family(family);
        match vendors.iter_mut().find(|(name, _)| *name == vendor) {
            Some((_, families)) => families.push(family),
            None => vendors.push((vendor, vec![family])),
        }
    }
    vendors
}

fn page(vendor: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/phones")
        .join(format!("{}.md", vendor.to_lowercase()))
}

/// The page with these records: in the place of those that it has, or below its first paragraph.
fn with_records(text: &str, records: &str) -> String {
    if let Some((before, rest)) = text.split_once(BEGIN) {
        let (_, after) = rest.split_once(END).unwrap();
        return format!("{before}{BEGIN}{records}{END}{after}");
    }
    let mut paragraphs = text.split("\n\n");
    let mut before = Vec::new();
    for paragraph in paragraphs.by_ref() {
        before.push(paragraph);
        if !paragraph.starts_with(['#', '|']) {
            break;
        }
    }
    let after: Vec<&str> = paragraphs.collect();
    format!(
        "{}\n\n{BEGIN}{records}{END}\n{}",
        before.join("\n\n").trim_end(),
        after.join("\n\n")
    )
}

/// What the records of a vendor's families say.
fn records(families: &[Family]) -> String {
    let mut page = String::from(
        "\nThis is what Ringfence's records of these phones say. *Inferred* marks what no source says in so many words, and \
         *not found*\nis no statement about a phone.\n\n",
    );
    let several = families.len() > 1;
    page.push_str(match several {
        true => "| what | family | as far as is known |\n|---|---|---|\n",
        false => "| what | as far as is known |\n|---|---|\n",
    });
    for (what, say) in ROWS {
        for (these, said) in grouped(families, *say) {
            let these = list(&these, families.len());
            match several {
                true => writeln!(page, "| {what} | {these} | {said} |").unwrap(),
                false => writeln!(page, "| {what} | {said} |").unwrap(),
            }
        }
    }
    for (these, table) in grouped(families, names_table) {
        let whose = match several {
            true => format!(" ({})", list(&these, families.len())),
            false => String::new(),
        };
        let colons = match table.contains("{MAC:COLONS}") {
            true => ", `{MAC:COLONS}` with colons",
            false => "",
        };
        writeln!(
            page,
            "\nThe names that phones ask for, in their order{whose}. `{{mac}}` is the MAC in small letters, `{{MAC}}` in \
             capitals{colons}.\n\n{table}"
        )
        .unwrap();
    }
    page
}

/// A row of the table: what it is about, and what the record of a family says.
type Row = (&'static str, fn(Family) -> String);

const ROWS: &[Row] = &[
    ("models, by how their names begin", models),
    ("codes of models", codes),
    ("lines of models", lines),
    ("names that are never there", never),
    ("what a 404 means", |family| {
        facts(family.spec().conduct.missing)
    }),
    ("of two equal parameters in a file", |family| {
        match family.duplicate_rule() {
            Duplicates::FirstWins => "the first counts; a finding says so",
            Duplicates::LastWins => "the last counts; a finding says so",
            Duplicates::Unstated => "which one counts was not found; two that differ are refused",
        }
        .to_owned()
    }),
    ("of two files that set one parameter", |family| {
        match family.spec().conduct.between_files {
            Some(BetweenFiles::FirstRead) => "the one that is read first counts",
            Some(BetweenFiles::LastRead) => "the one that is read last counts",
            Some(BetweenFiles::NearestToDevice) => {
                "that of the device counts, then that of the model, then that for everybody"
            }
            None => NOT_FOUND,
        }
        .to_owned()
    }),
    ("refused in a value, by the syntax", refused),
    ("what Ringfence takes at most", |family| {
        format!(
            "{} KB for all files of a device, {} settings on a layer",
            family.total_limit() / 1024,
            family.settings_limit()
        )
    }),
    ("macros", |family| macros(family.spec().conduct.macros)),
    ("sealing", sealing),
    ("where the key goes", key),
    ("NOTIFY that fetches", |family| {
        let spec = family.spec();
        event(spec.fetch_event, spec.conduct.fetch)
    }),
    ("NOTIFY that restarts", |family| {
        let spec = family.spec();
        match (spec.restart_event, spec.conduct.restart) {
            (Some(name), says) => event(name, says),
            (None, Some(says)) => format!("none. {}", fact(&says)),
            (None, None) => "no event that does so was found".to_owned(),
        }
    }),
    ("challenge of a NOTIFY", |family| {
        challenge(family.spec().conduct.challenge)
    }),
    ("User-Agent", |family| {
        lined(patterns_of(family).iter().map(|pattern| code(pattern)))
    }),
    ("client certificate", |family| {
        let conduct = family.spec().conduct;
        match conduct.certificate_subject {
            Some(subject) => format!("{} {}", fact(&subject), all_facts(conduct.certificate)),
            None => facts(conduct.certificate),
        }
    }),
    ("HTTP authentication", |family| {
        facts(family.spec().conduct.http_authentication)
    }),
    ("TLS", |family| facts(family.spec().conduct.tls)),
];

/// What families say, each with those that say the same.
fn grouped(families: &[Family], say: fn(Family) -> String) -> Vec<(Vec<Family>, String)> {
    let mut groups: Vec<(Vec<Family>, String)> = Vec::new();
    for family in families {
        let said = say(*family).trim().to_owned();
        match groups.iter_mut().find(|(_, other)| *other == said) {
            Some((these, _)) => these.push(*family),
            None => groups.push((vec![*family], said)),
        }
    }
    groups
}

fn list(families: &[Family], of: usize) -> String {
    if families.len() == of {
        return "all".to_owned();
    }
    joined(families.iter().map(|family| code(family.as_str())))
}

fn models(family: Family) -> String {
    let prefixes = family.spec().model_prefixes;
    // As the label has it: others have the vendor's name before it.
    let is_short = |name: &&&str| !prefixes.iter().any(|it| it != *name && name.ends_with(it));
    let named = joined(prefixes.iter().filter(is_short).map(|name| code(name)));
    match named.is_empty() {
        true => "none: the device says the family".to_owned(),
        false => named,
    }
}

fn codes(family: Family) -> String {
    let models = family.spec().conduct.models.iter();
    let said = models.filter_map(|it| Some((it.code?.to_owned(), it.model)));
    by_value(said)
}

fn lines(family: Family) -> String {
    let mut models: Vec<&KnownModel> = family.spec().conduct.models.iter().collect();
    models.sort_by_key(|it| it.lines);
    let said = models
        .into_iter()
        .filter_map(|it| Some((it.lines?.to_string(), it.model)));
    by_value(said)
}

/// Values, each with its models.
fn by_value(said: impl Iterator<Item = (String, &'static str)>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (value, model) in said {
        match groups.iter_mut().find(|(other, _)| *other == value) {
            Some((_, models)) => models.push(model),
            None => groups.push((value, vec![model])),
        }
    }
    let groups = groups
        .iter()
        .map(|(value, models)| format!("`{value}`: {}", models.join(", ")));
    or_not_found(groups.collect::<Vec<_>>().join("; "))
}

fn never(family: Family) -> String {
    let names = family.spec().never.iter();
    match joined(names.map(|name| code(name))) {
        none if none.is_empty() => "none is known".to_owned(),
        names => names,
    }
}

fn refused(family: Family) -> String {
    let refused = family.refused();
    let characters = refused
        .characters
        .iter()
        .map(|it| format!("`{it}`"))
        .collect::<Vec<_>>();
    let mut said = vec!["control characters".to_owned()];
    said.extend((!characters.is_empty()).then(|| characters.join(" ")));
    said.extend(refused.beyond_ascii.then(|| "what is not ASCII".to_owned()));
    said.extend(
        refused
            .blanks_at_ends
            .then(|| "a blank at either end".to_owned()),
    );
    said.extend(
        refused
            .longest
            .map(|longest| format!("more than {longest} characters")),
    );
    said.join(", ")
}

fn macros(macros: Option<&[Macro]>) -> String {
    let Some(macros) = macros else {
        return NOT_FOUND.to_owned();
    };
    if macros.is_empty() {
        return "it has none".to_owned();
    }
    lined(macros.iter().map(|it| {
        let mark = if it.inferred { " (*inferred*)" } else { "" };
        format!("`{}`: {}{mark}", it.written, it.stands_for)
    }))
}

fn sealing(family: Family) -> String {
    let profiles = family.profiles().map(|name| {
        let mark = match family.default_profile_name() == Some(name) {
            true => ", unless an operator says otherwise",
            false => "",
        };
        format!("`{name}`: {}{mark}", grade(name).unwrap().as_str())
    });
    match lined(profiles) {
        none if none.is_empty() => "none: files go out in clear".to_owned(),
        profiles => profiles,
    }
}

fn key(family: Family) -> String {
    let spec = family.spec();
    let mut places: Vec<(String, Vec<&str>)> = Vec::new();
    for profile in profiles().filter(|profile| spec.profiles.contains(&profile.name)) {
        let mut place = code(profile.key_parameter);
        for beside in [profile.key_length_parameter, profile.iv_parameter] {
            place.extend(beside.map(|name| format!(", with `{name}`")));
        }
        match places.iter_mut().find(|(other, _)| *other == place) {
            Some((_, names)) => names.push(profile.name),
            None => places.push((place, vec![profile.name])),
        }
    }
    if places.is_empty() {
        return match spec.key.prefix {
            "" => "there is no key".to_owned(),
            prefix => format!("nowhere: a file that sets `{prefix}` is refused"),
        };
    }
    let one = places.len() == 1;
    let mut said: Vec<String> = places
        .into_iter()
        .map(|(place, names)| match one {
            true => place,
            false => format!("{}: {place}", joined(names.into_iter().map(code))),
        })
        .collect();
    let groups = spec.key.groups;
    if family.xml().is_some() && !groups.is_empty() {
        said.push(format!("in {}", code(&groups.join("/"))));
    }
    if let Some(carrier) = spec.key.carrier {
        said.push(format!("a file of its own carries it as `{}`", carrier.key));
    }
    let beside = spec.conduct.with_key.as_ref();
    said.push(match beside {
        Some(beside) => format!("what changes with it: {}", fact(beside)),
        None => format!("what changes with it: {NOT_FOUND}"),
    });
    said.extend(
        spec.conduct
            .after_rekey
            .map(|says| format!("after a re-key: {}", fact(&says))),
    );
    lined(said.into_iter())
}

fn event(name: &str, says: Option<Fact>) -> String {
    match says {
        Some(says) => format!("`{name}`: {}", fact(&says)),
        None => format!("`{name}`: what it does was not found"),
    }
}

fn challenge(challenge: Option<Challenge>) -> String {
    let Some(challenge) = challenge else {
        return NOT_FOUND.to_owned();
    };
    let when = match challenge.when {
        Challenges::ByDefault => "by default.",
        Challenges::IfSet => "if a parameter says so.",
        Challenges::NotSeen => "no source tells of one.",
    };
    let whose = match (challenge.credentials, challenge.when) {
        (Some(whose), _) => fact(&whose),
        (None, Challenges::NotSeen) => String::new(),
        (None, _) => "Whose name and password answer it was not found.".to_owned(),
    };
    let parts = [when.to_owned(), whose, all_facts(challenge.remarks)];
    spaced(parts.into_iter())
}

fn names_table(family: Family) -> String {
    let mut table =
        String::from("| | name | role | answer | after a 404 | |\n|---|---|---|---|---|---|\n");
    for (number, asked) in family.spec().conduct.asks.iter().enumerate() {
        let remark = asked.remark.map(|remark| format!(" {remark}"));
        let remark = remark.unwrap_or_default();
        let after = match asked.missing {
            Some(AfterMissing::GoesOn) => "goes on",
            Some(AfterMissing::AsksNext) => "asks the next name",
            Some(AfterMissing::Keeps) => "keeps what it has",
            Some(AfterMissing::Stops) => "stops",
            None => NOT_FOUND,
        };
        writeln!(
            table,
            "| {} | `{}` | {} | {} | {after} |{remark} |",
            number + 1,
            asked.name,
            asked.role.as_str(),
            answer(family, asked),
        )
        .unwrap();
    }
    table
}

/// What Ringfence answers at a name.
fn answer(family: Family, asked: &Asked) -> &'static str {
    let spec: &FamilySpec = family.spec();
    let form = names(family)
        .find(|(_, _, name)| *name == asked.name)
        .map(|(_, form, _)| form);
    let has_profiles = !spec.profiles.is_empty();
    let is_for_one = asked.role == Role::Device;
    match form {
        None if spec.forbids(asked.name) => "404, always",
        None => "404",
        Some(Form::Sealed) => "the sealed file",
        Some(Form::Plain) if family.carries_key_at(asked.name) => "the key, once",
        Some(Form::Plain) if has_profiles && is_for_one && spec.sealed_at_plain_name => {
            "the file; of a sealed device the bootstrap, once, then the sealed file"
        }
        Some(Form::Plain) if has_profiles && is_for_one => {
            "the file; of a sealed device the bootstrap, once"
        }
        Some(Form::Plain) => "the file",
    }
}

/// The names under which a family's files are.
fn names(family: Family) -> impl Iterator<Item = (FileKind, Form, &'static str)> {
    let names = match family.spec().names {
        [] => NAMES,
        own => own,
    };
    let kinds = family.kinds();
    names
        .iter()
        .copied()
        .filter(move |(kind, _, _)| kinds.contains(kind))
}

fn facts(facts: &[Fact]) -> String {
    or_not_found(all_facts(facts))
}

fn all_facts(facts: &[Fact]) -> String {
    spaced(facts.iter().map(fact))
}

fn spaced(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn fact(fact: &Fact) -> String {
    match fact.inferred {
        true => format!("{} (*inferred*)", fact.text),
        false => fact.text.to_owned(),
    }
}

fn or_not_found(text: String) -> String {
    match text.is_empty() {
        true => NOT_FOUND.to_owned(),
        false => text,
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn lined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("<br>")
}
