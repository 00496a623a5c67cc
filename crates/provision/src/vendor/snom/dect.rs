//! How base stations say the settings of the vocabulary: a line is the account of a handset. The number behind a dot
//! is the element's `idx`, which counts accounts or servers; each of the first ten accounts has a server of its
//! own, and later ones must share one of these.

use crate::vocabulary::{
    Encoding, MAX_NUMBER, Reading, Rule, Written, each, host_and_port, hour, month, one,
    weekday_from_one,
};
use crate::zone::ByWeek;

/// A base takes as many as it has handsets, which differs by model.
const MAX_ACCOUNTS: u16 = MAX_NUMBER;
const MAX_SERVERS: u16 = 10;

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

pub(super) const DECT: &[Rule] = &[
    each(
        "line_{n}_enabled",
        "user_active.{n}",
        MAX_ACCOUNTS,
        Encoding::Flag("on", "off"),
    ),
    each(
        "line_{n}_user",
        "user_active.{n}",
        MAX_ACCOUNTS,
        Encoding::Fixed("on"),
    ),
    each(
        "line_{n}_display_name",
        "user_realname.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "user_realname.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "user_name.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_auth_user",
        "user_pname.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_user",
        "user_pname.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_password",
        "user_pass.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_label",
        "subscr_sip_line_name.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_voicemail",
        "user_mailnumber.{n}",
        MAX_ACCOUNTS,
        Encoding::AsIs,
    ),
    // The handset of the same number.
    each(
        "line_{n}_user",
        "subscr_sip_hs_idx.{n}",
        MAX_ACCOUNTS,
        Encoding::With(own_number),
    ),
    each(
        "line_{n}_user",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        Encoding::With(server),
    ),
    each(
        "line_{n}_registrar",
        "srv_sip_server_alias.{n}",
        MAX_SERVERS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_domain",
        "srv_sip_server_alias.{n}",
        MAX_SERVERS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_registrar",
        "user_host.{n}",
        MAX_SERVERS,
        Encoding::With(host_and_port),
    ),
    each(
        "line_{n}_domain",
        "user_host.{n}",
        MAX_SERVERS,
        Encoding::With(host_and_port),
    ),
    // A port alone has no parameter: it stands behind the host.
    each(
        "line_{n}_port",
        "user_host.{n}",
        MAX_SERVERS,
        Encoding::Joined,
    ),
    each(
        "line_{n}_outbound_proxy",
        "user_outbound.{n}",
        MAX_SERVERS,
        Encoding::AsIs,
    ),
    each(
        "line_{n}_transport",
        "srv_sip_transport.{n}",
        MAX_SERVERS,
        TRANSPORT,
    ),
    each(
        "line_{n}_expires",
        "user_expiry.{n}",
        MAX_SERVERS,
        Encoding::AsIs,
    ),
    each("line_{n}_dtmf", "user_dtmf_info.{n}", MAX_SERVERS, DTMF),
    // What later accounts say of their server is compared with the first ten's, and stands there.
    each(
        "line_{n}_registrar",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        NOTHING,
    ),
    each(
        "line_{n}_domain",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        NOTHING,
    ),
    each(
        "line_{n}_port",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        NOTHING,
    ),
    each(
        "line_{n}_outbound_proxy",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        NOTHING,
    ),
    each(
        "line_{n}_transport",
        "subscr_sip_ua_data_server_id.{n}",
        MAX_ACCOUNTS,
        NOTHING,
    ),
    one("admin_password", "http_pass", Encoding::AsIs),
    one("user_password", "http_basic_pass", Encoding::AsIs),
    one("ntp", "ntp_server", Encoding::AsIs),
    one("time_zone", "timezone", Encoding::With(zone_word)),
    one("time_zone", "timezone_by_country_region", OFF_WITH_ZONE),
    one("time_zone", "dst_by_country_region", OFF_WITH_ZONE),
    one("time_zone", "dst_enable", Encoding::With(summer_time)),
    one(
        "time_zone",
        "dst_fixed_day_enable",
        Encoding::With(|it| Ok(it.zone()?.saving.map(|_| "off".to_owned()))),
    ),
    change!("dst_start_month", start, month),
    change!("dst_start_time", start, hour),
    change!("dst_start_day_of_week", start, weekday_from_one),
    change!("dst_start_wday_last_in_month", start, week),
    change!("dst_stop_month", end, month),
    change!("dst_stop_time", end, hour),
    change!("dst_stop_day_of_week", end, weekday_from_one),
    change!("dst_stop_wday_last_in_month", end, week),
    one("vlan", "vlan_id", Encoding::AsIs),
    one("language", "language", LANGUAGE),
    one("tone_country", "tone_scheme", TONES),
    one(
        "phone_book_url",
        "phonebook_server_location",
        Encoding::Fixed("3"),
    ),
    one("phone_book_url", "phonebook_location", Encoding::AsIs),
];

