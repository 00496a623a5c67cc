//! What ends a command otherwise than well, and the exit code that says so.

use ringfence_api::problem::ProblemKind;
use serde_json::Value;
use thiserror::Error;

/// What is said of a problem's files and tests at most, in lines.
const MAX_LINES: usize = 20;

/// Why a command ended otherwise than well. Its text is one line that says what happened and what to do, and further
/// lines where the API named files.
#[derive(Debug, Error)]
pub enum Failure {
    /// The API refused the call.
    #[error("{}", refusal(.0))]
    Refused(Box<Problem>),
    /// The command line, a file or the configuration is not as it must be.
    #[error("{0}")]
    Usage(String),
    /// The API was not reached, or cannot answer now.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody reads the answer any more, as behind `| head`: nothing is wrong.
    #[error("nobody reads the answer any more")]
    Unread,
    /// The command was done, and what it was to bring about did not happen, or not all of it.
    #[error("{0}")]
    Unfinished(String),
}

impl Failure {
    /// The exit code of the program.
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused(problem) if problem.status >= 500 => 3,
            Self::Refused(_) => 1,
            Self::Unread => 0,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Unfinished(_) => 4,
        }
    }

    /// A file of this machine that could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Usage(format!("{}: {error}", path.display()))
    }
}

/// A problem document of the API (RFC 9457).
#[derive(Clone, Debug, Default)]
pub struct Problem {
    pub status: u16,
    /// The last word of its `type`, such as `not-found`.
    pub kind: String,
    pub detail: String,
    pub request_id: String,
    /// What it says of files and tests, a line each.
    pub lines: Vec<String>,
}

impl Problem {
    /// Whether the same request may succeed in a while though nobody does anything about it.
    pub fn is_passing(&self) -> bool {
        let lasting = [ProblemKind::Misconfigured, ProblemKind::DatabaseRestored];
        matches!(self.status, 429 | 503) && !lasting.iter().any(|kind| kind.as_str() == self.kind)
    }

    /// Reads an answer outside of 2xx. What is no problem document is named by its status.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let kind = text("type");
        let kind = kind.rsplit(':').next().unwrap_or_default().to_owned();
        let detail = match text("detail") {
            empty if empty.is_empty() => {
                format!(
                    "The answer has status {status} and is none of Ringfence's: is the URL that of a Ringfence?"
                )
            }
            detail => detail,
        };
        Self {
            status,
            kind,
            detail,
            request_id: text("request_id"),
            lines: lines(&value),
        }
    }
    /// A row of a batch that was refused, as the call for it alone would have been.
    pub fn of_row(item: &Value) -> Self {
        let mut problem = item.clone();
        if let Some(fields) = problem.as_object_mut() {
            let cause = fields.get("cause").cloned().unwrap_or_default();
            fields.insert("type".to_owned(), cause);
        }
        Self::read(422, problem.to_string().as_bytes())
    }
}

