//! Frames to text and back.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::common::{ErrorCode, ErrorFrame, JobRef};
use crate::pool::{Job, PoolFrame};
use crate::relay::{JobResult, RelayFrame, ReturnReason};
use crate::{MAX_FRAME_BYTES, PROTOCOL_VERSION};

/// Why a message is no frame. [`DecodeError::frame`] is the answer to it.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Longer than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_BYTES}")]
    TooLarge(usize),
    /// Not JSON, or not the fields of its type. The text says where, and quotes no value.
    #[error("not a frame: {0}")]
    Malformed(String),
    /// Of another protocol version.
    #[error("a frame of version {0}, this side speaks {PROTOCOL_VERSION}")]
    Version(u64),
    /// Of a type that this side does not know.
    #[error("a frame of unknown type `{0}`")]
    UnknownType(String),
}

impl DecodeError {
    /// The `error` frame that answers the message.
    pub fn frame(&self) -> ErrorFrame {
        let code = match self {
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Malformed(_) => ErrorCode::Malformed,
            Self::Version(_) => ErrorCode::Version,
            Self::UnknownType(_) => ErrorCode::UnknownType,
        };
        ErrorFrame {
            code,
            message: self.to_string(),
        }
    }
}

/// Why a frame cannot be sent.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// It would be longer than [`MAX_FRAME_BYTES`]: see [`batches`].
    #[error("the frame would have {0} bytes, {MAX_FRAME_BYTES} at most")]
    TooLarge(usize),
    /// It cannot be written as JSON.
    #[error("the frame cannot be written: {0}")]
    Json(String),
}

impl RelayFrame {
    /// The text of the frame.
    pub fn encode(&self) -> Result<String, EncodeError> {
        match self {
            Self::Hello(hello) => encode("hello", hello),
            Self::Ack(jobs) => encode("ack", &Jobs { jobs }),
            Self::Result(results) => encode("result", &Results { results }),
            Self::Return { jobs, reason } => encode(
                "return",
                &Return {
                    jobs,
                    reason: *reason,
                },
            ),
            Self::Error(error) => encode("error", error),
        }
    }

    /// Reads a text message.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        match kind(text)?.as_str() {
            "hello" => body(text).map(Self::Hello),
            "ack" => body(text).map(|Jobs { jobs }| Self::Ack(jobs)),
            "result" => body(text).map(|Results { results }| Self::Result(results)),
            "return" => body(text).map(|Return { jobs, reason }| Self::Return { jobs, reason }),
            "error" => body(text).map(Self::Error),
            other => Err(unknown(other)),
        }
    }
}

impl PoolFrame {
    /// The text of the frame.
    pub fn encode(&self) -> Result<String, EncodeError> {
        match self {
            Self::Welcome(welcome) => encode("welcome", welcome),
            Self::Job(jobs) => encode("job", &Jobs { jobs }),
            Self::Recorded(jobs) => encode("recorded", &Jobs { jobs }),
            Self::Cancel(jobs) => encode("cancel", &Jobs { jobs }),
            Self::Drain(drain) => encode("drain", drain),
            Self::Error(error) => encode("error", error),
        }
    }

    /// Reads a text message.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        match kind(text)?.as_str() {
            "welcome" => body(text).map(Self::Welcome),
            "job" => body(text).map(|Jobs::<Vec<Job>> { jobs }| Self::Job(jobs)),
            "recorded" => body(text).map(|Jobs { jobs }| Self::Recorded(jobs)),
            "cancel" => body(text).map(|Jobs { jobs }| Self::Cancel(jobs)),
            "drain" => body(text).map(Self::Drain),
            "error" => body(text).map(Self::Error),
            other => Err(unknown(other)),
        }
    }
}

/// Cuts a list into parts that each fit a frame, in order: `batches(results, RelayFrame::Result)`.
///
/// An item that alone is too long for a frame comes back in the second list.
pub fn batches<T: Serialize, F>(items: Vec<T>, frame: impl Fn(Vec<T>) -> F) -> (Vec<F>, Vec<T>) {
    // Room for the envelope: version, type, the list's name and a reason.
    const ROOM: usize = MAX_FRAME_BYTES - 256;
    let (mut frames, mut oversized) = (Vec::new(), Vec::new());
    let (mut part, mut used) = (Vec::new(), 0);
    for item in items {
        let length = match serde_json::to_vec(&item) {
            Ok(text) if text.len() < ROOM => text.len() + 1,
            _ => {
                oversized.push(item);
                continue;
            }
        };
        if used + length > ROOM {
            frames.push(frame(std::mem::take(&mut part)));
            used = 0;
        }
        used += length;
        part.push(item);
    }
    if !part.is_empty() {
        frames.push(frame(part));
    }
    (frames, oversized)
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u8,
    r#type: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Deserialize)]
struct Head {
    v: u64,
    r#type: String,
}

#[derive(Serialize, Deserialize)]
struct Jobs<T = Vec<JobRef>> {
    jobs: T,
}

#[derive(Serialize, Deserialize)]
struct Results<T = Vec<JobResult>> {
    results: T,
}

#[derive(Serialize, Deserialize)]
struct Return<T = Vec<JobRef>> {
    jobs: T,
    reason: ReturnReason,
}

fn encode<T: Serialize>(kind: &str, body: &T) -> Result<String, EncodeError> {
    let envelope = Envelope {
        v: PROTOCOL_VERSION,
        r#type: kind,
        body,
    };
    let text = serde_json::to_string(&envelope).map_err(|e| EncodeError::Json(e.to_string()))?;
    if text.len() > MAX_FRAME_BYTES {
        return Err(EncodeError::TooLarge(text.len()));
    }
    Ok(text)
}

/// The type of a frame, once its size and version are right.
fn kind(text: &str) -> Result<String, DecodeError> {
    if text.len() > MAX_FRAME_BYTES {
        return Err(DecodeError::TooLarge(text.len()));
    }
    let head: Head = body(text)?;
    if head.v != u64::from(PROTOCOL_VERSION) {
        return Err(DecodeError::Version(head.v));
    }
    Ok(head.r#type)
}

fn body<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(malformed)
}

/// What is wrong and where. serde's own sentence may quote a value (`invalid type: string "…"`), and
/// a value may be a password, so it stays behind.
fn malformed(error: serde_json::Error) -> DecodeError {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of the wrong type",
        serde_json::error::Category::Eof => "the text ends early",
        serde_json::error::Category::Syntax => "this is not JSON",
        serde_json::error::Category::Io => "unreadable",
    };
    DecodeError::Malformed(format!("{what}, at column {}", error.column()))
}

fn unknown(kind: &str) -> DecodeError {
    DecodeError::UnknownType(kind.chars().take(64).collect())
}
