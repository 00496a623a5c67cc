//! The vendors of phones: for each a folder of data, and of the rules that data cannot say.
//!
//! A vendor's folder is the only place that knows names of its parameters, files and events. What a
//! folder holds:
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | a record ([`FamilySpec`]) for each family of phones, with their names, syntax and limits, and what the phones call themselves ([`UserAgents`]) |
//! | `conduct.rs` | how phones behave, for people: what a 404 means to them, their macros, events, certificates and models ([`Conduct`]) |
//! | `profiles.rs` | how its phones want their files sealed, if they do |
//! | `lint.rs` | what is wrong with a file beyond its syntax |
//! | `templates/` | the templates that a tenant begins with |
//!
//! To add a vendor, write its folder and name its families, profiles and User-Agents here. A folder somewhere else is taken in
//! without a change to this one, when the environment variable `RINGFENCE_VENDORS` names the folder that it is in.

pub mod cisco;
pub mod conduct;
pub mod fanvil;
pub mod gigaset;
pub mod grandstream;
mod guess;
pub mod htek;
pub mod mitel;
pub mod obi;
mod others;
mod p_values;
pub mod panasonic;
mod pattern;
pub mod poly;
pub mod snom;
pub mod yealink;

pub use conduct::Conduct;
pub use guess::{Guess, guess};

use crate::family::{Duplicates, Family, Syntax};
use crate::format::{Examined, Finding};
use crate::kind::{FileKind, Form};
use crate::mac::Mac;
use crate::seal::{Grade, Profile, ProfileSpec};
use crate::url_template::{self, Macro as NameMacro, UrlTemplate};
use crate::vocabulary::Rule;
use thiserror::Error;

// The vendors whose folders are somewhere else.
include!(concat!(env!("OUT_DIR"), "/vendors.rs"));

/// The families of the vendors.
const OWN_FAMILIES: &[&[Family]] = &[
    &panasonic::FAMILIES,
    &grandstream::FAMILIES,
    &yealink::FAMILIES,
    &cisco::FAMILIES,
    &snom::FAMILIES,
    &poly::FAMILIES,
    &obi::FAMILIES,
    &fanvil::FAMILIES,
    &htek::FAMILIES,
    &gigaset::FAMILIES,
    &mitel::FAMILIES,
];

/// The sealing profiles of the vendors, the default of a family before its others.
const OWN_PROFILES: &[&[ProfileSpec]] = &[
    &panasonic::PROFILES,
    &grandstream::PROFILES,
    &cisco::PROFILES,
    &obi::PROFILES,
    &yealink::PROFILES,
];

/// Every family of every vendor.
pub const FAMILIES: [Family; count(OWN_FAMILIES) + count(OTHER_FAMILIES)] = {
    let mut all = [panasonic::UT; count(OWN_FAMILIES) + count(OTHER_FAMILIES)];
    let next = fill(&mut all, 0, OWN_FAMILIES);
    fill(&mut all, next, OTHER_FAMILIES);
    all
};

#[allow(clippy::indexing_slicing)]
const fn count(vendors: &[&[Family]]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < vendors.len() {
        count += vendors[at].len();
        at += 1;
    }
    count
}

/// Puts the families of vendors one after the other, from a place on; the place behind the last.
// Nothing goes out of bounds: `count` gave the array its length, and it would not compile.
#[allow(clippy::indexing_slicing)]
const fn fill(all: &mut [Family], from: usize, vendors: &[&[Family]]) -> usize {
    let (mut next, mut vendor) = (from, 0);
    while vendor < vendors.len() {
        let mut family = 0;
        while family < vendors[vendor].len() {
            all[next] = vendors[vendor][family];
            next += 1;
            family += 1;
        }
        vendor += 1;
    }
    next
}

/// Every sealing profile of every vendor, the default of a family before its others.
pub fn profiles() -> impl Iterator<Item = &'static ProfileSpec> {
    OWN_PROFILES.iter().chain(OTHER_PROFILES).copied().flatten()
}

/// What the phones of every vendor call themselves.
fn user_agents() -> impl Iterator<Item = &'static UserAgents> {
    OWN_USER_AGENTS
        .iter()
        .chain(OTHER_USER_AGENTS)
        .copied()
        .flatten()
}

