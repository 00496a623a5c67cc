//! The transitions.

use super::record::{KeyRecord, KeyState};

/// What happens to a key. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// A phone asks for its standard file at the plain name, in a way that may consume a
    /// bootstrap: `GET`, over TLS. `HEAD`, previews and health checks are no claims.
    Claim {
        /// The time.
        now: u64,
        /// The address it asks from; empty if that is not known.
        source: String,
    },
    /// A phone asks for a sealed file.
    SealedFetch {
        /// The time.
        now: u64,
    },
    /// Time passes.
    Tick {
        /// The time.
        now: u64,
    },
    /// An operator has the bootstrap of this key served once more.
    Rearm {
        /// The time.
        now: u64,
        /// When the new bootstrap expires.
        until: Option<u64>,
    },
    /// An operator gives the device a new key.
    Rekey {
        /// The time.
        now: u64,
        /// When its bootstrap expires.
        until: Option<u64>,
    },
    /// An operator states the key that the phone has: a new generation without a bootstrap.
    Import {
        /// The time.
        now: u64,
    },
    /// An operator takes a database into use that was put back to an earlier point. The record is
    /// as it was then, and what happened to the key since is not in it.
    Restored {
        /// Whether a phone has taken the bootstrap of this generation since.
        claimed: bool,
        /// Whether the device has got another key since: this one may be a stranger's.
        rekeyed: bool,
    },
}

/// What an operator has decided about claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimPolicy {
    /// How long the address that took a bootstrap may take it again, in milliseconds. `None`, the
    /// default, is off.
    pub retry_window_ms: Option<u64>,
}

impl ClaimPolicy {
    /// The longest window: ten minutes. An office is one address, so a window lets everybody in it
    /// ask, and has to be too short for anybody but a phone whose transfer was cut.
    pub const MAX_RETRY_WINDOW_MS: u64 = 600_000;

    /// The window in milliseconds, bounded; 0 when it is off.
    pub fn retry_window(&self) -> u64 {
        self.retry_window_ms
            .unwrap_or(0)
            .min(Self::MAX_RETRY_WINDOW_MS)
    }
}

/// What comes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The device's key from now on; a new generation after a re-key or an import.
    pub next: KeyRecord,
    /// The generation that it replaces, if it does, for the history. Nothing is served under it.
    pub replaced: Option<KeyRecord>,
    /// What to do.
    pub effect: Effect,
}

/// What to do about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer with the bootstrap.
    ServePlaintext {
        /// Whether this is the retry window's doing. For the event log.
        retry: bool,
    },
    /// Answer with the sealed file.
    ServeSealed {
        /// Whether `next` has to be stored: the first time after a delivery.
        confirms: bool,
    },
    /// Answer with the refusal. `next` is what it was.
    Refuse(KeyReason),
    /// There is nobody to answer. Store `next`, and write the change to the audit log.
    Changed(KeyChange),
    /// There is no new key for the device, which has had 2³²−1. `next` is what it was.
    NoGenerationLeft,
    /// Nothing.
    Nothing,
}

/// A change for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// The time of the bootstrap is over.
    Expired,
    /// The bootstrap will be served once more.
    Rearmed {
        /// When the last one was taken.
        last_delivered_at: Option<u64>,
        /// Who took it.
        last_delivered_to: Option<String>,
    },
    /// A new generation is armed.
    Rekeyed,
    /// A new generation is in service, without a bootstrap.
    Imported,
    /// The key gives out no more than it would if the database had not been put back.
    Restored,
}

/// Why nothing is served. For the operator: to a phone every refusal looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyReason {
    /// The bootstrap was taken.
    Consumed,
    /// The time of the bootstrap is over.
    Expired,
    /// No phone has been given this key, so a sealed file would be of use to nobody.
    NotDelivered,
    /// This generation is history.
    Replaced,
}

impl KeyReason {
    /// The word used in events and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consumed => "bootstrap_consumed",
            Self::Expired => "bootstrap_expired",
            Self::NotDelivered => "key_not_delivered",
            Self::Replaced => "key_replaced",
        }
    }
}

/// Whether files are served sealed under this key.
pub fn may_serve_sealed(record: &KeyRecord) -> bool {
    record.ever_delivered && record.state != KeyState::Replaced
}

/// What comes of `event` for the key of `record`.
///
/// ```
/// use ringfence_provision::lifecycle::{Effect, KeyEvent, KeyRecord, ClaimPolicy, KeyReason, step};
///
/// let policy = ClaimPolicy::default();
/// let claim = KeyEvent::Claim { now: 2, source: "192.0.2.7".to_owned() };
/// let first = step(&KeyRecord::new(1, None), &claim, &policy);
/// assert_eq!(first.effect, Effect::ServePlaintext { retry: false });
/// let second = step(&first.next, &claim, &policy);
/// assert_eq!(second.effect, Effect::Refuse(KeyReason::Consumed));
/// ```
pub fn step(record: &KeyRecord, event: &KeyEvent, policy: &ClaimPolicy) -> Transition {
    if record.state == KeyState::Replaced {
        let effect = match event {
            KeyEvent::Tick { .. } => Effect::Nothing,
            _ => Effect::Refuse(KeyReason::Replaced),
        };
        return stay(record, effect);
    }
    match event {
        KeyEvent::Claim { now, source } => claim(record, *now, source, policy),
        KeyEvent::SealedFetch { now } => sealed_fetch(record, *now),
        KeyEvent::Tick { now } => tick(record, *now),
        KeyEvent::Rearm { now, until } => rearm(record, *now, *until),
        KeyEvent::Rekey { now, until } => succeed(record, KeyChange::Rekeyed, |generation| {
            KeyRecord::armed(generation, *now, *until)
        }),
        KeyEvent::Import { now } => succeed(record, KeyChange::Imported, |generation| {
            KeyRecord::delivered(generation, *now)
        }),
        KeyEvent::Restored { claimed, rekeyed } => restored(record, *claimed, *rekeyed),
    }
}

