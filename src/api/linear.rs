//! What reads a request takes linear time: headers, path, query, cursor and body, with hostile
//! repetitions, N of them and four times as many. Quadratic time would be sixteen times as much; the
//! quickest of several runs counts, so that a busy machine fails nothing.

use ringfence_api::query::RevealQuery;
use ringfence_api::tenancy::settings::SettingsInput;
use ringfence_api::tenancy::tenants::TenantInput;
use ringfence_test_cost::{assert_linear, repeated};

use crate::api::request::etag::IfMatch;
use crate::api::request::page::PageWindow;
use crate::api::request::read;
use crate::api::route::find;
use crate::api::tenancy::certificates::check_pem;
use crate::http::conditional::{if_match, if_range, none_match};
use crate::http::range::part;
use crate::store::search::Needle;

const PIECES: [&str; 30] = [
    "a", "/", "%", "%2", "%41", "?", "&", "=", "a=b&", "reveal=", "+", ",", ", ", "\"", "\"a\",",
    "W/", "W/\"a\",", "*", "-", "0", "0-1,", "bytes=", "{", "[", "{\"a\":", "[[", "\\", "\\u00",
    "\n", "\u{fc}",
];

#[test]
fn headers_paths_queries_and_cursors_are_read_in_linear_time() {
    for piece in PIECES {
        assert_linear(piece, 8_000, |bytes| {
            let text = repeated(piece, bytes);
            let _ = IfMatch::parse(Some(&text));
            if_match(&text, "\"b\"");
            none_match(&text, "\"b\"");
            if_range(Some(&text), "\"b\"");
            part(Some(&text), 1000);
            part(Some(&format!("bytes={text}")), 1000);
            let _ = PageWindow::<2>::new(None, Some(&text));
            let _ = read::query::<RevealQuery>(&text);
            find("GET", &text);
            find("GET", &format!("/api/v1/tenants/{text}"));
            find("GET", &format!("/api/v1/tenants/a/devices/b/files/{text}"));
        });
    }
}

#[test]
fn what_an_operator_looks_for_and_certificates_are_read_in_linear_time() {
    for piece in PIECES {
        assert_linear(piece, 50_000, |bytes| {
            let text = repeated(piece, bytes);
            Needle::parse(&text);
            let begin = "-----BEGIN CERTIFICATE-----\n";
            let end = "-----END CERTIFICATE-----\n";
            let _ = check_pem(&text);
            let _ = check_pem(&format!("{begin}{text}{end}"));
        });
    }
    for piece in [
        "-",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "MIIB",
    ] {
        assert_linear(piece, 50_000, |bytes| {
            let _ = check_pem(&repeated(piece, bytes));
        });
    }
}

#[test]
fn bodies_are_read_in_linear_time() {
    for piece in PIECES {
        for (before, after) in [
            ("", ""),
            ("{\"settings\":{\"", "\":1}}"),
            ("{\"settings\":", "}"),
            ("{\"name\":\"", "\"}"),
            ("{\"name\":\"a\",\"options\":{\"urls\":", "}}"),
        ] {
            assert_linear(&format!("{before:?} {piece:?}"), 50_000, |bytes| {
                let text = format!("{before}{}{after}", repeated(piece, bytes));
                let _ = read::body::<SettingsInput>(text.as_bytes());
                let _ = read::body::<TenantInput>(text.as_bytes());
            });
        }
    }
    // Members that nothing reads, and the same member again and again.
    for member in ["x", "name"] {
        assert_linear(member, 20_000, |bytes| {
            let many: Vec<String> = (0..bytes / 8)
                .map(|at| format!("\"{member}{}\":1", at % 7))
                .collect();
            let _ = read::body::<TenantInput>(format!("{{{}}}", many.join(",")).as_bytes());
        });
    }
}
