//! Answering challenges, a bounded number of times.
//!
//! A challenger is a realm and a kind of header: a phone and each proxy on the way are told apart.
//! Each is answered once. It is answered again, with its new nonce, if it says that the old one was
//! too old (`stale`), or if it had let the earlier answer through: then the credentials are right,
//! and its nonces are good for one request only. That it had, a challenge from farther on shows, for
//! challengers are met in the order in which they stand on the way. No challenger is answered more
//! than four times. So a session ends after a bounded number of requests, whatever the peer says, and
//! credentials that were refused are not sent again.

use std::sync::Arc;

use crate::challenge::{Challenge, ChallengeError, Challenger};
use crate::credentials::Credentials;
use crate::digest::{Input, nonce_count};
use crate::entropy::{self, Entropy};
use crate::outcome::AuthFailure;
use crate::response::Response;
use crate::transaction::METHOD;

/// Realms answered in one session: a phone and three proxies.
const MAX_REALMS: usize = 4;
/// Answers to one challenger: the first; one each for a proxy's one-time nonces when the phone behind
/// it challenges, and when that finds its own nonce too old; one in reserve.
const MAX_ANSWERS: u8 = 4;
/// Characters of a cnonce: 80 bits.
const CNONCE_CHARS: usize = 16;

/// What challenges are answered with.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownCredentials {
    /// Whoever challenges.
    pub(crate) all: Option<Arc<Credentials>>,
    /// Proxies, in place of the others.
    pub(crate) proxies: Option<Arc<Credentials>>,
}

impl KnownCredentials {
    fn of(&self, challenger: Challenger) -> Option<&Credentials> {
        let proxies = self.proxies.as_deref();
        match challenger {
            Challenger::Proxy => proxies.or(self.all.as_deref()),
            Challenger::Origin => self.all.as_deref(),
        }
    }
}

/// The challenges met so far. A later request answers them all again: the proxy that let the first
/// through wants to see its password on the next too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    held: Vec<ChallengeAnswer>,
}

#[derive(Clone, Debug)]
struct ChallengeAnswer {
    challenger: Challenger,
    challenge: Challenge,
    /// Kept with its nonce, since a `-sess` password is bound to both.
    cnonce: String,
    nonce_count: u32,
    /// How often this challenger was answered, the present answer included.
    given: u8,
    /// Whether its last challenge said `stale`: it may not do so twice in a row.
    refreshed: bool,
    /// Whether it let an answer through.
    passed: bool,
}

impl Answers {
    /// Takes in the challenges of a 401 or 407.
    pub(crate) fn challenged(
        &mut self,
        challenger: Challenger,
        response: &Response<'_>,
        known: &KnownCredentials,
        entropy: &mut dyn Entropy,
    ) -> Result<(), AuthFailure> {
        let offered = response.challenges(challenger);
        if offered.is_empty() {
            return Err(AuthFailure::NoChallenge);
        }
        let credentials = known.of(challenger).ok_or(AuthFailure::NoCredentials)?;
        let challenges = strongest(offered, credentials)?;
        let is_from = |answer: &ChallengeAnswer, challenge: &Challenge| {
            answer.challenger == challenger && answer.challenge.realm == challenge.realm
        };
        // Whoever stands before these challengers has let the request through.
        for before in self.held.iter_mut().take_while(|answer| {
            !challenges
                .iter()
                .any(|challenge| is_from(answer, challenge))
        }) {
            before.passed = true;
        }
        for challenge in challenges {
            let full = self.held.len() >= MAX_REALMS;
            let met = self
                .held
                .iter_mut()
                .find(|answer| is_from(answer, &challenge));
            match met {
                Some(answer) if answer.may_follow(&challenge) => {
                    let next = ChallengeAnswer::new(challenger, challenge, entropy);
                    *answer = ChallengeAnswer {
                        given: answer.given.saturating_add(1),
                        refreshed: next.challenge.stale,
                        ..next
                    };
                }
                Some(_) => return Err(AuthFailure::Refused),
                None if full => return Err(AuthFailure::TooMany),
                None => self
                    .held
                    .push(ChallengeAnswer::new(challenger, challenge, entropy)),
            }
        }
        Ok(())
    }

