//! What is wrong with a template, each at its line: for the editor, while one types and after a save that was
//! refused.

use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{Problem, broken, line_in};
use crate::text::{EN, fill};

/// The most marks that are shown.
pub const MAX_MARKS: usize = 50;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The line of the template, from 1; 0 for the whole of it.
    pub line: u64,
    pub text: String,
}

impl Mark {
    fn new(text: &str) -> Self {
        let line = line_in(text).unwrap_or_default();
        let text = text.to_owned();
        Self { line, text }
    }
}

/// What a save or a trial was refused for.
pub fn of_problem(problem: &Problem) -> Vec<Mark> {
    let found = problem.findings.iter().map(|text| Mark::new(text));
    let mut marks: Vec<Mark> = found.take(MAX_MARKS).collect();
    if marks.is_empty() {
        marks.push(Mark::new(&problem.detail));
    }
    marks
}

/// What a trial that the API took would break: files, then tests of files.
pub fn of_trial(trial: &Value) -> Vec<Mark> {
    let all = |name: &str| {
        let list = trial.get(name).and_then(Value::as_array);
        list.into_iter().flatten().cloned().collect::<Vec<_>>()
    };
    let files = all("files");
    let tests = all("tests");
    let broken = files.iter().flat_map(broken);
    let failed = tests.iter().map(failed);
    broken
        .chain(failed)
        .take(MAX_MARKS)
        .map(|text| Mark::new(&text))
        .collect()
}

/// A test of files that a change would break.
fn failed(test: &Value) -> String {
    let text = |name: &str| test.get(name).and_then(Value::as_str);
    let whose = text("mac").or(text("model")).unwrap_or_default();
    fill(
        EN.test_fails,
        &[
            whose,
            text("file").unwrap_or_default(),
            text("name").unwrap_or_default(),
        ],
    )
}

/// What the editor reads.
pub fn json(marks: &[Mark]) -> Value {
    json!(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_template_is_at_its_line_and_the_rest_at_none() {
        let trial = json!({
            "broken": 2,
            "files": [
                {"mac": "0080F0C571EB", "model": "A", "file": "standard", "findings": [], "error": "templates/standard/utg, line 9: what"},
                {"mac": null, "model": "A", "file": "product", "findings": [{"line": 3, "message": "Not closed.", "help": "Close it."}]},
            ],
            "tests": [{"mac": "0080F0C571EB", "model": "A", "file": "standard", "name": "Reception"}],
        });
        let marks = of_trial(&trial);
        let lines: Vec<u64> = marks.iter().map(|mark| mark.line).collect();
        assert_eq!(lines, [9, 0, 0]);
        assert_eq!(
            marks.last().map(|mark| mark.text.as_str()),
            Some("0080F0C571EB standard: the test “Reception” fails.")
        );
        assert!(of_trial(&json!({"affected": 3, "files": [], "tests": []})).is_empty());
    }

    #[test]
    fn what_a_save_was_refused_for_is_said_even_without_a_file() {
        let slip = Problem::new(422, "t", "`source`: templates/standard/utg, line 2: x");
        let marks = of_problem(&slip);
        assert_eq!(
            marks,
            [Mark {
                line: 2,
                text: slip.detail
            }]
        );
    }
}
