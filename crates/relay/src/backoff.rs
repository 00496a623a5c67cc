//! How long to wait before connecting again.

use std::time::Duration;

/// Exponential, with full jitter: every deploy of the Worker drops all relays at the same moment,
/// and they must not come back at the same moment.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Between `min` and `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            failures: 0,
        }
    }

    /// A connection was good.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// A wait for what will not be better sooner: `max`, and up to half as long again.
    pub fn long(&self, random: u64) -> Duration {
        let spread = u64::try_from((self.max / 2).as_millis()).unwrap_or(u64::MAX);
        self.max + Duration::from_millis(random % spread.saturating_add(1))
    }

    /// The next wait: somewhere between `min` and a bound that doubles with every failure, up to
    /// `max`. `random` is any number.
    pub fn next(&mut self, random: u64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let doubled = 2_u32.saturating_pow(self.failures.min(20));
        let bound = self.min.saturating_mul(doubled).min(self.max).max(self.min);
        let spread = u64::try_from((bound - self.min).as_millis()).unwrap_or(u64::MAX);
        self.min + Duration::from_millis(random % spread.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_never_beyond() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        let mut longest = Vec::new();
        for _ in 0..100 {
            // The spread is at most 59,500 ms: this draws its very end while it lasts.
            let mut at_end = backoff.clone();
            let spread = 500 * 2_u64.pow(longest.len().min(10) as u32 + 1);
            longest.push(at_end.next(spread.min(60_000) - 500));
            backoff.next(0);
        }
        assert_eq!(longest.first(), Some(&Duration::from_secs(1)));
        assert_eq!(longest.last(), Some(&Duration::from_secs(60)));
        assert!(longest.is_sorted());
    }

    #[test]
    fn a_long_wait_is_no_shorter_than_the_longest() {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        assert_eq!(backoff.long(0), Duration::from_secs(60));
        assert_eq!(backoff.long(30_000), Duration::from_secs(90));
        assert_eq!(backoff.long(30_001), Duration::from_secs(60));
    }

    #[test]
    fn waits_are_spread_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        assert_eq!(backoff.next(0), Duration::from_millis(500));
        assert_eq!(backoff.next(777), Duration::from_millis(1277));
        backoff.reset();
        assert!(backoff.next(u64::MAX) <= Duration::from_millis(1000));
    }
}
