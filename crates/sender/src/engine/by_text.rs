//! Which job a response, or a word of the pool, is about.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Jobs by a text of theirs: the branch of their NOTIFY, or their id.
///
/// Only a keyed hash of the text is kept, which saves several megabytes with tens of thousands in
/// flight; whoever asks compares the text itself. Two texts of one hash, which chance brings about
/// once in some billions of years, would hide the first: a NOTIFY without an answer, or a job told
/// twice, as after any lost datagram.
#[derive(Debug, Default)]
pub(super) struct ByText {
    keyed: RandomState,
    jobs: HashMap<u64, u64>,
}

impl ByText {
    pub(super) fn insert(&mut self, text: &str, job: u64) {
        self.jobs.insert(self.hash(text), job);
    }

    pub(super) fn job(&self, text: &str) -> Option<u64> {
        self.jobs.get(&self.hash(text)).copied()
    }

    pub(super) fn remove(&mut self, text: &str, job: u64) {
        let hash = self.hash(text);
        if self.jobs.get(&hash) == Some(&job) {
            self.jobs.remove(&hash);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Tokens of SIP, and ULIDs, are the same in any case (RFC 3261 §7.3.1).
    fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.keyed.build_hasher();
        for byte in text.bytes() {
            hasher.write_u8(byte.to_ascii_lowercase());
        }
        hasher.finish()
    }
}
