#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_sql::Memory;
use serde_json::json;

use super::*;

const MINUTE: u64 = 60_000;
const START: u64 = 1_790_000_000_000;

fn record() -> WebhookRecord<Memory> {
    let record = WebhookRecord::open(Memory::new()).unwrap();
    record.set_meta(BEGINNING, START).unwrap();
    record
}

fn finding(subject: &str) -> Finding {
    Finding {
        subject: subject.into(),
        item: json!({ "mac": subject }),
    }
}

fn compose(record: &WebhookRecord<Memory>, options: &WebhookOptions, now: u64) {
    let mut number = 0;
    record
        .compose("W", options, now, "2026-11-26T06:00:00.000Z", || {
            number += 1;
            format!("{now}{number}")
        })
        .unwrap();
}

fn bodies(record: &WebhookRecord<Memory>) -> Vec<Value> {
    let mut rows = record.list(None, "~", 1_000).unwrap();
    rows.reverse();
    rows.iter()
        .map(|row| serde_json::from_str(&row.body).unwrap())
        .collect()
}

#[test]
fn the_first_is_told_at_once_and_what_comes_within_the_window_with_the_next() {
    let record = record();
    let options = WebhookOptions::default();
    let kind = MessageKind::FileBroken;
    record.found(kind, &[finding("A")]).unwrap();
    compose(&record, &options, START);
    record.found(kind, &[finding("B"), finding("C")]).unwrap();
    record.found(kind, &[finding("C")]).unwrap();
    compose(&record, &options, START + 59 * MINUTE);
    assert_eq!(bodies(&record).len(), 1);
    compose(&record, &options, START + 60 * MINUTE);
    let bodies = bodies(&record);
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["data"]["items"], json!([{ "mac": "A" }]));
    assert_eq!(bodies[1]["data"]["count"], 2);
    assert_eq!(
        bodies[1]["data"]["items"],
        json!([{ "mac": "B" }, { "mac": "C" }])
    );
    compose(&record, &options, START + 600 * MINUTE);
    assert_eq!(record.list(None, "~", 10).unwrap().len(), 2);
}

#[test]
fn a_daily_kind_is_told_once_a_day_however_many_there_are() {
    let record = record();
    let options = WebhookOptions::default();
    let kind = MessageKind::NeverCameBack;
    let mut told = Vec::new();
    for step in 0..3 * 288 {
        let now = START + step * 5 * MINUTE;
        record.found(kind, &[finding(&step.to_string())]).unwrap();
        let before = record.waiting().unwrap();
        compose(&record, &options, now);
        if record.waiting().unwrap() > before {
            told.push(now);
        }
    }
    assert_eq!(told.len(), 3);
    for at in told {
        assert!(at % DAY_MS / MINUTE < 360 + 5 && at % DAY_MS / MINUTE >= 360);
    }
    let bodies = bodies(&record);
    assert_eq!(bodies[1]["data"]["count"], 288);
    assert_eq!(bodies[1]["data"]["items"].as_array().unwrap().len(), 50);
}

#[test]
fn what_goes_on_being_so_is_found_once_until_it_was_not_so() {
    let record = record();
    let options = WebhookOptions {
        window_minutes: 5,
        ..WebhookOptions::default()
    };
    let kind = MessageKind::RelayLost;
    let looks: [&[&str]; 5] = [&["A"], &["A", "B"], &["B"], &["A", "B"], &[]];
    for (at, look) in looks.iter().enumerate() {
        let findings: Vec<Finding> = look.iter().map(|subject| finding(subject)).collect();
        record.is_so(kind, &findings).unwrap();
        compose(&record, &options, START + at as u64 * 5 * MINUTE);
    }
    let told: Vec<Value> = bodies(&record)
        .iter()
        .map(|body| body["data"]["items"].clone())
        .collect();
    let item = |subject: &str| json!([{ "mac": subject }]);
    assert_eq!(told, [item("A"), item("B"), item("A")]);
}

#[test]
fn a_message_is_tried_ten_times_with_growing_pauses_and_then_dead_until_it_is_sent_again() {
    let record = record();
    record.push("M", "file.broken", "{}", START).unwrap();
    let failed = Tried::Failed {
        status: Some(500),
        error: "status",
    };
    let (mut now, mut pauses) = (START, Vec::new());
    while let Some(due) = record.next_due().unwrap() {
        pauses.push(due - now);
        now = due;
        assert!(record.due(now - 1, 10).unwrap().is_empty());
        let message = record.due(now, 10).unwrap().remove(0);
        record.tried(&message, &failed, now, u64::MAX).unwrap();
    }
    assert_eq!(pauses.len(), 10);
    assert!(pauses.is_sorted());
    assert!(now - START < 36 * 3_600_000, "{}", now - START);
    let dead = record.message("M").unwrap().unwrap();
    assert_eq!(
        (&*dead.state, dead.tries, dead.status),
        ("dead", 10, Some(500))
    );
    assert!(record.resend("M", now).unwrap());
    assert!(!record.resend("M", now).unwrap());
    assert!(!record.resend("none", now).unwrap());
    let again = record.due(now, 10).unwrap().remove(0);
    assert_eq!((&*again.id, again.tries, again.ended_at), ("M", 0, None));
    record
        .tried(&again, &Tried::Delivered { status: 204 }, now, 0)
        .unwrap();
    assert_eq!(record.message("M").unwrap().unwrap().state, "delivered");
    assert_eq!(record.next_due().unwrap(), None);
}

