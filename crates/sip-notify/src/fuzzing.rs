//! What the fuzz targets and the smoke test run on any bytes. Not part of the interface.

use crate::{
    Challenger, Datagram, EventType, Frame, Framer, HeaderName, HeaderValue, MAX_HEAD,
    MAX_STREAM_BODY, Response, SipUri, StreamError, branches, peek_branch, refuse,
};

/// Reads a datagram and everything in it.
pub fn datagram(bytes: &[u8]) {
    assert!(branches(bytes).all(|branch| branch.len() <= bytes.len()));
    match Datagram::classify(bytes) {
        Datagram::Response(response) => whole(&response, bytes),
        Datagram::Request(request) => {
            let source = ([192, 0, 2, 1], 5060).into();
            if let Some(answer) = refuse(&request, Some(source), "t") {
                // What we answer must itself be a response.
                assert!(
                    Response::parse(&answer).is_ok(),
                    "{}",
                    answer.escape_ascii()
                );
            }
        }
        Datagram::KeepAlive | Datagram::Garbage(_) => {}
    }
}

fn whole(response: &Response<'_>, bytes: &[u8]) {
    assert!((100..700).contains(&response.status()));
    assert!(response.body().len() <= bytes.len());
    assert_eq!(response.branch(), peek_branch(bytes));
    let _ = response.reason();
    for challenger in [Challenger::Origin, Challenger::Proxy] {
        for challenge in response.challenges(challenger).into_iter().flatten() {
            assert!(!challenge.realm.contains(['\r', '\n']));
            assert!(!challenge.nonce.contains(['\r', '\n']));
        }
    }
}

/// Reads a text as each thing that a setting may hold. What is taken reads the same again and keeps
/// to its line.
pub fn setting(text: &str) {
    if let Ok(uri) = SipUri::parse(text) {
        let again = SipUri::parse(uri.as_str());
        assert!(again.is_ok_and(|again| again == uri), "{uri}");
        assert!(uri.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!uri.as_str().contains(['<', '>', '"']));
    }
    if let Ok(uri) = SipUri::parse_pasted(text) {
        assert!(
            SipUri::parse(uri.as_str()).is_ok_and(|again| again == uri),
            "{uri}"
        );
    }
    if let Ok(event) = EventType::parse(text) {
        assert!(!event.as_str().contains(['\r', '\n', '\0']));
        assert_eq!(EventType::parse(event.as_str()), Ok(event));
    }
    if let Ok(value) = HeaderValue::parse(text) {
        assert!(!value.as_str().contains(['\r', '\n', '\0']));
        assert_eq!(HeaderValue::parse(value.as_str()), Ok(value));
    }
    if let Ok(name) = HeaderName::parse(text) {
        assert_eq!(HeaderName::parse(name.as_str()), Ok(name));
    }
}

/// Takes a stream apart, in pieces of each of these lengths: the same comes out of it, whatever the pieces are. How
/// many frames that is.
pub fn stream(bytes: &[u8], pieces: &[usize]) -> usize {
    let whole = frames(bytes.chunks(bytes.len().max(1)));
    for length in pieces {
        assert_eq!(frames(bytes.chunks((*length).max(1))), whole, "{length}");
    }
    whole.0.len()
}

/// What comes out of a stream, and how it ends. A ping is empty.
fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Result<bool, StreamError>) {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.poll() {
                Ok(Some(Frame::Ping)) => found.push(Vec::new()),
                Ok(Some(Frame::Message(message))) => {
                    assert!(message.len() <= MAX_HEAD + MAX_STREAM_BODY);
                    datagram(message);
                    found.push(message.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (found, Err(error)),
            }
        }
    }
    (found, Ok(framer.is_between_messages()))
}
