//! Any stream through the search for documents that matter: what it lets pass unread has nothing to say.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| resecret::fuzzing::search(source));
