//! How the phones say the settings of the vocabulary: `_n_` behind a name is the number of the line or key.
//!
//! A file that lacks a parameter leaves it as it is in the phone, so a line that is used says everything about
//! itself, also what would be its default.

use super::keys::{extension, function, key_label, line_label};
use crate::vocabulary::{
    Chars, Encoding, Reading, Rule, Written, each, host_and_port, interval, one,
};

/// The most lines in the file of a phone of the SPA line. No such phone has as many; it passes over what it does not know.
const MAX_SPA_LINES: u16 = 12;
/// The most lines in the file of an MPP phone.
const MAX_MPP_LINES: u16 = 16;

/// The rules that both families share, with those of one of them before them.
macro_rules! rules {
    ($lines:expr, $($own:expr),* $(,)?) => {
        &[
            $($own,)*
            each("line_{n}_enabled", "Line_Enable_{n}_", $lines, YES_NO),
            each("line_{n}_user", "Line_Enable_{n}_", $lines, Encoding::Fixed("Yes")),
            each("line_{n}_user", "Register_{n}_", $lines, Encoding::Fixed("Yes")),
            each("line_{n}_display_name", "Display_Name_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_user", "Display_Name_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_user", "User_ID_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_user", "Use_Auth_ID_{n}_", $lines, Encoding::Fixed("Yes")),
            each("line_{n}_auth_user", "Auth_ID_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_user", "Auth_ID_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_password", "Password_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_domain", "Proxy_{n}_", $lines, Encoding::With(domain)),
            each("line_{n}_registrar", "Proxy_{n}_", $lines, Encoding::With(registrar)),
            // A port alone has no parameter: it stands behind the host.
            each("line_{n}_port", "Proxy_{n}_", $lines, Encoding::Joined),
            each("line_{n}_outbound_proxy", "Use_Outbound_Proxy_{n}_", $lines, Encoding::Fixed("Yes")),
            each("line_{n}_registrar", "Use_Outbound_Proxy_{n}_", $lines, Encoding::With(uses_hop)),
            each("line_{n}_user", "Use_Outbound_Proxy_{n}_", $lines, Encoding::Fixed("No")),
            each("line_{n}_outbound_proxy", "Outbound_Proxy_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_registrar", "Outbound_Proxy_{n}_", $lines, Encoding::With(hop)),
            each("line_{n}_port", "Outbound_Proxy_{n}_", $lines, Encoding::With(port_of_hop)),
            each("line_{n}_transport", "SIP_Transport_{n}_", $lines, TRANSPORT),
            each("line_{n}_user", "SIP_Transport_{n}_", $lines, Encoding::Fixed("UDP")),
            each("line_{n}_expires", "Register_Expires_{n}_", $lines, Encoding::AsIs),
            each("line_{n}_dtmf", "DTMF_Tx_Method_{n}_", $lines, DTMF),
            each("line_{n}_user", "Auth_Resync-Reboot_{n}_", $lines, Encoding::Fixed("Yes")),
            one("line_{n}_voicemail", "Voice_Mail_Number", Encoding::AsIs),
            // A line's key shows the line, unless something else is said of the key.
            each("key_{n}_type", "Extension_{n}_", $lines, Encoding::With(extension)),
            each("line_{n}_user", "Extension_{n}_", $lines, Encoding::With(|it| Ok(Some(it.number().to_string())))),
            each("key_{n}_type", "Extended_Function_{n}_", $lines, Encoding::With(function)),
            each("key_{n}_value", "Extended_Function_{n}_", $lines, Encoding::Joined),
            each("key_{n}_line", "Extended_Function_{n}_", $lines, Encoding::Joined),
            each("key_{n}_label", "Short_Name_{n}_", $lines, Encoding::With(key_label)),
            each("line_{n}_label", "Short_Name_{n}_", $lines, Encoding::With(line_label)),
            each("line_{n}_user", "Short_Name_{n}_", $lines, Encoding::With(line_label)),
            one("dial_plan", "Dial_Plan_1_", Encoding::AsIs),
            each("line_{n}_user", "Dial_Plan_{n}_", $lines, Encoding::With(dial_plan)),
            one("user_password", "User_Password", Encoding::AsIs),
            one("time_zone", "Time_Zone", Encoding::With(|it| Ok(Some(it.zone()?.gmt())))),
            one("time_zone", "Daylight_Saving_Time_Enable", Encoding::SummerTime("Yes", "No")),
            one("time_zone", "Daylight_Saving_Time_Rule", Encoding::With(summer_time)),
            one("ntp", "Primary_NTP_Server", Encoding::AsIs),
            one("syslog", "Syslog_Server", Encoding::AsIs),
            one("vlan", "Enable_VLAN", Encoding::Fixed("Yes")),
            one("vlan", "VLAN_ID", Encoding::AsIs),
            // With a time of day it is passed over, so that one of before is taken back.
            interval("Resync_Periodic", Encoding::Units(60, 1)),
            interval("Resync_At__HHmm_", Encoding::Fixed("")),
            one("resync_time", "Resync_At__HHmm_", Encoding::With(|it| Ok(Some(it.value().replace(':', ""))))),
            one("firmware_url", "Upgrade_Enable", Encoding::Fixed("Yes")),
            one("phone_book_url", "XML_Directory_Service_URL", Encoding::AsIs),
        ]
    };
}

