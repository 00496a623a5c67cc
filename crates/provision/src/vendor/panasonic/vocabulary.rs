//! How Panasonic's phones say the settings of the vocabulary: from public templates and full default files.
//! A parameter that a model does not know is passed over. That the fifth weekday of a month is the last one, and that
//! the offset is in minutes, is inferred.

use crate::vocabulary::{
    Encoding, Reading, Rule, Written, each, host_alone, interval, keys, one, port_alone,
    port_unless_proxy,
};
use crate::zone::{ByWeek, ClockChange};

/// What phones with six lines and fewer know; those with eight are the most.
const MAX_LINES: u16 = 8;

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

/// The model that has a parameter of its own for its zone, whose codes are not public.
const BY_COUNTRY: &[&str] = &["KX-UT670"];

/// The rules of both formats, which have the same parameters: a line's between what stands before them and after,
/// the phone's behind the group that they are in.
macro_rules! rules {
    (
        $sip:literal, $call:literal, $end:literal, $login:literal, $time:literal, $log:literal,
        $provisioning:literal,
        $on:literal, $off:literal $(, $more:expr)*
    ) => {
        &[
            rules!(@line "line_{n}_enabled", $sip, "LINE_ENABLE", $end, Encoding::Flag($on, $off)),
            rules!(@line "line_{n}_user", $sip, "LINE_ENABLE", $end, Encoding::Fixed($on)),
            rules!(@line "line_{n}_label", $sip, "PHONE_NUMBER", $end, Encoding::AsIs),
            rules!(@line "line_{n}_user", $sip, "PHONE_NUMBER", $end, Encoding::AsIs),
            rules!(@line "line_{n}_user", $sip, "SIP_URI", $end, Encoding::AsIs),
            rules!(@line "line_{n}_auth_user", $sip, "SIP_AUTHID", $end, Encoding::AsIs),
            rules!(@line "line_{n}_user", $sip, "SIP_AUTHID", $end, Encoding::AsIs),
            rules!(@line "line_{n}_password", $sip, "SIP_PASS", $end, Encoding::AsIs),
            rules!(@line "line_{n}_display_name", $call, "DISPLAY_NAME", $end, Encoding::AsIs),
            rules!(@line "line_{n}_registrar", $sip, "SIP_RGSTR_ADDR", $end, Encoding::AsIs),
            rules!(@line "line_{n}_domain", $sip, "SIP_RGSTR_ADDR", $end, Encoding::AsIs),
            rules!(@line "line_{n}_port", $sip, "SIP_RGSTR_PORT", $end, Encoding::AsIs),
            rules!(@line "line_{n}_proxy", $sip, "SIP_PRXY_ADDR", $end, Encoding::With(host_alone)),
            rules!(@line "line_{n}_registrar", $sip, "SIP_PRXY_ADDR", $end, Encoding::AsIs),
            rules!(@line "line_{n}_domain", $sip, "SIP_PRXY_ADDR", $end, Encoding::AsIs),
            rules!(@line "line_{n}_proxy", $sip, "SIP_PRXY_PORT", $end, Encoding::With(port_alone)),
            rules!(@line "line_{n}_port", $sip, "SIP_PRXY_PORT", $end, Encoding::With(port_unless_proxy)),
            rules!(@line "line_{n}_domain", $sip, "SIP_SVCDOMAIN", $end, Encoding::AsIs),
            rules!(@line "line_{n}_outbound_proxy", $sip, "SIP_OUTPROXY_ADDR", $end, Encoding::With(host_alone)),
            rules!(@line "line_{n}_outbound_proxy", $sip, "SIP_OUTPROXY_PORT", $end, Encoding::With(port_alone)),
            rules!(@line "line_{n}_transport", $sip, "SIP_TRANSPORT", $end, TRANSPORT),
            rules!(@line "line_{n}_expires", $sip, "REG_EXPIRE_TIME", $end, Encoding::AsIs),
            rules!(@line "line_{n}_voicemail", $call, "VM_NUMBER", $end, Encoding::AsIs),
            rules!(@line "dial_plan", $call, "DIAL_PLAN", $end, Encoding::AsIs).of_lines(),
            one("syslog", concat!($log, "SYSLOG_ADDR"), Encoding::With(host_alone)),
            one("syslog", concat!($log, "SYSLOG_PORT"), Encoding::With(port_alone)),
            rules!(@zone $time, "TIME_ZONE", |it| Ok(Some(it.zone()?.minutes_east().to_string()))),
            one("time_zone", concat!($time, "DST_ENABLE"), Encoding::SummerTime("Y", "N")).except(BY_COUNTRY),
            rules!(@zone $time, "DST_OFFSET", |it| Ok(it.zone()?.saving.map(|it| it.minutes().to_string()))),
            rules!(@zone $time, "DST_START_MONTH", |it| start(it, |it| it.month.into())),
            rules!(@zone $time, "DST_START_ORDINAL_DAY", |it| start(it, |it| it.week.into())),
            rules!(@zone $time, "DST_START_DAY_OF_WEEK", |it| start(it, |it| it.weekday.into())),
            rules!(@zone $time, "DST_START_TIME", |it| start(it, |it| it.minute)),
            rules!(@zone $time, "DST_STOP_MONTH", |it| stop(it, |it| it.month.into())),
            rules!(@zone $time, "DST_STOP_ORDINAL_DAY", |it| stop(it, |it| it.week.into())),
            rules!(@zone $time, "DST_STOP_DAY_OF_WEEK", |it| stop(it, |it| it.weekday.into())),
            rules!(@zone $time, "DST_STOP_TIME", |it| stop(it, |it| it.minute)),
            one("admin_password", concat!($login, "ADMIN_PASS"), Encoding::AsIs),
            one("user_password", concat!($login, "USER_PASS"), Encoding::AsIs),
            // A time of day disables it, so that one of before is taken back.
            interval(concat!($provisioning, "CFG_CYCLIC"), Encoding::Fixed("Y")),
            interval(concat!($provisioning, "CFG_CYCLIC_INTVL"), Encoding::AsIs),
            interval(concat!($provisioning, "CFG_RESYNC_TIME"), Encoding::Fixed("")),
            one("resync_time", concat!($provisioning, "CFG_RESYNC_TIME"), Encoding::AsIs),
            $($more,)*
        ]
    };
    (@line $setting:literal, $before:literal, $name:literal, $end:literal, $value:expr) => {
        each($setting, concat!($before, $name, $end), MAX_LINES, $value)
    };
    (@zone $group:literal, $name:literal, $write:expr) => {
        one("time_zone", concat!($group, $name), Encoding::With($write)).except(BY_COUNTRY)
    };
}

