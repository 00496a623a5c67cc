//! The message of a finding, which knows what in it was taken out of a file.
//!
//! What a file holds may be a password that came to stand where a name should: by a forgotten `=`,
//! a missing quote. So a message is put together from text that is written in this program, numbers,
//! and pieces of the file that are marked as such by their type; there is no way in for another
//! string. Who may not see the file gets it without its pieces ([`Message::bare`]).

use std::fmt::Write as _;

/// What stands for a piece of the file.
const LEFT_OUT: &str = "…";

/// The longest piece of a file in a message, in characters.
const MAX_PIECE: usize = 64;

/// A message of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message(pub(crate) Vec<MessagePart>);

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessagePart {
    /// Written in this program.
    Fixed(&'static str),
    /// A length, a number of a line, a limit.
    Number(usize),
    /// The code point of one character.
    Code(u32),
    /// Out of the file.
    Piece(String),
}

/// At most 64 characters of something from the file, for a message.
pub(crate) fn shown(piece: &str) -> MessagePart {
    MessagePart::Piece(match piece.char_indices().nth(MAX_PIECE) {
        None => piece.to_owned(),
        Some((end, _)) => format!("{}…", piece.get(..end).unwrap_or_default()),
    })
}

/// A message from literals, numbers and what [`shown`] gives.
macro_rules! message {
    ($($part:expr),+ $(,)?) => {
        $crate::format::Message(vec![$($crate::format::MessagePart::from(&$part)),+])
    };
}
pub(crate) use message;

impl Message {
    /// All of it.
    pub(crate) fn whole(&self) -> String {
        self.write(|piece| piece)
    }

    /// Whether pieces of the file are in it.
    pub(crate) fn quotes(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, MessagePart::Piece(_)))
    }

    /// Without the pieces of the file.
    pub(crate) fn bare(&self) -> String {
        self.write(|_| LEFT_OUT)
    }

    fn write(&self, show: impl Fn(&str) -> &str) -> String {
        let mut text = String::new();
        for part in &self.0 {
            // Writing to a `String` cannot fail.
            let _ = match part {
                MessagePart::Fixed(fixed) => text.write_str(fixed),
                MessagePart::Number(number) => write!(text, "{number}"),
                MessagePart::Code(code) => write!(text, "U+{code:04X}"),
                MessagePart::Piece(piece) => text.write_str(show(piece)),
            };
        }
        text
    }
}

impl From<&'static str> for Message {
    fn from(fixed: &'static str) -> Self {
        Self(vec![MessagePart::Fixed(fixed)])
    }
}

impl From<&&'static str> for MessagePart {
    fn from(fixed: &&'static str) -> Self {
        Self::Fixed(fixed)
    }
}

impl From<&usize> for MessagePart {
    fn from(number: &usize) -> Self {
        Self::Number(*number)
    }
}

impl From<&u32> for MessagePart {
    fn from(number: &u32) -> Self {
        Self::Number(usize::try_from(*number).unwrap_or(usize::MAX))
    }
}

impl From<&MessagePart> for MessagePart {
    fn from(part: &MessagePart) -> Self {
        part.clone()
    }
}

impl From<&&MessagePart> for MessagePart {
    fn from(part: &&MessagePart) -> Self {
        (*part).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_the_file_keeps_what_is_not_from_it() {
        let message = message![
            "the value of ",
            shown("hunter2"),
            " has ",
            600_usize,
            " characters"
        ];
        assert_eq!(message.whole(), "the value of hunter2 has 600 characters");
        assert_eq!(message.bare(), "the value of … has 600 characters");
        assert!(message.quotes() && !Message::from("no quote").quotes());
    }

    #[test]
    fn a_long_piece_is_cut() {
        assert_eq!(shown("SIP"), MessagePart::Piece("SIP".to_owned()));
        let MessagePart::Piece(cut) = shown(&"ü".repeat(99)) else {
            unreachable!()
        };
        assert_eq!(cut.chars().count(), 65);
    }
}
