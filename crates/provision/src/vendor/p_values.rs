//! Files of numbered parameters, `<P47>`: Grandstream's, and those of vendors who took them over.

use crate::format::{Document, Examined, Finding, Place, codes, message, shown};

/// What in them is a vendor's own.
pub(super) struct Numbered {
    /// The outermost element.
    pub(super) root: &'static str,
    /// Elements that may stand in it beside `config`, each with a value.
    pub(super) others: &'static [&'static str],
    /// The parameter that holds the key of sealed files.
    pub(super) key: &'static str,
    /// What that one does.
    pub(super) key_does: &'static str,
    /// What to do where an operator set it.
    pub(super) key_help: &'static str,
}

impl Numbered {
    /// Looks at the sections of the file and at its parameters.
    pub(super) fn check(&self, file: &mut Examined<'_>) {
        if let Document::Xml(document) = file.document {
            let known = |name: &str| name == "config" || self.others.contains(&name);
            for (name, at) in document.sections().filter(|(name, _)| !known(name)) {
                if file.findings.is_hopeless() {
                    return;
                }
                file.findings.push(Finding::error(
                    codes::XML_SECTION,
                    at,
                    message![
                        "<",
                        shown(name),
                        "> does not belong directly into <",
                        self.root,
                        ">"
                    ],
                    "Put every parameter into <config version=\"1\">.",
                ));
            }
        }
        file.each_parameter(|parameter, bootstrap, findings| {
            let at = Place::new(parameter.line, parameter.column);
            if parameter.name == self.key && !bootstrap {
                findings.push(Finding::error(
                    codes::KEY_IN_FILE,
                    at,
                    message![self.key, self.key_does],
                    self.key_help,
                ));
            }
            let number = parameter.name.strip_prefix('P').unwrap_or_default();
            let is_number =
                !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
            if !is_number && !self.others.contains(&parameter.name.as_str()) {
                findings.push(Finding::warning(
                    codes::NAME_NOT_OF_FAMILY,
                    at,
                    message![shown(&parameter.name), " is no P value"],
                    "Write P and the number from the vendor's template for this firmware.",
                ));
            }
        });
    }
}
