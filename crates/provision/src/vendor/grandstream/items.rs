//! How phones that read named items say the settings of the vocabulary. The names are those of public templates for
//! GRP261x and GHP6xx (`<config version="2">`), which carry the vendor's own remarks; the number of an account is
//! its number, up to 16. Values are words where such a template names some.

use super::vocabulary::{
    GRP, LANGUAGE, PASSWORD, PASSWORD_OF_GRP, full_hour, phone_book, scheme, without_scheme,
};
use crate::vocabulary::{
    Chars, Encoding, Reading, Rule, Written, codecs, each, host_and_port, host_without_port,
    interval, keys, one,
};

/// How many accounts the largest phone has. A phone that has fewer passes over the others.
const MAX_ACCOUNTS: u16 = 16;

/// The codec of a rank. Behind those that are wanted stays what the phone has.
macro_rules! codec {
    ($rank:literal, $choice:literal) => {
        line(
            "codecs",
            concat!("account.{n}.codec.choice.", $choice),
            Encoding::With(|it| codecs::at(it, $rank, 8, CODECS)),
        )
        .of_lines()
    };
}

pub(super) const ITEMS: &[Rule] = &[
    line(
        "line_{n}_enabled",
        "account.{n}.enable",
        Encoding::Flag("Yes", "No"),
    ),
    line(
        "line_{n}_user",
        "account.{n}.enable",
        Encoding::Fixed("Yes"),
    ),
    line("line_{n}_registrar", SERVER, Encoding::With(host_and_port)),
    line("line_{n}_domain", SERVER, Encoding::With(host_and_port)),
    line(
        "line_{n}_outbound_proxy",
        "account.{n}.sip.outboundProxy.1.address",
        Encoding::AsIs,
    ),
    line("line_{n}_user", "account.{n}.sip.userid", Encoding::AsIs),
    line("line_{n}_auth_user", AUTH, Encoding::AsIs),
    line("line_{n}_user", AUTH, Encoding::AsIs),
    line(
        "line_{n}_password",
        "account.{n}.sip.subscriber.password",
        Encoding::AsIs,
    ),
    line("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    line("line_{n}_user", DISPLAY, Encoding::AsIs),
    line("line_{n}_label", "account.{n}.name", Encoding::AsIs),
    line("line_{n}_user", "account.{n}.name", Encoding::AsIs),
    line("line_{n}_transport", TRANSPORT, TRANSPORTS).except(GHP),
    line("line_{n}_transport", TRANSPORT, TRANSPORTS_OF_GHP).only(GHP),
    // Over UDP, unless something else is said.
    line("line_{n}_user", TRANSPORT, Encoding::Fixed("UDP")),
    // A port alone has no item: it stands behind the host.
    line("line_{n}_port", SERVER, Encoding::Joined),
    // In minutes.
    line(
        "line_{n}_expires",
        "account.{n}.sip.registerExpiration",
        Encoding::Units(1, 60),
    ),
    line(
        "line_{n}_voicemail",
        "account.{n}.sip.voicemail.number",
        Encoding::AsIs,
    ),
    line(
        "line_{n}_dtmf",
        "account.{n}.dtmf.sendInRtp",
        only("rfc2833"),
    ),
    line("line_{n}_dtmf", "account.{n}.dtmf.sendInSip", only("info")),
    line(
        "line_{n}_dtmf",
        "account.{n}.dtmf.sendInAudio",
        only("inband"),
    ),
    line("line_{n}_srtp", "account.{n}.audio.srtpMode", SRTP),
    one("admin_password", "users.admin.password", PASSWORD).except(GRP),
    one("admin_password", "users.admin.password", PASSWORD_OF_GRP).only(GRP),
    one("user_password", "users.user.password", PASSWORD),
    one(
        "time_zone",
        "dateTime.timezone",
        Encoding::With(|it| Ok(Some(it.zone()?.posix.to_owned()))),
    ),
    one("ntp", "dateTime.ntp.server.1", Encoding::AsIs),
    one("language", "language.gui", LANGUAGE),
    line("dial_plan", "account.{n}.call.dialplan", Encoding::AsIs).of_lines(),
    each(
        "key_{n}_type",
        "pks.vpk.{n}.keyMode",
        MAX_KEYS,
        Encoding::With(|it| keys::kind(it, MODES)),
    ),
    each(
        "key_{n}_type",
        "pks.vpk.{n}.account",
        MAX_KEYS,
        // Counted from 0, as WAZO and FS PBX write it; FusionPBX writes Account1, and says in a remark that 0 is meant.
        Encoding::With(keys::line_from_zero),
    ),
    each(
        "key_{n}_line",
        "pks.vpk.{n}.account",
        MAX_KEYS,
        Encoding::Joined,
    ),
    each("key_{n}_label", "pks.vpk.{n}.description", MAX_KEYS, LABEL),
    each(
        "key_{n}_value",
        "pks.vpk.{n}.value",
        MAX_KEYS,
        Encoding::With(key_value),
    ),
    codec!(0, 1),
    codec!(1, 2),
    codec!(2, 3),
    codec!(3, 4),
    codec!(4, 5),
    codec!(5, 6),
    codec!(6, 7),
    codec!(7, 8),
    one(
        "syslog",
        "maintain.syslog.server",
        Encoding::With(host_without_port),
    ),
    one("syslog", "maintain.syslog.level", Encoding::Fixed("Info")),
    one(
        "firmware_url",
        "provisioning.firmware.protocol",
        scheme!("HTTP", "HTTPS"),
    ),
    one(
        "firmware_url",
        "provisioning.firmware.serverPath",
        Encoding::With(without_scheme),
    ),
    one(
        "phone_book_url",
        "phonebook.download.mode",
        scheme!("EnabledUseHTTP", "EnabledUseHTTPS"),
    ),
    one(
        "phone_book_url",
        "phonebook.download.server",
        Encoding::With(phone_book),
    ),
    // There is one mode of asking.
    one(
        "resync_time",
        "provisioning.auto.mode",
        Encoding::Fixed("YesUpgradeHourOfDay"),
    ),
    one(
        "resync_time",
        "provisioning.auto.hour",
        Encoding::With(full_hour),
    ),
    one(
        "vlan",
        "network.port.eth.1.vlan.enable",
        Encoding::Fixed("Yes"),
    ),
    one("vlan", "network.port.eth.1.vlan.tag", Encoding::AsIs),
    interval("provisioning.auto.mode", Encoding::Fixed("YesUpgradeMin")),
    interval("provisioning.auto.minute", Encoding::Within(60, 40_320)),
];

/// How many keys the vendor's remarks count. They want no gaps between the keys that are in use.
const MAX_KEYS: u16 = 40;
const MODES: &[(&str, &str)] = &[
    ("line", "Line"),
    ("blf", "BLF"),
    ("speed_dial", "SpeedDial"),
    ("park", "CallPark"),
    ("dtmf", "DialDTMF"),
];
const LABEL: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 0,
    max: 32,
    says: "characters",
});

