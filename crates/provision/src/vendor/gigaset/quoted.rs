//! How the N510 and the N720 say the settings of the vocabulary. A name is that of the vendor's template, with dots
//! before the numbers that it has in brackets: `BS_IP_Data1.aucS_DATA_SERVER.0`. A text has double quotes around it, a
//! number is written in sixteens.

use crate::vocabulary::{Encoding, Reading, Rule, Written, each, one, table};

/// What the base's reader can take, which knows neither an escape nor a reference.
fn text(value: &str) -> Written {
    let plain = |it: char| (it.is_ascii_graphic() || it == ' ') && !"\"'&<>".contains(it);
    if value.is_empty() || !value.chars().all(plain) {
        return Err(
            "these base stations take characters of ASCII without \", ', &, < and >, at least one"
                .to_owned(),
        );
    }
    Ok(Some(format!("\"{value}\"")))
}

const TEXT: Encoding = Encoding::With(|it| text(it.value()));
const HOST: Encoding = Encoding::With(|it| text(it.host()));
const PORT: Encoding = Encoding::With(|it| Ok(it.port().map(sixteens)));
const NUMBER: Encoding = Encoding::With(|it| Ok(Some(sixteens(it.value()))));
const ON: Encoding = Encoding::Fixed("0x1");
const ACTIVE: Encoding = Encoding::Flag("0x1", "0x0");

/// `0x13c4` of `5060`.
fn sixteens(digits: &str) -> String {
    format!("{:#x}", digits.parse::<u32>().unwrap_or_default())
}

/// Of another transport no value was found.
const UDP: Encoding = Encoding::With(|it| udp(it, None));
/// The number of UDP.
const UDP_NUMBER: Encoding = Encoding::With(|it| udp(it, Some("0x11")));

fn udp(reading: &Reading<'_>, written: Option<&str>) -> Written {
    match reading.value() {
        "udp" => Ok(written.map(str::to_owned)),
        _ => Err("of these base stations no other transport than udp is known".to_owned()),
    }
}

/// Bits: 1 in the voice, 2 as events, 4 as messages.
const DTMF: Encoding = Encoding::Choice(&[("inband", "0x1"), ("rfc2833", "0x2"), ("info", "0x4")]);

/// Four digits, two in each byte.
const PIN: Encoding = Encoding::With(|it| {
    let pin = it.value();
    match (pin.get(..2), pin.get(2..)) {
        (Some(first), Some(second))
            if pin.len() == 4 && pin.bytes().all(|it| it.is_ascii_digit()) =>
        {
            Ok(Some(format!("0x{first},0x{second}")))
        }
        _ => Err("these base stations take four digits".to_owned()),
    }
});

const TONES: Encoding = Encoding::With(|it| {
    const SCHEMES: &[(&str, &str)] = &[
        ("US", "0x1"),
        ("CH", "0x2"),
        ("AU", "0x4"),
        ("ES", "0x6"),
        ("FR", "0x7"),
        ("GB", "0x8"),
        ("NL", "0x9"),
        ("PL", "0xa"),
        ("RU", "0xb"),
        ("DE", "0xc"),
        ("IT", "0xd"),
    ];
    let found = SCHEMES
        .iter()
        .find(|(country, _)| it.value().eq_ignore_ascii_case(country));
    match found {
        Some((_, scheme)) => Ok(Some((*scheme).to_owned())),
        None => Err(
            "these base stations know the tones of AU, CH, DE, ES, FR, GB, IT, NL, PL, RU and US alone"
                .to_owned(),
        ),
    }
});

/// One zone for each whole hour, in hours east of UTC. Which summer time belongs to which of them is not published.
const ZONES: &[(i32, &str)] = &[
    (-12, "0x0"),
    (-11, "0x1"),
    (-10, "0x2"),
    (-9, "0x3"),
    (-8, "0x4"),
    (-7, "0x7"),
    (-6, "0x9"),
    (-5, "0xd"),
    (-4, "0xf"),
    (-3, "0x15"),
    (-2, "0x16"),
    (-1, "0x18"),
    (0, "0x1a"),
    (1, "0x1b"),
    (2, "0x20"),
    (3, "0x28"),
    (4, "0x2b"),
    (5, "0x2e"),
    (6, "0x33"),
    (7, "0x37"),
    (8, "0x3a"),
    (9, "0x3d"),
    (10, "0x43"),
];

const ZONE: Encoding = Encoding::With(|it| {
    let rule = it.zone()?;
    if rule.saving.is_some() {
        return Err(
            "of these base stations it is not published by which rule they have summer time: set the vendor's own parameters"
                .to_owned(),
        );
    }
    let hours = rule.minutes_east() / 60;
    let found = ZONES
        .iter()
        .find(|(east, _)| *east == hours && rule.minutes_east() % 60 == 0);
    match found {
        Some((_, code)) => Ok(Some((*code).to_owned())),
        None => Err(format!(
            "of these base stations no zone is known that is {} hours from UTC",
            rule.hours_east()
        )),
    }
});