    /// The header lines that answer all of them, for a request to `uri`; nothing, if credentials are missing.
    pub(crate) fn header_lines(&mut self, known: &KnownCredentials, uri: &str) -> Option<String> {
        let mut lines = String::new();
        for answer in &mut self.held {
            answer.nonce_count = answer.nonce_count.saturating_add(1);
            answer.write(&mut lines, known.of(answer.challenger)?, uri);
        }
        Some(lines)
    }
}

impl ChallengeAnswer {
    fn new(challenger: Challenger, challenge: Challenge, entropy: &mut dyn Entropy) -> Self {
        Self {
            challenger,
            challenge,
            cnonce: entropy::token(CNONCE_CHARS, entropy),
            nonce_count: 0,
            given: 1,
            refreshed: false,
            passed: false,
        }
    }

    /// Whether the same challenger's next challenge is to be answered, or is a refusal.
    fn may_follow(&self, next: &Challenge) -> bool {
        let is_new = next.nonce != self.challenge.nonce;
        let is_right = self.passed || (next.stale && !self.refreshed);
        is_new && is_right && self.given < MAX_ANSWERS
    }

    /// One header line (RFC 7616 §3.4). Every value is free of quotes at the wrong place: ours by
    /// construction, the challenger's because they stood between quotes before.
    fn write(&self, lines: &mut String, credentials: &Credentials, uri: &str) {
        let Challenge {
            realm,
            nonce,
            opaque,
            algorithm,
            qop_auth,
            ..
        } = &self.challenge;
        let username = credentials.username();
        let response = Input {
            algorithm: *algorithm,
            username,
            password: credentials.password(),
            realm,
            nonce,
            method: METHOD,
            uri,
            cnonce: &self.cnonce,
            nonce_count: qop_auth.then_some(self.nonce_count),
        }
        .response();
        for piece in [
            self.challenger.answer_header(),
            ": Digest username=\"",
            username,
            "\", realm=\"",
            realm,
            "\", nonce=\"",
            nonce,
            "\", uri=\"",
            uri,
            "\", response=\"",
            &response,
            "\", algorithm=",
            algorithm.as_str(),
        ] {
            lines.push_str(piece);
        }
        if let Some(opaque) = opaque {
            for piece in [", opaque=\"", opaque, "\""] {
                lines.push_str(piece);
            }
        }
        if *qop_auth {
            let count = nonce_count(self.nonce_count);
            for piece in [", qop=auth, nc=", &count, ", cnonce=\"", &self.cnonce, "\""] {
                lines.push_str(piece);
            }
        }
        lines.push_str("\r\n");
    }
}

/// One challenge for each realm that the credentials are for: the strongest, or among equals the
/// first, as RFC 8760 §2.4 leaves to local policy. A peer in the middle can still strip the stronger
/// ones; against that helps only a proxy that does not offer MD5.
fn strongest(
    offered: Vec<Result<Challenge, ChallengeError>>,
    credentials: &Credentials,
) -> Result<Vec<Challenge>, AuthFailure> {
    let mut failure = AuthFailure::Unsupported;
    let mut chosen: Vec<Challenge> = Vec::new();
    for challenge in offered {
        let challenge = match challenge {
            Ok(challenge) => challenge,
            Err(error) => {
                // A digest that could not be read says more than another scheme beside it.
                failure = match (error, failure) {
                    (_, AuthFailure::OtherRealm) => failure,
                    (ChallengeError::TooLong, _) => AuthFailure::TooLong,
                    (ChallengeError::Malformed, AuthFailure::Unsupported) => AuthFailure::Malformed,
                    _ => failure,
                };
                continue;
            }
        };
        if !credentials.fit(&challenge.realm) {
            failure = AuthFailure::OtherRealm;
            continue;
        }
        match chosen
            .iter_mut()
            .find(|other| other.realm == challenge.realm)
        {
            Some(other) if other.algorithm.strength() < challenge.algorithm.strength() => {
                *other = challenge;
            }
            Some(_) => {}
            None => chosen.push(challenge),
        }
    }
    if chosen.is_empty() {
        return Err(failure);
    }
    Ok(chosen)
}
