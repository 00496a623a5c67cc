//! The vendors of phones: for each a folder of data, and of the rules that data cannot say.
//!
//! A vendor's folder is the only place that knows names of its parameters, files and events. What a
//! folder holds:
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | a record ([`FamilySpec`]) for each family of phones, with their names, syntax and limits |
//! | `profiles.rs` | how its phones want their files sealed, if they do |
//! | `lint.rs` | what is wrong with a file beyond its syntax |
//! | `templates/` | the templates that a tenant begins with |
//!
//! To add a vendor, write its folder and name its families and profiles here.

pub mod grandstream;
pub mod htek;
mod p_values;
pub mod panasonic;
pub mod snom;

use crate::family::{Duplicates, Family, Syntax};
use crate::format::Examined;
use crate::kind::{FileKind, Form};
use crate::seal::{Profile, ProfileSpec};

/// Every family of every vendor.
pub const FAMILIES: [Family; 8] = {
    let [ut, uds124, tgp500, utg, hdv] = panasonic::FAMILIES;
    let [gxp] = grandstream::FAMILIES;
    let [htek] = htek::FAMILIES;
    let [snom] = snom::FAMILIES;
    [ut, uds124, tgp500, utg, hdv, gxp, htek, snom]
};

/// The sealing profiles of every vendor.
const PROFILES: [&[ProfileSpec]; 2] = [&panasonic::PROFILES, &grandstream::PROFILES];

/// Every sealing profile of every vendor, the default of a family before its others.
pub fn profiles() -> impl Iterator<Item = &'static ProfileSpec> {
    PROFILES.into_iter().flatten()
}

/// The names of a tenant that gives none, in the order in which phones are told them.
pub const NAMES: &[(FileKind, Form, &str)] = panasonic::NAMES;

/// The settings that hold the text of the Event header that phones obey, the first that is there.
pub const EVENT_SETTINGS: &[&str] = panasonic::EVENT_SETTINGS;

/// What is known of a family of phones. A parser, a lint or a writer asks the record instead of knowing
/// model names.
#[derive(Debug)]
pub struct FamilySpec {
    /// The word used in the API and in storage.
    pub id: &'static str,
    /// The phones, for people: one sentence.
    pub phones: &'static str,
    /// What the names of its models begin with, in upper case. The longest of all families that fits
    /// decides.
    pub model_prefixes: &'static [&'static str],
    /// The syntax of its files.
    pub syntax: Syntax,
    /// How large all files of one device may be together, in bytes.
    pub total_limit: usize,
    /// How many settings a layer may have for its phones.
    pub settings_limit: usize,
    /// Which of two equal parameters in one file its phones obey.
    pub duplicates: Duplicates,
    /// The kinds of file that its phones ask for, the nearest to the device first.
    pub kinds: &'static [FileKind],
    /// The names of the profiles that go with its phones.
    pub profiles: &'static [&'static str],
    /// The one of them that is on unless an operator says otherwise: only where the vendor has published
    /// the cipher.
    pub default_profile: Option<&'static str>,
    /// The template that a tenant begins with, for each of its kinds.
    pub templates: &'static [(FileKind, &'static str)],
    /// Under which names its phones ask by themselves, if those are not [`NAMES`]. A tenant may give others.
    pub names: &'static [(FileKind, Form, &'static str)],
    /// Whether a phone asks for its sealed file under the plain name, too.
    pub sealed_at_plain_name: bool,
    /// The event of a NOTIFY that makes its phones fetch their files, unless settings name another.
    pub fetch_event: &'static str,
    /// Where a bootstrap carries the key.
    pub key: KeyPlace,
    /// What is wrong with a file beyond its syntax.
    pub lint: fn(&mut Examined<'_>),
}

/// Where a bootstrap carries the device's key. Which parameter it is says the sealing profile.
#[derive(Debug)]
pub struct KeyPlace {
    /// What every parameter that holds a key begins with: no file may bring one of its own.
    pub prefix: &'static str,
    /// The elements that it stands in, in an XML file.
    pub groups: &'static [&'static str],
}

/// A profile by its name.
pub fn profile(name: &str) -> Option<Profile> {
    let spec = profiles().find(|spec| spec.name == name)?;
    Some(spec.profile())
}
