//! A NOTIFY's way: out, answered, and on to the next destination where the answer allows it.

use std::collections::VecDeque;
use std::net::SocketAddr;

use ringfence_sip_notify::{
    Ending, NotifyOutcome, NotifySession, ParseError, Receipt, Response, branches,
};
use ringfence_wire::{JobResult, ReturnReason};

use super::entry::{Flight, State};
use super::{Engine, result};
use crate::hop::Hop;

impl Engine {
    /// The socket refused to send this datagram: its session ends at once, as RFC 3261 §8.1.3.1 has
    /// it for a transport error, and the next destination is tried.
    pub fn send_failed(&mut self, bytes: &[u8], now: u64) {
        if let Some(key) = self.flying(bytes)
            && let Some(entry) = self.entries.get_mut(&key)
            && let State::Flying(flight) = &mut entry.state
        {
            flight.session.handle_transport_error();
            self.settle(key, now);
        }
    }

    /// A job's turn has come.
    pub(super) fn start(&mut self, key: u64, now: u64) {
        let lasts = self.longest_transaction();
        // The job may have been cancelled while it waited.
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if !matches!(entry.state, State::Waiting) {
            return;
        }
        if now > entry.latest_start(lasts) {
            return self.return_entry(key, ReturnReason::Pace);
        }
        let Some(to) = entry.candidates.pop_front() else {
            return;
        };
        let config = &self.config;
        let sent_by = match to.address() {
            Some(SocketAddr::V4(_)) => config.sent_by_v4.clone(),
            Some(SocketAddr::V6(_)) => config.sent_by_v6.clone(),
            None => config.sent_by_name.clone(),
        };
        let (Some(sent_by), Some(prepared)) = (sent_by, entry.prepared.as_ref()) else {
            let result = result::no_socket(entry, &to);
            return self.next_or(key, result, 0, now);
        };
        let unix_s = (self.unix_ms_at_zero + now) / 1000;
        let built = prepared.request(&config.from, sent_by).and_then(|request| {
            let mut request = request.over(to.transport()).with_date(unix_s);
            if config.alias {
                request = request.with_alias();
            }
            request
                .build(&mut *self.random)
                .map_err(super::prepare::Refused::too_large)
        });
        let message = match built {
            Ok(message) => message,
            Err(refused) => {
                let result = refused.result(entry.job.clone());
                return self.end(key, result);
            }
        };
        let credentials = prepared.credentials.clone();
        if entry.candidates.is_empty() {
            // Most NOTIFYs end here: what the next destination would have needed is given up now.
            entry.prepared = None;
            entry.candidates = VecDeque::new();
        }
        let session = NotifySession::new(message, credentials, config.timers, now)
            .with_proxy_credentials(config.proxy_credentials.clone());
        self.by_branch.insert(session.branch(), key);
        entry.state = State::Flying(Flight { session, to });
        self.in_flight += 1;
        self.counts.started += 1;
        self.settle(key, now);
    }

    /// The job whose NOTIFY, or an answer to it, a datagram is, by the first branch of ours in it.
    fn flying(&self, bytes: &[u8]) -> Option<u64> {
        branches(bytes).find_map(|branch| self.by_branch.job(branch))
    }

    /// A datagram that is no SIP we can read. If it has the branch of a NOTIFY, it answers that, and
    /// the result will say what was wrong with it, unless a better answer comes.
    pub(super) fn unreadable(&mut self, bytes: &[u8], why: ParseError) {
        self.counts.malformed += 1;
        if let Some(key) = self.flying(bytes)
            && let Some(entry) = self.entries.get_mut(&key)
            && let State::Flying(flight) = &mut entry.state
        {
            self.counts.unusable += 1;
            flight.session.handle_unreadable(why);
        }
    }

    /// An answer. `from` is where a datagram came from.
    pub(super) fn response(&mut self, from: Option<SocketAddr>, response: &Response<'_>, now: u64) {
        let key = response
            .branch()
            .and_then(|branch| Some((self.by_branch.job(branch)?, branch)));
        let Some((key, branch)) = key else {
            self.counts.stray += 1;
            return;
        };
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let State::Flying(flight) = &mut entry.state else {
            return;
        };
        match flight
            .session
            .handle_response(response, now, &mut *self.random)
        {
            Receipt::Resent => {
                self.by_branch.remove(branch, key);
                self.by_branch.insert(flight.session.branch(), key);
            }
            Receipt::Unusable => self.counts.unusable += 1,
            Receipt::Foreign | Receipt::Late => self.counts.stray += 1,
            Receipt::Provisional => {}
            Receipt::Finished => {
                // RFC 3261 §18.1.2 goes by the branch alone, and a proxy may have several addresses.
                if let (Some(from), Hop::Datagram(to)) = (from, &flight.to)
                    && from.ip().to_canonical() != to.ip().to_canonical()
                {
                    self.counts.elsewhere += 1;
                    entry.answered_by = Some(from);
                }
            }
        }
        self.settle(key, now);
    }

    /// After anything was done to a session: has it ended, has it something to send, when is it
    /// next due?
    pub(super) fn settle(&mut self, key: u64, now: u64) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let State::Flying(flight) = &mut entry.state else {
            return;
        };
        let Some(outcome) = flight.session.poll_outcome() else {
            self.ready.push_back(key);
            return self.arm(key, now);
        };
        let result = result::of(entry, &outcome);
        if moves_on(&outcome) {
            self.next_or(key, result, u32::from(outcome.transmissions), now);
        } else {
            self.end(key, result);
        }
    }

    /// Tries the next destination, or ends with `result` if there is none, or no time for it.
    fn next_or(&mut self, key: u64, result: JobResult, sent: u32, now: u64) {
        let lasts = self.longest_transaction();
        let draining = self.draining;
        let next = self.entries.get(&key).and_then(|entry| {
            (!draining && now <= entry.latest_start(lasts))
                .then(|| entry.candidates.front().cloned())
                .flatten()
        });
        let Some(next) = next else {
            return self.end(key, result);
        };
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if let State::Flying(flight) = &entry.state {
            self.by_branch.remove(flight.session.branch(), key);
            self.in_flight -= 1;
        }
        entry.sent_before += sent;
        self.counts.failovers += 1;
        self.wait(key, next, now);
    }
}

/// RFC 3263 §4.3: silence, a transport error and 503 are followed by the next address; any other
/// answer is the answer.
fn moves_on(outcome: &NotifyOutcome) -> bool {
    matches!(
        outcome.ending,
        Ending::Unreachable(_) | Ending::Rejected { code: 503, .. }
    )
}