#[test]
fn one_that_is_gone_is_not_tried_again() {
    let record = record();
    record.push("M", "file.broken", "{}", START).unwrap();
    let message = record.message("M").unwrap().unwrap();
    record
        .tried(&message, &Tried::Gone { status: 410 }, START, 0)
        .unwrap();
    assert_eq!(record.message("M").unwrap().unwrap().state, "dead");
}

#[test]
fn a_receiver_that_never_answers_fills_no_more_than_its_bounds() {
    let record = record();
    let options = WebhookOptions {
        window_minutes: 5,
        ..WebhookOptions::default()
    };
    let kind = MessageKind::ScanSuspected;
    for step in 0..MAX_WAITING + 5 {
        record.found(kind, &[finding(&step.to_string())]).unwrap();
        compose(&record, &options, START + step * 5 * MINUTE);
    }
    assert_eq!(record.waiting().unwrap(), MAX_WAITING);
    // What came since is not lost: it waits for room.
    let many: Vec<Finding> = (0..MAX_FINDINGS + 10)
        .map(|n| finding(&format!("x{n}")))
        .collect();
    record.found(kind, &many).unwrap();
    let sql = "SELECT count(*) AS n FROM findings";
    assert_eq!(record.number(sql, args![]).unwrap(), Some(MAX_FINDINGS));
    let now = START + 1_000_000 * MINUTE;
    for message in record.due(now, 1_000).unwrap() {
        record
            .tried(&message, &Tried::Gone { status: 410 }, now, 0)
            .unwrap();
    }
    compose(&record, &options, now);
    let message = record.due(now, 10).unwrap().remove(0);
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["data"]["count"], MAX_FINDINGS + 10 + 5);
}

#[test]
fn what_ended_is_forgotten_by_age_and_by_number() {
    let record = record();
    for number in 0..MAX_KEPT + 20 {
        let id = format!("{number:05}");
        record.push(&id, "file.broken", "{}", START).unwrap();
        let message = record.message(&id).unwrap().unwrap();
        record
            .tried(
                &message,
                &Tried::Delivered { status: 200 },
                START + number,
                0,
            )
            .unwrap();
    }
    record.push("waits", "file.broken", "{}", START).unwrap();
    record.prune(START).unwrap();
    assert!(record.message("00019").unwrap().is_none());
    assert!(record.message("00020").unwrap().is_some());
    record.prune(START + KEPT_MS + 2_000).unwrap();
    let left = record.list(None, "~", 1_000).unwrap();
    assert_eq!(
        left.iter().map(|row| &*row.id).collect::<Vec<_>>(),
        ["waits"]
    );
    assert!(record.list(Some("dead"), "~", 10).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the times of looks and the tries of a receiver: everything that is found is told in exactly one message.
    #[test]
    fn everything_that_is_found_is_told_once(
        steps in prop::collection::vec((0..4_u64, 0..90_u64, any::<bool>()), 1..16),
        window in 5..120_u32,
    ) {
        let record = record();
        let options = WebhookOptions { window_minutes: window, daily: Vec::new(), ..WebhookOptions::default() };
        let (mut now, mut found) = (START, 0);
        for (new, minutes, works) in steps {
            now += minutes * MINUTE + 1;
            for _ in 0..new {
                record.found(MessageKind::FileBroken, &[finding(&format!("f{found}"))]).unwrap();
                found += 1;
            }
            compose(&record, &options, now);
            for message in record.due(now, 10).unwrap() {
                let tried = if works { Tried::Delivered { status: 200 } } else { Tried::Failed { status: None, error: "timeout" } };
                record.tried(&message, &tried, now, now).unwrap();
            }
        }
        compose(&record, &options, now + 1_000 * MINUTE);
        let mut told: Vec<String> = bodies(&record).iter()
            .flat_map(|body| body["data"]["items"].as_array().unwrap().clone())
            .map(|item| item["mac"].as_str().unwrap().to_owned())
            .collect();
        told.sort();
        let mut wanted: Vec<String> = (0..found).map(|n| format!("f{n}")).collect();
        wanted.sort();
        prop_assert_eq!(told, wanted);
    }
}
