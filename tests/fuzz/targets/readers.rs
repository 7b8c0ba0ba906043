//! Any text through the reader of what charts render: it gives up, or makes the tree of the general readers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| resecret::fuzzing::readers(source));
