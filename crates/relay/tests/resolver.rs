//! RFC 3263 look-ups against a name server on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use ringfence_relay::config::Dns;
use ringfence_relay::resolver::{Resolver, addresses};
use ringfence_sender::locate::{LookupError, Query, Service};
use ringfence_sip_notify::SipUri;
use tokio::net::UdpSocket;

fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

fn a(last: u8) -> RData {
    RData::A(A(Ipv4Addr::new(198, 51, 100, last)))
}

fn aaaa(last: u16) -> RData {
    RData::AAAA(AAAA(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)))
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, name(target)))
}

fn naptr(order: u16, service: &str, replacement: &str) -> RData {
    let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    RData::NAPTR(NAPTR::new(
        order,
        50,
        bytes("s"),
        bytes(service),
        bytes(""),
        name(replacement),
    ))
}

/// A zone for every way that a domain may name its proxies.
fn zone() -> Vec<(&'static str, RData)> {
    vec![
        ("one.example.", a(1)),
        ("two.example.", a(2)),
        ("two.example.", aaaa(2)),
        // Everything.
        (
            "naptr.example.",
            naptr(20, "SIP+D2U", "_sip._udp.second.example."),
        ),
        (
            "naptr.example.",
            naptr(10, "SIP+D2U", "_sip._udp.first.example."),
        ),
        (
            "naptr.example.",
            naptr(1, "SIP+D2T", "_sip._tcp.first.example."),
        ),
        (
            "_sip._udp.first.example.",
            srv(10, 60, 5070, "one.example."),
        ),
        ("_sip._udp.first.example.", srv(20, 0, 5071, "two.example.")),
        ("_sip._udp.second.example.", srv(1, 0, 5080, "two.example.")),
        // SRV only; one target is broken.
        (
            "_sip._udp.srv.example.",
            srv(1, 10, 5090, "nothing.example."),
        ),
        ("_sip._udp.srv.example.", srv(2, 10, 5090, "one.example.")),
        // No SIP over UDP, decidedly.
        ("_sip._udp.none.example.", srv(0, 0, 0, ".")),
        ("none.example.", a(9)),
    ]
}

async fn serve(socket: UdpSocket) {
    let zone = zone();
    let mut buffer = [0; 1500];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let asked = Message::from_vec(&buffer[..length]).unwrap();
        let question = asked.queries[0].clone();
        let mut answer = asked.clone();
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.recursion_available = true;
        for (owner, data) in &zone {
            if name(owner) == *question.name() && data.record_type() == question.query_type() {
                answer.add_answer(Record::from_rdata(name(owner), 60, data.clone()));
            }
        }
        if question.name().to_utf8().starts_with("broken.") {
            answer.metadata.response_code = ResponseCode::ServFail;
        } else if answer.answers.is_empty() {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        socket
            .send_to(&answer.to_vec().unwrap(), from)
            .await
            .unwrap();
    }
}

async fn locate(uri: &str, v4: bool, v6: bool) -> Result<Vec<Service>, LookupError> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    let task = tokio::spawn(serve(socket));
    let dns = Dns {
        servers: vec![server.ip()],
        port: server.port(),
        timeout_ms: 1000,
    };
    let found = Resolver::new(&dns, v4, v6)
        .locate(&Query::of(&SipUri::parse(uri).unwrap()))
        .await;
    task.abort();
    found
}

fn service(rank: u32, weight: u16, addresses: &[&str]) -> Service {
    let mut addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
    addresses.sort();
    Service {
        rank,
        weight,
        addresses,
    }
}

fn sorted(found: Result<Vec<Service>, LookupError>) -> Vec<Service> {
    let mut services = found.unwrap();
    services.sort_by_key(|service| service.rank);
    for service in &mut services {
        service.addresses.sort();
    }
    services
}

#[tokio::test]
async fn naptr_leads_to_srv_leads_to_addresses_in_order() {
    assert_eq!(
        sorted(locate("sip:101@naptr.example", true, false).await),
        [
            service(10, 60, &["198.51.100.1:5070"]),
            service(20, 0, &["198.51.100.2:5071"]),
            service((1 << 16) + 1, 0, &["198.51.100.2:5080"]),
        ]
    );
}

#[tokio::test]
async fn without_naptr_srv_is_asked_and_a_broken_target_is_passed_over() {
    assert_eq!(
        sorted(locate("sip:101@srv.example", true, false).await),
        [service(2, 10, &["198.51.100.1:5090"])]
    );
}

#[tokio::test]
async fn without_srv_the_host_itself_is_asked_in_the_families_there_are() {
    let both = sorted(locate("sip:101@two.example", true, true).await);
    assert_eq!(
        both,
        [service(0, 0, &["198.51.100.2:5060", "[2001:db8::2]:5060"])]
    );
    let six = sorted(locate("sip:101@two.example", false, true).await);
    assert_eq!(six, [service(0, 0, &["[2001:db8::2]:5060"])]);
}

#[tokio::test]
async fn a_port_in_the_uri_decides_against_srv() {
    let found = locate("sip:101@none.example:5062", true, false).await;
    assert_eq!(sorted(found), [service(0, 0, &["198.51.100.9:5062"])]);
}

#[tokio::test]
async fn a_domain_without_sip_over_udp_is_taken_at_its_word() {
    let found = locate("sip:101@none.example", true, false).await;
    assert!(matches!(found, Err(LookupError::NotFound(_))), "{found:?}");
}

#[tokio::test]
async fn there_is_none_and_nobody_knows_are_told_apart() {
    let found = locate("sip:101@nowhere.example", true, false).await;
    assert!(matches!(found, Err(LookupError::NotFound(_))), "{found:?}");
    let found = locate("sip:101@broken.example", true, false).await;
    assert!(matches!(found, Err(LookupError::NoAnswer(_))), "{found:?}");
}

/// As RFC 6761 has it: no name server is asked.
#[tokio::test]
async fn the_pools_host_may_be_this_one_and_ipv4_is_tried_first() {
    let dns = Dns {
        servers: vec![Ipv4Addr::LOCALHOST.into()],
        ..Dns::default()
    };
    let found = addresses("localhost", 8787, &dns).await.unwrap();
    assert_eq!(found[0], "127.0.0.1:8787".parse::<SocketAddr>().unwrap());
}

#[tokio::test]
async fn an_address_needs_no_name_server() {
    // Nobody listens there.
    let dns = Dns {
        servers: vec![Ipv4Addr::LOCALHOST.into()],
        port: 9,
        timeout_ms: 100,
    };
    let query = Query::of(&SipUri::parse("sip:101@198.51.100.7").unwrap());
    let found = Resolver::new(&dns, true, false).locate(&query).await;
    assert_eq!(found, Ok(vec![service(0, 0, &["198.51.100.7:5060"])]));
}
