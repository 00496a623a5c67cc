//! How the Nx70 says the settings of the vocabulary. Line `n` is handset `n` with its account. A line with the
//! server of line 1 points to the first provider; any other has a provider of its own, the one of its number.

use super::zones;
use crate::vocabulary::{Chars, Encoding, Reading, Rule, Written, each, one, port_unless_proxy};

/// The handsets of the largest base. A model that has fewer passes over the rest.
const MAX_HANDSETS: u16 = 250;

/// The providers of a base.
const MAX_PROVIDERS: u16 = 20;

/// What belongs to a provider. Lines that agree in all of these share one.
const SERVER: &[&str] = &[
    "line_{n}_domain",
    "line_{n}_registrar",
    "line_{n}_port",
    "line_{n}_transport",
    "line_{n}_proxy",
    "line_{n}_outbound_proxy",
    "line_{n}_expires",
    "line_{n}_dtmf",
    "line_{n}_srtp",
];

/// What a base makes of an empty value is not stated.
const NOT_EMPTY: Encoding = Encoding::Chars(&Chars {
    allowed: |_| true,
    min: 1,
    max: 500,
    says: "characters",
});

pub(super) const NX70: &[Rule] = &[
    account("line_{n}_user", "SipAccount.{5}.ProviderId", PROVIDER),
    account("line_{n}_user", "SipAccount.{5}.UserName", NOT_EMPTY),
    account("line_{n}_auth_user", "SipAccount.{5}.AuthName", NOT_EMPTY),
    account("line_{n}_user", "SipAccount.{5}.AuthName", NOT_EMPTY),
    account(
        "line_{n}_password",
        "SipAccount.{5}.AuthPassword",
        NOT_EMPTY,
    ),
    account(
        "line_{n}_display_name",
        "SipAccount.{5}.DisplayName",
        Encoding::AsIs,
    ),
    account(
        "line_{n}_voicemail",
        "SipAccount.{5}.VoiceMailMailbox",
        NOT_EMPTY,
    ),
    account(
        "line_{n}_voicemail",
        "SipAccount.{5}.VoiceMailActive",
        Encoding::Fixed("1"),
    ),
    provider("line_{n}_domain", "SipProvider.{z}.Domain", as_is),
    provider("line_{n}_proxy", "SipProvider.{z}.ProxyServerAddress", host),
    provider(
        "line_{n}_registrar",
        "SipProvider.{z}.ProxyServerAddress",
        host,
    ),
    provider(
        "line_{n}_domain",
        "SipProvider.{z}.ProxyServerAddress",
        host,
    ),
    provider("line_{n}_proxy", "SipProvider.{z}.ProxyServerPort", port),
    provider(
        "line_{n}_port",
        "SipProvider.{z}.ProxyServerPort",
        proxy_port,
    ),
    provider(
        "line_{n}_registrar",
        "SipProvider.{z}.RegServerAddress",
        host,
    ),
    provider("line_{n}_domain", "SipProvider.{z}.RegServerAddress", host),
    provider("line_{n}_port", "SipProvider.{z}.RegServerPort", as_is),
    provider(
        "line_{n}_transport",
        "SipProvider.{z}.TransportProtocol",
        transport,
    ),
    provider(
        "line_{n}_outbound_proxy",
        "SipProvider.{z}.OutboundProxyMode",
        always,
    ),
    provider(
        "line_{n}_outbound_proxy",
        "SipProvider.{z}.OutboundProxyAddress",
        host,
    ),
    provider(
        "line_{n}_outbound_proxy",
        "SipProvider.{z}.OutboundProxyPort",
        port,
    ),
    provider(
        "line_{n}_expires",
        "SipProvider.{z}.RegServerRefreshTimer",
        as_is,
    ),
    provider("line_{n}_dtmf", "SipProvider.{z}.DTMFTransmission", dtmf),
    provider("line_{n}_srtp", "SipProvider.{z}.SRTP_Enabled", srtp),
    provider(
        "line_{n}_srtp",
        "SipProvider.{z}.AcceptNonSRTPCalls",
        calls_in_clear,
    ),
    one("admin_password", "WebUIAccounts.1.Password", NOT_EMPTY),
    one(
        "time_zone",
        "DmGlobal.0.TimeZone",
        Encoding::With(zones::name),
    ),
    one(
        "tone_country",
        "Telephony.0.ToneScheme",
        Encoding::With(tones),
    ),
    one("ntp", "DmGlobal.0.NtpServer", Encoding::AsIs),
    one("phone_book_url", "Netdir.1.Activated", Encoding::Fixed("1")),
    one("phone_book_url", "XMLDir.1.ServerURL", Encoding::AsIs),
];

