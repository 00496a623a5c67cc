//! Reading SIP's text: header lines, tokens, quoted strings.
//!
//! Headers may be folded over lines (RFC 3261 §7.3.1). Nothing here copies in order to unfold: a
//! header's raw value keeps its line ends, and every reader takes CR and LF for white space, which
//! in a value that [`HeaderLines`] let through they can only be.

/// Why a datagram is no SIP message that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a status line nor a request line.
    #[error("the first line is no SIP status or request line")]
    StartLine,
    /// The version is not 2.0 (RFC 3261 §7.1).
    #[error("the version is not SIP/2.0")]
    Version,
    /// The status code is not three digits from 100 to 699 (RFC 3261 §7.2).
    #[error("the status code is not between 100 and 699")]
    StatusCode,
    /// A header line without a name, without a colon, or with a bare carriage return.
    #[error("a header line is malformed")]
    HeaderLine,
    /// The empty line after the headers is missing: the datagram was cut.
    #[error("the headers do not end")]
    Unfinished,
    /// A header without which a message cannot be matched.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header that may stand once only.
    #[error("the header {0} stands there twice")]
    Repeated(&'static str),
    /// A header with a value outside its grammar or range.
    #[error("the header {0} is malformed")]
    Header(&'static str),
    /// The body is shorter than its Content-Length (RFC 3261 §18.3).
    #[error("the body is shorter than its Content-Length")]
    BodyCut,
}

/// `token` of RFC 3261 §25.1.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// White space, and line ends, which in a value are folds.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_space(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !is_space(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// The text of bytes that must be visible ASCII, which all that we match on is.
pub(crate) fn visible(bytes: &[u8]) -> Option<&str> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// Decimal digits, and nothing else. A number too large for `u64` is `u64::MAX`.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

/// Splits off the first line, without its line end. Its line end is CRLF or, from peers that know no
/// better, LF.
pub(crate) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(at)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Some((line, rest.get(1..)?))
}

/// The header lines of a message, folded ones whole, up to the empty line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderLines<'a> {
    rest: &'a [u8],
}

/// One header: its name and raw value, both trimmed.
pub(crate) type HeaderLine<'a> = (&'a str, &'a [u8]);

impl<'a> HeaderLines<'a> {
    pub(crate) fn new(after_start_line: &'a [u8]) -> Self {
        Self {
            rest: after_start_line,
        }
    }

    /// What follows the empty line, once it was reached.
    pub(crate) fn body(self) -> &'a [u8] {
        self.rest
    }

    /// The next header; `None` at the empty line. A line that is malformed, and headers that do not
    /// end, are errors.
    pub(crate) fn next_line(&mut self) -> Result<Option<HeaderLine<'a>>, ParseError> {
        let line = folded_line(self.rest);
        if !line.is_ended {
            return Err(ParseError::Unfinished);
        }
        self.rest = line.rest;
        if line.whole.is_empty() {
            return Ok(None);
        }
        name_and_value(line.whole)
            .map(Some)
            .ok_or(ParseError::HeaderLine)
    }

    /// The next header that can be read, passing over malformed lines; `None` at the empty line, or
    /// where the datagram ends without one.
    pub(crate) fn next_readable(&mut self) -> Option<HeaderLine<'a>> {
        loop {
            let line = folded_line(self.rest);
            self.rest = line.rest;
            if line.whole.is_empty() {
                return None;
            }
            if let Some(header) = name_and_value(line.whole) {
                return Some(header);
            }
        }
    }
}

/// A line with the folds that belong to it.
struct FoldedLine<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    /// Whether a line end stands behind it: without one the datagram ends there.
    is_ended: bool,
}

fn folded_line(start: &[u8]) -> FoldedLine<'_> {
    let split = |bytes| match split_line(bytes) {
        Some((line, rest)) => (line, rest, true),
        None => (bytes, &[][..], false),
    };
    let (first, mut rest, mut is_ended) = split(start);
    let mut len = first.len();
    while let (false, [b' ' | b'\t', ..]) = (first.is_empty(), rest) {
        // The fold's own line ends lie between, so the value goes to the end of this line.
        let before = start.len().saturating_sub(rest.len());
        let line;
        (line, rest, is_ended) = split(rest);
        len = before.saturating_add(line.len());
    }
    FoldedLine {
        whole: start.get(..len).unwrap_or(start),
        rest,
        is_ended,
    }
}