const OWN_USER_AGENTS: &[&[UserAgents]] = &[
    &[panasonic::USER_AGENTS],
    &[grandstream::USER_AGENTS],
    &[htek::USER_AGENTS],
    &[yealink::USER_AGENTS],
    &[cisco::USER_AGENTS],
    &[snom::USER_AGENTS],
    &[poly::USER_AGENTS],
    &[obi::USER_AGENTS],
    &[fanvil::USER_AGENTS],
    &[gigaset::USER_AGENTS],
    &[mitel::USER_AGENTS],
    &others::USER_AGENTS,
];

/// The names of a tenant that gives none, in the order in which phones are told them.
pub const NAMES: &[(FileKind, Form, &str)] = panasonic::NAMES;

/// The settings that hold the text of the Event header that phones obey, the first that is there.
pub const EVENT_SETTINGS: &[&str] = panasonic::EVENT_SETTINGS;

/// The event for a device of whose family nothing is known.
pub const DEFAULT_EVENT: &str = panasonic::FETCH_EVENT;

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
    /// What may stand before or behind the name of a model on a label or in a User-Agent and is left out in names of files,
    /// in capitals and without dashes.
    pub model_affixes: &'static [&'static str],
    /// Phones of the same names whose older firmware reads files of another family.
    pub older: Option<&'static Older>,
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
    /// The one of them that is on unless an operator says otherwise: only one that
    /// [is sealing](crate::seal::Grade::is_sealing).
    pub default_profile: Option<&'static str>,
    /// The template that a tenant begins with, for each of its kinds.
    pub templates: &'static [(FileKind, &'static str)],
    /// Under which names its phones ask by themselves, if those are not [`NAMES`]. A tenant may give others.
    pub names: &'static [(FileKind, Form, &'static str)],
    /// Names that its phones ask for and that must never be there, lest they take what is served for something
    /// else. `*` stands for any text without a slash.
    pub never: &'static [&'static str],
    /// Whether a phone asks for its sealed file under the plain name, too.
    pub sealed_at_plain_name: bool,
    /// How a file that several of its phones get tells each of them the name of its own file; `None` where no such file does.
    pub told: Option<&'static Told>,
    /// Whether its phones refuse every certificate of a public authority, as far as sources lead to believe. Such a phone
    /// takes its sealed file over plain HTTP, where the tenant allows that, and could not follow a URL that names HTTPS.
    pub refuses_public_certificates: bool,
    /// What an operator types into a phone, or into what tells it: the name of each field as the vendor writes it,
    /// and its value, in which `<host>` and `<segment>` stand for those of the access path, and `<base>` for
    /// the URL that they make.
    pub typed: &'static [(&'static str, &'static str)],
    /// The event of a NOTIFY that makes its phones fetch their files, unless settings name another.
    pub fetch_event: &'static str,
    /// The event that makes its phones restart, where the vendor or those who run its phones name one. It is
    /// sent only if an operator asks for a restart.
    pub restart_event: Option<&'static str>,
    /// What is known of how its phones behave beside all that: for people alone.
    pub conduct: &'static Conduct,
    /// Where a bootstrap carries the key.
    pub key: KeyPlace,
    /// How its files say the settings of the [vocabulary](crate::vocabulary).
    pub vocabulary: &'static [Rule],
    /// What is wrong with a file beyond its syntax.
    pub lint: fn(&mut Examined<'_>),
}

/// How a file that several phones get tells each of them the name of its own file.
#[derive(Debug)]
pub struct Told {
    /// What its phones replace, for the macros of names that they have something for. Two macros that stand for one thing
    /// may be written alike: then nobody knows which of them the phones mean.
    pub macros: &'static [Written],
    /// Whether its phones look for their own file nowhere but in the folder of the file that tells them.
    pub in_its_folder: bool,
}

/// What phones replace by what a macro stands for.
#[derive(Debug)]
pub struct Written {
    /// The macro, as names have it.
    pub stands_for: NameMacro,
    /// How it is written for the phones.
    pub text: &'static str,
    /// How it is written before a letter, a digit or an underscore; `None` where that cannot be written.
    pub before_word: Option<&'static str>,
}

/// What phones replace wherever it stands.
pub const fn written(stands_for: NameMacro, text: &'static str) -> Written {
    Written {
        stands_for,
        text,
        before_word: Some(text),
    }
}

/// Why phones cannot be told a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Untold {
    /// They have nothing for a macro.
    #[error("{missing} is nothing that these phones put into a name themselves: use {known}")]
    Macro {
        /// The macro.
        missing: NameMacro,
        /// What they do put into names.
        known: String,
    },
    /// They would take what stands behind a macro for a part of it.
    #[error(
        "these phones take a letter, a digit or an underscore behind {0} for a part of the macro: write a dot, a dash or a slash there"
    )]
    Word(NameMacro),
    /// They are told the same as for another name.
    #[error(
        "whether these phones write their MAC in capitals is not known: give the name {0} beside it"
    )]
    Twin(String),
}

