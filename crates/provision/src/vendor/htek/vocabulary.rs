//! How the UC phones say the settings of the vocabulary. Server, proxy and transport belong to the first profile, to
//! which all lines point: they are line 1's. The numbers of lines follow no formula.
//!
//! Those of the first six accounts are in all public templates, the others in WAZO's and in FusionPBX's.

use crate::vocabulary::{
    Encoding, Rule, Run, Runs, codecs, each, host_and_port, keys, one, runs, table,
};

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

/// A parameter of the seventh account and of those behind it.
macro_rules! later {
    ($setting:literal, $first:literal, $value:expr) => {
        runs(
            $setting,
            &Runs("P", &[Run::new(7, MAX_LINES, $first, 1)]),
            $value,
        )
    };
}

pub(super) const UC: &[Rule] = &[
    one("line_{n}_registrar", "P47", Encoding::With(host_and_port)),
    one("line_{n}_domain", "P47", Encoding::With(host_and_port)),
    // All lines register where line 1 does.
    each("line_{n}_registrar", "P47", MAX_LINES, Encoding::AsLine1),
    each("line_{n}_domain", "P47", MAX_LINES, Encoding::AsLine1),
    each("line_{n}_port", "P47", MAX_LINES, Encoding::AsLine1),
    each("line_{n}_transport", "P130", MAX_LINES, Encoding::AsLine1),
    each(
        "line_{n}_outbound_proxy",
        "P48",
        MAX_LINES,
        Encoding::AsLine1,
    ),
    each("line_{n}_expires", "P32", MAX_LINES, Encoding::AsLine1),
    each("line_{n}_dtmf", "P20166", MAX_LINES, Encoding::AsLine1),
    one("line_{n}_transport", "P130", TRANSPORT),
    one("line_{n}_registrar", "P130", Encoding::Fixed("0")),
    one("line_{n}_domain", "P130", Encoding::Fixed("0")),
    one("line_{n}_outbound_proxy", "P48", Encoding::AsIs),
    table("line_{n}_enabled", ACTIVE, Encoding::Flag("1", "0")),
    table("line_{n}_user", ACTIVE, Encoding::Fixed("1")),
    table("line_{n}_user", PROFILE, Encoding::Fixed("0")),
    table("line_{n}_label", LABEL, Encoding::AsIs),
    table(
        "line_{n}_user",
        &["P35", "P735", "P504", "P604", "P1704", "P1804"],
        Encoding::AsIs,
    ),
    table("line_{n}_auth_user", AUTH, Encoding::AsIs),
    table("line_{n}_user", AUTH, Encoding::AsIs),
    table(
        "line_{n}_password",
        &["P34", "P734", "P506", "P606", "P1706", "P1806"],
        Encoding::AsIs,
    ),
    table("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    table("line_{n}_user", DISPLAY, Encoding::AsIs),
    one("line_{n}_expires", "P32", Encoding::Units(1, 60)),
    table("line_{n}_voicemail", VOICEMAIL, Encoding::AsIs),
    one("line_{n}_dtmf", "P20166", DTMF),
    runs(
        "dial_plan",
        &Runs("P", &[Run::new(1, 6, 4_200, 1)]),
        Encoding::AsIs,
    )
    .of_lines(),
    runs("key_{n}_type", MODE, Encoding::Fixed("0")),
    runs(
        "key_{n}_type",
        KIND,
        Encoding::With(|it| keys::kind(it, KEYS)),
    ),
    runs("key_{n}_type", ACCOUNT, Encoding::Fixed("255")),
    runs("key_{n}_value", VALUE, Encoding::With(keys::value)),
    runs("key_{n}_label", TEXT, Encoding::AsIs),
    codec!(0, "P57"),
    codec!(1, "P58"),
    codec!(2, "P59"),
    codec!(3, "P60"),
    codec!(4, "P61"),
    codec!(5, "P62"),
    one("tone_country", "P20058", TONES),
    one("ntp", "P30", Encoding::AsIs),
    one("vlan", "P24053", Encoding::Fixed("1")),
    one("vlan", "P51", Encoding::AsIs),
    one("phone_book_url", "P4401", Encoding::AsIs),
    one("phone_book_url", "P3316", Encoding::Fixed("Directory")),
    one("admin_password", "P2", Encoding::AsIs),
    one("user_password", "P196", Encoding::AsIs),
    one("firmware_url", "P192", Encoding::AsIs),
    one("provisioning_interval", "P194", Encoding::Fixed("1")),
    one("provisioning_interval", "P193", Encoding::AsIs),
    later!("line_{n}_enabled", 24_090, Encoding::Flag("1", "0")),
    later!("line_{n}_user", 24_090, Encoding::Fixed("1")),
    runs(
        "line_{n}_user",
        &Runs(
            "P",
            &[Run::new(7, 8, 24_088, 1), Run::new(9, MAX_LINES, 24_720, 1)],
        ),
        Encoding::Fixed("0"),
    ),
    later!("line_{n}_label", 24_100, Encoding::AsIs),
    later!("line_{n}_user", 24_110, Encoding::AsIs),
    later!("line_{n}_auth_user", 24_120, Encoding::AsIs),
    later!("line_{n}_user", 24_120, Encoding::AsIs),
    later!("line_{n}_password", 24_130, Encoding::AsIs),
    later!("line_{n}_display_name", 24_140, Encoding::AsIs),
    later!("line_{n}_user", 24_140, Encoding::AsIs),
    later!("line_{n}_voicemail", 24_170, Encoding::AsIs),
    later!("dial_plan", 24_180, Encoding::AsIs).of_lines(),
];

const ACTIVE: &[&str] = &["P271", "P401", "P501", "P601", "P20360", "P20361"];
const PROFILE: &[&str] = &["P24082", "P24083", "P24084", "P24085", "P24086", "P24087"];
const AUTH: &[&str] = &["P36", "P736", "P505", "P605", "P1705", "P1805"];
const DISPLAY: &[&str] = &["P3", "P703", "P507", "P607", "P1707", "P1807"];
pub(super) const TRANSPORT: Encoding =
    Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

/// As many accounts as the largest models have.
pub(super) const MAX_LINES: u16 = 16;

const LABEL: &[&str] = &["P20000", "P20001", "P20002", "P20003", "P20378", "P20379"];
const VOICEMAIL: &[&str] = &["P33", "P426", "P526", "P626", "P1726", "P1826"];

// Keys, by WAZO's numbers. It has no other account for them than 255, which leaves the choice to the phone.
const MODE: &Runs = &Runs("P", &[Run::new(1, 36, 20_600, 1)]);
const KIND: &Runs = &Runs(
    "P",
    &[Run::new(1, 4, 41_200, 1), Run::new(5, 36, 20_200, 5)],
);
const VALUE: &Runs = &Runs(
    "P",
    &[Run::new(1, 4, 41_300, 1), Run::new(5, 36, 20_201, 5)],
);
const TEXT: &Runs = &Runs(
    "P",
    &[Run::new(1, 4, 41_400, 1), Run::new(5, 36, 20_202, 5)],
);
const ACCOUNT: &Runs = &Runs(
    "P",
    &[Run::new(1, 4, 41_500, 1), Run::new(5, 36, 20_203, 5)],
);
pub(super) const KEYS: &[(&str, &str)] = &[
    ("line", "1"),
    ("speed_dial", "2"),
    ("blf", "3"),
    ("park", "8"),
];

pub(super) const DTMF: Encoding =
    Encoding::Choice(&[("rfc2833", "0"), ("inband", "1"), ("info", "2")]);

const CODECS: codecs::Words = &[
    ("pcmu", "0"),
    ("pcma", "8"),
    ("g722", "9"),
    ("g729", "18"),
    ("g726-32", "2"),
    ("g723", "4"),
];

/// From WAZO's plugin.
pub(super) const TONES: Encoding = Encoding::Word(&[
    ("AU", "1"),
    ("AT", "2"),
    ("BR", "3"),
    ("BE", "4"),
    ("CN", "5"),
    ("CL", "6"),
    ("CZ", "7"),
    ("DK", "8"),
    ("FI", "9"),
    ("FR", "10"),
    ("DE", "11"),
    ("GB", "12"),
    ("GR", "13"),
    ("HU", "14"),
    ("LT", "15"),
    ("IN", "16"),
    ("IT", "17"),
    ("JP", "18"),
    ("MX", "19"),
    ("NZ", "20"),
    ("NL", "21"),
    ("NO", "22"),
    ("PT", "23"),
    ("ES", "24"),
    ("CH", "25"),
    ("SE", "26"),
    ("RU", "27"),
    ("US", "28"),
]);
