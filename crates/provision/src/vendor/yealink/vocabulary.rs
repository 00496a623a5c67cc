//! How Yealink's phones say the settings of the vocabulary.
//!
//! An account takes its server from `sip_server.1`; a domain beside the registrar has no parameter of its own that is
//! known here. What a phone does not know it passes over: so phones before v81 are told the server, the transport
//! and the outbound proxy in all the spellings of public templates, each time the same.

use crate::vocabulary::{
    Chars, Encoding, Reading, Rule, Written, codecs, each, host_alone, host_without_port, keys,
    one, port_alone,
};
use crate::zone::{ClockChange, Saving};

/// As many accounts as the largest models have.
const MAX_LINES: u16 = 16;

/// As many keys as the largest models show on their own display (WAZO's templates); one that has fewer passes over the rest.
const MAX_KEYS: u16 = 29;

/// The models with fewer keys for lines: 3 of a T26P, 6 of a T28P and a T38G (WAZO's plugin). Behind these are keys of another
/// name, which nothing here writes.
const FEW_KEYS: &[&str] = &["T26", "T28", "T38"];

/// By the numbers of WAZO's and Tancredi's templates, which agree.
const KEYS: &[(&str, &str)] = &[
    ("line", "15"),
    ("blf", "16"),
    ("speed_dial", "13"),
    ("park", "10"),
    ("dtmf", "11"),
    ("url", "17"),
];

