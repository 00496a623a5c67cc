//! What Worker and witness say to each other.

use serde::{Deserialize, Serialize};

use crate::model::standing::{Standing, Step};

/// What the witness is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WitnessCall {
    /// What it knows.
    Look,
    /// Steps that are about to be acknowledged. `checked` says that the database, read after the
    /// witness had doubted them, was found sound.
    #[serde(rename = "tell")]
    Report { steps: Vec<Step>, checked: bool },
    /// The steps that it knows above a number, in their order.
    Above { number: u64, limit: u32 },
    /// Promises an era that no database was in yet, and is above `era`.
    Reserve { era: u64 },
}

/// What the witness says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WitnessReply {
    Known(KnownStanding),
    /// The steps are witnessed.
    Witnessed(KnownStanding),
    /// A step has a number that was passed already. That happens where requests overtake each other,
    /// and where the database was put back: the database has to be read once more.
    Doubtful(KnownStanding),
    /// A step belongs to another history than what was witnessed.
    Foreign(KnownStanding),
    Steps {
        steps: Vec<Step>,
        /// Whether there are more behind these.
        more: bool,
        /// Whether every step above the number is kept: none was removed for its age, and the
        /// witness was there already.
        complete: bool,
    },
    Era(u64),
    Failed {
        detail: String,
    },
}

/// What the witness knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownStanding {
    /// The highest step; nothing before the first one was reported.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// The highest era that was promised.
    #[serde(default)]
    pub era: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::witness::tests::at;

    #[test]
    fn witness_messages_json_format_unchanged() {
        let step = Step {
            standing: at(7, "m"),
            action: "device.claim".into(),
            tenant: Some("T".into()),
            object: "devices/0080F0C571EB".into(),
            token: String::new(),
            generation: Some(2),
            at: 1000,
        };
        let calls = [
            WitnessCall::Look,
            WitnessCall::Report {
                steps: vec![step],
                checked: false,
            },
            WitnessCall::Above {
                number: 3,
                limit: 9,
            },
            WitnessCall::Reserve { era: 1 },
        ];
        let texts: Vec<String> = calls
            .iter()
            .map(|call| serde_json::to_string(call).unwrap())
            .collect();
        assert_eq!(
            texts,
            [
                r#""look""#,
                r#"{"tell":{"steps":[{"standing":{"number":7,"mark":"m7","previous":"m6","era":0},"action":"device.claim","tenant":"T","object":"devices/0080F0C571EB","token":"","generation":2,"at":1000}],"checked":false}}"#,
                r#"{"above":{"number":3,"limit":9}}"#,
                r#"{"reserve":{"era":1}}"#,
            ]
        );
        for (text, call) in texts.iter().zip(calls) {
            assert_eq!(serde_json::from_str::<WitnessCall>(text).unwrap(), call);
        }
    }
}
