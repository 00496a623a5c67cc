//! What a change would do that is only tried, as the API says it.

use serde_json::Value;

use crate::data::Read as _;
use crate::part::{Cell, Facts, Lines, List, Page, Section, Tone};
use crate::problem::{Problem, broken};
use crate::text::{EN, count, fill};

/// The page with what a trial found on top, where it stays beside what was typed.
pub fn on(mut page: Page, dry: Option<&Value>) -> Page {
    let Some(dry) = dry else { return page };
    let effects: Vec<String> = dry
        .list("effects")
        .iter()
        .map(|effect| effect.text("text").to_owned())
        .collect();
    // A change that no file is made from has no numbers of files.
    if effects.is_empty() || dry.number("compared") > Some(0) {
        page = page.fixing(facts(dry));
    }
    if !effects.is_empty() {
        page = page.fixing(List::of(EN.trial_effects, effects));
    }
    let files: Vec<String> = dry.list("files").iter().flat_map(broken).collect();
    if !files.is_empty() {
        page = page.fixing(List::of(EN.trial_broken_files, files));
    }
    let tests: Vec<String> = dry.list("tests").iter().map(test).collect();
    if !tests.is_empty() {
        page = page.fixing(List::of(EN.trial_tests, tests));
    }
    for (title, settings) in [
        (EN.trial_left_out, left_out(dry.at("checked"))),
        (EN.unused, unused(dry.at("checked"))),
    ] {
        if !settings.is_empty() {
            page = page.fixing(List::of(title, settings));
        }
    }
    differences(page, dry.list("diff"))
}

/// The page with how the files of a device would differ.
pub fn differences(mut page: Page, files: &[Value]) -> Page {
    let (same, other): (Vec<&Value>, Vec<&Value>) = files.iter().partition(|file| is_same(file));
    for file in other {
        page = page.fixing(difference(file));
    }
    let same: Vec<&str> = same.iter().map(|file| file.text("kind")).collect();
    if !same.is_empty() {
        page = page.fixing(Section::Text(fill(EN.same_files, &[&same.join(", ")])));
    }
    page
}

/// A page that asks whether to do something, with what it would do; or with why it was refused, which is said once.
pub async fn asking(
    page: Page,
    problem: Option<Problem>,
    tried: impl Future<Output = Option<Result<Value, Problem>>>,
) -> Page {
    if problem.is_some() {
        return page.with_problem(problem);
    }
    match tried.await {
        Some(Err(problem)) => refused(page, &problem),
        Some(Ok(dry)) => on(page, Some(&dry)),
        None => page,
    }
}

/// The page with why a trial was refused, where nothing was typed: it is said before the question, and takes no focus.
fn refused(page: Page, problem: &Problem) -> Page {
    let text = fill(EN.trial_refused, &[&problem.detail]);
    page.fixing(List::of(EN.trial_effects, vec![text]))
}

/// Settings that phones of a family do without, each with the number of them and why.
fn left_out(checked: &Value) -> Vec<String> {
    let one = |left: &Value| {
        let devices = left.number("devices").unwrap_or_default();
        let devices = count(devices, EN.this_many, EN.these_many);
        fill(EN.trial_left_out_of, &[&devices, left.text("message")])
    };
    checked.list("left_out").iter().map(one).collect()
}

/// Settings that reach no file, each with why.
fn unused(checked: &Value) -> Vec<String> {
    let one = |unused: &Value| fill("{}: {}", &[unused.text("name"), unused.text("message")]);
    checked.list("unused").iter().map(one).collect()
}

/// Whether nothing is to be told of a file.
fn is_same(file: &Value) -> bool {
    let errors = [file.text("from_error"), file.text("to_error")];
    !file.is("changed") && errors.iter().all(|error| error.is_empty())
}

fn facts(dry: &Value) -> Facts {
    let number = |name: &str| dry.number(name).unwrap_or_default();
    let devices = |name: &str| count(number(name), EN.this_many, EN.these_many);
    let tone = |name: &str, bad| match number(name) {
        0 => Tone::Good,
        _ => bad,
    };
    let sampled = number("affected") > number("compared");
    let compared = match sampled {
        true => fill(
            EN.trial_sampled,
            &[&dry.count("compared"), &dry.count("affected")],
        ),
        false => devices("compared"),
    };
    Facts::new(EN.trial)
        .with(EN.trial_affected, Cell::text(devices("affected")))
        .with(EN.trial_compared, Cell::text(compared))
        .with(
            EN.trial_changed,
            Cell::state(tone("changed", Tone::Plain), devices("changed")),
        )
        .with(
            EN.trial_broken,
            Cell::state(tone("broken", Tone::Bad), devices("broken")),
        )
}

