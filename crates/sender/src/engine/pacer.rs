//! When the next request may start: a limit for each destination network, and one for all.
//!
//! Requests of one network, or to one proxy, wait in the order they came. The limits are virtual schedules (the
//! generic cell rate algorithm): each network has a time at which its next request is due, which
//! costs no timer and no counter to reset, and spaces requests evenly.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

/// How many requests may start in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    interval_us: u64,
    tolerance_us: u64,
}

impl Rate {
    /// `per_second` requests, evenly spaced as far as a clock of milliseconds and a busy loop can:
    /// up to 20 ms worth of them may start together. 0: no limit.
    pub(super) fn per_second(per_second: u32) -> Self {
        let interval_us = 1_000_000_u64
            .checked_div(u64::from(per_second))
            .unwrap_or(0);
        Self {
            interval_us,
            tolerance_us: 20_000_u64.saturating_sub(interval_us),
        }
    }
}

/// Who shares a limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Line {
    /// The phones of a network, or a proxy at an address.
    Network(IpNet),
    /// A proxy that is known by its name.
    Named(String, u16),
}

/// What shares a limit with `ip`: the address itself for IPv4 (an office behind NAT is one address),
/// its /64 for IPv6, unless configured wider.
pub(super) fn network(ip: IpAddr, prefix_v4: u8, prefix_v6: u8) -> Line {
    let (prefix, longest) = match ip {
        IpAddr::V4(_) => (prefix_v4, 32),
        IpAddr::V6(_) => (prefix_v6, 128),
    };
    let network = IpNet::new(ip, prefix.min(longest));
    Line::Network(network.map_or_else(|_| IpNet::from(ip), |net| net.trunc()))
}

#[derive(Debug)]
struct Queue<T> {
    rate: Rate,
    /// When the next request of this network is due, had none come early.
    due_us: u64,
    waiting: VecDeque<T>,
}

/// Requests that wait for their turn.
#[derive(Debug)]
pub(super) struct Pacer<T> {
    queues: HashMap<Line, Queue<T>>,
    /// Every queue is here exactly once, at the time it wants to be looked at.
    order: BinaryHeap<Reverse<(u64, Line)>>,
    total: Option<Rate>,
    total_due_us: u64,
    waiting: usize,
}

impl<T> Pacer<T> {
    /// `total`: the limit over all networks.
    pub(super) fn new(total: Option<Rate>) -> Self {
        Self {
            queues: HashMap::new(),
            order: BinaryHeap::new(),
            total,
            total_due_us: 0,
            waiting: 0,
        }
    }

    /// Puts `item` at the end of its network's line.
    pub(super) fn push(&mut self, line: Line, rate: Rate, item: T, now: u64) {
        self.waiting += 1;
        let order = &mut self.order;
        let queue = self.queues.entry(line.clone()).or_insert_with(|| {
            order.push(Reverse((now * 1000, line)));
            Queue {
                rate,
                due_us: 0,
                waiting: VecDeque::new(),
            }
        });
        queue.rate = rate;
        queue.waiting.push_back(item);
    }

    /// The next request that may start at `now` (milliseconds). Call until `None`.
    pub(super) fn pop(&mut self, now: u64) -> Option<T> {
        let now_us = now * 1000;
        while let Some(Reverse((at_us, _))) = self.order.peek() {
            if *at_us > now_us || !self.total_allows(now_us) {
                return None;
            }
            let Reverse((_, line)) = self.order.pop()?;
            let Some(queue) = self.queues.get_mut(&line) else {
                continue;
            };
            let item = queue.waiting.pop_front();
            if item.is_none() {
                // An empty queue is kept until its schedule is over, or a network could send its
                // burst again and again by letting its line run dry.
                if queue.due_us <= now_us {
                    self.queues.remove(&line);
                } else {
                    self.order.push(Reverse((queue.due_us, line)));
                }
                continue;
            }
            queue.due_us = queue.due_us.max(now_us) + queue.rate.interval_us;
            let next = queue.due_us.saturating_sub(queue.rate.tolerance_us);
            self.order.push(Reverse((next, line)));
            if let Some(total) = self.total {
                self.total_due_us = self.total_due_us.max(now_us) + total.interval_us;
            }
            self.waiting -= 1;
            return item;
        }
        None
    }

    /// When [`Pacer::pop`] should be called next, in milliseconds; `None` while nobody waits.
    pub(super) fn next(&self) -> Option<u64> {
        if self.waiting == 0 {
            return None;
        }
        let Reverse((queue_us, _)) = self.order.peek()?;
        let total_us = self.total.map_or(0, |total| {
            self.total_due_us.saturating_sub(total.tolerance_us)
        });
        Some((*queue_us).max(total_us).div_ceil(1000))
    }

