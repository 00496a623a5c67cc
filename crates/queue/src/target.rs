//! From a device's settings to whom to notify and what to send.
//!
//! These settings are read from the four layers like every other (tenant < site < model < device):
//!
//! | setting | meaning |
//! |---|---|
//! | `NOTIFY_AOR` | address of record, `sip:101@pbx.example` (`sip:` may be left out, and a registrar's `"Front Desk" <sip:…>` does) |
//! | `NOTIFY_ADDRESS` | where the datagrams go, `198.51.100.7:5060`, if not to be looked up from the address of record |
//! | `NOTIFY_ROUTE` | outbound proxy, `sip:proxy.example;lr` |
//! | `NOTIFY_USERNAME`, `NOTIFY_PASSWORD`, `NOTIFY_REALM` | credentials of the line, for a phone or proxy that challenges; the password as a secret |
//! | `NOTIFY_LINE` | which line to notify, 1 to 24, default 1 |
//! | `NOTIFY_HEADERS` | further headers, one `Name: value` a line, of those that are harmless |
//! | `NOTIFY_BODY`, `NOTIFY_CONTENT_TYPE` | a body and its type |
//! | an [event setting](Settings::new) | text of the Event header: which settings these are, and what counts without one, is the phones' vendors' affair, and the caller's |
//!
//! Where no setting names an address of record or credentials, those of the phone's first line stand in
//! ([`OF_LINE_1`]). Where other tenants' phones are reached through the same pool, that is so only if this tenant
//! alone may address the line's domain ([`Reach::has_domain_alone`]): then nobody else there can have an address of
//! record in it, whatever anybody sets.
//!
//! Per line: of `NOTIFY_AOR`, `NOTIFY_ADDRESS`, `NOTIFY_ROUTE`, `NOTIFY_USERNAME`, `NOTIFY_PASSWORD`
//! and `NOTIFY_REALM` there may be one with `_<line>` at its end (`NOTIFY_AOR_2`), which then
//! counts instead. Either of `NOTIFY_AOR` and `NOTIFY_ADDRESS` is enough.

use std::collections::BTreeMap;

use ringfence_sip_notify::{EventType, HeaderError, HeaderName, HeaderValue, Host, SipUri};
use ringfence_wire::{Credentials, Destinations, Header, Secret, Target};
use zeroize::Zeroizing;

/// The zone of a tenant's time windows: an IANA name, read from the tenant's layer.
pub const ZONE_SETTING: &str = "NOTIFY_TIME_ZONE";

/// The settings that say whom to notify, each of which may be one line's.
const ADDRESSES: [&str; 3] = ["NOTIFY_AOR", "NOTIFY_ADDRESS", "NOTIFY_ROUTE"];
/// Settings of which a line may have one of its own.
const OF_A_LINE: [&str; 6] = [
    "NOTIFY_AOR",
    "NOTIFY_ADDRESS",
    "NOTIFY_ROUTE",
    "NOTIFY_USERNAME",
    "NOTIFY_PASSWORD",
    "NOTIFY_REALM",
];
/// The other settings that are for no file.
const OF_A_DEVICE: [&str; 5] = [
    "NOTIFY_LINE",
    "NOTIFY_HEADERS",
    "NOTIFY_BODY",
    "NOTIFY_CONTENT_TYPE",
    ZONE_SETTING,
];

/// The settings of a phone's first line that stand in for what is not said.
pub const OF_LINE_1: [&str; 5] = [
    "line_1_user",
    "line_1_domain",
    "line_1_registrar",
    "line_1_auth_user",
    "line_1_password",
];

/// Whether a setting of this name is read to notify a device. `events` are the
/// settings that hold the text of an Event header.
pub fn is_read(name: &str, events: &[&str]) -> bool {
    OF_A_DEVICE.contains(&name)
        || events.contains(&name)
        || OF_A_LINE.iter().any(|base| is_of_line(name, base))
}

/// The line in `_2`, as it is written where the setting is looked for.
fn own_line(suffix: &str) -> Option<u8> {
    let digits = suffix.strip_prefix('_')?;
    let line: u8 = digits.parse().ok()?;
    ((1..=MAX_LINE).contains(&line) && line.to_string() == digits).then_some(line)
}

/// The highest number of a line.
const MAX_LINE: u8 = 24;
const MAX_BODY: usize = 1024;
const MAX_HEADERS: usize = 16;

/// The settings that count for one device, the nearest layer's of each name.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, Zeroizing<String>>,
    events: &'static [&'static str],
    default_event: &'static str,
    reach: Reach,
}

/// Whom a tenant may address in a pool. The default is anybody: it is for who sends by hand, and for
/// tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Its domains and networks, if somebody has said which.
    pub destinations: Option<Destinations>,
    /// Whether other tenants have phones in the pool, whom it must not reach.
    pub guarded: bool,
    /// Whether another tenant in the pool has the device's address of record.
    pub taken: bool,
    /// Whether no other tenant in the pool may address the [host of the first line](line_1_host).
    pub has_domain_alone: bool,
}

