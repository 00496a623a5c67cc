//! One job on its way.

use std::collections::VecDeque;
use std::net::SocketAddr;

use ringfence_sip_notify::NotifySession;
use ringfence_wire::JobRef;

use super::prepare::Prepared;
use crate::hop::Hop;

/// A job that the engine holds.
pub(super) struct Entry {
    pub(super) job: JobRef,
    pub(super) lease_ms: u32,
    pub(super) lease_end: u64,
    /// What the NOTIFY says; gone once the last destination is being tried.
    pub(super) prepared: Option<Box<Prepared>>,
    /// Destinations not tried yet, the next one first.
    pub(super) candidates: VecDeque<Hop>,
    pub(super) state: State,
    /// When the heap has a timer for it.
    pub(super) armed: u64,
    /// Where the final answer came from, if that is not where the NOTIFY went.
    pub(super) answered_by: Option<SocketAddr>,
    /// Requests sent by earlier sessions of this job.
    pub(super) sent_before: u32,
    /// Why the connection broke that its NOTIFY went over.
    pub(super) broken: Option<String>,
}

/// Where a job stands.
pub(super) enum State {
    /// DNS is being asked.
    Locating,
    /// In its destination's line.
    Waiting,
    /// Its NOTIFY is out.
    Flying(Flight),
}

/// A NOTIFY that is out.
pub(super) struct Flight {
    pub(super) session: NotifySession,
    pub(super) to: Hop,
}

impl Entry {
    pub(super) fn new(job: JobRef, lease_ms: u32, lease_end: u64, prepared: Prepared) -> Self {
        Self {
            job,
            lease_ms,
            lease_end,
            prepared: Some(Box::new(prepared)),
            candidates: VecDeque::new(),
            state: State::Locating,
            armed: u64::MAX,
            answered_by: None,
            sent_before: 0,
            broken: None,
        }
    }

    /// When something must be done about it, whatever else happens. `lasts`: how long a
    /// transaction without an answer takes.
    pub(super) fn deadline(&self, lasts: u64) -> u64 {
        match &self.state {
            State::Flying(flight) => flight
                .session
                .poll_timeout()
                .map_or(self.lease_end, |at| at.min(self.lease_end)),
            State::Locating | State::Waiting => self.latest_start(lasts),
        }
    }

    /// The last moment at which a NOTIFY may start: it must be able to end within the lease. A
    /// lease too short for that altogether gives half of itself.
    pub(super) fn latest_start(&self, lasts: u64) -> u64 {
        let needed = lasts.min(u64::from(self.lease_ms) / 2);
        self.lease_end.saturating_sub(needed)
    }

    /// Requests sent for it so far, copies among them.
    pub(super) fn sent(&self) -> u32 {
        let flying = match &self.state {
            State::Flying(flight) => u32::from(flight.session.transmissions()),
            State::Locating | State::Waiting => 0,
        };
        self.sent_before.saturating_add(flying)
    }

    /// Where the last datagram went.
    pub(super) fn destination(&self) -> Option<&Hop> {
        match &self.state {
            State::Flying(flight) => Some(&flight.to),
            State::Locating | State::Waiting => None,
        }
    }
}
