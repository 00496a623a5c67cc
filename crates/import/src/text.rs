//! From bytes to text: encoding, the mark at its beginning, the delimiter.

use crate::MAX_BYTES;
use crate::error::FileError;

/// The delimiters that are looked for, the likelier first.
const DELIMITERS: [u8; 3] = *b",;\t";

/// A file as text, from its header on.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) delimiter: u8,
    /// How many lines come before the text.
    pub(crate) skipped: u64,
}

/// Reads a file's bytes. A delimiter that is given is not looked for.
pub(crate) fn read(bytes: &[u8], delimiter: Option<u8>) -> Result<Text<'_>, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLong(bytes.len()));
    }
    let text = decode(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, said) = without_sep(text);
    if text.trim().is_empty() {
        return Err(FileError::Empty);
    }
    let skipped = u64::from(said.is_some());
    Ok(Text {
        delimiter: delimiter.or(said).unwrap_or_else(|| sniff(text)),
        text,
        skipped,
    })
}

fn decode(bytes: &[u8]) -> Result<&str, FileError> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(FileError::Workbook);
    }
    // With its mark, or with every second byte of an ASCII header zero.
    let is_wide = |low: usize, high: usize| {
        let pairs = bytes.chunks_exact(2).take(8);
        let wide = |pair: &[u8]| pair.get(high) == Some(&0) && pair.get(low) != Some(&0);
        bytes.len() >= 4 && pairs.clone().all(wide)
    };
    if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || is_wide(0, 1)
        || is_wide(1, 0)
    {
        return Err(FileError::Utf16);
    }
    let line = |end: usize| {
        let before = bytes.get(..end).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
    };
    let text = std::str::from_utf8(bytes).map_err(|error| FileError::Encoding {
        line: line(error.valid_up_to()),
    })?;
    // What a reader before us put in place of bytes that it could not read.
    if let Some(at) = text.find('\u{fffd}') {
        return Err(FileError::Encoding { line: line(at) });
    }
    match text.find('\0') {
        Some(at) => Err(FileError::Nul { line: line(at) }),
        None => Ok(text),
    }
}

/// Takes off the line `sep=;` that tells Excel the delimiter, in quotation marks or not.
fn without_sep(text: &str) -> (&str, Option<u8>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let said = first.trim_end_matches('\r').trim_matches('"');
    match said.as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter]
            if DELIMITERS.contains(delimiter) =>
        {
            (rest, Some(*delimiter))
        }
        _ => (text, None),
    }
}

/// The delimiter that the first line with something in it has most of, outside of quotation marks.
fn sniff(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    let mut begun = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if begun && !quoted => break,
            _ => {}
        }
        begun |= !byte.is_ascii_whitespace();
        for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
            *count += usize::from(byte == delimiter && !quoted);
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let found = counts
        .iter()
        .zip(DELIMITERS)
        .find(|(count, _)| **count == most);
    found.map_or(b',', |(_, delimiter)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_that_of_the_first_line_or_is_said() {
        let of = |text: &str| read(text.as_bytes(), None).map(|it| (it.delimiter, it.skipped));
        assert_eq!(of("mac,model"), Ok((b',', 0)));
        assert_eq!(of("\u{feff}mac;model\na,b,c"), Ok((b';', 0)));
        assert_eq!(of("\"a,b,c\"\tmac\tmodel"), Ok((b'\t', 0)));
        assert_eq!(of("sep=;\r\na,b\r\n"), Ok((b';', 1)));
        assert_eq!(of("\"sep=,\"\nmac"), Ok((b',', 1)));
        assert_eq!(of("mac"), Ok((b',', 0)));
        assert_eq!(read(b"mac;x", Some(b',')).map(|it| it.delimiter), Ok(b','));
    }

    #[test]
    fn what_is_no_text_in_utf_8_says_what_to_do() {
        let of = |bytes: &[u8]| read(bytes, None).map(|it| it.delimiter);
        let wide: Vec<u8> = "mac,model"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let wide_be: Vec<u8> = "mac,model"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [
            b"\xff\xfem\0".to_vec(),
            b"\xfe\xff\0m".to_vec(),
            wide,
            wide_be,
        ] {
            assert_eq!(of(&bytes), Err(FileError::Utf16));
        }
        assert_eq!(of(b"mac\nM\xfcller"), Err(FileError::Encoding { line: 2 }));
        assert_eq!(of(b"mac\n\nx\0"), Err(FileError::Nul { line: 3 }));
        assert_eq!(
            of("mac\nM\u{fffd}ller".as_bytes()),
            Err(FileError::Encoding { line: 2 })
        );
        assert_eq!(of(b"PK\x03\x04..."), Err(FileError::Workbook));
        for empty in [&b""[..], b" \r\n", b"sep=;\n", b"\xef\xbb\xbf"] {
            assert_eq!(of(empty), Err(FileError::Empty));
        }
    }
}
