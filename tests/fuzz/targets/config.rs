//! Any text as a configuration: an error with a place, or rules that a stream goes through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resecret::{Config, filter};

const STREAM: &str = "
kind: Secret
metadata: {name: s}
data: {a: eA==}
---
kind: Pod
metadata: {name: p}
spec: {containers: [{name: c, env: [{name: SALT, value: x}, {name: SALT, valueFrom: {secretKeyRef: {name: s, key: a}}}]}]}
";

fuzz_target!(|text: &str| {
    let mut config = Config::default();
    match config.add_file("fuzz", text) {
        Ok(()) => drop(filter(STREAM.as_bytes(), &config)),
        Err(error) => assert!(error.diagnostics().iter().all(|diagnostic| diagnostic.location.file.is_some())),
    }
});
