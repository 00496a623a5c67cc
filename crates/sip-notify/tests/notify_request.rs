//! The request as it goes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use ringfence_sip_notify::{
    EventType, HeaderError, HeaderName, HeaderValue, MAX_REQUEST, MAX_STREAM_REQUEST,
    NotifyRequest, NotifySession, RequestError, SentBy, Timers, Transport,
};
use support::{Random, header, headers, message, request, uri};

fn text(request: &NotifyRequest) -> String {
    let message = request.build(&mut Random(1).entropy()).unwrap();
    String::from_utf8(message.as_bytes().to_vec()).unwrap()
}

fn name(text: &str) -> HeaderName {
    HeaderName::parse(text).unwrap()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::parse(text).unwrap()
}

#[test]
fn a_usual_request() {
    insta::assert_snapshot!(text(&request()).replace('\r', "").trim_end(), @"
    NOTIFY sip:100@192.0.2.7:5060 SIP/2.0
    Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKbh6lzafviwb6aki3droig4nm7x;rport
    Max-Forwards: 70
    From: <sip:prov@pbx.example>;tag=n4xmvby4ghdsby6w
    To: <sip:100@192.0.2.7:5060>
    Date: Wed, 13 May 2015 07:03:04 GMT
    Call-ID: cmtlj3bhvtodt6v5zbxsjrzo4a
    CSeq: 1 NOTIFY
    Contact: <sip:prov@198.51.100.1:5060>
    Event: check-sync
    Subscription-State: terminated
    Content-Length: 0
    ");
}

#[test]
fn every_header_of_the_guides_figure_is_there() {
    let message = message(1);
    let bytes = message.as_bytes();
    assert!(bytes.starts_with(
        b"NOTIFY sip:100@192.0.2.7:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;"
    ));
    assert!(header(bytes, "From").contains("sip:prov@"));
    assert!(header(bytes, "To").contains("sip:100@"));
    assert_eq!(header(bytes, "Date"), "Wed, 13 May 2015 07:03:04 GMT");
    assert!(!header(bytes, "Call-ID").is_empty());
    assert_eq!(header(bytes, "CSeq"), "1 NOTIFY");
    assert_eq!(header(bytes, "Contact"), "<sip:prov@198.51.100.1:5060>");
    assert_eq!(header(bytes, "Event"), "check-sync");
    assert_eq!(header(bytes, "Content-Length"), "0");
    assert!(bytes.ends_with(b"\r\n\r\n"));
}

#[test]
fn what_the_figure_omits_and_the_rfcs_demand_is_there_too() {
    let message = message(1);
    let bytes = message.as_bytes();
    let via = header(bytes, "Via");
    assert!(
        via.contains(";branch=z9hG4bK") && via.ends_with(";rport"),
        "{via}"
    );
    assert!(header(bytes, "From").contains(">;tag="));
    assert!(
        !header(bytes, "To").contains("tag="),
        "out of dialog: the phone gives the tag"
    );
    assert_eq!(header(bytes, "Max-Forwards"), "70");
    assert_eq!(header(bytes, "Subscription-State"), "terminated");
}

#[test]
fn branch_tag_and_call_id_are_new_for_each_request() {
    let mut random = Random(5);
    let one = request().build(&mut random.entropy()).unwrap();
    let other = request().build(&mut random.entropy()).unwrap();
    assert_ne!(one.branch(), other.branch());
    assert_ne!(one.call_id(), other.call_id());
    assert_ne!(
        header(one.as_bytes(), "From"),
        header(other.as_bytes(), "From")
    );
    assert_eq!(one.branch().len(), "z9hG4bK".len() + 26);
}

#[test]
fn ipv6_addresses_are_in_brackets() {
    let sent_by: SentBy = "[2001:db8::1]:5062"
        .parse::<std::net::SocketAddr>()
        .unwrap()
        .into();
    let request = NotifyRequest::new(
        uri("sip:100@[2001:db8::7]"),
        uri("sip:pbx.example"),
        sent_by,
        EventType::parse("check-sync").unwrap(),
    );
    let text = text(&request);
    assert!(text.starts_with(
        "NOTIFY sip:100@[2001:db8::7] SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::1]:5062;branch="
    ));
    assert!(
        text.contains("\r\nContact: <sip:[2001:db8::1]:5062>\r\n"),
        "{text}"
    );
    assert!(!text.contains("Date:"), "no date unless it is given");
}

#[test]
fn an_outbound_proxy_is_a_loose_route() {
    let text = text(&request().with_route(uri("sip:proxy.example:5070")));
    assert!(text.contains("\r\nRoute: <sip:proxy.example:5070;lr>\r\n"));
    assert!(
        text.starts_with("NOTIFY sip:100@192.0.2.7:5060 "),
        "the target stays the phone's"
    );
}

#[test]
fn address_of_record_and_address_may_differ() {
    let text = text(
        &request()
            .with_to(uri("sip:100@pbx.example"))
            .with_contact(uri("sip:relay.example")),
    );
    assert!(text.contains("\r\nTo: <sip:100@pbx.example>\r\n"));
    assert!(text.contains("\r\nContact: <sip:relay.example>\r\n"));
}

#[test]
fn extra_headers_and_a_body_are_sent() {
    let request = request()
        .with_header(name("Accept"), value("a/b"))
        .unwrap()
        .with_header(name("accept"), value("c/d"))
        .unwrap()
        .with_header(name("Subscription-State"), value("active;expires=60"))
        .unwrap()
        .with_body(
            value("application/simple-message-summary"),
            b"one\r\n".to_vec(),
        );
    let text = text(&request);
    assert!(
        text.contains("\r\nAccept: a/b\r\naccept: c/d\r\n"),
        "{text}"
    );
    assert_eq!(
        headers(text.as_bytes(), "Subscription-State"),
        ["active;expires=60"]
    );
    assert!(text.ends_with(
        "\r\nContent-Type: application/simple-message-summary\r\nContent-Length: 5\r\n\r\none\r\n"
    ));
}

#[test]
fn a_header_of_the_requests_own_is_refused_in_either_form() {
    for taken in ["Via", "v", "cseq", "Route", "Authorization", "o", "L"] {
        let error = request().with_header(name(taken), value("x")).unwrap_err();
        assert!(matches!(error, HeaderError::Reserved(_)), "{taken}");
    }
}

#[test]
fn a_header_that_vouches_for_somebody_is_refused() {
    for harmful in ["P-Asserted-Identity", "Call-Info", "y", "Refer-To", "X-A"] {
        let error = request()
            .with_header(name(harmful), value("x"))
            .unwrap_err();
        assert!(matches!(error, HeaderError::NotHarmless(_)), "{harmful}");
    }
}

#[test]
fn a_second_subscription_state_is_refused() {
    let request = request()
        .with_header(name("Subscription-State"), value("active"))
        .unwrap();
    let error = request
        .with_header(name("subscription-state"), value("terminated"))
        .unwrap_err();
    assert!(matches!(error, HeaderError::Twice(_)));
}

#[test]
fn a_request_beyond_the_safe_size_of_a_datagram_is_refused() {
    let with_body = |len| request().with_body(value("text/plain"), vec![b'x'; len]);
    let base = with_body(100)
        .build(&mut Random(1).entropy())
        .unwrap()
        .as_bytes()
        .len()
        - 100;
    let most = MAX_REQUEST - base;
    assert_eq!(
        with_body(most)
            .build(&mut Random(1).entropy())
            .unwrap()
            .as_bytes()
            .len(),
        MAX_REQUEST
    );
    let error = with_body(most + 1)
        .build(&mut Random(1).entropy())
        .unwrap_err();
    assert_eq!(
        error,
        RequestError::TooLarge {
            size: MAX_REQUEST + 1,
            most: MAX_REQUEST,
        }
    );
    let on_a_stream = with_body(most + 1).over(Transport::Tcp);
    assert!(on_a_stream.build(&mut Random(1).entropy()).is_ok());
    let error = with_body(MAX_STREAM_REQUEST)
        .over(Transport::Tls)
        .build(&mut Random(1).entropy());
    assert!(matches!(
        error,
        Err(RequestError::TooLarge {
            most: MAX_STREAM_REQUEST,
            ..
        })
    ));
    assert!(with_body(200_000).build(&mut Random(1).entropy()).is_err());
}

#[test]
fn any_date_can_be_written() {
    for seconds in [0, 253_402_300_799, u64::MAX] {
        assert!(text(&request().with_date(seconds)).contains("\r\nDate: "));
    }
}

/// 50,000 sessions share 64 MB with the relay's own tables.
#[test]
fn a_session_is_small() {
    let session = NotifySession::new(message(1), None, Timers::default(), 0);
    let all = size_of_val(&session) + session.message().as_bytes().len();
    assert!(size_of_val(&session) <= 192, "{}", size_of_val(&session));
    assert!(all <= 640, "{all}");
}

proptest! {
    /// Whatever passes the checks stays on its own line.
    #[test]
    fn no_setting_can_add_a_line(
        header_name in ".{0,20}",
        header_value in "[\\PC\\r\\n\\t\\x00: ]{0,60}",
        event in ".{0,20}",
        target in "sip:.{0,30}",
    ) {
        let before = text(&request()).matches("\r\n").count();
        let mut request = request();
        let mut extra = 0;
        if let (Ok(name), Ok(value)) = (HeaderName::parse(&header_name), HeaderValue::parse(&header_value))
            && let Ok(with) = request.clone().with_header(name, value)
        {
            request = with;
            extra = 1;
        }
        if let Ok(target) = target.parse() {
            request = request.with_to(target);
        }
        let text = text(&request);
        prop_assert_eq!(text.matches("\r\n").count(), before + extra);
        prop_assert_eq!(text.matches('\n').count(), before + extra);
        if let Ok(event) = EventType::parse(&event) {
            prop_assert!(event.as_str().bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}

#[test]
fn a_request_says_what_carries_it() {
    let written = |request: NotifyRequest| {
        let message = request.build(&mut Random(1).entropy()).unwrap();
        String::from_utf8(message.as_bytes().to_vec()).unwrap()
    };
    let tcp = written(request().over(Transport::Tcp));
    assert!(
        tcp.contains("\r\nVia: SIP/2.0/TCP 198.51.100.1:5060;branch="),
        "{tcp}"
    );
    assert!(tcp.contains(";rport\r\n"), "{tcp}");
    assert!(
        tcp.contains("\r\nContact: <sip:prov@198.51.100.1:5060;transport=tcp>\r\n"),
        "{tcp}"
    );
    let tls = written(request().over(Transport::Tls).with_alias());
    assert!(
        tls.contains("\r\nVia: SIP/2.0/TLS 198.51.100.1:5060;branch="),
        "{tls}"
    );
    assert!(tls.contains(";rport;alias\r\n"), "{tls}");
    assert!(tls.contains(";transport=tls>\r\n"), "{tls}");
    // A datagram has no connection that could be used again.
    assert_eq!(written(request().with_alias()), written(request()));
}
