//! The words of a finding, which know what in them was taken out of a file.
//!
//! What a file holds may be a password that came to stand where a name should: by a forgotten `=`,
//! a missing quote. So words are put together from text that is written in this program, numbers,
//! and pieces of the file that are marked as such by their type; there is no way in for another
//! string. Who may not see the file gets them without its pieces ([`Words::bare`]).

use std::fmt::Write as _;

/// What stands for a piece of the file.
const LEFT_OUT: &str = "…";

/// The longest piece of a file in a message, in characters.
const MAX_PIECE: usize = 64;

/// Words of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<Word>);

/// A part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
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
pub(crate) fn shown(piece: &str) -> Word {
    Word::Piece(match piece.char_indices().nth(MAX_PIECE) {
        None => piece.to_owned(),
        Some((end, _)) => format!("{}…", piece.get(..end).unwrap_or_default()),
    })
}

/// Words from literals, numbers and what [`shown`] gives.
macro_rules! words {
    ($($word:expr),+ $(,)?) => {
        $crate::format::Words(vec![$($crate::format::Word::from(&$word)),+])
    };
}
pub(crate) use words;

impl Words {
    /// All of them.
    pub(crate) fn whole(&self) -> String {
        self.write(|piece| piece)
    }

    /// Whether pieces of the file are among them.
    pub(crate) fn quotes(&self) -> bool {
        self.0.iter().any(|word| matches!(word, Word::Piece(_)))
    }

    /// Without the pieces of the file.
    pub(crate) fn bare(&self) -> String {
        self.write(|_| LEFT_OUT)
    }

    fn write(&self, show: impl Fn(&str) -> &str) -> String {
        let mut text = String::new();
        for word in &self.0 {
            // Writing to a `String` cannot fail.
            let _ = match word {
                Word::Fixed(fixed) => text.write_str(fixed),
                Word::Number(number) => write!(text, "{number}"),
                Word::Code(code) => write!(text, "U+{code:04X}"),
                Word::Piece(piece) => text.write_str(show(piece)),
            };
        }
        text
    }
}

impl From<&'static str> for Words {
    fn from(fixed: &'static str) -> Self {
        Self(vec![Word::Fixed(fixed)])
    }
}

impl From<&&'static str> for Word {
    fn from(fixed: &&'static str) -> Self {
        Self::Fixed(fixed)
    }
}

impl From<&usize> for Word {
    fn from(number: &usize) -> Self {
        Self::Number(*number)
    }
}

impl From<&u32> for Word {
    fn from(number: &u32) -> Self {
        Self::Number(usize::try_from(*number).unwrap_or(usize::MAX))
    }
}

impl From<&Word> for Word {
    fn from(word: &Word) -> Self {
        word.clone()
    }
}

impl From<&&Word> for Word {
    fn from(word: &&Word) -> Self {
        (*word).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_the_file_keep_what_is_not_from_it() {
        let words = words![
            "the value of ",
            shown("hunter2"),
            " has ",
            600_usize,
            " characters"
        ];
        assert_eq!(words.whole(), "the value of hunter2 has 600 characters");
        assert_eq!(words.bare(), "the value of … has 600 characters");
        assert!(words.quotes() && !Words::from("no quote").quotes());
    }

    #[test]
    fn a_long_piece_is_cut() {
        assert_eq!(shown("SIP"), Word::Piece("SIP".to_owned()));
        let Word::Piece(cut) = shown(&"ü".repeat(99)) else {
            unreachable!()
        };
        assert_eq!(cut.chars().count(), 65);
    }
}
