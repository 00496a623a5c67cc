//! What an operator may set for a pool.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ringfence_wire::DEFAULT_LEASE_MS;
use serde::{Deserialize, Serialize};

use super::edge::{EdgeOptions, EdgeOptionsError, Sender};
use super::job::JobPolicy;

/// The longest `change_wait_s`.
const MAX_CHANGE_WAIT_S: u32 = 3600;
/// The longest time that a job may try, in seconds: a week.
pub(crate) const MAX_EXPIRY_S: u32 = 7 * 24 * 3600;
/// The shortest lease, in seconds.
const MIN_LEASE_S: u32 = 2;
/// The longest lease, in seconds.
const MAX_LEASE_S: u32 = 3600;
/// The longest `fetch_timeout_s`: a week.
const MAX_FETCH_TIMEOUT_S: u32 = 7 * 24 * 3600;
/// The shortest `fetch_poll_ms`.
const MIN_FETCH_POLL_MS: u32 = 100;
/// The longest `fetch_poll_ms`: a minute.
const MAX_FETCH_POLL_MS: u32 = 60_000;
/// The largest `max_attempts`.
const MAX_SENDINGS: u32 = 100;
/// The longest `retry_base_s`.
const MAX_RETRY_BASE_S: u32 = 3600;
/// The longest `retry_cap_s`: a day.
const MAX_RETRY_CAP_S: u32 = 24 * 3600;
/// The largest `retention_days`.
const MAX_RETENTION_DAYS: u32 = 400;
/// The slowest pace, in jobs a second.
const MIN_PACE: f64 = 0.001;
/// The fastest pace, in jobs a second.
const MAX_PACE: f64 = 10_000.0;

/// A pool's options. Every field has a default, so that an empty object is a whole set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolOptions {
    /// How long a job about a change waits, from the change on, until every location can see it, in
    /// seconds: KV's 60. A phone that took a stale copy nevertheless is notified again after as long.
    pub change_wait_s: u32,
    /// How long a job may try, in seconds.
    pub expiry_s: u32,
    /// How long a relay has for a job, in seconds. Two NOTIFY transactions need 64. With less than
    /// that (twice 64·T1), a phone that is silent, or must be asked for credentials, runs into the end
    /// of the lease: it is notified again, each time costs one of `max_attempts`, and what it answers
    /// late may be lost.
    pub lease_s: u32,
    /// How long after its 2xx a phone has to come back for its files, in seconds.
    pub fetch_timeout_s: u32,
    /// How often, at first, D1 is asked whether a phone that answered has come back, in
    /// milliseconds; it gets rarer with time, up to once a minute.
    pub fetch_poll_ms: u32,
    /// Sendings of one job, retries included.
    pub max_attempts: u32,
    /// Delay before the first retry, in seconds; it doubles with each one.
    pub retry_base_s: u32,
    /// Longest delay between two retries, in seconds.
    pub retry_cap_s: u32,
    /// Pace of a rollout that does not name its own.
    pub rollout_per_second: f64,
    /// The fastest pace that a rollout may name.
    pub rollout_per_second_max: f64,
    /// Most NOTIFYs a second to one destination network; 0 is no limit. A rollout may name less.
    pub network_per_second: f64,
    /// Prefix length that makes IPv4 destinations one network.
    pub network_bits_v4: u8,
    /// Prefix length that makes IPv6 destinations one network.
    pub network_bits_v6: u8,
    /// Whether the pool's tenants trust one another: then a tenant without destinations of its own may
    /// address anybody that the relays may send to, and two tenants may have the same address of record.
    /// For tenants of one and the same operator.
    pub trusting: bool,
    /// Number of days for which ended jobs and rollouts are kept.
    pub retention_days: u32,
    /// Who sends the NOTIFYs.
    pub sender: Sender,
    /// How the pool itself sends; needed by every sender but `relay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeOptions>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            change_wait_s: 60,
            expiry_s: 24 * 3600,
            lease_s: DEFAULT_LEASE_MS / 1000,
            fetch_timeout_s: 1800,
            fetch_poll_ms: 2000,
            max_attempts: 10,
            retry_base_s: 30,
            retry_cap_s: 3600,
            rollout_per_second: 20.0,
            rollout_per_second_max: 1000.0,
            network_per_second: 10.0,
            network_bits_v4: 24,
            network_bits_v6: 48,
            trusting: false,
            retention_days: 30,
            sender: Sender::default(),
            edge: None,
        }
    }
}

