//! What is wrong with a Panasonic file beyond its syntax.

use crate::format::{
    Document, Examined, Finding, Findings, Message, MessagePart, Parameter, Place, codes, message,
    shown,
};
use crate::kind::FileKind;

/// What every parameter that holds a file key begins with.
pub(super) const KEY_PREFIX: &str = "CFG_FILE_KEY";

/// The groups of a device file, as the guide of KX-UTG prints them.
const DEVICE_GROUPS: [&str; 6] = [
    "System",
    "Network",
    "Phone",
    "Lines",
    "Diagnostic",
    "Services",
];

/// The groups of an initial file.
const INITIAL_GROUPS: [&str; 2] = ["Certs", "CfgFiles"];

/// Looks at the sections of the file and at its parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    check_sections(file);
    let initial = file.kind == FileKind::Initial;
    let mut names_standard = false;
    file.each_parameter(|parameter, bootstrap, findings| {
        let Parameter { name, value, .. } = parameter;
        names_standard |= name == "CFG_STANDARD_FILE_PATH" && !value.is_empty();
        let at = Place::new(parameter.line, parameter.column);
        if name.starts_with(KEY_PREFIX) && !bootstrap {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![shown(name), " sets a file key"],
                "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
            ));
        }
        if name == "CFG_RESYNC_FROM_SIP" {
            check_resync(value, at, findings);
        }
    });
    if initial && !names_standard {
        file.findings.push(Finding::warning(
            codes::INITIAL_WITHOUT_STANDARD,
            Place::FILE,
            "the initial file does not name the standard file",
            "Set CFG_STANDARD_FILE_PATH, or phones never ask for a file of their own.",
        ));
    }
}

/// `CFG_RESYNC_FROM_SIP` is the text of the Event header that a phone obeys, a token of RFC 3261
/// §25.1.
fn check_resync(value: &str, at: Place, findings: &mut Findings) {
    let switch = [
        "Y", "N", "YES", "NO", "ON", "OFF", "TRUE", "FALSE", "0", "1",
    ];
    let message = if switch.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        "CFG_RESYNC_FROM_SIP is not a switch but the event that a NOTIFY must name"
    } else if value.contains(|c: char| !is_token(c)) {
        "CFG_RESYNC_FROM_SIP has a character that no event has"
    } else {
        return;
    };
    findings.push(Finding::error(
        codes::RESYNC_NOT_AN_EVENT,
        at,
        message,
        "Write the event, as check-sync.",
    ));
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(character)
}

/// A file holds the section of its kind and no other, and parameters are within groups.
fn check_sections(file: &mut Examined<'_>) {
    let (kind, findings) = (file.kind, &mut *file.findings);
    let Document::Xml(document) = file.document else {
        return;
    };
    let (section, known): (_, &[&'static str]) = match kind {
        FileKind::Initial => ("Initial", &INITIAL_GROUPS),
        _ => ("Device", &DEVICE_GROUPS),
    };
    let kind = kind.as_str();
    if !document.sections().any(|(name, _)| name == section) {
        findings.push(Finding::error(
            codes::XML_SECTION,
            Place::new(1, 1),
            message!["the file has no <", section, "> element"],
            message!["Put everything of a ", kind, " file into <", section, ">."],
        ));
    }
    for (name, at) in document.sections().filter(|(name, _)| *name != section) {
        if findings.is_hopeless() {
            return;
        }
        findings.push(Finding::error(
            codes::XML_SECTION,
            at,
            message!["<", shown(name), "> is no part of a ", kind, " file"],
            message!["Put everything of a ", kind, " file into <", section, ">."],
        ));
    }
    for (name, at) in document.groups(section) {
        if findings.is_hopeless() {
            return;
        }
        if !known.contains(&name) {
            findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                message![
                    "<",
                    shown(name),
                    "> does not belong directly into <",
                    section,
                    ">"
                ],
                listed("The groups there are ", known),
            ));
        }
    }
}

/// Some words with commas between them, and a full stop.
fn listed(before: &'static str, all: &[&'static str]) -> Message {
    let mut message = vec![MessagePart::Fixed(before)];
    for (at, one) in all.iter().enumerate() {
        message.extend([
            MessagePart::Fixed(if at > 0 { ", " } else { "" }),
            MessagePart::Fixed(one),
        ]);
    }
    message.push(MessagePart::Fixed("."));
    Message(message)
}
