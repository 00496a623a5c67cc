//! The body of a message, as docs/webhooks.md describes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most things that one message lists; of more it says how many there are.
pub const MAX_ITEMS: u32 = 50;

/// Something that a webhook is to be told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Finding {
    /// What it is about: the same thing found again before it was told is told once.
    pub subject: String,
    /// As the message shows it.
    pub item: Value,
}

/// A body. Members are in this order.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    /// Of the webhook.
    webhook: &'a str,
    /// How many there are, listed or not.
    count: u64,
    items: &'a [Value],
}

/// Writes a body. `timestamp` is the time in ISO 8601.
pub fn body(webhook: &str, kind: &str, timestamp: &str, count: u64, items: &[Value]) -> String {
    let body = Body {
        r#type: kind,
        timestamp,
        data: Data {
            webhook,
            count,
            items,
        },
    };
    serde_json::to_string(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn webhook_body_format_unchanged() {
        let items = [json!({ "tenant": "T", "mac": "0080F0C571EB" })];
        assert_eq!(
            body(
                "W",
                "device.never_came_back",
                "2026-11-26T06:00:00.000Z",
                3,
                &items
            ),
            r#"{"type":"device.never_came_back","timestamp":"2026-11-26T06:00:00.000Z","data":{"webhook":"W","count":3,"items":[{"mac":"0080F0C571EB","tenant":"T"}]}}"#
        );
    }
}
