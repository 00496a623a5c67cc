//! How Gigaset's base stations behave: from the vendor's public pages (teamwork.gigaset.com) and from WAZO's templates.

use crate::vendor::conduct::AfterMissing::AsksNext;
use crate::vendor::conduct::{
    Challenge, Challenges, Conduct, Macro, Role, asked, found, inferred, model,
};

/// N610, N670 and N870.
pub(super) const NX70: Conduct = Conduct {
    asks: &[
        asked("provisioning.xml", Role::Everybody, Some(AsksNext))
            .remark("If the URL has no name of a file."),
        asked("{MAC}.xml", Role::Device, None),
        asked("{mac}.xml", Role::Device, None).remark("Sources disagree about the case."),
    ],
    missing: &[found(
        "A 404 at `provisioning.xml` leads the base on to its own file. What one means there was not found.",
    )],
    fetch: Some(found("The base loads its file without a restart.")),
    restart: Some(found(
        "From 2.52 `check-sync;reboot=true` to an account restarts the base where `SystemSettings.global.CheckSyncRebootEnabled` is 1, which the file does not say; older firmware ignores it.",
    )),
    certificate: &[
        found("There is one. Its subject was not found."),
        found("From 2.61 the base makes its own, under another authority than before."),
    ],
    http_authentication: &[
        found(
            "Digest alone: first with the MAC and the code that is printed on the base (MAC-ID), then with what it was told.",
        ),
        found("From 2.53 the redirection service may hand out name and password in the URL."),
    ],
    tls: &[
        found("The base has a list of authorities, and a switch to take every certificate."),
        inferred("From 2.57 it speaks TLS 1.2 and later alone."),
    ],
    ..OLDER
};

/// N510.
pub(super) const N510: Conduct = Conduct {
    asks: &[
        asked("42/2/master.bin", Role::Everybody, None)
            .remark("A chain of binary files begins there."),
        asked("{MAC}.xml", Role::Device, None).remark("As the chain says, or its data server."),
        asked("{mac}.xml", Role::Device, None).remark("The vendor writes the MAC in capitals."),
    ],
    http_authentication: &[
        found(
            "Digest alone, first with the MAC and the code that is printed on the base (MAC-ID).",
        ),
        found("`S_PROV_USERNAME` and `S_PROV_PASSWORD`, of 50 characters at most, hold others."),
    ],
    models: &[model("N510", "", 6), model("N510 IP PRO", "", 6)],
    ..OLDER
};

/// N720.
pub(super) const N720: Conduct = Conduct {
    asks: &[
        asked("70/2/master.bin", Role::Everybody, None)
            .remark("A chain of binary files begins there."),
        asked("{MAC}.xml", Role::Device, None).remark("As the chain says, or its data server."),
        asked("{mac}.xml", Role::Device, None).remark("The vendor writes the MAC in capitals."),
    ],
    http_authentication: &[found(
        "Digest alone, first with the MAC and the code that is printed on the base (MAC-ID).",
    )],
    models: &[model("N720", "", 100), model("N720 DM PRO", "", 100)],
    ..OLDER
};

const OLDER: Conduct = Conduct {
    macros: Some(&[
        Macro::found("%MACD", "the MAC"),
        Macro::found("%DURL", "the server of the URL"),
        Macro::found("%DVID", "the kind of the device"),
    ]),
    fetch: Some(found("The base loads its file without a restart.")),
    restart: Some(found("The base ignores `check-sync;reboot=true`.")),
    challenge: Some(Challenge {
        when: Challenges::NotSeen,
        credentials: None,
        remarks: &[found("The sender may be unknown to the base.")],
    }),
    ..Conduct::NOT_FOUND
};
