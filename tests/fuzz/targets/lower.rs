//! Any operations on any document: refused, or done as an independent reader wants them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str)| resecret::fuzzing::lower_any(input.1, input.0));
