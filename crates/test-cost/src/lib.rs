//! What a piece of work costs in memory and in time, for tests alone.
//!
//! Memory is exact: a test that installs [`Counting`] as its `#[global_allocator]` counts the bytes that
//! its own thread asks for. Time is what the kernel says that the thread was at work, not a clock's: a busy
//! machine adds little to it, and [`assert_linear`] takes the quickest of several runs.
#![deny(missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What the time may have beside the work: for pages that the system gives, and for caches that other programs
/// emptied. What is quadratic takes many times as long at the sizes that tests use.
const SLACK: Duration = Duration::from_millis(80);

/// How often the time is taken again before it is believed.
const PATIENCE: usize = 12;

/// The bytes that this thread has asked the allocator for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// In use now. Below zero if the thread frees what another one took.
    pub now: i64,
    /// The most that was in use at a time since [`Memory::restart`].
    pub most: i64,
    /// All that was ever asked for.
    pub all: u64,
}

thread_local! {
    static MEMORY: Cell<Memory> = const { Cell::new(Memory { now: 0, most: 0, all: 0 }) };
}

impl Memory {
    /// The count as it is.
    pub fn count() -> Self {
        MEMORY.get()
    }

    /// Begins anew: nothing was asked for so far.
    pub fn restart() {
        MEMORY.set(Self::default());
    }
}

/// The system's allocator, which counts for each thread.
pub struct Counting;

fn count(taken: usize, given: usize) {
    // A thread that ends may still free memory when its counter is gone.
    let _ = MEMORY.try_with(|cell| {
        let mut memory = cell.get();
        memory.now += i64::try_from(taken).unwrap_or(i64::MAX) - i64::try_from(given).unwrap_or(0);
        memory.most = memory.most.max(memory.now);
        memory.all += taken as u64;
        cell.set(memory);
    });
}

// SAFETY: every call goes on to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(place, layout, size) }
    }
}

/// For how long this thread was at work.
fn at_work() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

/// The bytes that `work` asked for (0 without [`Counting`]), and for how long this thread was at it.
fn cost(work: impl Fn()) -> (u64, Duration) {
    let (asked, begun) = (Memory::count().all, at_work());
    work();
    (Memory::count().all - asked, at_work().saturating_sub(begun))
}

/// Holds `work` on four times as many bytes to about four times the cost. `what` names the case.
///
/// # Panics
/// The cost grows by far more than the work: quadratic time would be sixteen times as much.
pub fn assert_linear(what: &str, bytes: usize, work: impl Fn(usize)) {
    let (asked, mut time) = cost(|| work(bytes));
    let (asked_4, mut time_4) = cost(|| work(4 * bytes));
    assert!(
        asked_4 <= 5 * asked + 400_000,
        "{what}: {asked} bytes asked for, then {asked_4}"
    );
    let mut left = PATIENCE;
    while time_4 > 8 * time + SLACK {
        assert!(left > 0, "{what}: {time:?}, then {time_4:?}");
        left -= 1;
        time = time.min(cost(|| work(bytes)).1);
        time_4 = time_4.min(cost(|| work(4 * bytes)).1);
    }
}

/// What is repeated to make readers of files, templates and names work for nothing. Each is half of
/// something, or begins something, or makes a reader look for an end.
pub const PIECES: [&str; 43] = [
    "{",
    "}",
    "{{",
    "{%",
    "{#",
    "{{a",
    "<",
    ">",
    "</",
    "<!--",
    "<![CDATA[",
    "<?",
    "<?xml ",
    "<!",
    "&",
    "&#",
    "&a;",
    "\"",
    "'",
    "=",
    "\\",
    "@",
    "%",
    "%2",
    "/",
    ".",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "ü",
    "\u{201c}",
    "A",
    ":",
    "a=\"",
    "A=\"\r\n",
    "<A>",
    "<a ",
    "a0=\"\" ",
    "]]>",
    "{MAC/x",
];

/// `piece`, over and over, about that many bytes of it.
pub fn repeated(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn what_grows_with_its_size_passes() {
        assert_linear("a copy", 100_000, |bytes| {
            std::hint::black_box(vec![1_u8; bytes].clone());
        });
    }

    #[test]
    #[should_panic(expected = "bytes asked for")]
    fn what_takes_quadratic_memory_is_found() {
        assert_linear("all prefixes", 2_000, |bytes| {
            for length in 0..bytes {
                std::hint::black_box(vec![0_u8; length]);
            }
        });
    }

    #[test]
    #[should_panic(expected = "pairs")]
    fn what_takes_quadratic_time_is_found() {
        assert_linear("pairs", 1_500, |bytes| {
            for one in 0..bytes {
                for other in 0..bytes {
                    std::hint::black_box(one ^ other);
                }
            }
        });
    }

    #[test]
    fn memory_is_counted_for_the_thread_that_asks() {
        Memory::restart();
        let kept = std::hint::black_box(vec![0_u8; 10_000]);
        drop(std::hint::black_box(vec![0_u8; 20_000]));
        let memory = Memory::count();
        assert!((10_000..11_000).contains(&memory.now), "{memory:?}");
        assert!((30_000..31_000).contains(&memory.most), "{memory:?}");
        assert!((30_000..31_000).contains(&memory.all), "{memory:?}");
        drop(kept);
    }
}
