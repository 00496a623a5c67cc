//! What is wrong with a Snom file beyond its syntax.

use crate::format::{Document, Examined, Finding, codes, message, shown};

/// The sections that are read. Phones know more, with elements within elements.
pub(super) const SECTIONS: &[&str] = &["phone-settings", "functionKeys", "firmware-settings"];

/// Looks at the sections of the file and at its parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        let sections = document.sections();
        for (name, at) in sections.filter(|(name, _)| !SECTIONS.contains(name)) {
            if file.findings.is_hopeless() {
                return;
            }
            file.findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                message![
                    "<",
                    shown(name),
                    "> does not belong directly into <settings>"
                ],
                "Put it into <phone-settings>, <firmware-settings> or <functionKeys>.",
            ));
        }
    }
    file.each_parameter(|_, _, _| {});
}
