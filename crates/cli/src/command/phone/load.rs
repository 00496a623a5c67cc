//! Many phones at once, for an operator's own check of load: bounded, and counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ringfence_provision::mac::Mac;
use serde_json::json;

use super::boot::{Phone, Step};
use crate::client;
use crate::command::import::Progress;
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::table;
use crate::words::count as counted;

/// The most phones that one command boots.
const MAX_PHONES: u64 = 10_000;

/// The most phones that boot at one time.
const MAX_AT_ONCE: u64 = 64;

/// How many of the phones that got no file are named at most.
const MAX_NAMED: usize = 5;

/// What came of all of them.
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<u16, u64>,
    took: Vec<Duration>,
    booted: u64,
    sealed: u64,
    without: Vec<String>,
    failure: Option<Failure>,
}

/// Has `count` phones boot, with MACs from that of `first` on.
///
/// # Errors
/// One of them has no file in the end, or nobody answers.
pub(super) fn run(
    output: Output,
    first: &Phone,
    count: u64,
    at_once: Option<u64>,
) -> Result<(), Failure> {
    let at_once = at_once.unwrap_or(8);
    if !(1..=MAX_PHONES).contains(&count) || !(1..=MAX_AT_ONCE).contains(&at_once) {
        return Err(Failure::Usage(format!(
            "--count is 1 to {MAX_PHONES}, and --at-once 1 to {MAX_AT_ONCE}."
        )));
    }
    let macs = macs(first.mac, count)?;
    let agent = client::agent(first.is_tls());
    let next = AtomicU64::new(0);
    let seen = Mutex::new(Seen::default());
    let progress = Progress::new(output, "phones booted", count, 0, false);
    let progress = Mutex::new((progress, 0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(mac) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                    .ok()
                    .and_then(|at| macs.get(at))
                {
                    if !one(&agent, first, *mac, &seen) {
                        // The others would hear the same.
                        next.store(count, Ordering::Relaxed);
                    }
                    let mut progress = lock(&progress);
                    progress.1 += 1;
                    let done = progress.1;
                    progress.0.at(done);
                }
            });
        }
    });
    let progress = progress.into_inner();
    progress
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .0
        .end();
    let seen = seen
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(failure) = seen.failure {
        return Err(failure);
    }
    report(output, seen, count, began.elapsed())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The boot of one phone; whether the next one may boot.
fn one(agent: &ureq::Agent, first: &Phone, mac: Mac, seen: &Mutex<Seen>) -> bool {
    let mut phone = first.as_another(mac);
    let mut steps: Vec<Step> = Vec::new();
    let booted = phone.boot(agent, &mut |step| {
        steps.push(step.clone());
        Ok(())
    });
    let mut seen = lock(seen);
    for step in steps {
        *seen.statuses.entry(step.status).or_default() += 1;
        seen.took.push(step.took);
    }
    match booted {
        Err(failure) => {
            seen.failure.get_or_insert(failure);
            false
        }
        Ok(()) => {
            match phone.has_file() {
                true => seen.booted += 1,
                false => seen.without.push(mac.upper()),
            }
            seen.sealed += u64::from(phone.has_opened);
            true
        }
    }
}

/// The MACs one after the other.
fn macs(first: Mac, count: u64) -> Result<Vec<Mac>, Failure> {
    let [a, b, c, d, e, f] = first.octets();
    let start = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let all = (start..start + count).map(|number| {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Mac::from_octets([a, b, c, d, e, f])
    });
    all.collect::<Result<_, _>>().map_err(|error| {
        Failure::Usage(format!(
            "--count goes beyond the MACs that there are: {error}."
        ))
    })
}

fn report(output: Output, mut seen: Seen, count: u64, elapsed: Duration) -> Result<(), Failure> {
    seen.took.sort_unstable();
    let at = |share: usize| {
        let place = (seen.took.len() * share / 100).min(seen.took.len().saturating_sub(1));
        let took = seen.took.get(place).copied().unwrap_or_default();
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    };
    let requests = seen.took.len() as u64;
    let statuses: BTreeMap<String, u64> = seen
        .statuses
        .iter()
        .map(|(status, number)| (status.to_string(), *number))
        .collect();
    let milliseconds = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let report = json!({"phones": count, "booted": seen.booted, "opened_sealed": seen.sealed, "requests": requests,
        "requests_per_second": requests * 1000 / milliseconds, "ms": milliseconds, "statuses": statuses,
        "ms_half": at(50), "ms_95_percent": at(95), "ms_99_percent": at(99)});
    match output.format {
        Format::People => {
            let mut parts: Vec<String> = Vec::new();
            for (status, number) in &statuses {
                parts.push(format!("{number} × {status}"));
            }
            output.answer(&format!(
                "{} of {} have their file, {} opened a sealed one.\n{} in {:.1} s, {} a second: {}.\nHalf of them within {} ms, 95 % within {} ms, 99 % within {} ms.\n",
                seen.booted,
                counted(count, "phone"),
                seen.sealed,
                counted(requests, "request"),
                elapsed.as_secs_f64(),
                requests * 1000 / milliseconds,
                parts.join(", "),
                at(50),
                at(95),
                at(99)
            ))?;
        }
        _ => table::one(output, &report)?,
    }
    match seen.without.len() {
        0 => Ok(()),
        missing => {
            seen.without.truncate(MAX_NAMED);
            Err(Failure::Unfinished(format!(
                "{} without a file, such as {}. `ringfence events --device` says why.",
                counted(missing as u64, "phone"),
                seen.without.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn macs_are_one_after_the_other() {
        let first = Mac::parse("0080F000FFFF").unwrap();
        let all = macs(first, 2).unwrap();
        assert_eq!(
            all.iter().map(|mac| mac.upper()).collect::<Vec<_>>(),
            ["0080F000FFFF", "0080F0010000"]
        );
    }
}