impl Reach {
    /// Whether the tenant may name this host in a setting.
    ///
    /// # Errors
    /// [`TargetError::Beyond`], [`TargetError::NoDestinations`].
    fn check(&self, name: &'static str, host: &Host) -> Result<(), TargetError> {
        let Some(destinations) = &self.destinations else {
            return match self.guarded {
                true => Err(TargetError::NoDestinations),
                false => Ok(()),
            };
        };
        let permitted = match (host, host.ip()) {
            (Host::Name(host), _) => destinations.permits_name(host),
            (_, ip) => ip.is_some_and(|ip| destinations.permits_ip(ip)),
        };
        match permitted {
            true => Ok(()),
            false => Err(TargetError::Beyond { name }),
        }
    }
}

impl Settings {
    /// No settings yet. `events` are the settings that hold the text of the Event header: of those that are
    /// there the first counts. `default_event` is what the device obeys where none is.
    pub fn new(events: &'static [&'static str], default_event: &'static str) -> Self {
        Self {
            events,
            default_event,
            ..Self::default()
        }
    }

    /// Puts a layer on top.
    pub fn set(&mut self, name: &str, value: Zeroizing<String>) {
        self.values.insert(name.to_owned(), value);
    }

    /// Says whom the device's tenant may address.
    pub fn set_reach(&mut self, reach: Reach) {
        self.reach = reach;
    }

    /// Whom the device's tenant may address.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn of_line(&self, name: &str, line: u8) -> Option<&str> {
        self.text(&format!("{name}_{line}"))
            .or_else(|| self.text(name))
    }

    /// The address of record: the one that is set, or that of the phone's first line.
    fn aor(&self, line: u8) -> Result<Option<SipUri>, TargetError> {
        if let Some(aor) = self.of_line("NOTIFY_AOR", line) {
            return uri("NOTIFY_AOR", aor).map(Some);
        }
        let stands_in = line == 1 && self.line_1_stands_in();
        let Some((name, aor)) = stands_in.then(|| self.line_1()).flatten() else {
            return Ok(None);
        };
        match self.reach.check(name, aor.host()) {
            Ok(()) => Ok(Some(aor)),
            // An address that is set does without: the host of a line was not written to say who is notified.
            Err(_) if self.of_line("NOTIFY_ADDRESS", line).is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The address of record of the phone's first line, and the setting that its host is from: the domain, or the
    /// registrar where there is none, which phones take for the domain.
    fn line_1(&self) -> Option<(&'static str, SipUri)> {
        let user = self.text("line_1_user")?;
        let mut hosts = ["line_1_domain", "line_1_registrar"].into_iter();
        let (name, host) = hosts.find_map(|name| Some((name, self.text(name)?)))?;
        let aor = SipUri::parse_pasted(&format!("sip:{user}@{host}")).ok()?;
        Some((name, aor))
    }

    /// Whether the first line may stand in for what is not set.
    fn line_1_stands_in(&self) -> bool {
        !self.reach.guarded || self.reach.has_domain_alone
    }

    /// User and password for a phone or proxy that challenges, likewise.
    fn credentials(&self, line: u8) -> Result<Option<Credentials>, TargetError> {
        let set = (
            self.of_line("NOTIFY_USERNAME", line),
            self.of_line("NOTIFY_PASSWORD", line),
        );
        let realm = self
            .of_line("NOTIFY_REALM", line)
            .map(|realm| checked_value("NOTIFY_REALM", realm))
            .transpose()?;
        let (username, password) = match set {
            (Some(username), Some(password)) => {
                (checked_value("NOTIFY_USERNAME", username)?, password)
            }
            (None, None) if line == 1 && self.line_1_stands_in() => {
                let user = self
                    .text("line_1_auth_user")
                    .or_else(|| self.text("line_1_user"));
                let user = user.and_then(|user| checked_value("line_1_auth_user", user).ok());
                let (Some(user), Some(password)) = (user, self.text("line_1_password")) else {
                    return Ok(None);
                };
                (user, password)
            }
            _ => return Ok(None),
        };
        Ok(Some(Credentials {
            username,
            password: Secret::new(password),
            realm,
        }))
    }
}

/// Checks one setting of those above by itself, as it is saved: what can be seen to be of no use then
/// need not wait for a phone that is not notified. `events` are the settings that hold the text of an
/// Event header. Any other setting is fine.
///
/// # Errors
/// [`TargetError::Setting`].
pub fn check_setting(name: &str, value: &str, events: &[&'static str]) -> Result<(), TargetError> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(());
    }
    let of_line = |base: &str| is_of_line(name, base);
    match name {
        "NOTIFY_LINE" => line_number(value).map(drop),
        "NOTIFY_HEADERS" => headers(value).map(drop),
        "NOTIFY_BODY" => body(value),
        "NOTIFY_CONTENT_TYPE" => checked_value("NOTIFY_CONTENT_TYPE", value).map(drop),
        _ if of_line("NOTIFY_AOR") => uri("NOTIFY_AOR", value).map(drop),
        _ if of_line("NOTIFY_ROUTE") => uri("NOTIFY_ROUTE", value).map(drop),
        _ if of_line("NOTIFY_ADDRESS") => address(value).map(drop),
        _ if of_line("NOTIFY_USERNAME") => checked_value("NOTIFY_USERNAME", value).map(drop),
        _ if of_line("NOTIFY_REALM") => checked_value("NOTIFY_REALM", value).map(drop),
        _ => match events.iter().find(|event| **event == name) {
            Some(own) => event_text(own, value).map(drop),
            None => Ok(()),
        },
    }
}

/// Whether a setting says whom to notify.
pub fn is_address(name: &str) -> bool {
    ADDRESSES.iter().any(|base| is_of_line(name, base))
}

/// Whether a tenant that may address what is in `reach` may have this setting, by the address in it.
///
/// # Errors
/// The tenant may not have the setting; one that cannot be read is [`check_setting`]'s.
pub fn check_reach(name: &str, value: &str, reach: &Reach) -> Result<(), TargetError> {
    let (base, uri) = match address_in(name, value) {
        Some(found) => found,
        None => return Ok(()),
    };
    reach.check(base, uri.host())
}

/// The address of record in a setting as it is compared between tenants, if it is `NOTIFY_AOR` or one
/// of its like: `user@host` in lower case, escapes undone.
pub fn aor_in(name: &str, value: &str) -> Option<String> {
    let (base, uri) = address_in(name, value)?;
    (base == "NOTIFY_AOR").then(|| aor_key(&uri)).flatten()
}

/// The address of record of a device, likewise.
pub fn aor_of(settings: &Settings) -> Option<String> {
    let line = line(settings).ok()?;
    aor_in("NOTIFY_AOR", settings.of_line("NOTIFY_AOR", line)?)
}

/// The host of the device's first line (its domain, or its registrar where it has none), in lower case, where it is to
/// be asked whether another tenant in the pool may address it: where other tenants are there, no setting names an address of record, and this tenant may
/// address the domain. An address of a host is no domain.
pub fn line_1_host(settings: &Settings) -> Option<String> {
    let line = line(settings).ok().filter(|line| *line == 1)?;
    if !settings.reach.guarded || settings.of_line("NOTIFY_AOR", line).is_some() {
        return None;
    }
    let (name, aor) = settings.line_1()?;
    settings.reach.check(name, aor.host()).ok()?;
    match aor.host() {
        Host::Name(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    }
}

fn address_in(name: &str, value: &str) -> Option<(&'static str, SipUri)> {
    let value = value.trim();
    let base = ADDRESSES.into_iter().find(|base| is_of_line(name, base))?;
    let uri = match base {
        "NOTIFY_ADDRESS" => address(value),
        _ => uri(base, value),
    };
    Some((base, uri.ok()?))
}

fn aor_key(uri: &SipUri) -> Option<String> {
    let mut user = Vec::new();
    let mut bytes = uri.user()?.bytes();
    while let Some(byte) = bytes.next() {
        user.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next().unwrap_or(b'0')).to_digit(16);
                let (high, low) = (digit().unwrap_or(0), digit().unwrap_or(0));
                u8::try_from(high * 16 + low).unwrap_or(b'%')
            }
            byte => byte,
        });
    }
    let user = String::from_utf8_lossy(&user).to_lowercase();
    Some(format!("{user}@{}", uri.host()))
}

