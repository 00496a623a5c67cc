//! What is wrong with a Mitel file beyond its syntax.

use crate::format::{Examined, Finding, Place, codes, message, shown};
use crate::secret::MASK;

/// Whether the phone takes it for the password of its pages. One with a letter in it makes the phone fall back to
/// its default, without a word.
pub(super) fn is_password(value: &str) -> bool {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let padded = value.len() > 1 && value.starts_with('0');
    plain && !padded && value.parse::<u32>().is_ok()
}

/// Looks at the parameters.
pub(super) fn check(file: &mut Examined<'_>) {
    file.each_parameter(|parameter, _, findings| {
        let name = parameter.name.trim_start_matches(['^', '!']);
        let secret = name == "admin password" || name == "user password";
        // A preview has a mask there.
        if secret && parameter.value != MASK && !is_password(&parameter.value) {
            findings.push(Finding::error(
                codes::VALUE_CHARACTER,
                Place::new(parameter.line, parameter.column),
                message![
                    "the value of ",
                    shown(&parameter.name),
                    " is no number from 0 to 4294967295"
                ],
                "Choose digits alone, the first no 0: with anything else the phone silently keeps its default password.",
            ));
        }
    });
}
