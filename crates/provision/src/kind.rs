//! What a phone downloads, and in which form.

use serde::{Deserialize, Serialize};

/// The kind of a provisioning file, by whom it is for.
///
/// A phone asks for the initial file first; that names the others. Which file counts where two files set the same
/// parameter is a matter of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FileKind {
    /// The initial file names the other files and the root certificates; a phone fetches it from
    /// the provisioning URL.
    Initial,
    /// A standard file is for one device, by its MAC.
    Standard,
    /// A product file is for the phones of one model.
    Product,
    /// A master file is for all devices of a tenant.
    Master,
    /// A system file is for all devices behind one base, of a family that has such bases.
    System,
}

impl FileKind {
    /// Every kind, from the nearest to the device to the farthest; the initial file first.
    pub const ALL: [Self; 5] = [
        Self::Initial,
        Self::Standard,
        Self::Product,
        Self::Master,
        Self::System,
    ];

    /// The word used in URLs of the API, in storage and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Standard => "standard",
            Self::Product => "product",
            Self::Master => "master",
            Self::System => "system",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether a name serves a file as it is or encrypted with the device's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Form {
    /// The file is served as the phone reads it.
    Plain,
    /// The file is served encrypted with the device's key.
    Sealed,
}

impl Form {
    /// The word used in storage and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Sealed => "sealed",
        }
    }
}
