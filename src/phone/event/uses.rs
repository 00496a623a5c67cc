//! Which uses of access paths an isolate has recorded lately.
//!
//! Memory only spares statements here: D1 itself writes nothing where its record is young enough.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::store::requests::USE_STEP_MS;

/// More are not remembered; D1 is asked again.
const MAX_USES: usize = 5_000;

thread_local! {
    /// Hash of the access path, and the device or nothing: when it was recorded.
    static RECORDED: RefCell<BTreeMap<(String, String), u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether a use is to be recorded: as far as this isolate knows, that is an hour ago. `now` is in Unix
/// milliseconds; `device` is empty where none is known.
pub(super) fn notable(hash: &str, device: &str, now: u64) -> bool {
    RECORDED.with_borrow(|recorded| {
        let last = recorded.get(&(hash.to_owned(), device.to_owned()));
        last.is_none_or(|&last| now >= last.saturating_add(USE_STEP_MS))
    })
}

/// Remembers that a use is recorded.
pub(super) fn remember(hash: &str, device: &str, now: u64) {
    RECORDED.with_borrow_mut(|recorded| {
        if recorded.len() >= MAX_USES {
            recorded.clear();
        }
        recorded.insert((hash.to_owned(), device.to_owned()), now);
    });
}

#[cfg(test)]
mod tests {
    use crate::phone::event::uses::*;

    #[test]
    fn a_use_is_recorded_once_an_hour_for_each_path_and_device() {
        assert!(notable("a", "D", 1));
        remember("a", "D", 1);
        assert!(!notable("a", "D", USE_STEP_MS));
        assert!(notable("a", "D", USE_STEP_MS + 1));
        assert!(notable("a", "", 1));
        assert!(notable("b", "D", 1));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        for number in 0..MAX_USES * 2 + 1 {
            remember("c", &number.to_string(), 1);
        }
        assert!(RECORDED.with_borrow(BTreeMap::len) <= MAX_USES);
    }
}
