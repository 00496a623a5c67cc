//! How desk phones say the settings of the vocabulary. The number behind a dot is the element's `idx`; the
//! transport is a part of the outbound proxy.

use crate::vocabulary::{Encoding, Reading, Rule, Written, each, host_and_port, one};
use crate::zone::ByWeek;

const MAX_LINES: u16 = 12;

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
    one("admin_password", "admin_mode_password", Encoding::AsIs),
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
    one(
        "provisioning_interval",
        "prov_polling_enabled",
        Encoding::Fixed("on"),
    ),
    one(
        "provisioning_interval",
        "prov_polling_mode",
        Encoding::Fixed("rel"),
    ),
    one(
        "provisioning_interval",
        "prov_polling_period",
        Encoding::Units(60, 1),
    ),
];

#[allow(clippy::unnecessary_wraps)]
fn outbound(reading: &Reading<'_>) -> Written {
    Ok(Some(with_transport(reading, reading.value())))
}

/// Without an outbound proxy the registrar stands there, for the sake of the transport.
fn by_transport(reading: &Reading<'_>) -> Written {
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
