//! What became of a job, in the words of the wire.

use std::net::SocketAddr;

use ringfence_sip_notify::{AuthFailure, Ending, NoAnswer, NotifyOutcome};
use ringfence_wire::{JobRef, JobResult, Outcome, Retry};

use super::Names;
use super::entry::Entry;
use crate::destination::Refusal;
use crate::hop::Hop;
use crate::locate::LookupError;

/// The reason of a job whose answer could not be used.
pub const UNUSABLE: &str = "unusable_answer";

/// The reason of a job whose tenant may not address whom it names.
pub(super) const NOT_THE_TENANTS: &str = "tenant_destination_not_allowed";

/// Between an explanation's two halves.
pub const WHAT_TO_DO: &str = " What to do: ";

/// A NOTIFY session's end.
pub(super) fn of(entry: &Entry, outcome: &NotifyOutcome) -> JobResult {
    let explanation = outcome.ending.explanation();
    let retry = if explanation.retry.is_retry() {
        Retry::Later
    } else {
        Retry::Never
    };
    let (kind, reason, retry_after_s) = match &outcome.ending {
        Ending::Answered { .. } => (Outcome::Answered, "ok".to_owned(), None),
        Ending::Rejected {
            code, retry_after, ..
        } => (Outcome::Rejected, format!("status_{code}"), *retry_after),
        Ending::Unreachable(NoAnswer::Silence) => (Outcome::Unreachable, "no_answer".into(), None),
        Ending::Unreachable(why) => (Outcome::Unreachable, why.as_str().into(), None),
        Ending::AuthFailed { failure, .. } => (Outcome::Unauthorized, auth_reason(*failure), None),
    };
    let mut message = format!(
        "{}{WHAT_TO_DO}{}",
        explanation.meaning, explanation.what_to_do
    );
    if let Ending::Rejected { code, reason, .. } = &outcome.ending
        && !reason.is_empty()
    {
        message = format!("{message} (The answer was: {code} {reason})");
    }
    if let Ending::Unreachable(NoAnswer::Unusable(why)) = &outcome.ending {
        message = format!("{message} (What was wrong with the answer: {why}.)");
    }
    if let Some(why) = &entry.broken {
        message = format!("{message} (What happened to the connection: {why}.)");
    }
    if let Some(from) = entry.answered_by {
        message = format!(
            "{message} (The answer came from {from}, another address than the NOTIFY went to.)"
        );
    }
    JobResult {
        outcome: kind,
        code: outcome.ending.code(),
        attempts: entry
            .sent_before
            .saturating_add(u32::from(outcome.transmissions)),
        rtt_ms: outcome.round_trip_ms,
        retry_after_s,
        ..blank(entry, reason, message, retry)
    }
}

fn auth_reason(failure: AuthFailure) -> String {
    match failure {
        AuthFailure::Refused => "credentials_refused".into(),
        other => other.as_str().into(),
    }
}

/// DNS named no destination.
pub(super) fn not_located(entry: &Entry, error: &LookupError) -> JobResult {
    let (reason, what_to_do) = match error {
        LookupError::NotFound(_) => (
            "not_found",
            "Check the domain of the device's SIP address, and that the relay has a socket of its address family.",
        ),
        LookupError::NoAnswer(_) => ("dns_failed", "Check the relay's name servers."),
        LookupError::NoServers(_) => (
            "dns_failed",
            "Set `dns.servers` in the relay's configuration, or give its host an /etc/resolv.conf; or name an address instead of a domain.",
        ),
    };
    JobResult {
        outcome: Outcome::Unreachable,
        ..blank(
            entry,
            reason.into(),
            format!("{error}.{WHAT_TO_DO}{what_to_do}"),
            Retry::Later,
        )
    }
}

/// Every destination is refused by the relay's configuration.
pub(super) fn not_allowed(entry: &Entry, names: Names, refusal: &Refusal) -> JobResult {
    JobResult {
        outcome: Outcome::NotAllowed,
        ..blank(
            entry,
            "destination_not_allowed".into(),
            format!(
                "{} may not send there: {refusal}. Nothing was sent.{WHAT_TO_DO}Correct the device's SIP address, or the relay's configuration.",
                names.sender
            ),
            Retry::Never,
        )
    }
}

/// DNS leads to addresses that the job's tenant may not address.
pub(super) fn not_the_tenants(entry: &Entry, to: SocketAddr) -> JobResult {
    JobResult {
        outcome: Outcome::NotAllowed,
        ..blank(
            entry,
            NOT_THE_TENANTS.into(),
            format!(
                "The domain leads to {}, which is in none of the networks that the tenant may address. Nothing was sent.{WHAT_TO_DO}Have the tenant's destinations extended, or correct the domain.",
                to.ip()
            ),
            Retry::Never,
        )
    }
}

/// No socket of the destination's address family.
pub(super) fn no_socket(entry: &Entry, to: &Hop) -> JobResult {
    let is_v6 = to.address().is_some_and(|address| address.is_ipv6());
    let family = if is_v6 { "IPv6" } else { "IPv4" };
    JobResult {
        outcome: Outcome::Unreachable,
        ..blank(
            entry,
            "no_socket".into(),
            format!(
                "{to} is an {family} address, and the relay has no {family} socket.{WHAT_TO_DO}Add one to `sip.bind`, or run another relay in the pool that has one."
            ),
            // Another relay may have one.
            Retry::Later,
        )
    }
}

/// Given up because the pool said so.
pub(super) fn cancelled(entry: &Entry) -> JobResult {
    JobResult {
        outcome: Outcome::Cancelled,
        attempts: entry.sent(),
        ..blank(
            entry,
            "cancelled".into(),
            "Cancelled. If a copy had gone out, the phone may have heard it.".into(),
            Retry::Never,
        )
    }
}

/// A job that is not even tried.
pub(super) fn refused(
    job: JobRef,
    outcome: Outcome,
    reason: &str,
    explanation: String,
) -> JobResult {
    JobResult {
        job,
        outcome,
        code: None,
        reason: reason.into(),
        explanation,
        retry: Retry::Never,
        attempts: 0,
        rtt_ms: None,
        retry_after_s: None,
        destination: None,
    }
}

fn blank(entry: &Entry, reason: String, explanation: String, retry: Retry) -> JobResult {
    JobResult {
        attempts: entry.sent_before,
        retry,
        destination: entry.destination().map(ToString::to_string),
        ..refused(entry.job.clone(), Outcome::Other, &reason, explanation)
    }
}
