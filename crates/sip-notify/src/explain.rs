//! What an answer means, in words an operator can act on.
//!
//! One table for the relay, the API and the troubleshooting documentation.

use crate::outcome::{AuthFailure, NoAnswer};

/// What an answer means and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub meaning: &'static str,
    /// The operator's next step.
    pub what_to_do: &'static str,
    /// Whether sending it again can help.
    pub retry: RetryAdvice,
}

/// Whether the same NOTIFY may have better luck later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryAdvice {
    /// It may: the cause passes.
    Retry,
    /// It has not: somebody must change something first, or nothing is left to do.
    Never,
}

impl RetryAdvice {
    /// Whether it is [`Retry`](Self::Retry).
    pub fn is_retry(self) -> bool {
        self == Self::Retry
    }
}

/// The codes that [`explain`] has words of its own for, for documentation.
pub const CODES: [u16; 34] = [
    200, 202, 302, 400, 401, 403, 404, 405, 406, 407, 408, 410, 415, 416, 420, 423, 429, 430, 436,
    480, 481, 482, 483, 484, 486, 488, 489, 491, 500, 501, 502, 503, 504, 603,
];

/// What a final status code means as the answer to a NOTIFY that asks a phone to fetch its
/// configuration (RFC 3261 §21, RFC 6665 §8.3). Any code has an explanation, by its class if it has
/// none of its own.
pub fn explain(code: u16) -> Explanation {
    use RetryAdvice::{Never, Retry};
    let (meaning, what_to_do, retry) = match code {
        100..=199 => (
            "A proxy or the phone is working on it; this is not the final answer.",
            "Wait for the final answer.",
            Never,
        ),
        202 => (
            "The NOTIFY was accepted, possibly by a proxy that passes it on later.",
            "Nothing, unless the phone does not download its files: then look at the proxy.",
            Never,
        ),
        200..=299 => (
            "The phone heard the NOTIFY. Only its next download shows that it acts on it.",
            "Nothing. If no download follows, compare the event with the one in the phone's own configuration.",
            Never,
        ),
        300..=399 => (
            "The phone or the proxy names another address. The relay does not follow it: it sends only where its configuration allows.",
            "Set the device's SIP address to the one it is reached at, or stop the redirection at the proxy.",
            Never,
        ),
        400 => (
            "The phone or the proxy could not read the request.",
            "Look at the extra headers and the body that are set for this event; try without them.",
            Never,
        ),
        401 => (
            "The phone wants credentials, and none that it accepts were sent.",
            "Set the SIP username and password of the phone's line on the device.",
            Never,
        ),
        403 => (
            "The phone or the proxy refuses requests from this sender.",
            "Allow the relay's address at the proxy, and send from the address that the phone trusts (SIP_DETECT_SSAF).",
            Never,
        ),
        404 => (
            "The proxy does not know this SIP address.",
            "Correct the device's SIP address: user and domain must be those the phone registers with.",
            Never,
        ),
        405 => (
            "Whoever answered takes no NOTIFY at this address.",
            "Check that the SIP address is the phone's, not a service's; allow NOTIFY at the proxy.",
            Never,
        ),
        406 | 415 | 488 => (
            "The phone does not take this body or its type.",
            "Remove the body or its content type from the settings of this event.",
            Never,
        ),
        407 => (
            "The proxy wants credentials, and none that it accepts were sent.",
            "Set the SIP username and password for the proxy, or let the proxy trust the relay's address.",
            Never,
        ),
        408 => (
            "The proxy got no answer from the phone in time.",
            "Nothing at first. If it stays so, see whether the phone is on and its registration current.",
            Retry,
        ),
        410 => (
            "The SIP address existed and is gone.",
            "Correct the device's SIP address, or remove the device.",
            Never,
        ),
        416 => (
            "The proxy does not route this kind of address.",
            "Use a sip: address with the domain that the phone registers with.",
            Never,
        ),
        420 | 421 => (
            "An extension is asked for that the phone does not have, or the other way round.",
            "Look at what the proxy adds to the request; the relay itself requires no extension.",
            Never,
        ),
        429 | 436..=438 => (
            "A proxy on the way wants the sender's identity proved or vouched for.",
            "Let the proxy trust the relay's address.",
            Never,
        ),
        430 => (
            "The connection that the phone registered over is gone.",
            "Nothing at first: the phone registers again. If it stays so, look at its registration.",
            Retry,
        ),
        480 => (
            "The proxy knows the address, but no phone is registered with it now.",
            "Nothing at first. If it stays so, see whether the phone is on and registers.",
            Retry,
        ),
        481 => (
            "The phone takes a NOTIFY only within a subscription, and it has none.",
            "Allow NOTIFY without subscription on the phone; many need it switched on, or accept it only from their proxy's address.",
            Never,
        ),
        482 | 483 => (
            "The request went round in circles between proxies.",
            "Look at the proxies' routes for this address.",
            Never,
        ),
        484 | 485 => (
            "The SIP address is incomplete or stands for several.",
            "Set the device's full SIP address.",
            Never,
        ),
        486 | 600 => (
            "The phone is busy; many refuse to restart or fetch while in a call.",
            "Nothing: the phone is notified again later.",
            Retry,
        ),
        489 => (
            "The phone does not know this event.",
            "Set the event to the one in the phone's own configuration, or the other way round.",
            Never,
        ),
        423 | 491 => (
            "The request came at a bad moment.",
            "Nothing: it is sent again later.",
            Retry,
        ),
        500 => (
            "The phone or the proxy failed at it.",
            "Nothing at first. If it stays so, look at the logs of the proxy and the phone.",
            Retry,
        ),
        501 => (
            "Whoever answered does not know NOTIFY at all.",
            "Check that the SIP address is the phone's; if it is, this model cannot be notified.",
            Never,
        ),
        502 | 504 => (
            "A proxy got nothing usable from the next one.",
            "Nothing at first. If it stays so, look at the proxy's route to the phone.",
            Retry,
        ),
        503 => (
            "The proxy or the phone is overloaded or under maintenance.",
            "Nothing: the phone is notified again later, not before the time that it asked for. If many do so, slow the rollout down.",
            Retry,
        ),
        505 => (
            "Whoever answered does not take SIP/2.0.",
            "Check that the address and port are those of a SIP phone.",
            Never,
        ),
        513 => (
            "The request is too large for the phone or the proxy.",
            "Shorten the extra headers and the body of this event.",
            Never,
        ),
        603 | 607 | 608 => (
            "The phone, or somebody who speaks for it, declined.",
            "See whether the phone blocks requests from this sender.",
            Never,
        ),
        604 | 606 => (
            "The address exists nowhere, or nothing about the request suits the phone.",
            "Correct the device's SIP address.",
            Never,
        ),
        _ if code / 100 == 5 => (
            "The phone or the proxy failed at it, for a reason of its own.",
            "Look up the code in the documentation of the proxy or the phone.",
            Retry,
        ),
        _ => (
            "The phone or the proxy refuses the request, for a reason of its own.",
            "Look up the code in the documentation of the proxy or the phone.",
            Never,
        ),
    };
    Explanation {
        meaning,
        what_to_do,
        retry,
    }
}

