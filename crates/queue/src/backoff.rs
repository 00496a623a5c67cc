//! When a job is tried again: exponential back-off with jitter, never before `Retry-After`.

/// Longest `Retry-After` that is honoured, in milliseconds: a day, like the life of a job.
const MAX_RETRY_AFTER_MS: u64 = 24 * 3_600_000;

/// The delay before the next sending after `tries` sendings in vain, in milliseconds.
///
/// It doubles from `base_ms` with every try up to `cap_ms`; of that, between half and all is waited,
/// as `random` decides, so that phones which fell silent together are not notified together again.
pub fn delay(
    tries: u32,
    base_ms: u64,
    cap_ms: u64,
    retry_after_s: Option<u32>,
    random: u64,
) -> u64 {
    let doublings = tries.saturating_sub(1).min(30);
    let full = base_ms.saturating_mul(1 << doublings).min(cap_ms);
    let half = full / 2;
    let waited = half + random % (full - half + 1);
    let asked = retry_after_s.map_or(0, |seconds| u64::from(seconds) * 1000);
    waited.max(asked.min(MAX_RETRY_AFTER_MS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let most = |tries| {
            delay(
                tries,
                30_000,
                3_600_000,
                None,
                15_000 * 2_u64.pow(tries - 1),
            )
        };
        assert_eq!(
            (1..=4).map(most).collect::<Vec<_>>(),
            [30_000, 60_000, 120_000, 240_000]
        );
        assert!(delay(9, 30_000, 3_600_000, None, 7) <= 3_600_000);
    }

    #[test]
    fn retry_after_is_a_lower_bound_and_itself_bounded() {
        assert_eq!(delay(1, 30_000, 3_600_000, Some(90), 5), 90_000);
        assert!(delay(3, 30_000, 3_600_000, Some(1), 0) >= 60_000);
        assert_eq!(
            delay(1, 30_000, 3_600_000, Some(u32::MAX), 0),
            MAX_RETRY_AFTER_MS
        );
    }

    proptest! {
        #[test]
        fn the_delay_stays_between_half_and_all(tries: u32, base in 1..10_000_000_u64, cap in 1..100_000_000_u64, random: u64) {
            let full = base.saturating_mul(1 << tries.saturating_sub(1).min(30)).min(cap);
            let waited = delay(tries, base, cap, None, random);
            prop_assert!(waited >= full / 2 && waited <= full);
        }
    }
}
