//! What a webhook is told of, and when.

use serde::{Deserialize, Serialize};

/// What a message is about. The word is the `type` of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MessageKind {
    /// A bootstrap was taken from none of the networks that the tenant expects.
    #[serde(rename = "bootstrap.unexpected_network")]
    UnexpectedNetwork,
    /// A phone took its bootstrap and has not come back since.
    #[serde(rename = "device.never_came_back")]
    NeverCameBack,
    /// Many devices of a site have not been heard of for long.
    #[serde(rename = "site.silent")]
    SiteSilent,
    /// A rollout is paused: it stopped itself, or somebody stopped it.
    #[serde(rename = "rollout.paused")]
    RolloutPaused,
    /// A relay is not connected any more.
    #[serde(rename = "relay.lost")]
    RelayLost,
    /// One address asks for many names that nobody has.
    #[serde(rename = "scan.suspected")]
    ScanSuspected,
    /// A file does not render, or fails its check.
    #[serde(rename = "file.broken")]
    FileBroken,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::UnexpectedNetwork,
        Self::NeverCameBack,
        Self::SiteSilent,
        Self::RolloutPaused,
        Self::RelayLost,
        Self::ScanSuspected,
        Self::FileBroken,
    ];

    /// The word of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnexpectedNetwork => "bootstrap.unexpected_network",
            Self::NeverCameBack => "device.never_came_back",
            Self::SiteSilent => "site.silent",
            Self::RolloutPaused => "rollout.paused",
            Self::RelayLost => "relay.lost",
            Self::ScanSuspected => "scan.suspected",
            Self::FileBroken => "file.broken",
        }
    }
}

/// When a webhook is told of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookOptions {
    /// After a message of a kind the next one of that kind waits for so many minutes, 5 to 1440, and has all that
    /// came in between.
    pub window_minutes: u32,
    /// The kinds that are told once a day.
    pub daily: Vec<MessageKind>,
    /// The minute of the day, in UTC, at which these are told; 0 to 1439.
    pub daily_at: u32,
    /// After so many minutes a phone that took its bootstrap has not come back; 5 to 10080.
    pub never_came_back_minutes: u32,
    /// After so many minutes without a request a device is silent; 60 to 43200.
    pub site_silent_minutes: u32,
    /// Of a site with five devices or more, more than so many percent must be silent; 1 to 99.
    pub site_silent_percent: u32,
    /// A rollout must be paused for so many minutes; 0 to 1440.
    pub rollout_paused_minutes: u32,
    /// A relay must be away for so many minutes; 1 to 1440.
    pub relay_lost_minutes: u32,
    /// So many requests of one address for names that nobody has are a scan; 10 to 100000.
    pub scan_requests: u32,
    /// They come within so many minutes; 5 to 60.
    pub scan_minutes: u32,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            window_minutes: 60,
            daily: vec![MessageKind::NeverCameBack],
            daily_at: 6 * 60,
            never_came_back_minutes: 60,
            site_silent_minutes: 2 * 24 * 60,
            site_silent_percent: 50,
            rollout_paused_minutes: 5,
            relay_lost_minutes: 5,
            scan_requests: 200,
            scan_minutes: 10,
        }
    }
}

impl WebhookOptions {
    /// Refuses what is out of bounds.
    pub fn check(&self) -> Result<(), String> {
        for (name, value, least, most) in [
            ("window_minutes", self.window_minutes, 5, 1_440),
            ("daily_at", self.daily_at, 0, 1_439),
            (
                "never_came_back_minutes",
                self.never_came_back_minutes,
                5,
                10_080,
            ),
            ("site_silent_minutes", self.site_silent_minutes, 60, 43_200),
            ("site_silent_percent", self.site_silent_percent, 1, 99),
            (
                "rollout_paused_minutes",
                self.rollout_paused_minutes,
                0,
                1_440,
            ),
            ("relay_lost_minutes", self.relay_lost_minutes, 1, 1_440),
            ("scan_requests", self.scan_requests, 10, 100_000),
            ("scan_minutes", self.scan_minutes, 5, 60),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!("`options.{name}` is {least} to {most}."));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn webhook_options_json_format_unchanged() {
        assert_eq!(
            serde_json::to_string(&WebhookOptions::default()).unwrap(),
            r#"{"window_minutes":60,"daily":["device.never_came_back"],"daily_at":360,"never_came_back_minutes":60,"site_silent_minutes":2880,"site_silent_percent":50,"rollout_paused_minutes":5,"relay_lost_minutes":5,"scan_requests":200,"scan_minutes":10}"#
        );
        let words: Vec<String> = MessageKind::ALL
            .iter()
            .map(|kind| serde_json::to_string(kind).unwrap())
            .collect();
        let named = MessageKind::ALL.map(|kind| format!("\"{}\"", kind.as_str()));
        assert_eq!(words, named);
    }

    #[test]
    fn the_defaults_are_within_bounds_and_what_is_not_is_named() {
        assert_eq!(WebhookOptions::default().check(), Ok(()));
        let far = WebhookOptions {
            scan_minutes: 61,
            ..WebhookOptions::default()
        };
        assert_eq!(
            far.check(),
            Err("`options.scan_minutes` is 5 to 60.".into())
        );
    }
}
