//! Findings about a file that was made from settings, secrets among them.
//!
//! Such findings go into answers, events, log lines and the database, to people who may not see the
//! secrets. A reader cannot tell a name from a password that stands where a name should, so none of
//! these findings has a word out of a file with secrets in it: [`RenderedFinding`] cannot be made
//! otherwise. What an operator needs instead is there: the line, the code, the settings whose
//! values came to stand in that line; and the message, where the same file with masks in the place
//! of its secrets gives rise to the same finding.

use std::collections::BTreeMap;

use serde::Serialize;

use super::finding::{Finding, Severity, codes};
use super::lint::examine;
use super::{Document, has_errors};
use crate::family::Family;
use crate::kind::FileKind;
use crate::template::{Rendered, UsedSetting};
use crate::vocabulary;

/// The most settings that a finding names.
const MAX_SETTINGS: usize = 8;

/// The most settings of which a finding says that they are in no file.
const MAX_SETTINGS_LEFT_OUT: usize = 40;

/// One thing that is wrong with a file that was made from settings: no word of it is out of a file
/// with secrets in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RenderedFinding {
    /// The kind of the finding, as a word for programs; never renamed.
    pub code: &'static str,
    /// An error forbids serving the file.
    pub severity: Severity,
    /// Line of the rendered file, counted from 1; 0 where the finding is about the file as a whole.
    pub line: u32,
    /// Column in characters, counted from 1; 0 where the finding is about the file as a whole.
    pub column: u32,
    /// What is wrong, for people. `…` stands for a piece of the file that may hold a secret.
    pub message: String,
    /// What to do about the finding.
    pub help: String,
    /// The settings that had a say in the line: the first of them, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub settings: Vec<String>,
}

impl RenderedFinding {
    /// Whether it forbids serving the file.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn new(finding: Finding, message: String, help: String, used: &[UsedSetting]) -> Self {
        let Finding {
            code,
            severity,
            line,
            column,
            ..
        } = finding;
        let from = used.partition_point(|used| used.line < line);
        let in_line = used.get(from..).unwrap_or_default();
        let settings = in_line
            .iter()
            .take_while(|used| used.line == line)
            .take(MAX_SETTINGS)
            .map(|used| used.name.clone())
            .collect();
        Self {
            code,
            severity,
            line,
            column,
            message,
            help,
            settings,
        }
    }
}

/// Without any word of the file.
impl From<Finding> for RenderedFinding {
    fn from(finding: Finding) -> Self {
        let (message, help) = finding.clone().bare();
        Self::new(finding, message, help, &[])
    }
}

/// What a rendering may not show to whoever reads its findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Nothing: there is no secret in it.
    Open,
    /// There are secrets in it.
    Secret,
}

/// Lints and reads a rendered file. `masked` renders it anew with masks in the place of everything
/// secret; it is asked where a file that must not be served needs its message.
///
/// # Errors
/// Everything that is wrong with the file, where it must not be served.
pub fn judge(
    family: Family,
    kind: FileKind,
    rendered: &Rendered,
    confidence: Confidence,
    masked: impl FnOnce() -> Option<Rendered>,
) -> Result<(Document, Vec<RenderedFinding>), Vec<RenderedFinding>> {
    let (document, findings) = examine(family, kind, rendered.text.as_bytes(), false);
    let broken = has_errors(&findings);
    let said = match confidence {
        Confidence::Open => Said::File,
        Confidence::Secret if broken && findings.iter().any(Finding::quotes) => {
            Said::by_masked(family, kind, masked())
        }
        Confidence::Secret => Said::Nobody,
    };
    let mut findings = for_the_operator(findings, said, &rendered.used);
    findings.extend(left_out(family, rendered));
    match broken {
        true => Err(findings),
        false => Ok((document, findings)),
    }
}

