//! How Cisco's phones behave: from the vendor's provisioning and administration guides, and from public templates and
//! senders of events (WAZO, FusionPBX, Asterisk).

use crate::vendor::conduct::AfterMissing::Stops;
use crate::vendor::conduct::{
    BetweenFiles, Challenge, Challenges, Conduct, Macro, Role, asked, found, inferred,
};

/// The SPA line.
pub(super) const SPA: Conduct = Conduct {
    asks: &[
        asked("{MODEL}.cfg", Role::Initial, Some(Stops))
            .remark("The factory's rule is `/spa$PSN.cfg`: `spa504G.cfg`."),
        asked("init.cfg", Role::Initial, Some(Stops)).remark("Of a PAP2T."),
        asked("{mac}.cfg", Role::Device, Some(Stops)).remark("As its own rule says."),
        asked("{mac}.enc", Role::Device, Some(Stops)).remark("As its own rule says."),
    ],
    with_key: Some(found(
        "The rule says `[--key $SA]` before the URL of the sealed file.",
    )),
    after_rekey: Some(found(
        "A phone that was not reset asks for its sealed file alone, which is refused until it has the bootstrap: reset it, or enter `<base>/$MA.cfg` as its `Profile_Rule`.",
    )),
    certificate_subject: Some(found(
        "`OU` is the model, `L` the serial number, `S` the MAC. Later units have all three in `CN`: `SPA-525G2, MAC: …, Serial: …`.",
    )),
    certificate: &[
        found("Units made before firmware 2.0 share one, with `L=ciscogeneric`."),
        found("Units of 2005 and 2006 carry wrong ones."),
    ],
    http_authentication: &[found(
        "Basic and digest, by `[--uid … --pwd …]` in the rule of newer firmware.",
    )],
    tls: &[
        found(
            "The server's certificate must chain to a root of Cisco, Linksys or Sipura in the phone, which the product decides.",
        ),
        found(
            "Its `CN` must be a full name, which the phone resolves and compares with the server's address.",
        ),
        inferred("So it refuses every public certificate."),
        found("Firmware 2.0.6 speaks TLS 1.0 without ECDHE."),
    ],
    ..BOTH
};

/// Multiplatform phones.
pub(super) const MPP: Conduct = Conduct {
    asks: &[
        asked("{MODEL}.xml", Role::Initial, Some(Stops))
            .remark("The factory's rule by one guide, `/$PSN.xml`."),
        asked("CP-{MODEL}.cfg", Role::Initial, Some(Stops))
            .remark("The factory's rule by another guide, `CP-$PSN.cfg`."),
        asked("{MODEL}.cfg", Role::Initial, Some(Stops)).remark("Of an adapter: `ata$PSN.cfg`."),
        asked("{mac}.xml", Role::Device, Some(Stops)).remark("As its own rule says."),
        asked("{mac}.enc", Role::Device, Some(Stops)).remark("As its own rule says."),
    ],
    with_key: Some(found(
        "Nothing for `mpp-8188`, of which a header of the answer tells. For the other profiles the rule says `[--key $SA]`.",
    )),
    after_rekey: Some(found(
        "A phone that is sealed as the SPA line and was not reset asks for its sealed file alone, which is refused until it has the bootstrap: reset it, or enter `<base>/$MA.xml` as its `Profile_Rule`.",
    )),
    certificate_subject: Some(found(
        "`OU` is the model, `L` the serial number, `S` the MAC.",
    )),
    certificate: &[found(
        "Current units chain to *Cisco Root CA* and *Cisco Manufacturing CA*, of which there are several.",
    )],
    http_authentication: &[found(
        "Basic and digest: after a 401 it asks again, twice at most.",
    )],
    tls: &[
        found(
            "Early firmware trusts certificates of Cisco alone, later firmware a list of public authorities too, and more by `Custom_CA_Rule`.",
        ),
        found("Which firmware trusts Let's Encrypt or Google was not found."),
        found(
            "`CN` must be a full name, which the phone resolves and compares with the server's address.",
        ),
        found(
            "`TLS_Min_Version` says the lowest version. `Restricted_Access_Domains` shuts out every host that it does not list.",
        ),
    ],
    ..BOTH
};

const BOTH: Conduct = Conduct {
    asks: &[],
    missing: &[
        found(
            "A 404 ends the chain of rules, which begins anew after `Resync_Error_Retry_Delay` (3600 seconds; 0 is never), unless `Resync_Fails_On_FNF` is `No`.",
        ),
        found("A corrupt file ends the chain too, and so does one that cannot be opened."),
    ],
    between_files: Some(BetweenFiles::LastRead),
    macros: Some(&[
        Macro::found("$MA", "the MAC in small letters"),
        Macro::found("$MAU", "the MAC in capitals"),
        Macro::found("$MAC", "the MAC with colons"),
        Macro::found("$PN", "the model"),
        Macro::found("$PSN", "the short model, as `504G`"),
        Macro::found("$SN", "the serial number"),
        Macro::found("$A … $P", "GPP_A to GPP_P"),
        Macro::found(
            "$SA … $SD",
            "GPP_SA to GPP_SD, as the argument of `--key` alone",
        ),
        Macro::found("$CCERT", "whether it has a client certificate"),
        Macro::found(
            "$SWVER $HWVER $IP $EXTIP $SCHEME $SERV $PORT $PATH $ERR",
            "its state",
        ),
        Macro::found("$$", "a dollar sign"),
    ]),
    with_key: None,
    after_rekey: None,
    fetch: Some(found(
        "It fetches without a restart, if `Resync_From_SIP` is `Yes`. Nothing counts while a line is in a call, for `Forced_Resync_Delay` at most.",
    )),
    restart: Some(found(
        "It restarts the phone warm; `reboot_now` does so cold.",
    )),
    challenge: Some(Challenge {
        when: Challenges::ByDefault,
        credentials: Some(found("The line's own answer it, by MD5.")),
        remarks: &[found(
            "`Auth_Resync-Reboot_1_` set to `No` switches it off.",
        )],
    }),
    certificate_subject: None,
    certificate: &[],
    http_authentication: &[],
    tls: &[],
    models: &[],
};