/// The rules for the codecs of every line that is used.
macro_rules! codecs {
    ($table:ident, $lines:expr, $($own:expr),* $(,)?) => {
        rules!(
            $lines,
            one("codecs", "Preferred_Codec_1_", Encoding::With(|it| codec(it, 0, $table))),
            one("codecs", "Second_Preferred_Codec_1_", Encoding::With(|it| codec(it, 1, $table))),
            one("codecs", "Third_Preferred_Codec_1_", Encoding::With(|it| codec(it, 2, $table))),
            each("line_{n}_user", "Preferred_Codec_{n}_", $lines, Encoding::With(|it| codec(it, 0, $table))),
            each("line_{n}_user", "Second_Preferred_Codec_{n}_", $lines, Encoding::With(|it| codec(it, 1, $table))),
            each("line_{n}_user", "Third_Preferred_Codec_{n}_", $lines, Encoding::With(|it| codec(it, 2, $table))),
            $($own,)*
        )
    };
}

pub(super) const SPA: &[Rule] = codecs!(
    SPA_CODECS,
    MAX_SPA_LINES,
    one("admin_password", "Admin_Passwd", Encoding::AsIs),
    one("firmware_url", "Upgrade_Rule", Encoding::With(spa_firmware)),
);

pub(super) const MPP: &[Rule] = codecs!(
    MPP_CODECS,
    MAX_MPP_LINES,
    each("line_{n}_user", "User_ID_{n}_", MAX_MPP_LINES, USER),
    one("line_{n}_voicemail", "Voice_Mail_Number", NUMBER),
    one("admin_password", "Admin_Password", Encoding::AsIs),
    one("firmware_url", "Upgrade_Rule", Encoding::With(firmware)),
);

const YES_NO: Encoding = Encoding::Flag("Yes", "No");
const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")]);
const DTMF: Encoding =
    Encoding::Choice(&[("rfc2833", "AVT"), ("info", "INFO"), ("inband", "InBand")]);
const USER: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 0,
    max: 63,
    says: "characters",
});
/// Of a parameter that holds the number of a phone.
const NUMBER: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 0,
    max: 39,
    says: "characters",
});

type CodecNames = &'static [(&'static str, &'static str)];

const SPA_CODECS: CodecNames = &[
    ("pcmu", "G711u"),
    ("pcma", "G711a"),
    ("g722", "G722"),
    ("g729", "G729a"),
    ("g726-32", "G726-32"),
];
const MPP_CODECS: CodecNames = &[
    ("pcmu", "G711u"),
    ("pcma", "G711a"),
    ("g722", "G722"),
    ("g729", "G729a"),
    ("ilbc", "iLBC"),
    ("opus", "OPUS"),
];

/// The registrar of a line that has a domain, too, if it is another host: the phone has one parameter for
/// both, the domain, and finds the registrar as its first hop.
fn other_registrar<'a>(reading: &'a Reading<'_>) -> Option<&'a str> {
    let registrar = reading.get("line_{n}_registrar")?;
    let domain = reading.get("line_{n}_domain")?;
    (!registrar.eq_ignore_ascii_case(domain)).then_some(registrar)
}

/// The port is the registrar's.
fn domain(reading: &Reading<'_>) -> Written {
    match other_registrar(reading) {
        Some(_) => Ok(Some(reading.value().to_owned())),
        None => host_and_port(reading),
    }
}

fn registrar(reading: &Reading<'_>) -> Written {
    match other_registrar(reading) {
        Some(_) => Ok(None),
        None => host_and_port(reading),
    }
}

/// The port stands behind the registrar: where another first hop takes the registrar's place, it takes the port's.
#[allow(clippy::unnecessary_wraps)]
fn port_of_hop(reading: &Reading<'_>) -> Written {
    Ok(other_registrar(reading).map(|registrar| reading.with_port(registrar)))
}

fn hop(reading: &Reading<'_>) -> Written {
    match other_registrar(reading) {
        Some(_) => host_and_port(reading),
        None => Ok(None),
    }
}

/// Beside an outbound proxy that one is the first hop.
#[allow(clippy::unnecessary_wraps)]
fn uses_hop(reading: &Reading<'_>) -> Written {
    let is_first = reading.get("line_{n}_outbound_proxy").is_none();
    let hop = other_registrar(reading).filter(|_| is_first);
    Ok(hop.map(|_| "Yes".to_owned()))
}

#[allow(clippy::unnecessary_wraps)]
fn dial_plan(reading: &Reading<'_>) -> Written {
    Ok(reading.get("dial_plan").map(str::to_owned))
}

/// The codec of a rank, counted from 0, of the three that a line prefers.
fn codec(reading: &Reading<'_>, rank: usize, names: CodecNames) -> Written {
    let Some(wanted) = reading.get("codecs") else {
        return Ok(None);
    };
    let wanted: Vec<&str> = wanted.split(',').collect();
    if wanted.len() > 3 {
        return Err("these phones take three codecs at most".to_owned());
    }
    let Some(wanted) = wanted.get(rank) else {
        return Ok(Some("Unspecified".to_owned()));
    };
    match names.iter().find(|(ours, _)| ours == wanted) {
        Some((_, theirs)) => Ok(Some((*theirs).to_owned())),
        None => {
            let known: Vec<&str> = names.iter().map(|(ours, _)| *ours).collect();
            Err(format!("these phones know {} alone", known.join(", ")))
        }
    }
}

/// A rule may hold several URLs with `|` between them.
fn firmware(reading: &Reading<'_>) -> Written {
    match reading.value().contains('|') {
        true => Err("a URL in a rule of these phones has no |".to_owned()),
        false => Ok(Some(reading.value().to_owned())),
    }
}

fn spa_firmware(reading: &Reading<'_>) -> Written {
    match reading.value().starts_with("https:") {
        true => Err("these phones fetch firmware by http and not by https".to_owned()),
        false => firmware(reading),
    }
}

/// When summer time begins and ends, and what it adds; without it nothing is written.
fn summer_time(reading: &Reading<'_>) -> Written {
    let saving = reading.zone()?.saving;
    saving
        .map(|saving| saving.in_one_line().map_err(|error| error.to_string()))
        .transpose()
}
