//! How a NOTIFY ended.

use crate::explain::{self, Explanation, RetryAdvice};
use crate::lex::ParseError;

/// The end of a [`NotifySession`](crate::NotifySession), reported once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyOutcome {
    /// How it ended.
    pub ending: Ending,
    /// From the first copy handed out to the final answer, in milliseconds, with whatever was lost
    /// or challenged in between; `None` where there was no answer.
    pub round_trip_ms: Option<u32>,
    /// How many requests were made: 1, and one more for each challenge answered.
    pub attempts: u16,
    /// How many datagrams were sent, copies included.
    pub transmissions: u16,
}

/// How a NOTIFY ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// 2xx: the phone heard it. Whether it acts on it, its next download shows.
    Answered {
        /// The status code.
        code: u16,
    },
    /// A final answer of 300 or more that is no challenge.
    Rejected {
        /// The status code.
        code: u16,
        /// Retry-After in seconds; `u32::MAX` may stand for any larger number.
        retry_after: Option<u32>,
        /// The peer's own words: at most 64 characters, without control characters.
        reason: Box<str>,
    },
    /// No final answer.
    Unreachable(NoAnswer),
    /// A challenge that could not be met.
    AuthFailed {
        /// 401 from the phone, 407 from a proxy.
        code: u16,
        /// What was in the way.
        failure: AuthFailure,
    },
}

/// What was heard instead of a final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// Nothing at all.
    Silence,
    /// A provisional answer: something on the way is alive, the phone did not answer it.
    ProvisionalOnly,
    /// The network refused to carry the request.
    Transport,
    /// An answer that cannot be used, and no other.
    Unusable(Unusable),
}

/// What is wrong with an answer that arrived and cannot be used. The words fit behind "the answer
/// cannot be used:".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(ParseError),
    /// The right branch and another CSeq.
    #[error("its CSeq is not that of the request")]
    CSeq,
    /// The right branch and another Call-ID.
    #[error("its Call-ID is not that of the request")]
    CallId,
    /// A second Via: it is for somebody behind us (RFC 3261 §8.1.3.3).
    #[error("it has more than one Via, as if it were for somebody else")]
    Vias,
}

/// Why a challenge could not be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthFailure {
    /// Nothing to answer with.
    NoCredentials,
    /// The credentials are for another realm.
    OtherRealm,
    /// A 401 or 407 without a challenge.
    NoChallenge,
    /// A realm, nonce or opaque that is too long to be sent back.
    TooLong,
    /// A challenge that is no well-formed digest challenge.
    Malformed,
    /// No challenge with a scheme, an algorithm and a quality of protection that we know.
    Unsupported,
    /// They were sent and refused.
    Refused,
    /// More challengers than anyone has in a row.
    TooMany,
}

impl AuthFailure {
    /// A word for storage and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::OtherRealm => "other_realm",
            Self::NoChallenge => "no_challenge",
            Self::TooLong => "challenge_too_long",
            Self::Malformed => "challenge_malformed",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::TooMany => "too_many",
        }
    }
}

impl NoAnswer {
    /// A word for storage and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::ProvisionalOnly => "provisional_only",
            Self::Transport => "transport",
            Self::Unusable(_) => "unusable_answer",
        }
    }
}

impl Ending {
    /// The status code of the final answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Answered { code }
            | Self::Rejected { code, .. }
            | Self::AuthFailed { code, .. } => Some(*code),
            Self::Unreachable(_) => None,
        }
    }

    /// What it means and what to do.
    pub fn explanation(&self) -> Explanation {
        match self {
            Self::Answered { code } | Self::Rejected { code, .. } => explain::explain(*code),
            Self::Unreachable(no_answer) => explain::no_answer(*no_answer),
            Self::AuthFailed { failure, .. } => explain::auth_failure(*failure),
        }
    }

    /// Whether the same NOTIFY may have better luck later.
    pub fn retry(&self) -> RetryAdvice {
        self.explanation().retry
    }
}
