//! A file that is pasted and checked by the rules of a family: what is wrong with it, line by line.

use serde_json::Value;

use crate::data::{Family, Read as _};
use crate::lists::tenancy::{family_field, kind_field};
use crate::part::{Cell, Field, Form, Kind, Page, Section, Table, Tone};
use crate::shell::Shell;
use crate::text::EN;

/// Where it is.
pub const PATH: &str = "/console/lint";

/// The most characters of a line that are shown beside what is wrong with the line.
const MAX_SHOWN: usize = 120;

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintForm {
    pub family: String,
    pub kind: String,
    pub text: String,
}

/// The page: what was found, and below it the form with what was typed.
pub fn page(shell: Shell, families: &[Family], asked: &LintForm, answer: Option<&Value>) -> Page {
    let mut page = Page::new(shell.leading(EN.lint_lead));
    if let Some(answer) = answer {
        let findings = answer.list("findings");
        let said = match (answer.is("ok"), findings.len()) {
            (true, 0) => Section::Text(EN.lint_good.to_owned()),
            (true, _) => Section::Text(EN.lint_warned.to_owned()),
            (false, _) => Section::Text(EN.lint_bad.to_owned()),
        };
        page = page.with(said);
        if !findings.is_empty() {
            page = page.with(table(findings, &asked.text));
        }
    }
    let text = Field::new(Kind::Area(18), "text", EN.lint_text, &asked.text);
    let form = Form::post(PATH, EN.lint_do)
        .with(family_field(families, &asked.family))
        .with(kind_field(&asked.kind))
        .with(text.hinting(EN.lint_text_hint));
    page.with(form)
}

fn table(findings: &[Value], text: &str) -> Table {
    let lines: Vec<&str> = text.lines().collect();
    let rows = findings.iter().map(|finding| {
        let number = finding.number("line").filter(|&line| line > 0);
        let at = number.and_then(|line| usize::try_from(line - 1).ok());
        let line = at.and_then(|at| lines.get(at)).copied().unwrap_or_default();
        let tone = match finding.text("severity") {
            "error" => Tone::Bad,
            _ => Tone::Warn,
        };
        vec![
            Cell::text(number.map_or(EN.whole_file.to_owned(), |line| line.to_string())),
            Cell::code(line.trim().chars().take(MAX_SHOWN).collect::<String>()),
            Cell::state(tone, finding.text("message")),
            Cell::text(finding.text("help")),
        ]
    });
    let columns = [
        EN.import_line,
        EN.lint_there,
        EN.lint_wrong,
        EN.explain_next,
    ];
    Table::new(EN.lint_findings, &columns, "").with_rows(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_stands_beside_its_line_and_the_text_stays() {
        let asked = LintForm {
            family: "utg".into(),
            kind: "standard".into(),
            text: format!("one\n  <b>two</b>{}\n", "x".repeat(500)),
        };
        let answer = json!({ "ok": false, "findings": [
            { "severity": "error", "line": 2, "message": "Not so.", "help": "Write it so." },
            { "severity": "warning", "line": 0, "message": "Too long.", "help": "" },
            { "severity": "error", "line": 99, "message": "Beyond.", "help": "" },
        ] });
        let html = page(Shell::outside("x"), &[], &asked, Some(&answer))
            .html()
            .unwrap_or_default();
        let (table, form) = html.split_once("<textarea").unwrap_or_default();
        assert!(table.contains("&#60;b&#62;two") && !table.contains(&"x".repeat(200)));
        assert!(table.contains("Not so.") && table.contains("Write it so."));
        assert!(table.contains(EN.whole_file) && table.contains(EN.lint_bad));
        assert!(form.contains(&"x".repeat(500)));
        let good = page(
            Shell::outside("x"),
            &[],
            &asked,
            Some(&json!({ "ok": true, "findings": [] })),
        );
        assert!(good.html().unwrap_or_default().contains(EN.lint_good));
    }
}
