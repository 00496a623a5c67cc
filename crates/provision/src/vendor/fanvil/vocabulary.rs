//! How phones that read `<sysConf>` say the settings of the vocabulary. A name is the way to the parameter: groups
//! with dots between them, and behind a group of which there are several its index.

use super::{keys, zone};
use crate::vocabulary::{
    Chars, Encoding, Reading, Rule, Written, codecs, each, host_alone, one, port_alone,
};

/// What X6U, X7 and X210 have, which have the most.
const MAX_LINES: u16 = 20;

pub(super) const TRANSPORT: Encoding =
    Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "3")]);

pub(super) const DTMF: Encoding =
    Encoding::Choice(&[("inband", "0"), ("rfc2833", "1"), ("info", "2")]);

/// From Tancredi's templates.
pub(super) const CODEC_MAP: Encoding = Encoding::With(|it| codecs::list(it, CODECS));

const CODECS: codecs::Words = &[
    ("pcmu", "PCMU"),
    ("pcma", "PCMA"),
    ("g722", "G722"),
    ("g729", "G729"),
    ("g726-32", "G726-32"),
    ("g723", "G723"),
    ("ilbc", "iLBC"),
    ("opus", "opus"),
];

/// These take no other [`PASSWORD`], and would keep their default. Of other models no bound is known.
pub(super) const ALPHANUMERIC: &[&str] = &["X1S", "X1SG", "X3SG", "X3U", "X305"];

pub(super) const PASSWORD: Encoding = Encoding::Chars(&Chars {
    allowed: |it| it.is_ascii_alphanumeric(),
    min: 1,
    max: 39,
    says: "letters of ASCII and digits",
});

/// What a phone makes of an empty password is not stated, and a longer one than [`PASSWORD`] nobody has told of.
pub(super) const PASSWORD_OF_OTHERS: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 1,
    max: 39,
    says: "any characters",
});

