//! The configuration format as a JSON Schema (draft 2020-12), for editors and for checks in CI.
//!
//! It is made from the types that read a file, so the two cannot differ. A schema cannot express a few demands (a glob that
//! does not parse, a key that a preset does not have): only a run finds them.

use serde_json::Value;

use crate::config::format::File;

/// The schema of a configuration file.
pub(super) fn schema() -> Value {
    let mut schema = schemars::schema_for!(File);
    schema.insert("title".to_owned(), "resecret configuration".into());
    schema.to_value()
}
