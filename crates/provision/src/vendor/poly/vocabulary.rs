//! How UC Software says the settings of the vocabulary. What stands at line 1 alone belongs to the phone as a
//! whole.

use crate::vocabulary::{
    Encoding, Reading, Rule, Written, codecs, each, host_alone, hour, interval, month, one,
    port_alone, weekday_from_one,
};
use crate::zone::ByWeek;

/// How many lines are written. Of how many a phone knows, models differ.
const MAX_LINES: u16 = 34;
/// How many keys of the list of watched lines.
const MAX_KEYS: u16 = 47;

const TRANSPORT: Encoding =
    Encoding::Choice(&[("udp", "UDPOnly"), ("tcp", "TCPOnly"), ("tls", "TLS")]);

/// One parameter of a change of the clocks.
macro_rules! change {
    ($end:literal, $name:literal, $which:ident, $write:expr) => {
        one(
            "time_zone",
            concat!("tcpIpApp.sntp.daylightSavings.", $end, ".", $name),
            Encoding::With(|it| it.by_hour(|saving| saving.$which, $write)),
        )
    };
}

/// The rank of a codec; 0 switches it off. The phone's others stay as they are.
macro_rules! codec {
    ($codec:literal, $name:literal) => {
        one(
            "codecs",
            concat!("voice.codecPref.", $name),
            Encoding::With(|it| {
                let rank = codecs::rank(it, $codec, CODECS)?;
                Ok(Some(rank.unwrap_or_else(|| "0".to_owned())))
            }),
        )
    };
}

/// By the names of public templates and of files that phones have written.
const CODECS: codecs::Words = &[
    ("pcmu", "G711_Mu"),
    ("pcma", "G711_A"),
    ("g722", "G722"),
    ("g729", "G729_AB"),
];

