//! What an isolate knows about minutes that are full.
//!
//! Memory only spares writes here; the bound itself is D1's, which every isolate shares.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many uncounted events are reported at a time.
const REPORT: u64 = 100;

/// More tenants than this are not remembered; the next event finds out again.
const MAX_TENANTS: usize = 1000;

/// More devices of a full minute than this are not remembered; they are recorded again.
const MAX_DEVICES: usize = 5000;

/// In a full minute a device that takes the same again is recorded again after so long: it may have been
/// told in between, and the job waits to see it come back.
const AGAIN_MS: u64 = 5_000;

#[derive(Debug, Default)]
struct Full {
    minute: u64,
    uncounted: u64,
    /// Devices that were recorded in it, with the version they took: when.
    recorded: BTreeMap<(String, Option<u64>), u64>,
}

thread_local! {
    static FULL: RefCell<BTreeMap<String, Full>> = const { RefCell::new(BTreeMap::new()) };
}

/// Events that were not written, to be counted in their minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uncounted {
    pub(super) minute: u64,
    pub(super) number: u64,
}

/// Whether an event of a tenant may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes; so many of an earlier minute are still to be counted.
    Left { earlier: Option<Uncounted> },
    /// No: it is only counted, and from time to time the count is to be written.
    None { report: Option<Uncounted> },
}

/// Asks for room in a tenant's minute.
pub(super) fn room(tenant: &str, minute: u64) -> Room {
    FULL.with_borrow_mut(|tenants| match tenants.get_mut(tenant) {
        Some(full) if full.minute == minute => {
            full.uncounted += 1;
            let due = full.uncounted >= REPORT;
            Room::None {
                report: due.then(|| full.take()),
            }
        }
        Some(full) if full.minute < minute => {
            let earlier = Some(full.take()).filter(|earlier| earlier.number > 0);
            tenants.remove(tenant);
            Room::Left { earlier }
        }
        // A late writer of an earlier minute: D1 knows whether that had room.
        _ => Room::Left { earlier: None },
    })
}

/// Remembers that a tenant's minute is full.
pub(super) fn full(tenant: &str, minute: u64) {
    FULL.with_borrow_mut(|tenants| {
        if tenants
            .get(tenant)
            .is_some_and(|full| full.minute >= minute)
        {
            return;
        }
        if tenants.len() >= MAX_TENANTS {
            tenants.clear();
        }
        let full = Full {
            minute,
            ..Full::default()
        };
        tenants.insert(tenant.to_owned(), full);
    });
}

/// Whether a device that takes that in a full minute is to be recorded: the first time, and again once
/// that is a while ago. `now` is in Unix milliseconds.
pub(super) fn notable(tenant: &str, now: u64, device: &str, fetched: Option<u64>) -> bool {
    FULL.with_borrow_mut(|tenants| match tenants.get_mut(tenant) {
        Some(full) if full.minute == now / 60_000 && full.recorded.len() < MAX_DEVICES => {
            let recorded = full.recorded.entry((device.to_owned(), fetched));
            let last = recorded.or_default();
            let due = *last == 0 || now >= *last + AGAIN_MS;
            if due {
                *last = now;
            }
            due
        }
        _ => true,
    })
}

impl Full {
    fn take(&mut self) -> Uncounted {
        Uncounted {
            minute: self.minute,
            number: std::mem::take(&mut self.uncounted),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::phone::event::overflow::*;

    #[test]
    fn a_full_minute_is_counted_in_memory_and_reported_in_hundreds() {
        assert_eq!(room("a", 1), Room::Left { earlier: None });
        full("a", 1);
        for _ in 1..REPORT {
            assert_eq!(room("a", 1), Room::None { report: None });
        }
        let report = Some(Uncounted {
            minute: 1,
            number: REPORT,
        });
        assert_eq!(room("a", 1), Room::None { report });
    }

    #[test]
    fn the_next_minute_has_room_and_what_was_not_counted_stays_in_its_own() {
        full("b", 1);
        assert_eq!(room("b", 1), Room::None { report: None });
        let earlier = Some(Uncounted {
            minute: 1,
            number: 1,
        });
        assert_eq!(room("b", 2), Room::Left { earlier });
        assert_eq!(room("b", 2), Room::Left { earlier: None });
    }

    #[test]
    fn tenants_do_not_share_their_room() {
        full("c", 1);
        assert_eq!(room("d", 1), Room::Left { earlier: None });
    }

    #[test]
    fn in_a_full_minute_a_device_is_recorded_once_and_again_for_another_version_or_later() {
        full("e", 1);
        let now = 60_000;
        assert!(notable("e", now, "D", None));
        assert!(!notable("e", now, "D", None));
        assert!(notable("e", now, "D", Some(7)));
        assert!(!notable("e", now + AGAIN_MS - 1, "D", Some(7)));
        assert!(notable("e", now + AGAIN_MS, "D", Some(7)));
        assert!(!notable("e", now + AGAIN_MS, "D", Some(7)));
        full("e", 2);
        assert!(notable("e", 120_000, "D", Some(7)));
    }
}
