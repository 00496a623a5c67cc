//! Grandstream: phones that read `P` values (`<config version="1">`): GXP11xx to GXP21xx, GRP26xx.
//!
//! From the vendor's *XML Provisioning Guide* (2011, 2012, 2018) and administration guides, and from
//! templates of public provisioning servers, which agree on the numbers below. Nothing was tried on
//! hardware.
//!
//! A phone asks for `cfg<mac>`, a binary form that this folder does not write, then for `cfg<mac>.xml`,
//! `cfg<model>.xml` and `cfg.xml`; each may be missing, and the later ones are fallbacks and no lower
//! layer. Its URL is a host and a path without a scheme (P237; P212 is 2 for HTTPS), to which it appends
//! `/cfg…`. A 401 makes it ask its user for a password.
//!
//! The device's file is sealed under the name of the plain one: the first `cfg<mac>.xml` is the bootstrap
//! with the password of the next ones (P1359), and all later ones are sealed. That a phone goes on reading
//! plain XML once it has a password is not stated anywhere.

use crate::family::{Duplicates, Family, Syntax, USUAL_SETTINGS, XmlSyntax};
use crate::kind::{FileKind, Form};
use crate::seal::{Cipher, Digest, Encoding, ProfileSpec};
use crate::vendor::p_values::Numbered;
use crate::vendor::{FamilySpec, KeyPlace};

/// The vendor's families.
pub const FAMILIES: [Family; 1] = [GXP];

/// Phones that read `P` values.
pub const GXP: Family = Family::new(&FamilySpec {
    id: "gxp",
    phones: "Grandstream GXP11xx to GXP21xx and GRP26xx, as far as they read P values.",
    model_prefixes: &["GXP11", "GXP14", "GXP16", "GXP17", "GXP21", "GRP26"],
    syntax: Syntax::Xml(XmlSyntax {
        root: "gs_provision",
        groups: None,
        // A phone drops a file whose `mac` is not its own.
        values: &["mac"],
        attributes: &[
            ("gs_provision", "version", false),
            ("config", "version", false),
        ],
        parameter_attributes: &[],
        attributes_help: "<gs_provision> and <config> have version; a phone ignores others.",
    }),
    // No limit is published; templates of 7,400 lines are in use.
    total_limit: 512 * 1024,
    settings_limit: USUAL_SETTINGS,
    duplicates: Duplicates::Unstated,
    kinds: &[FileKind::Standard],
    profiles: &["gxp-256", "gxp-256-sha256"],
    default_profile: Some("gxp-256"),
    templates: &[(FileKind::Standard, include_str!("templates/standard.j2"))],
    names: &[(FileKind::Standard, Form::Plain, "cfg{mac}.xml")],
    sealed_at_plain_name: true,
    // `check-sync;reboot=true` restarts it. It challenges unless P4428 is 1.
    fetch_event: "resync",
    key: KeyPlace {
        prefix: KEY,
        groups: &["config"],
    },
    lint: |file| RULES.check(file),
});

/// The password of sealed files. (P1349, in one sentence of the guide, is a misprint.)
const KEY: &str = "P1359";

const RULES: Numbered = Numbered {
    root: "gs_provision",
    others: &["mac"],
    key: KEY,
    key_does: " sets the password of sealed files",
    key_help: "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
};

/// The vendor's profiles: `openssl enc -aes-256-cbc -k <password>` (*XML Provisioning Guide*, 2011, p. 4),
/// binary. The guide is of a time when `openssl` took MD5; the other one is for firmware with its newer
/// default.
pub const PROFILES: [ProfileSpec; 2] = [
    SALTED,
    ProfileSpec {
        name: "gxp-256-sha256",
        kdf: Digest::Sha256,
        ..SALTED
    },
];

const SALTED: ProfileSpec = ProfileSpec {
    name: "gxp-256",
    cipher: Cipher::Aes256,
    kdf: Digest::Md5,
    encoding: Encoding::Binary,
    extension: "xml",
    key_parameter: KEY,
    key_length_parameter: None,
    verified: true,
};
