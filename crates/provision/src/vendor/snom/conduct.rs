//! How Snom's phones behave: from the vendor's public service pages and from public templates (WAZO, FusionPBX, FS PBX).

use crate::vendor::conduct::AfterMissing::GoesOn;
use crate::vendor::conduct::{Challenge, Challenges, Conduct, Macro, Role, asked, found, inferred};

/// Desk phones.
pub(super) const DESK: Conduct = Conduct {
    asks: &[
        asked("{MAC}.xml", Role::Device, Some(GoesOn)).remark("If the URL ends in `{mac}.xml`."),
        asked("{MAC:COLONS}.xml", Role::Device, Some(GoesOn))
            .remark("Instead, by firmware 8 of the 3xx."),
        asked("{MODEL}.htm", Role::Model, Some(GoesOn)).remark("If the URL ends in `/`."),
        asked("{MODEL}-{MAC}.htm", Role::Device, Some(GoesOn)).remark("If the URL ends in `/`."),
        asked("config.xml", Role::Everybody, Some(GoesOn))
            .remark("If the URL ends in it; of another name without `{mac}` likewise."),
        asked("config-{MAC}.xml", Role::Device, Some(GoesOn)).remark("Behind that one."),
        asked("{MODEL}-firmware.htm", Role::Model, Some(GoesOn)).remark("In any case."),
    ],
    macros: Some(&[
        Macro::found(
            "{mac}",
            "the MAC in capitals; firmware 8 of the 3xx puts colons into it",
        ),
        Macro::found(
            "{phone_type}",
            "the model, as `snomD735`, on newer firmware",
        ),
        Macro::found("{time}", "the time"),
    ]),
    fetch: Some(found(
        "It reads its settings anew, and restarts all the same where one of those that changed needs it. `checksync_action` (from 10.1.180) overrules the event.",
    )),
    restart: Some(found("It restarts the phone.")),
    certificate_subject: Some(found("`CN` is the MAC, of 12 digits.")),
    certificate: &[
        found("Every phone but the 3xx has one."),
        found("Issuers are *Snom Phone 1* and *Snom Phone 1 SHA-256*."),
    ],
    http_authentication: &[
        inferred("`http_client_user` and `http_client_pass` hold name and password."),
        found("One public server asks these phones for basic authentication alone."),
    ],
    tls: &[
        found(
            "It checks the server's certificate against its own list where it is told to; the section `certificates` adds to the list.",
        ),
        found("Which versions a firmware speaks was not found."),
    ],
    ..DECT
};

/// Base stations.
pub(super) const DECT: Conduct = Conduct {
    asks: &[
        asked("{MAC}.xml", Role::Device, Some(GoesOn)).remark("If the URL ends in `{mac}.xml`."),
        asked("{MODEL}-{MAC}.htm", Role::Device, Some(GoesOn)).remark("If the URL ends in `/`."),
    ],
    missing: &[
        inferred("After a 404 the phone goes on with the other names."),
        found(
            "Public servers also know a name of the model, the MAC and a third ending; it is not served, for it could be the file of another maker's model. Write a URL that ends in `{mac}.xml`.",
        ),
    ],
    macros: Some(&[Macro::found("{mac}", "the MAC in capitals")]),
    fetch: Some(found(
        "It restarts the base, which takes a changed account only then.",
    )),
    restart: Some(found("It restarts the base.")),
    challenge: Some(Challenge {
        when: Challenges::IfSet,
        credentials: Some(found(
            "Those of the account that the NOTIFY is for answer it.",
        )),
        remarks: &[found(
            "`challenge_checksync` is its switch. `filter_registrar` drops what is not from the registrar.",
        )],
    }),
    ..Conduct::NOT_FOUND
};
