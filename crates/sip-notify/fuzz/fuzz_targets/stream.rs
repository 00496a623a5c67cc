//! A stream of messages, in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ringfence_sip_notify::fuzzing::stream(data, &[1, 2, 7, 100]);
});
