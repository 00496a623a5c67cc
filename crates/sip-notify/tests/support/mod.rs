//! A request to send, randomness that repeats, a phone and a link to it.
#![allow(dead_code, unreachable_pub)]

pub mod link;
pub mod phone;

use std::sync::Arc;

use ringfence_sip_notify::{
    Credentials, EventType, Message, NotifyRequest, NotifySession, Response, SentBy, SipUri, Timers,
};

/// SplitMix64: any seed gives a usable sequence, and the same one each time.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn chance(&mut self, percent: u8) -> bool {
        self.below(100) < percent.into()
    }

    pub fn entropy(&mut self) -> impl FnMut(&mut [u8]) + '_ {
        |bytes: &mut [u8]| bytes.fill_with(|| self.next() as u8)
    }
}

pub fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

pub fn sent_by() -> SentBy {
    "198.51.100.1:5060"
        .parse::<std::net::SocketAddr>()
        .unwrap()
        .into()
}

pub fn request() -> NotifyRequest {
    let target = uri("sip:100@192.0.2.7:5060");
    NotifyRequest::new(
        target,
        uri("sip:prov@pbx.example"),
        sent_by(),
        EventType::parse("check-sync").unwrap(),
    )
    .with_date(1_431_500_584)
}

pub fn message(seed: u64) -> Message {
    request().build(&mut Random(seed).entropy()).unwrap()
}

pub fn credentials() -> Arc<Credentials> {
    Arc::new(Credentials::new("100", "s3cret", None).unwrap())
}

pub fn session(seed: u64) -> NotifySession {
    NotifySession::new(message(seed), None, Timers::default(), 0)
}

pub fn session_with_credentials(seed: u64) -> NotifySession {
    NotifySession::new(message(seed), Some(credentials()), Timers::default(), 0)
}

/// The headers of a request that an answer copies, and more lines.
pub fn answer(request: &[u8], status: &str, more: &[&str]) -> Vec<u8> {
    let mut answer = format!("SIP/2.0 {status}\r\n");
    for line in std::str::from_utf8(request).unwrap().split("\r\n") {
        let name = line.split(':').next().unwrap();
        if ["Via", "From", "Call-ID", "CSeq"].contains(&name) {
            answer += &format!("{line}\r\n");
        } else if name == "To" {
            answer += &format!("{line};tag=phone\r\n");
        }
    }
    for line in more {
        answer += &format!("{line}\r\n");
    }
    (answer + "Content-Length: 0\r\n\r\n").into_bytes()
}

pub fn parse(bytes: &[u8]) -> Response<'_> {
    Response::parse(bytes).unwrap()
}

/// The value of a request's header, which must be there once.
pub fn header<'a>(request: &'a [u8], name: &str) -> &'a str {
    let mut found = headers(request, name);
    assert_eq!(found.len(), 1, "{name} in {}", request.escape_ascii());
    found.remove(0)
}

pub fn headers<'a>(request: &'a [u8], name: &str) -> Vec<&'a str> {
    std::str::from_utf8(request)
        .unwrap()
        .split("\r\n")
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .collect()
}
