//! How OBi devices behave: from write-ups and templates of public provisioning servers.

use crate::vendor::conduct::{Conduct, Macro, Role, asked, found, inferred};

pub(super) const OBI: Conduct = Conduct {
    asks: &[
        asked("{MODEL}.xml", Role::Initial, None)
            .remark("A new phone that DHCP option 66 tells of a server: `$DM.xml`."),
        asked("{MAC}.xml", Role::Device, None).remark("As its rule says."),
        asked("{mac}.xml", Role::Device, None).remark("The case of `$MAC` is not stated."),
        asked("{MAC}.aes", Role::Device, None).remark("As its rule says."),
        asked("{mac}.aes", Role::Device, None).remark("As its rule says."),
    ],
    macros: Some(&[
        Macro::found("$MAC", "the MAC"),
        Macro::found("$DM", "the model"),
        Macro::found("$GPRM0 … $GPRM7", "parameters that an operator sets"),
        Macro::found("$SPRM0 … $SPRM7", "the same, which nobody can read"),
    ]),
    with_key: Some(found(
        "`ConfigURL` says `-A=aes -K=$SPRM0 -IV=$SPRM1` before the URL of the sealed file.",
    )),
    after_rekey: Some(inferred(
        "A device that was not reset asks for its sealed file alone, which is refused until it has the bootstrap: enter `<base>/$MAC.xml` as its `ConfigURL`.",
    )),
    http_authentication: &[inferred("Basic and digest.")],
    ..Conduct::NOT_FOUND
};
