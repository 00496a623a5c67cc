//! Look-ups that several jobs wait for together, and answers that are good for a few seconds.
//!
//! The resolver has a cache that honours TTLs; this one only keeps a rollout of thousands of phones
//! behind one domain from asking thousands of times a second.

use std::collections::{HashMap, VecDeque};

use crate::locate::{LookupError, Query, Service};

type Found = Result<Vec<Service>, LookupError>;

/// How long an answer is used again, in milliseconds.
const FRESH_MS: u64 = 5_000;
/// How many answers are kept.
const MAX_ANSWERS: usize = 1024;

#[derive(Debug)]
enum Lookup {
    Asked(Vec<u64>),
    Known { found: Found, until: u64 },
}

#[derive(Debug, Default)]
pub(super) struct Lookups {
    known: HashMap<Query, Lookup>,
    to_ask: VecDeque<Query>,
}

impl Lookups {
    /// The answer, if there is a fresh one; else `key` comes out of [`Lookups::answer`].
    pub(super) fn ask(&mut self, query: Query, key: u64, now: u64) -> Option<Found> {
        match self.known.get_mut(&query) {
            Some(Lookup::Known { found, until }) if *until > now => return Some(found.clone()),
            Some(Lookup::Asked(waiting)) => waiting.push(key),
            _ => {
                self.known.insert(query.clone(), Lookup::Asked(vec![key]));
                self.to_ask.push_back(query);
            }
        }
        None
    }

    /// Who waited for this answer.
    pub(super) fn answer(&mut self, query: &Query, found: &Found, now: u64) -> Vec<u64> {
        if self.known.len() >= MAX_ANSWERS {
            self.known.retain(|_, lookup| match lookup {
                Lookup::Asked(_) => true,
                Lookup::Known { until, .. } => *until > now,
            });
        }
        let known = Lookup::Known {
            found: found.clone(),
            until: now + FRESH_MS,
        };
        match self.known.insert(query.clone(), known) {
            Some(Lookup::Asked(waiting)) => waiting,
            _ => Vec::new(),
        }
    }

    /// The next question.
    pub(super) fn poll(&mut self) -> Option<Query> {
        self.to_ask.pop_front()
    }
}
