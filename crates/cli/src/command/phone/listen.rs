//! NOTIFY over UDP: heard, answered, and obeyed by fetching again.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::boot::{Phone, Step};
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::words::plain;

/// The longest datagram.
const MAX_DATAGRAM: usize = 65_535;

/// The most requests that are remembered, so that a copy of one is answered and not obeyed.
const MAX_REMEMBERED: usize = 10_000;

/// Listens until the time is over or the program is ended.
///
/// # Errors
/// The address cannot be had, or nobody answers when it fetches.
pub(super) fn listen(
    output: Output,
    phone: &mut Phone,
    agent: &ureq::Agent,
    address: &str,
    length: Option<u64>,
) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::Usage(format!(
            "--notify {address}: {error}. Name an address of this machine and a port that is free."
        ))
    };
    let socket = UdpSocket::bind(address).map_err(wrong)?;
    let own = socket.local_addr().map_err(wrong)?;
    output.remark(&format!("Listening for NOTIFY at {own}; Ctrl-C ends it."));
    let until = length.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut seen = BTreeSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let left = match until {
            Some(until) => match until.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => Some(left.min(Duration::from_secs(1))),
                _ => return Ok(()),
            },
            None => None,
        };
        socket.set_read_timeout(left).map_err(wrong)?;
        let Ok((count, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let datagram = buffer.get(..count).unwrap_or_default();
        let Some(request) = Request::read(datagram) else {
            continue;
        };
        let is_obeyed = obeys(phone, &request.event);
        let status = if is_obeyed { "200 OK" } else { "489 Bad Event" };
        let _ = socket.send_to(request.answer(status).as_bytes(), from);
        if seen.len() >= MAX_REMEMBERED {
            seen.clear();
        }
        if !seen.insert(request.id.clone()) {
            continue;
        }
        output.remark(&format!(
            "NOTIFY from {from}, event {}: answered {status}",
            plain(&request.event)
        ));
        if is_obeyed {
            let mut say = |step: &Step| match output.format {
                Format::People => output.line(&step.line()),
                _ => output.line(&step.json().to_string()),
            };
            phone.again(agent, &mut say)?;
        }
    }
}

/// Whether the family's phones obey an event: parameters behind a semicolon do not matter.
fn obeys(phone: &Phone, event: &str) -> bool {
    let name = |text: &str| {
        text.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let spec = phone.family.spec();
    let known = std::iter::once(spec.fetch_event).chain(spec.restart_event);
    known.into_iter().any(|it| name(it) == name(event))
}

/// What of a NOTIFY its answer repeats (RFC 3261, section 8.2.6).
struct Request {
    repeated: Vec<String>,
    event: String,
    /// Call-ID and CSeq: a copy has the same.
    id: String,
}

impl Request {
    fn read(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        let head = text.split("\r\n\r\n").next()?;
        let mut lines = head.split("\r\n");
        if !lines.next()?.starts_with("NOTIFY ") {
            return None;
        }
        let mut request = Self {
            repeated: Vec::new(),
            event: String::new(),
            id: String::new(),
        };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            match name.trim().to_ascii_lowercase().as_str() {
                "via" | "v" | "from" | "f" => request.repeated.push(line.to_owned()),
                // A request out of dialog has no tag there, and its answer has one.
                "to" | "t" if !value.contains(";tag=") => {
                    request.repeated.push(format!("{line};tag=ringfence"));
                }
                "to" | "t" => request.repeated.push(line.to_owned()),
                "call-id" | "i" | "cseq" => {
                    request.id += value;
                    request.repeated.push(line.to_owned());
                }
                "event" | "o" => value.trim().clone_into(&mut request.event),
                _ => {}
            }
        }
        (!request.id.is_empty()).then_some(request)
    }

    fn answer(&self, status: &str) -> String {
        let head = self.repeated.join("\r\n");
        format!("SIP/2.0 {status}\r\n{head}\r\nContent-Length: 0\r\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    proptest::proptest! {
        #[test]
        fn whatever_comes_by_udp_is_answered_or_passed_over(bytes: Vec<u8>, head in "NOTIFY [^\\x00]{0,200}") {
            for datagram in [&bytes[..], head.as_bytes()] {
                if let Some(request) = Request::read(datagram) {
                    proptest::prop_assert!(request.answer("200 OK").starts_with("SIP/2.0 200 OK\r\n"));
                }
            }
        }
    }

    #[test]
    fn an_answer_repeats_what_it_must() {
        let notify = "NOTIFY sip:201@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n\
            From: <sip:a@b>;tag=1\r\nTo: <sip:201@b>\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\nEvent: check-sync;reboot=false\r\n\
            Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
        let request = Request::read(notify.as_bytes()).unwrap();
        assert_eq!(request.event, "check-sync;reboot=false");
        assert_eq!(
            request.answer("200 OK"),
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:201@b>;tag=ringfence\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\nContent-Length: 0\r\n\r\n"
        );
        assert!(Request::read(b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n").is_none());
        assert!(Request::read(&[0xff, 0xfe]).is_none());
    }
}
