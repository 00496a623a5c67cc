//! What the API says when it refuses, as a page shows it.

use serde::Deserialize;
use serde_json::Value;

/// The API's problem document (RFC 9457), as far as a page shows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Document {
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub request_id: String,
    /// What would be wrong with which device's file, where the problem is about files.
    pub devices: Value,
}

/// A problem, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub title: String,
    pub detail: String,
    pub request_id: String,
    pub findings: Vec<String>,
    /// Lines of a template that the problem names.
    pub lines: Box<[u64]>,
}

impl Problem {
    /// A problem of the console's own.
    pub fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: title.to_owned(),
            detail: detail.into(),
            ..Self::default()
        }
    }
}

/// What would be wrong with files, in sentences.
pub fn findings(devices: &Value) -> Vec<String> {
    let devices = devices.as_array().map(Vec::as_slice).unwrap_or_default();
    devices.iter().flat_map(broken).collect()
}

impl From<Document> for Problem {
    fn from(document: Document) -> Self {
        let devices = document.devices.as_array().cloned().unwrap_or_default();
        let mut texts = vec![document.detail.as_str()];
        texts.extend(
            devices
                .iter()
                .filter_map(|device| device.get("error")?.as_str()),
        );
        Self {
            status: document.status,
            title: document.title,
            lines: texts.iter().filter_map(|text| line_in(text)).collect(),
            findings: findings(&document.devices),
            detail: document.detail,
            request_id: document.request_id,
        }
    }
}

/// The line that a template's error names: `templates/standard/utg, line 9: …`.
pub(crate) fn line_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(", line ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// What is wrong with a file that a change would break, each with whose file it is.
pub fn broken(device: &Value) -> Vec<String> {
    let text = |name: &str| device.get(name).and_then(Value::as_str);
    let whose = text("mac").or(text("model")).unwrap_or_default();
    let file = text("file").unwrap_or_default();
    of_file(device)
        .into_iter()
        .map(|one| format!("{whose} {file}: {one}"))
        .collect()
}

/// What is wrong with one file, in sentences.
pub fn of_file(file: &Value) -> Vec<String> {
    let findings = file.get("findings").and_then(Value::as_array);
    let mut said: Vec<String> = findings.into_iter().flatten().map(finding).collect();
    said.extend(file.get("error").and_then(Value::as_str).map(str::to_owned));
    said
}

/// A finding in one sentence.
pub fn finding(value: &Value) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let place = match value.get("line").and_then(Value::as_u64) {
        Some(line) if line > 0 => format!("{line}: "),
        _ => String::new(),
    };
    let (message, help) = (text("message"), text("help"));
    let stop = match !help.is_empty() && message.ends_with(char::is_alphanumeric) {
        true => ".",
        false => "",
    };
    format!("{place}{message}{stop} {help}")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(document: Value) -> Problem {
        Document::deserialize(document).unwrap_or_default().into()
    }

    #[test]
    fn what_a_change_would_break_is_told_by_device_and_file() {
        let told = problem(json!({
            "title": "t", "status": 422, "detail": "d", "more": 1,
            "devices": [
                {"mac": "0080F0C571EB", "file": "standard", "findings": [{"line": 3, "message": "Not closed.", "help": "Close it."}, {"message": "unknown", "help": "Remove it."}]},
                {"mac": null, "model": "KX-UTG300B", "file": "product", "findings": [], "error": "x, line 12: y"},
            ]
        }));
        assert_eq!(
            told.findings,
            [
                "0080F0C571EB standard: 3: Not closed. Close it.",
                "0080F0C571EB standard: unknown. Remove it.",
                "KX-UTG300B product: x, line 12: y"
            ]
        );
        assert_eq!(*told.lines, [12]);
    }

    #[test]
    fn an_error_of_a_template_names_its_line() {
        let slip = "`source`: templates/standard/utg, line 9: syntax error";
        assert_eq!(*problem(json!({ "detail": slip })).lines, [9]);
        assert!(problem(json!({"detail": "no place"})).lines.is_empty());
    }
}
