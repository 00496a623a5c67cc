//! Messages on a stream (RFC 3261 §18.3): where one ends, Content-Length says.
//!
//! A stream whose messages cannot be told apart any more is of no further use. Nothing looks for the next message
//! in it: the body of one could be taken for an answer to another. Its connection is to be closed.

use crate::header::full_name;
use crate::lex::{HeaderLines, number, split_line};

/// The longest start line and headers of a message, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// The longest body, in bytes.
pub const MAX_STREAM_BODY: usize = 64 * 1024;

/// What comes out of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A message, whole: for [`Datagram::classify`](crate::Datagram::classify).
    Message(&'a [u8]),
    /// Two line ends between messages: the peer asks whether anybody is there, and wants one line end back
    /// ([`PONG`], RFC 5626 §4.4.1).
    Ping,
}

/// What asks the peer whether it is there, between messages (RFC 5626 §4.4.1).
pub const PING: &[u8] = b"\r\n\r\n";

/// What answers a [`Frame::Ping`].
pub const PONG: &[u8] = b"\r\n";

/// Why nothing more can be read from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// What begins where a message should begin does not look like one.
    #[error("what comes is no SIP")]
    NoMessage,
    /// The headers are longer than [`MAX_HEAD`].
    #[error("the headers of a message are longer than {MAX_HEAD} bytes")]
    HeadTooLong,
    /// The body is longer than [`MAX_STREAM_BODY`].
    #[error("the body of a message is longer than {MAX_STREAM_BODY} bytes")]
    BodyTooLong,
    /// Content-Length is no number, or is there twice with different values. Without one, a message on a stream
    /// has no end (RFC 3261 §20.14).
    #[error("the Content-Length of a message is missing or malformed")]
    ContentLength,
}

/// How many bytes suffice to tell what begins a message: any method is shorter, and so is the version.
const START: usize = 64;

/// Takes a stream apart. Any split of the same bytes gives the same frames; what it holds is bounded by
/// [`MAX_HEAD`] and [`MAX_STREAM_BODY`] besides what was pushed last.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// How many bytes of the buffer were given out.
    taken: usize,
    /// How many bytes after `taken` were looked at without finding the end of the headers.
    scanned: usize,
    /// The length of the message that begins at `taken`, once its headers are there.
    length: Option<usize>,
    /// Line ends between messages, of which two are a ping.
    line_ends: usize,
    error: Option<StreamError>,
}

impl Framer {
    /// A stream at its beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read. After an error it is dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether the stream may end here: no message has begun.
    pub fn is_between_messages(&self) -> bool {
        self.error.is_none() && self.taken == self.buffer.len()
    }

    /// The next frame; `None` until more is pushed.
    ///
    /// # Errors
    /// Nothing more can be read; every later call says the same.
    pub fn poll(&mut self) -> Result<Option<Frame<'_>>, StreamError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.next() {
            Ok(Some(0)) => Ok(Some(Frame::Ping)),
            Ok(Some(length)) => {
                let from = self.taken;
                self.taken += length;
                self.scanned = 0;
                self.length = None;
                let message = self.buffer.get(from..self.taken).unwrap_or_default();
                Ok(Some(Frame::Message(message)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.error = Some(error);
                self.buffer = Vec::new();
                self.taken = 0;
                Err(error)
            }
        }
    }

    /// How long the next message is, if it is there whole; 0 for a ping.
    fn next(&mut self) -> Result<Option<usize>, StreamError> {
        if self.length.is_none() && self.scanned == 0 && self.skip_line_ends() {
            return Ok(Some(0));
        }
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        if matches!(rest, [] | [b'\r']) {
            return Ok(None);
        }
        let length = match self.length {
            Some(length) => length,
            None => {
                if self.scanned < START {
                    check_start(rest.get(..START).unwrap_or(rest))?;
                }
                let Some(head) = head_end(rest, self.scanned) else {
                    // The last three bytes may begin what ends the headers.
                    self.scanned = rest.len().saturating_sub(3);
                    return match rest.len() > MAX_HEAD {
                        true => Err(StreamError::HeadTooLong),
                        false => Ok(None),
                    };
                };
                if head > MAX_HEAD {
                    return Err(StreamError::HeadTooLong);
                }
                let length = head + body_length(rest.get(..head).unwrap_or_default())?;
                self.length = Some(length);
                length
            }
        };
        Ok((rest.len() >= length).then_some(length))
    }

