//! A setting that says whom to notify is checked in linear time and memory, whatever it repeats.

use ringfence_queue::target::{aor_in, check_setting};
use ringfence_test_cost::{Counting, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_setting_is_checked_in_linear_time() {
    for name in [
        "NOTIFY_LINE",
        "NOTIFY_HEADERS",
        "NOTIFY_BODY",
        "NOTIFY_CONTENT_TYPE",
        "EVENT",
        "NOTIFY_AOR",
        "NOTIFY_AOR_2",
        "NOTIFY_ROUTE",
        "NOTIFY_ADDRESS",
        "NOTIFY_USERNAME",
        "NOTIFY_REALM",
    ] {
        for piece in [
            "a", "1", "@", ":", ";", ",", "<", ">", "\"", "\\", "%", "%41", "&", "?", "=", "[",
            "]", "sip:", "a=b;", ";lr", "X: y\n", "\r\n", " ", "\t", "\u{fc}",
        ] {
            for (before, after) in [("", ""), ("sip:", "@pbx.example"), ("\"a\" <sip:1@b;", ">")] {
                assert_linear(&format!("{name} {before:?} {piece:?}"), 20_000, |bytes| {
                    let value = format!("{before}{}{after}", repeated(piece, bytes));
                    let _ = check_setting(name, &value, &["EVENT"]);
                    aor_in(name, &value);
                });
            }
        }
    }
}