impl Told {
    /// A name as phones are told it, with what they replace.
    ///
    /// ```
    /// use ringfence_provision::url_template::UrlTemplate;
    /// use ringfence_provision::vendor::cisco;
    ///
    /// let told = cisco::SPA.spec().told.expect("by their rule");
    /// let name = |text: &str| told.name(&UrlTemplate::parse(text).expect("a name"));
    /// assert_eq!(name("{mac}.cfg").as_deref(), Ok("$MA.cfg"));
    /// assert_eq!(name("p/{MAC}x.cfg").as_deref(), Ok("p/$(MAU)x.cfg"));
    /// assert!(name("{mac}-{fwver}.cfg").is_err());
    /// ```
    ///
    /// # Errors
    /// The name has a macro that the phones have nothing for.
    pub fn name(&self, name: &UrlTemplate) -> Result<String, Untold> {
        let write = |wanted: NameMacro, next: Option<char>| {
            let found = self.of(wanted)?;
            let is_word = next.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
            match is_word {
                true => found.before_word,
                false => Some(found.text),
            }
        };
        name.written(write)
            .map_err(|missing| match self.of(missing) {
                Some(_) => Untold::Word(missing),
                None => Untold::Macro {
                    missing,
                    known: self.known(),
                },
            })
    }

    fn of(&self, wanted: NameMacro) -> Option<&Written> {
        self.macros.iter().find(|it| it.stands_for == wanted)
    }

    fn known(&self) -> String {
        let known = self.macros.iter().map(|it| it.stands_for.to_string());
        known.collect::<Vec<_>>().join(" or ")
    }

    /// The same, where the phones find their file whichever macro they mean: `names` are all that lead to it.
    ///
    /// # Errors
    /// The name has a macro that the phones have nothing for, or leads to another name, too.
    pub fn surely(&self, name: &UrlTemplate, names: &[UrlTemplate]) -> Result<String, Untold> {
        let told = self.name(name)?;
        for one in name.macros() {
            let text = self.of(one).map(|it| it.text);
            let alike = self.macros.iter();
            let alike = alike.filter(|it| it.stands_for != one && Some(it.text) == text);
            let missing = alike
                .map(|it| name.with(one, it.stands_for))
                .find(|twin| !names.contains(twin));
            if let Some(twin) = missing {
                return Err(Untold::Twin(twin.as_str().to_owned()));
            }
        }
        Ok(told)
    }
}

/// Firmware that reads files of another family.
#[derive(Debug)]
pub struct Older {
    /// The family of those files.
    pub family: Family,
    /// At which number of the version the comparison begins, counted from 0.
    pub from: usize,
    /// The first version that is not older, from that number on.
    pub below: &'static [u32],
}

impl Older {
    /// Whether a version is older. One that has no numbers there is not.
    ///
    /// ```
    /// use ringfence_provision::vendor::yealink;
    ///
    /// let older = yealink::STATIC.spec().older.expect("two generations");
    /// assert!(older.has("28.72.0.1"));
    /// assert!(!older.has("28.83.0.130"));
    /// assert!(!older.has("28"));
    /// ```
    pub fn has(&self, version: &str) -> bool {
        let numbers = version.split('.').skip(self.from);
        let numbers = numbers.map_while(|number| number.parse::<u32>().ok());
        let numbers: Vec<u32> = numbers.take(self.below.len()).collect();
        !numbers.is_empty() && *numbers < *self.below
    }
}

impl FamilySpec {
    /// A name as a file for several phones tells it to each of them; `None` where it cannot be told.
    pub fn told_name(&self, name: &UrlTemplate) -> Option<String> {
        match self.told {
            Some(told) => told.name(name).ok(),
            None => Some(name.with_phone_macros()),
        }
    }

    /// Whether a path, below the access path, is a name that must [never](Self::never) be there. The folders before
    /// it do not matter, for a phone may be given a folder to ask in.
    pub fn forbids(&self, path: &str) -> bool {
        if self.never.is_empty() {
            return false;
        }
        let Ok(path) = url_template::decode(path) else {
            return false;
        };
        self.never.iter().any(|pattern| {
            let folders = pattern.matches('/').count();
            let begin = path.rmatch_indices('/').nth(folders);
            let name = begin.map_or(Some(path.as_str()), |(at, _)| path.get(at + 1..));
            name.is_some_and(|name| fits(pattern, name))
        })
    }