/// Of phones that read `NAME="value"`.
pub(super) const TEXT: &[Rule] = rules!(
    "",
    "",
    "_{n}",
    "",
    "",
    "",
    "",
    "Enabled",
    "Disabled",
    one("ntp", "NTP_ADDR", Encoding::AsIs),
    one("vlan", "VLAN_ENABLE", Encoding::Fixed("Y")),
    one("vlan", "VLAN_ID_IP_PHONE", Encoding::AsIs),
    key(
        "key_{n}_type",
        "FLEX_BUTTON_FACILITY_ACT{n}",
        Encoding::With(|it| keys::kind(it, KEYS))
    ),
    key(
        "key_{n}_type",
        "FLEX_BUTTON_FACILITY_ARG{n}",
        Encoding::With(shown_line)
    ),
    key(
        "key_{n}_line",
        "FLEX_BUTTON_FACILITY_ARG{n}",
        Encoding::With(line_of_shown)
    ),
    key(
        "key_{n}_value",
        "FLEX_BUTTON_FACILITY_ARG{n}",
        Encoding::With(|it| value_of(it, "blf"))
    ),
    key(
        "key_{n}_value",
        "FLEX_BUTTON_QUICK_DIAL{n}",
        Encoding::With(|it| value_of(it, "speed_dial"))
    ),
    key("key_{n}_label", "FLEX_BUTTON_LABEL{n}", Encoding::AsIs)
);

/// Of phones that read XML: the group of the parameter stands before it.
pub(super) const XML: &[Rule] = rules!(
    "Line{n}_Sip_",
    "Line{n}_CallCtrl_",
    "",
    "LoginAcc_",
    "SysTime_",
    "Syslog_",
    "Prov_",
    "Yes",
    "No",
    one(
        "syslog",
        "Syslog_SYSLOG_SERVER_ENABLE",
        Encoding::Fixed("Y")
    ),
    one("ntp", "Network_NTP_NTP_ADDR", Encoding::AsIs),
    one("ntp", "Network_NTP_NTP_MODE", Encoding::Fixed("2"))
);

/// The keys of the phones that FusionPBX's templates say them of. Of other models the names or the words differ, or
/// are not known.
const fn key(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    each(setting, parameter, 24, value).only(&["KX-UT133", "KX-UT136"])
}

const KEYS: &[(&str, &str)] = &[
    ("line", "X_PANASONIC_IPTEL_DN"),
    ("blf", "X_PANASONIC_IPTEL_CONTACT"),
    ("speed_dial", "X_PANASONIC_IPTEL_ONETOUCH"),
];

fn shown_line(reading: &Reading<'_>) -> Written {
    match reading.value() {
        "line" => keys::line(reading),
        _ => Ok(None),
    }
}

/// The line of a key that shows one: what calls or watches works for the phone.
fn line_of_shown(reading: &Reading<'_>) -> Written {
    match reading.get("key_{n}_type") {
        Some("line") => Ok(Some(reading.value().to_owned())),
        _ => Ok(None),
    }
}

/// The value of a key that does this.
#[allow(clippy::unnecessary_wraps)]
fn value_of(reading: &Reading<'_>, kind: &str) -> Written {
    let does_so = keys::does(reading) == Some(kind);
    Ok(does_so.then(|| reading.value().to_owned()))
}

/// When summer time begins; without it nothing is written.
fn start(reading: &Reading<'_>, what: fn(ByWeek) -> i32) -> Written {
    change(reading.zone()?.saving.map(|saving| saving.start), what)
}

/// When it ends.
fn stop(reading: &Reading<'_>, what: fn(ByWeek) -> i32) -> Written {
    change(reading.zone()?.saving.map(|saving| saving.end), what)
}

fn change(change: Option<ClockChange>, what: fn(ByWeek) -> i32) -> Written {
    let Some(change) = change else {
        return Ok(None);
    };
    let by_week = change.by_week().map_err(|error| error.to_string())?;
    Ok(Some(what(by_week).to_string()))
}
