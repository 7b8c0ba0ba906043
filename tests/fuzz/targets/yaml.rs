//! Any text through the parser: an error, or a tree whose spans are those of the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| resecret::fuzzing::yaml(source));
