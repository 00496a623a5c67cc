//! Any text is a frame that survives being written and read again, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_wire::{PoolFrame, RelayFrame};

fuzz_target!(|text: &str| {
    if let Ok(frame) = RelayFrame::decode(text)
        && let Ok(again) = frame.encode()
    {
        assert_eq!(RelayFrame::decode(&again).ok(), Some(frame));
    }
    if let Ok(frame) = PoolFrame::decode(text)
        && let Ok(again) = frame.encode()
    {
        assert_eq!(PoolFrame::decode(&again).ok(), Some(frame));
    }
});
