//! What is wrong with a Yealink file beyond its syntax.

use std::collections::BTreeSet;

use crate::format::{Examined, Finding, Findings, Parameter, Place, codes, message, shown};
use crate::secret::MASK;

/// Looks at the parameters; `device` is what the names of the device's own begin with in this generation.
pub(super) fn check(file: &mut Examined<'_>, device: &'static str) {
    let mut users = BTreeSet::new();
    file.each_parameter(|parameter, bootstrap, findings| {
        let name = parameter.name.as_str();
        let at = Place::new(parameter.line, parameter.column);
        let bare = name.strip_prefix("static.").unwrap_or(name);
        let off = matches!(parameter.value.as_str(), "" | "0" | "%NULL%");
        match bare {
            "auto_provision.aes_key_16.mac" | "auto_provision.aes_key.mac" if bootstrap => {}
            "auto_provision.aes_key_16.mac"
            | "auto_provision.aes_key_16.com"
            | "auto_provision.aes_key.mac"
            | "auto_provision.aes_key.com" => findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![shown(name), " sets a file key"],
                "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
            )),
            "auto_provision.aes_key_in_file" if !off => findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![
                    shown(name),
                    " makes the phone fetch its key from a file whose own key is public"
                ],
                "Set it to 0: nothing of that kind is served, so the phone would read no file any more.",
            )),
            "auto_provision.update_file_mode" if !off => findings.push(Finding::error(
                codes::IRREVERSIBLE,
                at,
                message![
                    shown(name),
                    " makes the phone refuse every file in clear, so that no bootstrap can give it another key"
                ],
                "Set it to 0; once a phone has taken it, a reset to factory settings is the only way back.",
            )),
            "security.user_password" => check_user(parameter, at, &mut users, findings),
            _ => {}
        }
        if is_of_another_generation(name, device) {
            findings.push(Finding::warning(
                codes::NAME_NOT_OF_FAMILY,
                at,
                message![shown(name), " is a name of another generation of firmware"],
                "From v81 on the names of the device's own parameters begin with static, and before it they do not.",
            ));
        }
    });
}

fn is_of_another_generation(name: &str, device: &str) -> bool {
    match device {
        "" => name.starts_with("static."),
        _ => name.starts_with("auto_provision.") || name.starts_with("security."),
    }
}

/// `<user>:<password>`, once for each user.
fn check_user(
    parameter: &Parameter,
    at: Place,
    users: &mut BTreeSet<String>,
    findings: &mut Findings,
) {
    // What a preview shows in the place of a secret says nothing about it.
    if parameter.value == MASK {
        return;
    }
    let name = || shown(&parameter.name);
    let (user, password) = parameter.value.split_once(':').unwrap_or_default();
    let length = password.chars().count();
    let good = |text: &str| text.chars().all(|it| it.is_ascii_graphic() && it != ':');
    if user.is_empty() || !good(user) || !good(password) || !(1..=32).contains(&length) {
        findings.push(Finding::error(
            codes::VALUE_NOT_TAKEN,
            at,
            message![name(), " is not a user, a colon and a password"],
            "Write user:password; a password has 1 to 32 printable ASCII characters without blanks and colons.",
        ));
    } else if !users.insert(user.to_owned()) {
        findings.push(Finding::error(
            codes::DUPLICATE_PARAMETER,
            at,
            message![name(), " is set for the same user already"],
            "Keep one of them.",
        ));
    }
}
