#![allow(clippy::unwrap_used)]

use super::*;

fn rule(name: &str) -> &'static Rule {
    find(name).unwrap().rule
}

fn saving(name: &str) -> Saving {
    rule(name).saving.unwrap()
}

/// 2026-11-26 00:00 UTC.
const NOW: u64 = 1_795_651_200_000;

#[test]
fn berlin_in_every_form() {
    let berlin = rule("Europe/Berlin");
    assert_eq!(berlin.standard_offset, 3600);
    assert_eq!(berlin.standard_name, Some("CET"));
    assert_eq!((berlin.minutes_east(), berlin.minutes_west()), (60, -60));
    assert_eq!(berlin.hours_east(), "+1");
    assert_eq!(berlin.gmt(), "GMT+01:00");
    assert_eq!(berlin.posix, "CET-1CEST,M3.5.0,M10.5.0/3");
    assert_eq!(berlin.check(NOW), Ok(()));
    let summer = berlin.saving.unwrap();
    assert_eq!((summer.minutes(), summer.name), (60, Some("CEST")));
    assert_eq!(summer.start.slashed().unwrap(), "3/5/7/2");
    assert_eq!(summer.end.slashed().unwrap(), "10/5/7/3");
    assert_eq!(
        summer.in_one_line().unwrap(),
        "start=3/-1/7/2:0:0;end=10/-1/7/3:0:0;save=1:0:0"
    );
    let by_week = ByWeek {
        month: 10,
        week: 5,
        weekday: 0,
        minute: 180,
    };
    assert_eq!(summer.end.by_week(), Ok(by_week));
}

#[test]
fn new_york_changes_on_numbered_sundays() {
    let new_york = rule("America/New_York");
    assert_eq!(
        (new_york.minutes_east(), new_york.minutes_west()),
        (-300, 300)
    );
    assert_eq!(new_york.hours_east(), "-5");
    assert_eq!(new_york.gmt(), "GMT-05:00");
    let summer = new_york.saving.unwrap();
    assert_eq!(summer.start.slashed().unwrap(), "3/2/7/2");
    assert_eq!(summer.end.slashed().unwrap(), "11/1/7/2");
    assert_eq!(
        summer.in_one_line().unwrap(),
        "start=3/8/7/2:0:0;end=11/1/7/2:0:0;save=1:0:0"
    );
}

#[test]
fn offsets_with_minutes_and_without_any() {
    for (name, hours, gmt) in [
        ("Asia/Kolkata", "+5:30", "GMT+05:30"),
        ("Asia/Calcutta", "+5:30", "GMT+05:30"),
        ("America/St_Johns", "-3:30", "GMT-03:30"),
        ("Pacific/Marquesas", "-9:30", "GMT-09:30"),
        ("Asia/Kathmandu", "+5:45", "GMT+05:45"),
        ("Europe/London", "0", "GMT+00:00"),
        ("UTC", "0", "GMT+00:00"),
        ("Etc/GMT+5", "-5", "GMT-05:00"),
        ("Pacific/Kiritimati", "+14", "GMT+14:00"),
    ] {
        assert_eq!(rule(name).hours_east(), hours, "{name}");
        assert_eq!(rule(name).gmt(), gmt, "{name}");
    }
}

#[test]
fn zones_without_summer_time() {
    for (name, posix) in [
        ("America/Phoenix", "MST7"),
        ("America/Sao_Paulo", "<-03>3"),
        ("Asia/Kolkata", "IST-5:30"),
        ("Etc/UTC", "UTC0"),
    ] {
        assert_eq!((rule(name).posix, rule(name).saving), (posix, None));
    }
    assert_eq!(rule("America/Sao_Paulo").standard_name, None);
}

#[test]
fn half_an_hour_two_hours_and_a_quarter_past() {
    let lord_howe = saving("Australia/Lord_Howe");
    assert_eq!(lord_howe.minutes(), 30);
    assert_eq!(
        lord_howe.in_one_line().unwrap(),
        "start=10/1/7/2:0:0;end=4/1/7/2:0:0;save=0:30:0"
    );
    assert_eq!(saving("Antarctica/Troll").minutes(), 120);
    let chatham = saving("Pacific/Chatham");
    assert_eq!(chatham.start.by_week().unwrap().minute, 165);
    assert_eq!(chatham.start.slashed(), Err(ZoneError::Hour(chatham.start)));
    assert_eq!(
        chatham.in_one_line().unwrap(),
        "start=9/-1/7/2:45:0;end=4/1/7/3:45:0;save=1:0:0"
    );
}

#[test]
fn irish_summer_is_ahead_of_its_winter() {
    let dublin = rule("Europe/Dublin");
    assert_eq!(
        (dublin.standard_offset, dublin.saving.unwrap().save),
        (0, 3600)
    );
    assert_eq!(dublin.posix, "GMT0IST,M3.5.0/1,M10.5.0");
    assert_eq!(dublin.saving.unwrap().start.slashed().unwrap(), "3/5/7/1");
}

