//! A frame is decoded in linear time and memory, whatever it repeats.

use ringfence_test_cost::{Counting, assert_linear, repeated};
use ringfence_wire::{MAX_FRAME_BYTES, PoolFrame, RelayFrame};

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
