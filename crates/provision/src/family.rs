//! The families of phones: which there are, and what their records say.
//!
//! The records are data of their vendors' folders ([`crate::vendor`]).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::format::MAX_VALUE;
use crate::kind::FileKind;
use crate::vendor::{FAMILIES, FamilySpec, KeyCarrier};

/// How many settings a layer may have for phones whose files need no more.
pub const MAX_SETTINGS: usize = 1_000;

/// The syntax of a family's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `NAME="value"` lines.
    Text,
    /// Lines of a name and a value, without quotes.
    Lines,
    /// Elements.
    Xml,
}

/// The syntax of a family's files, with what in it is the family's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `NAME="value"` lines.
    Text {
        /// What the first line of a file must start with; a phone drops a whole file without it.
        magic: &'static str,
        /// The whole first line as the writer puts it, without its line end.
        magic_line: &'static str,
    },
    /// Lines of a name and a value, without quotes.
    Lines(LineSyntax),
    /// Elements.
    Xml(XmlSyntax),
}

/// What in lines without quotes is the family's own. A comment begins with `#`, at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSyntax {
    /// The first line; empty where there is none that a phone asks for.
    pub magic_line: &'static str,
    /// What separates a name from its value: the character, without the blanks beside it.
    pub separator: char,
    /// The same as it is written.
    pub written: &'static str,
    /// The characters of names beside ASCII letters and digits.
    pub name_characters: &'static [char],
    /// Characters that a value cannot have: there is no way to write them.
    pub refused: &'static [char],
    /// What to do about one of them, in a sentence.
    pub refused_help: &'static str,
    /// Parameters that may stand in a file more than once, each time for something else.
    pub repeatable: &'static [&'static str],
    /// The modules that parameters stand in, where phones want any. The first line then goes on with what the
    /// operator likes, such as a version.
    pub modules: Option<Modules>,
}

/// The modules of a file of lines: `<NAME>` begins one, `--NAME--` a group in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modules {
    /// Their names.
    pub known: &'static [&'static str],
    /// What ends the file.
    pub last_line: &'static str,
    /// How many characters the first line has: blanks fill it up.
    pub first_line: usize,
    /// Where the separator stands: behind a name, and behind one whose first word ends with a number of its own.
    pub columns: (usize, usize),
}

/// What in an XML file is the family's own. A parameter is an element that holds a value, a group one that
/// holds elements; which of them an element is tells its name, also in a file that is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlSyntax {
    /// Where a parameter stands.
    pub style: XmlStyle,
    /// The outermost element.
    pub root: &'static str,
    /// The groups below the outermost element, where everything else is a parameter. `None`: parameters have
    /// names in capitals, and all else is a group, and so is what `attributes` names.
    pub groups: Option<&'static [&'static str]>,
    /// Elements that hold a value although their names have small letters.
    pub values: &'static [&'static str],
    /// Attributes of groups: the element, the attribute, and whether its value is a number that counts
    /// such elements. The name of the attribute is empty where a group has none.
    pub attributes: &'static [(&'static str, &'static str, bool)],
    /// Attributes of parameters, each with the values that it may have; none: any.
    pub parameter_attributes: &'static [(&'static str, &'static [&'static str])],
    /// Which attributes there are, in a sentence for who wrote another.
    pub attributes_help: &'static str,
}

/// Where in an XML file a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlStyle {
    /// An element: its name and its text. What tells elements of one name apart is a part of its path.
    Elements {
        /// The attribute that tells elements of one name apart, or the element in them that does.
        index: &'static str,
    },
    /// An attribute of any element, whose own name does not matter. So the outermost one may be called
    /// otherwise than [`XmlSyntax::root`]: the vendor's rules look at it, by the kind of the file.
    Attributes,
    /// An element of one name for all, whose attributes are name and value.
    Named {
        /// The element.
        element: &'static str,
        /// The attribute that is the parameter's name.
        name: &'static str,
        /// The attribute that is its value.
        value: &'static str,
    },
    /// The same in ASCII, for phones whose reader is none of XML: they know no references such as `&amp;`. A text
    /// has double quotes of its own, so that values stand between apostrophes; a number has none.
    Quoted {
        /// The element.
        element: &'static str,
        /// The attribute that is the parameter's name.
        name: &'static str,
        /// The attribute that is its value.
        value: &'static str,
    },
    /// An element of one name for all, with an attribute that is the parameter's name, and the value as its text.
    /// Where it has elements in it instead, its name and theirs are put together, with a full stop between them.
    Items {
        /// The element.
        element: &'static str,
        /// The elements in it.
        part: &'static str,
        /// The attribute that is a name.
        name: &'static str,
    },
    /// Two elements beside each other, of which one is the name and the other the value. The name that stands
    /// beside an enclosing element goes before it.
    Pairs {
        /// The element that is a name.
        name: &'static str,
        /// The element that is its value.
        value: &'static str,
        /// The elements that enclose them: of an object, whose name is a text too, and in it of a parameter.
        groups: [&'static str; 2],
    },
}

