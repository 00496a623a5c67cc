//! The fuzz targets' functions on a bounded number of inputs: random bytes, and messages with pieces
//! changed, doubled, cut and moved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use ringfence_sip_notify::fuzzing;
use support::{Random, answer, message};

fn seeds() -> Vec<Vec<u8>> {
    let request = message(1).as_bytes().to_vec();
    vec![
        answer(&request, "200 OK", &["Retry-After: 5 (x);duration=1", "Contact: <sip:a@b>"]),
        answer(
            &request,
            "401 Unauthorized",
            &[
                "WWW-Authenticate: Digest realm=\"a\\\"b\", nonce=\"n\", qop=\"auth,auth-int\", stale=true",
                "WWW-Authenticate: Basic realm=\"x\", Digest realm=c, nonce=d, algorithm=SHA-256",
            ],
        ),
        b"SIP/2.0 486\r\nv: SIP / 2.0 / UDP\r\n [2001:db8::1]:5060 ;branch=z9hG4bKx, SIP/2.0/UDP y\r\ni: a\r\nCSeq: 1\r\n NOTIFY\r\nl: 1\r\n\r\nxy".to_vec(),
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bKx,SIP/2.0/TCP g\r\nFrom: \"q;tag=1\" <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n".to_vec(),
        request,
    ]
}

fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    const TOKENS: [&[u8]; 12] = [
        b"\r\n",
        b"\r\n ",
        b":",
        b";",
        b",",
        b"\"",
        b"\\",
        b"<",
        b"=",
        b"\0",
        b"99999999999999999999",
        b"\xff",
    ];
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        match random.below(6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            3 => {
                let token = TOKENS[random.below(TOKENS.len() as u64) as usize];
                bytes.splice(at..at, token.iter().copied());
            }
            4 => {
                let end = (at + random.below(20) as usize).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let other = &others[random.below(others.len() as u64) as usize];
                let from = random.below(other.len() as u64) as usize;
                let to = (from + random.below(60) as usize).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
}

#[test]
fn mutated_messages_are_read_without_panic() {
    let seeds = seeds();
    let mut random = Random(7);
    for seed in &seeds {
        fuzzing::datagram(seed);
        for cut in 0..seed.len() {
            fuzzing::datagram(&seed[..cut]);
        }
    }
    for _ in 0..60_000 {
        let mut bytes = seeds[random.below(seeds.len() as u64) as usize].clone();
        mutate(&mut bytes, &seeds, &mut random);
        fuzzing::datagram(&bytes);
    }
}

/// Messages after each other, with pieces changed; the split never matters.
#[test]
fn mutated_streams_are_taken_apart_in_one_way() {
    let seeds = seeds();
    let mut random = Random(10);
    let mut frames = 0;
    for _ in 0..6_000 {
        let mut stream = Vec::new();
        for _ in 0..=random.below(5) {
            let seed = &seeds[random.below(seeds.len() as u64) as usize];
            stream.extend(b"\r\n".repeat(random.below(4) as usize));
            stream.extend(seed);
        }
        if random.chance(60) {
            mutate(&mut stream, &seeds, &mut random);
        }
        let piece = 1 + random.below(300) as usize;
        frames += fuzzing::stream(&stream, &[1, 3, piece]);
    }
    assert!(frames > 6_000, "{frames}");
}

#[test]
fn random_bytes_are_read_without_panic() {
    let mut random = Random(8);
    for _ in 0..10_000 {
        let mut bytes = vec![0; random.below(200) as usize];
        bytes.fill_with(|| random.next() as u8);
        fuzzing::datagram(&bytes);
        let mut message = b"SIP/2.0 200 \r\n".to_vec();
        message.extend(bytes);
        fuzzing::datagram(&message);
    }
}

#[test]
fn settings_read_the_same_again() {
    let seeds: Vec<Vec<u8>> = [
        "sip:+49;x=y@PBX.example.:5070;transport=UDP;lr",
        "sip:a%20b@[2001:DB8:0::7]:5062;user=phone",
        "check-sync;reboot=true",
        "x-Reason",
        " a value\twith \"quotes\" ",
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .into();
    let mut random = Random(9);
    for _ in 0..60_000 {
        let mut bytes = seeds[random.below(seeds.len() as u64) as usize].clone();
        if !random.chance(5) {
            mutate(&mut bytes, &seeds, &mut random);
        }
        fuzzing::setting(&String::from_utf8_lossy(&bytes));
    }
}
