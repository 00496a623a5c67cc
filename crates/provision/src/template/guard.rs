//! A look at a template before minijinja gets it.
//!
//! minijinja bounds the nesting of brackets and blocks, but not chains (`a + a + …`, `- - -1`,
//! `elif … elif …`): its parser builds a tree as deep as the chain is long and then walks it
//! recursively, until the stack ends, which no `Result` and no unwinding catches. So the length of
//! a tag is bounded here, and nesting more tightly than minijinja does, for the small stack of
//! WebAssembly. The scanner ends a tag where minijinja's ends it: outside of strings, with all
//! brackets closed.

use super::error::RenderError;

/// The longest template, in bytes.
pub const MAX_SOURCE_LEN: usize = 256 * 1024;

/// The most lines. minijinja counts up to 65535.
const MAX_LINES: usize = 20_000;

/// The longest line, in bytes. minijinja counts its columns up to 65535, too.
const MAX_LINE_LEN: usize = 60_000;

/// The longest tag (from `{{` to `}}` or from `{%` to `%}`), in bytes.
pub const MAX_TAG_LEN: usize = 500;

/// How deep brackets within a tag, blocks within blocks and chains of `elif` may go.
pub const MAX_NESTING: usize = 24;

/// The words that a block may begin with.
const BLOCKS: [&str; 9] = [
    "if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith",
];

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'s> {
    /// The line that it begins on.
    pub(super) line: u32,
    /// Whether it is `{% … %}`.
    block: bool,
    /// What is between the braces.
    pub(super) inner: &'s str,
}

/// The blocks that are open where the scanner stands, and how many `elif` each has had.
#[derive(Default)]
struct Blocks {
    open: Vec<usize>,
}

/// The tags of a template that is within all bounds.
pub(super) fn scan<'s>(source: &'s str, file: &str) -> Result<Vec<Tag<'s>>, RenderError> {
    let line_too_long = || source.lines().any(|line| line.len() > MAX_LINE_LEN);
    if source.len() > MAX_SOURCE_LEN || source.lines().count() > MAX_LINES || line_too_long() {
        let file = file.to_owned();
        return Err(RenderError::SourceTooLong { file });
    }
    let mut tags = Vec::new();
    let mut blocks = Blocks::default();
    let mut line = 1;
    let mut rest = source;
    while let Some((before, marker, after)) = next_marker(rest) {
        line += newlines(before);
        let inner = match marker {
            b'#' => after.split_once("#}").map(|(comment, _)| comment),
            _ => inner(after, marker == b'%').map_err(|problem| problem.at(file, line))?,
        };
        // An unfinished tag or comment: minijinja says so better.
        let Some(inner) = inner else { break };
        if marker != b'#' {
            let block = marker == b'%';
            let tag = Tag { line, block, inner };
            blocks
                .check(&tag)
                .map_err(|problem| problem.at(file, line))?;
            tags.push(tag);
        }
        line += newlines(inner);
        rest = after.get(inner.len() + 2..).unwrap_or_default();
    }
    Ok(tags)
}

/// What is wrong with a tag.
enum Problem {
    TooDeep,
    NotAvailable(String),
}

impl Problem {
    fn at(self, file: &str, line: u32) -> RenderError {
        let file = file.to_owned();
        match self {
            Self::TooDeep => RenderError::TooDeep { file, line },
            Self::NotAvailable(what) => RenderError::NotAvailable { what, file, line },
        }
    }
}

impl Blocks {
    fn check(&mut self, tag: &Tag<'_>) -> Result<(), Problem> {
        if !tag.block {
            return Ok(());
        }
        let word = word(tag.inner);
        if !BLOCKS.contains(&word) {
            return Err(Problem::NotAvailable(word.chars().take(40).collect()));
        }
        match word {
            "if" | "for" | "with" => self.open.push(0),
            "elif" => {
                if let Some(elifs) = self.open.last_mut() {
                    *elifs += 1;
                }
            }
            "endif" | "endfor" | "endwith" => {
                self.open.pop();
            }
            _ => {}
        }
        if self.open.len() + self.open.iter().sum::<usize>() > MAX_NESTING {
            return Err(Problem::TooDeep);
        }
        Ok(())
    }
}

impl Tag<'_> {
    /// Whether a name stands in the tag as a word of its own.
    pub(super) fn mentions(&self, name: &str) -> bool {
        let part_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        self.inner.match_indices(name).any(|(at, _)| {
            let before = at
                .checked_sub(1)
                .and_then(|at| self.inner.as_bytes().get(at));
            let after = self.inner.as_bytes().get(at + name.len());
            ![before, after]
                .into_iter()
                .flatten()
                .any(|byte| part_of_name(*byte))
        })
    }
}

/// The text before the next `{{`, `{%` or `{#`, the marker's second character, the text after it.
fn next_marker(text: &str) -> Option<(&str, u8, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let marker = *text.as_bytes().get(at + 1)?;
        if !matches!(marker, b'{' | b'%' | b'#') {
            return None;
        }
        Some((text.get(..at)?, marker, text.get(at + 2..)?))
    })
}

/// What is within a tag that begins here; `None` where it does not end.
fn inner(text: &str, block: bool) -> Result<Option<&str>, Problem> {
    let end = if block { b"%}" } else { b"}}" };
    let bytes = text.as_bytes();
    let mut open = 0_usize;
    let mut string = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if at > MAX_TAG_LEN {
            return Err(Problem::TooDeep);
        }
        if let Some(quote) = string {
            match byte {
                b'\\' => at += 1,
                _ if byte == quote => string = None,
                _ => {}
            }
            at += 1;
            continue;
        }
        if open == 0 && bytes.get(at..at + 2).is_some_and(|two| two == end) {
            return Ok(text.get(..at));
        }
        match byte {
            b'\'' | b'"' => string = Some(byte),
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => match open.checked_sub(1) {
                Some(fewer) => open = fewer,
                // Closes what was never opened: a syntax error wherever it stands.
                None => return Ok(None),
            },
            _ => {}
        }
        if open > MAX_NESTING {
            return Err(Problem::TooDeep);
        }
        at += 1;
    }
    Ok(None)
}

/// The first word of a block.
fn word(inner: &str) -> &str {
    let inner = inner.trim_start_matches(['-', '+']).trim_start();
    let end = inner.find(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
    end.and_then(|end| inner.get(..end)).unwrap_or(inner)
}

fn newlines(text: &str) -> u32 {
    let count = text.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
