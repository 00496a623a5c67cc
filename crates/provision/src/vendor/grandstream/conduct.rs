//! How Grandstream's phones behave: from the vendor's guides and from public templates (WAZO, FusionPBX).

use crate::vendor::conduct::AfterMissing::{AsksNext, GoesOn};
use crate::vendor::conduct::{
    Challenge, Challenges, Conduct, Fact, Role, asked, found, inferred, model,
};

/// A phone that was another operator's may have them.
const AFFIXES: Fact = found(
    "A prefix or a postfix of file names that is set at the phone (P234, P235) makes it ask for names that are not there: clear both.",
);

pub(super) const P_VALUES: Conduct = Conduct {
    fetch: Some(found(
        "It fetches without a restart. One public template sets P26015 for it, which by the vendor lets a NOTIFY reset the phone to the factory's settings.",
    )),
    challenge: Some(Challenge {
        when: Challenges::ByDefault,
        credentials: None,
        remarks: &[found("P4428 set to 1 switches it off.")],
    }),
    http_authentication: &[found(
        "After a 401 it asks its user for name and password on the display. P1360 and P1361 hold them; P20713 set to 1 sends them unasked.",
    )],
    tls: &[found(
        "It does not check the server's certificate unless P8463 is 1, nor the server's name unless P22030 is.",
    )],
    ..ITEMS
};

pub(super) const ITEMS: Conduct = Conduct {
    asks: &[
        asked("cfg{mac}", Role::Device, Some(GoesOn))
            .remark("The binary form, which counts before the next name is asked for."),
        asked("cfg{mac}.bin", Role::Device, Some(GoesOn)).remark("So the guide of 2023."),
        asked("cfg{mac}.xml", Role::Device, Some(AsksNext))
            .remark("Firmware of 2012 and 2013 asks for it first."),
        asked("cfg{model}.xml", Role::Model, Some(AsksNext)).remark("Later firmware."),
        asked("cfg.xml", Role::Everybody, Some(GoesOn)),
    ],
    missing: &[
        found("Each name may be missing."),
        found("The later names stand in for those before them, unless P8467 is 1: then all count."),
        AFFIXES,
    ],
    with_key: Some(inferred(
        "Nothing: a phone tells a plain file from a sealed one by its first bytes.",
    )),
    fetch: Some(found(
        "It fetches without a restart. One public template sets `account.1.sip.allowSipReset` for it, which by the vendor lets a NOTIFY reset the phone to the factory's settings.",
    )),
    restart: Some(found("It restarts the phone.")),
    challenge: Some(Challenge {
        when: Challenges::ByDefault,
        credentials: None,
        remarks: &[found(
            "`sip.notify.challenge` is its switch; public sources do not agree which value switches it off.",
        )],
    }),
    certificate: &[found(
        "There is one for the vendor's own service (GDMS). Its subject was not found.",
    )],
    http_authentication: &[found(
        "After a 401 it asks its user for name and password on the display. `provisioning.config.username` and `provisioning.config.password` hold them.",
    )],
    tls: &[found(
        "It does not check the server's certificate, nor its name, unless a file says so (P8463 and P22030 as P values).",
    )],
    ..Conduct::NOT_FOUND
};

/// Adapters: from the HT80x guide and from the vendor's remarks in FusionPBX's templates.
pub(super) const ADAPTERS: Conduct = Conduct {
    asks: &[
        asked("cfg{mac}", Role::Device, Some(GoesOn))
            .remark("The binary form, which counts before the next name is asked for."),
        asked("cfg{mac}.bin", Role::Device, Some(GoesOn)).remark("So the guide of 2023."),
        asked("cfg{mac}.xml", Role::Device, Some(AsksNext)),
        asked("cfg.xml", Role::Everybody, Some(GoesOn)),
    ],
    missing: &[
        found("Each name may be missing."),
        found("The last name stands in for the one before it."),
        AFFIXES,
    ],
    fetch: Some(inferred("It fetches without a restart, as the phones do.")),
    restart: Some(inferred("It restarts the adapter, as it does the phones.")),
    challenge: Some(Challenge {
        when: Challenges::IfSet,
        credentials: None,
        remarks: &[found(
            "By the vendor's remarks P4428 is 1 from the factory, which switches it off.",
        )],
    }),
    http_authentication: &[found("P1360 and P1361 hold name and password.")],
    tls: &[
        found(
            "By the vendor's remarks it checks the server's certificate from the factory (P8463 is 1), and not the server's name (P22030 is 0).",
        ),
        found("Which authorities it knows was not found."),
    ],
    models: &[
        model("HT801", "", 1),
        model("HT802", "", 2),
        model("HT812", "", 2),
        model("HT814", "", 4),
        model("HT818", "", 8),
    ],
    ..ITEMS
};
