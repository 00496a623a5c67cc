//! What requests leave to be written, collected by the isolate and written together.
//!
//! D1 has one writer, and a statement costs it the same for one event as for two hundred. So a request that leaves something
//! puts it here. The first one to do so leads: it waits until a pause has passed since the last writing or
//! [`MAX_TOGETHER`] have come, writes all there is, and the next one leads. The pause grows to [`MAX_PAUSE_MS`] while many come, and
//! shrinks to [`MIN_PAUSE_MS`] when few do. Who comes when nothing was written lately is written at once.
//!
//! A fetch that is news ([`news`](super::news)) does not wait: a job may. News have a queue of their own without a pause: one is
//! written at once, and those that come while it is being written are written together after it.
//!
//! Promised is nothing but memory: what an isolate has collected ends with it. A claim and a confirmation are never here.

use std::cell::RefCell;
use std::time::Duration;

use worker::Delay;

use super::answered::{self, Answered};
use crate::app::App;
use crate::platform;
use crate::platform::log::warn;
use crate::store::requests;

/// The longest pause between two writings, in milliseconds: the pause grows to it while many requests come.
const MAX_PAUSE_MS: u64 = 1000;

/// The shortest pause between two writings, in milliseconds: for requests that come one by one.
const MIN_PAUSE_MS: u64 = 60;

/// From how many requests in a list on the pause grows.
const MIN_GROWING: usize = 4;

/// The most requests that are written together: a statement's list has at most about half a megabyte, of the two that D1 takes.
const MAX_TOGETHER: usize = 200;

/// The most bytes in one list of what the events say in words.
const MAX_WORDS: usize = 400_000;

/// More than these are not kept, where D1 does not take them as fast as they come.
const MAX_KEPT: usize = 2000;

/// How often a leader looks whether enough have come.
const LOOK_MS: u64 = 50;

/// The most statements that one leader makes: on the plan that costs nothing D1 takes fifty of a request, whose answer
/// has had some of them.
const MAX_STATEMENTS: usize = 36;

/// After how many milliseconds a leader that has not been heard of is gone with its request.
const GONE_MS: u64 = 30_000;

/// Before what D1 did not take is tried again, the first, the second and the third time.
const PATIENCE: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Which queue a request's leavings are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    /// Nobody waits for it.
    Ordinary,
    /// Somebody may wait for it.
    News,
}

/// What waits in a queue, and when it is written.
struct Backlog {
    waiting: Vec<Answered>,
    /// When whoever leads was last heard of.
    leader: Option<u64>,
    written_at: u64,
    /// How long after a writing the next one begins, and how long it may become.
    pause_ms: u64,
    max_pause_ms: u64,
    /// How many were too many since the last writing.
    dropped: u64,
}

thread_local! {
    static ORDINARY: RefCell<Backlog> = const { RefCell::new(Backlog::new(MIN_PAUSE_MS, MAX_PAUSE_MS)) };
    static NEWS: RefCell<Backlog> = const { RefCell::new(Backlog::new(0, 0)) };
}

impl Queue {
    fn with<R>(self, work: impl FnOnce(&mut Backlog) -> R) -> R {
        match self {
            Self::Ordinary => ORDINARY.with_borrow_mut(work),
            Self::News => NEWS.with_borrow_mut(work),
        }
    }
}

impl Backlog {
    const fn new(pause_ms: u64, max_pause_ms: u64) -> Self {
        Self {
            waiting: Vec::new(),
            leader: None,
            written_at: 0,
            pause_ms,
            max_pause_ms,
            dropped: 0,
        }
    }

    /// Keeps one; whether its request leads.
    fn add(&mut self, one: Answered, now: u64) -> bool {
        if self.waiting.len() < MAX_KEPT {
            self.waiting.push(one);
        } else {
            self.dropped += 1;
        }
        let is_led = self.leader.is_some_and(|at| now < at + GONE_MS);
        if !is_led {
            self.leader = Some(now);
        }
        !is_led
    }

    /// How long to wait yet, in milliseconds; 0: a list is due.
    fn wait_ms(&self, now: u64) -> u64 {
        if self.waiting.len() >= MAX_TOGETHER {
            return 0;
        }
        let due = self.written_at.saturating_add(self.pause_ms);
        due.saturating_sub(now).min(LOOK_MS)
    }

