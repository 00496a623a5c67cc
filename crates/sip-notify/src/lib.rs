//! One SIP NOTIFY, told to one phone: the request, the transaction that repeats it until somebody
//! answers, the digest that answers a challenge, and what the final answer means.
//!
//! Nothing here opens a socket, reads a clock or draws a random number. Times are milliseconds
//! (`u64`) since any epoch that the caller keeps to; randomness comes from an [`Entropy`]. So a
//! half-minute of retransmissions is tested in microseconds, and one relay can hold tens of
//! thousands of sessions on one socket.
//!
//! # How to drive a session
//! 1. [`NotifyRequest::build`] makes a [`Message`]; [`NotifySession::new`] takes it.
//! 2. After `new` and after every `handle_…` call, ask in this order: [`poll_transmit`] until `None`
//!    (send what it gives), [`poll_outcome`] (at most one, ever), [`poll_timeout`] (when to call
//!    [`handle_timeout`]).
//! 3. Each datagram goes through [`Datagram::classify`]; a response belongs to the session whose
//!    [`branch`] equals [`Response::branch`]. [`handle_response`] says with [`Receipt::Resent`] that
//!    the session has a new branch, because it answered a challenge with a new request.
//!
//! Over a stream ([`NotifyRequest::over`]) each message comes out of a [`Framer`] first, and one connection may carry
//! any number of sessions at once.
//!
//! ```
//! use ringfence_sip_notify::{
//!     Datagram, Ending, EventType, NotifyRequest, NotifySession, SipUri, Timers,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut counter = 0_u8;
//! # let mut entropy = move |bytes: &mut [u8]| bytes.fill_with(|| { counter = counter.wrapping_add(7); counter });
//! let target: SipUri = "sip:100@192.0.2.7".parse()?;
//! let from: SipUri = "sip:prov@pbx.example".parse()?;
//! let socket: std::net::SocketAddr = "198.51.100.1:5060".parse()?;
//! let request = NotifyRequest::new(target, from, socket.into(), EventType::parse("check-sync")?);
//! let mut session = NotifySession::new(request.build(&mut entropy)?, None, Timers::default(), 0);
//!
//! let sent = session.poll_transmit().map(<[u8]>::to_vec).unwrap_or_default();
//! // A phone echoes Via, From, To, Call-ID and CSeq.
//! let echo: String = String::from_utf8(sent)?
//!     .lines()
//!     .filter(|line| ["Via", "From", "To", "Call-ID", "CSeq"].contains(&line.split(':').next().unwrap_or("")))
//!     .map(|line| format!("{line}\r\n"))
//!     .collect();
//! let answer = format!("SIP/2.0 200 OK\r\n{echo}\r\n");
//!
//! if let Datagram::Response(response) = Datagram::classify(answer.as_bytes()) {
//!     session.handle_response(&response, 18, &mut entropy);
//! }
//! let outcome = session.poll_outcome().ok_or("no outcome")?;
//! assert_eq!(outcome.ending, Ending::Answered { code: 200 });
//! assert_eq!(outcome.round_trip_ms, Some(18));
//! # Ok(())
//! # }
//! ```
//!
//! [`poll_transmit`]: NotifySession::poll_transmit
//! [`poll_outcome`]: NotifySession::poll_outcome
//! [`poll_timeout`]: NotifySession::poll_timeout
//! [`handle_timeout`]: NotifySession::handle_timeout
//! [`handle_response`]: NotifySession::handle_response
//! [`branch`]: NotifySession::branch
#![deny(missing_docs)]

mod auth;
mod challenge;
mod credentials;
mod datagram;
pub mod digest;
mod entropy;
mod event;
mod explain;
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod host;
mod lex;
mod message;
mod outcome;
mod refusal;
mod request;
mod response;
mod session;
mod stream;
mod transaction;
mod transport;
mod uri;
mod via;

pub use challenge::{Challenge, ChallengeError, Challenger};
pub use credentials::{Credentials, CredentialsError};
pub use datagram::{Datagram, IncomingRequest};
pub use entropy::Entropy;
pub use event::{EventType, EventTypeError};
pub use explain::{CODES, Explanation, RetryAdvice, explain};
pub use header::{HARMLESS, HeaderError, HeaderName, HeaderValue};
pub use host::{Host, SentBy};
pub use lex::ParseError;
pub use message::Message;
pub use outcome::{AuthFailure, Ending, NoAnswer, NotifyOutcome, Unusable};
pub use refusal::{Refusal, refuse};
pub use request::{MAX_REQUEST, MAX_STREAM_REQUEST, NotifyRequest, RequestError};
pub use response::{CSeq, Response, branches, peek_branch};
pub use session::{NotifySession, Receipt};
pub use stream::{Frame, Framer, MAX_HEAD, MAX_STREAM_BODY, PING, PONG, StreamError};
pub use transaction::{ClientTransaction, Timers, TransactionEvent};
pub use transport::Transport;
pub use uri::{SipUri, UriError};
pub use via::Via;