pub(super) const UCS: &[Rule] = &[
    each(
        "line_{n}_user",
        "reg.{n}.address",
        MAX_LINES,
        Encoding::With(address),
    ),
    each(
        "line_{n}_auth_user",
        "reg.{n}.auth.userId",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "reg.{n}.auth.userId",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_password",
        "reg.{n}.auth.password",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_display_name",
        "reg.{n}.displayName",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each("line_{n}_label", "reg.{n}.label", MAX_LINES, Encoding::AsIs),
    each("line_{n}_user", "reg.{n}.label", MAX_LINES, Encoding::AsIs),
    each(
        "line_{n}_registrar",
        "reg.{n}.server.1.address",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_domain",
        "reg.{n}.server.1.address",
        MAX_LINES,
        Encoding::With(domain),
    ),
    each(
        "line_{n}_port",
        "reg.{n}.server.1.port",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_transport",
        "reg.{n}.server.1.transport",
        MAX_LINES,
        TRANSPORT,
    ),
    each(
        "line_{n}_expires",
        "reg.{n}.server.1.expires",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_outbound_proxy",
        "reg.{n}.outboundProxy.address",
        MAX_LINES,
        Encoding::With(host_alone),
    ),
    each(
        "line_{n}_outbound_proxy",
        "reg.{n}.outboundProxy.port",
        MAX_LINES,
        Encoding::With(port_alone),
    ),
    each(
        "line_{n}_outbound_proxy",
        "reg.{n}.outboundProxy.transport",
        MAX_LINES,
        Encoding::With(transport_of_proxy),
    ),
    each(
        "line_{n}_voicemail",
        "msg.mwi.{n}.callBackMode",
        MAX_LINES,
        Encoding::Fixed("contact"),
    ),
    each(
        "line_{n}_voicemail",
        "msg.mwi.{n}.callBack",
        MAX_LINES,
        Encoding::AsIs,
    ),
    one("line_{n}_srtp", "sec.srtp.enable", SRTP),
    one("line_{n}_srtp", "sec.srtp.offer", SRTP),
    one("line_{n}_srtp", "sec.srtp.require", SRTP_REQUIRED),
    one("line_{n}_dtmf", "tone.dtmf.viaRtp", DTMF_VIA_RTP),
    one("line_{n}_dtmf", "tone.dtmf.rfc2833Control", DTMF_AS_EVENTS),
    // The list of lines that the phone watches has keys of its own: they stand behind the lines'.
    each(
        "key_{n}_type",
        "attendant.resourceList.{n}.type",
        MAX_KEYS,
        Encoding::Choice(&[("blf", "normal")]),
    ),
    each(
        "key_{n}_value",
        "attendant.resourceList.{n}.address",
        MAX_KEYS,
        Encoding::AsIs,
    ),
    each(
        "key_{n}_label",
        "attendant.resourceList.{n}.label",
        MAX_KEYS,
        Encoding::AsIs,
    ),
    one(
        "admin_password",
        "device.auth.localAdminPassword",
        Encoding::AsIs,
    ),
    one(
        "user_password",
        "device.auth.localUserPassword",
        Encoding::AsIs,
    ),
    one("language", "lcl.ml.lang", LANGUAGE),
    one(
        "ntp",
        "tcpIpApp.sntp.address.overrideDHCP",
        Encoding::Fixed("1"),
    ),
    one("ntp", "tcpIpApp.sntp.address", Encoding::AsIs),
    one(
        "time_zone",
        "tcpIpApp.sntp.gmtOffset.overrideDHCP",
        Encoding::With(|it| it.zone().map(|_| Some("1".to_owned()))),
    ),
    one(
        "time_zone",
        "tcpIpApp.sntp.gmtOffset",
        Encoding::With(|it| Ok(Some(it.zone()?.standard_offset.to_string()))),
    ),
    one(
        "time_zone",
        "tcpIpApp.sntp.daylightSavings.enable",
        Encoding::With(summer_time),
    ),
    one(
        "time_zone",
        "tcpIpApp.sntp.daylightSavings.fixedDayEnable",
        Encoding::With(|it| Ok(it.zone()?.saving.map(|_| "0".to_owned()))),
    ),
    change!("start", "month", start, month),
    change!("start", "date", start, day),
    change!("start", "time", start, hour),
    change!("start", "dayOfWeek", start, weekday_from_one),
    change!("start", "dayOfWeek.lastInMonth", start, is_last),
    change!("stop", "month", end, month),
    change!("stop", "date", end, day),
    change!("stop", "time", end, hour),
    change!("stop", "dayOfWeek", end, weekday_from_one),
    change!("stop", "dayOfWeek.lastInMonth", end, is_last),
    one(
        "syslog",
        "device.syslog.serverName",
        Encoding::With(syslog_server),
    ),
    // Over UDP.
    one("syslog", "device.syslog.transport", Encoding::Fixed("1")),
    one("vlan", "device.net.vlanId", Encoding::AsIs),
    one("dial_plan", "dialplan.digitmap", Encoding::AsIs),
    codec!("pcmu", "G711_Mu"),
    codec!("pcma", "G711_A"),
    codec!("g722", "G722"),
    codec!("g729", "G729_AB"),
    one("firmware_url", "device.prov.upgradeServer", Encoding::AsIs),
    // A phone polls in one way.
    interval("prov.polling.enabled", Encoding::Fixed("1")),
    interval("prov.polling.mode", Encoding::Fixed("rel")),
    interval("prov.polling.period", Encoding::With(polling_period)),
    one("resync_time", "prov.polling.enabled", Encoding::Fixed("1")),
    one("resync_time", "prov.polling.mode", Encoding::Fixed("abs")),
    one("resync_time", "prov.polling.time", Encoding::AsIs),
];

/// Events in the voice stream, or tones in it.
const DTMF_AS_EVENTS: Encoding = Encoding::Choice(&[("rfc2833", "1"), ("inband", "0")]);
const DTMF_VIA_RTP: Encoding = Encoding::Choice(&[("rfc2833", "1"), ("inband", "1")]);

const LANGUAGE: Encoding = Encoding::Choice(&[
    ("de", "German_Germany"),
    ("de-DE", "German_Germany"),
    ("en", "English_United_States"),
    ("en-US", "English_United_States"),
    ("es", "Spanish_Spain"),
    ("es-ES", "Spanish_Spain"),
    ("fr", "French_France"),
    ("fr-FR", "French_France"),
    ("it", "Italian_Italy"),
    ("it-IT", "Italian_Italy"),
    ("nl", "Dutch_Netherlands"),
    ("nl-NL", "Dutch_Netherlands"),
]);

const SRTP: Encoding = Encoding::Choice(&[("off", "0"), ("optional", "1"), ("required", "1")]);
const SRTP_REQUIRED: Encoding =
    Encoding::Choice(&[("off", "0"), ("optional", "0"), ("required", "1")]);

/// Where the line registers, unless a registrar does. Beside one it is in the address, and lost where the user has a domain of
/// its own.
#[allow(clippy::unnecessary_wraps)]
fn domain(reading: &Reading<'_>) -> Written {
    let user = reading.get("line_{n}_user");
    let in_address =
        reading.get("line_{n}_registrar").is_some() && user.is_some_and(|user| !user.contains('@'));
    Ok((!in_address).then(|| reading.value().to_owned()))
}

/// The user; with the domain behind it where that is not where the line registers.
#[allow(clippy::unnecessary_wraps)]
fn address(reading: &Reading<'_>) -> Written {
    let user = reading.value();
    let domain = reading.get("line_{n}_domain");
    let registrar = reading.get("line_{n}_registrar");
    Ok(Some(match (domain, registrar) {
        (Some(domain), Some(registrar)) if domain != registrar && !user.contains('@') => {
            format!("{user}@{domain}")
        }
        _ => user.to_owned(),
    }))
}

/// Whether there is summer time. That it adds an hour is in no parameter: the guides know no other.
fn summer_time(reading: &Reading<'_>) -> Written {
    Ok(Some(match reading.adds(60..=60)? {
        Some(_) => "1".to_owned(),
        None => "0".to_owned(),
    }))
}

/// The day of the month on or after which the weekday is: the guides say 1, 8, 15 and 22 for the first to the fourth.
/// Where the last one is meant the phone passes over it.
#[allow(clippy::unnecessary_wraps)]
fn day(by: ByWeek) -> Result<String, String> {
    let week = if by.is_last() { 4 } else { by.week };
    Ok((week * 7 - 6).to_string())
}

#[allow(clippy::unnecessary_wraps)]
fn is_last(by: ByWeek) -> Result<String, String> {
    Ok(if by.is_last() { "1" } else { "0" }.to_owned())
}

/// The line's transport is that of its first hop, too.
fn transport_of_proxy(reading: &Reading<'_>) -> Written {
    Ok(match reading.get("line_{n}_transport") {
        Some("udp") => Some("UDPOnly".to_owned()),
        Some("tcp") => Some("TCPOnly".to_owned()),
        Some("tls") => Some("TLS".to_owned()),
        Some(_) => return Err("these phones know udp, tcp and tls alone".to_owned()),
        None => None,
    })
}

/// No parameter is known for another port.
fn syslog_server(reading: &Reading<'_>) -> Written {
    match reading.port() {
        None | Some("514") => host_alone(reading),
        Some(_) => Err("these phones write their log to port 514: leave the port out".to_owned()),
    }
}

/// In seconds, of which a phone takes no fewer.
fn polling_period(reading: &Reading<'_>) -> Written {
    const MORE_THAN: u32 = 3600;
    let seconds = reading.value().parse::<u32>().unwrap_or_default();
    match seconds.saturating_mul(60) {
        seconds if seconds > MORE_THAN => Ok(Some(seconds.to_string())),
        _ => Err("these phones take more than 60 minutes".to_owned()),
    }
}
