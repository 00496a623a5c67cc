//! Randomness from the system, a block at a time: a NOTIFY draws four times, and a system call for
//! each would be noticed at thousands a second.

use std::io::Write as _;

use ringfence_sip_notify::Entropy;

const BLOCK: usize = 4096;

/// The system's generator behind a buffer. What was given out is wiped from the buffer.
pub struct Random {
    block: Box<[u8; BLOCK]>,
    used: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self {
            block: Box::new([0; BLOCK]),
            used: BLOCK,
        }
    }
}

impl Random {
    /// Any number.
    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == BLOCK {
                system(&mut self.block[..]);
                self.used = 0;
            }
            if let Some(random) = self.block.get_mut(self.used) {
                *byte = std::mem::take(random);
            }
            self.used += 1;
        }
    }
}

/// Without randomness every branch could be guessed, so there is nothing to go on with.
fn system(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        // `send` writes no log.
        let _ = writeln!(
            std::io::stderr(),
            "ringfence-relay: the system gives no random numbers: {error}"
        );
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_repeat_across_blocks() {
        let mut random = Random::default();
        let mut numbers: Vec<u64> = (0..2000).map(|_| random.number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2000);
    }
}
