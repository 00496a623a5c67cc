//! Poly, formerly Polycom: SoundPoint, SoundStation, VVX, CCX, Trio and Edge E, as far as they run UC Software.
//!
//! From the vendor's public guides, from templates of public provisioning servers and from logs of phones that
//! others have published. Nothing was tried on hardware.
//!
//! A phone is given a folder. There it asks for an index, `<mac>.cfg` and then `000000000000.cfg`, which lists the
//! names of its files; they are looked for in the same folder. Other vendors' phones ask `<mac>.cfg` for their own
//! file: the device's family tells. The index for all phones leaves it to the phone to put its MAC into a name.
//! Neither holds a secret.
//! Of two files that set a parameter, the first of the list counts; what the phone's own pages have changed
//! counts before all of them.
//!
//! The phone keeps files of its own on the server, by `PUT`, and asks for them at each start. Ringfence takes none.
//! A 404 is what a phone without such a file expects; an empty file in the place of one does harm.
//!
//! Files can be sealed (AES-128-CBC), but the vendor hands out the tool on request only: where the IV stands and how
//! a file begins is in no public source. A phone that is told of a file that it cannot read restarts again and
//! again. So there is no profile: files go out in clear over HTTPS.

use crate::family::{Duplicates, Family, MAX_SETTINGS, Syntax, XmlStyle, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::url_template::Macro;
use crate::vendor::{FamilySpec, KeyPlace, Told, UserAgents, written};

mod conduct;
mod lint;
mod vocabulary;

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [UCS];

/// What the vendor's phones call themselves.
pub(super) const USER_AGENTS: UserAgents = UserAgents {
    vendor: "Poly",
    families: &FAMILIES,
    patterns: &[
        "FileTransport Poly{}-{model}-UA/{firmware} {}(SN:{mac})",
        "FileTransport Poly{}-{model}-UA/{firmware}",
    ],
    bare_patterns: &[],
};

/// The index for all phones: they put their MAC into the names in it, in small letters as their logs show.
const TOLD: Told = Told {
    macros: &[
        written(Macro::MacLower, "[PHONE_MAC_ADDRESS]"),
        written(Macro::Model, "[PHONE_MODEL]"),
    ],
    in_its_folder: true,
};

/// Phones with UC Software.
pub const UCS: Family = Family::new(&FamilySpec {
    id: "poly",
    phones: "Poly and Polycom phones with UC Software: SoundPoint, SoundStation, VVX, CCX, Trio, Edge E.",
    // Their User-Agents have an underscore behind the first letters, which the labels have not.
    model_prefixes: &[
        "SPIP",
        "SSIP",
        "SOUNDPOINT",
        "SOUNDSTATION",
        "VVX",
        "CCX",
        "TRIO",
        "EDGE E",
        "EDGEE",
        "EDGE-E",
        "EDGE_E",
    ],
    syntax: Syntax::Xml(XmlSyntax {
        style: XmlStyle::Attributes,
        root: lint::ROOT,
        groups: None,
        values: &[],
        attributes: &[],
        parameter_attributes: &[],
        attributes_help: "Each attribute is a parameter.",
    }),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: MAX_SETTINGS,
    // It is told for two files, and not for one.
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Initial, FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[
        (FileKind::Initial, include_str!("templates/initial.j2")),
        (FileKind::Standard, include_str!("templates/standard.j2")),
    ],
    names: &[
        // Phones are known to write their MAC in small letters; the guide leaves it open.
        (FileKind::Initial, Form::Plain, "{mac}.cfg"),
        (FileKind::Initial, Form::Plain, "{MAC}.cfg"),
        (FileKind::Initial, Form::Plain, "000000000000.cfg"),
        (FileKind::Standard, Form::Plain, "{mac}-ringfence.cfg"),
        (FileKind::Standard, Form::Plain, "{MAC}-ringfence.cfg"),
    ],
    never: &[
        "*-phone.cfg",
        "*-web.cfg",
        "*-license.cfg",
        "*-directory.xml",
        "*-app.log",
        "*-boot.log",
        "*sip.ld",
    ],
    model_affixes: &[],
    older: None,
    sealed_at_plain_name: false,
    told: Some(&TOLD),
    refuses_public_certificates: false,
    // It restarts the phone if a file has changed; by the parameter alwaysReboot, in any case.
    typed: &[
        ("Server Type", "HTTPS"),
        ("Server Address", "<host>/<segment>"),
    ],
    fetch_event: "check-sync",
    restart_event: None,
    conduct: &conduct::UCS,
    key: KeyPlace {
        prefix: lint::KEY,
        groups: &[],
        carrier: None,
    },
    vocabulary: vocabulary::UCS,
    lint: lint::check,
});
