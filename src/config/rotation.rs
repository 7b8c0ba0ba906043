//! Which values must never change, because stored data was made with them.

use schemars::JsonSchema;
use serde::Deserialize;

/// Whether a value may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rotation {
    /// Stored data was made with it: with another value nobody can read that data any more.
    Never,
    /// It may, whatever its name.
    Allowed,
}

/// Whether stored data is made with a value of this name.
pub(super) fn made_data(name: &str) -> bool {
    const WORDS: [&[&str]; 7] = [
        &["salt"],
        &["encryption", "key"],
        &["encryption", "secret"],
        &["fernet", "key"],
        &["master", "key"],
        &["crypto", "key"],
        &["secret", "key", "base"],
    ];
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
    WORDS.iter().any(|wanted| words.windows(wanted.len()).any(|window| window == *wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_made_data_is_known_by_its_name() {
        for name in ["SALT", "salt", "ENCRYPTION_KEY", "encryption-key", "AIRFLOW__CORE__FERNET_KEY"] {
            assert!(made_data(name), "{name}");
        }
        for name in ["NEXTAUTH_SECRET", "DATABASE_PASSWORD", "BASALT", "ENCRYPTION"] {
            assert!(!made_data(name), "{name}");
        }
    }
}
