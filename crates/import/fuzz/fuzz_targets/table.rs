//! Tables of phones, from any bytes.
#![no_main]

#[path = "../checks/tables.rs"]
mod tables;

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(tables::table(data)));
