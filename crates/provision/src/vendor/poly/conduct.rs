//! How Poly's phones behave: from the vendor's public guides, from public templates (FusionPBX, FS PBX) and from logs of
//! phones that others have published.

use crate::vendor::conduct::AfterMissing::{AsksNext, GoesOn};
use crate::vendor::conduct::{
    BetweenFiles, Challenge, Challenges, Conduct, Macro, Role, asked, found,
};

pub(super) const UCS: Conduct = Conduct {
    asks: &[
        asked("{mac}.cfg", Role::Index, Some(AsksNext)),
        asked("{MAC}.cfg", Role::Index, Some(AsksNext)).remark("The guide leaves the case open."),
        asked("000000000000.cfg", Role::Index, Some(GoesOn)),
        asked("{mac}-ringfence.cfg", Role::Device, Some(GoesOn)).remark("As the index says."),
        asked("{MAC}-ringfence.cfg", Role::Device, Some(GoesOn)).remark("As the index says."),
        asked("{mac}-phone.cfg", Role::Device, Some(GoesOn))
            .remark("What the phone itself has put there."),
        asked("{mac}-web.cfg", Role::Device, Some(GoesOn))
            .remark("What the phone itself has put there."),
        asked("{mac}-license.cfg", Role::Device, Some(GoesOn)),
        asked("000000000000-license.cfg", Role::Everybody, Some(GoesOn)),
        asked("{mac}-directory.xml", Role::Device, Some(GoesOn)),
        asked("000000000000-directory.xml", Role::Everybody, Some(GoesOn)),
        asked("{part}.sip.ld", Role::Model, Some(GoesOn)).remark("Firmware, by the part's number."),
    ],
    missing: &[
        found("Each may be missing: without an index the phone starts with what it has."),
        found("An empty file in the place of a 404 does harm."),
    ],
    between_files: Some(BetweenFiles::FirstRead),
    macros: Some(&[
        Macro::found("[PHONE_MAC_ADDRESS]", "the MAC, in an index alone"),
        Macro::found("[PHONE_MODEL]", "the model, in an index alone"),
        Macro::found(
            "[PHONE_PART_NUMBER]",
            "the part's number, in an index alone",
        ),
    ]),
    fetch: Some(found(
        "It fetches, and restarts if a file has changed; in any case if `voIpProt.SIP.specialEvent.checkSync.alwaysReboot` is 1.",
    )),
    challenge: Some(Challenge {
        when: Challenges::IfSet,
        credentials: None,
        remarks: &[found(
            "It does so where `voIpProt.SIP.requestValidation` covers NOTIFY.",
        )],
    }),
    certificate_subject: Some(found("`CN` is the MAC, `O` is `Polycom Inc.`.")),
    certificate: &[
        found("It chains to *Polycom Root CA*."),
        found("Many are out of date, and some are signed by themselves."),
    ],
    http_authentication: &[found(
        "Basic and digest, by `device.prov.user` and `device.prov.password`, whose factory values are known to everybody.",
    )],
    tls: &[
        found("Builds before 4.0.15 speak TLS 1.0 alone, and some send no server name (SNI)."),
        found(
            "Older phones do not know Let's Encrypt: `device.sec.TLS.customCaCert1` loads a root.",
        ),
    ],
    ..Conduct::NOT_FOUND
};
