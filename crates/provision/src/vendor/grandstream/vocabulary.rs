//! How phones that read `P` values say the settings of the vocabulary. The numbers of line 5 and of those behind it
//! differ by model, and so does how many lines there are: what the vendor's own templates say of that is in a
//! configuration module of NixOS.
//!
//! Numbers and their meaning are those of FusionPBX's templates, which carry the vendor's own remarks, and of WAZO's.

use crate::vocabulary::{
    Chars, Encoding, Reading, Rule, Run, Runs, Written, codecs, host_and_port, host_without_port,
    interval, keys, one, runs, table,
};

/// The codec of a rank. Behind those that are wanted stays what the phone has.
macro_rules! codec {
    ($rank:literal, $parameter:literal) => {
        one(
            "codecs",
            $parameter,
            Encoding::With(|it| codecs::at(it, $rank, 8, CODECS)),
        )
        .of_lines()
    };
}

/// A word for http, and one for https.
macro_rules! scheme {
    ($http:literal, $https:literal) => {
        Encoding::With(|it| {
            let https = it.value().starts_with("https:");
            Ok(Some(if https { $https } else { $http }.to_owned()))
        })
    };
}

pub(super) use scheme;

pub(super) const P_VALUES: &[Rule] = &[
    line("line_{n}_enabled", ACTIVE, Encoding::Flag("1", "0")),
    line("line_{n}_user", ACTIVE, Encoding::Fixed("1")),
    line("line_{n}_registrar", SERVER, Encoding::With(host_and_port)),
    line("line_{n}_domain", SERVER, Encoding::With(host_and_port)),
    line("line_{n}_outbound_proxy", OUTBOUND, Encoding::AsIs),
    line("line_{n}_user", USER, Encoding::AsIs),
    line("line_{n}_auth_user", AUTH, Encoding::AsIs),
    line("line_{n}_user", AUTH, Encoding::AsIs),
    line("line_{n}_password", PASSWORDS, Encoding::AsIs),
    line("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    line("line_{n}_user", DISPLAY, Encoding::AsIs),
    line("line_{n}_label", LABEL, Encoding::AsIs),
    line("line_{n}_user", LABEL, Encoding::AsIs),
    table("line_{n}_transport", TRANSPORT, TRANSPORTS),
    // Over UDP, unless something else is said.
    table("line_{n}_user", TRANSPORT, Encoding::Fixed("0")),
    // In minutes.
    table(
        "line_{n}_expires",
        &["P32", "P412", "P512", "P612"],
        Encoding::Units(1, 60),
    ),
    table(
        "line_{n}_voicemail",
        &["P33", "P426", "P526", "P626"],
        Encoding::AsIs,
    ),
    table(
        "line_{n}_dtmf",
        &["P2301", "P2401", "P2501", "P2601"],
        way("inband"),
    ),
    table(
        "line_{n}_dtmf",
        &["P2302", "P2402", "P2502", "P2602"],
        way("rfc2833"),
    ),
    table(
        "line_{n}_dtmf",
        &["P2303", "P2403", "P2503", "P2603"],
        way("info"),
    ),
    table("line_{n}_srtp", &["P183", "P443", "P543", "P643"], SRTP),
    table(
        "dial_plan",
        &["P290", "P459", "P559", "P659"],
        Encoding::AsIs,
    )
    .of_lines(),
    vpk(
        "key_{n}_type",
        MODE,
        Encoding::With(|it| keys::kind(it, KEYS)),
    ),
    vpk(
        "key_{n}_type",
        ACCOUNT,
        Encoding::With(keys::line_from_zero),
    ),
    vpk("key_{n}_line", ACCOUNT, Encoding::Joined),
    vpk("key_{n}_label", TEXT, Encoding::AsIs),
    vpk("key_{n}_value", VALUE, Encoding::With(keys::value)),
    // Of account 1; of the others the numbers are not known.
    codec!(0, "P57"),
    codec!(1, "P58"),
    codec!(2, "P59"),
    codec!(3, "P60"),
    codec!(4, "P61"),
    codec!(5, "P62"),
    codec!(6, "P46"),
    codec!(7, "P98"),
    // A port alone has no parameter: it stands behind the host.
    line("line_{n}_port", SERVER, Encoding::Joined),
    one(
        "time_zone",
        "P64",
        Encoding::With(|it| Ok(Some(it.zone()?.posix.to_owned()))),
    ),
    one("admin_password", "P2", PASSWORD).except(GRP),
    one("admin_password", "P2", PASSWORD_OF_GRP).only(GRP),
    one("user_password", "P196", PASSWORD),
    one("language", "P1362", LANGUAGE),
    one("ntp", "P30", Encoding::AsIs),
    one("syslog", "P207", Encoding::With(host_without_port)),
    // The factory's level is none: this one is INFO.
    one("syslog", "P208", Encoding::Fixed("2")),
    one("vlan", "P51", Encoding::AsIs),
    one("firmware_url", "P6767", scheme!("1", "2")),
    one("firmware_url", "P192", Encoding::With(without_scheme)),
    one("phone_book_url", "P330", scheme!("1", "3")),
    one("phone_book_url", "P331", Encoding::With(phone_book)),
    // There is one mode of asking.
    one("resync_time", "P194", Encoding::Fixed("2")),
    one("resync_time", "P285", Encoding::With(full_hour)),
    interval("P194", Encoding::Fixed("1")),
    interval("P193", Encoding::Within(60, 40_320)),
];

/// Models with six accounts whose numbers go on as those of the first four do.
const SIX_IN_A_ROW: &[&str] = &["GRP2603", "GRP2604"];
/// Models with six accounts or more of the other kind.
const SIX: &[&str] = &[
    "GXP2160", "GXP2170", "GRP2613W", "GRP2614", "GRP2624", "GRP2634", "GRP2615", "GRP2616",
    "GRP2636", "GRP2650", "GRP2670",
];
const TWELVE: &[&str] = &["GRP2614", "GRP2624", "GRP2634"];
const SIXTEEN: &[&str] = &["GRP2615", "GRP2616", "GRP2636", "GRP2650", "GRP2670"];

/// The numbers of a parameter of all accounts: that of the first one, and where it stands among those of another.
macro_rules! account {
    ($first:literal, $offset:literal) => {
        &Runs(
            "P",
            &[
                Run::new(1, 1, $first, 0),
                Run::new(2, 4, 400 + $offset, 100),
                Run::new(5, 6, 700 + $offset, 100).only(SIX_IN_A_ROW),
                Run::new(5, 6, 1_700 + $offset, 100).only(SIX),
                Run::new(7, 12, 50_600 + $offset, 100).only(TWELVE),
                Run::new(7, 16, 50_600 + $offset, 100).only(SIXTEEN),
            ],
        )
    };
}

const ACTIVE: &Runs = account!(271, 1);
const SERVER: &Runs = account!(47, 2);
const OUTBOUND: &Runs = account!(48, 3);
const USER: &Runs = account!(35, 4);
const AUTH: &Runs = account!(36, 5);
const PASSWORDS: &Runs = account!(34, 6);
const DISPLAY: &Runs = account!(3, 7);
const LABEL: &Runs = account!(270, 17);

const fn line(setting: &'static str, numbers: &'static Runs, value: Encoding) -> Rule {
    runs(setting, numbers, value)
}

/// The keys beside the display, as far as they are virtual ones. The GRP26xx count what a key does from another number.
const fn vpk(setting: &'static str, numbers: &'static Runs, value: Encoding) -> Rule {
    runs(setting, numbers, value).only(&["GXP17", "GXP21"])
}

const MODE: &Runs = &Runs("P", &[Run::new(1, 6, 1363, 2), Run::new(7, 32, 23800, 4)]);
const ACCOUNT: &Runs = &Runs("P", &[Run::new(1, 6, 1364, 2), Run::new(7, 32, 23801, 4)]);
const TEXT: &Runs = &Runs("P", &[Run::new(1, 6, 1465, 2), Run::new(7, 32, 23802, 4)]);
const VALUE: &Runs = &Runs("P", &[Run::new(1, 6, 1466, 2), Run::new(7, 32, 23803, 4)]);
const KEYS: &[(&str, &str)] = &[
    ("line", "0"),
    ("speed_dial", "10"),
    ("blf", "11"),
    ("dtmf", "15"),
    ("park", "19"),
];
const TRANSPORT: &[&str] = &["P130", "P448", "P548", "P648"];
const SRTP: Encoding = Encoding::Choice(&[("off", "0"), ("optional", "1"), ("required", "2")]);
const TRANSPORTS: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

/// What a phone makes of an empty password is not stated, nor how long one may be.
pub(super) const PASSWORD: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 1,
    max: 500,
    says: "characters",
});

