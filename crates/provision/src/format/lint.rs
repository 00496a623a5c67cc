//! Everything that is wrong with a file: what the readers find, and what the values mean.

use super::finding::{Finding, Findings, Place, codes};
use super::words::{Word, Words, shown, words};
use super::{Document, Parameter, url, xml};
use crate::family::Family;
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

/// Everything that is wrong with a file as an operator wrote it or as a template rendered it, in
/// the order of the file.
///
/// Warnings about line ends, the final empty line and blanks are mended by
/// [`Document::to_bytes`]: serve what that gives, not these bytes.
///
/// ```
/// use ringfence_provision::{family::Family, format::lint, kind::FileKind};
///
/// let file = b"# Panasonic SIP Phone Standard Format File #\r\nSIP_USER_ID_1 = \"7\"\r\n\r\n";
/// let findings = lint(Family::Hdv, FileKind::Standard, file);
/// assert_eq!(findings.len(), 1);
/// assert_eq!(findings[0].code, "space-around-equals");
/// assert_eq!((findings[0].line, findings[0].column), (2, 15));
/// ```
pub fn lint(family: Family, kind: FileKind, bytes: &[u8]) -> Vec<Finding> {
    examine(family, kind, bytes, false).1
}

/// The same for a bootstrap: a standard file that [`insert_key`](super::insert_key) has put the
/// key into.
pub fn lint_bootstrap(family: Family, bytes: &[u8]) -> Vec<Finding> {
    examine(family, FileKind::Standard, bytes, true).1
}

/// Whether all files of one device, of these kinds and sizes in bytes before sealing, are too
/// large together for its phone.
pub fn lint_sizes(family: Family, sizes: &[(FileKind, usize)]) -> Vec<Finding> {
    let limit = family.total_limit();
    let total = sizes
        .iter()
        .fold(0_usize, |sum, (_, size)| sum.saturating_add(*size));
    let largest = sizes.iter().max_by_key(|(_, size)| *size);
    let Some(&(kind, size)) = largest.filter(|_| total > limit) else {
        return Vec::new();
    };
    vec![Finding::error(
        codes::TOTAL_TOO_LARGE,
        Place::FILE,
        words![
            "the files of the device have ",
            total,
            " bytes together, of ",
            limit,
            " allowed; the ",
            kind.as_str(),
            " file is the largest with ",
            size
        ],
        "Leave out what the phones have as their own defaults.",
    )]
}

/// What can be made out of the file, and everything that is wrong with it.
pub(super) fn examine(
    family: Family,
    kind: FileKind,
    bytes: &[u8],
    bootstrap: bool,
) -> (Document, Vec<Finding>) {
    let (document, mut findings) = Document::scan(family, bytes);
    if bytes.len() > family.total_limit() {
        // Nothing of it has been read.
        return (document, findings.into_vec());
    }
    if !family.kinds().contains(&kind) {
        findings.push(Finding::error(
            codes::KIND_NOT_OF_FAMILY,
            Place::FILE,
            words![
                "phones of this family never ask for a ",
                kind.as_str(),
                " file"
            ],
            "Move its parameters into another file.",
        ));
    }
    if let Document::Xml(document) = &document {
        check_sections(kind, document, &mut findings);
    }
    let parameters = document.parameters();
    for parameter in &parameters {
        if findings.is_hopeless() {
            break;
        }
        check_parameter(parameter, bootstrap, &mut findings);
    }
    let names_standard = |parameter: &Parameter| {
        parameter.name == "CFG_STANDARD_FILE_PATH" && !parameter.value.is_empty()
    };
    if kind == FileKind::Initial && !parameters.iter().any(names_standard) {
        findings.push(Finding::warning(
            codes::INITIAL_WITHOUT_STANDARD,
            Place::FILE,
            "the initial file does not name the standard file",
            "Set CFG_STANDARD_FILE_PATH, or phones never ask for a file of their own.",
        ));
    }
    (document, findings.into_vec())
}

fn check_parameter(parameter: &Parameter, bootstrap: bool, findings: &mut Findings) {
    let Parameter { name, value, .. } = parameter;
    let at = Place::new(parameter.line, parameter.column);
    if name.starts_with(KEY_PREFIX) && !bootstrap {
        findings.push(Finding::error(
            codes::KEY_IN_FILE,
            at,
            words![shown(name), " sets a file key"],
            "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
        ));
    }
    if name == "CFG_RESYNC_FROM_SIP" {
        check_resync(value, at, findings);
    }
    url::check(parameter, findings);
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
fn check_sections(kind: FileKind, document: &xml::Document, findings: &mut Findings) {
    let (section, known): (_, &[&'static str]) = match kind {
        FileKind::Initial => ("Initial", &INITIAL_GROUPS),
        _ => ("Device", &DEVICE_GROUPS),
    };
    let kind = kind.as_str();
    if !document.sections().any(|(name, _)| name == section) {
        findings.push(Finding::error(
            codes::XML_SECTION,
            Place::new(1, 1),
            words!["the file has no <", section, "> element"],
            words!["Put everything of a ", kind, " file into <", section, ">."],
        ));
    }
    for (name, at) in document.sections().filter(|(name, _)| *name != section) {
        if findings.is_hopeless() {
            return;
        }
        findings.push(Finding::error(
            codes::XML_SECTION,
            at,
            words!["<", shown(name), "> is no part of a ", kind, " file"],
            words!["Put everything of a ", kind, " file into <", section, ">."],
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
                words![
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
fn listed(before: &'static str, all: &[&'static str]) -> Words {
    let mut words = vec![Word::Fixed(before)];
    for (at, one) in all.iter().enumerate() {
        words.extend([
            Word::Fixed(if at > 0 { ", " } else { "" }),
            Word::Fixed(one),
        ]);
    }
    words.push(Word::Fixed("."));
    Words(words)
}