/// The handset of the line's number: one bit for each.
const OWN_HANDSET: Encoding = Encoding::With(|it| {
    let bit = 1_u32.checked_shl(u32::from(it.number().saturating_sub(1)));
    Ok(bit.map(|bit| format!("{bit:#x}")))
});

/// The accounts of an N510. Those of the first have no number behind their names.
macro_rules! account {
    ($setting:literal, $name:literal, $value:expr) => {
        table(
            concat!("line_{n}_", $setting),
            &[
                $name,
                concat!($name, "_2"),
                concat!($name, "_3"),
                concat!($name, "_4"),
                concat!($name, "_5"),
                concat!($name, "_6"),
            ],
            $value,
        )
    };
}

const MAX_ACCOUNTS: u16 = 6;

pub(super) const N510: &[Rule] = &[
    each(
        "line_{n}_enabled",
        "BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_{n}",
        MAX_ACCOUNTS,
        ACTIVE,
    ),
    each(
        "line_{n}_user",
        "BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_{n}",
        MAX_ACCOUNTS,
        ON,
    ),
    account!("user", "BS_IP_Data1.aucS_SIP_USER_ID", TEXT),
    account!("auth_user", "BS_IP_Data3.aucS_SIP_LOGIN_ID", TEXT),
    account!("user", "BS_IP_Data3.aucS_SIP_LOGIN_ID", TEXT),
    account!("password", "BS_IP_Data1.aucS_SIP_PASSWORD", TEXT),
    account!("display_name", "BS_IP_Data1.aucS_SIP_DISPLAYNAME", TEXT),
    account!("user", "BS_IP_Data1.aucS_SIP_DISPLAYNAME", TEXT),
    account!("domain", "BS_IP_Data1.aucS_SIP_DOMAIN", TEXT),
    // Before those that write: it only refuses.
    account!("transport", "BS_IP_Data1.aucS_SIP_SERVER", UDP),
    account!("proxy", "BS_IP_Data1.aucS_SIP_SERVER", HOST),
    account!("registrar", "BS_IP_Data1.aucS_SIP_SERVER", TEXT),
    account!("domain", "BS_IP_Data1.aucS_SIP_SERVER", TEXT),
    account!("proxy", "BS_IP_Data1.uiI_SIP_SERVER_PORT", PORT),
    account!("port", "BS_IP_Data1.uiI_SIP_SERVER_PORT", PROXY_PORT),
    account!("registrar", "BS_IP_Data1.aucS_SIP_REGISTRAR", TEXT),
    account!("domain", "BS_IP_Data1.aucS_SIP_REGISTRAR", TEXT),
    account!("port", "BS_IP_Data1.uiI_SIP_REGISTRAR_PORT", NUMBER),
    account!("outbound_proxy", "BS_IP_Data1.aucS_OUTBOUND_PROXY", HOST),
    account!(
        "outbound_proxy",
        "BS_IP_Data1.uiI_OUTBOUND_PROXY_PORT",
        PORT
    ),
    account!("expires", "BS_IP_Data1.uiI_RE_REGISTRATION_TIMER", NUMBER),
    each(
        "line_{n}_voicemail",
        "BS_IP_Data1.aucS_VOIP_NET_AM_NUMBER_{n}",
        MAX_ACCOUNTS,
        TEXT,
    ),
    each(
        "line_{n}_voicemail",
        "BS_IP_Data1.ucB_VOIP_NET_AM_ENABLED_{n}",
        MAX_ACCOUNTS,
        ON,
    ),
    each(
        "line_{n}_label",
        "BS_Accounts.astAccounts.{z}.aucAccountName.0",
        MAX_ACCOUNTS,
        TEXT,
    ),
    // Without these, all handsets ring for all accounts.
    each(
        "line_{n}_user",
        "BS_Accounts.astAccounts.{z}.uiSendMask",
        MAX_ACCOUNTS,
        OWN_HANDSET,
    ),
    each(
        "line_{n}_user",
        "BS_Accounts.astAccounts.{z}.uiReceiveMask",
        MAX_ACCOUNTS,
        OWN_HANDSET,
    ),
    one(
        "line_{n}_dtmf",
        "BS_IP_Data1.ucB_DTMF_TX_MODE_AUTO",
        Encoding::Fixed("0x0"),
    ),
    one("line_{n}_dtmf", "BS_IP_Data1.ucI_DTMF_TX_MODE_BITS", DTMF),
    each(
        "line_{n}_dtmf",
        "BS_IP_Data1.ucI_DTMF_TX_MODE_BITS",
        MAX_ACCOUNTS,
        Encoding::AsLine1,
    ),
    one("admin_password", "BS_CUSTOM.aucKdsPin.0", PIN),
    one("time_zone", "BS_IP_Data1.uiI_TIME_TIMEZONE", ZONE),
    one(
        "time_zone",
        "BS_IP_Data1.ucB_TIME_USE_AUTOMATIC_DST",
        Encoding::Fixed("0x0"),
    ),
    one("tone_country", "BS_AE_SwConfig.ucCountryCodeTone", TONES),
    one("ntp", "BS_IP_Data1.aucS_TIME_NTP_SERVER", TEXT),
    one("vlan", "BS_IP_Data1.ucB_VLAN_ENABLED", ON),
    one("vlan", "BS_IP_Data1.uiI_VLAN_ID", NUMBER),
];

