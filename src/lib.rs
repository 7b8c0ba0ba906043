//! Takes a third-party chart's own Secrets out of rendered Kubernetes manifests, and points every reference at a
//! Secret that is kept in a vault.
//!
//! The `resecret` program is a Helm post-renderer around this library. Charts render Secrets with plain values, and
//! many offer no way around it. [`filter()`] leaves such a Secret out of the stream, redirects what referred to it,
//! makes variables read the vaulted Secret, and keeps one entry of each variable that stands twice.
//!
//! ```
//! let mut config = resecret::Config::default();
//! config.add_preset("langfuse", "langfuse-vault")?;
//!
//! let render = b"\
//! kind: Deployment
//! metadata: {name: lf-web}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!       - name: langfuse-web
//!         env:
//!         - name: SALT
//!           value: changeme  # from values.yaml
//!         - name: PORT
//!           value: \"3000\"
//! ";
//! let filtered = resecret::filter(render, &config)?;
//! assert_eq!(String::from_utf8(filtered.to_vec()).unwrap(), "\
//! kind: Deployment
//! metadata: {name: lf-web}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!       - name: langfuse-web
//!         env:
//!         - name: SALT
//!           valueFrom:
//!             secretKeyRef:
//!               name: langfuse-vault
//!               key: salt
//!         - name: PORT
//!           value: \"3000\"
//! ");
//! # Ok::<(), resecret::Error>(())
//! ```
//!
//! # What it promises
//!
//! - Bytes that no rule changes leave as they came: nothing is parsed into values and printed again.
//! - All or nothing: [`filter()`] gives back a whole stream in which every edit is verified by a second YAML reader, or an
//!   [`Error`] that says where and what to do.
//! - A rule that matches nothing, a reference that cannot be redirected and a document that cannot be edited safely
//!   are errors, never guesses.
//! - No diagnostic holds a secret value.
//!
//! # How it works
//!
//! The modules in the order in which a stream passes them:
//!
//! 1. `stream` splits bytes into documents as Helm does; `prefilter` and `survey` let through what
//!    no rule can touch.
//! 2. `yaml` parses a document into a tree with byte spans; `object` sees Kubernetes objects in it, `pods` and
//!    `references` what rules ask about; `facts` is what a first pass learns about all documents.
//! 3. `rules` turn an object, the facts and the configuration into a `patch`: what changes, in meaning.
//! 4. `lower` turns the patch into splices: what changes, in bytes; `splice` applies them.
//! 5. `verify` and `agree` read the document before and after with an independent reader; `survivors` looks for values
//!    of dropped Secrets in what would go out.
//!
//! # Limits
//!
//! - A document is read whole; so is the stream, but for [`filter_stream()`], which writes each document before it looks
//!   at the next one and refuses what needs the whole stream.
//! - Anchors, merge keys and duplicate keys are fine as long as no edit needs them; see [`Rule`].
//! - One document between two `---` lines, as Helm reads it.

mod agree;
mod config;
mod credential;
mod diagnostic;
mod diff;
mod edit;
mod error;
mod facts;
mod filter;
mod findings;
mod frontend;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod hazards;
pub mod inventory;
mod key_format;
mod lower;
mod object;
mod observer;
mod open;
mod output;
#[cfg(any(feature = "__parts", test))]
#[doc(hidden)]
pub mod parts;
mod pass;
mod patch;
mod plan;
mod pods;
mod prefilter;
mod reads;
mod references;
mod refuse;
mod report;
mod rule;
mod rules;
mod splice;
mod stream;
mod streaming;
mod survey;
mod survivors;
mod unmatched;
mod vault;
mod verify;
mod yaml;

pub use config::Config;
pub use diagnostic::{Diagnostic, Location, ObjectRef, Severity};
pub use diff::{Diff, LineKind};
pub use error::Error;
pub use filter::{Filtered, Summary, filter};
pub use frontend::add_function_config;
pub use hazards::{HAZARDS, accept_hazards, hazards};
pub use key_format::KeyFormat;
pub use plan::{Change, ObjectPatch, Plan, Target, plan};
pub use reads::{Access, Reader};
pub use report::{Format, write_report};
pub use rule::Rule;
pub use streaming::{Cause, StreamError, Written, filter_stream};
pub use vault::{Manifest, SecretStore, Vault, VaultedKey, VaultedSecret, vault};