/// What the generations have in common: they differ in what the names of the device's own parameters begin with.
macro_rules! rules {
    ($device:literal, [$($own:expr),* $(,)?]) => {
        &[
            each("line_{n}_enabled", "account.{n}.enable", MAX_LINES, Encoding::Flag("1", "0")),
            each("line_{n}_user", "account.{n}.enable", MAX_LINES, Encoding::Fixed("1")),
            each("line_{n}_label", "account.{n}.label", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.label", MAX_LINES, TEXT),
            each("line_{n}_display_name", "account.{n}.display_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.display_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.user_name", MAX_LINES, TEXT),
            each("line_{n}_auth_user", "account.{n}.auth_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.auth_name", MAX_LINES, TEXT),
            each("line_{n}_password", "account.{n}.password", MAX_LINES, TEXT),
            each("line_{n}_registrar", "account.{n}.sip_server.1.address", MAX_LINES, Encoding::AsIs),
            each("line_{n}_domain", "account.{n}.sip_server.1.address", MAX_LINES, Encoding::AsIs),
            each("line_{n}_port", "account.{n}.sip_server.1.port", MAX_LINES, Encoding::AsIs),
            each("line_{n}_transport", "account.{n}.sip_server.1.transport_type", MAX_LINES, TRANSPORT),
            // A phone keeps what a file says no more: over UDP and without a proxy, unless something else is said.
            each("line_{n}_user", "account.{n}.sip_server.1.transport_type", MAX_LINES, Encoding::Fixed("0")),
            each("line_{n}_outbound_proxy", "account.{n}.outbound_proxy_enable", MAX_LINES, Encoding::Fixed("1")),
            each("line_{n}_user", "account.{n}.outbound_proxy_enable", MAX_LINES, Encoding::Fixed("0")),
            each(
                "line_{n}_outbound_proxy",
                "account.{n}.outbound_proxy.1.address",
                MAX_LINES,
                Encoding::With(host_alone),
            ),
            each(
                "line_{n}_outbound_proxy",
                "account.{n}.outbound_proxy.1.port",
                MAX_LINES,
                Encoding::With(port_alone),
            ),
            each("line_{n}_voicemail", "voice_mail.number.{n}", MAX_LINES, TEXT),
            each("line_{n}_dtmf", "account.{n}.dtmf.type", MAX_LINES, DTMF),
            one("language", "lang.gui", LANGUAGE),
            one("language", "lang.wui", LANGUAGE),
            one("tone_country", "voice.tone.country", TONES),
            one("ntp", "local_time.ntp_server1", Encoding::AsIs),
            one("firmware_url", concat!($device, "firmware.url"), Encoding::AsIs),
            one("vlan", concat!($device, "network.vlan.internet_port_enable"), Encoding::Fixed("1")),
            one("vlan", concat!($device, "network.vlan.internet_port_vid"), Encoding::AsIs),
            one("phone_book_url", "remote_phonebook.data.1.url", Encoding::AsIs),
            one("phone_book_url", "remote_phonebook.data.1.name", Encoding::Fixed("Directory")),
            each("line_{n}_expires", "account.{n}.sip_server.1.expires", MAX_LINES, Encoding::AsIs),
            $($own,)*
            each("key_{n}_type", "linekey.{n}.type", MAX_KEYS, Encoding::With(|it| keys::kind(it, KEYS))).except(FEW_KEYS),
            each("key_{n}_type", "linekey.{n}.line", MAX_KEYS, Encoding::With(keys::line)).except(FEW_KEYS),
            each("key_{n}_line", "linekey.{n}.line", MAX_KEYS, Encoding::Joined).except(FEW_KEYS),
            each("key_{n}_value", "linekey.{n}.value", MAX_KEYS, Encoding::With(key_value)).except(FEW_KEYS),
            each("key_{n}_label", "linekey.{n}.label", MAX_KEYS, TEXT).except(FEW_KEYS),
            each("key_{n}_type", "linekey.{n}.type", 3, Encoding::With(|it| keys::kind(it, KEYS))).only(&["T26"]),
            each("key_{n}_type", "linekey.{n}.line", 3, Encoding::With(keys::line)).only(&["T26"]),
            each("key_{n}_line", "linekey.{n}.line", 3, Encoding::Joined).only(&["T26"]),
            each("key_{n}_value", "linekey.{n}.value", 3, Encoding::With(key_value)).only(&["T26"]),
            each("key_{n}_label", "linekey.{n}.label", 3, TEXT).only(&["T26"]),
            each("key_{n}_type", "linekey.{n}.type", 6, Encoding::With(|it| keys::kind(it, KEYS))).only(&["T28", "T38"]),
            each("key_{n}_type", "linekey.{n}.line", 6, Encoding::With(keys::line)).only(&["T28", "T38"]),
            each("key_{n}_line", "linekey.{n}.line", 6, Encoding::Joined).only(&["T28", "T38"]),
            each("key_{n}_value", "linekey.{n}.value", 6, Encoding::With(key_value)).only(&["T28", "T38"]),
            each("key_{n}_label", "linekey.{n}.label", 6, TEXT).only(&["T28", "T38"]),
            one("time_zone", "local_time.time_zone", Encoding::With(|it| Ok(Some(it.zone()?.hours_east())))),
            one("time_zone", "local_time.summer_time", Encoding::SummerTime("1", "0")),
            one("time_zone", "local_time.dst_time_type", Encoding::With(|it| {
                Ok(it.zone()?.saving.map(|_| "1".to_owned()))
            })),
            one("time_zone", "local_time.start_time", Encoding::With(|it| change(it, |it| it.start))),
            one("time_zone", "local_time.end_time", Encoding::With(|it| change(it, |it| it.end))),
            one("time_zone", "local_time.offset_time", Encoding::With(|it| {
                Ok(it.zone()?.saving.map(|it| it.minutes().to_string()))
            })),
            // One parameter for each user: the template writes the name behind the last dot before the password.
            one("admin_password", concat!($device, "security.user_password.admin"), PASSWORD),
            one("user_password", concat!($device, "security.user_password.user"), PASSWORD),
            one(
                "provisioning_interval",
                concat!($device, "auto_provision.repeat.enable"),
                Encoding::Fixed("1"),
            ),
            one(
                "provisioning_interval",
                concat!($device, "auto_provision.repeat.minutes"),
                Encoding::AsIs,
            ),
        ]
    };
}

/// Whether a codec is on, and its rank.
macro_rules! codec {
    // A `literal` that is passed on can no longer be told from another one; a `tt` can.
    (on $codec:tt) => {
        each(
            "codecs",
            concat!("account.{n}.codec.", codec!(@ $codec), ".enable"),
            MAX_LINES,
            Encoding::With(|it| codecs::on(it, $codec, CODECS)),
        )
        .of_lines()
    };
    (rank $codec:tt) => {
        each(
            "codecs",
            concat!("account.{n}.codec.", codec!(@ $codec), ".priority"),
            MAX_LINES,
            Encoding::With(|it| codecs::rank(it, $codec, CODECS)),
        )
        .of_lines()
    };
    (@ "g726-32") => { "g726_32" };
    (@ $codec:literal) => { $codec };
}

/// The same of older firmware, whose codecs have numbers: whether one is on, what it is, or its rank.
macro_rules! numbered {
    (on $number:literal $codec:literal) => {
        numbered!(@ $number, "enable", Encoding::With(|it| codecs::on(it, $codec, NUMBERED)))
    };
    (is $number:literal $theirs:literal) => {
        numbered!(@ $number, "payload_type", Encoding::Fixed($theirs))
    };
    (rank $number:literal $codec:literal) => {
        numbered!(@ $number, "priority", Encoding::With(|it| codecs::rank(it, $codec, NUMBERED)))
    };
    (@ $number:literal, $name:literal, $value:expr) => {
        each("codecs", concat!("account.{n}.codec.", $number, ".", $name), MAX_LINES, $value).of_lines()
    };
}

/// The numbers of FusionPBX's and SARK's templates.
const NUMBERED: codecs::Words = &[
    ("pcmu", "PCMU"),
    ("pcma", "PCMA"),
    ("g729", "G729"),
    ("g722", "G722"),
];

/// Of v81 and later. What is not common to both is from WAZO's templates for v86 and from Tancredi's, which agree; that a
/// window of a minute is one is inferred.
pub(super) const STATIC: &[Rule] = rules!(
    "static.",
    [
        each(
            "line_{n}_srtp",
            "account.{n}.srtp_encryption",
            MAX_LINES,
            SRTP
        ),
        codec!(on "pcmu"),
        codec!(rank "pcmu"),
        codec!(on "pcma"),
        codec!(rank "pcma"),
        codec!(on "g722"),
        codec!(rank "g722"),
        codec!(on "g729"),
        codec!(rank "g729"),
        codec!(on "g726-32"),
        codec!(rank "g726-32"),
        codec!(on "opus"),
        codec!(rank "opus"),
        one(
            "dial_plan",
            "dialplan.digitmap.enable",
            Encoding::Fixed("1")
        ),
        one("dial_plan", "dialplan.digitmap.string", TEXT),
        one("syslog", "static.syslog.enable", Encoding::Fixed("1")),
        one("syslog", "static.syslog.server", Encoding::With(host_alone)),
        one(
            "syslog",
            "static.syslog.server_port",
            Encoding::With(port_alone)
        ),
        one(
            "resync_time",
            "static.auto_provision.weekly.enable",
            Encoding::Fixed("1")
        ),
        one(
            "resync_time",
            "static.auto_provision.weekly.dayofweek",
            Encoding::Fixed("0123456")
        ),
        one(
            "resync_time",
            "static.auto_provision.weekly.begin_time",
            Encoding::AsIs
        ),
        one(
            "resync_time",
            "static.auto_provision.weekly.end_time",
            Encoding::AsIs
        ),
    ]
);

/// Of v70 to v80.
pub(super) const OLD: &[Rule] = rules!(
    "",
    [
        // Which of the two names counts differs by firmware (FusionPBX's template for the T22P has this one).
        each(
            "line_{n}_expires",
            "account.{n}.expires",
            MAX_LINES,
            Encoding::AsIs
        ),
        one("syslog", "syslog.mode", Encoding::Fixed("1")),
        numbered!(on 1 "pcmu"),
        numbered!(is 1 "PCMU"),
        numbered!(rank 1 "pcmu"),
        numbered!(on 2 "pcma"),
        numbered!(is 2 "PCMA"),
        numbered!(rank 2 "pcma"),
        numbered!(on 5 "g729"),
        numbered!(is 5 "G729"),
        numbered!(rank 5 "g729"),
        numbered!(on 6 "g722"),
        numbered!(is 6 "G722"),
        numbered!(rank 6 "g722"),
        // These two count the lines of such keys from 0 (WAZO).
        each(
            "key_{n}_type",
            "linekey.{n}.line",
            MAX_KEYS,
            Encoding::With(|it| match it.value() {
                "blf" => keys::line_from_zero(it),
                _ => keys::line(it),
            })
        )
        .only(&["T32", "T38"]),
        one("syslog", "syslog.server", Encoding::With(host_without_port)),
        each(
            "line_{n}_registrar",
            "account.{n}.sip_server_host",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_domain",
            "account.{n}.sip_server_host",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_port",
            "account.{n}.sip_server_port",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_transport",
            "account.{n}.transport",
            MAX_LINES,
            TRANSPORT
        ),
        each(
            "line_{n}_user",
            "account.{n}.transport",
            MAX_LINES,
            Encoding::Fixed("0")
        ),
        each(
            "line_{n}_outbound_proxy",
            "account.{n}.outbound_host",
            MAX_LINES,
            Encoding::With(host_alone)
        ),
        each(
            "line_{n}_outbound_proxy",
            "account.{n}.outbound_port",
            MAX_LINES,
            Encoding::With(port_alone)
        ),
    ]
);

const DTMF: Encoding = Encoding::Choice(&[("inband", "0"), ("rfc2833", "1"), ("info", "2")]);

const SRTP: Encoding = Encoding::Choice(&[("off", "0"), ("optional", "1"), ("required", "2")]);

/// The phone has two of g723 and of ilbc, by their rates.
const CODECS: codecs::Words = &[
    ("pcmu", "pcmu"),
    ("pcma", "pcma"),
    ("g722", "g722"),
    ("g729", "g729"),
    ("g726-32", "g726_32"),
    ("opus", "opus"),
];

/// As the vendor's language files are called in WAZO's and Tancredi's templates.
const LANGUAGE: Encoding = Encoding::Word(&[
    ("en", "English"),
    ("de", "German"),
    ("fr", "French"),
    ("it", "Italian"),
    ("es", "Spanish"),
    ("pl", "Polish"),
    ("ru", "Russian"),
    ("zh-TW", "Chinese_T"),
    ("zh", "Chinese_S"),
]);

/// From WAZO's plugins.
const TONES: Encoding = Encoding::Word(&[
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("CL", "Chile"),
    ("CN", "China"),
    ("CZ", "Czech"),
    ("DK", "Denmark"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HU", "Hungary"),
    ("IN", "India"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("LT", "Lithuania"),
    ("MX", "Mexico"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NO", "Norway"),
    ("PT", "Portugal"),
    ("RU", "Russia"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("GB", "Great Britain"),
    ("US", "United States"),
]);

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

const TEXT: Encoding = Encoding::With(text);

/// Of the phone's own pages.
const PASSWORD: Encoding = Encoding::Chars(&Chars {
    allowed: |it| it.is_ascii_graphic() && it != ':',
    min: 1,
    max: 32,
    says: "printable ASCII characters without blanks and colons",
});

/// This word in the place of a value makes a phone forget what it has.
const FORGET: &str = "%NULL%";

fn text(reading: &Reading<'_>) -> Written {
    let value = reading.value();
    match value.eq_ignore_ascii_case(FORGET) {
        true => Err(format!(
            "{FORGET} makes these phones forget the parameter: choose another value"
        )),
        false => Ok(Some(value.to_owned())),
    }
}

fn key_value(reading: &Reading<'_>) -> Written {
    keys::does(reading).map_or(Ok(None), |_| text(reading))
}

/// When summer time begins or ends, as month, week, weekday and hour; without it nothing is written. That week 5 is the
/// last one, and that the offset is in minutes, is inferred.
fn change(reading: &Reading<'_>, which: fn(Saving) -> ClockChange) -> Written {
    let saving = reading.zone()?.saving;
    saving
        .map(|saving| which(saving).slashed().map_err(|error| error.to_string()))
        .transpose()
}
