//! What an isolate knows about minutes that are full.
//!
//! Memory only spares writes here; the bound itself is D1's, which every isolate shares.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many uncounted events are reported at a time.
const REPORT: u64 = 100;

/// More tenants than this are not remembered; the next event finds out again.
const TENANTS_MAX: usize = 1000;

#[derive(Clone, Copy, Debug, Default)]
struct Full {
    minute: u64,
    uncounted: u64,
}

thread_local! {
    static FULL: RefCell<BTreeMap<String, Full>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether an event of a tenant may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes; so many of an earlier minute are still to be counted with it.
    Left { uncounted: u64 },
    /// No: it is only counted, and from time to time the count is to be written.
    None { report: Option<u64> },
}

/// Asks for room in a tenant's minute.
pub(super) fn room(tenant: &str, minute: u64) -> Room {
    FULL.with_borrow_mut(|tenants| match tenants.get_mut(tenant) {
        Some(full) if full.minute == minute => {
            full.uncounted += 1;
            let report = (full.uncounted >= REPORT).then(|| std::mem::take(&mut full.uncounted));
            Room::None { report }
        }
        Some(_) => Room::Left {
            uncounted: tenants.remove(tenant).map_or(0, |full| full.uncounted),
        },
        None => Room::Left { uncounted: 0 },
    })
}

/// Remembers that a tenant's minute is full.
pub(super) fn full(tenant: &str, minute: u64) {
    FULL.with_borrow_mut(|tenants| {
        if tenants.len() >= TENANTS_MAX {
            tenants.clear();
        }
        tenants
            .entry(tenant.to_owned())
            .or_insert(Full {
                minute,
                uncounted: 0,
            })
            .minute = minute;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_minute_is_counted_in_memory_and_reported_in_hundreds() {
        assert_eq!(room("a", 1), Room::Left { uncounted: 0 });
        full("a", 1);
        for _ in 1..REPORT {
            assert_eq!(room("a", 1), Room::None { report: None });
        }
        assert_eq!(
            room("a", 1),
            Room::None {
                report: Some(REPORT)
            }
        );
    }

    #[test]
    fn the_next_minute_has_room_and_takes_along_what_was_not_counted() {
        full("b", 1);
        assert_eq!(room("b", 1), Room::None { report: None });
        assert_eq!(room("b", 2), Room::Left { uncounted: 1 });
        assert_eq!(room("b", 2), Room::Left { uncounted: 0 });
    }

    #[test]
    fn tenants_do_not_share_their_room() {
        full("c", 1);
        assert_eq!(room("d", 1), Room::Left { uncounted: 0 });
    }
}
