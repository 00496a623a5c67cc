//! How the adapters say the settings of the vocabulary: a line is a port for an analogue telephone.
//!
//! An HT801 or HT802 has server, proxy and transport for each port. The ports of an HT812, HT814 or HT818 point to one of two
//! profiles; the first one is written, so all ports have the server of line 1. A model that is none of these is
//! taken for an HT802.
//!
//! Numbers and their meaning are those of FusionPBX's templates, which carry the vendor's own remarks; those of an HT802
//! are WAZO's and those of the NixOS module too. What two of these contradict each other about is left out: when the
//! adapter asks for its files (P194), the firmware, the dial plan and the language.

use crate::vocabulary::{
    Chars, Encoding, Rule, Run, Runs, codecs, host_and_port, host_without_port, one, runs,
};

/// Adapters whose ports point to a profile.
const WITH_PROFILES: &[&str] = &["HT81"];
/// Adapters whose second port, if there is one, is not an HT802's.
const WITHOUT_SECOND: &[&str] = &["HT801", "HT81"];

/// A parameter of ports: of the first and of the second, where each has its own, and of the first among those that count on.
macro_rules! port {
    ($first:literal, $second:literal, $counted:literal) => {
        &Runs(
            "P",
            &[
                Run::new(1, 1, $first, 0).except(WITH_PROFILES),
                Run::new(2, 2, $second, 0).except(WITHOUT_SECOND),
                Run::new(1, 2, $counted, 1).only(&["HT812"]),
                Run::new(1, 4, $counted, 1).only(&["HT814"]),
                Run::new(1, 8, $counted, 1).only(&["HT818"]),
            ],
        )
    };
}

/// A parameter of line 1, also where a profile has it for all ports, and of the second port.
macro_rules! server {
    ($first:literal, $second:literal) => {
        &Runs(
            "P",
            &[
                Run::new(1, 1, $first, 0),
                Run::new(2, 2, $second, 0).except(WITHOUT_SECOND),
            ],
        )
    };
}

/// A parameter that stands once for all ports that point to the profile.
macro_rules! profile {
    ($number:literal) => {
        &Runs(
            "P",
            &[
                Run::new(1, 2, $number, 0).only(&["HT812"]),
                Run::new(1, 4, $number, 0).only(&["HT814"]),
                Run::new(1, 8, $number, 0).only(&["HT818"]),
            ],
        )
    };
}

/// The codec of a rank, of each port or of the profile. Behind those that are wanted stays what the adapter has.
macro_rules! codec {
    ($rank:literal, $first:literal, $second:literal) => {
        runs(
            "codecs",
            &Runs(
                "P",
                &[
                    Run::new(1, 1, $first, 0),
                    Run::new(2, 2, $second, 0).except(WITHOUT_SECOND),
                    Run::new(2, 8, $first, 0).only(WITH_PROFILES),
                ],
            ),
            Encoding::With(|it| codecs::at(it, $rank, 7, CODECS)),
        )
        .of_lines()
    };
}

pub(super) const ADAPTERS: &[Rule] = &[
    runs("line_{n}_enabled", ACTIVE, Encoding::Flag("1", "0")),
    runs("line_{n}_user", ACTIVE, Encoding::Fixed("1")),
    // The profile is in use, and each port points to it.
    runs("line_{n}_user", profile!(271), Encoding::Fixed("1")),
    runs(
        "line_{n}_user",
        &Runs(
            "P",
            &[
                Run::new(1, 2, 4_150, 1).only(&["HT812"]),
                Run::new(1, 4, 4_150, 1).only(&["HT814"]),
                Run::new(1, 8, 4_150, 1).only(&["HT818"]),
            ],
        ),
        Encoding::Fixed("0"),
    ),
    runs("line_{n}_registrar", SERVER, Encoding::With(host_and_port)),
    runs("line_{n}_domain", SERVER, Encoding::With(host_and_port)),
    // A port alone has no parameter: it stands behind the host.
    runs("line_{n}_port", SERVER, Encoding::Joined),
    runs("line_{n}_outbound_proxy", server!(48, 748), Encoding::AsIs),
    runs("line_{n}_transport", TRANSPORT, TRANSPORTS),
    // Over UDP, unless something else is said.
    runs("line_{n}_user", TRANSPORT, Encoding::Fixed("0")),
    // In minutes.
    runs("line_{n}_expires", server!(32, 732), Encoding::Units(1, 60)),
    // What is preferred; behind it stay the other ways.
    runs("line_{n}_dtmf", server!(850, 860), DTMF),
    runs("line_{n}_srtp", server!(183, 443), SRTP),
    // All ports of a profile register where line 1 does.
    runs("line_{n}_registrar", profile!(47), Encoding::AsLine1),
    runs("line_{n}_domain", profile!(47), Encoding::AsLine1),
    runs("line_{n}_port", profile!(47), Encoding::AsLine1),
    runs("line_{n}_outbound_proxy", profile!(48), Encoding::AsLine1),
    runs("line_{n}_transport", profile!(130), Encoding::AsLine1),
    runs("line_{n}_expires", profile!(32), Encoding::AsLine1),
    runs("line_{n}_dtmf", profile!(850), Encoding::AsLine1),
    runs("line_{n}_srtp", profile!(183), Encoding::AsLine1),
    runs("line_{n}_user", port!(35, 735, 4_060), Encoding::AsIs),
    runs("line_{n}_auth_user", AUTH, Encoding::AsIs),
    runs("line_{n}_user", AUTH, Encoding::AsIs),
    runs("line_{n}_password", port!(34, 734, 4_120), Encoding::AsIs),
    runs("line_{n}_display_name", DISPLAY, Encoding::AsIs),
    runs("line_{n}_user", DISPLAY, Encoding::AsIs),
    codec!(0, 57, 757),
    codec!(1, 58, 758),
    codec!(2, 59, 759),
    codec!(3, 60, 760),
    codec!(4, 61, 761),
    codec!(5, 62, 762),
    codec!(6, 46, 814),
    one(
        "time_zone",
        "P64",
        Encoding::With(|it| Ok(Some(it.zone()?.posix.to_owned()))),
    ),
    one("admin_password", "P2", PASSWORD),
    one("user_password", "P196", PASSWORD),
    one("ntp", "P30", Encoding::AsIs),
    one("syslog", "P207", Encoding::With(host_without_port)),
    // The factory's level is none: this one is INFO.
    one("syslog", "P208", Encoding::Fixed("2")),
    one("vlan", "P51", Encoding::AsIs),
];

/// By the vendor's key map, as the configuration module of NixOS cites it.
const PASSWORD: Encoding = Encoding::Chars(&Chars {
    allowed: |it| it.is_ascii_graphic(),
    min: 4,
    max: 30,
    says: "printable ASCII characters without blanks",
});

const ACTIVE: &Runs = port!(271, 401, 4_595);
const AUTH: &Runs = port!(36, 736, 4_090);
const DISPLAY: &Runs = port!(3, 703, 4_180);
const SERVER: &Runs = server!(47, 747);
const TRANSPORT: &Runs = server!(130, 830);
const TRANSPORTS: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);
const SRTP: Encoding = Encoding::Choice(&[("off", "0"), ("optional", "1"), ("required", "2")]);
const DTMF: Encoding = Encoding::Choice(&[("inband", "100"), ("rfc2833", "101"), ("info", "102")]);

const CODECS: codecs::Words = &[
    ("pcmu", "0"),
    ("g726-32", "2"),
    ("g723", "4"),
    ("pcma", "8"),
    ("g729", "18"),
    ("ilbc", "97"),
    ("opus", "123"),
];