/// Why options could not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// A number.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// A pace.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// The pool is to send itself, and has no options for that.
    #[error("sender is not `relay`, so that edge has to say which proxy the pool sends to")]
    NoEdge,
    /// How the pool itself sends.
    #[error(transparent)]
    Edge(#[from] EdgeOptionsError),
}

/// An option is none of the numbers that it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}; it may be {least} to {most}")]
pub struct OutOfRange {
    name: &'static str,
    value: u32,
    least: u32,
    most: u32,
}

impl OutOfRange {
    /// Refuses a number outside of `range`.
    pub(crate) fn check(
        name: &'static str,
        value: u32,
        range: RangeInclusive<u32>,
    ) -> Result<(), Self> {
        match range.contains(&value) {
            true => Ok(()),
            false => Err(Self {
                name,
                value,
                least: *range.start(),
                most: *range.end(),
            }),
        }
    }
}

/// A pace is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PaceError {
    /// A pace that has to be one.
    #[error("{name} is {value}; it may be {MIN_PACE} to {MAX_PACE} a second")]
    Pace {
        /// The option.
        name: &'static str,
        /// What it is.
        value: f64,
    },
    /// A pace that may be none.
    #[error("{name} is {value}; it may be {MIN_PACE} to {MAX_PACE} a second, or 0 for no limit")]
    PaceOrNone {
        /// The option.
        name: &'static str,
        /// What it is.
        value: f64,
    },
}

/// A rollout names a pace that is beyond its pool's.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name} is {value}; the pool's option {option} allows {most} at most")]
pub struct BeyondPool {
    name: &'static str,
    value: f64,
    option: &'static str,
    most: f64,
}

impl PoolOptions {
    /// How the pool itself sends, if it does.
    pub fn sends_itself(&self) -> Option<&EdgeOptions> {
        match self.sender {
            Sender::Relay => None,
            Sender::Edge | Sender::EdgeThenRelay => self.edge.as_ref(),
        }
    }

    /// Refuses what could not work.
    pub fn check(&self) -> Result<(), OptionsError> {
        let range = OutOfRange::check;
        range("change_wait_s", self.change_wait_s, 0..=MAX_CHANGE_WAIT_S)?;
        range("expiry_s", self.expiry_s, 1..=MAX_EXPIRY_S)?;
        range("lease_s", self.lease_s, MIN_LEASE_S..=MAX_LEASE_S)?;
        range(
            "fetch_timeout_s",
            self.fetch_timeout_s,
            1..=MAX_FETCH_TIMEOUT_S,
        )?;
        range(
            "fetch_poll_ms",
            self.fetch_poll_ms,
            MIN_FETCH_POLL_MS..=MAX_FETCH_POLL_MS,
        )?;
        range("max_attempts", self.max_attempts, 1..=MAX_SENDINGS)?;
        range("retry_base_s", self.retry_base_s, 1..=MAX_RETRY_BASE_S)?;
        range("retry_cap_s", self.retry_cap_s, 1..=MAX_RETRY_CAP_S)?;
        range(
            "network_bits_v4",
            self.network_bits_v4.into(),
            0..=Ipv4Addr::BITS,
        )?;
        range(
            "network_bits_v6",
            self.network_bits_v6.into(),
            0..=Ipv6Addr::BITS,
        )?;
        range(
            "retention_days",
            self.retention_days,
            1..=MAX_RETENTION_DAYS,
        )?;
        check_pace("rollout_per_second", self.rollout_per_second, false)?;
        check_pace("rollout_per_second_max", self.rollout_per_second_max, false)?;
        check_pace("network_per_second", self.network_per_second, true)?;
        match (self.sender, &self.edge) {
            (Sender::Edge | Sender::EdgeThenRelay, None) => Err(OptionsError::NoEdge),
            (_, Some(edge)) => Ok(edge.check()?),
            _ => Ok(()),
        }
    }

    /// The pace of a rollout that names this one: the pool's bound may have been lowered since.
    pub fn rollout_pace(&self, per_second: f64) -> f64 {
        per_second.min(self.rollout_per_second_max)
    }

    /// The pace to one network for a rollout that names this one; 0 is no limit.
    pub fn network_pace(&self, per_second: f64) -> f64 {
        match (per_second > 0.0, self.network_per_second > 0.0) {
            (true, true) => per_second.min(self.network_per_second),
            (true, false) => per_second,
            (false, _) => self.network_per_second,
        }
    }