    /// Waits longer the next time if many have come, and shorter if few have.
    fn adapt(&mut self, number: usize) {
        let next = match number {
            0..=1 => self.pause_ms / 2,
            2..MIN_GROWING => self.pause_ms,
            _ => self.pause_ms * 2,
        };
        self.pause_ms = next.max(MIN_PAUSE_MS).min(self.max_pause_ms);
    }

    /// The next list, the oldest first; empty where there is nothing.
    fn take(&mut self, now: u64) -> Vec<Answered> {
        self.leader = Some(now);
        self.written_at = now;
        let mut words = 0;
        let fits = |one: &Answered| {
            words += one.words();
            words <= MAX_WORDS
        };
        let most = self.waiting.iter().take(MAX_TOGETHER);
        // One always goes, whatever it says.
        let number = most.map(fits).take_while(|&fits| fits).count().max(1);
        let number = number.min(self.waiting.len());
        if number > 0 {
            self.adapt(number);
        }
        self.waiting.drain(..number).collect()
    }

    /// Puts back what D1 did not take. It is older than all that came meanwhile.
    fn put_back(&mut self, list: Vec<Answered>) {
        let room = MAX_KEPT.saturating_sub(self.waiting.len());
        self.dropped += list.len().saturating_sub(room) as u64;
        self.waiting.splice(..0, list.into_iter().take(room));
    }

    /// Lets the next one lead; whether something is left for it.
    fn resign(&mut self) -> bool {
        self.leader = None;
        !self.waiting.is_empty()
    }

    /// Leads once more where nobody else has come to write what is left.
    fn stand_in(&mut self, now: u64) -> bool {
        let is_wanted = self.leader.is_none() && !self.waiting.is_empty();
        if is_wanted {
            self.leader = Some(now);
        }
        is_wanted
    }
}

/// Keeps what a request leaves, to be written together with others; where a job may wait for it, at once. Somebody's
/// request lives on until it is written.
pub(super) fn add(app: &App, one: Answered) {
    let queue = match one.is_news() {
        true => Queue::News,
        false => Queue::Ordinary,
    };
    if queue.with(|backlog| backlog.add(one, app.now)) {
        let leader = app.clone();
        app.later(async move { lead(&leader, queue).await });
    }
}

async fn lead(app: &App, queue: Queue) {
    let mut room = MAX_STATEMENTS;
    loop {
        loop {
            let wait = queue.with(|backlog| backlog.wait_ms(platform::now()));
            if wait == 0 {
                break;
            }
            Delay::from(Duration::from_millis(wait)).await;
        }
        while room >= answered::MAX_STATEMENTS {
            let list = queue.with(|backlog| backlog.take(platform::now()));
            if list.is_empty() {
                break;
            }
            room = write(app, queue, list, room).await;
        }
        let is_left = queue.with(Backlog::resign);
        if !is_left || room < answered::MAX_STATEMENTS {
            return;
        }
        // Whoever asks next leads; perhaps nobody does.
        Delay::from(Duration::from_millis(MAX_PAUSE_MS)).await;
        if !queue.with(|backlog| backlog.stand_in(platform::now())) {
            return;
        }
    }
}

