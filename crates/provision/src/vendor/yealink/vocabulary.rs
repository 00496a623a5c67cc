//! How Yealink's phones say the settings of the vocabulary.
//!
//! An account takes its server from `sip_server.1`; a domain beside the registrar has no parameter of its own that is
//! known here. What a phone does not know it passes over: so phones before v81 are told the server, the transport
//! and the outbound proxy in all the spellings of public templates, each time the same.

use crate::vocabulary::{Encoding, Reading, Rule, Written, each, host_alone, one, port_alone};
use crate::zone::{Change, Saving};

/// As many accounts as the largest models have.
const MAX_LINES: u16 = 16;

/// What the generations have in common: they differ in what the names of the device's own parameters begin with.
macro_rules! rules {
    ($device:literal, [$($own:expr),* $(,)?]) => {
        &[
            each("line_{n}_enabled", "account.{n}.enable", MAX_LINES, Encoding::Flag("1", "0")),
            each("line_{n}_user", "account.{n}.enable", MAX_LINES, Encoding::Fixed("1")),
            each("line_{n}_label", "account.{n}.label", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.label", MAX_LINES, TEXT),
            each("line_{n}_display_name", "account.{n}.display_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.display_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.user_name", MAX_LINES, TEXT),
            each("line_{n}_auth_user", "account.{n}.auth_name", MAX_LINES, TEXT),
            each("line_{n}_user", "account.{n}.auth_name", MAX_LINES, TEXT),
            each("line_{n}_password", "account.{n}.password", MAX_LINES, TEXT),
            each("line_{n}_registrar", "account.{n}.sip_server.1.address", MAX_LINES, Encoding::AsIs),
            each("line_{n}_domain", "account.{n}.sip_server.1.address", MAX_LINES, Encoding::AsIs),
            each("line_{n}_port", "account.{n}.sip_server.1.port", MAX_LINES, Encoding::AsIs),
            each("line_{n}_transport", "account.{n}.sip_server.1.transport_type", MAX_LINES, TRANSPORT),
            // A phone keeps what a file says no more: over UDP and without a proxy, unless something else is said.
            each("line_{n}_user", "account.{n}.sip_server.1.transport_type", MAX_LINES, Encoding::Fixed("0")),
            each("line_{n}_outbound_proxy", "account.{n}.outbound_proxy_enable", MAX_LINES, Encoding::Fixed("1")),
            each("line_{n}_user", "account.{n}.outbound_proxy_enable", MAX_LINES, Encoding::Fixed("0")),
            each(
                "line_{n}_outbound_proxy",
                "account.{n}.outbound_proxy.1.address",
                MAX_LINES,
                Encoding::With(host_alone),
            ),
            each(
                "line_{n}_outbound_proxy",
                "account.{n}.outbound_proxy.1.port",
                MAX_LINES,
                Encoding::With(port_alone),
            ),
            $($own,)*
            one("time_zone", "local_time.time_zone", Encoding::With(|it| Ok(Some(it.zone()?.hours_east())))),
            one("time_zone", "local_time.summer_time", Encoding::SummerTime("1", "0")),
            one("time_zone", "local_time.dst_time_type", Encoding::With(|it| {
                Ok(it.zone()?.saving.map(|_| "1".to_owned()))
            })),
            one("time_zone", "local_time.start_time", Encoding::With(|it| change(it, |it| it.start))),
            one("time_zone", "local_time.end_time", Encoding::With(|it| change(it, |it| it.end))),
            one("time_zone", "local_time.offset_time", Encoding::With(|it| {
                Ok(it.zone()?.saving.map(|it| it.minutes().to_string()))
            })),
            // One parameter for each user: the template writes the name behind the last dot before the password.
            one("admin_password", concat!($device, "security.user_password.admin"), PASSWORD),
            one("user_password", concat!($device, "security.user_password.user"), PASSWORD),
            one(
                "provisioning_interval",
                concat!($device, "auto_provision.repeat.enable"),
                Encoding::Fixed("1"),
            ),
            one(
                "provisioning_interval",
                concat!($device, "auto_provision.repeat.minutes"),
                Encoding::AsIs,
            ),
        ]
    };
}
/// Of v81 and later.
pub(super) const STATIC: &[Rule] = rules!("static.", []);

/// Of v70 to v80.
pub(super) const OLD: &[Rule] = rules!(
    "",
    [
        each(
            "line_{n}_registrar",
            "account.{n}.sip_server_host",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_domain",
            "account.{n}.sip_server_host",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_port",
            "account.{n}.sip_server_port",
            MAX_LINES,
            Encoding::AsIs
        ),
        each(
            "line_{n}_transport",
            "account.{n}.transport",
            MAX_LINES,
            TRANSPORT
        ),
        each(
            "line_{n}_user",
            "account.{n}.transport",
            MAX_LINES,
            Encoding::Fixed("0")
        ),
        each(
            "line_{n}_outbound_proxy",
            "account.{n}.outbound_host",
            MAX_LINES,
            Encoding::With(host_alone)
        ),
        each(
            "line_{n}_outbound_proxy",
            "account.{n}.outbound_port",
            MAX_LINES,
            Encoding::With(port_alone)
        ),
    ]
);

const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

const TEXT: Encoding = Encoding::With(text);

/// Of the phone's own pages.
const PASSWORD: Encoding = Encoding::Chars {
    allowed: |it| it.is_ascii_graphic() && it != ':',
    min: 1,
    max: 32,
    says: "printable ASCII characters without blanks and colons",
};

/// This word in the place of a value makes a phone forget what it has.
const FORGET: &str = "%NULL%";

fn text(reading: &Reading<'_>) -> Written {
    let value = reading.value();
    match value.eq_ignore_ascii_case(FORGET) {
        true => Err(format!(
            "{FORGET} makes these phones forget the parameter: choose another value"
        )),
        false => Ok(Some(value.to_owned())),
    }
}

/// When summer time begins or ends, as month, week, weekday and hour; without it nothing is written. That week 5 is the
/// last one, and that the offset is in minutes, is inferred.
fn change(reading: &Reading<'_>, which: fn(Saving) -> Change) -> Written {
    let saving = reading.zone()?.saving;
    saving
        .map(|saving| which(saving).slashed().map_err(|error| error.to_string()))
        .transpose()
}
