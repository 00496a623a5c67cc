//! How Yealink's phones behave: from pages of the vendor's administration guides, from logs of requests, and from public
//! templates (WAZO, FusionPBX), which agree on the codes of models.

use crate::vendor::conduct::AfterMissing::{AsksNext, GoesOn, Keeps};
use crate::vendor::conduct::{
    BetweenFiles, Challenge, Challenges, Conduct, Fact, KnownModel, Macro, Role, asked, found,
    inferred, model,
};

/// Of firmware from v81 on.
pub(super) const STATIC: Conduct = Conduct {
    with_key: Some(found(
        "`static.auto_provision.aes_key_in_file` is 0. `static.auto_provision.update_file_mode` stays 0: with 1 a phone takes no plain file any more.",
    )),
    challenge: challenge(&[
        found("`sip.trust_ctrl` 1 takes the event from registrar and outbound proxy alone."),
        inferred("`sip.request_validation.event` makes it challenge."),
    ]),
    ..BOTH
};

/// Of firmware from v70 to v80.
pub(super) const OLD: Conduct = Conduct {
    with_key: Some(found("`auto_provision.aes_key_in_file` is 0.")),
    challenge: challenge(&[found(
        "`account.1.sip_trust_ctrl` 1 takes the event from registrar and outbound proxy alone.",
    )]),
    ..BOTH
};

const fn challenge(remarks: &'static [Fact]) -> Option<Challenge> {
    Some(Challenge {
        when: Challenges::NotSeen,
        credentials: None,
        remarks,
    })
}

const BOTH: Conduct = Conduct {
    asks: &[
        asked("{mac}.boot", Role::Index, Some(AsksNext))
            .remark("Where it is there, the phone fetches only what it includes."),
        asked("y000000000000.boot", Role::Index, Some(AsksNext))
            .remark("Where it is there, the phone fetches only what it includes."),
        asked("y{code}.cfg", Role::Model, Some(GoesOn))
            .remark("Zeros before the code fill it up to twelve digits."),
        asked("{mac}.cfg", Role::Device, Some(Keeps)),
        asked("{mac}-local.cfg", Role::Device, Some(GoesOn))
            .remark("If the phone is told to keep it on the server."),
        asked("{mac}-contact.xml", Role::Device, Some(GoesOn))
            .remark("If the phone is told to keep it on the server."),
        asked("{name}.enc", Role::Device, None).remark("If `aes_key_in_file` is 1."),
        asked("{name}_Security.enc", Role::Device, None).remark("If `aes_key_in_file` is 1."),
    ],
    missing: &[found("A missing file is asked for three times.")],
    between_files: Some(BetweenFiles::LastRead),
    macros: Some(&[
        Macro::found("$PN", "the name of the product"),
        Macro::inferred("$MAC", "the MAC in small letters"),
    ]),
    with_key: None,
    after_rekey: None,
    fetch: Some(found(
        "It fetches and restarts: `sip.notify_reboot_enable` is 1. With 0, which the built-in template writes, it fetches alone; with 2 nothing happens.",
    )),
    restart: Some(found("It restarts the phone, which then fetches.")),
    challenge: None,
    certificate_subject: Some(found("`CN` is the MAC.")),
    certificate: &[
        found(
            "A phone without a certificate of its own shows one that all such phones share, which proves nothing.",
        ),
        found("The issuer is *Yealink Equipment Issuing CA*."),
        found("A phone that was upgraded to v72 has none."),
    ],
    http_authentication: &[found(
        "Basic and digest; name and password are parameters, or stand in the URL.",
    )],
    tls: &[
        found(
            "`security.default_ssl_method` (from v81 `static.` before it): 0 is TLS 1.0, 3 automatic, which is the default, 4 is 1.1, 5 is 1.2.",
        ),
        found(
            "Parameters say whether a server's certificate and its name are checked. The authorities that a phone knows were not found.",
        ),
    ],
    models: MODELS,
};

/// The codes are those of FusionPBX's templates, 123, 124 and 127 of WAZO's too. Lines are the guide's for the T5
/// series, those of the T3 series a public table's.
const MODELS: &[KnownModel] = &[
    model("T28P", "00", 0),
    model("T26P", "04", 0),
    model("T22P", "05", 0),
    model("T20P", "07", 0),
    model("VP530", "23", 0),
    model("W52P", "25", 0),
    model("W56P", "25", 0),
    model("T46G", "28", 16),
    model("T29G", "46", 16),
    model("T42G", "29", 12),
    model("T32G", "32", 0),
    model("T48G", "35", 16),
    model("T41P", "36", 6),
    model("CP860", "37", 0),
    model("T38G", "38", 0),
    model("T23P", "44", 3),
    model("T23G", "44", 3),
    model("T27P", "45", 0),
    model("T49G", "51", 0),
    model("T21P_E2", "52", 2),
    model("T19P_E2", "53", 1),
    model("T40P", "54", 3),
    // FusionPBX has 56 for the T56A, WAZO 58.
    model("T58", "58", 0),
    model("T48S", "65", 16),
    model("T46S", "66", 16),
    model("T42S", "67", 12),
    model("T41S", "68", 6),
    model("T27G", "69", 6),
    model("T54S", "70", 16),
    model("CP960", "73", 0),
    model("T52S", "74", 0),
    model("T40G", "76", 3),
    model("W60B", "77", 0),
    model("W53P", "77", 0),
    model("CP930W", "77", 0),
    model("CP920", "78", 0),
    model("VP59", "91", 0),
    model("T53", "95", 12),
    model("T53W", "95", 12),
    model("T54W", "96", 16),
    model("T57W", "97", 16),
    model("T43U", "107", 12),
    model("T46U", "108", 16),
    model("T48U", "109", 16),
    model("T42U", "116", 12),
    model("T31", "123", 2),
    model("T31P", "123", 2),
    model("T31G", "123", 2),
    model("T33P", "124", 4),
    model("T33G", "124", 4),
    model("T30", "127", 1),
    model("T30P", "127", 1),
    model("W90", "130", 0),
    model("CP965", "143", 0),
    model("W70B", "146", 0),
    model("CP925", "148", 0),
    model("T58W", "150", 0),
    model("T34W", "171", 4),
    model("T31W", "172", 2),
    model("T44W", "174", 0),
    model("W75", "175", 0),
    model("W80", "175", 0),
    model("AX83H", "180", 0),
    model("AX86R", "182", 0),
    model("T73W", "183", 0),
    model("T74W", "184", 0),
    model("T73U", "186", 0),
    model("T74U", "187", 0),
    model("T77U", "188", 0),
    model("T88W", "192", 0),
    model("T88V", "192", 0),
    model("T85W", "196", 0),
    model("T87W", "197", 0),
];
