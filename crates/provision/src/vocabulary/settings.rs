//! The settings that there are.

use super::Kind;

/// The highest number of a line or key.
pub const MAX_NUMBER: u16 = 255;

/// A setting of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name; `{n}` stands for the number of a line or key, counted from 1.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it does, in a sentence.
    pub says: &'static str,
    /// Whether a phone does without a value that its family has no word for: it keeps what it has, and a finding
    /// says so. A phone must not do without a password, a host, a time zone or encryption that somebody asks for.
    pub wish: bool,
}

const fn setting(name: &'static str, kind: Kind, says: &'static str) -> Setting {
    Setting {
        name,
        kind,
        says,
        wish: false,
    }
}

const fn wish(name: &'static str, kind: Kind, says: &'static str) -> Setting {
    Setting {
        wish: true,
        ..setting(name, kind, says)
    }
}

/// The transports of SIP.
const TRANSPORT: Kind = Kind::Choice(&["udp", "tcp", "tls"]);

/// Every setting of the vocabulary, in the order in which people read them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "line_{n}_enabled",
        Kind::Flag,
        "Whether the line is in use; a line with a user is, unless this says no.",
    ),
    setting(
        "line_{n}_label",
        Kind::Text,
        "The text beside the line's key.",
    ),
    setting(
        "line_{n}_display_name",
        Kind::Text,
        "The name that those who are called see.",
    ),
    setting(
        "line_{n}_user",
        Kind::Text,
        "The user of the line's SIP address: a number or a name.",
    ),
    setting(
        "line_{n}_auth_user",
        Kind::Text,
        "The user that the registrar knows the password of; without it, the line's user.",
    ),
    setting(
        "line_{n}_password",
        Kind::Text,
        "The password of the line at its registrar: make it a secret.",
    ),
    setting(
        "line_{n}_domain",
        Kind::Host,
        "The domain of the line's SIP address.",
    ),
    setting(
        "line_{n}_registrar",
        Kind::Host,
        "The host where the line registers, if it is not the domain.",
    ),
    setting("line_{n}_port", Kind::Port, "The port of the registrar."),
    setting(
        "line_{n}_transport",
        TRANSPORT,
        "How the line's SIP messages travel.",
    ),
    setting(
        "line_{n}_proxy",
        Kind::HostPort,
        "The proxy of the line's calls, as host or host:port, if it is not the registrar.",
    ),
    setting(
        "line_{n}_outbound_proxy",
        Kind::HostPort,
        "The first hop of all the line's messages, as host or host:port.",
    ),
    setting(
        "line_{n}_expires",
        Kind::Number {
            min: 60,
            max: 86_400,
        },
        "After how many seconds the line registers anew.",
    ),
    setting(
        "line_{n}_voicemail",
        Kind::Text,
        "The number of the line's voice mailbox.",
    ),
    setting(
        "line_{n}_dtmf",
        Kind::Choice(&["rfc2833", "info", "inband"]),
        "How the line sends the digits that are pressed in a call.",
    ),
    setting(
        "line_{n}_srtp",
        Kind::Choice(&["off", "optional", "required"]),
        "Whether the line encrypts its calls.",
    ),
    setting(
        "key_{n}_type",
        Kind::Choice(&["line", "blf", "speed_dial", "park", "dtmf", "url"]),
        "What the key does.",
    ),
    setting(
        "key_{n}_value",
        Kind::Text,
        "What the key calls, watches, sends or opens.",
    ),
    setting("key_{n}_label", Kind::Text, "The text beside the key."),
    setting(
        "key_{n}_line",
        Kind::Number {
            min: 1,
            max: MAX_NUMBER as u32,
        },
        "The number of the line that the key works for; without it, line 1.",
    ),
    setting(
        "admin_password",
        Kind::Text,
        "The password of the phone's own pages for its administrator: make it a secret.",
    ),
    setting(
        "user_password",
        Kind::Text,
        "The password of the phone's own pages for its user: make it a secret.",
    ),
    setting(
        "time_zone",
        Kind::Zone,
        "The time zone by its IANA name, such as Europe/Berlin.",
    ),
    wish(
        "language",
        Kind::Language,
        "The language of the phone's display, such as de or en-GB.",
    ),
    wish(
        "tone_country",
        Kind::Country,
        "The country whose tones the phone plays, by the two letters of ISO 3166.",
    ),
    setting("ntp", Kind::Host, "The time server."),
    setting(
        "syslog",
        Kind::HostPort,
        "The server that the phone's log goes to, as host or host:port.",
    ),
    wish(
        "codecs",
        Kind::Codecs,
        "The codecs in the order of preference, such as g722,pcma,pcmu.",
    ),
    setting(
        "dial_plan",
        Kind::Text,
        "The dial plan in the phone's own notation.",
    ),
    setting(
        "vlan",
        Kind::Number { min: 1, max: 4_094 },
        "The VLAN that the phone's own packets carry.",
    ),
    wish(
        "provisioning_interval",
        Kind::Number {
            min: 1,
            max: 40_320,
        },
        "After how many minutes the phone fetches its files anew.",
    ),
    wish(
        "resync_time",
        Kind::TimeOfDay,
        "At what time of day the phone fetches its files anew, as HH:MM.",
    ),
    setting(
        "firmware_url",
        Kind::Url,
        "Where the phone finds its firmware.",
    ),
    setting(
        "phone_book_url",
        Kind::Url,
        "Where the phone finds its phone book.",
    ),
];

/// The setting of the vocabulary that a name is, and the number in it.
///
/// ```
/// let (setting, number) = ringfence_provision::vocabulary::find("line_2_user").expect("it is one");
/// assert_eq!((setting.name, number), ("line_{n}_user", Some(2)));
/// assert!(ringfence_provision::vocabulary::find("line_02_user").is_none());
/// ```
pub fn find(name: &str) -> Option<(&'static Setting, Option<u16>)> {
    SETTINGS
        .iter()
        .find_map(|setting| Some((setting, number_in(setting.name, name)?)))
}

/// The number that stands in a name where its pattern has `{n}`: `Some(None)` where it has none.
fn number_in(pattern: &str, name: &str) -> Option<Option<u16>> {
    let Some((before, behind)) = pattern.split_once("{n}") else {
        return (pattern == name).then_some(None);
    };
    let digits = name.strip_prefix(before)?.strip_suffix(behind)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number = digits.parse().ok().filter(|_| plain && digits.len() <= 3)?;
    (1..=MAX_NUMBER).contains(&number).then_some(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_numbers() {
        let found = |name| find(name).map(|(setting, number)| (setting.name, number));
        assert_eq!(found("line_1_user"), Some(("line_{n}_user", Some(1))));
        assert_eq!(found("line_255_user"), Some(("line_{n}_user", Some(255))));
        assert_eq!(found("key_12_type"), Some(("key_{n}_type", Some(12))));
        assert_eq!(found("time_zone"), Some(("time_zone", None)));
        for name in [
            "line__user",
            "line_0_user",
            "line_01_user",
            "line_256_user",
            "line_1_users",
            "line_+1_user",
            "line_1_2_user",
            "time_zones",
            "",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn each_setting_has_a_name_that_can_be_set_and_a_sentence() {
        for setting in SETTINGS {
            let name = setting.name.replace("{n}", "255");
            assert_eq!(crate::layers::check_name(&name), Ok(()), "{name}");
            assert!(setting.says.ends_with('.'), "{name}");
            assert_eq!(find(&name).map(|(found, _)| found.name), Some(setting.name));
        }
    }
}
