//! One job: a NOTIFY to one device, and what becomes of it.
//!
//! ```text
//!            ┌────────── retry, returned, lease over, stale copy ──────────┐
//!            ▼                                                             │
//!  submit  queued ── lease ──▶ leased ── 2xx ──▶ answered ── download ──▶ fetched
//!            │                   │                  │
//!            │                   ├── code ──────────┼──▶ rejected
//!            │                   ├── silence ───────┼──▶ unreachable
//!            ├── too old ────────┼── no download ───┴──▶ expired
//!            └── operator, device deleted ────────────────▶ cancelled
//! ```
//!
//! Invariant: a job reaches exactly one final state and never leaves it, whatever arrives in
//! whatever order; every pending state ends by time alone. The property tests below hold it. A job
//! that waits for a rollout which stands still does not grow old meanwhile: that wait ends when the
//! rollout is cancelled, by itself after 30 days.
//!
//! A phone that answered and never came back ends *expired* with the reason `never_fetched`; one
//! that came back each time for older files than the job is about, *expired* with `stale_copy`.

use ringfence_wire::{JobResult, Outcome, Retry, ReturnReason};
use serde::{Deserialize, Serialize};

use super::backoff;

/// What the object adds to the lease that the relay has, in milliseconds: the relay counts from the
/// arrival of the frame.
pub const LEASE_GRACE_MS: u64 = 5_000;

/// Longest time between two questions whether a phone has come back, in milliseconds.
const SLOWEST_CHECK_MS: u64 = 60_000;

/// The reason of a job whose time was over after it was sent.
const TOO_OLD: &str = "too_old";

/// The longest reason that is kept of a job or of a lease, in characters.
pub(crate) const MAX_REASON: usize = 64;
/// The longest message that is kept of a job or of a lease, in characters.
pub(crate) const MAX_MESSAGE: usize = 600;

/// A lost lease is retried immediately up to this many failed attempts, so that a killed relay delays
/// nobody.
const MAX_FREE_LOSSES: u32 = 2;

/// Where a job stands. The first three are pending, the others final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum State {
    /// The job waits for its time, or for a relay.
    Queued,
    /// A relay has the job until its lease ends.
    Leased,
    /// The phone answered 2xx, and its download is waited for; or the phone did not answer the last
    /// NOTIFY, and its download is looked for once more before that is final.
    Answered,
    /// The phone took the files the job was about, after it was notified.
    Fetched,
    /// The phone or a proxy refused the NOTIFY, or the phone cannot be notified at all.
    Rejected,
    /// The phone did not answer, however often it was notified.
    Unreachable,
    /// The time of the job is over; the reason says in which way.
    Expired,
    /// An operator took the job back, or its device was deleted.
    Cancelled,
}

impl State {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Leased | Self::Answered)
    }

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Answered => "answered",
            Self::Fetched => "fetched",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a job says about its rollout's success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutVerdict {
    /// Of no rollout.
    None,
    /// Not known yet.
    Open,
    /// Fetched within the rollout's minutes.
    InTime,
    /// Not.
    Late,
    /// Taken back by somebody: counts for neither.
    Excluded,
}

impl RolloutVerdict {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Open => "open",
            Self::InTime => "in_time",
            Self::Late => "late",
            Self::Excluded => "excluded",
        }
    }
}

