//! How much one request may render, and that others are served meanwhile.
//!
//! An isolate has one thread for all tenants. A check of a change renders up to 500 devices, so
//! what it may take is counted over the whole of it, in the fuel of templates, and it lets others
//! go first now and then.

use crate::platform;

/// The fuel of one whole check: some four times what 500 ordinary devices take (2,000 to 3,000 each
/// with the built-in templates and 240 settings).
pub const MAX_FUEL: u64 = 5_000_000;

/// How much fuel a check spends in one go before others are let go first. One rendering takes 200,000
/// at most, a KX-UDS124's five times that.
const MAX_STRETCH: u64 = 50_000;

/// What is left of a check's fuel.
#[derive(Debug)]
pub struct Budget {
    left: u64,
    stretch: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: MAX_FUEL,
            stretch: 0,
        }
    }
}

impl Budget {
    /// Notes what has been spent.
    pub fn spend(&mut self, fuel: u64) {
        self.left = self.left.saturating_sub(fuel);
        self.stretch = self.stretch.saturating_add(fuel);
    }

    /// Whether no more than this share of the whole, in percent, has been spent.
    pub fn is_within(&self, percent: u64) -> bool {
        MAX_FUEL - self.left <= MAX_FUEL / 100 * percent && self.left > 0
    }

    /// Lets others go first, if it is time.
    pub async fn pause_if_due(&mut self) {
        if self.pause_is_due() {
            platform::let_others_go_first().await;
        }
    }

    fn pause_is_due(&mut self) -> bool {
        let due = self.stretch >= MAX_STRETCH;
        if due {
            self.stretch = 0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use crate::api::check::budget::*;

    #[test]
    fn a_budget_ends_and_its_shares_are_kept() {
        let mut budget = Budget::default();
        assert!(budget.is_within(50) && budget.is_within(100));
        budget.spend(MAX_FUEL / 2);
        assert!(budget.is_within(50));
        budget.spend(1);
        assert!(!budget.is_within(50) && budget.is_within(100));
        budget.spend(u64::MAX);
        assert!(!budget.is_within(100));
    }

    #[test]
    fn a_pause_is_due_after_each_stretch() {
        let mut budget = Budget::default();
        budget.spend(MAX_STRETCH - 1);
        assert!(!budget.pause_is_due());
        budget.spend(1);
        assert!(budget.pause_is_due());
        assert!(!budget.pause_is_due());
    }
}