const PROVIDER: Encoding = Encoding::With(|reading| {
    let number = if shares(reading) { 1 } else { reading.number() };
    match number <= MAX_PROVIDERS {
        true => Ok(Some(number.saturating_sub(1).to_string())),
        false => Err(format!(
            "a base has {MAX_PROVIDERS} servers, for lines 1 to {MAX_PROVIDERS}: give the line the server of line 1"
        )),
    }
});

const fn account(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    each(setting, parameter, MAX_HANDSETS, value)
}

const fn provider(
    setting: &'static str,
    parameter: &'static str,
    write: fn(&Reading<'_>) -> Written,
) -> Rule {
    each(setting, parameter, MAX_HANDSETS, Encoding::With(write))
}

/// Whether the line has the server of line 1, whose provider it then takes.
fn shares(reading: &Reading<'_>) -> bool {
    reading.number() != 1
        && SERVER
            .iter()
            .all(|name| reading.get(name) == reading.of_line_1(name))
}

/// A value of the line's own provider, if it has one.
#[allow(clippy::unnecessary_wraps)]
fn own(reading: &Reading<'_>, value: Option<&str>) -> Written {
    let has_one = !shares(reading) && reading.number() <= MAX_PROVIDERS;
    Ok(value.filter(|_| has_one).map(str::to_owned))
}

fn as_is(reading: &Reading<'_>) -> Written {
    own(reading, Some(reading.value()))
}

fn host(reading: &Reading<'_>) -> Written {
    own(reading, Some(reading.host()))
}

fn port(reading: &Reading<'_>) -> Written {
    own(reading, reading.port())
}

fn proxy_port(reading: &Reading<'_>) -> Written {
    own(reading, port_unless_proxy(reading)?.as_deref())
}

fn transport(reading: &Reading<'_>) -> Written {
    word(reading, &[("udp", "1"), ("tcp", "2"), ("tls", "3")])
}

fn always(reading: &Reading<'_>) -> Written {
    own(reading, Some("0"))
}

fn dtmf(reading: &Reading<'_>) -> Written {
    word(reading, &[("inband", "1"), ("rfc2833", "2"), ("info", "4")])
}

fn srtp(reading: &Reading<'_>) -> Written {
    word(
        reading,
        &[("off", "0"), ("optional", "1"), ("required", "1")],
    )
}

fn calls_in_clear(reading: &Reading<'_>) -> Written {
    word(reading, &[("optional", "1"), ("required", "0")])
}

fn word(reading: &Reading<'_>, words: &[(&str, &str)]) -> Written {
    let found = words.iter().find(|(ours, _)| *ours == reading.value());
    own(reading, found.map(|(_, theirs)| *theirs))
}

fn tones(reading: &Reading<'_>) -> Written {
    const SCHEMES: &[(&str, &str)] = &[
        ("DE", "Germany"),
        ("ES", "Spain"),
        ("FR", "France"),
        ("US", "Retail"),
        ("CA", "Retail"),
    ];
    let country = reading.value();
    let scheme = SCHEMES
        .iter()
        .find(|(known, _)| country.eq_ignore_ascii_case(known));
    match scheme {
        Some((_, scheme)) => Ok(Some((*scheme).to_owned())),
        None => Err("these phones know the tones of DE, ES, FR, US and CA alone".to_owned()),
    }
}