/// Whether a setting is `base`, or `base` of one line.
fn is_of_line(name: &str, base: &str) -> bool {
    name.strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || own_line(rest).is_some())
}

/// Everything about a NOTIFY but the event that its job is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub target: Target,
    pub route: Option<String>,
    pub headers: Vec<Header>,
    pub content_type: Option<String>,
    pub body: Option<String>,
    pub credentials: Option<Credentials>,
    /// Whom the tenant may address, for the relay to enforce too.
    pub destinations: Option<Destinations>,
}

/// Why a device cannot be notified. The words name the setting, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error(
        "Nobody knows where this device is: set NOTIFY_AOR (sip:user@host) or NOTIFY_ADDRESS (address:port) on the device or a layer above it, or line_1_user and line_1_domain (or line_1_registrar) where no other tenant of the pool may address that domain."
    )]
    None,
    #[error("The setting {name} cannot be used: {why}.")]
    Setting { name: &'static str, why: String },
    #[error(
        "The setting {name} leads outside the domains and networks that this tenant may address. Correct it, or have somebody with a token for all tenants extend the tenant's destinations."
    )]
    Beyond { name: &'static str },
    #[error(
        "Other tenants' phones are reached through the same pool, and nobody has said whom this tenant may address. Somebody with a token for all tenants has to set the tenant's destinations, which are domains and networks; or give the tenant a pool of its own; or, if all tenants of the pool trust one another, set the pool's option trusting."
    )]
    NoDestinations,
    #[error(
        "A device of another tenant in this pool has the address of record that NOTIFY_AOR names. Correct it, or have somebody with a token for all tenants look which of the two is right."
    )]
    Taken,
    #[error(
        "The secret setting {name} cannot be read with the master keys that this deployment has: store the setting again, or give back the key that it was stored under as MASTER_KEY_PREVIOUS and let the rotation finish."
    )]
    Unreadable { name: String },
}

