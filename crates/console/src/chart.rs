//! A day of requests as a picture that the server draws.

use crate::data::Event;
use crate::part::{Bar, Chart};
use crate::text::{self, EN, fill};
use crate::time::{self, HOUR_MS};

const HOURS: u64 = 24;
/// The units of the picture: an hour has 30, the tallest bar 100.
const STEP: u64 = 30;
const HEIGHT: u64 = 100;

/// The last 24 hours. `events` are the newest first; `cut`, if there were more of them.
pub fn day(events: &[Event], cut: bool, now: u64) -> Chart {
    let first = (now / HOUR_MS).saturating_sub(HOURS - 1);
    let hours: Vec<(u64, u64)> = (first..first + HOURS)
        .map(|hour| {
            let of_hour = events.iter().filter(|event| event.at / HOUR_MS == hour);
            of_hour.fold((0, 0), |(served, refused), event| match event.is_good() {
                true => (served + 1, refused),
                false => (served, refused + 1),
            })
        })
        .collect();
    let note = match cut {
        true => fill(EN.chart_cut, &[&text::number(events.len() as u64)]),
        false => String::new(),
    };
    drawn(first, &hours, note, now)
}

/// The same of hours that were counted: when each began, what was served in it, and what was refused.
pub fn of_hours(counted: &[(u64, u64, u64)], note: String, now: u64) -> Chart {
    let first = (now / HOUR_MS).saturating_sub(HOURS - 1);
    let hours: Vec<(u64, u64)> = (first..first + HOURS)
        .map(|hour| {
            let found = counted.iter().find(|(at, _, _)| at / HOUR_MS == hour);
            found.map_or((0, 0), |&(_, served, refused)| (served, refused))
        })
        .collect();
    drawn(first, &hours, note, now)
}

fn drawn(first: u64, hours: &[(u64, u64)], note: String, now: u64) -> Chart {
    let tallest = hours.iter().map(|(served, refused)| served + refused).max();
    let tallest = tallest.unwrap_or_default().max(1);
    let bars = hours.iter().zip(0..).map(|(&(served, refused), place)| {
        let height = |number: u64| (number * HEIGHT).div_ceil(tallest).min(HEIGHT);
        let (served_height, both) = (height(served), height(served + refused));
        let refused_height = both.saturating_sub(served_height);
        let hour = time::hour((first + place) * HOUR_MS);
        let numbers = [served, refused].map(text::number);
        let words = |hour: &str| fill(EN.chart_bar, &[hour, &numbers[0], &numbers[1]]);
        Bar {
            label: words(&hour.utc),
            words: words("{}"),
            iso: hour.iso.clone(),
            x: place * STEP + 4,
            served_y: 10 + HEIGHT - served_height,
            served_height,
            refused_y: 10 + HEIGHT - served_height - refused_height,
            refused_height,
        }
    });
    let (served, refused) = hours.iter().fold((0, 0), |(a, b), (served, refused)| {
        (a + served, b + refused)
    });
    Chart {
        title: EN.chart_title.into(),
        label: fill(
            EN.chart_label,
            &[&text::number(served), &text::number(refused)],
        ),
        bars: bars.collect(),
        first: time::hour(first * HOUR_MS),
        last: time::hour(now / HOUR_MS * HOUR_MS),
        served: EN.chart_served.into(),
        refused: EN.chart_refused.into(),
        note,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(at: u64, outcome: &str) -> Event {
        Event {
            at,
            outcome: outcome.into(),
            ..Event::default()
        }
    }

    #[test]
    fn an_hour_is_a_bar_and_the_tallest_fills_the_picture() {
        let now = 1_792_993_265_000;
        let events = [
            event(now, "served"),
            event(now, "refused"),
            event(now - 2 * HOUR_MS, "served"),
        ];
        let chart = day(&events, false, now);
        assert_eq!(chart.bars.len(), 24);
        let last = chart.bars.last().cloned().unwrap_or_default();
        assert_eq!(
            (last.served_height, last.refused_height, last.refused_y),
            (50, 50, 10)
        );
        assert!(
            chart.label.contains("2 served, 1 refused"),
            "{}",
            chart.label
        );
    }

    proptest! {
        #[test]
        fn no_bar_leaves_the_picture(ats in prop::collection::vec((0..200_000_000_u64, any::<bool>()), 0..200)) {
            let events: Vec<_> = ats.iter().map(|(at, good)| event(*at, if *good { "served" } else { "refused" })).collect();
            for bar in day(&events, true, 100_000_000).bars {
                prop_assert!(bar.refused_y >= 10);
                prop_assert_eq!(bar.served_y + bar.served_height, 110);
                prop_assert_eq!(bar.refused_y + bar.refused_height, bar.served_y);
            }
        }
    }
}
