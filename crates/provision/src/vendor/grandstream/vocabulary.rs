//! How phones that read `P` values say the settings of the vocabulary. The numbers of a line follow no formula, and
//! of line 5 and those behind it they differ by model. Of the transport only the first line's number is known.

use crate::vocabulary::{Encoding, Rule, host_and_port, one, table};

pub(super) const P_VALUES: &[Rule] = &[
    table("line_{n}_enabled", ACTIVE, Encoding::Flag("1", "0")),
    table("line_{n}_user", ACTIVE, Encoding::Fixed("1")),
    table("line_{n}_registrar", SERVER, Encoding::With(host_and_port)),
    table("line_{n}_domain", SERVER, Encoding::With(host_and_port)),
    table(
        "line_{n}_outbound_proxy",
        &["P48", "P403", "P503", "P603"],
        Encoding::AsIs,
    ),
    table(
        "line_{n}_user",
        &["P35", "P404", "P504", "P604"],
        Encoding::AsIs,
    ),
    table("line_{n}_auth_user", AUTH, Encoding::AsIs),
    table("line_{n}_user", AUTH, Encoding::AsIs),
    table(
        "line_{n}_password",
        &["P34", "P406", "P506", "P606"],
        Encoding::AsIs,
    ),
    table("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    table("line_{n}_user", DISPLAY, Encoding::AsIs),
    table("line_{n}_label", LABEL, Encoding::AsIs),
    table("line_{n}_user", LABEL, Encoding::AsIs),
    one("line_{n}_transport", "P130", TRANSPORT),
    // Over UDP, unless something else is said.
    one("line_{n}_user", "P130", Encoding::Fixed("0")),
    // Without it a phone passes over a NOTIFY (FusionPBX's and WAZO's templates: "Allow SIP Reset"). Of account 1 the
    // template says it.
    table("line_{n}_user", RESET, Encoding::Fixed("1")),
    // A port alone has no parameter: it stands behind the host.
    table("line_{n}_port", SERVER, Encoding::Joined),
    one(
        "time_zone",
        "P64",
        Encoding::With(|it| Ok(Some(it.zone()?.posix.to_owned()))),
    ),
    one("admin_password", "P2", PASSWORD),
    one("provisioning_interval", "P194", Encoding::Fixed("1")),
    one(
        "provisioning_interval",
        "P193",
        Encoding::Within(60, 40_320),
    ),
];

const ACTIVE: &[&str] = &["P271", "P401", "P501", "P601"];
const SERVER: &[&str] = &["P47", "P402", "P502", "P602"];
const AUTH: &[&str] = &["P36", "P405", "P505", "P605"];
const DISPLAY: &[&str] = &["P3", "P407", "P507", "P607"];
const LABEL: &[&str] = &["P270", "P417", "P517", "P617"];
const RESET: &[&str] = &["", "P26115", "P26215", "P26315"];
const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

/// The adapters take 4 to 30 printable ASCII characters; of phones nothing narrower is known.
pub(super) const PASSWORD: Encoding = Encoding::Chars {
    allowed: |it| it.is_ascii_graphic(),
    min: 4,
    max: 30,
    says: "printable ASCII characters without blanks",
};
