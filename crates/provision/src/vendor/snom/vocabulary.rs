//! How desk phones say the settings of the vocabulary. The number behind a dot is the element's `idx`; the
//! transport is a part of the outbound proxy.

use super::dect;
use crate::vocabulary::{
    Encoding, Reading, Rule, Written, codecs, each, host_and_port, host_without_port, interval,
    keys, one,
};
use crate::zone::ByWeek;

const MAX_LINES: u16 = 12;

/// As many as FusionPBX's template for a D785 with its display has. A phone passes over keys that it does not have.
const MAX_KEYS: u16 = 78;

/// The models whose key for a parked call WAZO's plugin writes with a word of its own; of others it is a speed dial.
const WITH_ORBIT: &[&str] = &[
    "SNOM710", "SNOM715", "SNOM720", "SNOM725", "SNOM760", "SNOMD765",
];

const fn key_value(value: Encoding) -> Rule {
    each("key_{n}_value", "functionKeys.{z}.fkey", MAX_KEYS, value)
}

pub(super) const DESK: &[Rule] = &[
    each(
        "line_{n}_enabled",
        "user_active.{n}",
        MAX_LINES,
        Encoding::Flag("on", "off"),
    ),
    each(
        "line_{n}_user",
        "user_active.{n}",
        MAX_LINES,
        Encoding::Fixed("on"),
    ),
    each(
        "line_{n}_display_name",
        "user_realname.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "user_realname.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each("line_{n}_user", "user_name.{n}", MAX_LINES, Encoding::AsIs),
    each(
        "line_{n}_auth_user",
        "user_pname.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each("line_{n}_user", "user_pname.{n}", MAX_LINES, Encoding::AsIs),
    each(
        "line_{n}_password",
        "user_pass.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_registrar",
        "user_host.{n}",
        MAX_LINES,
        Encoding::With(host_and_port),
    ),
    each(
        "line_{n}_domain",
        "user_host.{n}",
        MAX_LINES,
        Encoding::With(host_and_port),
    ),
    each(
        "line_{n}_outbound_proxy",
        "user_outbound.{n}",
        MAX_LINES,
        Encoding::With(outbound),
    ),
    each(
        "line_{n}_transport",
        "user_outbound.{n}",
        MAX_LINES,
        Encoding::With(by_transport),
    ),
    // A port alone has no parameter: it stands behind the host.
    each(
        "line_{n}_port",
        "user_host.{n}",
        MAX_LINES,
        Encoding::Joined,
    ),
    each(
        "line_{n}_label",
        "user_idle_text.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_expires",
        "user_expiry.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_voicemail",
        "user_mailbox.{n}",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each("line_{n}_dtmf", "user_dtmf_info.{n}", MAX_LINES, dect::DTMF),
    each("line_{n}_srtp", "user_srtp.{n}", MAX_LINES, SRTP),
    each("line_{n}_srtp", "user_savp.{n}", MAX_LINES, SAVP),
    each(
        "codecs",
        "codec_priority_list.{n}",
        MAX_LINES,
        Encoding::With(codec_list),
    )
    .of_lines(),
    each("dial_plan", "user_dp_str.{n}", MAX_LINES, Encoding::AsIs).of_lines(),
    one("admin_password", "admin_mode_password", Encoding::AsIs),
    // Of its pages in a browser.
    one("admin_password", "http_user", Encoding::Fixed("admin")),
    one("admin_password", "http_pass", Encoding::AsIs),
    // Of those of newer phones, which have no http_pass.
    one(
        "admin_password",
        "webserver_admin_name",
        Encoding::Fixed("admin"),
    ),
    one("admin_password", "webserver_admin_password", Encoding::AsIs),
    one(
        "user_password",
        "webserver_user_name",
        Encoding::Fixed("user"),
    ),
    one("user_password", "webserver_user_password", Encoding::AsIs),
    one("language", "language", dect::LANGUAGE),
    one("language", "web_language", dect::LANGUAGE),
    one("tone_country", "tone_scheme", TONES),
    one("ntp", "ntp_server", Encoding::AsIs),
    one("syslog", "syslog_server", Encoding::With(host_without_port)),
    one("vlan", "vlan_id", Encoding::AsIs),
    one("firmware_url", "firmwareSettings.firmware", Encoding::AsIs),
    one(
        "firmware_url",
        "update_policy",
        Encoding::Fixed("auto_update"),
    ),
    // What its key for the directory does.
    one(
        "phone_book_url",
        "dkey_directory",
        Encoding::With(|it| Ok(Some(format!("url {}", it.value())))),
    ),
    each(
        "key_{n}_type",
        "functionKeys.{z}.fkey",
        MAX_KEYS,
        Encoding::With(|it| Ok((it.value() == "line").then(|| "line".to_owned()))),
    ),
    key_value(Encoding::With(|it| function(it, "orbit"))).only(WITH_ORBIT),
    key_value(Encoding::With(|it| function(it, "speed"))),
    each(
        "key_{n}_type",
        "functionKeys.{z}.context",
        MAX_KEYS,
        Encoding::With(context),
    ),
    each(
        "key_{n}_line",
        "functionKeys.{z}.context",
        MAX_KEYS,
        Encoding::Joined,
    ),
    each(
        "key_{n}_label",
        "functionKeys.{z}.label",
        MAX_KEYS,
        Encoding::AsIs,
    ),
    // It has one mode of asking.
    one("resync_time", "prov_polling_enabled", Encoding::Fixed("on")),
    one("resync_time", "prov_polling_mode", Encoding::Fixed("abs")),
    one("resync_time", "prov_polling_time", Encoding::AsIs),
    // The vendor's own word for a zone (GER+1) has rules that change with the firmware: without one the phone goes
    // by the other two.
    one(
        "time_zone",
        "timezone",
        Encoding::With(|it| it.zone().map(|_| Some(String::new()))),
    ),
    one(
        "time_zone",
        "utc_offset",
        Encoding::With(|it| Ok(Some(it.zone()?.standard_offset.to_string()))),
    ),
    one("time_zone", "dst", Encoding::With(summer_time)),
    interval("prov_polling_enabled", Encoding::Fixed("on")),
    interval("prov_polling_mode", Encoding::Fixed("rel")),
    interval("prov_polling_period", Encoding::Units(60, 1)),
];

/// What a key does and with what; `park` is the word for a parked call.
fn function(reading: &Reading<'_>, park: &str) -> Written {
    let word = match keys::does(reading) {
        None => return Ok(None),
        Some("blf") => "blf",
        Some("speed_dial") => "speed",
        Some("url") => "url",
        Some(_) => park,
    };
    Ok(Some(format!("{word} {}", reading.value())))
}

/// The line of a key; and that there are words for what it does. How a key sends digits is not certain: a public page
/// calls it not documented.
fn context(reading: &Reading<'_>) -> Written {
    const KNOWN: &[(&str, &str)] = &[
        ("line", ""),
        ("blf", ""),
        ("speed_dial", ""),
        ("park", ""),
        ("url", ""),
    ];
    keys::kind(reading, KNOWN)?;
    keys::line(reading)
}

const SRTP: Encoding = Encoding::Choice(&[("off", "off"), ("optional", "on"), ("required", "on")]);
const SAVP: Encoding = Encoding::Choice(&[
    ("off", "off"),
    ("optional", "optional"),
    ("required", "mandatory"),
]);

/// From WAZO's plugin.
const TONES: Encoding = Encoding::Word(&[
    ("AU", "AUS"),
    ("AT", "AUT"),
    ("CN", "CHN"),
    ("DK", "DNK"),
    ("FR", "FRA"),
    ("GB", "GBR"),
    ("DE", "GER"),
    ("GR", "GRE"),
    ("IN", "IND"),
    ("IT", "ITA"),
    ("JP", "JPN"),
    ("MX", "MEX"),
    ("NL", "NLD"),
    ("NO", "NOR"),
    ("NZ", "NZL"),
    ("ES", "ESP"),
    ("SE", "SWE"),
    ("CH", "SWI"),
    ("US", "USA"),
]);

const CODECS: codecs::Words = &[
    ("pcmu", "pcmu"),
    ("pcma", "pcma"),
    ("g722", "g722"),
    ("g729", "g729"),
    ("g723", "g723"),
    ("g726-32", "g726-32"),
];

/// The list ends with the digits that are pressed in a call, as public templates have it.
fn codec_list(reading: &Reading<'_>) -> Written {
    let list = codecs::list(reading, CODECS)?;
    Ok(list.map(|list| format!("{list},telephone-event")))
}

#[allow(clippy::unnecessary_wraps)]
fn outbound(reading: &Reading<'_>) -> Written {
    Ok(Some(with_transport(reading, reading.value())))
}

/// Without an outbound proxy the registrar stands there, for the sake of the transport.
fn by_transport(reading: &Reading<'_>) -> Written {
    if reading.get("line_{n}_outbound_proxy").is_some() {
        return Ok(None);
    }
    let host = reading
        .get("line_{n}_registrar")
        .or_else(|| reading.get("line_{n}_domain"))
        .ok_or("there is no line_…_domain that it could be the transport of")?;
    Ok(Some(with_transport(reading, &reading.with_port(host))))
}

fn with_transport(reading: &Reading<'_>, host: &str) -> String {
    match reading.get("line_{n}_transport") {
        Some(transport) => format!("{host};transport={transport}"),
        None => host.to_owned(),
    }
}

/// What summer time adds in seconds, when it begins and when it ends; nothing without it.
fn summer_time(reading: &Reading<'_>) -> Written {
    let Some(saving) = reading.zone()?.saving else {
        return Ok(Some(String::new()));
    };
    let start = reading.by_minute(|saving| saving.start, change)?;
    let end = reading.by_minute(|saving| saving.end, change)?;
    let changes = start.zip(end).map(|(start, end)| format!("{start} {end}"));
    Ok(changes.map(|changes| format!("{} {changes}", saving.save)))
}

/// Month, week (5 is the last), weekday (1 is Monday, 7 Sunday), and the time of the day: `03.05.07 02:00:00`.
fn change(by: ByWeek) -> String {
    format!(
        "{:02}.{:02}.{:02} {:02}:{:02}:00",
        by.month,
        by.week,
        by.sunday_last(),
        by.hour(),
        by.minute % 60
    )
}