/// Writes a list, and tries again where D1 does not take it: how much room for statements is left. What there is no room for
/// waits for whoever leads next.
async fn write(app: &App, queue: Queue, mut list: Vec<Answered>, mut room: usize) -> usize {
    let mut patience = PATIENCE.into_iter();
    while let Err(error) = Answered::write_all(&list, app).await {
        room = room.saturating_sub(requests::MAX_STATEMENTS);
        let number = list.len().to_string();
        let fields = [("number", &*number), ("error", &error.to_string())];
        warn("events_not_written", &fields);
        let Some(wait) = patience.next() else {
            return room;
        };
        // Where too many come meanwhile, the oldest are kept.
        queue.with(|backlog| backlog.put_back(list));
        if room < answered::MAX_STATEMENTS {
            return room;
        }
        Delay::from(wait).await;
        list = queue.with(|backlog| backlog.take(platform::now()));
    }
    let dropped = queue.with(|backlog| std::mem::take(&mut backlog.dropped));
    if dropped > 0 {
        warn("events_dropped", &[("number", &dropped.to_string())]);
    }
    room.saturating_sub(answered::MAX_STATEMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(number: usize, words: usize) -> Answered {
        Answered::for_test(number, words)
    }

    fn backlog() -> Backlog {
        Backlog::new(MIN_PAUSE_MS, MAX_PAUSE_MS)
    }

    fn ids(list: &[Answered]) -> Vec<String> {
        list.iter().map(Answered::id).collect()
    }

    #[test]
    fn the_first_one_leads_and_the_next_when_it_is_done() {
        let mut backlog = backlog();
        assert!(backlog.add(one(0, 0), 1_000));
        assert_eq!(backlog.wait_ms(1_000), 0, "nothing was written lately");
        assert!(!backlog.add(one(1, 0), 1_000));
        assert_eq!(ids(&backlog.take(1_000)), ["0", "1"]);
        assert!(!backlog.add(one(2, 0), 1_001));
        assert_eq!(backlog.wait_ms(1_000 + MIN_PAUSE_MS - 1), 1);
        assert_eq!(backlog.wait_ms(1_000 + MIN_PAUSE_MS), 0);
        assert!(backlog.resign(), "one is left");
        assert!(backlog.add(one(3, 0), 1_002));
        assert!(!backlog.stand_in(1_003), "another one leads");
    }

    #[test]
    fn where_nobody_comes_whoever_led_leads_again_and_one_that_is_gone_is_replaced() {
        let mut backlog = backlog();
        backlog.add(one(0, 0), 1_000);
        assert!(backlog.resign());
        assert!(backlog.stand_in(2_000));
        assert!(!backlog.add(one(1, 0), 2_000 + GONE_MS - 1));
        assert!(backlog.add(one(2, 0), 2_000 + GONE_MS));
        backlog.take(9_000);
        assert!(!backlog.resign());
        assert!(!backlog.stand_in(9_000));
    }

    #[test]
    fn a_list_is_bounded_in_number_and_words() {
        let mut backlog = backlog();
        for number in 0..MAX_TOGETHER + 1 {
            backlog.add(one(number, 0), 1_000);
        }
        assert_eq!(backlog.wait_ms(0), 0);
        assert_eq!(backlog.take(1_000).len(), MAX_TOGETHER);
        assert_eq!(backlog.take(1_000).len(), 1);
        assert!(backlog.take(1_000).is_empty());
        for number in 0..3 {
            backlog.add(one(number, MAX_WORDS), 1_000);
        }
        assert_eq!(backlog.take(1_000).len(), 1);
        assert_eq!(backlog.take(1_000).len(), 1);
    }

    #[test]
    fn the_pause_grows_while_many_come_and_shrinks_when_few_do() {
        let mut backlog = backlog();
        let mut round = |number: usize| {
            for each in 0..number {
                backlog.add(one(each, 0), 1_000);
            }
            backlog.take(1_000);
            backlog.pause_ms
        };
        assert_eq!(round(1), MIN_PAUSE_MS);
        assert_eq!(round(MIN_GROWING), MIN_PAUSE_MS * 2);
        assert_eq!(round(MIN_GROWING - 1), MIN_PAUSE_MS * 2);
        for _ in 0..9 {
            round(MIN_GROWING);
        }
        assert_eq!(round(MIN_GROWING), MAX_PAUSE_MS);
        // A look that finds nothing says nothing.
        assert_eq!(round(0), MAX_PAUSE_MS);
        assert_eq!(round(1), MAX_PAUSE_MS / 2);
    }

    #[test]
    fn news_do_not_wait_however_many_come_and_what_comes_during_a_writing_is_one_list() {
        let mut backlog = Backlog::new(0, 0);
        assert!(backlog.add(one(0, 0), 1_000));
        assert_eq!((backlog.wait_ms(1_000), backlog.take(1_000).len()), (0, 1));
        for number in 1..MIN_GROWING + 2 {
            assert!(!backlog.add(one(number, 0), 1_000));
        }
        assert_eq!(
            (backlog.wait_ms(1_000), backlog.take(1_000).len()),
            (0, MIN_GROWING + 1)
        );
        assert_eq!(backlog.wait_ms(1_000), 0);
    }

    #[test]
    fn what_is_too_much_is_counted_and_what_is_put_back_comes_first() {
        let mut backlog = backlog();
        for number in 0..MAX_KEPT + 3 {
            backlog.add(one(number, 0), 1_000);
        }
        assert_eq!((backlog.waiting.len(), backlog.dropped), (MAX_KEPT, 3));
        let list = backlog.take(1_000);
        backlog.add(one(7_000, 0), 1_000);
        backlog.put_back(list);
        assert_eq!((backlog.waiting.len(), backlog.dropped), (MAX_KEPT, 4));
        assert_eq!(
            ids(&backlog.take(1_000)).first().map(String::as_str),
            Some("0")
        );
    }
}
