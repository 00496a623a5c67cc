//! The families of phones and the rules each has for its files.
//!
//! The rules are data: a parser, a lint or a writer asks the family instead of knowing model
//! names. What the guides do not state says so (`Unstated`, `None`) instead of guessing.

use serde::{Deserialize, Serialize};

use crate::kind::FileKind;
use crate::seal::Profile;

/// The syntax of a family's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `NAME="value"` lines.
    Text,
    /// `<PANASIPPhoneConfig>`.
    Xml,
}

/// Which of two equal parameters in one file a phone obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The first in the file.
    FirstWins,
    /// The last in the file.
    LastWins,
    /// The guide does not say: a file must not rely on either.
    Unstated,
}

/// Phones that share a format, its limits and its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Family {
    /// KX-UT1xx, KX-UT248, KX-UT670.
    Ut,
    /// KX-UDS124, a base station for cordless phones: one more kind of file, larger files.
    Uds124,
    /// KX-TGP500 and KX-TGP550, whose magic line differs.
    Tgp500,
    /// KX-UTG200 and KX-UTG300: XML, and the only family whose cipher is published.
    Utg,
    /// KX-HDV1xx to 4xx, KX-TGP600 and KX-TGP700.
    Hdv,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 5] = [Self::Ut, Self::Uds124, Self::Tgp500, Self::Utg, Self::Hdv];

    /// The word used in the API and in storage; the same as serde's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ut => "ut",
            Self::Uds124 => "uds124",
            Self::Tgp500 => "tgp500",
            Self::Utg => "utg",
            Self::Hdv => "hdv",
        }
    }

    /// The family that [`as_str`](Self::as_str) names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }

    /// The family that a model name suggests, for a form to fill in; an operator may say
    /// otherwise. Regional suffixes (`KX-HDV130N`) and case do not matter.
    pub fn guess(model: &str) -> Option<Self> {
        // A longer prefix goes before the one that it begins with.
        const PREFIXES: [(&str, Family); 7] = [
            ("KX-UTG", Family::Utg),
            ("KX-UT", Family::Ut),
            ("KX-UDS", Family::Uds124),
            ("KX-TGP5", Family::Tgp500),
            ("KX-TGP6", Family::Hdv),
            ("KX-TGP7", Family::Hdv),
            ("KX-HDV", Family::Hdv),
        ];
        let model = model.trim().to_ascii_uppercase();
        PREFIXES
            .iter()
            .find(|(prefix, _)| model.starts_with(prefix))
            .map(|(_, family)| *family)
    }

    /// The syntax of its files.
    pub fn format(self) -> Format {
        match self {
            Self::Utg => Format::Xml,
            Self::Ut | Self::Uds124 | Self::Tgp500 | Self::Hdv => Format::Text,
        }
    }

    /// What the first line of a file must start with; a phone drops a whole file without it.
    /// `None` for XML.
    pub fn magic(self) -> Option<&'static str> {
        match self {
            Self::Ut | Self::Uds124 | Self::Hdv => {
                Some("# Panasonic SIP Phone Standard Format File #")
            }
            Self::Tgp500 => Some("# PCC Standard Format File #"),
            Self::Utg => None,
        }
    }

    /// The whole first line as the writer puts it, without its line end. `None` for XML.
    pub fn magic_line(self) -> Option<&'static str> {
        match self {
            Self::Ut | Self::Uds124 | Self::Hdv => {
                Some("# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!")
            }
            Self::Tgp500 | Self::Utg => self.magic(),
        }
    }

    /// How large all files of one device may be together, in bytes.
    ///
    /// The guides say "120 KB" (KX-UDS124: "2040 KB"); a KB is taken as 1024 bytes. The guide of
    /// KX-UTG prints no limit of its own and gets the smaller one.
    pub fn total_limit(self) -> usize {
        match self {
            Self::Uds124 => 2040 * 1024,
            Self::Ut | Self::Tgp500 | Self::Utg | Self::Hdv => 120 * 1024,
        }
    }

    /// How many settings a layer may have for its phones. A KX-UDS124 has 255 handsets: nineteen
    /// for each of them, and some more. Its file has room for them three times over.
    pub fn settings_limit(self) -> usize {
        match self {
            Self::Uds124 => 5_000,
            Self::Ut | Self::Tgp500 | Self::Utg | Self::Hdv => 1_000,
        }
    }

    /// Which of two equal parameters in one file its phones obey.
    pub fn duplicate_rule(self) -> Duplicates {
        match self {
            Self::Ut | Self::Uds124 | Self::Tgp500 => Duplicates::FirstWins,
            Self::Utg => Duplicates::LastWins,
            Self::Hdv => Duplicates::Unstated,
        }
    }

    /// The kinds of file that its phones ask for, the nearest to the device first.
    pub fn kinds(self) -> &'static [FileKind] {
        match self {
            Self::Uds124 => &FileKind::ALL,
            Self::Ut | Self::Tgp500 | Self::Utg | Self::Hdv => &[
                FileKind::Initial,
                FileKind::Standard,
                FileKind::Product,
                FileKind::Master,
            ],
        }
    }

    /// Whether its phones can read a file that is written for another family: the same syntax with
    /// the same first line. A parameter that a phone does not know is passed over.
    pub fn reads_files_of(self, other: Self) -> bool {
        self.format() == other.format() && self.magic() == other.magic()
    }

    /// The names of the built-in sealing profiles that go with its phones.
    pub fn profiles(self) -> impl Iterator<Item = &'static str> {
        Profile::BUILTIN
            .into_iter()
            .filter(move |profile| match self {
                Self::Utg => profile.starts_with("utg-"),
                Self::Hdv => matches!(*profile, "e2c" | "e3c"),
                Self::Ut | Self::Uds124 | Self::Tgp500 => profile.starts_with('e'),
            })
    }

    /// The name of the sealing profile that is on unless an operator says otherwise: only a
    /// family whose cipher is published has one.
    pub fn default_profile_name(self) -> Option<&'static str> {
        match self {
            Self::Utg => Some("utg-128"),
            Self::Ut | Self::Uds124 | Self::Tgp500 | Self::Hdv => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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
            ("KX-UT113", Some(Family::Ut)),
            ("KX-UT670NE", Some(Family::Ut)),
            ("KX-UTG300B", Some(Family::Utg)),
            ("kx-hdv130n", Some(Family::Hdv)),
            ("KX-UDS124CE", Some(Family::Uds124)),
            ("KX-TGP500B09", Some(Family::Tgp500)),
            ("KX-TGP600", Some(Family::Hdv)),
            ("SPA504G", None),
            ("", None),
        ] {
            assert_eq!(Family::guess(model), family, "{model}");
        }
    }

    #[test]
    fn magic_lines_have_the_lengths_of_the_guides() {
        assert_eq!(Family::Ut.magic().unwrap().len(), 44);
        for family in Family::ALL {
            let starts = family
                .magic_line()
                .is_none_or(|line| line.starts_with(family.magic().unwrap()));
            assert!(starts, "{family:?}");
            assert_eq!(family.magic().is_none(), family.format() == Format::Xml);
        }
    }

    #[test]
    fn a_profile_goes_with_its_family() {
        for family in Family::ALL {
            let named: Vec<&str> = family.profiles().collect();
            let own = family.default_profile_name();
            assert!(own.is_none_or(|own| named.contains(&own)), "{family:?}");
            assert!(!named.is_empty(), "{family:?}");
        }
        assert!(Family::Hdv.profiles().eq(["e2c", "e3c"]));
        assert!(Family::Utg.profiles().all(|name| name.starts_with("utg-")));
    }

    #[test]
    fn families_of_one_syntax_and_first_line_read_each_others_files() {
        assert!(Family::Uds124.reads_files_of(Family::Hdv));
        assert!(!Family::Utg.reads_files_of(Family::Hdv));
        assert!(!Family::Tgp500.reads_files_of(Family::Hdv));
        assert!(Family::Tgp500.reads_files_of(Family::Tgp500));
    }

    #[test]
    fn only_the_base_station_asks_for_a_system_file() {
        for family in Family::ALL {
            let system = family.kinds().contains(&FileKind::System);
            assert_eq!(system, family == Family::Uds124);
        }
    }
}
