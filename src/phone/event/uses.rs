//! Which uses of access paths an isolate has noted lately.
//!
//! Memory only spares statements here: D1 itself writes nothing where its note is young enough.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::store::events::USE_STEP_MS;

/// More are not remembered; D1 is asked again.
const MAX_USES: usize = 5_000;

thread_local! {
    /// Hash of the access path, and the device or nothing: when it was noted.
    static NOTED: RefCell<BTreeMap<(String, String), u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether a use is to be noted: as far as this isolate knows, that is an hour ago. `now` is in Unix
/// milliseconds; `device` is empty where none is known.
pub(super) fn notable(hash: &str, device: &str, now: u64) -> bool {
    NOTED.with_borrow(|noted| {
        let last = noted.get(&(hash.to_owned(), device.to_owned()));
        last.is_none_or(|&last| now >= last.saturating_add(USE_STEP_MS))
    })
}

/// Remembers that a use is noted.
pub(super) fn noted(hash: &str, device: &str, now: u64) {
    NOTED.with_borrow_mut(|noted| {
        if noted.len() >= MAX_USES {
            noted.clear();
        }
        noted.insert((hash.to_owned(), device.to_owned()), now);
    });
}

#[cfg(test)]
mod tests {
    use crate::phone::event::uses::*;

    #[test]
    fn a_use_is_noted_once_an_hour_for_each_path_and_device() {
        assert!(notable("a", "D", 1));
        noted("a", "D", 1);
        assert!(!notable("a", "D", USE_STEP_MS));
        assert!(notable("a", "D", USE_STEP_MS + 1));
        assert!(notable("a", "", 1));
        assert!(notable("b", "D", 1));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        for number in 0..MAX_USES * 2 + 1 {
            noted("c", &number.to_string(), 1);
        }
        assert!(NOTED.with_borrow(BTreeMap::len) <= MAX_USES);
    }
}
