//! How OBi phones say the settings of the vocabulary. A line is a service (SP1, SP2, …) that points to a profile of
//! a provider (A, B, …): here line 1 to the first, line 2 to the second, and so on.

use crate::vocabulary::{
    Encoding, Reading, Rule, Written, each, host_alone, interval, one, port_alone,
};

/// How many profiles the largest phones have; the adapters have four.
const MAX_LINES: u16 = 6;

pub(super) const OBI: &[Rule] = &[
    each(
        "line_{n}_enabled",
        "VoiceService.1.VoiceProfile.1.Line.{n}.Enable",
        MAX_LINES,
        Encoding::Flag("true", "false"),
    ),
    each(
        "line_{n}_user",
        "VoiceService.1.VoiceProfile.1.Line.{n}.Enable",
        MAX_LINES,
        Encoding::Fixed("true"),
    ),
    each(
        "line_{n}_user",
        "VoiceService.1.VoiceProfile.1.Line.{n}.X_ServProvProfile",
        MAX_LINES,
        Encoding::With(profile),
    ),
    each(
        "line_{n}_auth_user",
        "VoiceService.1.VoiceProfile.1.Line.{n}.SIP.AuthUserName",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "VoiceService.1.VoiceProfile.1.Line.{n}.SIP.AuthUserName",
        MAX_LINES,
        Encoding::AsIs,
    ),
    // Without it the phone is called by the name that it authenticates with.
    each(
        "line_{n}_user",
        "VoiceService.1.VoiceProfile.1.Line.{n}.SIP.URI",
        MAX_LINES,
        Encoding::With(uri),
    ),
    each(
        "line_{n}_password",
        "VoiceService.1.VoiceProfile.1.Line.{n}.SIP.AuthPassword",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_display_name",
        "VoiceService.1.VoiceProfile.1.Line.{n}.CallingFeatures.CallerIDName",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_label",
        "VoiceService.1.VoiceProfile.1.Line.{n}.X_DisplayLabel",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_registrar",
        "VoiceService.1.VoiceProfile.{n}.SIP.ProxyServer",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_domain",
        "VoiceService.1.VoiceProfile.{n}.SIP.ProxyServer",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_port",
        "VoiceService.1.VoiceProfile.{n}.SIP.ProxyServerPort",
        MAX_LINES,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_transport",
        "VoiceService.1.VoiceProfile.{n}.SIP.ProxyServerTransport",
        MAX_LINES,
        TRANSPORT,
    ),
    each(
        "line_{n}_outbound_proxy",
        "VoiceService.1.VoiceProfile.{n}.SIP.OutboundProxy",
        MAX_LINES,
        Encoding::With(host_alone),
    ),
    each(
        "line_{n}_outbound_proxy",
        "VoiceService.1.VoiceProfile.{n}.SIP.OutboundProxyPort",
        MAX_LINES,
        Encoding::With(port_alone),
    ),
    one("ntp", "DeviceInfo.Time.NTPServer1", Encoding::AsIs),
    one(
        "syslog",
        "X_DeviceManagement.Syslog.Server",
        Encoding::With(host_alone),
    ),
    one(
        "syslog",
        "X_DeviceManagement.Syslog.Port",
        Encoding::With(port_alone),
    ),
    one("vlan", "DeviceInfo.WAN.VLANEnable", Encoding::Fixed("true")),
    one("vlan", "DeviceInfo.WAN.VLANID", Encoding::AsIs),
    one("dial_plan", "VoiceService.1.Phone.DigitMap", Encoding::AsIs),
    // A phone fetches in one way.
    interval(
        "X_DeviceManagement.ITSPProvisioning.Method",
        Encoding::Fixed("Periodically"),
    ),
    interval(
        "X_DeviceManagement.ITSPProvisioning.Interval",
        Encoding::Units(60, 1),
    ),
    one(
        "resync_time",
        "X_DeviceManagement.ITSPProvisioning.Method",
        Encoding::Fixed("Time Of Day"),
    ),
    one(
        "resync_time",
        // Without a range it adds up to half an hour of its own.
        "X_DeviceManagement.ITSPProvisioning.TimeofDay",
        Encoding::AsIs,
    ),
];

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")]);

/// The first profile is A.
#[allow(clippy::unnecessary_wraps)]
fn profile(reading: &Reading<'_>) -> Written {
    let letter = ('A'..='Z').nth(usize::from(reading.number()).saturating_sub(1));
    Ok(letter.map(String::from))
}

#[allow(clippy::unnecessary_wraps)]
fn uri(reading: &Reading<'_>) -> Written {
    let user = reading.value();
    let other = reading
        .get("line_{n}_auth_user")
        .is_some_and(|it| it != user);
    Ok(other.then(|| user.to_owned()))
}