/// Which of two equal parameters in one file a phone obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Duplicates {
    /// The phone obeys the first parameter in the file.
    FirstWins,
    /// The phone obeys the last parameter in the file.
    LastWins,
    /// No guide says which parameter the phone obeys, so that a file in which the two differ is refused.
    Unstated,
}

/// What no value in a family's files can be, by their syntax. Control characters are refused in every syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refused {
    /// The characters that no value can have.
    pub characters: &'static [char],
    /// Whether no value can have a character beyond ASCII.
    pub beyond_ascii: bool,
    /// Whether no value can begin or end with a blank.
    pub blanks_at_ends: bool,
    /// How many characters the longest value has; null where no value is refused for its length.
    pub longest: Option<usize>,
}

/// Phones that share a format, its limits and its rules. In JSON and in storage it is the family's
/// [word](FamilySpec::id).
#[derive(Clone, Copy)]
pub struct Family(&'static FamilySpec);

impl Family {
    /// Every family.
    pub const ALL: [Self; FAMILIES.len()] = FAMILIES;

    /// The family of a record.
    pub const fn new(spec: &'static FamilySpec) -> Self {
        Self(spec)
    }

    /// Its record.
    pub fn spec(self) -> &'static FamilySpec {
        self.0
    }

    /// The word used in the API and in storage.
    pub fn as_str(self) -> &'static str {
        self.0.id
    }

    /// The family that [`as_str`](Self::as_str) names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }

    /// The family that a model name suggests, for a form to fill in; an operator may say otherwise.
    /// Regional suffixes and case do not matter.
    pub fn guess(model: &str) -> Option<Self> {
        Self::guess_among(Self::ALL, model)
    }

    /// The same, among some families.
    pub fn guess_among(families: impl IntoIterator<Item = Self>, model: &str) -> Option<Self> {
        let model = model.trim().to_ascii_uppercase();
        let fitting = families.into_iter().flat_map(|family| {
            let prefixes = family.0.model_prefixes.iter();
            prefixes.map(move |prefix| (prefix, family))
        });
        fitting
            .filter(|(prefix, _)| model.starts_with(**prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, family)| family)
    }

    /// The syntax of its files.
    pub fn format(self) -> Format {
        match self.0.syntax {
            Syntax::Text { .. } => Format::Text,
            Syntax::Lines(_) => Format::Lines,
            Syntax::Xml(_) => Format::Xml,
        }
    }

    /// What the first line of a file must start with; a phone drops a whole file without it. `None` for
    /// XML.
    pub fn magic(self) -> Option<&'static str> {
        match self.0.syntax {
            Syntax::Text { magic, .. } => Some(magic),
            Syntax::Lines(lines) if !lines.magic_line.is_empty() => Some(lines.magic_line),
            Syntax::Lines(_) | Syntax::Xml(_) => None,
        }
    }

    /// The whole first line as the writer puts it, without its line end. `None` for XML.
    pub fn magic_line(self) -> Option<&'static str> {
        match self.0.syntax {
            Syntax::Text { magic_line, .. } => Some(magic_line),
            Syntax::Lines(_) | Syntax::Xml(_) => self.magic(),
        }
    }

    /// The outermost element of its files; empty where they are no XML.
    pub fn root(self) -> &'static str {
        match self.0.syntax {
            Syntax::Text { .. } | Syntax::Lines(_) => "",
            Syntax::Xml(xml) => xml.root,
        }
    }

    /// What in its XML files is its own; `None` of a family without XML.
    pub fn xml(self) -> Option<&'static XmlSyntax> {
        match &self.0.syntax {
            Syntax::Xml(xml) => Some(xml),
            Syntax::Text { .. } | Syntax::Lines(_) => None,
        }
    }

    /// How large all files of one device may be together, in bytes.
    pub fn total_limit(self) -> usize {
        self.0.total_limit
    }

    /// How many settings a layer may have for its phones.
    pub fn settings_limit(self) -> usize {
        self.0.settings_limit
    }

    /// Which of two equal parameters in one file its phones obey.
    pub fn duplicate_rule(self) -> Duplicates {
        self.0.duplicates
    }

    /// What no value in its files can be, by their syntax.
    ///
    /// ```
    /// use ringfence_provision::family::Family;
    ///
    /// let family = Family::guess("KX-HDV230").expect("built in");
    /// assert_eq!(family.refused().characters, ['"']);
    /// ```
    pub fn refused(self) -> Refused {
        let any = Refused {
            characters: &[],
            beyond_ascii: false,
            blanks_at_ends: false,
            longest: None,
        };
        match self.0.syntax {
            Syntax::Text { .. } => Refused {
                characters: &['"'],
                longest: Some(MAX_VALUE),
                ..any
            },
            Syntax::Lines(lines) => Refused {
                characters: lines.refused,
                blanks_at_ends: true,
                ..any
            },
            Syntax::Xml(XmlSyntax {
                style: XmlStyle::Quoted { .. },
                ..
            }) => Refused {
                characters: &['"', '\'', '&', '<', '>'],
                beyond_ascii: true,
                ..any
            },
            Syntax::Xml(_) => any,
        }
    }

    /// The kinds of file that its phones ask for, the nearest to the device first.
    pub fn kinds(self) -> &'static [FileKind] {
        self.0.kinds
    }

    /// The template of a kind of file, until an operator writes another; empty where its phones ask for
    /// no such file.
    pub fn template(self, kind: FileKind) -> &'static str {
        let found = self.0.templates.iter().find(|(of, _)| *of == kind);
        found.map_or("", |(_, source)| source)
    }

    /// Whether its phones can read a file that is written for another family: the same syntax with the
    /// same first line. A parameter that a phone does not know is passed over.
    pub fn reads_files_of(self, other: Self) -> bool {
        self.format() == other.format()
            && self.magic() == other.magic()
            && self.root() == other.root()
    }

    /// The names of the built-in sealing profiles that go with its phones.
    pub fn profiles(self) -> impl Iterator<Item = &'static str> {
        self.0.profiles.iter().copied()
    }

    /// The file that carries the key to its phones, if they ask for one.
    pub fn carrier(self) -> Option<&'static KeyCarrier> {
        self.0.key.carrier
    }

    /// Whether a name of its standard file, or a template of names, is one of the file that carries the key.
    pub fn carries_key_at(self, name: &str) -> bool {
        self.carrier().is_some_and(|carrier| carrier.is_at(name))
    }

    /// The name of the sealing profile that is on unless an operator says otherwise: only a family whose
    /// cipher is published has one.
    pub fn default_profile_name(self) -> Option<&'static str> {
        self.0.default_profile
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Family {}

