//! What the pool has yet to hear, without I/O.
//!
//! Results are kept until the pool has written them down, across reconnects, or until their lease
//! has ended: then the pool has given the job to somebody else. Acknowledgements and returns are
//! said once: if they are lost, the end of the lease says the same.

use std::collections::{HashMap, VecDeque};

use ringfence_wire::{EncodeError, JobRef, JobResult, RelayFrame, ReturnReason, batches};

/// How many items go into one frame at most; 64 KiB is the other limit.
const MAX_ITEMS: usize = 200;

/// A result that the pool has not written down yet.
struct UnrecordedResult {
    result: JobResult,
    lease_end: u64,
    /// Whether it was said on the present connection.
    said: bool,
}

/// Everything to be said.
#[derive(Default)]
pub struct Outbox {
    acks: Vec<JobRef>,
    returns: Vec<(JobRef, ReturnReason)>,
    results: HashMap<String, UnrecordedResult>,
    unsaid: VecDeque<String>,
}

impl Outbox {
    /// A job arrived. If its result is still to be recorded, the phone was notified under an earlier
    /// lease: the result answers this one too, and the job must not be submitted again.
    pub fn arrived(&mut self, job: &JobRef, lease_ms: u32, now: u64) -> bool {
        let lease_end = now.saturating_add(u64::from(lease_ms));
        self.acks.push(job.clone());
        let Some(kept) = self.results.get_mut(&job.id) else {
            return true;
        };
        kept.result.job.lease = job.lease;
        kept.lease_end = lease_end;
        if kept.said {
            kept.said = false;
            self.unsaid.push_back(job.id.clone());
        }
        false
    }

    /// A job ended whose lease lasts until `lease_end`.
    pub fn result(&mut self, result: JobResult, lease_end: u64) {
        let id = result.job.id.clone();
        self.unsaid.push_back(id.clone());
        let kept = UnrecordedResult {
            result,
            lease_end,
            said: false,
        };
        self.results.insert(id, kept);
    }

    /// A job is given back.
    pub fn give_back(&mut self, job: JobRef, reason: ReturnReason) {
        self.returns.push((job, reason));
    }

    /// The pool has written these down.
    pub fn recorded(&mut self, jobs: &[JobRef]) {
        for job in jobs {
            if self
                .results
                .get(&job.id)
                .is_some_and(|kept| kept.result.job.lease == job.lease)
            {
                self.results.remove(&job.id);
            }
        }
    }

    /// The connection is gone: results will be said again on the next one.
    pub fn disconnected(&mut self) {
        self.acks.clear();
        self.unsaid = self.results.keys().cloned().collect();
        for kept in self.results.values_mut() {
            kept.said = false;
        }
    }

    /// Forgets results whose lease has ended; returns how many.
    pub fn expire(&mut self, now: u64) -> usize {
        let before = self.results.len();
        // One that nobody was told about yet gets its chance, however late.
        self.results
            .retain(|_, kept| kept.lease_end > now || !kept.said);
        before - self.results.len()
    }

    /// Results that the pool has not recorded.
    pub fn unrecorded(&self) -> usize {
        self.results.len()
    }

    /// Whether [`Self::next_frames`] has something.
    pub fn has_frames(&self) -> bool {
        !self.acks.is_empty() || !self.returns.is_empty() || !self.unsaid.is_empty()
    }

    /// The next frames to send, encoded: acknowledgements first, so that none follows its result.
    pub fn next_frames(&mut self) -> Result<Vec<String>, EncodeError> {
        let frames = if !self.acks.is_empty() {
            batches(take(&mut self.acks), RelayFrame::Ack).0
        } else if let Some((_, reason)) = self.returns.first() {
            let reason = *reason;
            let same = |item: &(JobRef, ReturnReason)| item.1 == reason;
            let count = self
                .returns
                .iter()
                .take(MAX_ITEMS)
                .take_while(|item| same(item))
                .count();
            let jobs = self.returns.drain(..count).map(|(job, _)| job).collect();
            batches(jobs, |jobs| RelayFrame::Return { jobs, reason }).0
        } else {
            batches(self.results_to_say(), RelayFrame::Result).0
        };
        frames.iter().map(RelayFrame::encode).collect()
    }

    fn results_to_say(&mut self) -> Vec<JobResult> {
        let mut results = Vec::new();
        while results.len() < MAX_ITEMS
            && let Some(id) = self.unsaid.pop_front()
        {
            if let Some(kept) = self.results.get_mut(&id)
                && !kept.said
            {
                kept.said = true;
                results.push(kept.result.clone());
            }
        }
        results
    }
}

