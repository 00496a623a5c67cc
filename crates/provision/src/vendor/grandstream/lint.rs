//! What is wrong with a Grandstream file beyond its syntax: above all that the two dialects are mixed, for a phone
//! passes over what is not of the dialect that `<config version="…">` names, and says nothing.

use crate::format::{Document, Examined, Finding, Findings, Place, codes, message, shown};
use crate::vendor::p_values::Numbered;

/// The password of sealed files, as a P value. (P1349, in one sentence of the guide, is a misprint.)
pub(super) const KEY: &str = "P1359";

/// The same as a named item.
pub(super) const KEY_ITEM: &str = "provisioning.config.filePassword";

const RULES: Numbered = Numbered {
    root: "gs_provision",
    others: &["mac"],
    key: KEY,
    key_does: " sets the password of sealed files",
    key_help: "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
};

/// Looks at a phone's file of P values.
pub(super) fn check_p_values(file: &mut Examined<'_>) {
    check_numbers(
        file,
        "Write the P value, or give the model the family gxp-v2.",
    );
}

/// Looks at an adapter's file of P values.
pub(super) fn check_adapters(file: &mut Examined<'_>) {
    check_numbers(file, "Write the P value.");
}

fn check_numbers(file: &mut Examined<'_>, instead_of_an_item: &'static str) {
    if let Document::Xml(document) = file.document {
        for (version, at) in document.attribute_of("config", "version") {
            if version.is_some_and(|version| version != "1") {
                file.findings.push(wrong_version("1", "P values", at));
            }
        }
        for (name, at) in document.groups("config") {
            if file.findings.is_hopeless() {
                return;
            }
            if name == "item" {
                file.findings.push(Finding::error(
                    codes::NAME_NOT_OF_FAMILY,
                    at,
                    "<item> is of files with <config version=\"2\">, and a phone passes over it here",
                    instead_of_an_item,
                ));
            }
        }
    }
    RULES.check(file);
}

/// Looks at a file of named items.
pub(super) fn check_items(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        for (version, at) in document.attribute_of("config", "version") {
            if version != Some("2") {
                file.findings.push(wrong_version("2", "named items", at));
            }
        }
        let sections = document.sections();
        for (name, at) in sections.filter(|(name, _)| !["config", "mac"].contains(name)) {
            if file.findings.is_hopeless() {
                return;
            }
            file.findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                message![
                    "<",
                    shown(name),
                    "> does not belong directly into <gs_provision>"
                ],
                "Put every item into <config version=\"2\">.",
            ));
        }
        check_elements(document.groups("config"), file.findings);
    }
    file.each_parameter(|parameter, bootstrap, findings| {
        let is_key = parameter.name == KEY_ITEM || parameter.name == KEY;
        if is_key && !(bootstrap && parameter.name == KEY_ITEM) {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                Place::new(parameter.line, parameter.column),
                message![shown(&parameter.name), RULES.key_does],
                RULES.key_help,
            ));
        }
    });
}

/// In `<config>` there is nothing but items.
fn check_elements<'a>(elements: impl Iterator<Item = (&'a str, Place)>, findings: &mut Findings) {
    // Where a part stands says the reader.
    for (name, at) in elements.filter(|(name, _)| !["item", "part"].contains(name)) {
        if findings.is_hopeless() {
            return;
        }
        findings.push(Finding::error(
            codes::NAME_NOT_OF_FAMILY,
            at,
            message![
                "<",
                shown(name),
                "> is no <item>, and a phone passes over it in a file of named items"
            ],
            "Write <item name=\"…\">, or give the model the family gxp, which writes P values.",
        ));
    }
}

fn wrong_version(wanted: &'static str, dialect: &'static str, at: Place) -> Finding {
    Finding::error(
        codes::XML_ATTRIBUTE,
        at,
        message![
            "the version of <config> is not ",
            wanted,
            ", so a phone passes over ",
            dialect
        ],
        message!["Write <config version=\"", wanted, "\">."],
    )
}
