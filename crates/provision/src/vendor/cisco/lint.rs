//! What is wrong with a Cisco file beyond its syntax.

use crate::format::{
    Examined, Finding, Findings, Message, Parameter, Place, codes, message, shown,
};
use crate::kind::FileKind;

/// The key that a rule names as `$SA`. `$A` and its like show in logs; this one does not.
pub(super) const KEY_OF_RULES: &str = "GPP_SA";

/// The key of files that are sealed by RFC 8188.
pub(super) const KEY_OF_CONTENT: &str = "IKM_HTTP_Encrypt_Content";

/// What the names of secrets begin with.
const SECRETS: &[&str] = &[
    "Password_",
    "Admin_Passw",
    "User_Passw",
    "GPP_S",
    KEY_OF_CONTENT,
];

/// The SPA line reads ASCII alone.
pub(super) fn check_spa(file: &mut Examined<'_>) {
    check(file, true);
}

/// Older multiplatform firmware reads ASCII alone, newer UTF-8: which does which is not published.
pub(super) fn check_mpp(file: &mut Examined<'_>) {
    check(file, false);
}

fn check(file: &mut Examined<'_>, ascii: bool) {
    let initial = file.kind == FileKind::Initial;
    let mut names_standard = false;
    file.each_parameter(|parameter, bootstrap, findings| {
        let Parameter { name, value, .. } = parameter;
        names_standard |= name == "Profile_Rule" && !value.is_empty();
        check_value(parameter, ascii, findings);
        check_meaning(parameter, findings);
        if [KEY_OF_RULES, KEY_OF_CONTENT].contains(&name.as_str()) && !bootstrap {
            error(
                parameter,
                codes::KEY_IN_FILE,
                message![shown(name), " sets the key of sealed files"],
                "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
                findings,
            );
        } else if initial && SECRETS.iter().any(|secret| name.starts_with(secret)) {
            error(
                parameter,
                codes::SECRET_FOR_ALL,
                message![shown(name), " is a secret, and all phones of the model get this file"],
                "Put it into the device's own file.",
                findings,
            );
        }
    });
    if initial && !names_standard {
        file.findings.push(Finding::warning(
            codes::INITIAL_WITHOUT_STANDARD,
            Place::FILE,
            "the initial file does not name the standard file",
            "Set Profile_Rule, or phones never ask for a file of their own.",
        ));
    }
}

/// A phone trims a value, and an SPA phone reads no character beyond ASCII.
fn check_value(parameter: &Parameter, ascii: bool, findings: &mut Findings) {
    let Parameter { name, value, .. } = parameter;
    if value.trim() != value {
        error(
            parameter,
            codes::VALUE_TRIMMED,
            message![
                "the value of ",
                shown(name),
                " has blanks at an end, which the phone drops"
            ],
            "Delete them.",
            findings,
        );
    }
    if ascii && !value.is_ascii() {
        error(
            parameter,
            codes::VALUE_CHARACTER,
            message![
                "the value of ",
                shown(name),
                " has a character beyond ASCII"
            ],
            "Write it with the letters a to z: these phones read ASCII alone.",
            findings,
        );
    }
}

/// Values with which a phone does something else than was meant, or comes back no more.
fn check_meaning(parameter: &Parameter, findings: &mut Findings) {
    let Parameter { name, value, .. } = parameter;
    let of_key = name
        .strip_prefix("Extension_")
        .and_then(|rest| rest.strip_suffix('_'));
    let line = value.parse().is_ok_and(|line: u8| (1..=16).contains(&line));
    if of_key.is_some_and(is_number) && !line && value != "Disabled" {
        error(
            parameter,
            codes::VALUE_MEANING,
            message!["the value of ", shown(name), " is no number of a line"],
            "Write the number of the line that the key shows, or Disabled: what a key calls belongs into its Extended_Function.",
            findings,
        );
    }
    if name == "Resync_Error_Retry_Delay" && value == "0" {
        error(
            parameter,
            codes::VALUE_MEANING,
            "with Resync_Error_Retry_Delay 0 a phone never comes back after one failure",
            "Write a number of seconds, as 3600.",
            findings,
        );
    }
    if name == "Restricted_Access_Domains" && !value.is_empty() {
        findings.push(Finding::warning(
            codes::VALUE_MEANING,
            Place::new(parameter.line, parameter.column),
            "Restricted_Access_Domains shuts all hosts out that are not in it",
            "Name the host of the provisioning URL too, or the phone never comes back.",
        ));
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn error(
    parameter: &Parameter,
    code: &'static str,
    message: impl Into<Message>,
    help: &'static str,
    findings: &mut Findings,
) {
    let at = Place::new(parameter.line, parameter.column);
    findings.push(Finding::error(code, at, message, help));
}
