//! A rollout: jobs for many devices, at a pace, in stages, and stopped in time.
//!
//! A rollout does not make all its jobs at once. It walks its selection in the order of the devices'
//! ids and keeps just enough jobs queued for the pace, so that pausing it stops nearly everything.
//! While it waits for an operator, a window or a relay its jobs do not grow old; after 30 days of that
//! it is cancelled.

use serde::{Deserialize, Serialize};

use super::options::{MAX_EXPIRY_S, PaceError, check_pace};
use super::window::TimeWindow;

/// The longest time over which a rollout spreads its jobs, in seconds: a day.
const MAX_SPREAD_S: u32 = 24 * 3600;

/// The most stages of a rollout, without the last one that is added.
const MAX_STAGES: usize = 20;

/// The longest time that a threshold may give the phones of a stage, in seconds: a day.
const MAX_WITHIN_S: u32 = 24 * 3600;

/// From how many judged devices on a share below the threshold stops the rollout at once, instead of
/// only when the stage can no longer reach the threshold.
const MIN_JUDGED: u64 = 50;

/// Most MACs in one selection.
pub const MAX_MACS: usize = 10_000;

/// The devices of a rollout. Several fields narrow each other; without any the rollout is for every device of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selection {
    /// Id of a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Name of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A group of MACs, at most 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs: Option<Vec<String>>,
}

/// How far one stage goes, counted from the first device of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Stage {
    /// The stage goes up to this number of devices.
    Devices(
        /// Number of devices, counted from the first one of the rollout.
        u64,
    ),
    /// The stage goes up to this part of all devices.
    Percent(
        /// The part of all devices of the rollout in percent, more than 0, up to 100.
        f64,
    ),
    /// The stage goes up to all devices. A rollout ends with this stage, whether it is written or
    /// not.
    All,
}

/// What must be true for a rollout to go on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Threshold {
    /// The least share of a stage's devices that fetched in time, 0 to 1.
    pub share: f64,
    /// How long a phone may take after its first NOTIFY, in seconds.
    pub within_s: u32,
}

/// Nine of ten phones back within a quarter of an hour: what stages are held to by default.
pub const DEFAULT_THRESHOLD: Threshold = Threshold {
    share: 0.9,
    within_s: 900,
};

/// A rollout as it was ordered, every default filled in. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Without the MACs: those are rows.
    pub selection: Selection,
    /// Text of the Event header; absent is each device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// NOTIFYs a second.
    pub per_second: f64,
    /// NOTIFYs a second to one destination network; 0 is no limit.
    pub network_per_second: f64,
    /// Each job waits a random time of up to this number of seconds more; at most 86400.
    pub spread_s: u32,
    /// Time of day, with its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// In order; the last is always all.
    pub stages: Vec<Stage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// How long each job may try, in seconds.
    pub expiry_s: u32,
}

/// Why a rollout cannot be meant as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// A pace.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// It spreads its jobs over more than a day.
    #[error("spread_s is at most a day, {MAX_SPREAD_S}")]
    Spread,
    /// Its jobs try for too long, or not at all.
    #[error("expiry_s may be 1 to {MAX_EXPIRY_S}")]
    Expiry,
    /// Its window has an empty list of days.
    #[error("window.days names no day: the window would never open. Leave it out for every day")]
    NoDay,
    /// Too many.
    #[error("stages has {0} stages; it may have {MAX_STAGES} at most")]
    Stages(usize),
    /// A stage of no devices.
    #[error("stages has a stage of 0 devices, which tells nothing; it may have 1 or more")]
    EmptyStage,
    /// A stage of a share that is none.
    #[error("stages has a stage of {0} percent; it may have more than 0, up to 100")]
    Percent(f64),
    /// The share, or the time for it.
    #[error("threshold.share may be 0 to 1, threshold.within_s 1 to {MAX_WITHIN_S}")]
    Threshold,
}

