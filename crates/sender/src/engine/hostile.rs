//! What a stolen admin token could queue, and what DNS and strangers could add: nothing of it goes
//! where this relay's configuration does not allow, nor says more than one NOTIFY, nor panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::IpAddr;

use proptest::prelude::*;
use ringfence_wire::PoolFrame;
use serde_json::{Value, json};

use super::tests::{answer, config, engine_with};
use super::*;

/// Addresses in every dress, allowed ones among them.
const HOSTS: [&str; 34] = [
    "198.51.100.7",
    "198.51.100.13",
    "198.51.101.7",
    "203.0.113.9",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "0.0.0.0",
    "0",
    "255.255.255.255",
    "224.0.1.75",
    "169.254.169.254",
    "100.100.100.200",
    "10.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:198.51.100.7]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2001:db8::7]",
    "[2001:db8::7%25eth0]",
    "[fe80::1]",
    "[ff02::1]",
    "[fd00:ec2::254]",
    "localhost",
    "pbx.example",
    "pbx.example.",
    "evil.example",
    "198.51.100.7.evil.example",
    "xn--pbx-0ka.example",
    "metadata.google.internal",
];
const PORTS: [&str; 9] = [
    "", ":5060", ":53", ":0", ":1023", ":1024", ":65535", ":65536", ":-1",
];
/// Pieces that end a line, a URI or a header where they are not stopped.
const PIECES: [&str; 14] = [
    "\r\n",
    "\n",
    "\r",
    "\0",
    "%0d%0a",
    "\u{85}",
    "\u{2028}",
    ";maddr=127.0.0.1",
    ";transport=tcp",
    "?Route=%3Csip:127.0.0.1%3E",
    "@",
    ">",
    ",<sip:a@127.0.0.1>",
    "\r\nRoute: <sip:127.0.0.1;lr>\r\n\r\n",
];

/// Headers that the request decides itself, in full and compact.
const NAMES: [&str; 10] = [
    "Route",
    "route",
    "Via",
    "v",
    "Content-Length",
    "l",
    "t",
    "i",
    "o",
    "Subscription-State",
];

fn host() -> impl Strategy<Value = String> {
    (
        proptest::sample::select(&HOSTS[..]),
        proptest::sample::select(&PORTS[..]),
    )
        .prop_map(|(host, port)| format!("{host}{port}"))
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(String::new()),
        2 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (piece(), host(), piece()).prop_map(|(user, host, tail)| format!("sip:101{user}@{host}{tail}")),
        2 => (host(), piece()).prop_map(|(host, tail)| format!("sip:{host}{tail}")),
        1 => host().prop_map(|host| format!("sips:101@{host}")),
        1 => ".{0,30}",
    ]
}

fn text(good: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(good.to_owned()),
        2 => piece().prop_map(move |piece| format!("{good}{piece}")),
        1 => ".{0,20}",
    ]
}

/// A job as JSON: the frame is decoded as the relay does it.
fn job() -> impl Strategy<Value = Value> {
    use proptest::option::weighted;
    (
        uri(),
        weighted(0.4, prop_oneof![3 => host(), 1 => (host(), piece()).prop_map(|(a, b)| a + &b)]),
        weighted(0.4, uri()),
        text("check-sync"),
        proptest::collection::vec((prop_oneof![2 => text("Subject"), 1 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned)], text("value")), 0..3),
        weighted(0.3, (text("text/plain"), text("body"))),
        weighted(0.3, (text("user"), text("secret"), weighted(0.5, text("realm")))),
    )
        .prop_map(|(aor, address, route, event, headers, body, credentials)| {
            json!({
                "lease": 1,
                "lease_ms": 120_000,
                "target": { "aor": aor, "address": address },
                "route": route,
                "event": event,
                "headers": headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
                "content_type": body.as_ref().map(|body| &body.0),
                "body": body.as_ref().map(|body| &body.1),
                "credentials": credentials.as_ref().map(|(username, password, realm)| json!({ "username": username, "password": password, "realm": realm })),
            })
        })
}

/// What DNS says of any name.
fn services() -> impl Strategy<Value = Vec<Service>> {
    let address = (host(), any::<[u8; 4]>(), any::<u16>()).prop_map(|(host, bytes, port)| {
        host.parse::<SocketAddr>()
            .unwrap_or_else(|_| (IpAddr::from(bytes), port).into())
    });
    let service = (
        0..3_u32,
        any::<u16>(),
        proptest::collection::vec(address, 0..4),
    )
        .prop_map(|(rank, weight, addresses)| Service {
            rank,
            weight,
            addresses,
        });
    proptest::collection::vec(service, 0..3)
}

/// `config()` allows two networks and ports from 1024; said again here in other words.
fn allowed(to: SocketAddr, everything: bool) -> bool {
    let port = to.port() >= 1024;
    let ip = match to.ip().to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            if everything {
                !matches!((a, b), (0 | 127 | 224..=239, _) | (169, 254))
                    && ![[255; 4], [100, 100, 100, 200], [192, 0, 0, 192]].contains(&[a, b, c, d])
            } else {
                (a, b, c) == (198, 51, 100) && d != 13
            }
        }
        IpAddr::V6(ip) => match ip.segments() {
            [0x2001, 0xdb8, ..] => true,
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => false,
            // Loopback and the like in the clothes of NAT64.
            [0x64, 0xff9b, 0, 0, 0, 0, high, _] => everything && high >> 8 != 127,
            [first, ..] => everything && first & 0xffc0 != 0xfe80 && first >> 8 != 0xff,
        },
    };
    port && ip
}