/// The port of the registrar, where the proxy has none of its own.
const PROXY_PORT: Encoding = Encoding::With(|it| {
    let own = it.get("line_{n}_proxy").is_none();
    Ok(own.then(|| sixteens(it.value())))
});

/// The accounts of an N720.
const MAX_N720_ACCOUNTS: u16 = 100;

macro_rules! member {
    ($setting:literal, $name:literal, $value:expr) => {
        each(
            concat!("line_{n}_", $setting),
            concat!("BS_VOIP_Data.astVoipAccounts.{z}.", $name),
            MAX_N720_ACCOUNTS,
            $value,
        )
    };
}

macro_rules! provider {
    ($setting:literal, $name:literal, $value:expr) => {
        one(
            concat!("line_{n}_", $setting),
            concat!("BS_VOIP_Data.astVoipProviders.0.", $name),
            $value,
        )
    };
}

/// What all lines have that line 1 has: they point to one provider.
macro_rules! as_line_1 {
    ($setting:literal) => {
        each(
            concat!("line_{n}_", $setting),
            "BS_VOIP_Data.astVoipAccounts.{z}.ucVoipProviderIndex",
            MAX_N720_ACCOUNTS,
            Encoding::AsLine1,
        )
    };
}

pub(super) const N720: &[Rule] = &[
    member!("enabled", "ucB_SIP_ACCOUNT_IS_ACTIVE_1", ACTIVE),
    member!("user", "ucB_SIP_ACCOUNT_IS_ACTIVE_1", ON),
    member!("user", "ucVoipProviderIndex", Encoding::Fixed("0x0")),
    member!("user", "aucS_SIP_USER_ID.0", TEXT),
    member!("auth_user", "aucS_SIP_LOGIN_ID.0", TEXT),
    member!("user", "aucS_SIP_LOGIN_ID.0", TEXT),
    member!("password", "aucS_SIP_PASSWORD.0", TEXT),
    member!("display_name", "aucS_SIP_DISPLAYNAME.0", TEXT),
    member!("user", "aucS_SIP_DISPLAYNAME.0", TEXT),
    member!("voicemail", "aucS_VOIP_NET_AM_NUMBER_1.all", TEXT),
    member!("voicemail", "ucB_VOIP_NET_AM_ENABLED_1", ON),
    provider!("domain", "aucSIP_DOMAIN.all", TEXT),
    provider!("proxy", "aucSIP_SERVER.all", HOST),
    provider!("registrar", "aucSIP_SERVER.all", TEXT),
    provider!("domain", "aucSIP_SERVER.all", TEXT),
    provider!("proxy", "uiSIP_SERVER_PORT", PORT),
    provider!("port", "uiSIP_SERVER_PORT", PROXY_PORT),
    provider!("registrar", "aucSIP_REGISTRAR.all", TEXT),
    provider!("domain", "aucSIP_REGISTRAR.all", TEXT),
    provider!("port", "uiSIP_REGISTRAR_PORT", NUMBER),
    provider!("transport", "ucSIP_PREFERRED_TRANSPORT_LAYER", UDP_NUMBER),
    provider!("outbound_proxy", "aucOUTBOUND_PROXY.all", HOST),
    provider!("outbound_proxy", "uiOUTBOUND_PROXY_PORT", PORT),
    provider!("expires", "uiRE_REGISTRATION_TIMER", NUMBER),
    as_line_1!("domain"),
    as_line_1!("proxy"),
    as_line_1!("registrar"),
    as_line_1!("port"),
    as_line_1!("transport"),
    as_line_1!("outbound_proxy"),
    as_line_1!("expires"),
    one(
        "line_{n}_dtmf",
        "BS_VOIP_Data.ucB_DTMF_TX_MODE_AUTO",
        Encoding::Fixed("0x0"),
    ),
    one("line_{n}_dtmf", "BS_VOIP_Data.ucI_DTMF_TX_MODE_BITS", DTMF),
    as_line_1!("dtmf"),
    one("admin_password", "BS_CUSTOM.aucKdsPin.all", PIN),
    one("time_zone", "BS_IP_Data.uiI_TIME_TIMEZONE", ZONE),
    one(
        "time_zone",
        "BS_IP_Data.ucB_TIME_USE_AUTOMATIC_DST",
        Encoding::Fixed("0x0"),
    ),
    one("ntp", "BS_IP_Data.aucS_TIME_NTP_SERVER.all", TEXT),
    one("ntp", "BS_IP_Data.ucB_TIME_USE_AUTOMATIC_NTP_SYN", ON),
    one("vlan", "BS_IP_Data.ucB_VLAN_ENABLED", ON),
    one("vlan", "BS_IP_Data.uiI_VLAN_ID", NUMBER),
];
