//! Gigaset: the DECT base stations N610, N670 and N870 IP PRO ("Nx70"), and the older N510 and N720.
//!
//! From the vendor's public pages (teamwork.gigaset.com) and from WAZO's public templates. Nothing was tried on
//! hardware.
//!
//! A base that is given a URL without a file name asks for `provisioning.xml`, which must not be there: the 404
//! leads it on to `<MAC>.xml`. In which case it writes its MAC there, sources disagree: both are served. One that
//! is given a URL with a file name asks for that.
//!
//! Lines are handsets: account `00001` belongs to the first, and points to one of the providers, which are
//! counted from 0. Elements `<oper>` are commands to the base, not parameters.
//!
//! Files are not sealed: no cipher was found. The base asks with its own client certificate and knows HTTP digest,
//! of which Ringfence uses neither: the access path is what protects the passwords.
//!
//! The N510 and the N720 read another format (`SYMB_ITEM`): names and values are those of WAZO's templates, of those of
//! two other public servers and of the vendor's pages. The base's reader is none of XML: values that would need a
//! reference are refused, and so is what is not ASCII. Which file a base asks for is said by binary files on its way there
//! (`master.bin` and more), which Ringfence has none of: it is pointed at `<MAC>.xml` itself. The N300 and the C610 have the
//! same format and other names, and the Maxwell another: these are not written.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{Conduct, FamilySpec, KeyPlace, UserAgents};

mod conduct;
mod lint;
mod quoted;
mod vocabulary;
mod zones;

/// The vendor's families.
pub const FAMILIES: [Family; 3] = [NX70, N510, N720];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Gigaset",
    families: &FAMILIES,
    patterns: &[
        "Gigaset {model}/{firmware};{mac}",
        "Gigaset {model}/{firmware}",
    ],
    bare_patterns: &["{model}/{firmware};{mac}", "{model}/{firmware}"],
};

/// Base stations that read `<provisioning>`.
pub const NX70: Family = Family::new(&FamilySpec {
    id: "gigaset",
    phones: "Gigaset's base stations N610, N670 and N870 IP PRO.",
    model_prefixes: &[
        "N610",
        "N670",
        "N870",
        "GIGASET-N610",
        "GIGASET-N670",
        "GIGASET-N870",
    ],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Named {
            element: "param",
            name: "name",
            value: "value",
        },
        root: "provisioning",
        groups: Some(&["nvm", "oper", "firmware", "file"]),
        values: &[],
        attributes: &[
            ("provisioning", "version", false),
            ("provisioning", "productID", false),
            ("param", "name", false),
            ("param", "value", false),
            ("oper", "name", false),
            ("oper", "value", false),
            ("file", "version", false),
            ("file", "url", false),
        ],
        parameter_attributes: &[],
        attributes_help: "<provisioning> has version and productID, <param> and <oper> have name and value, <file> has version and url.",
    }),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[
        (FileKind::Standard, Form::Plain, "{mac}.xml"),
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
    ],
    // What is there would be taken for a list of updates.
    never: &["provisioning.xml"],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[(
        "Settings, System, Provisioning and configuration: URL",
        "<base>",
    )],
    fetch_event: "check-sync;reboot=false",
    // `check-sync;reboot=true` restarts it only where a parameter allows that, which the file leaves to the operator.
    restart_event: None,
    conduct: &conduct::NX70,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::NX70,
    lint: lint::check,
});

/// Base stations N510, whose six accounts have names of their own.
pub const N510: Family = Family::new(&FamilySpec {
    id: "gigaset-n510",
    phones: "Gigaset's base station N510 IP PRO.",
    model_prefixes: &["N510", "GIGASET-N510"],
    conduct: &conduct::N510,
    vocabulary: quoted::N510,
    ..PROVIDER_FRAME
});

/// Base stations N720, whose hundred accounts are counted.
pub const N720: Family = Family::new(&FamilySpec {
    id: "gigaset-n720",
    phones: "Gigaset's DECT manager N720 DM PRO.",
    model_prefixes: &["N720", "GIGASET-N720"],
    conduct: &conduct::N720,
    vocabulary: quoted::N720,
    ..PROVIDER_FRAME
});

const PROVIDER_FRAME: FamilySpec = FamilySpec {
    id: "",
    phones: "",
    model_prefixes: &[],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Quoted {
            element: "SYMB_ITEM",
            name: "ID",
            value: "value",
        },
        root: "ProviderFrame",
        groups: Some(&[
            "Provider",
            "MAC_ADDRESS",
            "VERSION",
            "PROFILE_NAME",
            // Where the base's own software is.
            "S_SPECIAL_DATA_SRV",
            "S_SPECIAL_DATA_SRV_IWU",
            "S_SPECIAL_DATA_SRV_SAT",
        ]),
        values: &[],
        attributes: &[
            ("MAC_ADDRESS", "value", false),
            ("VERSION", "value", false),
            ("PROFILE_NAME", "class", false),
            ("PROFILE_NAME", "value", false),
            ("S_SPECIAL_DATA_SRV", "class", false),
            ("S_SPECIAL_DATA_SRV", "value", false),
            ("S_SPECIAL_DATA_SRV_IWU", "class", false),
            ("S_SPECIAL_DATA_SRV_IWU", "value", false),
            ("S_SPECIAL_DATA_SRV_SAT", "class", false),
            ("S_SPECIAL_DATA_SRV_SAT", "value", false),
            ("SYMB_ITEM", "ID", false),
            ("SYMB_ITEM", "class", false),
            ("SYMB_ITEM", "value", false),
        ],
        parameter_attributes: &[],
        attributes_help: "<SYMB_ITEM> has ID, class and value, the others value and some of them class.",
    }),
    // No limit is published.
    total_limit: 256 * 1024,
    settings_limit: MAX_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/quoted.j2"))],
    names: &[
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
        (FileKind::Standard, Form::Plain, "{mac}.xml"),
    ],
    // What is there would lead the base on to software.
    never: &["42/2/master.bin", "70/2/master.bin"],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: None,
    refuses_public_certificates: false,
    typed: &[("Data server", "<base>/%MACD.xml")],
    fetch_event: "check-sync;reboot=false",
    // Ignored.
    restart_event: None,
    conduct: &Conduct::NOT_FOUND,
    key: KeyPlace {
        prefix: "",
        groups: &[],
        carrier: None,
    },
    vocabulary: &[],
    lint: lint::check_provider_frame,
};
