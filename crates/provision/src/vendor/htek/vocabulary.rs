//! How the UC phones say the settings of the vocabulary. Server, proxy and transport belong to the first profile, to
//! which all lines point: they are line 1's. The numbers of lines follow no formula.

use crate::vocabulary::{Encoding, Rule, each, host_and_port, one, table};

pub(super) const UC: &[Rule] = &[
    one("line_{n}_registrar", "P47", Encoding::With(host_and_port)),
    one("line_{n}_domain", "P47", Encoding::With(host_and_port)),
    // All lines register where line 1 does.
    each("line_{n}_registrar", "P47", 6, Encoding::AsLine1),
    each("line_{n}_domain", "P47", 6, Encoding::AsLine1),
    each("line_{n}_port", "P47", 6, Encoding::AsLine1),
    each("line_{n}_transport", "P130", 6, Encoding::AsLine1),
    each("line_{n}_outbound_proxy", "P48", 6, Encoding::AsLine1),
    one("line_{n}_transport", "P130", TRANSPORT),
    one("line_{n}_domain", "P130", Encoding::Fixed("0")),
    one("line_{n}_outbound_proxy", "P48", Encoding::AsIs),
    table("line_{n}_enabled", ACTIVE, Encoding::Flag("1", "0")),
    table("line_{n}_user", ACTIVE, Encoding::Fixed("1")),
    table("line_{n}_user", PROFILE, Encoding::Fixed("0")),
    table("line_{n}_label", &["P20000", "P20001"], Encoding::AsIs),
    table(
        "line_{n}_user",
        &["P35", "P735", "P504", "P604", "P1704", "P1804"],
        Encoding::AsIs,
    ),
    table("line_{n}_auth_user", AUTH, Encoding::AsIs),
    table("line_{n}_user", AUTH, Encoding::AsIs),
    table(
        "line_{n}_password",
        &["P34", "P734", "P506", "P606", "P1706", "P1806"],
        Encoding::AsIs,
    ),
    table("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    table("line_{n}_user", DISPLAY, Encoding::AsIs),
    one("line_{n}_expires", "P32", Encoding::Units(1, 60)),
    one("admin_password", "P2", Encoding::AsIs),
    one("user_password", "P196", Encoding::AsIs),
    one("firmware_url", "P192", Encoding::AsIs),
    one("provisioning_interval", "P194", Encoding::Fixed("1")),
    one("provisioning_interval", "P193", Encoding::AsIs),
];

const ACTIVE: &[&str] = &["P271", "P401", "P501", "P601", "P20360", "P20361"];
const PROFILE: &[&str] = &["P24082", "P24083", "P24084", "P24085", "P24086", "P24087"];
const AUTH: &[&str] = &["P36", "P736", "P505", "P605", "P1705", "P1805"];
const DISPLAY: &[&str] = &["P3", "P703", "P507", "P607", "P1707", "P1807"];
const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);
