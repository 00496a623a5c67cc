//! What the fuzz targets and the smoke test run on any bytes. Not part of the interface.

use crate::{Challenger, Datagram, Response, peek_branch, refuse};

/// Reads a datagram and everything in it.
pub fn datagram(bytes: &[u8]) {
    match Datagram::classify(bytes) {
        Datagram::Response(response) => whole(&response, bytes),
        Datagram::Request(request) => {
            let source = ([192, 0, 2, 1], 5060).into();
            if let Some(answer) = refuse(&request, source, "t") {
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
