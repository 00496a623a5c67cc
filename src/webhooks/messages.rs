//! What Worker and object say to each other.

use serde::{Deserialize, Serialize};

use super::record::MessageRow;

/// What the object is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookCall {
    /// The webhook was changed: look at once.
    Look,
    /// Look when it is time; sets an alarm that was lost.
    Wake,
    /// Send a message that is about nothing.
    Test,
    /// A page of messages, from before the id `before`.
    List {
        state: Option<String>,
        before: String,
        limit: u32,
    },
    /// Send a dead message again.
    Resend { id: String },
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookReply {
    Done,
    Messages {
        messages: Vec<MessageRow>,
    },
    /// There is no such message, or it is not dead.
    NotFound,
    /// There is no room: too many messages wait.
    Full,
    /// The object failed; for the log.
    Failed {
        detail: String,
    },
}
