//! Which fetches are news: a version that this isolate has not yet recorded for the device. A job may wait for it, so it is written
//! at once, and does not wait among what is collected.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// More are not remembered; whoever is forgotten is news once more.
const MAX_DEVICES: usize = 5_000;

thread_local! {
    /// By device: the version that was recorded.
    static RECORDED: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether it is not yet recorded that a device took that version.
pub(super) fn is_news(device: &str, version: u64) -> bool {
    RECORDED.with_borrow(|recorded| recorded.get(device) != Some(&version))
}

/// Remembers that it is recorded.
pub(super) fn remember(device: &str, version: u64) {
    RECORDED.with_borrow_mut(|recorded| {
        if recorded.len() >= MAX_DEVICES {
            recorded.clear();
        }
        recorded.insert(device.to_owned(), version);
    });
}

#[cfg(test)]
mod tests {
    use crate::phone::event::news::*;

    #[test]
    fn a_version_is_news_until_it_is_recorded_and_another_one_again() {
        assert!(is_news("D", 7));
        remember("D", 7);
        assert!(!is_news("D", 7));
        assert!(is_news("D", 8));
        assert!(is_news("E", 7));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        for number in 0..MAX_DEVICES * 2 + 1 {
            remember(&number.to_string(), 1);
        }
        assert!(RECORDED.with_borrow(BTreeMap::len) <= MAX_DEVICES);
    }
}
