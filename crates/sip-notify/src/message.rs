//! A NOTIFY as bytes, with the places marked that its next version changes.

use std::fmt;

use crate::transport::Transport;

/// A NOTIFY ready to send.
///
/// A relay holds tens of thousands of these, so a request is kept once, as the bytes that go out;
/// the branch, the CSeq and the authorisation are replaced in place when a challenge is answered.
#[derive(Clone)]
pub struct Message {
    bytes: Box<[u8]>,
    pub(crate) uri: Span,
    pub(crate) branch: Span,
    pub(crate) call_id: Span,
    pub(crate) cseq_digits: Span,
    /// The authorisation header lines, empty at first.
    pub(crate) authorization: Span,
    cseq: u32,
    transport: Transport,
}

/// A stretch of a message. `u16` holds any place in a datagram.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or_default()
    }

    fn text(self, bytes: &[u8]) -> &str {
        std::str::from_utf8(self.of(bytes)).unwrap_or_default()
    }
}

impl Message {
    /// The whole request.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The Via branch.
    pub fn branch(&self) -> &str {
        self.branch.text(&self.bytes)
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        self.call_id.text(&self.bytes)
    }

    /// What is to carry it.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The CSeq number.
    pub fn cseq(&self) -> u32 {
        self.cseq
    }

    /// The Request-URI, which is also the `uri` of a digest.
    pub fn request_uri(&self) -> &str {
        self.uri.text(&self.bytes)
    }

    /// The next request of the same Call-ID (RFC 3261 §22.2): another branch, CSeq + 1, and these
    /// authorisation lines, each with its line end, in place of any before.
    pub(crate) fn next(&self, branch: &str, authorization: &str) -> Option<Self> {
        let cseq = self.cseq.checked_add(1)?;
        let mut writer = Writer::with_capacity(self.bytes.len() + authorization.len() + 8);
        let piece = |from: u16, to: u16| {
            self.bytes
                .get(usize::from(from)..usize::from(to))
                .unwrap_or_default()
        };
        let end = u16::try_from(self.bytes.len()).ok()?;

        writer.push(piece(0, self.uri.start))?;
        let uri = writer.push(self.uri.of(&self.bytes))?;
        writer.push(piece(self.uri.end, self.branch.start))?;
        let branch = writer.push(branch.as_bytes())?;
        writer.push(piece(self.branch.end, self.call_id.start))?;
        let call_id = writer.push(self.call_id.of(&self.bytes))?;
        writer.push(piece(self.call_id.end, self.cseq_digits.start))?;
        let cseq_digits = writer.push(cseq.to_string().as_bytes())?;
        writer.push(piece(self.cseq_digits.end, self.authorization.start))?;
        let authorization = writer.push(authorization.as_bytes())?;
        writer.push(piece(self.authorization.end, end))?;
        Some(Self {
            bytes: writer.into_bytes(),
            uri,
            branch,
            call_id,
            cseq_digits,
            authorization,
            cseq,
            transport: self.transport,
        })
    }
}

impl fmt::Debug for Message {
    /// Not the bytes: they may hold a digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("uri", &self.request_uri())
            .field("branch", &self.branch())
            .field("cseq", &self.cseq)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// Puts a message together and remembers where the pieces lie.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Appends, and says where it lies; `None` when the message no longer fits a datagram.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Span> {
        let start = u16::try_from(self.0.len()).ok()?;
        self.0.extend_from_slice(bytes);
        let end = u16::try_from(self.0.len()).ok()?;
        Some(Span { start, end })
    }

    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.0.into_boxed_slice()
    }

    pub(crate) fn finish(self, spans: [Span; 5], cseq: u32, transport: Transport) -> Message {
        let [uri, branch, call_id, cseq_digits, authorization] = spans;
        Message {
            bytes: self.into_bytes(),
            uri,
            branch,
            call_id,
            cseq_digits,
            authorization,
            cseq,
            transport,
        }
    }
}