fn claim(record: &KeyRecord, now: u64, source: &str, policy: &ClaimPolicy) -> Transition {
    if record.bootstrap_waits(now) {
        let next = KeyRecord {
            state: KeyState::Delivered,
            ever_delivered: true,
            delivered_at: Some(now),
            delivered_to: Some(source.to_owned()),
            confirmed_at: None,
            ..record.clone()
        };
        return move_to(next, Effect::ServePlaintext { retry: false });
    }
    match record.state {
        KeyState::Armed | KeyState::Expired => stay(record, Effect::Refuse(KeyReason::Expired)),
        KeyState::Delivered if may_retry(record, now, source, policy) => {
            stay(record, Effect::ServePlaintext { retry: true })
        }
        KeyState::Delivered | KeyState::Confirmed => {
            stay(record, Effect::Refuse(KeyReason::Consumed))
        }
        KeyState::Replaced => stay(record, Effect::Refuse(KeyReason::Replaced)),
    }
}

/// An address that is not known is nobody's: it is not equal to itself.
fn may_retry(record: &KeyRecord, now: u64, source: &str, policy: &ClaimPolicy) -> bool {
    let same_source = !source.is_empty() && record.delivered_to.as_deref() == Some(source);
    let in_time = record
        .delivered_at
        .is_some_and(|at| now < at.saturating_add(policy.retry_window()));
    policy.retry_window() > 0 && same_source && in_time
}

fn sealed_fetch(record: &KeyRecord, now: u64) -> Transition {
    if !may_serve_sealed(record) {
        return stay(record, Effect::Refuse(KeyReason::NotDelivered));
    }
    match record.state {
        // An armed key stays armed: whoever fetches a sealed file has shown a URL and no key, and
        // must not be able to take a bootstrap from the phone that waits for it.
        KeyState::Armed | KeyState::Confirmed => {
            stay(record, Effect::ServeSealed { confirms: false })
        }
        KeyState::Delivered | KeyState::Expired => {
            let next = KeyRecord {
                state: KeyState::Confirmed,
                confirmed_at: Some(now),
                ..record.clone()
            };
            move_to(next, Effect::ServeSealed { confirms: true })
        }
        KeyState::Replaced => stay(record, Effect::Refuse(KeyReason::Replaced)),
    }
}

fn tick(record: &KeyRecord, now: u64) -> Transition {
    if record.state != KeyState::Armed || record.bootstrap_waits(now) {
        return stay(record, Effect::Nothing);
    }
    let next = KeyRecord {
        state: KeyState::Expired,
        ..record.clone()
    };
    move_to(next, Effect::Changed(KeyChange::Expired))
}

fn rearm(record: &KeyRecord, now: u64, until: Option<u64>) -> Transition {
    let next = KeyRecord {
        state: KeyState::Armed,
        armed_at: now,
        armed_until: until,
        ..record.clone()
    };
    move_to(
        next,
        Effect::Changed(KeyChange::Rearmed {
            last_delivered_at: record.delivered_at,
            last_delivered_to: record.delivered_to.clone(),
        }),
    )
}

/// No bootstrap waits any longer: the phone that it waited for may have taken it, and who asks for it now
/// may be another one. What a phone has is still sealed for it; what may be a stranger's key is not used.
fn restored(record: &KeyRecord, claimed: bool, rekeyed: bool) -> Transition {
    let next = KeyRecord {
        state: match record.state {
            KeyState::Armed => KeyState::Expired,
            _ if rekeyed => KeyState::Expired,
            state => state,
        },
        ever_delivered: !rekeyed && (record.ever_delivered || claimed),
        ..record.clone()
    };
    if next == *record {
        return stay(record, Effect::Nothing);
    }
    move_to(next, Effect::Changed(KeyChange::Restored))
}

fn succeed(
    record: &KeyRecord,
    change: KeyChange,
    successor: impl FnOnce(u32) -> KeyRecord,
) -> Transition {
    let Some(generation) = record.generation.checked_add(1) else {
        return stay(record, Effect::NoGenerationLeft);
    };
    Transition {
        next: successor(generation),
        replaced: Some(KeyRecord {
            state: KeyState::Replaced,
            ..record.clone()
        }),
        effect: Effect::Changed(change),
    }
}

fn stay(record: &KeyRecord, effect: Effect) -> Transition {
    move_to(record.clone(), effect)
}

fn move_to(next: KeyRecord, effect: Effect) -> Transition {
    Transition {
        next,
        replaced: None,
        effect,
    }
}