/// Models whose bounds the vendor names: in their security manual, p. 6, for the administrator's password. The user's is 123 from
/// the factory, which is shorter.
pub(super) const GRP: &[&str] = &["GRP26"];
pub(super) const PASSWORD_OF_GRP: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 6,
    max: 25,
    says: "characters",
});

/// As the vendor's remarks name them.
pub(super) const LANGUAGE: Encoding = Encoding::Word(&[
    ("ar", "ar"),
    ("cs", "cz"),
    ("de", "de"),
    ("en", "en"),
    ("es", "es"),
    ("fr", "fr"),
    ("he", "he"),
    ("hr", "hr"),
    ("hu", "hu"),
    ("it", "it"),
    ("ja", "ja"),
    ("ko", "ko"),
    ("lv", "lv"),
    ("nl", "nl"),
    ("pl", "pl"),
    ("pt", "pt"),
    ("ru", "ru"),
    ("sl", "sl"),
    ("sv", "se"),
    ("tr", "tr"),
    ("zh-TW", "zh-tw"),
    ("zh", "zh"),
]);

const CODECS: codecs::Words = &[
    ("pcmu", "0"),
    ("g726-32", "2"),
    ("g723", "4"),
    ("pcma", "8"),
    ("g722", "9"),
    ("g729", "18"),
    ("ilbc", "98"),
    ("opus", "123"),
];

