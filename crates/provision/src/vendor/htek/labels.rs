//! How the phones of the U series say the settings of the vocabulary, and what is wrong with a file of theirs.
//!
//! The labels are those of FusionPBX's templates for UC924U and UC926U, which agree. What each means, and what its values do, is that
//! of the number beside which the label stands in the templates for the other phones: see `vocabulary`. What only the U series
//! has is left out, and so are codecs whose numbers its templates do not have.
//!
//! Those templates give each account a profile of its own and have all accounts point to the first: so here too server, proxy and
//! transport are the first profile's, and line 1's.

use super::vocabulary::{DTMF, KEYS, MAX_LINES, TONES, TRANSPORT};
use super::{KEY_DOES, KEY_HELP};
use crate::format::{Document, Examined, Finding, Place, codes, message, shown};
use crate::vocabulary::{Encoding, Rule, codecs, each, host_and_port, keys, one};

/// The key of sealed files, whose cipher is not published.
pub(super) const KEY: &str = "FirmwareUpGrade_SetCommonAESKey";

/// The same by its number, which another family's file has.
const KEY_BY_NUMBER: &str = super::KEY;

/// The codec of a rank. Behind those that are wanted stays what the phone has.
macro_rules! codec {
    ($rank:literal, $parameter:literal) => {
        one(
            "codecs",
            $parameter,
            Encoding::With(|it| codecs::at(it, $rank, 6, CODECS)),
        )
    };
}

