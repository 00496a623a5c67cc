//! Snom's desk phones: D3xx to D8xx, 3xx to 8xx.
//!
//! From the vendor's public service pages and from templates of public provisioning servers. Nothing was
//! tried on hardware.
//!
//! A phone that is given `…/<segment>/{mac}.xml` asks for `<MAC>.xml`, in capitals; one that is given
//! `…/<segment>/` asks for `<type>.htm` and `<type>-<MAC>.htm`, as in `snomD345-000413A11FA7.htm`. Either
//! way `<type>-firmware.htm` follows. A 404 on one of them is normal.
//!
//! No cipher of files is published, and none was found: files go out in clear over HTTPS, and the access
//! path is what protects them.

use crate::family::{Duplicates, Family, Syntax, USUAL_SETTINGS, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::vendor::{FamilySpec, KeyPlace};

mod lint;

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [DESK];

/// Desk phones.
pub const DESK: Family = Family::new(&FamilySpec {
    id: "snom",
    phones: "Snom's desk phones, which read XML: snomD345 and the like.",
    model_prefixes: &["SNOM"],
    syntax: Syntax::Xml(XmlSyntax {
        root: "settings",
        groups: Some(lint::SECTIONS),
        values: &[],
        attributes: &[("phone-settings", "e", false), ("functionKeys", "e", false)],
        parameter_attributes: &[
            ("idx", &[]),
            // May the user change it, and does the next load write it over?
            ("perm", &["", "RW", "R", "!", "$", "&", " "]),
            ("context", &[]),
            ("label", &[]),
        ],
        attributes_help: "Parameters may have idx and perm, keys context and label too; a phone ignores others.",
    }),
    // No limit is published.
    total_limit: 512 * 1024,
    settings_limit: USUAL_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &[],
    default_profile: None,
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[
        (FileKind::Standard, Form::Plain, "{MAC}.xml"),
        (FileKind::Standard, Form::Plain, "{MODEL}-{MAC}.htm"),
    ],
    sealed_at_plain_name: false,
    // It may restart all the same, if what has changed needs that.
    fetch_event: "check-sync;reboot=false",
    key: KeyPlace {
        prefix: "",
        groups: &[],
    },
    lint: lint::check,
});