pub(crate) fn no_answer(no_answer: NoAnswer) -> Explanation {
    let (meaning, what_to_do) = match no_answer {
        NoAnswer::Silence => (
            "Nobody answered. The phone is off, behind a firewall or a NAT that forgot it, or it drops requests that do not come from its proxy's address (SIP_DETECT_SSAF).",
            "Send through the phone's own proxy (the relay's outbound proxy), or bind the relay to that address.",
        ),
        NoAnswer::ProvisionalOnly => (
            "A proxy took the request, but no final answer came back.",
            "See whether the phone is on and registered, and whether the proxy reaches it.",
        ),
        NoAnswer::Transport => (
            "The network refused to carry the request: no route, a port that is closed, a connection that is refused or broke, or a datagram too large.",
            "Check the address and port, the relay's routes, and the size of the extra headers and the body.",
        ),
        NoAnswer::Unusable(_) => (
            "An answer came, but it cannot be used. The phone may have heard the NOTIFY.",
            "Capture the answer beside the relay (tcpdump, sngrep), and look at the firmware of the phone and at whatever rewrites SIP on the way (a proxy, an ALG).",
        ),
    };
    Explanation {
        meaning,
        what_to_do,
        retry: RetryAdvice::Retry,
    }
}

pub(crate) fn auth_failure(failure: AuthFailure) -> Explanation {
    let (meaning, what_to_do) = match failure {
        AuthFailure::NoCredentials => (
            "The phone or its proxy wants credentials, and the device has none.",
            "Set the SIP username and password of the phone's line on the device, or let the proxy trust the relay's address.",
        ),
        AuthFailure::OtherRealm => (
            "Credentials are wanted for another realm than the device's are for.",
            "Set the realm that the phone or its proxy asks for, or none to answer any.",
        ),
        AuthFailure::NoChallenge => (
            "The answer wants credentials but carries no challenge (no WWW-Authenticate in a 401, no Proxy-Authenticate in a 407), so there is nothing to answer.",
            "Look at whoever answered: a phone or proxy that refuses this sender should say 403. Allow the relay's address there.",
        ),
        AuthFailure::TooLong => (
            "The challenge is too long: its realm, nonce and opaque are sent back in one datagram, each with at most 512 bytes.",
            "Shorten the nonces of the phone or the proxy, or let the proxy trust the relay's address.",
        ),
        AuthFailure::Malformed => (
            "The challenge is malformed: it has no realm or no nonce, one of them twice, or characters that no header has.",
            "Look at the configuration of whoever challenged, or let the proxy trust the relay's address.",
        ),
        AuthFailure::Unsupported => (
            "The challenge is none that the relay can answer: it knows digests with MD5 and SHA-256, and qop auth.",
            "Let the phone or the proxy offer a digest with qop auth, or let the proxy trust the relay's address.",
        ),
        AuthFailure::Refused => (
            "The credentials were sent and refused.",
            "Correct the SIP username and password of the device.",
        ),
        AuthFailure::TooMany => (
            "More proxies in a row ask for credentials than the relay answers.",
            "Let the proxies trust the relay's address, or one another.",
        ),
    };
    Explanation {
        meaning,
        what_to_do,
        retry: RetryAdvice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_passes_is_retried_and_no_other() {
        for code in [408, 480, 486, 500, 503] {
            assert!(explain(code).retry.is_retry(), "{code}");
        }
        for code in [200, 202, 302, 401, 403, 404, 407, 481, 489, 501, 603] {
            assert!(!explain(code).retry.is_retry(), "{code}");
        }
    }

    #[test]
    fn every_code_has_words() {
        for code in 0..=u16::MAX {
            let explanation = explain(code);
            assert!(explanation.meaning.ends_with('.') && explanation.what_to_do.ends_with('.'));
        }
    }

    #[test]
    fn the_listed_codes_are_told_apart_from_their_class() {
        for code in CODES {
            assert_ne!(explain(code).meaning, explain(499).meaning, "{code}");
            assert_ne!(explain(code).meaning, explain(599).meaning, "{code}");
        }
    }
}
