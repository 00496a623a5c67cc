//! From the path of a request to the text that templates are compared with.
//!
//! A path is decoded exactly once and then compared literally. What two programs could read
//! differently (an encoded slash, `..`, an empty segment) asks for nothing that exists.

use thiserror::Error;

/// The longest path that is looked at, in bytes, before decoding.
pub const MAX_PATH_LEN: usize = 512;

/// Why a path asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// Longer than [`MAX_PATH_LEN`].
    #[error("longer than {MAX_PATH_LEN} bytes")]
    TooLong,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("a percent sign without two hexadecimal digits")]
    Percent,
    /// A slash, a backslash or a control character (NUL among them), encoded or bare.
    #[error("an encoded slash, a backslash or a control character")]
    Forbidden,
    /// A query or fragment, which is no part of a path.
    #[error("a query or fragment")]
    Query,
    /// Not UTF-8 once decoded.
    #[error("not UTF-8")]
    Utf8,
    /// `//`, a leading or a trailing slash, or nothing at all.
    #[error("an empty segment")]
    EmptySegment,
    /// `.` or `..`, encoded or not.
    #[error("a dot segment")]
    DotSegment,
}

/// Decodes the path of a request, below the access path and without a leading slash.
///
/// # Errors
/// [`PathError`]; to the phone they are all the same refusal.
pub fn decode(path: &str) -> Result<String, PathError> {
    if path.len() > MAX_PATH_LEN {
        return Err(PathError::TooLong);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match hex_pair(bytes.next(), bytes.next()) {
                Some(b'/') => return Err(PathError::Forbidden),
                Some(byte) => byte,
                None => return Err(PathError::Percent),
            },
            b'?' | b'#' => return Err(PathError::Query),
            byte => byte,
        };
        if byte.is_ascii_control() || byte == b'\\' {
            return Err(PathError::Forbidden);
        }
        decoded.push(byte);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| PathError::Utf8)?;
    for segment in decoded.split('/') {
        match segment {
            "" => return Err(PathError::EmptySegment),
            "." | ".." => return Err(PathError::DotSegment),
            _ => {}
        }
    }
    Ok(decoded)
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        for (path, decoded) in [
            ("Config0080F0C571EB.cfg", "Config0080F0C571EB.cfg"),
            ("a/b/c.cfg", "a/b/c.cfg"),
            ("%43onfig%2ecfg", "Config.cfg"),
            ("%2541", "%41"),
            ("a+b", "a+b"),
            ("%C3%A4", "ä"),
            ("...", "..."),
        ] {
            assert_eq!(decode(path).as_deref(), Ok(decoded), "{path}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (path, error) in [
            ("", PathError::EmptySegment),
            ("/a", PathError::EmptySegment),
            ("a/", PathError::EmptySegment),
            ("a//b", PathError::EmptySegment),
            ("../a", PathError::DotSegment),
            ("a/./b", PathError::DotSegment),
            ("a/%2e%2E/b", PathError::DotSegment),
            ("a%2Fb", PathError::Forbidden),
            ("a%5cb", PathError::Forbidden),
            ("a\\b", PathError::Forbidden),
            ("a%00", PathError::Forbidden),
            ("a\0", PathError::Forbidden),
            ("a%0d%0aB:", PathError::Forbidden),
            ("a%7F", PathError::Forbidden),
            ("a%", PathError::Percent),
            ("a%4", PathError::Percent),
            ("a%+1", PathError::Percent),
            ("a%4é", PathError::Percent),
            ("a?b", PathError::Query),
            ("a#b", PathError::Query),
            ("%FF", PathError::Utf8),
        ] {
            assert_eq!(decode(path), Err(error), "{path}");
        }
        assert_eq!(decode(&"a".repeat(513)), Err(PathError::TooLong));
        assert!(decode(&"a".repeat(512)).is_ok());
    }
}