/// 1 for one of the ways to send digits, 0 for the others.
const fn way(way: &'static str) -> Encoding {
    match way.as_bytes() {
        b"rfc2833" => Encoding::Choice(&[("rfc2833", "1"), ("info", "0"), ("inband", "0")]),
        b"info" => Encoding::Choice(&[("rfc2833", "0"), ("info", "1"), ("inband", "0")]),
        _ => Encoding::Choice(&[("rfc2833", "0"), ("info", "0"), ("inband", "1")]),
    }
}

/// A URL without its scheme and without a slash at its end: the scheme has a parameter of its own.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn without_scheme(reading: &Reading<'_>) -> Written {
    let (_, rest) = reading.value().split_once("://").unwrap_or_default();
    Ok(Some(rest.trim_end_matches('/').to_owned()))
}

/// The same of a phone book, for which the phone asks by a name that it knows itself.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn phone_book(reading: &Reading<'_>) -> Written {
    let folder = without_scheme(reading)?;
    Ok(folder.map(|it| it.trim_end_matches("/phonebook.xml").to_owned()))
}

/// The hour of the day, of a time that is a full hour.
pub(super) fn full_hour(reading: &Reading<'_>) -> Written {
    match reading.value().split_once(':') {
        Some((hour, "00")) => {
            let hour = hour.strip_prefix('0').unwrap_or(hour);
            Ok(Some(hour.to_owned()))
        }
        _ => Err("these phones fetch their files at a full hour alone, such as 03:00".to_owned()),
    }
}