/// What a problem says of files and of tests.
fn lines(problem: &Value) -> Vec<String> {
    let list = |name: &str| problem.get(name).and_then(Value::as_array).into_iter();
    let mut lines = Vec::new();
    for file in list("devices").chain(list("files")).flatten() {
        let word = |name: &str| file.get(name).and_then(Value::as_str);
        // A file of a model is nobody's in particular.
        let whose = word("mac").or_else(|| word("model")).unwrap_or_default();
        let what = format!("{whose} {}", word("file").unwrap_or_default());
        if let Some(error) = word("error") {
            // It begins with the file.
            lines.push(format!("{whose}: {error}"));
        }
        let findings = file.get("findings").and_then(Value::as_array);
        for finding in findings.into_iter().flatten() {
            let text = |name: &str| finding.get(name).and_then(Value::as_str);
            let line = finding.get("line").and_then(Value::as_u64).unwrap_or(0);
            let message = text("message").unwrap_or_default();
            lines.push(format!(
                "{what}, line {line}: {}. {}",
                message.trim_end_matches('.'),
                text("help").unwrap_or_default()
            ));
        }
    }
    for test in list("tests").flatten() {
        let word = |name: &str| test.get(name).and_then(Value::as_str).unwrap_or_default();
        lines.push(format!(
            "test \"{}\" fails: {} of {} ({})",
            word("name"),
            word("parameter"),
            word("file"),
            word("mac")
        ));
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What the API says to be done, and the command that does it. Where a sentence has other words one day, it stands alone.
const COMMANDS: &[(&str, &str)] = &[
    (
        "Add the model with its `family`",
        "ringfence models put MODEL --family FAMILY",
    ),
    (
        "set the tenant's destinations",
        "ringfence destinations set --domain DOMAIN --network NETWORK",
    ),
    (
        "extend the tenant's destinations",
        "ringfence destinations set --domain DOMAIN --network NETWORK",
    ),
    ("the list of pools has them", "ringfence pools list"),
    (
        "whose access is",
        "ringfence tokens create NAME --access ACCESS",
    ),
];

fn refusal(problem: &Problem) -> String {
    let what_to_do = match problem.kind.as_str() {
        "unauthorized" => {
            " Give a token that is valid: by RINGFENCE_TOKEN, by --token-stdin or by a profile (ringfence profiles add)."
        }
        "forbidden" if !problem.detail.contains("whose access is") => {
            " Use a token that may do this (ringfence tokens create)."
        }
        "too-many-requests" => " Wait a moment and repeat the command.",
        _ => "",
    };
    let mut text = problem.detail.trim_end().to_owned();
    text.push_str(what_to_do);
    let command = COMMANDS.iter().find(|(said, _)| text.contains(said));
    if let Some((_, command)) = command {
        text.push_str(&format!(" The command is: {command}."));
    }
    if problem.status >= 500 && !problem.request_id.is_empty() {
        text.push_str(&format!(" The request is {}.", problem.request_id));
    }
    for line in &problem.lines {
        text.push_str("\n  ");
        text.push_str(line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_a_line_that_says_what_to_do() {
        let body =
            br#"{"type":"urn:ringfence:problem:unauthorized","title":"Unauthorized","status":401,
            "detail":"The token is not known.","request_id":"01ABC"}"#;
        let failure = Failure::Refused(Box::new(Problem::read(401, body)));
        insta::assert_snapshot!(failure, @"The token is not known. Give a token that is valid: by RINGFENCE_TOKEN, by --token-stdin or by a profile (ringfence profiles add).");
        assert_eq!(failure.code(), 1);
    }

    #[test]
    fn what_somebody_must_mend_does_not_pass() {
        let read = |kind: &str, status: u16| {
            let body = format!(r#"{{"type":"urn:ringfence:problem:{kind}","detail":"It is so."}}"#);
            Problem::read(status, body.as_bytes()).is_passing()
        };
        assert!(read("unavailable", 503) && read("database-migrating", 503));
        assert!(read("too-many-requests", 429));
        assert!(!read("misconfigured", 503) && !read("database-restored", 503));
        assert!(!read("internal", 500));
        assert!(Problem::read(503, b"").is_passing());
    }

    #[test]
    fn files_that_would_break_are_named_below_it() {
        let body = br#"{"type":"urn:ringfence:problem:invalid-files","status":422,"detail":"Two files would be broken.",
            "devices":[{"mac":"0080F0C571EB","file":"standard","error":null,"findings":[
              {"line":7,"message":"A value has a line break.","help":"Take it out."}]},
              {"model":"KX-UTG300B","file":"product","error":"product: line 3: no such filter"}]}"#;
        let failure = Failure::Refused(Box::new(Problem::read(422, body)));
        insta::assert_snapshot!(failure, @"
        Two files would be broken.
          0080F0C571EB standard, line 7: A value has a line break. Take it out.
          KX-UTG300B: product: line 3: no such filter
        ");
    }

    #[test]
    fn what_is_no_problem_document_is_named_by_its_status() {
        let failure = Failure::Refused(Box::new(Problem::read(502, b"<html>Bad gateway</html>")));
        assert_eq!(failure.code(), 3);
        assert!(failure.to_string().contains("502"));
    }
}
