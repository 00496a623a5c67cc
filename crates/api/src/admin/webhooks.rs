//! Webhooks and their messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::webhook_options::{MessageKind, WebhookOptions};

/// What an operator decides about a webhook.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookInput {
    /// A name for people; 1 to 100 characters.
    pub name: String,
    /// The URL that messages are sent to: `https` and a public name, without a user or password.
    /// The URL is stored in clear and shown to whoever may read, so it is no place for a secret.
    pub url: String,
    /// The kinds of messages that are sent, at least one; `relay.lost` is for webhooks of the
    /// installation alone.
    pub kinds: Vec<MessageKind>,
    /// The limits that decide when messages are sent; a limit that is left out has its default.
    #[serde(default)]
    pub options: WebhookOptions,
    /// Whether the webhook is off: nothing is looked for and nothing is sent.
    #[serde(default)]
    pub disabled: bool,
}

/// Which webhooks of the whole installation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookQuery {
    /// Only webhooks with messages that were given up, and of these those of every tenant, too.
    pub dead: bool,
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A webhook. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The id of the tenant; null for a webhook of the whole installation.
    pub tenant: Option<String>,
    /// The name that people know the webhook by.
    pub name: String,
    /// The URL that messages are sent to.
    pub url: String,
    /// The kinds of messages that are sent.
    pub kinds: Vec<MessageKind>,
    /// The limits that decide when messages are sent, each with its default where nothing was
    /// given.
    pub options: WebhookOptions,
    /// Whether the webhook is off: nothing is looked for and nothing is sent.
    pub disabled: bool,
    /// How many messages of the webhook were given up and are kept; `GET …/messages?state=dead` shows them.
    pub dead: u64,
    /// The number of changes of the webhook, which is also the ETag of the webhook.
    pub revision: u64,
    /// The time at which the webhook was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the webhook, in Unix milliseconds.
    pub updated_at: u64,
    /// What messages are signed with, `whsec_…`; only in the answer that makes this secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretInput {
    /// Number of hours during which messages are signed with the previous secret, too; 0 to 168, by
    /// default 24.
    pub overlap_hours: Option<u64>,
}

/// A new secret of a webhook, with the end of the one before.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretView {
    /// What messages are signed with from now on, `whsec_…`; only in this answer.
    pub secret: String,
    /// The time until which messages are signed with the previous secret, too,
    /// in Unix milliseconds.
    pub previous_until: u64,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MessageState {
    /// The message is sent until the receiver has it.
    Waiting,
    /// The receiver has the message.
    Delivered,
    /// The message was sent ten times in vain, or the receiver answered 410.
    Dead,
}

impl MessageState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    pub fn parse(text: &str) -> Self {
        match text {
            "delivered" => Self::Delivered,
            "dead" => Self::Dead,
            _ => Self::Waiting,
        }
    }
}

/// A message. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageView {
    /// The id, which is sent as `webhook-id` in each try.
    pub id: String,
    /// The kind of the message, which is the `type` of its body.
    pub kind: String,
    /// What became of the message.
    pub state: MessageState,
    /// How often the message was sent.
    pub tries: u64,
    /// The status that the receiver answered last; null if the receiver did not answer.
    pub status: Option<u16>,
    /// Why the last try failed: `status`, `redirect`, `timeout`, `connection`, `gone` or `url`;
    /// null if the last try did not fail.
    pub error: Option<String>,
    /// The time at which the message was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the next try, in Unix milliseconds; null if there is none.
    pub next_at: Option<u64>,
    /// The time at which the message was delivered or given up, in Unix milliseconds; null if the message waits.
    pub ended_at: Option<u64>,
    /// The body of the message, as it is sent.
    pub body: Value,
}

/// Which messages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageQuery {
    /// Only messages in this state.
    pub state: Option<MessageState>,
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
