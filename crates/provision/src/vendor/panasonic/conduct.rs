//! How Panasonic's phones behave: from the vendor's guides and from public code that runs.

use crate::vendor::conduct::AfterMissing::Keeps;
use crate::vendor::conduct::{
    Asked, BetweenFiles, Challenge, Challenges, Conduct, Macro, Role, asked, found, inferred,
};

/// KX-UT and KX-TGP5xx.
pub(super) const TEXT: Conduct = Conduct {
    asks: &[
        INITIAL,
        INITIAL_OF_MAC,
        STANDARD,
        SEALED,
        PRODUCT,
        SEALED_PRODUCT,
        MASTER,
        SEALED_MASTER,
    ],
    missing: &[
        inferred(
            "After a 404 a phone keeps what it has, and asks again after `CFG_RTRY_INTVL` (30 minutes).",
        ),
        found("A file of a wrong format changes nothing either."),
    ],
    between_files: Some(BetweenFiles::NearestToDevice),
    macros: Some(&[
        Macro::found("{MAC}", "the MAC in capitals"),
        Macro::found("{mac}", "the MAC in small letters"),
        Macro::found("{MODEL}", "the model, as `KX-HDV130N`"),
        Macro::found("{fwver}", "the firmware, as `01.000`"),
    ]),
    with_key: Some(found(
        "Keys come to the phone before; the first of three is in it from the factory. The extension of the name chooses among them.",
    )),
    fetch: Some(found(
        "It fetches, if the event is the text of `CFG_RESYNC_FROM_SIP`, which is `check-sync` in the factory.",
    )),
    challenge: Some(Challenge {
        when: Challenges::NotSeen,
        credentials: Some(inferred("The line's own answer one, if there is any.")),
        remarks: &[found(
            "`SIP_DETECT_SSAF_1` set to `Y` drops what is not from registrar or proxy.",
        )],
    }),
    http_authentication: &[found(
        "Name and password stand in the URL or in parameters, whose names differ by model. Which method it knows was not found.",
    )],
    ..Conduct::NOT_FOUND
};

/// KX-UDS124.
pub(super) const WITH_SYSTEM: Conduct = Conduct {
    asks: &[
        INITIAL,
        INITIAL_OF_MAC,
        STANDARD,
        SEALED,
        PRODUCT,
        SEALED_PRODUCT,
        MASTER,
        SEALED_MASTER,
        asked("System.cfg", Role::Everybody, Some(Keeps)),
    ],
    ..TEXT
};

/// KX-HDV, KX-TGP600 and KX-TGP700.
pub(super) const HDV: Conduct = Conduct {
    with_key: Some(found(
        "The extension of the name chooses among the keys. How they come to the phone was not found.",
    )),
    ..TEXT
};

/// KX-UTG.
pub(super) const UTG: Conduct = Conduct {
    with_key: Some(inferred(
        "The name: a phone with a key asks for the sealed one, or goes on asking for the plain one.",
    )),
    http_authentication: &[found(
        "Name and password stand in the URL, or in `HTTP_AUTH_ID` and `HTTP_AUTH_PASSWORD`. Which method it knows was not found.",
    )],
    ..TEXT
};

/// What a sealed name ends in is the profile's.
const EXTENSION: &str = "As the initial file says; the extension is the profile's, as `.e1c` with the first key of a KX-UT.";
const INITIAL: Asked =
    asked("{MODEL}.cfg", Role::Initial, Some(Keeps)).remark("If the URL ends in `/`.");
const INITIAL_OF_MAC: Asked =
    asked("Initial{MAC}.cfg", Role::Initial, Some(Keeps)).remark("As its URL says.");
const STANDARD: Asked =
    asked("Config{MAC}.cfg", Role::Device, Some(Keeps)).remark("As the initial file says.");
const SEALED: Asked = asked("Config{MAC}.enc", Role::Device, Some(Keeps)).remark(EXTENSION);
const PRODUCT: Asked =
    asked("Config{MODEL}.cfg", Role::Model, Some(Keeps)).remark("As the initial file says.");
const SEALED_PRODUCT: Asked = asked("Product{MAC}.enc", Role::Model, Some(Keeps)).remark(EXTENSION);
const MASTER: Asked =
    asked("ConfigCom.cfg", Role::Everybody, Some(Keeps)).remark("As the initial file says.");
const SEALED_MASTER: Asked =
    asked("Master{MAC}.enc", Role::Everybody, Some(Keeps)).remark(EXTENSION);
