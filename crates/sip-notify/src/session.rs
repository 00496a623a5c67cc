//! One NOTIFY from the first copy to its outcome, challenges included.

use std::sync::Arc;

use crate::auth::{Answers, KnownCredentials};
use crate::challenge::Challenger;
use crate::credentials::Credentials;
use crate::entropy::{self, Entropy};
use crate::lex::ParseError;
use crate::message::Message;
use crate::outcome::{AuthFailure, Ending, NoAnswer, NotifyOutcome, Unusable};
use crate::response::Response;
use crate::transaction::{ClientTransaction, Match, Timers, TransactionEvent};

/// Characters of a peer's reason phrase that are kept.
const MAX_REASON: usize = 64;

/// What a response was to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Not an answer to this session's request; drop it.
    Foreign,
    /// An answer to this session's request that cannot be used; should no other come, the outcome
    /// says what was wrong with it.
    Unusable,
    /// A copy of the final answer, or one after the end; drop it.
    Late,
    /// Something on the way is at work. The timer may have changed.
    Provisional,
    /// A challenge was answered: the session has a new branch, and a new request to send.
    Resent,
    /// The end: ask for the outcome.
    Finished,
}

/// One NOTIFY to one phone: a transaction, and another for each challenge that is answered.
///
/// It ends with exactly one [`NotifyOutcome`], and sends nothing afterwards. The caller may drop it with
/// the outcome: copies of the final answer then match no session, and are dropped as strays are. To
/// absorb them by the letter of RFC 3261 §17.1.2.2, keep it until [`poll_timeout`] is `None`.
///
/// [`poll_timeout`]: Self::poll_timeout
#[derive(Clone, Debug)]
pub struct NotifySession {
    transaction: ClientTransaction,
    started: u64,
    known: KnownCredentials,
    /// Boxed, since few sessions are challenged and many are held.
    answers: Option<Box<Answers>>,
    outcome: Option<Box<NotifyOutcome>>,
    /// Requests before this transaction's, and their copies.
    earlier_attempts: u16,
    earlier_transmissions: u16,
    provisional: bool,
    unusable: Option<Unusable>,
}

impl NotifySession {
    /// Starts at `now`, with the first copy waiting to be sent.
    pub fn new(
        message: Message,
        credentials: Option<Arc<Credentials>>,
        timers: Timers,
        now: u64,
    ) -> Self {
        Self {
            transaction: ClientTransaction::new(message, timers, now),
            started: now,
            known: KnownCredentials {
                all: credentials,
                proxies: None,
            },
            answers: None,
            outcome: None,
            earlier_attempts: 0,
            earlier_transmissions: 0,
            provisional: false,
            unusable: None,
        }
    }

    /// Answers the challenges of proxies (407) with credentials of their own; without, with those of the session.
    #[must_use]
    pub fn with_proxy_credentials(mut self, credentials: Option<Arc<Credentials>>) -> Self {
        self.known.proxies = credentials;
        self
    }

    /// The branch that answers come back with, until [`Receipt::Resent`] says that there is another.
    pub fn branch(&self) -> &str {
        self.transaction.message().branch()
    }

    /// The Call-ID, the same for all requests of the session.
    pub fn call_id(&self) -> &str {
        self.transaction.message().call_id()
    }

    /// The request as it stands.
    pub fn message(&self) -> &Message {
        self.transaction.message()
    }

    /// Whether the end was reached, be the outcome taken or not.
    pub fn is_finished(&self) -> bool {
        self.transaction.is_ended()
    }

    /// How many datagrams were handed out so far.
    pub fn transmissions(&self) -> u16 {
        self.earlier_transmissions
            .saturating_add(self.transaction.transmissions())
    }

    /// Takes a response. `entropy` is used only to answer a challenge.
    pub fn handle_response(
        &mut self,
        response: &Response<'_>,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Receipt {
        match self.transaction.take(response, now) {
            Match::Foreign => return Receipt::Foreign,
            Match::Unusable(why) => {
                self.unusable = Some(why);
                return Receipt::Unusable;
            }
            Match::Late => return Receipt::Late,
            Match::Taken => {}
        }
        match self.transaction.poll_event() {
            Some(TransactionEvent::Provisional(_)) => {
                self.provisional = true;
                Receipt::Provisional
            }
            Some(TransactionEvent::Final(code)) => self.answered(code, response, now, entropy),
            _ => Receipt::Late,
        }
    }