pub(super) const SYS_CONF: &[Rule] = &[
    of_line(
        "line_{n}_enabled",
        "sip.line.{n}.EnableReg",
        Encoding::Flag("1", "0"),
    ),
    of_line(
        "line_{n}_user",
        "sip.line.{n}.EnableReg",
        Encoding::Fixed("1"),
    ),
    of_line(
        "line_{n}_display_name",
        "sip.line.{n}.DisplayName",
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", "sip.line.{n}.PhoneNumber", Encoding::AsIs),
    of_line(
        "line_{n}_auth_user",
        "sip.line.{n}.RegisterUser",
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", "sip.line.{n}.RegisterUser", Encoding::AsIs),
    of_line(
        "line_{n}_password",
        "sip.line.{n}.RegisterPswd",
        Encoding::AsIs,
    ),
    of_line(
        "line_{n}_registrar",
        "sip.line.{n}.RegisterAddr",
        Encoding::AsIs,
    ),
    // There is one server for a line: where it registers is its domain, too.
    of_line(
        "line_{n}_domain",
        "sip.line.{n}.RegisterAddr",
        Encoding::AsIs,
    ),
    of_line("line_{n}_port", "sip.line.{n}.RegisterPort", Encoding::AsIs),
    of_line("line_{n}_transport", "sip.line.{n}.Transport", TRANSPORT),
    of_line(
        "line_{n}_outbound_proxy",
        "sip.line.{n}.ProxyAddr",
        Encoding::With(host_alone),
    ),
    of_line(
        "line_{n}_outbound_proxy",
        "sip.line.{n}.ProxyPort",
        Encoding::With(port_alone),
    ),
    of_line(
        "line_{n}_expires",
        "sip.line.{n}.RegisterTTL",
        Encoding::AsIs,
    ),
    of_line("line_{n}_voicemail", "sip.line.{n}.MWINum", Encoding::AsIs),
    of_line("line_{n}_dtmf", "sip.line.{n}.DTMFMode", DTMF),
    of_line("codecs", "sip.line.{n}.VoiceCodecMap", CODEC_MAP).of_lines(),
    one(
        "admin_password",
        "web.account.1.Name",
        Encoding::Fixed("admin"),
    ),
    one("admin_password", "web.account.1.Password", PASSWORD).only(ALPHANUMERIC),
    one(
        "admin_password",
        "web.account.1.Password",
        PASSWORD_OF_OTHERS,
    )
    .except(ALPHANUMERIC),
    one(
        "admin_password",
        "web.account.1.Level",
        Encoding::Fixed("10"),
    ),
    one(
        "user_password",
        "web.account.2.Name",
        Encoding::Fixed("guest"),
    ),
    one("user_password", "web.account.2.Password", PASSWORD).only(ALPHANUMERIC),
    one(
        "user_password",
        "web.account.2.Password",
        PASSWORD_OF_OTHERS,
    )
    .except(ALPHANUMERIC),
    one("user_password", "web.account.2.Level", Encoding::Fixed("5")),
    one(
        "language",
        "phone.display.DefaultLanguage",
        Encoding::With(language),
    ),
    one("tone_country", "mm.SelectYourTone", TONES),
    one("ntp", "phone.date.EnableSNTP", Encoding::Fixed("1")),
    one("ntp", "phone.date.SNTPServer", Encoding::AsIs),
    one("time_zone", "phone.date.TimeZone", zone::QUARTERS),
    one("time_zone", "phone.date.TimeZoneName", zone::LABEL),
    // Older and newer firmware call it differently; a phone passes over what it does not know.
    one("time_zone", "phone.date.EnableDST", zone::SUMMER_TIME),
    one("time_zone", "phone.date.DSTType", zone::SUMMER_TIME),
    one("time_zone", "phone.date.DSTMinOffset", zone::ADDS),
    one("time_zone", "phone.date.DSTStartMon", zone::START_MONTH),
    one("time_zone", "phone.date.DSTStartWeek", zone::START_WEEK),
    one("time_zone", "phone.date.DSTStartWday", zone::START_WEEKDAY),
    one("time_zone", "phone.date.DSTStartHour", zone::START_HOUR),
    one("time_zone", "phone.date.DSTEndMon", zone::END_MONTH),
    one("time_zone", "phone.date.DSTEndWeek", zone::END_WEEK),
    one("time_zone", "phone.date.DSTEndWday", zone::END_WEEKDAY),
    one("time_zone", "phone.date.DSTEndHour", zone::END_HOUR),
    one("syslog", "log.SyslogServer", Encoding::With(host_alone)),
    one("syslog", "log.SyslogServerPort", Encoding::With(port_alone)),
    one("vlan", "qos.EnableVLAN", Encoding::Fixed("1")),
    one("vlan", "qos.VLANID", Encoding::AsIs),
    keys::rule!("type", "dsskey.internal.1.Fkey.{n}.", "Type", 6, keys::TYPE).only(keys::PAGE_OF_6),
    keys::rule!(
        "type",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        6,
        keys::LINE
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "value",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        6,
        keys::VALUE
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "line",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        6,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "label",
        "dsskey.internal.1.Fkey.{n}.",
        "Title",
        6,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "type",
        "dsskey.internal.1.Fkey.{n}.",
        "Type",
        12,
        keys::TYPE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "type",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        12,
        keys::LINE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "value",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        12,
        keys::VALUE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "line",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        12,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "label",
        "dsskey.internal.1.Fkey.{n}.",
        "Title",
        12,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "type",
        "dsskey.internal.1.Fkey.{n}.",
        "Type",
        32,
        keys::TYPE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "type",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        32,
        keys::LINE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "value",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        32,
        keys::VALUE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "line",
        "dsskey.internal.1.Fkey.{n}.",
        "Value",
        32,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "label",
        "dsskey.internal.1.Fkey.{n}.",
        "Title",
        32,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_32),
    // At intervals, of hours.
    one(
        "provisioning_interval",
        "ap.FlashMode",
        Encoding::Fixed("2"),
    ),
    one(
        "provisioning_interval",
        "ap.FlashInterval",
        Encoding::Units(1, 60),
    ),
    one(
        "firmware_url",
        "fwCheck.EnableAutoUpgrade",
        Encoding::Fixed("1"),
    ),
    one("firmware_url", "fwCheck.UpgradeServer1", Encoding::AsIs),
    one(
        "phone_book_url",
        "phone.xmlContact.1.Name",
        Encoding::Fixed("Directory"),
    ),
    one("phone_book_url", "phone.xmlContact.1.Addr", Encoding::AsIs),
];

const fn of_line(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    each(setting, parameter, MAX_LINES, value)
}

/// The phone's own words, where they are not those of ISO 639.
fn language(reading: &Reading<'_>) -> Written {
    const SAME: &[&str] = &[
        "en", "ru", "it", "fr", "de", "he", "es", "tr", "hr", "nl", "ko", "pt", "pl", "ar",
    ];
    const OTHER: &[(&str, &str)] = &[
        ("zh", "cn"),
        ("ca", "cat"),
        ("eu", "eus"),
        ("sk", "slo"),
        ("cs", "cz"),
        ("uk", "ua"),
    ];
    let small = reading.value().to_ascii_lowercase();
    if small == "zh-tw" {
        return Ok(Some("tc".to_owned()));
    }
    let word = small.split('-').next().unwrap_or_default();
    let same = SAME.iter().find(|known| **known == word);
    let other = OTHER
        .iter()
        .find_map(|(ours, theirs)| (*ours == word).then_some(theirs));
    match same.or(other) {
        Some(known) => Ok(Some((*known).to_owned())),
        None => Err("of these phones the word for this language is not known".to_owned()),
    }
}

/// The numbers are WAZO's and Tancredi's.
pub(super) const TONES: Encoding = Encoding::Word(&[
    ("BE", "0"),
    ("CN", "1"),
    ("DE", "2"),
    ("JP", "4"),
    ("NL", "5"),
    ("NO", "6"),
    ("SE", "8"),
    ("CH", "9"),
    ("US", "11"),
    ("CZ", "12"),
    ("GB", "13"),
    ("ZA", "14"),
    ("AU", "15"),
    ("BR", "16"),
    ("CA", "18"),
    ("RU", "19"),
    ("CL", "20"),
    ("IT", "21"),
    ("AT", "22"),
    ("DK", "23"),
    ("FI", "24"),
    ("FR", "25"),
    ("GR", "26"),
    ("HU", "27"),
    ("LT", "28"),
    ("IN", "29"),
    ("MX", "30"),
    ("NZ", "31"),
    ("PT", "32"),
    ("ES", "33"),
]);
