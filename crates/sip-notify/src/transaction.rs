//! The client's side of one request (RFC 3261 §17.1.2): repeat it until somebody answers.

use crate::message::Message;
use crate::outcome::Unusable;
use crate::response::Response;

/// The method of every request here.
pub(crate) const METHOD: &str = "NOTIFY";

/// The timers' base values (RFC 3261 §17.1.1.1), in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// T1: an estimate of the round trip. A request is given up after 64 of them (timer F).
    pub t1: u32,
    /// T2: the longest pause between two copies (timer E).
    pub t2: u32,
    /// T4: how long a copy of an answer may still be on its way (timer K).
    pub t4: u32,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: 500,
            t2: 4_000,
            t4: 5_000,
        }
    }
}

impl Timers {
    /// Timer F: how long a transaction waits for its final answer.
    pub fn timeout(&self) -> u64 {
        u64::from(self.t1).saturating_mul(64)
    }
}

/// What a transaction has to tell, once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEvent {
    /// Somebody on the way answered 1xx; the final answer is still to come.
    Provisional(u16),
    /// The final answer. What else it says is in the response that was handed in.
    Final(u16),
    /// Timer F: nobody gave a final answer in time.
    TimedOut,
    /// The request could not be sent (RFC 3261 §17.1.4).
    TransportFailed,
}

impl TransactionEvent {
    /// Whether nothing follows it.
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Provisional(_))
    }
}

/// What a response was to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// Not an answer to this request.
    Foreign,
    /// An answer to this request by its branch, that is none by what else it says.
    Unusable(Unusable),
    /// An answer that comes after the end.
    Late,
    /// An answer; ask for the event.
    Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// A non-INVITE client transaction. Over UDP it repeats its request; over a stream it sends it once, and has no
/// copies of an answer to wait for (timers E and K are 0, RFC 3261 §17.1.2).
///
/// After [`new`](Self::new) and every `handle_…`, ask the `poll_…` functions. It ends with exactly
/// one event for which [`TransactionEvent::is_end`] holds, and sends nothing after that.
#[derive(Clone, Debug)]
pub struct ClientTransaction {
    message: Message,
    /// Timer E: when the next copy is due.
    retransmit_at: u64,
    /// Timer F, and after the final answer timer K.
    ends_at: u64,
    /// What timer E was last set to.
    interval: u32,
    timers: Timers,
    transmissions: u16,
    state: State,
    transmit: bool,
    event: Option<TransactionEvent>,
}

impl ClientTransaction {
    /// Starts at `now`, with the first copy waiting to be sent.
    pub fn new(message: Message, timers: Timers, now: u64) -> Self {
        let retransmit_at = match message.transport().is_reliable() {
            true => u64::MAX,
            false => now.saturating_add(timers.t1.into()),
        };
        Self {
            message,
            retransmit_at,
            ends_at: now.saturating_add(timers.timeout()),
            interval: timers.t1,
            timers,
            transmissions: 0,
            state: State::Trying,
            transmit: true,
            event: None,
        }
    }

    /// The request.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// How many copies were handed out so far.
    pub fn transmissions(&self) -> u16 {
        self.transmissions
    }

    /// The timers it runs by.
    pub fn timers(&self) -> Timers {
        self.timers
    }

    /// Whether the end was reached: the final answer, the time-out, or a failure to send.
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Completed | State::Terminated)
    }

    /// Whether a response has this request's branch (RFC 3261 §17.1.3). A branch is a parameter of a
    /// header, so it is the same in any case (§7.3.1).
    fn is_branch_of(&self, response: &Response<'_>) -> bool {
        response
            .branch()
            .is_some_and(|branch| branch.eq_ignore_ascii_case(self.message.branch()))
    }

    /// What else says that a response is none to this request.
    fn contradiction(&self, response: &Response<'_>) -> Option<Unusable> {
        let cseq = response.cseq();
        if !cseq.method.eq_ignore_ascii_case(METHOD) || cseq.number != self.message.cseq() {
            return Some(Unusable::CSeq);
        }
        if response
            .call_id()
            .is_some_and(|call_id| call_id != self.message.call_id())
        {
            return Some(Unusable::CallId);
        }
        (!response.has_single_via()).then_some(Unusable::Vias)
    }

    /// Takes a response. `false` if it is none to this request, or comes after the end.
    pub fn handle_response(&mut self, response: &Response<'_>, now: u64) -> bool {
        self.take(response, now) == Match::Taken
    }

    pub(crate) fn take(&mut self, response: &Response<'_>, now: u64) -> Match {
        if !self.is_branch_of(response) {
            return Match::Foreign;
        }
        if let Some(why) = self.contradiction(response) {
            return Match::Unusable(why);
        }
        if self.is_ended() {
            return Match::Late;
        }
        if response.is_provisional() {
            // Timer E stays as it is; when it next fires, it is set to T2 (§17.1.2.2).
            self.state = State::Proceeding;
            self.event = Some(TransactionEvent::Provisional(response.status()));
        } else {
            let (state, wait) = match self.message.transport().is_reliable() {
                true => (State::Terminated, 0),
                false => (State::Completed, self.timers.t4),
            };
            self.end(state, TransactionEvent::Final(response.status()));
            self.ends_at = now.saturating_add(wait.into());
        }
        Match::Taken
    }

    /// To be called when the time that [`poll_timeout`](Self::poll_timeout) gave has come. Early or
    /// needless calls do nothing; after a late one a single copy is due, not one per missed timer.
    pub fn handle_timeout(&mut self, now: u64) {
        match self.state {
            State::Trying | State::Proceeding if now >= self.ends_at => {
                self.end(State::Terminated, TransactionEvent::TimedOut);
            }
            State::Trying | State::Proceeding if now >= self.retransmit_at => {
                self.interval = match self.state {
                    State::Trying => self.interval.saturating_mul(2).min(self.timers.t2),
                    _ => self.timers.t2,
                };
                // At least a millisecond on, whatever the timers: a zero must not become a storm.
                self.retransmit_at = now.saturating_add(self.interval.max(1).into());
                self.transmit = true;
            }
            State::Completed if now >= self.ends_at => self.state = State::Terminated,
            _ => {}
        }
    }

    /// To be called when the transport refused the request for good.
    pub fn handle_transport_error(&mut self) {
        if !self.is_ended() {
            self.end(State::Terminated, TransactionEvent::TransportFailed);
        }
    }

    /// The request, when a copy of it is due. Each call that gives it counts as one sent.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        if !std::mem::take(&mut self.transmit) {
            return None;
        }
        self.transmissions = self.transmissions.saturating_add(1);
        Some(self.message.as_bytes())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when there is no need any more.
    pub fn poll_timeout(&self) -> Option<u64> {
        match self.state {
            State::Trying | State::Proceeding => Some(self.retransmit_at.min(self.ends_at)),
            State::Completed => Some(self.ends_at),
            State::Terminated => None,
        }
    }

    /// The latest news. A final answer hides a provisional one that nobody asked for.
    pub fn poll_event(&mut self) -> Option<TransactionEvent> {
        self.event.take()
    }

    fn end(&mut self, state: State, event: TransactionEvent) {
        self.state = state;
        self.transmit = false;
        self.event = Some(event);
    }
}
