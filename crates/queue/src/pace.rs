//! How many NOTIFYs may go out now: the generic cell rate algorithm, for a rollout as a whole and for
//! each destination network.
//!
//! A pace is one number: the time at which the next one would be due if every one so far had been
//! exactly on time. It is kept in microseconds, because at 500 a second a millisecond is half a turn;
//! Unix microseconds stay below 2^53 until the year 2255.

use std::net::{IpAddr, SocketAddr};

/// How far a late tick may catch up, in microseconds: the long-run rate stays at the pace although
/// alarms and D1 are late now and then, and nothing is made up for that was missed long ago.
pub const CATCH_UP_US: u64 = 500_000;

/// The distance of two at `per_second`, in microseconds. `per_second` is at least 0.001.
pub fn interval_us(per_second: f64) -> u64 {
    (1e6 / per_second.max(0.001)) as u64
}

/// The distance of a network's turns, in microseconds, so that no second holds more than `per_second`
/// although rounds come late, and what came late catches up for [`network_tolerance_us`]: a second may
/// hold the turns of its own 1,000 ms and of that tolerance.
pub fn network_interval_us(per_second: f64, late_ms: u64) -> u64 {
    interval_us(per_second) * (1_000 + 2 * late_ms) / 1_000
}

/// How far a network may be ahead of its turns, in microseconds: counted are the times at which jobs
/// were handed out, so the bound holds however long a round waits for D1.
pub fn network_tolerance_us(late_ms: u64) -> u64 {
    2 * late_ms * 1_000
}

/// How many may go out at `now_us`, where `due_us` is the time of the next one.
pub fn credit(due_us: u64, now_us: u64, interval_us: u64) -> u64 {
    let from = due_us.max(now_us.saturating_sub(CATCH_UP_US));
    if from > now_us {
        return 0;
    }
    (now_us - from) / interval_us.max(1) + 1
}

/// The time of the next one after `taken` went out at `now_us`.
pub fn take(due_us: u64, now_us: u64, interval_us: u64, taken: u64) -> u64 {
    due_us
        .max(now_us.saturating_sub(CATCH_UP_US))
        .saturating_add(interval_us.saturating_mul(taken))
}

/// The network that a destination is counted with: an address's prefix (`198.51.100.0/24`), or a
/// name in lower case. Empty text has none.
///
/// `destination` is an address, with or without port, or the name of a host.
pub fn network_of(destination: &str, v4_bits: u8, v6_bits: u8) -> String {
    let address = destination
        .parse::<IpAddr>()
        .or_else(|_| destination.parse::<SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| destination.trim_matches(['[', ']']).parse::<IpAddr>());
    match address.map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let bits = v4_bits.min(32);
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            format!(
                "{}/{bits}",
                std::net::Ipv4Addr::from_bits(address.to_bits() & mask)
            )
        }
        Ok(IpAddr::V6(address)) => {
            let bits = v6_bits.min(128);
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            format!(
                "{}/{bits}",
                std::net::Ipv6Addr::from_bits(address.to_bits() & mask)
            )
        }
        Err(_) => destination.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_ticks_catch_up_and_long_ones_do_not() {
        let interval = interval_us(500.0);
        let start = 1_000_000_000;
        let mut due = start;
        let mut sent = 0;
        // Ticks of uneven length over ten seconds.
        let mut now = start;
        for step in [70_000, 130_000, 100_000, 220_000, 80_000].iter().cycle() {
            if now >= start + 10_000_000 {
                break;
            }
            let credit = credit(due, now, interval);
            due = take(due, now, interval, credit);
            sent += credit;
            now += step;
        }
        assert!(
            (4_900..=5_000).contains(&sent),
            "{sent} in ten seconds at 500/s"
        );
        // An hour's sleep earns half a second's worth.
        assert_eq!(credit(due, now + 3_600_000_000, interval), 251);
    }

    #[test]
    fn a_slow_pace_lets_one_through_and_then_waits() {
        let interval = interval_us(0.5);
        assert_eq!(credit(1_000, 1_000, interval), 1);
        let due = take(1_000, 1_000, interval, 1);
        assert_eq!(credit(due, 1_500_000, interval), 0);
        assert_eq!(credit(due, 2_001_000, interval), 1);
    }

    #[test]
    fn destinations_fall_into_networks() {
        let network = |text| network_of(text, 24, 48);
        assert_eq!(network("198.51.100.7:5060"), "198.51.100.0/24");
        assert_eq!(network("198.51.100.200"), "198.51.100.0/24");
        assert_eq!(network("[2001:db8:1:2::7]:5060"), "2001:db8:1::/48");
        assert_eq!(network("[2001:db8:1:3::7]"), "2001:db8:1::/48");
        assert_eq!(network("::ffff:198.51.100.7"), "198.51.100.0/24");
        assert_eq!(network("PBX.example"), "pbx.example");
        assert_eq!(network_of("198.51.100.7", 0, 0), "0.0.0.0/0");
        assert_eq!(network_of("198.51.100.7", 32, 0), "198.51.100.7/32");
    }
}