    /// Records a datagram with this session's branch that is no SIP response we can read
    /// ([`Datagram::Garbage`](crate::Datagram::Garbage)).
    pub fn handle_unreadable(&mut self, why: ParseError) {
        self.unusable = Some(Unusable::Unreadable(why));
    }

    /// To be called when the time that [`poll_timeout`](Self::poll_timeout) gave has come; early or
    /// late calls do no harm.
    pub fn handle_timeout(&mut self, now: u64) {
        self.transaction.handle_timeout(now);
        if self.transaction.poll_event() == Some(TransactionEvent::TimedOut) {
            let no_answer = match self.unusable {
                Some(why) => NoAnswer::Unusable(why),
                None if self.provisional => NoAnswer::ProvisionalOnly,
                None => NoAnswer::Silence,
            };
            self.finish(Ending::Unreachable(no_answer), None);
        }
    }

    /// To be called when the transport refused the request for good. A full socket buffer is no such
    /// refusal: the next copy will do.
    pub fn handle_transport_error(&mut self) {
        self.transaction.handle_transport_error();
        if self.transaction.poll_event() == Some(TransactionEvent::TransportFailed) {
            self.finish(Ending::Unreachable(NoAnswer::Transport), None);
        }
    }

    /// The datagram to send, when one is due; ask until `None`. Each call that gives it counts as
    /// one sent.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        self.transaction.poll_transmit()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when there is no need any more.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.transaction.poll_timeout()
    }

    /// The outcome, once.
    pub fn poll_outcome(&mut self) -> Option<NotifyOutcome> {
        self.outcome.take().map(|outcome| *outcome)
    }

    fn answered(
        &mut self,
        code: u16,
        response: &Response<'_>,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Receipt {
        let ending = match Challenger::of(response) {
            Some(challenger) => match self.answer(challenger, response, now, entropy) {
                Ok(()) => return Receipt::Resent,
                Err(failure) => Ending::AuthFailed { code, failure },
            },
            None if code < 300 => Ending::Answered { code },
            None => Ending::Rejected {
                code,
                retry_after: response.retry_after(),
                reason: fit_for_a_log(&response.reason()),
            },
        };
        let round_trip = now.saturating_sub(self.started);
        self.finish(ending, Some(u32::try_from(round_trip).unwrap_or(u32::MAX)));
        Receipt::Finished
    }

    /// Answers a challenge with the next request (RFC 3261 §22.2), in a transaction of its own.
    fn answer(
        &mut self,
        challenger: Challenger,
        response: &Response<'_>,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), AuthFailure> {
        let answers = self.answers.get_or_insert_default();
        answers.challenged(challenger, response, &self.known, entropy)?;

        let message = self.transaction.message();
        let lines = answers
            .header_lines(&self.known, message.request_uri())
            .ok_or(AuthFailure::NoCredentials)?;
        let branch = entropy::branch(entropy);
        // A message beyond a datagram's size is one whose challenge we cannot answer.
        let next = message.next(&branch, &lines).ok_or(AuthFailure::TooLong)?;

        self.earlier_attempts = self.earlier_attempts.saturating_add(1);
        self.earlier_transmissions = self.transmissions();
        self.provisional = false;
        self.unusable = None;
        self.transaction = ClientTransaction::new(next, self.transaction.timers(), now);
        Ok(())
    }

    fn finish(&mut self, ending: Ending, round_trip_ms: Option<u32>) {
        self.answers = None;
        self.known = KnownCredentials::default();
        self.outcome = Some(Box::new(NotifyOutcome {
            ending,
            round_trip_ms,
            attempts: self.earlier_attempts.saturating_add(1),
            transmissions: self.transmissions(),
        }));
    }
}

/// A peer's words, fit for a log line.
fn fit_for_a_log(reason: &str) -> Box<str> {
    reason
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REASON)
        .collect::<String>()
        .into()
}