    /// What two spellings of one model have in common: capitals and digits, without what may
    /// [stand around](Self::model_affixes) the name.
    fn bare_model(&self, name: &str) -> String {
        let signs = name.chars().filter(char::is_ascii_alphanumeric);
        let capitals: String = signs.map(|c| c.to_ascii_uppercase()).collect();
        let mut bare = capitals.as_str();
        for affix in self.model_affixes {
            bare = bare.strip_prefix(affix).unwrap_or(bare);
            bare = bare.strip_suffix(affix).unwrap_or(bare);
        }
        bare.to_owned()
    }

    /// Whether two names are spellings of one model: a phone calls itself otherwise than the file is named that it asks
    /// for.
    ///
    /// ```
    /// use ringfence_provision::vendor::cisco;
    ///
    /// assert!(cisco::SPA.spec().is_one_model("SPA508G", "spa508G"));
    /// assert!(cisco::MPP.spec().is_one_model("CP-8841-3PCC", "8841"));
    /// assert!(!cisco::MPP.spec().is_one_model("CP-8841-3PCC", "8851-3PCC"));
    /// ```
    pub fn is_one_model(&self, one: &str, other: &str) -> bool {
        self.bare_model(one) == self.bare_model(other)
    }
}

/// Whether a name fits a pattern in which `*` stands for any text. Takes as long as both are together at most once
/// for each `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, behind)) = left.split_once(piece) else {
            return false;
        };
        left = behind;
    }
    left.ends_with(last)
}

/// What the phones of a vendor call themselves in the header `User-Agent`. An operator of a phone may often
/// change it, so it is a hint and never a proof.
#[derive(Debug)]
pub struct UserAgents {
    /// The vendor, for people.
    pub vendor: &'static str,
    /// The vendor's families: the name of the model tells which it is.
    pub families: &'static [Family],
    /// How a User-Agent begins, with holes: `{model}`, `{firmware}`, `{mac}`, and `{}` for anything. A blank
    /// stands for several too, and letter case does not matter. The first one that fits counts.
    pub patterns: &'static [&'static str],
    /// The same without the vendor's name: one counts only where the model suggests a family of the vendor.
    pub bare_patterns: &'static [&'static str],
}

/// What the phones of a family's vendor call themselves.
fn agents_of(family: Family) -> Option<&'static UserAgents> {
    user_agents().find(|agents| agents.families.contains(&family))
}

/// The vendor of a family's phones, for people; the name of the family where no vendor is known.
pub fn of_family(family: Family) -> &'static str {
    agents_of(family).map_or(family.as_str(), |agents| agents.vendor)
}

/// What a family's phones call themselves: the patterns of their vendor.
pub fn patterns_of(family: Family) -> &'static [&'static str] {
    agents_of(family).map_or(&[], |agents| agents.patterns)
}

/// What a phone of a family calls itself, for whoever plays one; nothing where no vendor is known.
///
/// ```
/// use ringfence_provision::{family::Family, mac::Mac, vendor};
///
/// let mac = Mac::parse("0080F0C8C381")?;
/// let family = Family::guess("KX-UT113").expect("built in");
/// let agent = vendor::user_agent(family, "KX-UT113", mac).expect("built in");
/// assert_eq!(vendor::guess(&agent, "").mac, Some(mac));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn user_agent(family: Family, model: &str, mac: Mac) -> Option<String> {
    let pattern = agents_of(family)?.patterns.first()?;
    Some(
        pattern
            .replace("{model}", model)
            .replace("{firmware}", "1.00")
            .replace("{mac}", &mac.lower())
            .replace("{}", "1"),
    )
}

/// Where a bootstrap carries the device's key. Which parameter it is says the sealing profile.
#[derive(Debug)]
pub struct KeyPlace {
    /// What every parameter that holds a key begins with: no file may bring one of its own.
    pub prefix: &'static str,
    /// The elements that it stands in, in an XML file; or, where objects are named by a text in them, the object.
    pub groups: &'static [&'static str],
    /// A file of its own that carries the key, where phones ask for one before they ask for the sealed file.
    pub carrier: Option<&'static KeyCarrier>,
}

/// Makes the bytes of a [`KeyCarrier`] for a MAC, from names and values.
pub type WriteCarrier = fn(Mac, &[(&str, &str)]) -> Result<Vec<u8>, Finding>;