impl Spec {
    /// Refuses what cannot be meant, and ends the stages with all.
    pub fn checked(mut self) -> Result<Self, SpecError> {
        check_pace("per_second", self.per_second, false)?;
        check_pace("network_per_second", self.network_per_second, true)?;
        if self.spread_s > MAX_SPREAD_S {
            return Err(SpecError::Spread);
        }
        if !(1..=MAX_EXPIRY_S).contains(&self.expiry_s) {
            return Err(SpecError::Expiry);
        }
        if let Some(TimeWindow {
            days: Some(days), ..
        }) = &self.window
            && days.is_empty()
        {
            return Err(SpecError::NoDay);
        }
        if self.stages.len() > MAX_STAGES {
            return Err(SpecError::Stages(self.stages.len()));
        }
        for stage in &self.stages {
            match stage {
                Stage::Devices(0) => return Err(SpecError::EmptyStage),
                Stage::Percent(percent) if !(*percent > 0.0 && *percent <= 100.0) => {
                    return Err(SpecError::Percent(*percent));
                }
                _ => {}
            }
        }
        if self.stages.last() != Some(&Stage::All) {
            self.stages.push(Stage::All);
        }
        if self.stages.len() > 1 {
            self.threshold.get_or_insert(DEFAULT_THRESHOLD);
        }
        if let Some(Threshold { share, within_s }) = self.threshold
            && (!(0.0..=1.0).contains(&share) || !(1..=MAX_WITHIN_S).contains(&within_s))
        {
            return Err(SpecError::Threshold);
        }
        Ok(self)
    }

    /// How many devices are notified when `stage` is through, of `total`.
    pub fn boundary(&self, stage: u32, total: u64) -> u64 {
        let so_far = self.stages.iter().take(stage as usize + 1);
        let furthest = so_far.map(|stage| match stage {
            Stage::Devices(devices) => *devices,
            Stage::Percent(percent) => (total as f64 * percent / 100.0).ceil() as u64,
            Stage::All => total,
        });
        if (stage as usize) + 1 >= self.stages.len() {
            return total;
        }
        furthest.max().unwrap_or(total).min(total)
    }
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RolloutState {
    /// The rollout goes on, or waits for its window or a relay.
    Running,
    /// An operator or the threshold stopped the rollout; the reason says which.
    Paused,
    /// Every job of the rollout has ended.
    Finished,
    /// An operator cancelled the rollout.
    Cancelled,
}

impl RolloutState {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is known of the current stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Devices in it.
    pub size: u64,
    /// Of those, notified or about to be.
    pub released: u64,
    pub in_time: u64,
    pub late: u64,
    /// Devices excluded from the result: cancelled, deleted, or pending in another rollout.
    pub excluded: u64,
}

/// What to do with a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on with the stage.
    Go,
    /// The stage is through.
    Next,
    /// Stop, and say this.
    Pause(String),
}