fn key_value(reading: &Reading<'_>) -> Written {
    match reading.value().chars().count() <= 64 {
        true => keys::value(reading),
        false => Err("these phones take at most 64 characters".to_owned()),
    }
}

const CODECS: codecs::Words = &[
    ("pcmu", "PCMU"),
    ("pcma", "PCMA"),
    ("g726-32", "G.726-32"),
    ("g723", "G.723.1"),
    ("g722", "G.722"),
    ("g729", "G.729A/B"),
    ("ilbc", "iLBC"),
    ("opus", "OPUS"),
];
const SERVER: &str = "account.{n}.sip.server.1.address";
const AUTH: &str = "account.{n}.sip.subscriber.userid";
const DISPLAY: &str = "account.{n}.sip.subscriber.name";
const TRANSPORT: &str = "account.{n}.sip.transport";

/// Models whose public template writes the word for TLS with blanks; those of the others write it in one piece.
const GHP: &[&str] = &["GHP6"];
const TRANSPORTS: Encoding =
    Encoding::Choice(&[("udp", "UDP"), ("tcp", "TCP"), ("tls", "TlsOrTcp")]);
const TRANSPORTS_OF_GHP: Encoding =
    Encoding::Choice(&[("udp", "UDP"), ("tcp", "TCP"), ("tls", "Tls Or Tcp")]);
const SRTP: Encoding = Encoding::Choice(&[
    ("off", "Disabled"),
    ("optional", "EnabledButNotForced"),
    ("required", "EnabledAndForced"),
]);

const fn line(setting: &'static str, item: &'static str, value: Encoding) -> Rule {
    each(setting, item, MAX_ACCOUNTS, value)
}

/// Yes for one of the ways to send digits, No for the others.
const fn only(way: &'static str) -> Encoding {
    match way.as_bytes() {
        b"rfc2833" => Encoding::Choice(&[("rfc2833", "Yes"), ("info", "No"), ("inband", "No")]),
        b"info" => Encoding::Choice(&[("rfc2833", "No"), ("info", "Yes"), ("inband", "No")]),
        _ => Encoding::Choice(&[("rfc2833", "No"), ("info", "No"), ("inband", "Yes")]),
    }
}
