//! How Mitel's phones behave: from administrator guides of the 6700i, 6800 and 6867i, from a log of requests, and from
//! public templates (WAZO, FusionPBX, FS PBX).

use crate::vendor::conduct::AfterMissing::{GoesOn, Stops};
use crate::vendor::conduct::{
    BetweenFiles, Challenge, Challenges, Conduct, Role, asked, found, inferred,
};

pub(super) const SIP: Conduct = Conduct {
    asks: &[
        asked("security.tuz", Role::Everybody, Some(GoesOn))
            .remark("What is there counts as the password of sealed files."),
        asked("startup.cfg", Role::Everybody, Some(Stops)),
        asked("aastra.cfg", Role::Everybody, Some(Stops)).remark("Of the 67xx, in its place."),
        asked("{MODEL}.cfg", Role::Model, Some(GoesOn)),
        asked("{MAC}.cfg", Role::Device, Some(GoesOn)),
        asked("startup.lic", Role::Everybody, Some(GoesOn)),
        asked("{MAC}.lic", Role::Device, Some(GoesOn)),
        asked("{MODEL}.st", Role::Model, Some(GoesOn)).remark("Firmware."),
    ],
    missing: &[found(
        "Without the file for everybody the phone asks for no other; each of the rest may be missing.",
    )],
    between_files: Some(BetweenFiles::LastRead),
    macros: Some(&[]),
    fetch: Some(found(
        "It fetches and compares, and restarts, once it is idle, if something has changed.",
    )),
    challenge: Some(Challenge {
        when: Challenges::NotSeen,
        credentials: None,
        remarks: &[inferred(
            "With `sip whitelist` it takes the event from its proxy and registrar alone.",
        )],
    }),
    http_authentication: &[
        found(
            "Digest, by `http digest username` and `http digest password`, of 40 and 20 characters at most, whose factory values are known to everybody.",
        ),
        found("One public server asks Aastra's phones for basic authentication."),
    ],
    tls: &[
        found("It checks chain, dates and name of the server's certificate; each has its switch."),
        found(
            "The guides list Verisign, GeoTrust, Thawte, Comodo, Entrust and CyberTrust, later DigiCert, GoDaddy, TrustZone and Symantec; not Let's Encrypt, not Google.",
        ),
        found(
            "`https user certificates` loads others, but after the first file: by default a phone refuses the first fetch from a server with a certificate of another authority.",
        ),
        found("Which versions it speaks was not found."),
    ],
    ..Conduct::NOT_FOUND
};
