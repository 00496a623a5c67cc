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

/// The limits that decide when a webhook sends messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookOptions {
    /// Number of minutes between two messages of one kind, 5 to 1440. The later message has all
    /// that came in between.
    pub window_minutes: u32,
    /// The kinds that are told once a day.
    pub daily: Vec<MessageKind>,
    /// The minute of the day, in UTC, at which the kinds in `daily` are told; 0 to 1439.
    pub daily_at: u32,
    /// Number of minutes after which a phone that took its bootstrap counts as not come back; 5 to
    /// 10080.
    pub never_came_back_minutes: u32,
    /// Number of minutes without a request after which a device counts as silent; 60 to 43200.
    pub site_silent_minutes: u32,
    /// The percentage of a site's devices that may be silent without a message, 1 to 99. A site
    /// with fewer than five devices is left out.
    pub site_silent_percent: u32,
    /// Number of minutes that a rollout must be paused before a message tells it; 0 to 1440.
    pub rollout_paused_minutes: u32,
    /// Number of minutes that a relay must be away before a message tells it; 1 to 1440.
    pub relay_lost_minutes: u32,
    /// Number of requests of one address for names that nobody has, from which on they count as a
    /// scan; 10 to 100000.
    pub scan_requests: u32,
    /// Number of minutes within which the requests of a scan come; 5 to 60.
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

/// An option is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`options.{name}` is {least} to {most}.")]
pub struct OutOfBounds {
    name: &'static str,
    least: u32,
    most: u32,
}

impl WebhookOptions {
    /// Refuses what is out of bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
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
                return Err(OutOfBounds { name, least, most });
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
            far.check().unwrap_err().to_string(),
            "`options.scan_minutes` is 5 to 60."
        );
    }
}
