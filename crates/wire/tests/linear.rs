//! A frame is decoded in linear time and memory, whatever it repeats.

use ringfence_test_cost::{Counting, assert_linear, repeated};
use ringfence_wire::{Destinations, MAX_FRAME_BYTES, PoolFrame, RelayFrame};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_frame_is_decoded_in_linear_time() {
    for piece in [
        "{",
        "[",
        "\"",
        "\\",
        "{\"a\":",
        "[[",
        ",",
        "1",
        " ",
        "\n",
        "{\"id\":\"a\"},",
        "\u{fc}",
    ] {
        for (before, after) in [
            ("", ""),
            ("{\"v\":1,\"type\":\"", "\"}"),
            ("{\"v\":1,\"type\":\"job\",\"jobs\":[", "]}"),
            ("{\"v\":1,\"type\":\"result\",\"results\":[", "]}"),
            ("{\"v\":1,\"type\":\"error\",\"message\":\"", "\"}"),
        ] {
            assert_linear(&format!("{before} {piece}"), MAX_FRAME_BYTES / 5, |bytes| {
                let text = format!("{before}{}{after}", repeated(piece, bytes));
                let _ = RelayFrame::decode(&text);
                let _ = PoolFrame::decode(&text);
            });
        }
    }
}

#[test]
fn destinations_are_read_in_linear_time() {
    for piece in [
        "a", ".", "*.", "-", "_", "1.", "255.", "::", ":", "f:", "/", "/3", " ", "\u{fc}",
    ] {
        assert_linear(piece, 100_000, |bytes| {
            let text = repeated(piece, bytes);
            let list = Destinations {
                domains: vec![text.clone()],
                networks: vec![text.clone()],
            };
            let _ = list.checked();
            list.permits_name(&text);
            list.permits_name("pbx.example");
            list.permits_ip([192, 0, 2, 1].into());
        });
    }
}