/// A file that carries a device's key and little more, in a format of its own. A phone that asks for one, and then
/// for its sealed file in the same run, has no need of a bootstrap with everything in it. Both are the one plaintext
/// of an arming: whichever is asked for first is the bootstrap.
#[derive(Debug)]
pub struct KeyCarrier {
    /// What tells its names from those of the standard file: their extensions, an empty one where there is none.
    pub extensions: &'static [&'static str],
    /// The parameter of the key.
    pub key: &'static str,
    /// Parameters of the device's file that go along.
    pub along: &'static [Along],
    /// Parameters that a phone needs beside those.
    pub extras: &'static [Extra],
    /// The bytes of the file for a device, from names and values.
    ///
    /// # Errors
    /// A finding about a value that cannot be written, without the value.
    pub write: WriteCarrier,
}

/// A parameter of the device's file that goes into a [`KeyCarrier`], too.
#[derive(Debug)]
pub struct Along {
    /// Its path in the device's file.
    pub path: &'static str,
    /// Its name in the carrier.
    pub name: &'static str,
    /// What its values become there, where they are other ones. One that is not among them is left out.
    pub words: &'static [(&'static str, &'static str)],
}

/// A parameter of a [`KeyCarrier`] that the device's file does not have.
#[derive(Debug)]
pub struct Extra {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: &'static str,
    /// The setting that overrules the value.
    pub setting: &'static str,
}

impl KeyCarrier {
    /// Whether a name, or a template of names, is one of the carrier's.
    pub fn is_at(&self, name: &str) -> bool {
        let file = name.rsplit('/').next().unwrap_or(name);
        self.extensions.contains(&crate::serving::extension(file))
    }
}

/// Whether a setting is one that a [`KeyCarrier`] reads.
pub fn is_read_by_carrier(setting: &str) -> bool {
    let carriers = Family::ALL.into_iter().filter_map(Family::carrier);
    carriers
        .flat_map(|carrier| carrier.extras)
        .any(|extra| extra.setting == setting)
}

/// A profile by its name.
pub fn profile(name: &str) -> Option<Profile> {
    let spec = profiles().find(|spec| spec.name == name)?;
    Some(spec.profile())
}

/// What a profile is worth, by its name.
pub fn grade(name: &str) -> Option<Grade> {
    let spec = profiles().find(|spec| spec.name == name)?;
    Some(spec.grade)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name) in [
            ("a.boot", "a.boot"),
            ("*.boot", ".boot"),
            ("*.boot", "a.boot"),
            ("factory*.bin", "factory0001.bin"),
            ("*-phone*.cfg", "a-phone-b.cfg"),
            ("*", ""),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("a.boot", "b.boot"),
            ("*.boot", "a.boots"),
            ("a*a", "a"),
            ("factory*.bin", "factory.bi"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn folders_before_a_forbidden_name_do_not_make_it_another() {
        let yealink = super::yealink::STATIC.spec();
        for path in ["a.boot", "x/a.boot", "a%2Eboot", "x/y/001565aabbcc.boot"] {
            assert!(yealink.forbids(path), "{path}");
        }
        for path in ["a.cfg", "a.boot/b.cfg", "a.boot?", ""] {
            assert!(!yealink.forbids(path), "{path}");
        }
        let n510 = super::gigaset::N510.spec();
        for path in ["42/2/master.bin", "phones/42/2/master.bin"] {
            assert!(n510.forbids(path), "{path}");
        }
        for path in ["2/master.bin", "master.bin", "142/2/master.bin"] {
            assert!(!n510.forbids(path), "{path}");
        }
    }

    #[test]
    fn no_family_asks_at_a_name_that_must_never_be_there() {
        for family in crate::family::Family::ALL {
            for (_, _, name) in family.spec().names {
                assert!(!family.spec().forbids(name), "{family:?} {name}");
            }
        }
    }

    #[test]
    fn every_family_says_what_is_typed_into_its_phones() {
        for family in crate::family::Family::ALL {
            let typed = family.spec().typed;
            let values: String = typed
                .iter()
                .map(|(_, value)| value.replace("<base>", "<host><segment>"))
                .collect();
            assert!(
                values.contains("<host>") && values.contains("<segment>"),
                "{}",
                family.as_str()
            );
            for (field, value) in typed {
                let left = ["<base>", "<host>", "<segment>"]
                    .iter()
                    .fold((*value).to_owned(), |left, known| left.replace(known, ""));
                assert!(!field.is_empty() && !left.contains(['<', '>']), "{field}");
            }
        }
    }
}
