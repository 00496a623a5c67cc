//! What is wrong with a Fanvil file beyond its syntax.

use super::{groups, older_groups};
use crate::format::{Document, Examined, Finding, Place, codes, message, shown};

/// What in one of the two formats the rules are about.
pub(super) struct Rules {
    /// The outermost element.
    root: &'static str,
    /// The parameter that stands directly in it.
    version: &'static str,
    /// The groups that stand directly in it.
    sections: &'static [&'static str],
    /// Where the other parameters belong.
    help: &'static str,
    /// The keys of sealed files: of the device's own, and of those for all. How either is used is not published.
    pub(super) keys: [&'static str; 2],
}

/// Of `<sysConf>`.
pub(super) const SYS_CONF: Rules = Rules {
    root: "sysConf",
    version: "Version",
    sections: groups::SECTIONS,
    help: "Put every parameter into the group that the phone's own file has it in, such as <sip> or <ap>.",
    keys: ["DeviceCfgFileKey", "CommonCfgFileKey"],
};

/// Of `<VOIP_CONFIG_FILE>`.
pub(super) const VOIP_CONFIG: Rules = Rules {
    root: "VOIP_CONFIG_FILE",
    version: "version",
    sections: older_groups::MODULES,
    help: "Put every parameter into the module that the phone's own file has it in, such as <SIP_CONFIG_MODULE>.",
    keys: ["Config_File_Key", "Common_Cfg_File_Key"],
};

impl Rules {
    /// Looks at the sections of the file and at its parameters.
    pub(super) fn check(&self, file: &mut Examined<'_>) {
        if let Document::Xml(document) = file.document {
            let known = |name: &str| name == self.version || self.sections.contains(&name);
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
                    self.help,
                ));
            }
        }
        no_key(file, &self.keys);
    }
}

/// The same two keys in the form in lines; the third is that of older phones.
const TEXT_KEYS: [&str; 3] = [
    "Device Cfg File Key",
    "Common Cfg File Key",
    "Config File Key",
];

/// Looks at the parameters of a file in lines, whose modules its reader knows.
pub(super) fn check_text(file: &mut Examined<'_>) {
    no_key(file, &TEXT_KEYS);
}

fn no_key(file: &mut Examined<'_>, keys: &[&str]) {
    file.each_parameter(|parameter, _, findings| {
        if keys.contains(&parameter.name.as_str()) && !parameter.value.is_empty() {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                Place::new(parameter.line, parameter.column),
                message![shown(&parameter.name), " makes the phone expect sealed files"],
                "Delete it: how these are sealed is not published, so the phone could read no file any more.",
            ));
        }
    });
}
