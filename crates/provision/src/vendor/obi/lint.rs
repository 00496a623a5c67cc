//! What is wrong with a file of an OBi beyond its syntax.

use crate::format::{Examined, Finding, Findings, Parameter, Place, codes, message, shown};
use crate::kind::FileKind;

/// The object that says where the phone gets its file.
pub(super) const OBJECT: &str = "X_DeviceManagement.ITSPProvisioning.";

/// What the secret parameters begin with, of which two hold key and IV of sealed files.
pub(super) const SECRETS: &str = "X_DeviceManagement.ITSPProvisioning.SPRM";

/// The rule by which the phone fetches its file.
const RULE: &str = "X_DeviceManagement.ITSPProvisioning.ConfigURL";

/// What stands in the names of other secrets.
const PASSWORD: &str = "Password";

/// Looks at the parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    let initial = file.kind == FileKind::Initial;
    let mut names_standard = false;
    file.each_parameter(|parameter, bootstrap, findings| {
        let at = Place::new(parameter.line, parameter.column);
        let name = parameter.name.as_str();
        names_standard |= name == RULE && !parameter.value.is_empty();
        if name.starts_with(SECRETS) && !bootstrap {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![shown(name), " holds a key of sealed files"],
                "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
            ));
        } else if initial && name.contains(PASSWORD) {
            findings.push(Finding::error(
                codes::SECRET_FOR_ALL,
                at,
                message![shown(name), " is a secret, and all phones of the model get this file"],
                "Put it into the device's own file.",
            ));
        }
        check_rule(parameter, at, findings);
        check_name(parameter, at, findings);
    });
    if initial && !names_standard {
        file.findings.push(Finding::warning(
            codes::INITIAL_WITHOUT_STANDARD,
            Place::FILE,
            "the initial file does not name the standard file",
            "Set X_DeviceManagement.ITSPProvisioning.ConfigURL, or phones never ask for a file of their own.",
        ));
    }
}

/// What in a rule says how a file is sealed: with the key that the bootstrap has set.
const SEALED: [&str; 3] = ["-A=aes", "-K=$SPRM0", "-IV=$SPRM1"];

/// A rule for sealed files makes the phone take what it gets for a sealed one, and one without makes it take a sealed
/// file for one in clear. The name's extension tells which of the two is there.
fn check_rule(parameter: &Parameter, at: Place, findings: &mut Findings) {
    if parameter.name != RULE {
        return;
    }
    let says = |word: &&str| {
        let option = word.split_once('=').map_or("", |(option, _)| option);
        ["-A", "-K", "-IV"].contains(&option)
    };
    let words = || parameter.value.split_whitespace();
    let mut said: Vec<&str> = words().filter(says).collect();
    said.sort_by_key(|word| SEALED.iter().position(|one| one == word));
    let is_sealed = words().any(|word| word.ends_with(".aes"));
    if is_sealed && said == SEALED || !is_sealed && said.is_empty() {
        return;
    }
    let code = match said.is_empty() {
        true => codes::VALUE_MEANING,
        false => codes::KEY_IN_FILE,
    };
    findings.push(Finding::error(
        code,
        at,
        message![RULE, " does not say of the file what it is"],
        "Write SYNC -A=aes -K=$SPRM0 -IV=$SPRM1 before the URL of a sealed file, which ends in .aes, and none of it before the URL of one in clear.",
    ));
}

/// An object's name ends in a full stop, the parameter's follows.
fn check_name(parameter: &Parameter, at: Place, findings: &mut Findings) {
    let name = parameter.name.as_str();
    let parts = name.matches('.').count();
    if parts == 0 || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        findings.push(Finding::error(
            codes::NAME_INVALID,
            at,
            message![shown(name), " is no parameter of an object"],
            "Write <O><N>object.</N><P><N>parameter</N><V>value</V></P></O>, with a full stop behind the object.",
        ));
    }
}