/// One NOTIFY and nothing behind it: its lines, its one body.
fn is_one_notify(message: &str) -> bool {
    let Some((head, body)) = message.split_once("\r\n\r\n") else {
        return false;
    };
    let lines: Vec<&str> = head.split("\r\n").collect();
    let header = |name: &str| {
        let found: Vec<_> = lines
            .iter()
            .filter_map(|line| line.split_once(':'))
            .filter(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect();
        found
    };
    let one = [
        "Via",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Max-Forwards",
        "Event",
        "Contact",
        "Subscription-State",
    ];
    lines[0].starts_with("NOTIFY sip:")
        && lines[0].ends_with(" SIP/2.0")
        && lines[0].matches(' ').count() == 2
        && !head.contains('\0')
        && head.matches(['\r', '\n']).count() == 2 * (lines.len() - 1)
        && one.iter().all(|name| header(name).len() == 1)
        && header("Route").len() <= 1
        && header("Content-Length") == [body.len().to_string().as_str()]
}

/// Plays one job to its end with `found` for whatever it looks up and `status` for an answer; what
/// was sent.
fn play(
    everything: bool,
    proxy: bool,
    domains: &[&str],
    mut job: Value,
    found: &[Service],
    status: &str,
) -> Vec<(SocketAddr, String)> {
    let mut config = config();
    config.sent_by_v6 = Some("[2001:db8::20]:5070".parse::<SocketAddr>().unwrap().into());
    let (allow, deny): (&[&str], &[&str]) = match everything {
        true => (&["0.0.0.0/0", "::/0"], &[]),
        false => (&["198.51.100.0/24", "2001:db8::/32"], &["198.51.100.13/32"]),
    };
    let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
    config.destinations = Destinations::new(
        nets(allow),
        nets(deny),
        1024..=65535,
        domains.iter().map(|name| (*name).to_owned()).collect(),
    );
    if proxy {
        let proxy = ringfence_sip_notify::SipUri::parse("sip:198.51.100.10;lr").unwrap();
        config.outbound_proxy = Some((proxy, Transport::Udp));
    }
    let mut engine = engine_with(config);
    job["id"] = json!("a");
    let frame = json!({ "v": 1, "type": "job", "jobs": [job] }).to_string();
    let Ok(PoolFrame::Job(jobs)) = PoolFrame::decode(&frame) else {
        return Vec::new();
    };
    for job in jobs {
        engine.submit(job, 0);
    }
    let (mut sent, mut ended, mut now) = (Vec::new(), 0, 0);
    loop {
        while let Some(query) = engine.poll_lookup() {
            engine.located(&query, Ok(found.to_vec()), now);
        }
        engine.handle_timeout(now);
        let mut replies = Vec::new();
        while let Some((hop, bytes)) = engine.poll_transmit() {
            let to = hop.address().unwrap();
            let text = String::from_utf8(bytes).unwrap();
            if !status.is_empty() {
                replies.push((to, answer(&text, status, "WWW-Authenticate: Digest realm=\"realm\", nonce=\"n\"\r\nContact: <sip:127.0.0.1>\r\n")));
            }
            sent.push((to, text));
        }
        for (from, bytes) in replies {
            engine.datagram(from, &bytes, now);
        }
        while engine.poll_done().is_some() {
            ended += 1;
        }
        match engine.poll_timeout() {
            Some(at) if !engine.is_empty() => now = at.max(now),
            _ if engine.is_empty() => break,
            _ => {}
        }
    }
    assert_eq!(ended, 1, "a job comes out once");
    sent
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_job_is_sent_where_the_configuration_does_not_allow(
        everything: bool,
        proxy: bool,
        limited: bool,
        job in job(),
        found in services(),
        status in proptest::sample::select(&["", "200 OK", "401 Unauthorized", "503 Busy", "302 Moved", "305 Use Proxy"][..]),
    ) {
        for (to, message) in play(everything, proxy, if limited { &["pbx.example"] } else { &[] }, job.clone(), &found, status) {
            prop_assert!(allowed(to, everything), "to {to}");
            prop_assert!(is_one_notify(&message), "{message}");
            if limited {
                let uri = message.split(' ').nth(1).unwrap_or_default();
                let uri = ringfence_sip_notify::SipUri::parse(uri).unwrap();
                let port = uri.port().unwrap_or(5060);
                let ip = uri.host().ip().is_some_and(|ip| allowed((ip, port).into(), everything));
                prop_assert!(ip || ["pbx.example", "pbx.example."].contains(&uri.host().to_string().as_str()), "for {uri}");
            }
        }
    }
}

/// The property would hold of an engine that never sends.
#[test]
fn a_good_job_among_them_is_sent() {
    let job = json!({ "lease": 1, "lease_ms": 120_000, "target": { "aor": "sip:101@pbx.example" }, "event": "check-sync" });
    let at = |address: &str| {
        [
            Service::at("127.0.0.1:5060".parse().unwrap()),
            Service::at(address.parse().unwrap()),
        ]
    };
    let sent = play(false, false, &[], job, &at("198.51.100.7:5060"), "200 OK");
    assert_eq!(sent.len(), 1);
    assert!(is_one_notify(&sent[0].1));
    assert!(!is_one_notify(
        &sent[0].1.replace("Event:", "X-A: b\r\n\r\nEvent:")
    ));
}
