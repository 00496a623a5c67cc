//! Frames to text and back.

use ringfence_json::Node;
use serde::de::DeserializeOwned;
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
        let frame = parse(text)?;
        match kind(&frame)?.as_str() {
            "hello" => body(&frame).map(Self::Hello),
            "ack" => body(&frame).map(|Jobs { jobs }| Self::Ack(jobs)),
            "result" => body(&frame).map(|Results { results }| Self::Result(results)),
            "return" => body(&frame).map(|Return { jobs, reason }| Self::Return { jobs, reason }),
            "error" => body(&frame).map(Self::Error),
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
        let frame = parse(text)?;
        match kind(&frame)?.as_str() {
            "welcome" => body(&frame).map(Self::Welcome),
            "job" => body(&frame).map(|Jobs::<Vec<Job>> { jobs }| Self::Job(jobs)),
            "recorded" => body(&frame).map(|Jobs { jobs }| Self::Recorded(jobs)),
            "cancel" => body(&frame).map(|Jobs { jobs }| Self::Cancel(jobs)),
            "drain" => body(&frame).map(Self::Drain),
            "error" => body(&frame).map(Self::Error),
            other => Err(unknown(other)),
        }
    }
}

/// Cuts a list into parts that each fit a frame, in order: `batches(results, RelayFrame::Result)`.
///
/// An item that alone is too long for a frame comes back in the second list.
pub fn batches<T: Serialize, F>(items: Vec<T>, frame: impl Fn(Vec<T>) -> F) -> (Vec<F>, Vec<T>) {
    // Room for the envelope: version, type, the list's name and a reason.
    const MAX_ITEMS_BYTES: usize = MAX_FRAME_BYTES - 256;
    let (mut frames, mut oversized) = (Vec::new(), Vec::new());
    let (mut part, mut used) = (Vec::new(), 0);
    for item in items {
        let length = match serde_json::to_vec(&item) {
            Ok(text) if text.len() < MAX_ITEMS_BYTES => text.len() + 1,
            _ => {
                oversized.push(item);
                continue;
            }
        };
        if used + length > MAX_ITEMS_BYTES {
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

/// What a message says, once its size is right.
fn parse(text: &str) -> Result<Node<'_>, DecodeError> {
    if text.len() > MAX_FRAME_BYTES {
        return Err(DecodeError::TooLarge(text.len()));
    }
    Node::parse(text.as_bytes()).map_err(malformed)
}

/// The type of a frame, once its version is right.
fn kind(frame: &Node<'_>) -> Result<String, DecodeError> {
    let head: Head = body(frame)?;
    if head.v != u64::from(PROTOCOL_VERSION) {
        return Err(DecodeError::Version(head.v));
    }
    Ok(head.r#type)
}

fn body<T: DeserializeOwned>(frame: &Node<'_>) -> Result<T, DecodeError> {
    ringfence_json::from_node(frame).map_err(malformed)
}

/// What is wrong and where. serde's own sentence may quote a value (`invalid type: string "…"`), and
/// a value may be a password, so it stays behind.
fn malformed(error: ringfence_json::Error) -> DecodeError {
    let what = match &error {
        error if error.is_data() => "a field is missing or of the wrong type",
        error if error.is_eof() => "the text ends early",
        _ => "this is not JSON",
    };
    // Names of fields are small; anything else may be a value that stands in the wrong place.
    let is_name = |step: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        step.len() <= 32 && step.bytes().all(plain)
    };
    let shown = |step| if is_name(step) { step } else { "…" };
    let path: Vec<&str> = error.path().map(shown).collect();
    DecodeError::Malformed(match path.as_slice() {
        [] => what.to_owned(),
        path => format!("{what}, at {}", path.join(".")),
    })
}

fn unknown(kind: &str) -> DecodeError {
    DecodeError::UnknownType(kind.chars().take(64).collect())
}
