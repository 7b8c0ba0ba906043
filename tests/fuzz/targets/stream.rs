//! Any bytes through the whole filter: a result, the same document by document, and its own output once more unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resecret::{Config, filter, filter_stream};

const RULES: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: s, to: vault, keys: {a: b}}
  env:
  - {to: vault, vars: {SALT: salt, 'K*': '*'}, remove: [DEBUG]}
  policy: {unmatched: allow}
";

fuzz_target!(|input: &[u8]| {
    resecret::fuzzing::stream(input);
    let mut config = Config::default();
    config.add_file("rules", RULES).expect("the rules are right");
    if let Ok(filtered) = filter(input, &config) {
        let output = filtered.to_vec();
        let again = filter(&output, &config).expect("what went through goes through again").to_vec();
        assert_eq!(again, output, "a second run changes nothing");
        let mut one_by_one = Vec::new();
        if filter_stream(input, &mut one_by_one, &config, &mut |_| {}).is_ok() {
            assert_eq!(one_by_one, output, "document by document it is the same");
        }
    }
});
