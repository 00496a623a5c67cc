//! What is wrong with a Gigaset file beyond its syntax.

use crate::format::{Document, Examined, Finding, Place, codes, message, shown};

/// Looks at the sections of the file and at its parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        let known = |name: &str| name == "nvm" || name == "firmware";
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
                    "> does not belong directly into <provisioning>"
                ],
                "Put parameters and commands into <nvm>.",
            ));
        }
        for (name, at) in document.groups("nvm") {
            if file.findings.is_hopeless() {
                return;
            }
            if name != "param" && name != "oper" {
                file.findings.push(Finding::error(
                    codes::XML_SECTION,
                    at,
                    message!["<", shown(name), "> does not belong into <nvm>"],
                    "Write <param name=\"…\" value=\"…\"/> or <oper name=\"…\">.",
                ));
            }
        }
    }
    file.each_parameter(|parameter, _, findings| {
        if parameter.value.is_empty() {
            findings.push(Finding::error(
                codes::VALUE_CHARACTER,
                Place::new(parameter.line, parameter.column),
                message![shown(&parameter.name), " has an empty value"],
                "Leave the parameter out: what a base makes of an empty value is not stated.",
            ));
        }
    });
}

/// Looks at the sections of the older format and at its MAC, without which a base applies nothing.
pub(super) fn check_provider_frame(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        for (name, at) in document.sections().filter(|(name, _)| *name != "Provider") {
            if file.findings.is_hopeless() {
                return;
            }
            file.findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                message![
                    "<",
                    shown(name),
                    "> does not belong directly into <ProviderFrame>"
                ],
                "Put everything into <Provider>.",
            ));
        }
        let mut groups = document.groups("Provider");
        if !groups.any(|(name, _)| name == "MAC_ADDRESS") {
            file.findings.push(Finding::error(
                codes::PARAMETER_IGNORED,
                Place::FILE,
                "the file has no <MAC_ADDRESS>",
                "Write <MAC_ADDRESS value=\"{{ device.mac }}\"/> into <Provider>: without its own MAC there a base applies nothing.",
            ));
        }
    }
    file.each_parameter(|_, _, _| {});
}
