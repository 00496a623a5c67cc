//! How Fanvil's phones behave: from public templates (WAZO, Tancredi, FusionPBX) and from guides of single models.

use crate::vendor::conduct::AfterMissing::GoesOn;
use crate::vendor::conduct::{
    Challenge, Challenges, Conduct, KnownModel, Macro, Role, asked, found, inferred, model,
};

pub(super) const ALL: Conduct = Conduct {
    asks: &[
        asked("{code}.cfg", Role::Model, Some(GoesOn))
            .remark("`DownloadCommonConf` set to 0 stops the question."),
        asked("{mac}.cfg", Role::Device, Some(GoesOn))
            .remark("The name is a setting of the phone."),
        asked("fanvil_{model}_hwv1_0.txt", Role::Model, Some(GoesOn))
            .remark("Under the address of firmware; the end differs."),
    ],
    missing: &[
        found("A 404 does no harm."),
        inferred("The phone asks for the file of its model before its own."),
    ],
    macros: Some(&[Macro::found(
        "$mac",
        "the MAC in small letters, in the name of the file",
    )]),
    fetch: Some(found(
        "It fetches. That `NotifyReboot` changes this is inferred.",
    )),
    restart: Some(found("It restarts the phone.")),
    challenge: Some(Challenge {
        when: Challenges::NotSeen,
        credentials: None,
        remarks: &[],
    }),
    http_authentication: &[
        found(
            "The file has parameters for name and password. Which method it knows was not found.",
        ),
        found("A 401 that names no method makes it ask without end."),
    ],
    tls: &[
        inferred("It checks no server's certificate by default: `PermissionCTF` is 0."),
        found("Which authorities it knows was not found."),
    ],
    models: MODELS,
    ..Conduct::NOT_FOUND
};

/// The codes are WAZO's, and seen nowhere else; lines are from a public table.
const MODELS: &[KnownModel] = &[
    model("C58", "f0C00580000", 0),
    model("C62", "f0C00620000", 0),
    model("X1S", "", 2),
    model("X2", "f0X2hw1.100", 0),
    model("X3", "F0V00X300000", 0),
    model("X3S", "f0X3shw1.100", 0),
    model("X3SG", "f0X3sghw1.100", 0),
    model("X3U", "", 6),
    model("X4", "f0X4hw1.100", 0),
    model("X4U", "", 12),
    model("X5", "f0X5hw1.100", 0),
    model("X5S", "F0V00X5S0000", 0),
    model("X5U", "", 16),
    model("X5U-V2", "F0V5UV200000", 0),
    model("X6", "F0V00X600000", 0),
    model("X6V2", "F0000X600000", 0),
    model("X6U", "", 20),
    model("X7", "", 20),
    model("X7C", "", 20),
    model("X210", "F0V00X200000", 20),
    model("H2U-V2", "F0V2UV200000", 2),
    model("V61G", "F0VV61G00000", 0),
    model("V61W", "F0VV61W00000", 0),
    model("V62", "F0VV6200000", 0),
    model("V62G", "F0VV62G00000", 0),
    model("V62W", "F0VV62W00000", 0),
    model("V62 Pro", "F0V0V6210000", 0),
    model("V63", "F0V0V6300000", 0),
    model("V64", "F0V0V6400000", 0),
    model("V65", "F0V0V6500000", 0),
    model("V66", "F0V0V6600000", 0),
    model("V66 Pro", "F0V0V6610000", 0),
    model("V67", "F0V0V6700000", 0),
    model("W610W", "F0V610W00000", 0),
    model("W611W", "F0V611W00000", 0),
    model("W620W", "F0V620W00000", 0),
    model("i10S", "F0V10S00000", 2),
    model("i10SV", "F0V10SV00000", 2),
    model("i10SD", "F0V10SD00000", 2),
    model("i16S", "F0V16S00000", 2),
    model("i16SV", "F0V16SV00000", 2),
    model("i51W", "F0Vi51W00000", 2),
    model("i61", "F0V0i6100000", 2),
];