fn name_and_value(whole: &[u8]) -> Option<HeaderLine<'_>> {
    let colon = whole.iter().position(|byte| *byte == b':')?;
    let (name, value) = whole.split_at_checked(colon)?;
    let value = value.get(1..).unwrap_or_default();
    // White space may stand before the colon (§7.3.1), none before the name.
    let name = match name.first() {
        Some(first) if !is_space(*first) => trim(name),
        _ => return None,
    };
    if !name.iter().all(|byte| is_token_byte(*byte)) || has_bare_return(value) {
        return None;
    }
    Some((std::str::from_utf8(name).ok()?, trim(value)))
}

fn has_bare_return(value: &[u8]) -> bool {
    let mut bytes = value.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte == b'\r' && bytes.peek() != Some(&&b'\n') {
            return true;
        }
    }
    false
}

/// Reads one header's value from left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn skip_space(&mut self) {
        self.take_while(is_space);
    }

    /// Takes `byte`, with the white space around it.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_space();
        match ahead.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                self.skip_space();
                true
            }
            _ => false,
        }
    }

    pub(crate) fn take_while(&mut self, pred: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|byte| !pred(*byte))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// A token, not empty.
    pub(crate) fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_token_byte);
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string: what stands between the quotes, escapes as written.
    pub(crate) fn quoted(&mut self) -> Option<&'a [u8]> {
        let inner = self.rest.strip_prefix(b"\"")?;
        let mut escaped = false;
        let end = inner.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        let (text, rest) = inner.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(text: &[u8]) -> Result<Vec<(&str, &[u8])>, ParseError> {
        let mut lines = HeaderLines::new(text);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push(line);
        }
        Ok(all)
    }

    #[test]
    fn folded_lines_are_one_header() {
        let all = lines(b"Subject : one\r\n\t two\r\n  three \r\nv: x\n\r\nbody").unwrap();
        assert_eq!(
            all,
            [("Subject", &b"one\r\n\t two\r\n  three"[..]), ("v", b"x")]
        );
    }

    #[test]
    fn malformed_lines_are_refused() {
        for text in [
            &b"no colon\r\n\r\n"[..],
            b" led: x\r\n\r\n",
            b": x\r\n\r\n",
            b"a b: x\r\n\r\n",
            b"a: x\ry\r\n\r\n",
        ] {
            assert_eq!(
                lines(text),
                Err(ParseError::HeaderLine),
                "{}",
                text.escape_ascii()
            );
        }
        for text in [&b""[..], b"a: x", b"a: x\r\n", b"a: x\r\n y"] {
            assert_eq!(
                lines(text),
                Err(ParseError::Unfinished),
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn malformed_lines_are_passed_over_where_they_may_be() {
        let readable = |text: &'static [u8]| {
            let mut lines = HeaderLines::new(text);
            let mut names = Vec::new();
            while let Some((name, _)) = lines.next_readable() {
                names.push(name);
            }
            (names, lines.body())
        };
        assert_eq!(
            readable(b" led: x\r\na: 1\r\nno colon\r\n folded: 2\r\nb c: 3\r\nd: 4\r5\r\ne: 6\r\n\r\nf: 7"),
            (vec!["a", "e"], &b"f: 7"[..])
        );
        assert_eq!(readable(b"a: 1\r\nb: 2"), (vec!["a", "b"], &b""[..]));
        assert_eq!(readable(b"a: 1\r\n b"), (vec!["a"], &b""[..]));
        assert_eq!(readable(b""), (vec![], &b""[..]));
    }

    #[test]
    fn a_quoted_string_ends_at_a_quote_that_is_not_escaped() {
        let mut cursor = Cursor::new(br#""a\"b\\",c"#);
        assert_eq!(cursor.quoted(), Some(&br#"a\"b\\"#[..]));
        assert!(cursor.eat(b','));
        assert_eq!(cursor.rest(), b"c");
        assert_eq!(Cursor::new(b"\"open").quoted(), None);
        assert_eq!(Cursor::new(br#""open\""#).quoted(), None);
    }

    #[test]
    fn numbers_saturate() {
        assert_eq!(number(b"0120"), Some(120));
        assert_eq!(number(b"987654321098765432109876543"), Some(u64::MAX));
        for text in [&b""[..], b"-1", b"1 ", b"x"] {
            assert_eq!(number(text), None);
        }
    }
}