    /// Passes over the line ends between messages (RFC 3261 §7.5); whether they make a ping.
    fn skip_line_ends(&mut self) -> bool {
        loop {
            let rest = self.buffer.get(self.taken..).unwrap_or_default();
            let width = match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] => 1,
                [] | [b'\r'] => return false,
                _ => {
                    self.line_ends = 0;
                    return false;
                }
            };
            self.taken += width;
            self.line_ends += 1;
            if self.line_ends == 2 {
                self.line_ends = 0;
                return true;
            }
        }
    }
}

/// Looks whether a message may begin so, without waiting for its whole first line: garbage without a line end would
/// be kept until it is too long.
fn check_start(rest: &[u8]) -> Result<(), StreamError> {
    let line = match split_line(rest) {
        Some((line, _)) => line,
        None => rest,
    };
    // A status line begins with the version, a request line with a method: letters, and the like.
    let first = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(byte);
    let is_fit = first.first().is_none_or(u8::is_ascii_alphabetic)
        && first.len() <= 32
        // A line end may have come by half.
        && first.strip_suffix(b"\r").unwrap_or(first).iter().all(is_fit);
    is_fit.then_some(()).ok_or(StreamError::NoMessage)
}

/// Where the headers end, behind their empty line.
fn head_end(rest: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let behind = rest.get(at..)?;
        let end = at + behind.iter().position(|byte| *byte == b'\n')? + 1;
        match rest.get(end..)? {
            [b'\n', ..] => return Some(end + 1),
            [b'\r', b'\n', ..] => return Some(end + 2),
            // What follows may still come: it is looked at again from this line end on.
            [] | [b'\r'] => return None,
            _ => at = end,
        }
    }
}

/// What the headers say of the body's length.
fn body_length(head: &[u8]) -> Result<usize, StreamError> {
    let (_, rest) = split_line(head).ok_or(StreamError::NoMessage)?;
    let mut lines = HeaderLines::new(rest);
    let mut found = None;
    while let Some((name, value)) = lines.next_readable() {
        if !full_name(name).eq_ignore_ascii_case("Content-Length") {
            continue;
        }
        let length = number(value).ok_or(StreamError::ContentLength)?;
        if found.is_some_and(|found| found != length) {
            return Err(StreamError::ContentLength);
        }
        found = Some(length);
    }
    let length = found.ok_or(StreamError::ContentLength)?;
    match usize::try_from(length) {
        Ok(length) if length <= MAX_STREAM_BODY => Ok(length),
        _ => Err(StreamError::BodyTooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The frames of a stream that comes in pieces.
    fn frames(pieces: &[&[u8]]) -> Result<Vec<String>, StreamError> {
        let mut framer = Framer::new();
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(frame) = framer.poll()? {
                found.push(match frame {
                    Frame::Ping => "ping".to_owned(),
                    Frame::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                });
            }
        }
        Ok(found)
    }

    #[test]
    fn messages_end_where_they_say() {
        let (one, other) = (message(""), message("\r\n\r\nSIP/2.0 200 OK"));
        let stream = format!("\r\n{one}{other}\r\n\r\n{one}");
        let expected = Ok(vec![one.clone(), other.clone(), "ping".to_owned(), one]);
        assert_eq!(frames(&[stream.as_bytes()]), expected);
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(frames(&bytes), expected);
    }

    #[test]
    fn a_stream_that_is_no_sip_ends() {
        let head = "SIP/2.0 200 OK\r\n";
        for (stream, error) in [
            ("\0\0".to_owned(), StreamError::NoMessage),
            ("x".repeat(40), StreamError::NoMessage),
            (format!("{head}\r\n"), StreamError::ContentLength),
            (
                format!("{head}l: 1\r\nl: 2\r\n\r\n"),
                StreamError::ContentLength,
            ),
            (format!("{head}l: x\r\n\r\n"), StreamError::ContentLength),
            (
                format!("{head}l: 99999999\r\n\r\n"),
                StreamError::BodyTooLong,
            ),
            (
                format!("{head}a: {}", "x".repeat(MAX_HEAD)),
                StreamError::HeadTooLong,
            ),
        ] {
            assert_eq!(frames(&[stream.as_bytes()]), Err(error));
            let mut framer = Framer::new();
            framer.push(stream.as_bytes());
            assert_eq!(framer.poll(), Err(error));
            framer.push(message("").as_bytes());
            assert_eq!(framer.poll(), Err(error), "it stays so");
        }
    }

    #[test]
    fn the_same_length_twice_is_one_and_compact_forms_count() {
        let stream = "SIP/2.0 200 OK\r\nl: 2\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(frames(&[stream.as_bytes()]), Ok(vec![stream.to_owned()]));
        let mut framer = Framer::new();
        assert!(framer.is_between_messages());
        framer.push(stream.as_bytes().split_at(20).0);
        assert_eq!(framer.poll(), Ok(None));
        assert!(!framer.is_between_messages());
    }
}