    /// Takes out everything that waits, in no particular order.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.waiting = 0;
        self.queues
            .values_mut()
            .flat_map(|queue| queue.waiting.drain(..))
            .collect()
    }

    fn total_allows(&self, now_us: u64) -> bool {
        self.total
            .is_none_or(|total| self.total_due_us <= now_us + total.tolerance_us)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn net(last: u8) -> Line {
        network(IpAddr::from([198, 51, 100, last]), 32, 64)
    }

    /// Runs a clock of milliseconds and says when each item started.
    fn play(pacer: &mut Pacer<u32>, until: u64) -> Vec<(u64, u32)> {
        let mut seen = Vec::new();
        for now in 0..until {
            while let Some(item) = pacer.pop(now) {
                seen.push((now, item));
            }
        }
        seen
    }

    #[test]
    fn one_network_is_held_to_its_rate_in_any_second() {
        let mut pacer = Pacer::new(None);
        for n in 0..200 {
            pacer.push(net(1), Rate::per_second(50), n, 0);
        }
        let seen = play(&mut pacer, 10_000);
        assert_eq!(
            seen.iter().map(|s| s.1).collect::<Vec<_>>(),
            (0..200).collect::<Vec<_>>()
        );
        for start in 0..9_000 {
            let count = seen
                .iter()
                .filter(|s| (start..start + 1000).contains(&s.0))
                .count();
            assert!(count <= 51, "{count} in the second from {start}");
        }
        assert!(seen.last().unwrap().0 <= 4_000);
    }

    #[test]
    fn a_slow_network_does_not_hold_up_another() {
        let mut pacer = Pacer::new(None);
        for n in 0..100 {
            pacer.push(net(1), Rate::per_second(1), n, 0);
        }
        pacer.push(net(2), Rate::per_second(1), 1000, 0);
        let seen = play(&mut pacer, 10);
        assert!(seen.contains(&(0, 1000)));
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn all_networks_together_are_held_to_the_total() {
        let mut pacer = Pacer::new(Some(Rate::per_second(500)));
        for n in 0..2000 {
            pacer.push(net((n % 250) as u8), Rate::per_second(1000), n, 0);
        }
        let seen = play(&mut pacer, 1000);
        assert!((490..=512).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn a_fast_rate_is_reached_with_a_clock_of_milliseconds() {
        let mut pacer = Pacer::new(None);
        for n in 0..10_000 {
            pacer.push(net(1), Rate::per_second(8000), n, 0);
        }
        let seen = play(&mut pacer, 1000);
        assert!((7990..=8200).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn a_line_that_runs_dry_does_not_earn_a_new_burst() {
        let mut pacer = Pacer::new(None);
        let mut started = 0;
        for now in 0..1000 {
            pacer.push(net(1), Rate::per_second(10), 0, now);
            while pacer.pop(now).is_some() {
                started += 1;
            }
        }
        assert!(started <= 11, "{started}");
    }

    #[test]
    fn the_next_time_is_one_at_which_something_starts() {
        let mut pacer = Pacer::new(Some(Rate::per_second(100)));
        for n in 0..20 {
            pacer.push(net(1), Rate::per_second(7), n, 0);
        }
        let (mut now, mut count) = (0, 0);
        while let Some(next) = pacer.next() {
            assert!(next >= now);
            now = next;
            let before = count;
            while pacer.pop(now).is_some() {
                count += 1;
            }
            assert!(count > before, "woken for nothing at {now}");
        }
        assert_eq!(count, 20);
    }

    #[test]
    fn idle_networks_are_forgotten() {
        let mut pacer = Pacer::new(None);
        for last in 0..=255 {
            pacer.push(net(last), Rate::per_second(10), 1, 0);
        }
        play(&mut pacer, 300);
        assert_eq!(pacer.queues.len(), 0);
    }

    #[test]
    fn an_office_is_one_network_and_an_ipv6_site_its_64() {
        let of = |text: &str| Line::Network(text.parse().unwrap());
        assert_eq!(net(7), of("198.51.100.7/32"));
        let ip = "2001:db8::1:2:3:4".parse().unwrap();
        assert_eq!(network(ip, 32, 64), of("2001:db8::/64"));
        let ip = [198, 51, 100, 7].into();
        assert_eq!(network(ip, 24, 64), of("198.51.100.0/24"));
    }
}
