//! How Mitel's phones say the settings of the vocabulary, with `_` where a name has a blank.

use super::lint::is_password;
use crate::vocabulary::{
    Encoding, Reading, Rule, Written, codecs, each, host_alone, hour, keys, month, one, port_alone,
    port_unless_proxy, weekday_from_one,
};
use crate::zone::ByWeek;

/// The lines of the model with the most; a model that has fewer passes over the rest.
const MAX_LINES: u16 = 24;

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "1"), ("tcp", "2"), ("tls", "4")]);

const SRTP: Encoding = Encoding::Choice(&[("off", "0"), ("optional", "1"), ("required", "2")]);

const PASSWORD: Encoding = Encoding::With(|reading| {
    match is_password(reading.value()) {
    true => Ok(Some(reading.value().to_owned())),
    false => Err(
        "these phones take digits alone, the first no 0, up to 4294967295; with anything else they keep their default password"
            .to_owned(),
    ),
}
});

/// One parameter of a change of the clocks.
macro_rules! change {
    ($name:literal, $which:ident, $write:expr) => {
        one(
            "time_zone",
            $name,
            Encoding::With(|it| it.by_hour(|saving| saving.$which, $write)),
        )
    };
}

pub(super) const SIP: &[Rule] = &[
    of_line("line_{n}_label", "sip_line{n}_screen_name", Encoding::AsIs),
    of_line(
        "line_{n}_display_name",
        "sip_line{n}_screen_name",
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", "sip_line{n}_screen_name", Encoding::AsIs),
    of_line(
        "line_{n}_display_name",
        "sip_line{n}_display_name",
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", "sip_line{n}_user_name", Encoding::AsIs),
    of_line(
        "line_{n}_auth_user",
        "sip_line{n}_auth_name",
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", "sip_line{n}_auth_name", Encoding::AsIs),
    of_line("line_{n}_password", "sip_line{n}_password", Encoding::AsIs),
    of_line(
        "line_{n}_registrar",
        "sip_line{n}_registrar_ip",
        Encoding::AsIs,
    ),
    of_line(
        "line_{n}_domain",
        "sip_line{n}_registrar_ip",
        Encoding::AsIs,
    ),
    of_line(
        "line_{n}_port",
        "sip_line{n}_registrar_port",
        Encoding::AsIs,
    ),
    of_line(
        "line_{n}_proxy",
        "sip_line{n}_proxy_ip",
        Encoding::With(host_alone),
    ),
    of_line("line_{n}_registrar", "sip_line{n}_proxy_ip", Encoding::AsIs),
    of_line("line_{n}_domain", "sip_line{n}_proxy_ip", Encoding::AsIs),
    of_line(
        "line_{n}_proxy",
        "sip_line{n}_proxy_port",
        Encoding::With(port_alone),
    ),
    of_line(
        "line_{n}_port",
        "sip_line{n}_proxy_port",
        Encoding::With(port_unless_proxy),
    ),
    of_line(
        "line_{n}_outbound_proxy",
        "sip_line{n}_outbound_proxy",
        Encoding::With(host_alone),
    ),
    of_line(
        "line_{n}_outbound_proxy",
        "sip_line{n}_outbound_proxy_port",
        Encoding::With(port_alone),
    ),
    // The phone's own, which line 1 says, and the line's own.
    one("line_{n}_transport", "sip_transport_protocol", TRANSPORT),
    of_line(
        "line_{n}_transport",
        "sip_line{n}_transport_protocol",
        TRANSPORT,
    ),
    of_line("line_{n}_voicemail", "sip_line{n}_vmail", Encoding::AsIs),
    one(
        "line_{n}_dtmf",
        "sip_out-of-band_dtmf",
        Encoding::Choice(&[("rfc2833", "1"), ("info", "1"), ("inband", "0")]),
    ),
    of_line(
        "line_{n}_dtmf",
        "sip_line{n}_dtmf_method",
        Encoding::With(dtmf_method),
    ),
    of_line("line_{n}_srtp", "sip_line{n}_srtp_mode", SRTP),
    key("key_{n}_type", "prgkey{n}_type", 8, TYPE).only(PROGRAMMABLE),
    key("key_{n}_type", "prgkey{n}_line", 8, LINE).only(PROGRAMMABLE),
    key("key_{n}_line", "prgkey{n}_line", 8, Encoding::Joined).only(PROGRAMMABLE),
    key("key_{n}_value", "prgkey{n}_value", 8, VALUE).only(PROGRAMMABLE),
    key("key_{n}_type", "prgkey{n}_type", 7, TYPE).only(SEVEN),
    key("key_{n}_type", "prgkey{n}_line", 7, LINE).only(SEVEN),
    key("key_{n}_line", "prgkey{n}_line", 7, Encoding::Joined).only(SEVEN),
    key("key_{n}_value", "prgkey{n}_value", 7, VALUE).only(SEVEN),
    key("key_{n}_type", "prgkey{n}_type", 6, TYPE).only(SIX),
    key("key_{n}_type", "prgkey{n}_line", 6, LINE).only(SIX),
    key("key_{n}_line", "prgkey{n}_line", 6, Encoding::Joined).only(SIX),
    key("key_{n}_value", "prgkey{n}_value", 6, VALUE).only(SIX),
    key("key_{n}_type", "prgkey{n}_type", 3, TYPE).only(THREE),
    key("key_{n}_type", "prgkey{n}_line", 3, LINE).only(THREE),
    key("key_{n}_line", "prgkey{n}_line", 3, Encoding::Joined).only(THREE),
    key("key_{n}_value", "prgkey{n}_value", 3, VALUE).only(THREE),
    key("key_{n}_type", "topsoftkey{n}_type", 48, TYPE).only(AT_THE_TOP),
    key("key_{n}_type", "topsoftkey{n}_line", 48, LINE).only(AT_THE_TOP),
    key("key_{n}_line", "topsoftkey{n}_line", 48, Encoding::Joined).only(AT_THE_TOP),
    key("key_{n}_value", "topsoftkey{n}_value", 48, VALUE).only(AT_THE_TOP),
    key("key_{n}_label", "topsoftkey{n}_label", 48, Encoding::AsIs).only(AT_THE_TOP),
    key("key_{n}_type", "topsoftkey{n}_type", 10, TYPE).only(TEN_AT_THE_TOP),
    key("key_{n}_type", "topsoftkey{n}_line", 10, LINE).only(TEN_AT_THE_TOP),
    key("key_{n}_line", "topsoftkey{n}_line", 10, Encoding::Joined).only(TEN_AT_THE_TOP),
    key("key_{n}_value", "topsoftkey{n}_value", 10, VALUE).only(TEN_AT_THE_TOP),
    key("key_{n}_label", "topsoftkey{n}_label", 10, Encoding::AsIs).only(TEN_AT_THE_TOP),
    key("key_{n}_type", "softkey{n}_type", 55, TYPE).only(SOFT),
    key("key_{n}_type", "softkey{n}_line", 55, LINE).only(SOFT),
    key("key_{n}_line", "softkey{n}_line", 55, Encoding::Joined).only(SOFT),
    key("key_{n}_value", "softkey{n}_value", 55, VALUE).only(SOFT),
    key("key_{n}_label", "softkey{n}_label", 55, Encoding::AsIs).only(SOFT),
    // The phone's, not a line's.
    one(
        "line_{n}_expires",
        "sip_registration_period",
        Encoding::AsIs,
    ),
    of_line(
        "line_{n}_expires",
        "sip_registration_period",
        Encoding::AsLine1,
    ),
    one("codecs", "sip_customized_codec", Encoding::With(codec_list)),
    one("dial_plan", "sip_dial_plan", Encoding::AsIs),
    one("admin_password", "admin_password", PASSWORD),
    one("user_password", "user_password", PASSWORD),
    one(
        "time_zone",
        "time_zone_name",
        Encoding::With(|it| it.zone().map(|_| Some("Custom".to_owned()))),
    ),
    one(
        "time_zone",
        "time_zone_minutes",
        Encoding::With(|it| Ok(Some(it.zone()?.minutes_west().to_string()))),
    ),
    one("time_zone", "dst_config", Encoding::SummerTime("3", "0")),
    one(
        "time_zone",
        "dst_minutes",
        Encoding::With(|it| it.adds(1..=60)),
    ),
    // Days count as weekdays of weeks. The template writes the brackets that the guides have in the name.
    one(
        "time_zone",
        "dst_start_end_relative_date",
        Encoding::With(|it| Ok(it.zone()?.saving.map(|_| "1".to_owned()))),
    ),
    change!("dst_start_month", start, month),
    change!("dst_start_week", start, week),
    change!("dst_start_day", start, weekday_from_one),
    change!("dst_start_hour", start, hour),
    change!("dst_end_month", end, month),
    change!("dst_end_week", end, week),
    change!("dst_end_day", end, weekday_from_one),
    change!("dst_end_hour", end, hour),
    one("tone_country", "tone_set", Encoding::With(tones)),
    one("ntp", "time_server_disabled", Encoding::Fixed("0")),
    one("ntp", "time_server1", Encoding::AsIs),
    one("syslog", "log_server_ip", Encoding::With(host_alone)),
    one("syslog", "log_server_port", Encoding::With(port_alone)),
    one("vlan", "tagging_enabled", Encoding::Fixed("1")),
    one("vlan", "vlan_id", Encoding::AsIs),
    one("resync_time", "auto_resync_mode", Encoding::Fixed("1")),
    one("resync_time", "auto_resync_time", Encoding::AsIs),
    one("firmware_url", "upgrade_uri", Encoding::AsIs),
];

const fn of_line(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    each(setting, parameter, MAX_LINES, value)
}

/// The models by what they call their keys and how many they have (WAZO's plugin). On a 6735i, 6737i, 6755i and 6757i keys of
/// another name follow, which nothing here writes.
const PROGRAMMABLE: &[&str] = &["6730I", "6731I", "6865I", "6910"];
const SEVEN: &[&str] = &["9143I"];
const SIX: &[&str] = &["6735I", "6753I", "6755I"];
const THREE: &[&str] = &["6863I", "6905"];
const AT_THE_TOP: &[&str] = &[
    "6867I", "6869I", "6873I", "6915", "6920", "6930", "6940", "6970",
];
const TEN_AT_THE_TOP: &[&str] = &["6737I", "6757I"];
const SOFT: &[&str] = &["6739I", "9480I"];

const fn key(setting: &'static str, parameter: &'static str, count: u16, value: Encoding) -> Rule {
    each(setting, parameter, count, value)
}

const TYPE: Encoding = Encoding::With(|it| {
    keys::kind(
        it,
        &[
            ("line", "line"),
            ("blf", "blf"),
            ("speed_dial", "speeddial"),
            ("park", "park"),
        ],
    )
});
const LINE: Encoding = Encoding::With(keys::line);
const VALUE: Encoding = Encoding::With(key_value);

/// A parked call stands behind the name of the server's kind.
fn key_value(reading: &Reading<'_>) -> Written {
    Ok(match keys::does(reading) {
        Some("park") => Some(format!("asterisk;{}", reading.value())),
        _ => keys::value(reading)?,
    })
}

/// By the numbers that RTP has for them, as in WAZO's templates: with a piece of the length that is usual and without gaps
/// where nobody speaks.
fn codec_list(reading: &Reading<'_>) -> Written {
    const CODECS: codecs::Words = &[
        ("pcmu", "payload=0;ptime=20;silsupp=off"),
        ("pcma", "payload=8;ptime=20;silsupp=off"),
        ("g722", "payload=9;ptime=20;silsupp=off"),
        ("g729", "payload=18;ptime=20;silsupp=off"),
    ];
    codecs::list(reading, CODECS)
}

/// Whether digits go in band is the phone's; how they go otherwise is the line's.
fn dtmf_method(reading: &Reading<'_>) -> Written {
    let in_band = reading.value() == "inband";
    if in_band != (reading.of_line_1("line_{n}_dtmf") == Some("inband")) {
        return Err("of these phones all lines send digits in band, or none does".to_owned());
    }
    let method = if reading.value() == "info" { "1" } else { "0" };
    Ok(Some(method.to_owned()))
}

/// The guides count full weeks of a month from its beginning, and weekdays from its end: -1 is the last. Their example
/// for the United States shows that weeks begin on Sundays; of other weekdays the first is not always in the first full
/// week.
fn week(by: ByWeek) -> Result<String, String> {
    match (by.is_last(), by.weekday) {
        (true, _) => Ok("-1".to_owned()),
        (false, 0) => Ok(by.week.to_string()),
        (false, _) => Err(
            "the clocks change on a weekday that these phones can only be told by full weeks, which is another day in some years"
                .to_owned(),
        ),
    }
}

fn tones(reading: &Reading<'_>) -> Written {
    const SETS: &[(&str, &str)] = &[
        ("DE", "Germany"),
        ("NL", "Germany"),
        ("ES", "Europe"),
        ("FR", "France"),
        ("IT", "Italy"),
        ("US", "US"),
        ("CA", "US"),
    ];
    let set = SETS
        .iter()
        .find(|(country, _)| reading.value().eq_ignore_ascii_case(country));
    match set {
        Some((_, set)) => Ok(Some((*set).to_owned())),
        None => Err(
            "these phones are known to have the tones of DE, NL, ES, FR, IT, US and CA alone"
                .to_owned(),
        ),
    }
}