impl Hash for Family {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Family {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Family {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Family {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| {
            let words = format!("one of {}", Self::ALL.map(Self::as_str).join(", "));
            // What somebody wrote is not repeated: it may have landed here by a slip.
            D::Error::invalid_value(Unexpected::Other("no family"), &words.as_str())
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Family {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Family".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = |family: Self| {
            schemars::json_schema!({
                "description": family.0.phones,
                "type": "string",
                "const": family.as_str(),
            })
        };
        schemars::json_schema!({
            "description": "Phones that share a format, its limits and its rules.",
            "oneOf": Self::ALL.map(one),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::vendor::panasonic::{HDV, TGP500, UDS124, UT, UTG};

    #[test]
    fn a_word_names_its_family_in_storage_too() {
        for family in Family::ALL {
            assert_eq!(Family::parse(family.as_str()), Some(family));
            let json = serde_json::to_string(&family).unwrap();
            assert_eq!(json, format!("\"{}\"", family.as_str()));
        }
        assert_eq!(Family::parse("UTG"), None);
    }

    #[test]
    fn a_model_name_suggests_its_family() {
        for (model, family) in [
            ("KX-UT113", Some(UT)),
            ("KX-UT670NE", Some(UT)),
            ("KX-UTG300B", Some(UTG)),
            ("kx-hdv130n", Some(HDV)),
            ("KX-UDS124CE", Some(UDS124)),
            ("KX-TGP500B09", Some(TGP500)),
            ("KX-TGP600", Some(HDV)),
            ("Toaster 3000", None),
            ("", None),
        ] {
            assert_eq!(Family::guess(model), family, "{model}");
        }
    }

    #[test]
    fn magic_lines_have_the_lengths_of_the_guides() {
        assert_eq!(UT.magic().unwrap().len(), 44);
        for family in Family::ALL {
            let starts = family
                .magic_line()
                .is_none_or(|line| line.starts_with(family.magic().unwrap()));
            assert!(starts, "{family:?}");
            // Of lines without quotes not every maker asks for a first one.
            match family.format() {
                Format::Text => assert!(family.magic().is_some(), "{family:?}"),
                Format::Lines => {}
                Format::Xml => assert!(family.magic().is_none(), "{family:?}"),
            }
        }
    }

    #[test]
    fn a_profile_goes_with_its_family() {
        for family in Family::ALL {
            let named: Vec<&str> = family.profiles().collect();
            let own = family.default_profile_name();
            assert!(own.is_none_or(|own| named.contains(&own)), "{family:?}");
            // Of these no cipher is published, or no way to hand out its key is known.
            let open = [
                "fanvil",
                "fanvil-text",
                "fanvil-x",
                "gigaset",
                "gigaset-n510",
                "gigaset-n720",
                "htek",
                "htek-u",
                "mitel",
                "poly",
                "snom",
                "snom-m",
            ];
            let sealed = !open.contains(&family.as_str());
            assert_eq!(!named.is_empty(), sealed, "{family:?}");
        }
        assert!(HDV.profiles().eq(["e2c", "e3c"]));
        assert!(UTG.profiles().all(|name| name.starts_with("utg-")));
    }

    #[test]
    fn families_of_one_syntax_and_first_line_read_each_others_files() {
        assert!(UDS124.reads_files_of(HDV));
        assert!(!UTG.reads_files_of(HDV));
        assert!(!TGP500.reads_files_of(HDV));
        assert!(TGP500.reads_files_of(TGP500));
    }

    #[test]
    fn only_the_base_station_asks_for_a_system_file() {
        for family in Family::ALL {
            let system = family.kinds().contains(&FileKind::System);
            assert_eq!(system, family == UDS124);
        }
    }
}
