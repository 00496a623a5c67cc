//! What is wrong with a Grandstream file beyond its syntax.

use crate::format::{Document, Examined, Finding, Place, codes, shown, words};

/// The password of sealed files. (P1349, in one sentence of the guide, is a misprint.)
pub(super) const KEY: &str = "P1359";

/// Looks at the sections of the file and at its parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        let sections = document.sections();
        for (name, at) in sections.filter(|(name, _)| !["mac", "config"].contains(name)) {
            if file.findings.is_hopeless() {
                return;
            }
            file.findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                words![
                    "<",
                    shown(name),
                    "> does not belong directly into <gs_provision>"
                ],
                "Put every parameter into <config version=\"1\">.",
            ));
        }
    }
    file.each_parameter(|parameter, bootstrap, findings| {
        let at = Place::new(parameter.line, parameter.column);
        if parameter.name == KEY && !bootstrap {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                words![KEY, " sets the password of sealed files"],
                "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
            ));
        }
        let number = parameter.name.strip_prefix('P').unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        if parameter.name != "mac" && !is_number {
            findings.push(Finding::warning(
                codes::NAME_NOT_OF_FAMILY,
                at,
                words![shown(&parameter.name), " is no P value"],
                "Write P and the number from the vendor's template for this firmware.",
            ));
        }
    });
}