/// A warning for each setting that is in no parameter, or in that of some lines alone; names are no secrets.
fn left_out(family: Family, rendered: &Rendered) -> impl Iterator<Item = RenderedFinding> {
    let one = move |name: &String, message: String, help: &str| RenderedFinding {
        code: codes::SETTING_NOT_OF_FAMILY,
        severity: Severity::Warning,
        line: 0,
        column: 0,
        message,
        help: help.to_owned(),
        settings: vec![name.clone()],
    };
    let in_no_file = move |name: &String, why: &str, help: &str| {
        let message = format!("{name} is in no file of {family:?}: {why}");
        one(name, message, help)
    };
    let without_parameter = rendered.left_out.iter().map(move |name| {
        in_no_file(
            name,
            "no parameter of these phones is known for it",
            "Set the parameter by its own name, if the phone has one, or leave the setting away.",
        )
    });
    let without_word = rendered.unsaid.iter().map(move |wrong| {
        in_no_file(
            &wrong.setting,
            &wrong.reason,
            "Change it for these phones, on the layer of their model or of one phone, or let them keep what they have.",
        )
    });
    let of_some_lines = rendered.partly.iter().map(move |wrong| {
        one(
            &wrong.setting,
            format!("{} is not of all lines of {family:?}: {}", wrong.setting, wrong.reason),
            "Set the parameters of these lines by their own names, if the phone has them, or let the lines keep what they have.",
        )
    });
    without_word
        .chain(of_some_lines)
        .chain(without_parameter)
        .take(MAX_SETTINGS_LEFT_OUT)
}

/// A warning about lines that a model does not have, by the users of lines that came into its standard file. Of a model
/// whose lines nobody has counted there is nothing to say.
pub fn beyond_model(family: Family, model: &str, used: &[UsedSetting]) -> Option<RenderedFinding> {
    let lines = family.spec().conduct.lines_of(model)?;
    let mut settings: Vec<(u16, &str)> = used
        .iter()
        .filter_map(|used| {
            let (setting, number) = vocabulary::find(&used.name)?;
            let number = number.filter(|number| *number > lines)?;
            (setting.name == vocabulary::USER).then_some((number, used.name.as_str()))
        })
        .collect();
    settings.sort_unstable();
    settings.dedup();
    let (first, _) = settings.first()?;
    Some(RenderedFinding {
        code: codes::LINE_BEYOND_MODEL,
        severity: Severity::Warning,
        line: 0,
        column: 0,
        message: format!("line {first} has a user, and the model has {lines} lines"),
        help: "Take the line away, or correct the model's name, if the phone has more of them."
            .to_owned(),
        settings: settings
            .into_iter()
            .take(MAX_SETTINGS)
            .map(|(_, name)| name.to_owned())
            .collect(),
    })
}

/// Where the messages of findings may come from.
enum Said {
    /// The file itself has no secret.
    File,
    /// The findings about the masked file, by code and line, the last first.
    Masked(BTreeMap<(&'static str, u32), Vec<Finding>>),
    /// Nothing may be quoted.
    Nobody,
}

impl Said {
    fn by_masked(family: Family, kind: FileKind, masked: Option<Rendered>) -> Self {
        let Some(masked) = masked else {
            return Self::Nobody;
        };
        let (_, findings) = examine(family, kind, masked.text.as_bytes(), false);
        let mut by_place: BTreeMap<_, Vec<Finding>> = BTreeMap::new();
        for finding in findings.into_iter().rev() {
            let place = (finding.code, finding.line);
            by_place.entry(place).or_default().push(finding);
        }
        Self::Masked(by_place)
    }
}

fn for_the_operator(
    findings: Vec<Finding>,
    mut said: Said,
    used: &[UsedSetting],
) -> Vec<RenderedFinding> {
    findings
        .into_iter()
        .map(|finding| {
            let place = (finding.code, finding.line);
            let same = match &mut said {
                Said::File => Some(finding.clone()),
                Said::Masked(by_place) => by_place.get_mut(&place).and_then(Vec::pop),
                Said::Nobody => None,
            };
            let (message, help) = match same {
                Some(same) => (same.message, same.help),
                None => finding.clone().bare(),
            };
            RenderedFinding::new(finding, message, help, used)
        })
        .collect()
}