/// A test of files that would fail, in a sentence.
pub fn test(test: &Value) -> String {
    let whose = [test.text("mac"), test.text("model")];
    let whose = whose.into_iter().find(|text| !text.is_empty());
    let found: Vec<&str> = test
        .list("found")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let found = match found.is_empty() {
        true => EN.test_found_none.to_owned(),
        false => found.join(", "),
    };
    let said = [
        test.text("name"),
        whose.unwrap_or_default(),
        test.text("file"),
        test.text("parameter"),
        &expected(test),
        &found,
    ];
    fill(EN.test_failed, &said)
}

/// What a test expects, in words.
pub fn expected(test: &Value) -> String {
    let value = test.text("value");
    match test.text("expect") {
        "equals" => fill(EN.expect_equals, &[value]),
        "contains" => fill(EN.expect_contains, &[value]),
        "present" => EN.expect_present.to_owned(),
        "absent" => EN.expect_absent.to_owned(),
        other => other.to_owned(),
    }
}

/// How a file would differ, line by line.
pub fn difference(file: &Value) -> Lines {
    let kind = file.text("kind");
    let title = match file.is("changed") {
        true => fill(EN.file_differs, &[kind]),
        false => fill(EN.file_same, &[kind]),
    };
    let mut lines = Lines::diff(&title, file.at("hunks"));
    if !lines.lines.is_empty() {
        lines.hint = EN.diff_hint.to_owned();
    }
    for (text, member) in [
        (EN.error_before, "from_error"),
        (EN.error_after, "to_error"),
    ] {
        if !file.text(member).is_empty() {
            lines.findings.push(fill(text, &[file.text(member)]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shell::Shell;

    #[test]
    fn what_a_change_does_besides_is_told_in_its_sentences() {
        let dry = json!({
            "affected": 1, "compared": 0, "changed": 0, "broken": 0, "files": [], "tests": [], "diff": null,
            "effects": [{"about": "plaintext_file", "number": 1, "text": "A plaintext file waits."}],
        });
        let html = on(Page::new(Shell::outside("x")), Some(&dry)).html();
        let html = html.unwrap_or_default();
        assert!(html.contains("A plaintext file waits."), "{html}");
        assert!(!html.contains(EN.trial_compared), "{html}");
    }

    #[test]
    fn what_would_be_refused_is_said_before_the_question_and_is_no_answer_to_what_was_typed() {
        let problem = Problem::new(409, "Conflict", "The site still has devices (2).");
        let html = refused(Page::new(Shell::outside("x")), &problem).html();
        let html = html.unwrap_or_default();
        assert!(html.contains("The change would be refused. The site still has devices (2)."));
        assert!(!html.contains("problem"), "{html}");
    }

    #[test]
    fn a_trial_is_told_in_numbers_and_lines() {
        let dry = json!({
            "affected": 600, "compared": 500, "changed": 500, "broken": 1,
            "files": [{"mac": "0080F0C571EB", "file": "standard", "findings": [], "error": "x, line 3: y"}],
            "checked": {
                "left_out": [{"name": "language", "family": "obi", "devices": 3, "message": "language is in no file of obi: why"}],
                "unused": [{"name": "standart_X", "layer": "tenant", "message": "no template reads it"}],
            },
            "tests": [{"name": "N", "mac": "0080F0C571EB", "file": "standard", "parameter": "P", "expect": "equals", "value": "v", "found": ["w"]}],
            "diff": [{"kind": "standard", "changed": true, "hunks": [
                {"lines": [{"kind": "equal", "from": 7, "to": 7, "text": "a"}, {"kind": "delete", "from": 8, "to": null, "text": "<b>"}, {"kind": "insert", "from": null, "to": 8, "text": "c"}]},
                {"lines": [{"kind": "insert", "from": null, "to": 1234, "text": "d"}]}]}],
        });
        let html = on(Page::new(Shell::outside("x")), Some(&dry)).html();
        let html = html.unwrap_or_default();
        for told in [
            "500 of 600",
            "x, line 3: y",
            "3 devices: language is in no file of obi: why",
            "standart_X: no template reads it",
            "N: 0080F0C571EB",
            "− &#60;b&#62;",
            "+ c",
            "⋯",
            "data-numbers=\"   7    7\">  a<",
            "class=\"removed\" data-numbers=\"   8     \"",
            "class=\"added\" data-numbers=\"     1234\">+ d<",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
    }
}
