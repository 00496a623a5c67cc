//! Why a file cannot be rendered.

use thiserror::Error;

use super::guard::{MAX_NESTING, MAX_SOURCE_LEN, MAX_TAG_LEN};
use crate::format::EscapeError;
use crate::layers::Layer;

/// Why a file cannot be rendered. Lines are those of the template, counted from 1; no message
/// shows the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RenderError {
    /// A variable that no layer sets, or that does not exist in this kind of file.
    #[error("{file}, line {line}: {variable} {}", unknown(variable, layers))]
    UnknownVariable {
        /// The variable, as `NAME`, `device.mac` or `urls.product`.
        variable: String,
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The layers searched, in this order; none for `device.…` and `urls.…`.
        layers: Vec<Layer>,
    },
    /// A value that the format cannot hold.
    #[error(
        "{file}, line {line}: {} cannot be written here: {reason}",
        named(variables)
    )]
    Unrepresentable {
        /// The settings that the value is made of; none for a value of the template's own.
        variables: Vec<String>,
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What the format cannot hold.
        reason: EscapeError,
    },
    /// A value that a setting of the vocabulary cannot have, or not for phones of the family.
    #[error("{file}: {setting}: {reason}")]
    Setting {
        /// The setting.
        setting: String,
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// A list, a truth value or the like, where a text or a number should be.
    #[error(
        "{file}, line {line}: a {found} is not a value for a parameter; write a text or a number"
    )]
    NotText {
        /// What it is.
        found: String,
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// The template is not well-formed.
    #[error("{file}, line {line}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// Something of Jinja's that templates for phones do without.
    #[error(
        "{file}, line {line}: {what:?} is not available in a provisioning file; there are if, \
         elif, else, for, set (of a value) and with"
    )]
    NotAvailable {
        /// What was used.
        what: String,
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// A list within a list. Lists are flat, so that nothing costs more than it seems to.
    #[error(
        "{file}, line {line}: a list holds texts, numbers and truth values only, and no other \
         list; write the values one after the other, or join the inner list to a text"
    )]
    Nested {
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// A computation that failed: an unknown filter, a sum of texts.
    #[error("{file}, line {line}: {message}")]
    Failed {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What went wrong.
        message: String,
    },
    /// The template works for too long; a loop, usually.
    #[error(
        "{file}, line {line}: the template takes too much work; is a loop too long, or a text that \
         it makes?"
    )]
    TooMuchWork {
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// The file becomes too large.
    #[error("{file}: the file becomes larger than {limit} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// How large it may be.
        limit: usize,
    },
    /// The template is longer than [`MAX_SOURCE_LEN`], or has too many lines or too long ones.
    #[error(
        "{file}: the template is too long; at most {MAX_SOURCE_LEN} bytes, in 20000 lines of 60000 bytes"
    )]
    SourceTooLong {
        /// The file.
        file: String,
    },
    /// One pair of braces is longer than [`MAX_TAG_LEN`], or there is more nesting than
    /// [`MAX_NESTING`].
    #[error(
        "{file}, line {line}: too complicated: at most {MAX_TAG_LEN} bytes between braces, and \
         brackets, blocks and elif nested {MAX_NESTING} deep"
    )]
    TooDeep {
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
}

impl RenderError {
    /// Whether it quotes something that a template may have computed.
    pub(super) fn quotes(&self) -> bool {
        matches!(self, Self::UnknownVariable { .. } | Self::Failed { .. })
    }

    /// Whether both say the same about the same line, but for what they quote.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::UnknownVariable { line, .. }, Self::UnknownVariable { line: other, .. })
            | (Self::Failed { line, .. }, Self::Failed { line: other, .. }) => line == other,
            _ => false,
        }
    }

    /// The same without what it quotes.
    pub(super) fn without_quotes(self) -> Self {
        match self {
            Self::UnknownVariable { file, line, .. } => Self::UnknownVariable {
                variable: "a computed name".to_owned(),
                file,
                line,
                layers: Vec::new(),
            },
            Self::Failed { file, line, .. } => Self::Failed {
                file,
                line,
                message: "the computation fails for the value of a secret".to_owned(),
            },
            other => other,
        }
    }
}

fn unknown(variable: &str, layers: &[Layer]) -> String {
    if layers.is_empty() {
        let thing = variable.split('.').next().unwrap_or(variable);
        return match thing {
            "device" => "is not known here: there are mac, mac_lower and model, in a file that is \
                         rendered for one device"
                .to_owned(),
            "urls" => "is not known here: this file has no URL of that name".to_owned(),
            _ => "is undefined".to_owned(),
        };
    }
    let words: Vec<_> = layers.iter().map(|layer| layer.as_str()).collect();
    format!("is not set on any layer (searched: {})", words.join(", "))
}

fn named(variables: &[String]) -> String {
    match variables {
        [] => "the value of an expression".to_owned(),
        [one] => format!("the value of {one}"),
        several => format!("the value made of {}", several.join(", ")),
    }
}