const NOTHING: Encoding = Encoding::Joined;

/// The zone counts, and not the country.
const OFF_WITH_ZONE: Encoding = Encoding::With(|it| it.zone().map(|_| Some("off".to_owned())));

/// The vendor's words for zones: one for each offset, in minutes east of UTC. What summer time the word's country has does not count.
const ZONE_WORDS: &[(i32, &str)] = &[
    (-600, "USA-10"),
    (-540, "USA-9"),
    (-480, "USA-8"),
    (-420, "USA-7"),
    (-360, "USA-6"),
    (-300, "USA-5"),
    (-240, "CAN-4"),
    (-210, "CAN-3.5"),
    (-180, "ARG-3"),
    (-120, "BRA-2"),
    (-60, "PRT-1"),
    (0, "GBR-0"),
    (60, "GER+1"),
    (120, "FIN+2"),
    (180, "RUS+3"),
    (210, "IRN+3.5"),
    (240, "AZE+4"),
    (300, "PAK+5"),
    (330, "IND+5.5"),
    (360, "KAZ+6"),
    (420, "THA+7"),
    (480, "SGP+8"),
    (540, "JPN+9"),
    (570, "AUS+9.5"),
    (600, "AUS+10"),
    (630, "AUS+10.5"),
    (660, "NCL+11"),
    (720, "NZL+12"),
    (765, "NZL+12.75"),
    (780, "TON+13"),
];

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "udp"), ("tcp", "tcp"), ("tls", "tls")]);

pub(super) const DTMF: Encoding =
    Encoding::Choice(&[("rfc2833", "off"), ("info", "sip_info_only")]);

pub(super) const LANGUAGE: Encoding = Encoding::Word(&[
    ("de", "Deutsch"),
    ("en", "English"),
    ("es", "Espanol"),
    ("fr", "Francais"),
    ("it", "Italiano"),
    ("nl", "Dutch"),
]);

const TONES: Encoding = Encoding::Word(&[
    ("DE", "GER"),
    ("US", "USA"),
    ("ES", "ESP"),
    ("FR", "FRA"),
    ("IT", "ITA"),
    ("NL", "NLD"),
]);

#[allow(clippy::unnecessary_wraps)]
fn own_number(reading: &Reading<'_>) -> Written {
    Ok(Some(reading.number().to_string()))
}

/// The word of the zone's offset.
fn zone_word(reading: &Reading<'_>) -> Written {
    let east = reading.zone()?.minutes_east();
    match ZONE_WORDS.iter().find(|(offset, _)| *offset == east) {
        Some((_, word)) => Ok(Some((*word).to_owned())),
        None => Err(format!(
            "of these base stations no zone is known that is {} hours from UTC",
            reading.zone()?.hours_east()
        )),
    }
}

/// By the changes that are told, or not at all. That it adds an hour is in no parameter.
fn summer_time(reading: &Reading<'_>) -> Written {
    Ok(Some(match reading.adds(60..=60)? {
        Some(_) => "auto".to_owned(),
        None => "off".to_owned(),
    }))
}

/// The provisioning guide of M300 and M700 counts the first three weekdays of a month, the last but one (4) and the last (5).
fn week(by: ByWeek) -> Result<String, String> {
    match by.week {
        4 => Err(
            "the clocks change on the fourth such weekday of a month, and these base stations can only be told the first three and the last two"
                .to_owned(),
        ),
        week => Ok(week.to_string()),
    }
}

/// What a server is, of which two accounts may share one.
const OF_A_SERVER: [&str; 5] = ["registrar", "domain", "port", "outbound_proxy", "transport"];

/// The server of an account: the one of its own number, or among the first ten the one that is the same.
fn server(reading: &Reading<'_>) -> Written {
    let of = |number: u16| {
        OF_A_SERVER.map(|word| {
            reading
                .get(&format!("line_{number}_{word}"))
                .map(str::to_owned)
        })
    };
    let number = reading.number();
    if number <= MAX_SERVERS {
        return Ok(Some(number.to_string()));
    }
    let wanted = of(number);
    (1..=MAX_SERVERS)
        .find(|candidate| of(*candidate) == wanted)
        .map(|found| Some(found.to_string()))
        .ok_or_else(|| {
            "a base knows ten servers, those of lines 1 to 10: give the line the domain, registrar, port, outbound proxy and transport of one of them"
                .to_owned()
        })
}
