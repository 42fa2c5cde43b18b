//! What a model says, to every grammar: any bytes at all.
#![no_main]

#[path = "../../baselines/tests/answers/invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::hold(&String::from_utf8_lossy(bytes)));