pub(super) const U: &[Rule] = &[
    one("line_{n}_registrar", SERVER, Encoding::With(host_and_port)),
    one("line_{n}_domain", SERVER, Encoding::With(host_and_port)),
    // All lines register where line 1 does.
    line("line_{n}_registrar", SERVER, Encoding::AsLine1),
    line("line_{n}_domain", SERVER, Encoding::AsLine1),
    line("line_{n}_port", SERVER, Encoding::AsLine1),
    line("line_{n}_transport", OVER, Encoding::AsLine1),
    line("line_{n}_outbound_proxy", PROXY, Encoding::AsLine1),
    line("line_{n}_expires", EXPIRES, Encoding::AsLine1),
    line("line_{n}_dtmf", DIGITS, Encoding::AsLine1),
    one("line_{n}_transport", OVER, TRANSPORT),
    one("line_{n}_registrar", OVER, Encoding::Fixed("0")),
    one("line_{n}_domain", OVER, Encoding::Fixed("0")),
    one("line_{n}_outbound_proxy", PROXY, Encoding::AsIs),
    one("line_{n}_expires", EXPIRES, Encoding::Units(1, 60)),
    one("line_{n}_dtmf", DIGITS, DTMF),
    line(
        "line_{n}_enabled",
        "Account{n}_Active",
        Encoding::Flag("1", "0"),
    ),
    line("line_{n}_user", "Account{n}_Active", Encoding::Fixed("1")),
    line("line_{n}_user", "Account{n}_Profile", Encoding::Fixed("0")),
    line("line_{n}_label", "Account{n}_Label", Encoding::AsIs),
    line("line_{n}_user", "Account{n}_SipUserId", Encoding::AsIs),
    line("line_{n}_auth_user", AUTH, Encoding::AsIs),
    line("line_{n}_user", AUTH, Encoding::AsIs),
    line(
        "line_{n}_password",
        "Account{n}_AuthenticatePassword",
        Encoding::AsIs,
    ),
    line("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    line("line_{n}_user", DISPLAY, Encoding::AsIs),
    line(
        "line_{n}_voicemail",
        "Account{n}_VoiceMailId",
        Encoding::AsIs,
    ),
    line("dial_plan", "Account{n}_DialPlan", Encoding::AsIs).of_lines(),
    key("key_{n}_type", "LineKey{n}_Mode", Encoding::Fixed("0")),
    key(
        "key_{n}_type",
        "LineKey{n}_Type",
        Encoding::With(|it| keys::kind(it, KEYS)),
    ),
    // As of the others: 255 leaves the choice to the phone.
    key("key_{n}_type", "LineKey{n}_Account", Encoding::Fixed("255")),
    key(
        "key_{n}_value",
        "LineKey{n}_Value",
        Encoding::With(keys::value),
    ),
    key("key_{n}_label", "LineKey{n}_Label", Encoding::AsIs),
    codec!(0, "Profile1_Choice1"),
    codec!(1, "Profile1_Choice2"),
    codec!(2, "Profile1_Choice3"),
    codec!(3, "Profile1_Choice4"),
    codec!(4, "Profile1_Choice5"),
    codec!(5, "Profile1_Choice6"),
    one("tone_country", "Tones_SelectCountry", TONES),
    one("ntp", "NW_Adv_UrlOrIpAddress", Encoding::AsIs),
    one("vlan", "NW_Adv_Vlan_WANVlan", Encoding::Fixed("1")),
    one("vlan", "NW_Adv_Layer2QoS_802_1Q_VLANTag", Encoding::AsIs),
    one("phone_book_url", "RemotePhoneBook1_Url", Encoding::AsIs),
    one(
        "phone_book_url",
        "RemotePhoneBook1_Name",
        Encoding::Fixed("Directory"),
    ),
    one("admin_password", "AdminPassword", Encoding::AsIs),
    one("user_password", "UserPassword", Encoding::AsIs),
    one(
        "firmware_url",
        "FirmwareUpGrade_FirmwareServerPath",
        Encoding::AsIs,
    ),
    one(
        "provisioning_interval",
        "FirmwareUpGrade_AutoUpgrade",
        Encoding::Fixed("1"),
    ),
    one(
        "provisioning_interval",
        "FirmwareUpGrade_CheckUpgradeTimes",
        Encoding::AsIs,
    ),
];

const SERVER: &str = "Profile1_Sipserver";
const OVER: &str = "Profile1_SipTransport";
const PROXY: &str = "Profile1_OutboundProxy";
const EXPIRES: &str = "Profile1_RegisterExpiration";
const DIGITS: &str = "Profile1_DtmfMode";
const AUTH: &str = "Account{n}_AuthenticateID";
// The vendor spells it so.
const DISPLAY: &str = "Account{n}_DispalyName";

/// The others have as many keys; how many a phone of the U series has was not found.
const MAX_KEYS: u16 = 36;

const CODECS: codecs::Words = &[
    ("pcmu", "0"),
    ("pcma", "8"),
    ("g722", "9"),
    ("g726-32", "2"),
];

const fn line(setting: &'static str, label: &'static str, value: Encoding) -> Rule {
    each(setting, label, MAX_LINES, value)
}

const fn key(setting: &'static str, label: &'static str, value: Encoding) -> Rule {
    each(setting, label, MAX_KEYS, value)
}

/// Looks at a file of labels.
pub(super) fn check(file: &mut Examined<'_>) {
    if let Document::Xml(document) = file.document {
        for (name, at) in document.sections().filter(|(name, _)| *name != "config") {
            if file.findings.is_hopeless() {
                return;
            }
            file.findings.push(Finding::error(
                codes::XML_SECTION,
                at,
                message![
                    "<",
                    shown(name),
                    "> does not belong directly into <hl_provision>"
                ],
                "Put every parameter into <config version=\"1\">.",
            ));
        }
    }
    file.each_parameter(|parameter, bootstrap, findings| {
        let at = Place::new(parameter.line, parameter.column);
        if [KEY, KEY_BY_NUMBER].contains(&parameter.name.as_str()) && !bootstrap {
            findings.push(Finding::error(
                codes::KEY_IN_FILE,
                at,
                message![shown(&parameter.name), KEY_DOES],
                KEY_HELP,
            ));
        }
        let number = parameter.name.strip_prefix('P').unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) {
            findings.push(Finding::warning(
                codes::NAME_NOT_OF_FAMILY,
                at,
                message![
                    shown(&parameter.name),
                    " is a number, and phones of the U series read labels"
                ],
                "Write the label that stands beside the number in the vendor's template, or give the model the family htek.",
            ));
        }
    });
}
