//! What is wrong with a file of UC Software beyond its syntax.

use std::collections::BTreeMap;

use crate::format::{
    Document, Examined, Finding, Findings, Parameter, Place, codes, message, shown,
};
use crate::kind::FileKind;

/// The outermost element of a file of parameters. Phones do not look at it.
pub(super) const ROOT: &str = "PHONE_CONFIG";

/// The outermost element of an index.
const INDEX: &str = "APPLICATION";

/// What in an index names the files.
const FILES: &str = "CONFIG_FILES";

/// The longest list of names in an index, and the longest name in it, in characters.
const MAX_LIST: usize = 2047;
const MAX_NAME: usize = 255;

/// The key of sealed files, whose form is not published.
pub(super) const KEY: &str = "device.sec.configEncryption.key";

/// What the parameters begin with that a phone obeys only beside their switches.
const SWITCHED: &str = "device.";

/// The switch of them all.
const ALL: &str = "device.set";

/// What a parameter's own switch ends with.
const SWITCH: &str = ".set";

/// Looks at the outermost element and at the parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    let index = file.kind == FileKind::Initial;
    check_root(file, index);
    if index {
        return check_index(file);
    }
    let parameters = file.document.in_place();
    let values: BTreeMap<&str, &str> = parameters
        .iter()
        .map(|it| (it.name.as_str(), it.value.as_str()))
        .collect();
    file.each_parameter(|parameter, bootstrap, findings| {
        let at = Place::new(parameter.line, parameter.column);
        if parameter.name.starts_with(KEY) && !bootstrap {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![shown(&parameter.name), " sets the key of sealed files"],
                "Delete it: how these are sealed is not published, and a phone that is told of a file that it cannot read restarts again and again.",
            ));
        }
        check_switches(parameter, &values, at, findings);
    });
}

/// An index and a file of parameters differ by their outermost element.
fn check_root(file: &mut Examined<'_>, index: bool) {
    let Document::Xml(document) = file.document else {
        return;
    };
    let (root, at) = document.root();
    if index == (root == INDEX) {
        return;
    }
    let wanted = if index { INDEX } else { ROOT };
    file.findings.push(Finding::error(
        codes::XML_ROOT,
        at,
        message![
            "the outermost element of a ",
            file.kind.as_str(),
            " file is <",
            shown(root),
            ">"
        ],
        message!["It must be <", wanted, ">."],
    ));
}

/// An index names files, within the limits of the guide.
fn check_index(file: &mut Examined<'_>) {
    let mut names_files = false;
    file.each_parameter(|parameter, _, findings| {
        if parameter.name != FILES {
            return;
        }
        let list = &parameter.value;
        names_files |= !list.trim().is_empty();
        let at = Place::new(parameter.line, parameter.column);
        let length = list.chars().count();
        let name = list
            .split(',')
            .map(|name| name.trim().chars().count())
            .max();
        if length > MAX_LIST || name.is_some_and(|length| length > MAX_NAME) {
            findings.push(Finding::error(
                codes::VALUE_TOO_LONG,
                at,
                message![
                    FILES,
                    " is longer than ",
                    MAX_LIST,
                    " characters, or a name in it than ",
                    MAX_NAME
                ],
                "Name fewer files, or shorter names.",
            ));
        }
    });
    if !names_files {
        file.findings.push(Finding::warning(
            codes::INITIAL_WITHOUT_STANDARD,
            Place::FILE,
            "the initial file does not name the standard file",
            message![
                "Set ",
                FILES,
                ", or phones never ask for a file of their own."
            ],
        ));
    }
}

/// A parameter of the device counts only beside its own switch and that of all.
fn check_switches(
    parameter: &Parameter,
    values: &BTreeMap<&str, &str>,
    at: Place,
    findings: &mut Findings,
) {
    let name = parameter.name.as_str();
    if !name.starts_with(SWITCHED) || name.ends_with(SWITCH) {
        return;
    }
    let own = format!("{name}{SWITCH}");
    if [ALL, &own].map(|switch| values.get(switch)) != [Some(&"1"); 2] {
        findings.push(Finding::warning(
            codes::PARAMETER_IGNORED,
            at,
            message!["a phone passes over ", shown(name), " as it stands there"],
            message![
                "Write ",
                ALL,
                "=\"1\" and ",
                shown(&own),
                "=\"1\" into the same file."
            ],
        ));
    }
}
