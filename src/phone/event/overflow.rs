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

/// After how many milliseconds a device that takes the same again in a full minute is recorded again: it may have
/// been told in between, and the job waits to see it come back.
const AGAIN_MS: u64 = 5_000;

#[derive(Debug, Default)]
struct Minute {
    minute: u64,
    /// How many events this isolate has tried to write: D1 has counted as many at least, or will.
    tried: u64,
    /// Whether D1 said that there is no room.
    is_full: bool,
    uncounted: u64,
    /// Devices that were recorded since it is full, with the version they took: when.
    recorded: BTreeMap<(String, Option<u64>), u64>,
}

thread_local! {
    static MINUTES: RefCell<BTreeMap<String, Minute>> = const { RefCell::new(BTreeMap::new()) };
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
    /// Yes; `earlier` is what is still to be counted of an earlier minute.
    Left { earlier: Option<Uncounted> },
    /// No: it is only counted, and from time to time the count is to be written.
    None { report: Option<Uncounted> },
}

/// Asks for room in a tenant's minute, which has room for `limit`.
pub(super) fn room(tenant: &str, minute: u64, limit: u32) -> Room {
    MINUTES.with_borrow_mut(|tenants| {
        let fresh = Minute {
            minute,
            ..Minute::default()
        };
        let mut earlier = None;
        let known = match tenants.get_mut(tenant) {
            // A late writer of an earlier minute: D1 knows whether that had room.
            Some(known) if known.minute > minute => return Room::Left { earlier: None },
            Some(known) => {
                if known.minute < minute {
                    earlier = Some(known.take()).filter(|earlier| earlier.number > 0);
                    *known = fresh;
                }
                known
            }
            None => {
                if tenants.len() >= MAX_TENANTS {
                    tenants.clear();
                }
                tenants.entry(tenant.to_owned()).or_insert(fresh)
            }
        };
        known.ask(limit, earlier)
    })
}

/// Remembers that a tenant's minute is full.
pub(super) fn full(tenant: &str, minute: u64) {
    MINUTES.with_borrow_mut(|tenants| {
        if let Some(known) = tenants.get_mut(tenant).filter(|it| it.minute == minute) {
            known.is_full = true;
        }
    });
}

/// Whether a device that takes that in a full minute is to be recorded: the first time, and again once
/// that is a while ago. `now` is in Unix milliseconds.
pub(super) fn notable(tenant: &str, now: u64, device: &str, fetched: Option<u64>) -> bool {
    MINUTES.with_borrow_mut(|tenants| match tenants.get_mut(tenant) {
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

impl Minute {
    fn ask(&mut self, limit: u32, earlier: Option<Uncounted>) -> Room {
        if !self.is_full && self.tried < u64::from(limit) {
            self.tried += 1;
            return Room::Left { earlier };
        }
        self.uncounted += 1;
        let due = self.uncounted >= REPORT;
        Room::None {
            report: earlier.or_else(|| due.then(|| self.take())),
        }
    }

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

    const MANY: u32 = 1000;
    const LEFT: Room = Room::Left { earlier: None };
    const NONE: Room = Room::None { report: None };

    #[test]
    fn a_full_minute_is_counted_in_memory_and_reported_in_hundreds() {
        assert_eq!(room("a", 1, MANY), LEFT);
        full("a", 1);
        for _ in 1..REPORT {
            assert_eq!(room("a", 1, MANY), NONE);
        }
        let report = Some(Uncounted {
            minute: 1,
            number: REPORT,
        });
        assert_eq!(room("a", 1, MANY), Room::None { report });
    }

    #[test]
    fn an_isolate_tries_no_more_than_there_is_room_for_before_d1_has_said_anything() {
        assert_eq!(room("f", 1, 2), LEFT);
        assert_eq!(room("f", 1, 2), LEFT);
        assert_eq!(room("f", 1, 2), NONE);
        assert_eq!(room("g", 1, 0), NONE);
    }

    #[test]
    fn the_next_minute_has_room_and_what_was_not_counted_stays_in_its_own() {
        assert_eq!(room("b", 1, 1), LEFT);
        assert_eq!(room("b", 1, 1), NONE);
        let earlier = Some(Uncounted {
            minute: 1,
            number: 1,
        });
        assert_eq!(room("b", 2, 1), Room::Left { earlier });
        assert_eq!(room("b", 2, 1), NONE);
        // Also where the next minute has no room either.
        let report = Some(Uncounted {
            minute: 2,
            number: 1,
        });
        assert_eq!(room("b", 3, 0), Room::None { report });
        assert_eq!(room("b", 2, 1), LEFT, "one that is late");
    }

    #[test]
    fn tenants_do_not_share_their_room() {
        assert_eq!(room("c", 1, 1), LEFT);
        assert_eq!(room("d", 1, 1), LEFT);
    }

    #[test]
    fn in_a_full_minute_a_device_is_recorded_once_and_again_for_another_version_or_later() {
        room("e", 1, 0);
        let now = 60_000;
        assert!(notable("e", now, "D", None));
        assert!(!notable("e", now, "D", None));
        assert!(notable("e", now, "D", Some(7)));
        assert!(!notable("e", now + AGAIN_MS - 1, "D", Some(7)));
        assert!(notable("e", now + AGAIN_MS, "D", Some(7)));
        assert!(!notable("e", now + AGAIN_MS, "D", Some(7)));
        room("e", 2, 0);
        assert!(notable("e", 120_000, "D", Some(7)));
    }
}
