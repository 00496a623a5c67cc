//! Steps, counted by tests: how often something is looked at again, in places where a reader looks
//! ahead, goes back or repeats something. A count is the same on every machine, as a time is not.
//!
//! The calls of [`took`] are compiled for this crate's own tests alone.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Counts `steps` bytes or items that were looked at.
pub(crate) fn took(steps: usize) {
    STEPS.set(STEPS.get().saturating_add(steps));
}

/// How many steps `work` takes.
pub(crate) fn of(work: impl FnOnce()) -> usize {
    STEPS.set(0);
    work();
    STEPS.get()
}