#[test]
fn days_before_and_after_a_weekday() {
    // The day after the first Saturday is the Sunday on or after the 2nd.
    let santiago = saving("America/Santiago");
    assert_eq!(santiago.end.slashed(), Err(ZoneError::Week(santiago.end)));
    assert_eq!(
        santiago.in_one_line().unwrap(),
        "start=9/2/7/0:0:0;end=4/2/7/0:0:0;save=1:0:0"
    );
    // Saturday at 23:00, before the last Sunday.
    let nuuk = saving("America/Nuuk");
    assert_eq!(nuuk.start.by_week(), Err(ZoneError::Week(nuuk.start)));
    assert_eq!(
        nuuk.in_one_line().unwrap(),
        "start=3/24/6/23:0:0;end=10/-1/7/0:0:0;save=1:0:0"
    );
    // The day after the last Thursday of October may be 1 November.
    let cairo = saving("Africa/Cairo");
    assert_eq!(cairo.in_one_line(), Err(ZoneError::Month(cairo.end)));
    assert_eq!(
        ZoneError::Month(cairo.end).to_string(),
        "the clocks change on the last Thursday of October at 24:00, which is not always in the same \
         month"
    );
}

#[test]
fn days_that_happen_to_have_a_place() {
    // Three days after the fourth Thursday is the last Sunday of a month with 31 days.
    let change = ClockChange {
        month: 3,
        week: 4,
        weekday: 4,
        time: 74 * 3600,
    };
    assert_eq!(change.slashed().unwrap(), "3/5/7/2");
    // The day before the second Sunday is the Saturday from the 7th on; a week before it is the first.
    let earlier = |time| ClockChange {
        month: 5,
        week: 2,
        weekday: 0,
        time,
    };
    assert!(earlier(-3600).slashed().is_err());
    assert_eq!(earlier(-167 * 3600).slashed().unwrap(), "5/1/7/1");
    // February has no day that is seven from its end in every year.
    let february = |time| ClockChange {
        month: 2,
        week: 5,
        weekday: 0,
        time,
    };
    assert_eq!(february(7200).slashed().unwrap(), "2/5/7/2");
    assert!(february(-3600).slashed().is_err());
}

#[test]
fn a_zone_says_from_when_on_it_keeps_to_its_rule() {
    let gaza = rule("Asia/Gaza");
    assert_eq!(gaza.saving.unwrap().start.time, 50 * 3600);
    let error = gaza.check(NOW).unwrap_err();
    assert!(error.to_string().starts_with("until 2086-"), "{error}");
    // Morocco had summer time but in Ramadan, and has had standard time since 20 September 2026.
    let casablanca = rule("Africa/Casablanca");
    assert_eq!((casablanca.standard_offset, casablanca.saving), (0, None));
    assert_eq!(casablanca.check(NOW), Ok(()));
    let before = casablanca.check(casablanca.holds_from - 1).unwrap_err();
    assert!(
        before.to_string().starts_with("until 2026-09-20 01:00"),
        "{before}"
    );
}

#[test]
fn offsets_at_a_moment() {
    for (name, at, offset) in [
        // The second before summer time, and the first of it: 2026-03-29 01:00 UTC.
        ("Europe/Berlin", 1_774_745_999_999, 3600),
        ("Europe/Berlin", 1_774_746_000_000, 7200),
        ("Europe/Berlin", NOW, 3600),
        ("Pacific/Auckland", NOW, 13 * 3600),
        ("Asia/Kolkata", NOW, 19_800),
        ("Europe/Berlin", 0, 3600),
    ] {
        assert_eq!(rule(name).offset_at(at), offset, "{name} at {at}");
    }
    // No moment is too far off.
    assert!(
        ZONES
            .iter()
            .all(|(rule, _)| rule.offset_at(u64::MAX) >= -43_200)
    );
}

#[test]
fn names_that_are_nearly_one() {
    for (text, name) in [
        ("berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("Europe/Kyev", "Europe/Kiev"),
        ("St. John's", "America/St_Johns"),
    ] {
        assert_eq!(find(text), None, "{text}");
        assert_eq!(nearest(text), Some(name), "{text}");
    }
    for text in [
        "",
        "UTC+1",
        "Frankfurt",
        &"Europe/Berlin".repeat(9),
        "\u{0}",
    ] {
        assert_eq!(nearest(text), None, "{text}");
    }
    assert_eq!(find(""), None);
    assert_eq!(find("Europe/Paris Europe/Berlin"), None);
    assert_eq!(find("europe/KIEV").unwrap().name, "Europe/Kiev");
}