impl TargetError {
    /// The stable word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::None => "no_target",
            Self::Setting { .. } | Self::Unreadable { .. } => "bad_setting",
            Self::Beyond { .. } => "tenant_destination_not_allowed",
            Self::NoDestinations => "tenant_without_destinations",
            Self::Taken => "address_of_another_tenant",
        }
    }
}

/// The text of the Event header for a device.
///
/// # Errors
/// [`TargetError::Setting`].
pub fn event(settings: &Settings) -> Result<String, TargetError> {
    let mut named = settings.events.iter();
    match named.find_map(|name| settings.text(name).map(|text| (*name, text))) {
        Some((name, text)) => event_text(name, text),
        None => Ok(settings.default_event.to_owned()),
    }
}

/// Where a device is, for the pace of its network: its address if set, else where it was last seen
/// downloading from (an office is one address), else the host of its address of record.
pub fn destination(settings: &Settings, last_seen_address: Option<&str>) -> String {
    let line = line(settings).unwrap_or(1);
    if let Some(address) = settings.of_line("NOTIFY_ADDRESS", line) {
        return address.to_owned();
    }
    if let Some(address) = last_seen_address.filter(|address| !address.is_empty()) {
        return address.to_owned();
    }
    let aor = settings.aor(line).ok().flatten();
    aor.map(|aor| aor.host().to_string()).unwrap_or_default()
}

/// The whole message.
///
/// # Errors
/// There is no target, or a setting would break the request or end a header's line.
pub fn message(settings: &Settings) -> Result<Message, TargetError> {
    let line = line(settings)?;
    let address = settings
        .of_line("NOTIFY_ADDRESS", line)
        .map(|text| address(text).map(|uri| (text.to_owned(), uri)))
        .transpose()?;
    let reach = &settings.reach;
    let aor = match (settings.aor(line)?, &address) {
        (Some(aor), _) => {
            reach.check("NOTIFY_AOR", aor.host())?;
            aor
        }
        (None, Some((_, uri))) => uri.clone(),
        (None, None) => return Err(TargetError::None),
    };
    let route = settings
        .of_line("NOTIFY_ROUTE", line)
        .map(|route| uri("NOTIFY_ROUTE", route))
        .transpose()?;
    if let Some((_, address)) = &address {
        reach.check("NOTIFY_ADDRESS", address.host())?;
    }
    if let Some(route) = &route {
        reach.check("NOTIFY_ROUTE", route.host())?;
    }
    if reach.guarded && reach.taken {
        return Err(TargetError::Taken);
    }
    let credentials = settings.credentials(line)?;
    let body = settings.text("NOTIFY_BODY").map(str::to_owned);
    body.as_deref().map(self::body).transpose()?;
    let content_type = match &body {
        Some(_) => Some(checked_value(
            "NOTIFY_CONTENT_TYPE",
            settings.text("NOTIFY_CONTENT_TYPE").unwrap_or("text/plain"),
        )?),
        None => None,
    };
    Ok(Message {
        target: Target {
            aor: aor.as_str().to_owned(),
            address: address.map(|(text, _)| text),
        },
        route: route.map(|route| route.into_loose_router().as_str().to_owned()),
        headers: headers(settings.text("NOTIFY_HEADERS").unwrap_or_default())?,
        content_type,
        body,
        credentials,
        destinations: reach.destinations.clone(),
    })
}

fn line(settings: &Settings) -> Result<u8, TargetError> {
    line_number(settings.text("NOTIFY_LINE").unwrap_or("1"))
}

fn line_number(text: &str) -> Result<u8, TargetError> {
    match text.parse::<u8>() {
        Ok(line @ 1..=MAX_LINE) => Ok(line),
        _ => Err(bad(
            "NOTIFY_LINE",
            format!("it is the number of a line, 1 to {MAX_LINE}"),
        )),
    }
}

fn headers(text: &str) -> Result<Vec<Header>, TargetError> {
    let bad = |why: String| bad("NOTIFY_HEADERS", why);
    let mut headers: Vec<Header> = Vec::new();
    for line in text.split('\n').map(|line| line.trim_end_matches('\r')) {
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| bad("a line is not written as `Name: value`".into()))?;
        let name = HeaderName::parse(name.trim()).map_err(|error| bad(error.to_string()))?;
        if name.is_reserved() {
            return Err(bad(HeaderError::Reserved(name).to_string()));
        }
        if !name.is_harmless() {
            return Err(bad(HeaderError::NotHarmless(name).to_string()));
        }
        let state = "Subscription-State";
        if name.is(state)
            && headers
                .iter()
                .any(|given| given.name.eq_ignore_ascii_case(state))
        {
            return Err(bad(format!(
                "{name} is there twice, and a NOTIFY has one: remove one of them"
            )));
        }
        let value = HeaderValue::parse(value).map_err(|error| bad(error.to_string()))?;
        headers.push(Header {
            name: name.as_str().to_owned(),
            value: value.as_str().to_owned(),
        });
    }
    if headers.len() > MAX_HEADERS {
        return Err(bad(format!(
            "it has more than {MAX_HEADERS} headers: remove some"
        )));
    }
    Ok(headers)
}

fn uri(name: &'static str, text: &str) -> Result<SipUri, TargetError> {
    SipUri::parse_pasted(text).map_err(|error| bad(name, error))
}

