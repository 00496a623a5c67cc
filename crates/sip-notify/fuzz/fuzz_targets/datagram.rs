//! Any datagram: `cargo +nightly fuzz run datagram`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringfence_sip_notify::fuzzing::datagram(bytes));