fn take(items: &mut Vec<JobRef>) -> Vec<JobRef> {
    let count = items.len().min(MAX_ITEMS);
    items.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use ringfence_wire::{Outcome, Retry};

    use super::*;

    fn job(id: &str, lease: u32) -> JobRef {
        JobRef {
            id: id.into(),
            lease,
        }
    }

    fn result(id: &str, lease: u32) -> JobResult {
        JobResult {
            job: job(id, lease),
            outcome: Outcome::Answered,
            code: Some(200),
            reason: "ok".into(),
            explanation: String::new(),
            retry: Retry::Never,
            attempts: 1,
            rtt_ms: Some(1),
            retry_after_s: None,
            destination: None,
        }
    }

    /// Everything there is to say, as (type, ids).
    fn say(outbox: &mut Outbox) -> Vec<(&'static str, Vec<JobRef>)> {
        let mut said = Vec::new();
        while outbox.has_frames() {
            for text in outbox.next_frames().unwrap() {
                said.push(match RelayFrame::decode(&text).unwrap() {
                    RelayFrame::Ack(jobs) => ("ack", jobs),
                    RelayFrame::Return { jobs, .. } => ("return", jobs),
                    RelayFrame::Result(all) => ("result", all.into_iter().map(|r| r.job).collect()),
                    other => panic!("{other:?}"),
                });
            }
        }
        said
    }

    #[test]
    fn a_result_is_said_again_on_every_connection_until_it_is_recorded() {
        let mut outbox = Outbox::default();
        assert!(outbox.arrived(&job("a", 1), 1000, 0));
        assert_eq!(say(&mut outbox), [("ack", vec![job("a", 1)])]);
        outbox.result(result("a", 1), 1000);
        for _ in 0..3 {
            assert_eq!(say(&mut outbox), [("result", vec![job("a", 1)])]);
            outbox.disconnected();
        }
        outbox.recorded(&[job("a", 1)]);
        assert_eq!(say(&mut outbox), []);
        assert_eq!(outbox.unrecorded(), 0);
    }

    #[test]
    fn a_job_leased_again_is_answered_by_the_result_that_is_there() {
        let mut outbox = Outbox::default();
        outbox.arrived(&job("a", 1), 1000, 0);
        outbox.result(result("a", 1), 1000);
        say(&mut outbox);
        assert!(!outbox.arrived(&job("a", 2), 1000, 500));
        assert_eq!(
            say(&mut outbox),
            [("ack", vec![job("a", 2)]), ("result", vec![job("a", 2)])]
        );
        outbox.recorded(&[job("a", 1)]);
        assert_eq!(
            outbox.unrecorded(),
            1,
            "the word about the old lease is not about this one"
        );
        outbox.recorded(&[job("a", 2)]);
        assert_eq!(outbox.unrecorded(), 0);
    }

    #[test]
    fn a_result_is_forgotten_when_its_lease_ends_but_not_before_it_was_said() {
        let mut outbox = Outbox::default();
        outbox.arrived(&job("a", 1), 1000, 0);
        outbox.result(result("a", 1), 1000);
        assert_eq!(outbox.expire(2000), 0);
        say(&mut outbox);
        assert_eq!(outbox.expire(999), 0);
        assert_eq!(outbox.expire(1000), 1);
    }

    #[test]
    fn many_items_are_said_in_several_frames_in_their_order() {
        let mut outbox = Outbox::default();
        for n in 0..1000 {
            let id = format!("{n:04}");
            outbox.arrived(&job(&id, 1), 1000, 0);
            outbox.result(result(&id, 1), 1000);
        }
        let said = say(&mut outbox);
        for kind in ["ack", "result"] {
            let ids: Vec<_> = said
                .iter()
                .filter(|(k, _)| *k == kind)
                .flat_map(|(_, jobs)| jobs.iter().map(|job| job.id.clone()))
                .collect();
            assert_eq!(
                ids,
                (0..1000).map(|n| format!("{n:04}")).collect::<Vec<_>>(),
                "{kind}"
            );
        }
    }

    #[test]
    fn returns_are_grouped_by_their_reason() {
        let mut outbox = Outbox::default();
        outbox.give_back(job("a", 1), ReturnReason::Full);
        outbox.give_back(job("b", 1), ReturnReason::Full);
        outbox.give_back(job("c", 1), ReturnReason::Drain);
        let said = say(&mut outbox);
        assert_eq!(
            said,
            [
                ("return", vec![job("a", 1), job("b", 1)]),
                ("return", vec![job("c", 1)])
            ]
        );
    }
}