/// Decides on the current stage.
pub fn decide(tally: &Tally, threshold: Option<&Threshold>) -> Decision {
    let through = tally.released >= tally.size;
    let Some(threshold) = threshold else {
        return if through {
            Decision::Next
        } else {
            Decision::Go
        };
    };
    let counted = tally.size.saturating_sub(tally.excluded);
    let judged = tally.in_time + tally.late;
    let share = tally.in_time as f64 / judged.max(1) as f64;
    // A hair's breadth for the floating point: 1 - 0.9 of 10 is one device.
    let most_late = ((1.0 - threshold.share) * counted as f64 + 1e-9).floor() as u64;
    if tally.late > most_late || (judged >= MIN_JUDGED && share + 1e-9 < threshold.share) {
        return Decision::Pause(format!(
            "{} of {judged} devices of this stage fetched within {} s ({:.1} %), which is below {:.1} %. \
             Look at the jobs that are not fetched, then resume or cancel.",
            tally.in_time,
            threshold.within_s,
            share * 100.0,
            threshold.share * 100.0,
        ));
    }
    if through && judged >= counted {
        Decision::Next
    } else {
        Decision::Go
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn spec(stages: &str) -> Spec {
        Spec {
            selection: Selection::default(),
            event: None,
            per_second: 20.0,
            network_per_second: 10.0,
            spread_s: 0,
            window: None,
            stages: serde_json::from_str(stages).unwrap(),
            threshold: None,
            expiry_s: 86_400,
        }
    }

    const THRESHOLD: Threshold = Threshold {
        share: 0.9,
        within_s: 900,
    };

    #[test]
    fn stages_end_with_all_and_get_a_threshold() {
        let spec = spec(r#"[{"devices":10},{"percent":12.5}]"#)
            .checked()
            .unwrap();
        assert_eq!(spec.stages.last(), Some(&Stage::All));
        assert_eq!(spec.threshold, Some(DEFAULT_THRESHOLD));
        let ends: Vec<u64> = (0..3).map(|stage| spec.boundary(stage, 1_001)).collect();
        assert_eq!(ends, [10, 126, 1_001]);
        // A small fleet: no stage is larger than it.
        let ends: Vec<u64> = (0..3).map(|stage| spec.boundary(stage, 4)).collect();
        assert_eq!(ends, [4, 4, 4]);
    }

    #[test]
    fn a_rollout_without_stages_is_one() {
        let spec = spec("[]").checked().unwrap();
        assert_eq!(
            (spec.stages.len(), spec.threshold, spec.boundary(0, 7)),
            (1, None, 7)
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let never = serde_json::from_str(r#"{"from":"22:00","to":"05:00","days":[]}"#).unwrap();
        let refused = Spec {
            window: Some(never),
            ..spec("[]")
        };
        assert!(
            refused
                .checked()
                .unwrap_err()
                .to_string()
                .contains("window.days")
        );
        assert!(spec(r#"[{"devices":0}]"#).checked().is_err());
        assert!(spec(r#"[{"percent":101}]"#).checked().is_err());
        assert!(
            Spec {
                per_second: 0.0,
                ..spec("[]")
            }
            .checked()
            .is_err()
        );
        assert!(
            Spec {
                threshold: Some(Threshold {
                    share: 1.1,
                    within_s: 1
                }),
                ..spec("[]")
            }
            .checked()
            .is_err()
        );
    }

    #[test]
    fn a_stage_waits_until_every_device_is_judged() {
        let tally = Tally {
            size: 10,
            released: 10,
            in_time: 8,
            late: 1,
            excluded: 0,
        };
        assert_eq!(decide(&tally, Some(&THRESHOLD)), Decision::Go);
        assert_eq!(
            decide(
                &Tally {
                    in_time: 9,
                    ..tally
                },
                Some(&THRESHOLD)
            ),
            Decision::Next
        );
        assert_eq!(decide(&Tally { excluded: 1, ..tally }, Some(&THRESHOLD)), Decision::Pause(
            "8 of 9 devices of this stage fetched within 900 s (88.9 %), which is below 90.0 %. \
             Look at the jobs that are not fetched, then resume or cancel.".into()));
        assert_eq!(decide(&tally, None), Decision::Next);
    }

    #[test]
    fn a_stage_stops_as_soon_as_it_cannot_succeed() {
        let tally = Tally {
            size: 10,
            released: 3,
            in_time: 0,
            late: 2,
            excluded: 0,
        };
        assert!(matches!(
            decide(&tally, Some(&THRESHOLD)),
            Decision::Pause(_)
        ));
        // And in a large stage as soon as the share is known well enough.
        let tally = Tally {
            size: 10_000,
            released: 100,
            in_time: 40,
            late: 11,
            excluded: 0,
        };
        assert!(matches!(
            decide(&tally, Some(&THRESHOLD)),
            Decision::Pause(_)
        ));
    }

    #[test]
    fn nothing_counted_is_no_failure() {
        let tally = Tally {
            size: 2,
            released: 2,
            in_time: 0,
            late: 0,
            excluded: 2,
        };
        assert_eq!(decide(&tally, Some(&THRESHOLD)), Decision::Next);
    }

    #[test]
    fn stored_spec_format_unchanged() {
        let text = r#"{"selection":{"site":"01K6F0000000000000000SITE0"},"per_second":5.0,"network_per_second":2.0,"spread_s":30,"window":{"from":"22:00","to":"05:00","days":["sat","sun"],"zone":"Europe/Berlin"},"stages":[{"devices":10},{"percent":5.0},"all"],"threshold":{"share":0.9,"within_s":900},"expiry_s":86400}"#;
        let spec: Spec = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    }
    #[test]
    fn what_a_newer_version_stored_in_a_spec_is_passed_over() {
        let text = r#"{"new":1,"selection":{"new":1},"per_second":5.0,"network_per_second":2.0,"spread_s":30,"window":{"from":"22:00","to":"05:00","new":1},"stages":["all"],"threshold":{"share":0.9,"within_s":900,"new":1},"expiry_s":86400}"#;
        let spec: Spec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.threshold, Some(DEFAULT_THRESHOLD));
        assert!(spec.window.is_some());
    }
}
