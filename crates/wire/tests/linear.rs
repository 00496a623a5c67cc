//! A frame is decoded in linear time, whatever it repeats, and one that is too long is not looked at.
//! Quadratic time would be sixteen times as much; the quickest of several runs counts.

use std::time::{Duration, Instant};

use ringfence_wire::{MAX_FRAME_BYTES, PoolFrame, RelayFrame};

/// What a clock may say beside the work.
const SLACK: Duration = Duration::from_millis(80);

fn time(text: &str) -> Duration {
    let begun = Instant::now();
    let _ = RelayFrame::decode(text);
    let _ = PoolFrame::decode(text);
    begun.elapsed()
}

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
            let frame =
                |bytes: usize| format!("{before}{}{after}", piece.repeat(bytes / piece.len()));
            let (small, large) = (frame(MAX_FRAME_BYTES / 5), frame(4 * MAX_FRAME_BYTES / 5));
            let (mut once, mut more) = (time(&small), time(&large));
            for _ in 0..12 {
                once = once.min(time(&small));
                more = more.min(time(&large));
            }
            assert!(
                more <= 8 * once + SLACK,
                "{before} {piece}: {once:?}, then {more:?}"
            );
        }
    }
}
