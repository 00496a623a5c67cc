//! A link with a clock of its own, which loses, delays, doubles and reorders datagrams.

use std::collections::BTreeMap;

use ringfence_sip_notify::{Datagram, NotifyOutcome, NotifySession, Receipt};

use super::Random;
use super::phone::Phone;

/// What the link does, per cent and in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub loss: u8,
    pub duplicates: u8,
    pub delay: u64,
    /// Up to this much more; two datagrams may so change places.
    pub jitter: u64,
}

#[derive(Clone, Copy)]
enum To {
    Phone,
    Session,
}

/// What came of it.
pub struct Run {
    pub outcome: NotifyOutcome,
    pub ended_at: u64,
    /// When each copy went out.
    pub sent_at: Vec<u64>,
    pub provisionals: usize,
    /// Answers that came after the end or were none of the session's.
    pub dropped: usize,
}

/// Runs a session against a phone until nothing is left to happen, and sees to it that there is one
/// outcome, and silence after it.
pub fn run(
    session: &mut NotifySession,
    phone: &mut Phone,
    weather: Weather,
    random: &mut Random,
) -> Run {
    let mut now = 0;
    let mut on_the_way: BTreeMap<(u64, u64), (To, Vec<u8>)> = BTreeMap::new();
    let mut ended: Option<(u64, NotifyOutcome)> = None;
    let mut sent_at = Vec::new();
    let (mut provisionals, mut dropped, mut serial) = (0, 0, 0);
    let mut random_for_session = Random(random.next());

    loop {
        let mut sent = Vec::new();
        while let Some(datagram) = session.poll_transmit() {
            assert!(ended.is_none(), "sent after the end");
            sent_at.push(now);
            sent.push(datagram.to_vec());
        }
        for datagram in sent {
            post(
                &mut on_the_way,
                To::Phone,
                now,
                datagram,
                weather,
                random,
                &mut serial,
            );
        }
        if let Some(outcome) = session.poll_outcome() {
            assert!(ended.is_none(), "a second outcome");
            assert!(session.is_finished());
            ended = Some((now, outcome));
        }

        let timer = session.poll_timeout();
        let arrival = on_the_way.keys().next().map(|(at, _)| *at);
        now = match (timer, arrival) {
            (None, None) => break,
            (timer, arrival) => timer
                .unwrap_or(u64::MAX)
                .min(arrival.unwrap_or(u64::MAX))
                .max(now),
        };
        if timer.is_some_and(|at| at <= now) {
            session.handle_timeout(now);
            continue;
        }
        let (_, (to, datagram)) = on_the_way.pop_first().unwrap();
        match to {
            To::Phone => {
                for (delay, answer) in phone.hear(&datagram) {
                    post(
                        &mut on_the_way,
                        To::Session,
                        now + delay,
                        answer,
                        weather,
                        random,
                        &mut serial,
                    );
                }
            }
            To::Session => {
                let Datagram::Response(response) = Datagram::classify(&datagram) else {
                    panic!("the phone sent {}", datagram.escape_ascii());
                };
                match session.handle_response(&response, now, &mut random_for_session.entropy()) {
                    Receipt::Provisional => provisionals += 1,
                    Receipt::Foreign | Receipt::Unusable | Receipt::Late => dropped += 1,
                    Receipt::Resent | Receipt::Finished => {}
                }
            }
        }
    }
    let (ended_at, outcome) = ended.expect("no outcome");
    Run {
        outcome,
        ended_at,
        sent_at,
        provisionals,
        dropped,
    }
}

fn post(
    on_the_way: &mut BTreeMap<(u64, u64), (To, Vec<u8>)>,
    to: To,
    now: u64,
    datagram: Vec<u8>,
    weather: Weather,
    random: &mut Random,
    serial: &mut u64,
) {
    let copies = 1 + usize::from(random.chance(weather.duplicates));
    for _ in 0..copies {
        if random.chance(weather.loss) {
            continue;
        }
        *serial += 1;
        let at = now + weather.delay + random.below(weather.jitter + 1);
        on_the_way.insert((at, *serial), (to, datagram.clone()));
    }
}