/// A job as it is stored: the columns of the table `jobs`. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// A ULID.
    pub id: String,
    /// Id of the tenant.
    pub tenant: String,
    /// Id of the device.
    pub device: String,
    /// Its MAC.
    pub mac: String,
    /// Text of the Event header. One job per device and event is pending at a time.
    pub event: String,
    /// The version of the device's files that it is to come for.
    pub version: u64,
    /// Destination network, for the pace; see [`pace::network_of`](super::pace::network_of).
    pub network: String,
    /// The rollout it counts for.
    pub rollout: Option<String>,
    /// That rollout's stage.
    pub stage: u32,
    /// The rollout whose pace, window and pauses it obeys; empty is none.
    #[serde(rename = "lane")]
    pub queue: String,
    pub state: State,
    pub created_at: u64,
    /// The time before which a queued job is not sent, in Unix milliseconds.
    pub due_at: u64,
    /// The time after which a queued job is not sent, in Unix milliseconds.
    pub expires_at: u64,
    /// Whether `due_at` is a turn that the pace of its network has granted.
    #[serde(rename = "slot", with = "zero_or_one")]
    pub turn_granted: bool,
    /// How often it was given to a relay.
    pub lease: u32,
    /// The relay that has it, or had it last; [`EDGE`](crate::edge::EDGE) is the pool itself.
    pub relay: Option<String>,
    /// Whether the pool itself could not deliver it, so that it is for a relay.
    #[serde(
        default,
        with = "zero_or_one",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub relay_only: bool,
    pub lease_until: Option<u64>,
    /// Sendings in vain, and leases of which nobody knows whether they were.
    pub tries: u32,
    /// Number of further requests that joined the job.
    pub joined: u32,
    /// When it was first given to a relay that did not give it back unsent.
    pub first_sent_at: Option<u64>,
    /// When it was last given to a relay.
    pub sent_at: Option<u64>,
    pub answered_at: Option<u64>,
    /// When the phone took its files, by D1.
    pub fetched_at: Option<u64>,
    pub ended_at: Option<u64>,
    /// While answered: when to ask D1 next.
    pub check_at: Option<u64>,
    pub checked_at: Option<u64>,
    /// Until when a download counts as in time for its rollout.
    pub judge_at: Option<u64>,
    pub verdict: RolloutVerdict,
    /// Last SIP status code.
    pub code: Option<u16>,
    /// Why the job is in its state, in one word for programs.
    pub reason: String,
    /// The same for a person, with what to do.
    #[serde(rename = "words")]
    pub message: String,
}

/// The pool's options that a job obeys, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPolicy {
    pub change_wait_ms: u64,
    pub lease_ms: u64,
    pub fetch_timeout_ms: u64,
    pub fetch_poll_ms: u64,
    pub max_attempts: u32,
    pub retry_base_ms: u64,
    pub retry_cap_ms: u64,
}