/// `198.51.100.7:5060`, as the URI of whoever is there.
fn address(text: &str) -> Result<SipUri, TargetError> {
    SipUri::parse(&format!("sip:{text}"))
        .ok()
        .filter(|uri| uri.user().is_none() && !text.contains(';'))
        .ok_or_else(|| {
            bad(
                "NOTIFY_ADDRESS",
                "it is an address or a host, and a port: 198.51.100.7:5060, [2001:db8::7]:5060",
            )
        })
}

fn body(text: &str) -> Result<(), TargetError> {
    if text.len() > MAX_BODY {
        return Err(bad(
            "NOTIFY_BODY",
            "it has more than 1024 bytes, and a NOTIFY is one datagram: shorten it",
        ));
    }
    Ok(())
}

fn event_text(name: &'static str, text: &str) -> Result<String, TargetError> {
    let event = EventType::parse(text).map_err(|error| bad(name, error))?;
    Ok(event.as_str().to_owned())
}

fn checked_value(name: &'static str, text: &str) -> Result<String, TargetError> {
    let value = HeaderValue::parse(text).map_err(|error| bad(name, error))?;
    Ok(value.as_str().to_owned())
}

fn bad(name: &'static str, why: impl ToString) -> TargetError {
    TargetError::Setting {
        name,
        why: why.to_string().trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    const EVENTS: &[&str] = &["CFG_RESYNC_FROM_SIP", "standard_Prov_CFG_RESYNC_FROM_SIP"];
    const EVENT_SETTING: &str = "CFG_RESYNC_FROM_SIP";

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::new(EVENTS, "check-sync");
        for (name, value) in pairs {
            settings.set(name, Zeroizing::new((*value).to_owned()));
        }
        settings
    }

    #[test]
    fn settings_that_are_for_no_file_are_known_by_name() {
        for name in [
            "NOTIFY_AOR",
            "NOTIFY_AOR_2",
            "NOTIFY_PASSWORD_24",
            "NOTIFY_LINE",
            "NOTIFY_TIME_ZONE",
            "CFG_RESYNC_FROM_SIP",
        ] {
            assert!(is_read(name, EVENTS), "{name}");
        }
        for name in [
            "NOTIFY_AORR",
            "NOTIFY_AOR_0",
            "NOTIFY_AOR_25",
            "NOTIFY_AOR_02",
            "NOTIFY_LINE_1",
            "notify_aor",
        ] {
            assert!(!is_read(name, EVENTS), "{name}");
        }
    }

    #[test]
    fn an_address_of_record_is_enough() {
        let message = message(&settings(&[("NOTIFY_AOR", "101@pbx.example")])).unwrap();
        assert_eq!(
            message.target,
            Target {
                aor: "sip:101@pbx.example".into(),
                address: None
            }
        );
        assert_eq!(message.credentials, None);
    }

    #[test]
    fn so_is_an_address() {
        let message = message(&settings(&[("NOTIFY_ADDRESS", "[2001:db8::7]:5060")])).unwrap();
        assert_eq!(message.target.aor, "sip:[2001:db8::7]:5060");
        assert_eq!(
            message.target.address.as_deref(),
            Some("[2001:db8::7]:5060")
        );
        assert_eq!(super::message(&settings(&[])), Err(TargetError::None));
    }

    #[test]
    fn a_phones_first_line_stands_in_for_what_is_not_said() {
        let line = [
            ("line_1_user", "201"),
            ("line_1_domain", "pbx.example"),
            ("line_1_auth_user", "a201"),
            ("line_1_password", "e3#rl2(&ae#1"),
        ];
        let built = message(&settings(&line)).unwrap();
        assert_eq!(built.target.aor, "sip:201@pbx.example");
        assert_eq!(built.credentials.unwrap().username, "a201");
        // What is said counts.
        let mut said = line.to_vec();
        said.extend([
            ("NOTIFY_AOR", "sip:101@pbx.example"),
            ("NOTIFY_USERNAME", "101"),
            ("NOTIFY_PASSWORD", "x"),
        ]);
        let built = message(&settings(&said)).unwrap();
        assert_eq!(built.target.aor, "sip:101@pbx.example");
        assert_eq!(built.credentials.unwrap().username, "101");
        // It is the first line's, and of no use beside other tenants: two could have the same.
        let mut second = settings(&line);
        second.set("NOTIFY_LINE", Zeroizing::new("2".to_owned()));
        assert_eq!(message(&second), Err(TargetError::None));
        let mut beside = settings(&line);
        beside.set_reach(Reach {
            guarded: true,
            ..Reach::default()
        });
        assert_eq!(message(&beside), Err(TargetError::None));
        assert_eq!(aor_of(&beside), None);
    }

    #[test]
    fn a_line_has_its_own_settings_and_shares_the_rest() {
        let message = message(&settings(&[
            ("NOTIFY_LINE", "2"),
            ("NOTIFY_AOR", "sip:101@pbx.example"),
            ("NOTIFY_AOR_2", "sip:102@pbx.example"),
            ("NOTIFY_USERNAME_2", "102"),
            ("NOTIFY_PASSWORD", "e3#rl2(&ae#1"),
            ("NOTIFY_ROUTE", "sip:proxy.example"),
        ]))
        .unwrap();
        assert_eq!(message.target.aor, "sip:102@pbx.example");
        assert_eq!(message.route.as_deref(), Some("sip:proxy.example;lr"));
        let credentials = message.credentials.unwrap();
        assert_eq!(
            (credentials.username.as_str(), credentials.password.expose()),
            ("102", "e3#rl2(&ae#1")
        );
    }

    #[test]
    fn no_setting_can_add_a_header() {
        for (name, value) in [
            (
                "NOTIFY_AOR",
                "sip:101@pbx.example\r\nRoute: <sip:evil.example>",
            ),
            ("NOTIFY_AOR", "sips:101@pbx.example"),
            ("NOTIFY_USERNAME", "a\r\nVia: x"),
            ("NOTIFY_REALM", "a\nb"),
            ("NOTIFY_ROUTE", "sip:proxy.example>\r\nX: y"),
            ("NOTIFY_ADDRESS", "198.51.100.7\r\nX: y"),
            ("NOTIFY_HEADERS", "Subject: b\rVia: x"),
            (
                "NOTIFY_HEADERS",
                "P-Asserted-Identity: <sip:evil@pbx.example>",
            ),
            ("NOTIFY_HEADERS", "Call-Info: <http://evil.example/>"),
            ("NOTIFY_HEADERS", "y: evil"),
            ("NOTIFY_HEADERS", "Via: SIP/2.0/UDP evil.example"),
            ("NOTIFY_HEADERS", "v: SIP/2.0/UDP evil.example"),
            (
                "NOTIFY_HEADERS",
                "Subscription-State: active\nsubscription-state: terminated",
            ),
            ("NOTIFY_HEADERS", "X A: b"),
            ("NOTIFY_HEADERS", "no colon"),
            ("NOTIFY_CONTENT_TYPE", "text/plain\r\nX: y"),
            ("NOTIFY_LINE", "25"),
        ] {
            let mut settings = settings(&[
                ("NOTIFY_AOR", "sip:101@pbx.example"),
                ("NOTIFY_USERNAME", "101"),
                ("NOTIFY_PASSWORD", "secret"),
                ("NOTIFY_BODY", "x"),
            ]);
            settings.set(name, Zeroizing::new(value.to_owned()));
            let error = message(&settings).unwrap_err();
            assert_eq!(error.reason(), "bad_setting", "{name} {value:?}");
            assert!(!error.to_string().contains("evil"), "{error}");
        }
        assert!(event(&settings(&[(EVENT_SETTING, "check-sync\r\nX: y")])).is_err());
    }

    #[test]
    fn headers_are_lines_and_the_event_is_the_phones() {
        let settings = settings(&[
            ("NOTIFY_AOR", "101@pbx.example"),
            (
                "NOTIFY_HEADERS",
                "Subscription-State: terminated\r\nSubject: resync\n",
            ),
            (EVENT_SETTING, "resync;reboot=false"),
        ]);
        let headers = message(&settings).unwrap().headers;
        assert_eq!(headers.len(), 2);
        assert_eq!(
            (headers[1].name.as_str(), headers[1].value.as_str()),
            ("Subject", "resync")
        );
        assert_eq!(event(&settings).unwrap(), "resync;reboot=false");
        assert_eq!(event(&self::settings(&[])).unwrap(), "check-sync");
        let phones = ("standard_Prov_CFG_RESYNC_FROM_SIP", "phones");
        assert_eq!(event(&self::settings(&[phones])).unwrap(), "phones");
        let both = self::settings(&[phones, (EVENT_SETTING, "ours")]);
        assert_eq!(event(&both).unwrap(), "ours");
    }

    #[test]
    fn addresses_are_taken_as_registrars_print_them() {
        let message = message(&settings(&[
            (
                "NOTIFY_AOR",
                "\"Front Desk\" <sip:201@192.0.2.5>;expires=60",
            ),
            ("NOTIFY_ROUTE", "<sip:proxy.example;lr>"),
        ]))
        .unwrap();
        assert_eq!(message.target.aor, "sip:201@192.0.2.5");
        assert_eq!(message.route.as_deref(), Some("sip:proxy.example;lr"));
        let asterisk = settings(&[("NOTIFY_AOR", "201/sip:201@192.0.2.5:5060")]);
        let error = super::message(&asterisk).unwrap_err().to_string();
        assert!(error.contains("what follows the slash"), "{error}");
    }

    #[test]
    fn what_cannot_be_sent_is_seen_when_it_is_saved() {
        for (name, value) in [
            ("NOTIFY_AOR", "201/sip:201@192.0.2.5"),
            ("NOTIFY_AOR_2", "sips:101@pbx.example"),
            ("NOTIFY_ROUTE_24", "sip:proxy.example;transport=tcp"),
            ("NOTIFY_ADDRESS", "198.51.100.7:x"),
            ("NOTIFY_ADDRESS", "101@198.51.100.7"),
            ("NOTIFY_LINE", "0"),
            ("NOTIFY_HEADERS", "Alert-Info: <http://pbx.example/a.wav>"),
            ("NOTIFY_BODY", &"x".repeat(1025)),
            (
                "CFG_RESYNC_FROM_SIP",
                "resync;profile=https://pbx.example/a",
            ),
            ("CFG_RESYNC_FROM_SIP", "check sync"),
            ("standard_Prov_CFG_RESYNC_FROM_SIP", "a,b"),
        ] {
            let error = check_setting(name, value, EVENTS).unwrap_err();
            assert_eq!(error.reason(), "bad_setting", "{name} {value}");
        }
        for (name, value) in [
            ("NOTIFY_AOR", ""),
            ("NOTIFY_AOR_2", "\"a\" <sip:201@192.0.2.5>"),
            ("NOTIFY_AOR_25", "not of any line"),
            ("NOTIFY_AORTA", "of somebody else"),
            ("NOTIFY_ADDRESS_3", "[2001:db8::7]:5060"),
            ("NOTIFY_PASSWORD", "sip:;\"<"),
            ("NOTIFY_HEADERS", "Subject: a\r\nAccept: b"),
            ("CFG_RESYNC_FROM_SIP", "check-sync; reboot=false"),
            (
                "standard_Prov_CFG_RESYNC_FROM_SIP",
                "resync;profile=\"https://pbx.example/a\"",
            ),
            ("CFG_ANYTHING", "a,b"),
        ] {
            assert_eq!(check_setting(name, value, EVENTS), Ok(()), "{name} {value}");
        }
    }

    fn reach(domains: &[&str], networks: &[&str]) -> Reach {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Reach {
            destinations: Some(Destinations {
                domains: list(domains),
                networks: list(networks),
            }),
            guarded: true,
            taken: false,
            has_domain_alone: false,
        }
    }

    #[test]
    fn beside_other_tenants_a_first_line_stands_in_where_its_domain_is_nobody_elses() {
        const LINE: [(&str, &str); 3] = [
            ("line_1_user", "201"),
            ("line_1_domain", "PBX.example"),
            ("line_1_password", "e3#rl2(&ae#1"),
        ];
        let of = |more: &[(&str, &str)], reach: &Reach| {
            let mut settings = settings(&[&LINE, more].concat());
            settings.set_reach(reach.clone());
            settings
        };
        let own = reach(&["pbx.example"], &["198.51.100.0/24"]);
        // Nobody has been asked whose the domain is.
        assert_eq!(message(&of(&[], &own)), Err(TargetError::None));
        assert_eq!(line_1_host(&of(&[], &own)).unwrap(), "pbx.example");
        let alone = Reach {
            has_domain_alone: true,
            ..own.clone()
        };
        let sent = message(&of(&[], &alone)).unwrap();
        assert_eq!(sent.target.aor, "sip:201@pbx.example");
        assert_eq!(sent.credentials.unwrap().username, "201");
        assert_eq!(sent.destinations, own.destinations);
        // Another line has what is set for it alone.
        let second = of(&[("NOTIFY_LINE", "2")], &alone);
        assert_eq!(message(&second), Err(TargetError::None));
        for (more, reach) in [
            // It is not the tenant's own, or there is no list, or nobody else is there.
            (vec![], reach(&["other.example"], &[])),
            (
                vec![],
                Reach {
                    destinations: None,
                    ..own.clone()
                },
            ),
            (
                vec![],
                Reach {
                    guarded: false,
                    ..own.clone()
                },
            ),
            // What is set counts, and an address is no domain.
            (vec![("NOTIFY_AOR", "sip:101@pbx.example")], own.clone()),
            (vec![("line_1_domain", "198.51.100.7")], own.clone()),
            (vec![("NOTIFY_LINE", "2")], own.clone()),
        ] {
            assert_eq!(line_1_host(&of(&more, &reach)), None, "{more:?}");
        }
    }

    #[test]
    fn a_first_line_without_a_domain_is_at_its_registrar() {
        let of = |more: &[(&str, &str)], reach: &Reach| {
            let line = [
                ("line_1_user", "201"),
                ("line_1_registrar", "Reg.example"),
                ("line_1_password", "x"),
            ];
            let mut settings = settings(&[&line, more].concat());
            settings.set_reach(reach.clone());
            settings
        };
        let nobody_else = Reach::default();
        let sent = message(&of(&[], &nobody_else)).unwrap();
        assert_eq!(sent.target.aor, "sip:201@reg.example");
        assert_eq!(sent.credentials.unwrap().username, "201");
        // A domain counts before it; one that is empty is none.
        for (domain, aor) in [
            ("pbx.example", "sip:201@pbx.example"),
            ("", "sip:201@reg.example"),
        ] {
            let sent = message(&of(&[("line_1_domain", domain)], &nobody_else)).unwrap();
            assert_eq!(sent.target.aor, aor);
        }
        // Beside other tenants it is asked whose the very host is that the NOTIFY would go to.
        let own = reach(&["reg.example"], &[]);
        assert_eq!(line_1_host(&of(&[], &own)).unwrap(), "reg.example");
        assert_eq!(message(&of(&[], &own)), Err(TargetError::None));
        let beyond = [("line_1_domain", "pbx.example")];
        assert_eq!(line_1_host(&of(&beyond, &own)), None);
        let alone = Reach {
            has_domain_alone: true,
            ..own
        };
        let sent = message(&of(&[], &alone)).unwrap();
        assert_eq!(sent.target.aor, "sip:201@reg.example");
    }

    #[test]
    fn a_first_line_beyond_the_destinations_leaves_an_address_that_is_set_in_its_place() {
        // Alone in its pool, with a list of destinations.
        let own = Reach {
            guarded: false,
            ..reach(&[], &["198.51.100.0/24"])
        };
        let user = ("line_1_user", "201");
        let password = ("line_1_password", "x");
        let address = ("NOTIFY_ADDRESS", "198.51.100.7:5060");
        for name in ["line_1_domain", "line_1_registrar"] {
            let of = |more: &[(&str, &str)]| {
                let line = [user, password, (name, "sip.example")];
                let mut settings = settings(&[&line, more].concat());
                settings.set_reach(own.clone());
                message(&settings)
            };
            let built = of(&[address]).unwrap();
            assert_eq!(built.target.aor, "sip:198.51.100.7:5060");
            assert_eq!(built.credentials.unwrap().username, "201");
            // Without one, the setting is named that leads there.
            assert_eq!(of(&[]), Err(TargetError::Beyond { name }));
            let aor = ("NOTIFY_AOR", "sip:201@sip.example");
            let beyond = TargetError::Beyond { name: "NOTIFY_AOR" };
            assert_eq!(of(&[aor, address]), Err(beyond));
        }
    }

    #[test]
    fn a_tenant_addresses_its_own_destinations_alone() {
        let built = |pairs: &[(&str, &str)], reach: &Reach| {
            let mut settings = settings(pairs);
            settings.set_reach(reach.clone());
            message(&settings)
        };
        let own = reach(&["pbx.example"], &["198.51.100.0/24"]);
        let aor = ("NOTIFY_AOR", "sip:101@pbx.example");
        let message = built(&[aor, ("NOTIFY_ADDRESS", "198.51.100.7:5060")], &own).unwrap();
        assert_eq!(message.destinations, own.destinations);
        for (pairs, name) in [
            (vec![("NOTIFY_AOR", "sip:101@other.example")], "NOTIFY_AOR"),
            (vec![("NOTIFY_AOR", "<sip:101@192.0.2.1>")], "NOTIFY_AOR"),
            (vec![("NOTIFY_ADDRESS", "192.0.2.1:5060")], "NOTIFY_ADDRESS"),
            (
                vec![aor, ("NOTIFY_ADDRESS", "192.0.2.1:5060")],
                "NOTIFY_ADDRESS",
            ),
            (
                vec![aor, ("NOTIFY_ROUTE", "sip:other.example;lr")],
                "NOTIFY_ROUTE",
            ),
        ] {
            let error = built(&pairs, &own).unwrap_err();
            assert_eq!(error, TargetError::Beyond { name }, "{pairs:?}");
            assert_eq!(error.reason(), "tenant_destination_not_allowed");
        }
        assert_eq!(
            check_reach("NOTIFY_ROUTE_2", "sip:192.0.2.1", &own),
            Err(TargetError::Beyond {
                name: "NOTIFY_ROUTE"
            })
        );
        assert_eq!(check_reach("NOTIFY_AOR_2", "101@pbx.example", &own), Ok(()));
        assert_eq!(check_reach("NOTIFY_BODY", "192.0.2.1", &own), Ok(()));
        // Without a list: alone in a pool anybody, beside others nobody.
        assert!(built(&[aor], &Reach::default()).is_ok());
        let guarded = Reach {
            guarded: true,
            ..Reach::default()
        };
        assert_eq!(built(&[aor], &guarded), Err(TargetError::NoDestinations));
        let taken = Reach { taken: true, ..own };
        assert_eq!(built(&[aor], &taken), Err(TargetError::Taken));
    }

    #[test]
    fn an_address_of_record_is_the_same_however_it_is_written() {
        for text in [
            "sip:201@pbx.example",
            "201@PBX.example.",
            "\"Front Desk\" <sip:201@pbx.example:5062;ob>;expires=60",
            "sip:%32%301@pbx.example;user=phone",
        ] {
            assert_eq!(
                aor_in("NOTIFY_AOR_3", text).as_deref(),
                Some("201@pbx.example"),
                "{text}"
            );
        }
        assert_eq!(aor_in("NOTIFY_ROUTE", "sip:201@pbx.example"), None);
        assert_eq!(aor_in("NOTIFY_AOR", "sip:pbx.example"), None);
    }

    #[test]
    fn the_network_is_the_offices() {
        let aor = settings(&[("NOTIFY_AOR", "101@pbx.example")]);
        assert_eq!(destination(&aor, Some("198.51.100.7")), "198.51.100.7");
        assert_eq!(destination(&aor, None), "pbx.example");
        let address = settings(&[("NOTIFY_ADDRESS", "192.0.2.1:5060")]);
        assert_eq!(
            destination(&address, Some("198.51.100.7")),
            "192.0.2.1:5060"
        );
    }
}
