//! How Htek's phones behave: from the vendor's public guide and from public templates (WAZO, FusionPBX, FS PBX).

use crate::vendor::conduct::AfterMissing::GoesOn;
use crate::vendor::conduct::{
    Challenge, Challenges, Conduct, KnownModel, Macro, Role, asked, found, inferred, model,
};

pub(super) const UC: Conduct = Conduct {
    asks: &[
        asked("factory000x.bin", Role::Everybody, Some(GoesOn))
            .remark("For the factory alone: the vendor warns of it."),
        asked("cfg{code}.xml", Role::Model, Some(GoesOn))
            .remark("One edition of the guide says that the phone stops where it is there."),
        asked("{mac}.cfg", Role::Device, Some(GoesOn)).remark("From the redirection service."),
        asked("cfg{mac}", Role::Device, Some(GoesOn))
            .remark("A binary form, against which the vendor advises."),
        asked("cfg{mac}.xml", Role::Device, Some(GoesOn)),
    ],
    missing: &[
        found("A 404 does no harm."),
        found("The first request may take five minutes."),
        found(
            "A prefix or a postfix of file names that is set at the phone (P232, P233) makes it ask for names that are not there: clear both.",
        ),
    ],
    macros: Some(&[Macro::inferred(
        "$mac",
        "the MAC, in the redirection service's notation",
    )]),
    fetch: Some(found("It fetches.")),
    restart: Some(found("It restarts the phone.")),
    challenge: Some(Challenge {
        when: Challenges::IfSet,
        credentials: None,
        remarks: &[inferred("P20983 set to 1 makes the phone challenge.")],
    }),
    http_authentication: &[found(
        "P1360 and P1361 hold name and password. Which method it knows was not found.",
    )],
    tls: &[
        found(
            "P23377 lets it take certificates of known authorities alone, P23376 checks the name, P24015 chooses the version.",
        ),
        inferred("Older phones speak TLS 1.0."),
        found("Which authorities it knows was not found."),
    ],
    models: MODELS,
    ..Conduct::NOT_FOUND
};

/// The same of the U series: what is called by a number there has its label here.
pub(super) const U: Conduct = Conduct {
    missing: &[
        found("A 404 does no harm."),
        found("The first request may take five minutes."),
        found(
            "A prefix or a postfix of file names that is set at the phone (`FirmwareUpGrade_FilePrefix`, `FirmwareUpGrade_FilePostfix`) makes it ask for names that are not there: clear both.",
        ),
    ],
    challenge: Some(Challenge {
        when: Challenges::IfSet,
        credentials: None,
        remarks: &[inferred(
            "`Preference_CheckSyncWithAuth` set to 1 makes the phone challenge.",
        )],
    }),
    http_authentication: &[found(
        "`FirmwareUpGrade_UserName` and `FirmwareUpGrade_Password` hold name and password. Which method it knows was not found.",
    )],
    tls: &[
        found(
            "`TLSOnlyAcceptTrustCA` lets it take certificates of known authorities alone, `TLSCommenNameValidation` checks the name, `TLSChooseTLSVersion` chooses the version.",
        ),
        found("Which authorities it knows was not found."),
    ],
    ..UC
};

/// The codes are WAZO's; those of the U series were not found, nor the lines.
const MODELS: &[KnownModel] = &[
    model("UC862", "0000", 0),
    model("UC842", "0001", 0),
    model("UC860", "0002", 0),
    model("UC840", "0003", 0),
    model("UC806", "0004", 0),
    model("UC806T", "0041", 0),
    model("UC806G", "0042", 0),
    model("UC804", "0005", 0),
    model("UC804T", "0051", 0),
    model("UC804G", "0052", 0),
    model("UC803", "0006", 0),
    model("UC803T", "0006", 0),
    model("UC802", "0007", 0),
    model("UC802T", "0007", 0),
    model("UC926", "0010", 0),
    model("UC926E", "0110", 0),
    model("UC924", "0012", 0),
    model("UC924E", "0112", 0),
    model("UC923", "0013", 0),
    model("UC903", "0016", 0),
    model("UC902", "0017", 0),
    model("UC912", "0019", 0),
    model("UC912G", "0019", 0),
    model("UC912E", "0019", 0),
];
