//! What a column of a file means.

use ringfence_provision::layers::check_name;
use ringfence_provision::vocabulary;

use crate::cell::is_secret_name;
use crate::error::{FileError, MeaningError};

/// What an operator says a column means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Mac,
    Model,
    /// The family of the model, where its name does not tell.
    Family,
    /// The name of a site.
    Site,
    Label,
    /// Names of secrets that the device has, without their values.
    Secrets,
    /// A setting of the device.
    Setting {
        name: String,
        secret: bool,
    },
    Ignore,
}

/// A column as rows are read by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Given(Target),
    /// A model behind the folder of its vendor, as PBXs name their templates.
    Template,
    /// A part of the name of whoever has the phone: its label, and the name that others see.
    Person,
    /// A setting of a line, by the number of its group of columns.
    Line {
        part: &'static str,
        group: u16,
    },
    /// The number that the line of a group of columns has.
    LineNumber {
        group: u16,
    },
}

impl Meaning {
    /// What no two columns may mean, in words; nothing where several may.
    pub(crate) fn alone(&self) -> Option<String> {
        Some(match self {
            Self::Given(Target::Mac) => "the MAC".to_owned(),
            Self::Given(Target::Model) | Self::Template => "the model".to_owned(),
            Self::Given(Target::Family) => "the family".to_owned(),
            Self::Given(Target::Site) => "the site".to_owned(),
            Self::Given(Target::Label) => "the label".to_owned(),
            Self::Given(Target::Setting { name, .. }) => format!("the setting {name}"),
            Self::Line { part, group } => format!("the setting {part} of line {group}"),
            Self::LineNumber { group } => format!("the number of line {group}"),
            Self::Given(Target::Secrets | Target::Ignore) | Self::Person => return None,
        })
    }
}

impl Target {
    /// A setting, which is a secret if its name says so.
    pub(crate) fn setting(name: &str) -> Self {
        Self::Setting {
            secret: is_secret_name(name),
            name: name.to_owned(),
        }
    }

    /// Reads what an operator or the header of a table of our own calls it. `Ok(None)`: it is nothing that we know.
    ///
    /// # Errors
    /// The word says that the column is a setting, and its name is none.
    pub fn parse(word: &str) -> Result<Option<Self>, MeaningError> {
        let word = word.trim();
        let checked = |name: &str, secret: bool| match check_name(name) {
            Ok(()) => Ok(Some(Self::Setting {
                secret: secret || is_secret_name(name),
                name: name.to_owned(),
            })),
            Err(_) => Err(MeaningError::SettingName),
        };
        if let Some(name) = word.strip_prefix("setting:") {
            return checked(name, false);
        }
        if let Some(name) = word.strip_prefix("secret:") {
            return checked(name, true);
        }
        let small = word.to_ascii_lowercase();
        Ok(Some(match small.as_str() {
            "mac" => Self::Mac,
            "model" => Self::Model,
            "family" => Self::Family,
            "site" => Self::Site,
            "label" => Self::Label,
            "secrets" => Self::Secrets,
            "ignore" => Self::Ignore,
            name if vocabulary::find(name).is_some() => Self::setting(name),
            _ => return Ok(None),
        }))
    }
}

/// What an operator says the columns of a file mean: their names, and ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Their name in small letters, what it means, and the line that says so.
    pub(crate) columns: Vec<(String, Target, usize)>,
}

/// The most lines of a mapping; a text with more lines is no mapping.
const MAX_MAPPED: usize = 1_000;

impl Mapping {
    /// Reads `theirs=ours`, one a line; empty lines are passed over.
    ///
    /// # Errors
    /// A line is something else.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let mut columns = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let (number, line) = (at + 1, line.trim());
            if line.is_empty() {
                continue;
            }
            let (theirs, ours) = line.rsplit_once('=').ok_or(FileError::Mapping(number))?;
            if theirs.trim().is_empty() || at >= MAX_MAPPED {
                return Err(FileError::Mapping(number));
            }
            let target = Target::parse(ours)
                .and_then(|target| target.ok_or(MeaningError::Unknown))
                .map_err(|why| FileError::Meaning { line: number, why })?;
            columns.push((theirs.trim().to_lowercase(), target, number));
        }
        Ok(Self { columns })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_mapping_says_what_their_columns_are() {
        let mapping = Mapping::parse(
            "Hardware=mac\n\n a = b = line_2_user\nPIN=secret:door_pin\nx=setting:NTP",
        )
        .unwrap();
        let targets: Vec<_> = mapping
            .columns
            .iter()
            .map(|(name, target, line)| (name.as_str(), target.clone(), *line))
            .collect();
        let setting = |name: &str, secret| Target::Setting {
            name: name.into(),
            secret,
        };
        assert_eq!(
            targets,
            [
                ("hardware", Target::Mac, 1),
                ("a = b", setting("line_2_user", false), 3),
                ("pin", setting("door_pin", true), 4),
                ("x", setting("NTP", false), 5),
            ]
        );
        assert_eq!(Mapping::parse("mac"), Err(FileError::Mapping(1)));
        assert_eq!(Mapping::parse("\n=mac"), Err(FileError::Mapping(2)));
        assert!(matches!(
            Mapping::parse("a=extension"),
            Err(FileError::Meaning { line: 1, .. })
        ));
        assert!(matches!(
            Mapping::parse("a=setting:no name"),
            Err(FileError::Meaning { .. })
        ));
    }
}
