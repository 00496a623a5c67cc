//! What is known of one generation of a device's key.

use serde::{Deserialize, Serialize};

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KeyState {
    /// A bootstrap is waiting.
    Armed,
    /// The bootstrap was taken.
    Delivered,
    /// The phone came back for a sealed file.
    Confirmed,
    /// Nobody took the bootstrap in time.
    Expired,
    /// A newer generation has taken the place of this one.
    Replaced,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Armed,
        Self::Delivered,
        Self::Confirmed,
        Self::Expired,
        Self::Replaced,
    ];

    /// The word used in storage, in the API and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Delivered => "delivered",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
        }
    }

    /// The state that [`as_str`](Self::as_str) names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One generation of a device's key. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// 1 for the first key of a device, one more with each re-key.
    pub generation: u32,
    /// Where it is in its life.
    pub state: KeyState,
    /// Whether a phone has been given this key at some time.
    pub ever_delivered: bool,
    /// When it was armed last; for an imported key, when it was imported.
    pub armed_at: u64,
    /// From when on the waiting bootstrap is void. `None`: it does not expire.
    pub armed_until: Option<u64>,
    /// When the bootstrap was taken last. A re-arm keeps it: it says who took the one before.
    pub delivered_at: Option<u64>,
    /// The source address that took it. `None` for an imported key.
    pub delivered_to: Option<String>,
    /// When a sealed file was fetched for the first time after the bootstrap was taken.
    pub confirmed_at: Option<u64>,
}

impl KeyRecord {
    /// The first key of a new device, armed.
    pub fn new(now: u64, until: Option<u64>) -> Self {
        Self::armed(1, now, until)
    }

    /// Whether a bootstrap is waiting at `now`. The state alone does not tell, for it becomes
    /// *expired* only when somebody looks ([`KeyEvent::Tick`](super::KeyEvent::Tick)).
    pub fn bootstrap_waits(&self, now: u64) -> bool {
        self.state == KeyState::Armed && self.armed_until.is_none_or(|until| now < until)
    }

    pub(super) fn armed(generation: u32, now: u64, until: Option<u64>) -> Self {
        Self {
            generation,
            state: KeyState::Armed,
            ever_delivered: false,
            armed_at: now,
            armed_until: until,
            delivered_at: None,
            delivered_to: None,
            confirmed_at: None,
        }
    }

    pub(super) fn delivered(generation: u32, now: u64) -> Self {
        Self {
            state: KeyState::Delivered,
            ever_delivered: true,
            delivered_at: Some(now),
            ..Self::armed(generation, now, None)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn states_read_back_as_they_are_written() {
        for state in KeyState::ALL {
            assert_eq!(KeyState::parse(state.as_str()), Some(state));
            assert_eq!(
                serde_json::to_string(&state).unwrap(),
                format!("\"{}\"", state.as_str())
            );
        }
        assert_eq!(KeyState::parse("Armed"), None);
        assert_eq!(KeyState::parse(""), None);
    }

    #[test]
    fn record_json_format_unchanged() {
        let record = KeyRecord {
            delivered_to: Some("192.0.2.7".to_owned()),
            armed_until: Some(604_801_000),
            ..KeyRecord::delivered(2, 1000)
        };
        let json = serde_json::to_string(&record).unwrap();
        insta::assert_snapshot!(json, @r#"{"generation":2,"state":"delivered","ever_delivered":true,"armed_at":1000,"armed_until":604801000,"delivered_at":1000,"delivered_to":"192.0.2.7","confirmed_at":null}"#);
        assert_eq!(serde_json::from_str::<KeyRecord>(&json).unwrap(), record);
    }
}
