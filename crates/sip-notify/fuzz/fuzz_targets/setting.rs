//! Texts that settings hold: addresses, events, headers. `cargo +nightly fuzz run setting`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| ringfence_sip_notify::fuzzing::setting(text));
