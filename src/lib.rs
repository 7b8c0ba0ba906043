//! Takes a third-party chart's own Secrets out of rendered Kubernetes manifests, and points every reference at a
//! Secret that is kept in a vault.
//!
//! The `resecret` program is a Helm post-renderer around this library. Charts render Secrets with plain values, and
//! many offer no way around it. [`filter()`] leaves such a Secret out of the stream, redirects what referred to it,
//! makes variables read the vaulted Secret, and keeps one entry of each variable.
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
//! Folders in the order from the bottom to the top; each knows only those before it.
//!
//! 1. `yaml` parses a document into a tree with byte spans. `catalogue` knows the fields of custom
//!    resources. `diagnostics` is what a run has to say, `config` what it shall do.
//! 2. `stream` splits bytes into documents as Helm does, and puts the results together.
//! 3. `edit` makes a patch of a document: `lower` turns meaning into bytes, `splice` applies them, and `verify` confirms
//!    the result with a reader that has no part in the tree.
//! 4. `search` lets through what no rule can touch. `kube` sees objects, pods and references in a tree.
//! 5. `rules` turn an object, the facts and the configuration into a patch. `krm` wraps the stream of KRM clients.
//! 6. `filter` is the run: collect the Secrets, rewrite each document, write. `analysis` shows it in other ways, and
//!    `adopt` makes a script of what two of these say.
//!
//! # Limits
//!
//! - A document is read whole; so is the stream, except for [`filter_stream()`], which writes each document before it looks
//!   at the next one and refuses what needs the whole stream.
//! - Anchors, merge keys and duplicate keys are fine as long as no edit needs them; see [`Code`].
//! - One document between two `---` lines, as Helm reads it.

mod yaml;
mod catalogue;
mod diagnostics;
mod config;
mod stream;
mod edit;
mod search;
mod kube;
mod rules;
mod krm;
mod filter;
mod analysis;
mod adopt;

#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;

pub use adopt::{Adoption, ChartValue, Fill, Helm, adopt, leave, not_live, not_restored};
pub use analysis::again::{Changes, changes, still_changing};
pub use analysis::diff::{Diff, LineKind, diff};
pub use analysis::guard::{
    Guard, GuardAction, GuardForm, GuardOptions, KubernetesVersion, NamespaceSelector, check_guarded, guard,
};
pub use analysis::keys::readers::{Access, Reader};
pub use analysis::keys::{Manifest, SecretStore, Vault, VaultedKey, VaultedSecret, vault};
pub use analysis::patches::{ObjectChange, ObjectPatch, PatchTarget, Plan, plan};
pub use analysis::scan;
pub use analysis::upgrade::{AcceptedHazard, HAZARDS, accept_hazards, hazards};
pub use config::Config;
pub use config::key_format::KeyFormat;
pub use diagnostics::report::{Format, write_report};
pub use diagnostics::{Code, Diagnostic, Error, Location, ObjectRef, Severity};
pub use filter::filter;
pub use filter::filtered::{Filtered, Summary};
pub use filter::streaming::{Cause, StreamError, filter_stream};
pub use krm::add_function_config;
pub use rules::reported_by;
pub use stream::writer::Written;
pub use yaml::scalar::{escaped_json, one_line};