/// What can happen to a job.
#[derive(Clone, Debug)]
pub enum JobEvent<'a> {
    /// A relay takes it. `judge_ms` is how long the rollout gives a phone to come back.
    Lease {
        relay: &'a str,
        judge_ms: Option<u64>,
    },
    /// The relay is done with it.
    Report(&'a JobResult),
    /// The pool itself could not deliver it, and a relay is to.
    HandOver(&'a JobResult),
    /// The relay gives this lease back. With `Drain`, `Full` and `Pace` nothing was sent under it.
    GivenBack { lease: u32, reason: ReturnReason },
    /// The frame could not be handed to the relay, or the relay's process is another one now.
    LeaseVoid,
    /// D1 was asked: the device last took this version, at this time.
    Seen { version: u64, at: u64 },
    /// D1 was asked; `Seen` went before if there was anything.
    Checked,
    /// Another request wants the same. It is about `version` and must not go before `not_before`;
    /// one that is `standalone`, bound to no rollout's pace or pauses, takes the job out of its queue.
    Join {
        version: u64,
        not_before: u64,
        expires_at: u64,
        standalone: bool,
    },
    /// It cannot be sent as things are.
    Refuse { reason: &'a str, message: &'a str },
    /// Somebody takes it back.
    Cancel { reason: &'a str, message: &'a str },
    /// Time passes.
    Clock,
}

impl Job {
    /// Whether it may be given to a relay at `now`.
    pub fn is_due(&self, now: u64) -> bool {
        self.state == State::Queued && self.due_at <= now && now < self.expires_at
    }

    /// What becomes of it. Whatever does not fit its state leaves it as it is; a final job always.
    pub fn apply(&mut self, event: &JobEvent, now: u64, policy: &JobPolicy, random: u64) {
        if self.state.is_final() {
            return;
        }
        match event {
            JobEvent::Lease { relay, judge_ms } => self.lease(relay, *judge_ms, now, policy),
            JobEvent::Report(result) => self.report(result, now, policy, random),
            JobEvent::HandOver(result) => self.hand_over(result, now),
            JobEvent::GivenBack { lease, reason } => {
                if self.state == State::Leased && self.lease == *lease {
                    let message = "A relay gave the job back; the job goes out again.";
                    let wait = match reason {
                        ReturnReason::Drain => 0,
                        ReturnReason::Pace => 3_000 + random % 4_000,
                        ReturnReason::Full => 1_000,
                        // Of these the phone may have heard.
                        ReturnReason::Lease | ReturnReason::Other => {
                            return self.lose("returned", message, now, policy, random);
                        }
                    };
                    self.unsend();
                    self.requeue(now + wait, "returned", message);
                }
            }
            JobEvent::LeaseVoid => {
                if self.state == State::Leased {
                    self.lose(
                        "relay_lost",
                        "The relay that had the job is gone; the job goes to another, or waits for one.",
                        now,
                        policy,
                        random,
                    );
                }
            }
            JobEvent::Seen { version, at } => self.seen(*version, *at, now, policy, random),
            JobEvent::Checked => self.checked(now, policy),
            JobEvent::Join {
                version,
                not_before,
                expires_at,
                standalone,
            } => {
                self.version = self.version.max(*version);
                self.joined = self.joined.saturating_add(1);
                self.expires_at = self.expires_at.max(*expires_at);
                if self.state == State::Queued && self.due_at < *not_before {
                    self.due_at = *not_before;
                    self.turn_granted = false;
                }
                if *standalone {
                    self.queue.clear();
                }
            }
            JobEvent::Refuse { reason, message } => {
                if self.state == State::Queued {
                    self.end(State::Rejected, now, reason, message);
                }
            }
            JobEvent::Cancel { reason, message } => {
                self.end(State::Cancelled, now, reason, message)
            }
            JobEvent::Clock => self.clock(now, policy, random),
        }
    }

    /// Decides for its rollout once the answer is known, or `judge_at` has passed.
    pub fn judge(&mut self, now: u64) {
        if self.verdict != RolloutVerdict::Open {
            return;
        }
        let in_time = |at: u64| self.judge_at.is_none_or(|until| at <= until);
        self.verdict = match self.state {
            State::Fetched if self.fetched_at.is_some_and(in_time) => RolloutVerdict::InTime,
            State::Cancelled => RolloutVerdict::Excluded,
            state if state.is_final() => RolloutVerdict::Late,
            _ if !in_time(now) => RolloutVerdict::Late,
            _ => RolloutVerdict::Open,
        };
    }

    fn lease(&mut self, relay: &str, judge_ms: Option<u64>, now: u64, policy: &JobPolicy) {
        if !self.is_due(now) {
            return;
        }
        self.state = State::Leased;
        self.lease = self.lease.saturating_add(1);
        self.relay = Some(relay.to_owned());
        self.lease_until = Some(now + policy.lease_ms + LEASE_GRACE_MS);
        self.first_sent_at.get_or_insert(now);
        self.sent_at = Some(now);
        self.turn_granted = false;
        if let Some(judge_ms) = judge_ms {
            self.judge_at.get_or_insert(now + judge_ms);
        }
        self.set_reason("leased", "A relay is telling the phone.");
    }

    fn report(&mut self, result: &JobResult, now: u64, policy: &JobPolicy, random: u64) {
        let current = self.state == State::Leased && result.job.lease == self.lease;
        if result.outcome == Outcome::Answered {
            // Even of a lease that has ended: the phone heard, and need not hear it twice.
            let unanswered = match self.state {
                State::Queued | State::Leased => self.lease > 0,
                State::Answered => self.answered_at.is_none(),
                _ => false,
            };
            if current || unanswered {
                self.state = State::Answered;
                self.answered_at = Some(now);
                self.first_sent_at.get_or_insert(now);
                self.lease_until = None;
                self.check_at = Some(now);
                self.code = result.code;
                self.set_reason(&result.reason, &result.explanation);
            }
            return;
        }
        if !current {
            return;
        }
        self.code = result.code.or(self.code);
        let again = match (result.outcome, result.code) {
            (
                Outcome::Answered | Outcome::Unauthorized | Outcome::NotAllowed | Outcome::Invalid,
                _,
            ) => false,
            (Outcome::Cancelled | Outcome::Other, _) => true,
            (_, Some(408 | 480 | 486 | 500 | 503)) => true,
            (_, Some(403 | 404 | 481 | 489 | 501)) => false,
            _ => result.retry == Retry::Later,
        };
        self.tries = self.tries.saturating_add(1);
        if again && self.tries < policy.max_attempts {
            let wait = self.delay(policy, result.retry_after_s, random);
            self.requeue(now + wait, &result.reason, &result.explanation);
            return;
        }
        let state = match result.outcome {
            Outcome::Unreachable => State::Unreachable,
            _ => State::Rejected,
        };
        let message = match self.tries {
            1 => result.explanation.clone(),
            tries => format!("{} Tried {tries} times.", result.explanation),
        };
        match state {
            State::Unreachable => self.end_unheard(state, now, &result.reason, &message),
            state => self.end(state, now, &result.reason, &message),
        }
    }

    fn hand_over(&mut self, result: &JobResult, now: u64) {
        if self.state != State::Leased || result.job.lease != self.lease {
            return;
        }
        self.relay_only = true;
        self.code = result.code.or(self.code);
        // Of what was sent the phone may have heard.
        match result.attempts {
            0 => self.unsend(),
            _ => self.tries = self.tries.saturating_add(1),
        }
        let message = format!(
            "The pool could not deliver the job, and a relay is to send it. {}",
            result.explanation
        );
        self.requeue(now, &result.reason, &message);
    }

    fn seen(&mut self, version: u64, at: u64, now: u64, policy: &JobPolicy, random: u64) {
        if version >= self.version && self.first_sent_at.is_some_and(|sent| at > sent) {
            self.fetched_at = Some(at);
            self.end(
                State::Fetched,
                now,
                "fetched",
                "The phone came back and took its new files.",
            );
        } else if self.state == State::Answered
            && self.answered_at.is_some()
            && self.sent_at.is_some_and(|sent| at > sent)
        {
            self.tries = self.tries.saturating_add(1);
            if self.tries >= policy.max_attempts {
                let message = "The phone came back each time, but took older files than it was told about. \
                     Notify it again; if it stays so, raise the pool's option change_wait_s.";
                self.end(State::Expired, now, "stale_copy", message);
            } else {
                let wait = self
                    .delay(policy, None, random)
                    .min(policy.retry_base_ms)
                    .max(policy.change_wait_ms);
                self.requeue(
                    now + wait,
                    "stale_copy",
                    "The phone came back too early and took a stale copy; the phone is notified again.",
                );
            }
        }
    }

    fn checked(&mut self, now: u64, policy: &JobPolicy) {
        if self.state != State::Answered {
            return;
        }
        let Some(answered) = self.answered_at else {
            let state = match self.reason.as_str() {
                TOO_OLD => State::Expired,
                _ => State::Unreachable,
            };
            let (reason, message) = (self.reason.clone(), self.message.clone());
            self.checked_at = Some(now);
            return self.end(state, now, &reason, &message);
        };
        let until = answered + policy.fetch_timeout_ms;
        if now >= until {
            let message = "The phone answered, but never came back for its files. Compare the event \
                         with the one in its own configuration, and see whether it can reach this server.";
            self.end(State::Expired, now, "never_fetched", message);
            return;
        }
        let poll = policy.fetch_poll_ms.max(1);
        let wait = (now.saturating_sub(answered) / 4).clamp(poll, SLOWEST_CHECK_MS.max(poll));
        // On a common beat, so that many are asked about together.
        let next = (now + wait).next_multiple_of(poll);
        self.checked_at = Some(now);
        self.check_at = Some(next.min(until));
    }

    fn clock(&mut self, now: u64, policy: &JobPolicy, random: u64) {
        if self.state == State::Leased && self.lease_until.is_none_or(|until| now >= until) {
            self.lose(
                "lease_over",
                "The relay said nothing about the job within its lease; the job goes out again.",
                now,
                policy,
                random,
            );
        }
        if self.state == State::Queued && now >= self.expires_at {
            let message = match (self.lease, self.reason.as_str()) {
                (0, _) => "The job was never sent: no relay was there for it, or its turn never came. \
                           See whether a relay of the pool is connected, then notify the device again."
                    .to_owned(),
                (_, reason) => format!(
                    "The time of the job is over. The last that happened: {reason}. {}",
                    self.message
                ),
            };
            let reason = if self.lease == 0 {
                "never_sent"
            } else {
                TOO_OLD
            };
            self.end_unheard(State::Expired, now, reason, &message);
        }
    }

    fn delay(&self, policy: &JobPolicy, retry_after_s: Option<u32>, random: u64) -> u64 {
        backoff::delay(
            self.tries,
            policy.retry_base_ms,
            policy.retry_cap_ms,
            retry_after_s,
            random,
        )
    }

    fn requeue(&mut self, due_at: u64, reason: &str, message: &str) {
        self.state = State::Queued;
        self.due_at = due_at;
        self.turn_granted = false;
        self.lease_until = None;
        self.check_at = None;
        self.set_reason(reason, message);
    }

    /// Its lease ended without a result. The phone may have been notified: it counts as a sending in
    /// vain, or one that is silent would be notified at the end of every lease. What one relay lost goes
    /// to the next at once; a job that is lost again and again waits as after any other failure.
    fn lose(&mut self, reason: &str, message: &str, now: u64, policy: &JobPolicy, random: u64) {
        self.tries = self.tries.saturating_add(1);
        if self.tries >= policy.max_attempts {
            let message = format!(
                "No relay could say what became of it, the last time: {reason}. Tried {} times. \
                 Look at the relays' logs, then notify the device again.",
                self.tries
            );
            return self.end_unheard(State::Unreachable, now, reason, &message);
        }
        let wait = match self.tries {
            0..=MAX_FREE_LOSSES => 0,
            _ => self.delay(policy, None, random),
        };
        self.requeue(now + wait, reason, message);
    }

    /// Nothing went out under this lease: a download after it proves nothing.
    fn unsend(&mut self) {
        if self.tries == 0 && self.first_sent_at == self.sent_at {
            self.first_sent_at = None;
            self.judge_at = None;
        }
    }

    /// Ends a job whose phone gave no answer. If it was sent, D1 is asked once more: a phone may have
    /// heard and downloaded, and only its 200 been lost. Until then the job stands as answered, with
    /// no `answered_at` and with the reason of its end.
    fn end_unheard(&mut self, state: State, now: u64, reason: &str, message: &str) {
        if self.first_sent_at.is_none() {
            return self.end(state, now, reason, message);
        }
        self.state = State::Answered;
        self.answered_at = None;
        self.lease_until = None;
        self.check_at = Some(now);
        self.set_reason(reason, message);
    }

    fn end(&mut self, state: State, now: u64, reason: &str, message: &str) {
        self.state = state;
        self.ended_at = Some(now);
        self.lease_until = None;
        self.check_at = None;
        self.set_reason(reason, message);
        self.judge(now);
    }

    fn set_reason(&mut self, reason: &str, message: &str) {
        self.reason = reason.chars().take(MAX_REASON).collect();
        self.message = message.chars().take(MAX_MESSAGE).collect();
    }
}

/// A truth value as the database has it: 0 or 1.
mod zero_or_one {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(is_so: &bool, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(u8::from(*is_so))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
        Ok(u8::deserialize(from)? == 1)
    }
}

#[cfg(test)]
mod tests;