    /// Refuses the paces of a rollout that are beyond the pool's: its relays serve other tenants too.
    ///
    /// # Errors
    /// In words: which pace may be how fast.
    pub fn check_rollout(
        &self,
        per_second: Option<f64>,
        network_per_second: Option<f64>,
    ) -> Result<(), BeyondPool> {
        match per_second {
            Some(value) if self.rollout_pace(value) < value => {
                return Err(BeyondPool {
                    name: "per_second",
                    value,
                    option: "rollout_per_second_max",
                    most: self.rollout_per_second_max,
                });
            }
            _ => {}
        }
        match network_per_second {
            Some(value) if self.network_pace(value) != value => Err(BeyondPool {
                name: "network_per_second",
                value,
                option: "network_per_second",
                most: self.network_per_second,
            }),
            _ => Ok(()),
        }
    }

    /// The part that the job's state machine needs.
    pub fn policy(&self) -> JobPolicy {
        JobPolicy {
            change_wait_ms: u64::from(self.change_wait_s) * 1000,
            lease_ms: u64::from(self.lease_s) * 1000,
            fetch_timeout_ms: u64::from(self.fetch_timeout_s) * 1000,
            fetch_poll_ms: u64::from(self.fetch_poll_ms),
            max_attempts: self.max_attempts,
            retry_base_ms: u64::from(self.retry_base_s) * 1000,
            retry_cap_ms: u64::from(self.retry_cap_s) * 1000,
        }
    }
}

/// A pace is `MIN_PACE` to `MAX_PACE` a second; with `or_none`, 0 says that there is no limit.
pub fn check_pace(name: &'static str, value: f64, or_none: bool) -> Result<(), PaceError> {
    match ((MIN_PACE..=MAX_PACE).contains(&value), or_none) {
        (true, _) => Ok(()),
        (false, true) if value == 0.0 => Ok(()),
        (false, true) => Err(PaceError::PaceOrNone { name, value }),
        (false, false) => Err(PaceError::Pace { name, value }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_empty_object_is_the_default_and_the_default_is_right() {
        let options: PoolOptions = serde_json::from_str("{}").unwrap();
        assert_eq!(options, PoolOptions::default());
        options.check().unwrap();
    }

    #[test]
    fn options_that_a_newer_version_stored_are_passed_over() {
        let options: PoolOptions = serde_json::from_str(r#"{"new":1,"lease_s":9}"#).unwrap();
        assert_eq!(options.lease_s, 9);
    }

    #[test]
    fn what_could_not_work_is_refused_in_words() {
        let options = PoolOptions {
            lease_s: 0,
            ..PoolOptions::default()
        };
        assert_eq!(
            options.check().unwrap_err().to_string(),
            "lease_s is 0; it may be 2 to 3600"
        );
        let options = PoolOptions {
            rollout_per_second: f64::NAN,
            ..PoolOptions::default()
        };
        assert!(options.check().is_err());
        let options = PoolOptions {
            network_per_second: 0.0,
            ..PoolOptions::default()
        };
        options.check().unwrap();
    }

    #[test]
    fn a_rollout_is_no_faster_than_its_pool() {
        let options = PoolOptions::default();
        assert!(options.check_rollout(None, None).is_ok());
        assert!(options.check_rollout(Some(1000.0), Some(10.0)).is_ok());
        for (per_second, network) in [(Some(1001.0), None), (None, Some(11.0)), (None, Some(0.0))] {
            let error = options.check_rollout(per_second, network).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("the pool's option"), "{message}");
        }
        assert_eq!(options.network_pace(0.0), 10.0);
        assert_eq!(options.network_pace(3.0), 3.0);
        assert_eq!(options.rollout_pace(5000.0), 1000.0);
        let unlimited = PoolOptions {
            network_per_second: 0.0,
            ..options
        };
        assert!(unlimited.check_rollout(None, Some(0.0)).is_ok());
        assert_eq!(unlimited.network_pace(7.0), 7.0);
    }

    #[test]
    fn stored_options_format_unchanged() {
        insta::assert_json_snapshot!(PoolOptions::default(), @r#"
        {
          "change_wait_s": 60,
          "expiry_s": 86400,
          "lease_s": 120,
          "fetch_timeout_s": 1800,
          "fetch_poll_ms": 2000,
          "max_attempts": 10,
          "retry_base_s": 30,
          "retry_cap_s": 3600,
          "rollout_per_second": 20.0,
          "rollout_per_second_max": 1000.0,
          "network_per_second": 10.0,
          "network_bits_v4": 24,
          "network_bits_v6": 48,
          "trusting": false,
          "retention_days": 30,
          "sender": "relay"
        }
        "#);
    }
}
