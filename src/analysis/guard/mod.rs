//! The configuration as policies of the API server: what the filter would change is refused there.
//!
//! A post-renderer works only when it runs. These policies judge every request, no matter who sends it. They use the same
//! rules, fields and patterns as the filter; what a server cannot know (another object, a template, what a text means) is
//! taken from a render, or refused with the reason.

mod built_in;
mod by_kind;
mod cel;
mod check;
mod credentials;
mod duplicates;
mod env_rules;
mod evidence;
mod formats;
mod kinds;
mod known;
mod kyverno;
mod mutate;
mod moved;
mod moved_places;
mod moved_reads;
mod objects;
mod pods;
mod options;
mod places;
mod policy;
mod protect;
mod reads;
mod removed;
mod render;
mod secrets;
mod stand_ins;

pub use check::check_guarded;
pub use options::{GuardAction, GuardForm, GuardOptions, KubernetesVersion, NamespaceSelector};

use serde_json::Value;

use crate::analysis::guard::kinds::Family;
use crate::analysis::guard::removed::Removed;
use crate::analysis::guard::render::Render;
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Error};
use crate::filter::filter;

/// Policies and bindings, and what they leave open.
#[derive(Clone, Debug)]
pub struct Guard {
    manifests: Vec<Value>,
    diagnostics: Vec<Diagnostic>,
}

impl Guard {
    /// The manifests, policies before their bindings.
    #[must_use]
    pub fn manifests(&self) -> &[Value] {
        &self.manifests
    }

    /// What is not guarded, and why.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The manifests as a stream for `kubectl apply`.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let texts = self.manifests.iter().filter_map(|manifest| serde_yaml::to_string(manifest).ok());
        texts.map(|text| format!("---\n{text}")).collect()
    }
}

/// Compiles a configuration to policies; `render` says what only a render can.
///
/// # Errors
///
/// A configuration without rules, a render that the filter refuses, and a rule that no policy can express.
pub fn guard(render: Option<&[u8]>, config: &Config, options: &GuardOptions) -> Result<Guard, Error> {
    config.check_rules()?;
    options::check_name(&options.name)?;
    if let Some(render) = render {
        filter(render, config)?;
    }
    let render = render.map(|render| Render::read(render, config));
    let mut diagnostics = Vec::new();
    let mut errors = env_rules::refusals(config, render.as_ref());
    let removed =
        Removed::of(config, render.as_ref(), &mut diagnostics).map_err(|found| errors.extend(found)).ok();
    let kinds = kinds::kinds(config, render.as_ref()).map_err(|found| errors.extend(found)).ok();
    let (Some(removed), Some(kinds), true) = (removed, kinds, errors.is_empty()) else {
        return Err(Error::new(errors));
    };
    if render.is_none() && (removed.has_names() || !removed.moved.is_empty()) {
        diagnostics.push(kinds::others_need_a_render(removed.has_searched_names()));
    }
    if options.form == GuardForm::Mutating {
        let (mut manifests, left) = mutate::manifests(&kinds, config, render.as_ref(), options)?;
        options::label(&mut manifests, options);
        diagnostics.extend(left);
        return Ok(Guard { manifests, diagnostics });
    }
    let none = std::collections::BTreeSet::new();
    let rendered = render.as_ref().map_or(&none, |render| &render.secrets);
    let mut policies: Vec<_> = secrets::policies(&removed, &options.exempt);
    let keys = evidence::removed_keys(config, render.as_ref());
    for family in Family::ALL {
        policies.extend(objects::policy(family, &kinds, config, &removed, rendered, &keys));
    }
    policies.extend(evidence::policies(&kinds, &removed, &keys));
    policies.extend(credentials::policy(&kinds, config, rendered));
    diagnostics.extend(credentials::gaps(config));
    if options.protect {
        policies.extend(protect::policy(config, &removed, &options.keys));
    }
    let mut manifests: Vec<Value> = if options.form == GuardForm::Kyverno {
        policies.iter().flat_map(|policy| kyverno::manifests(policy, options)).collect()
    } else {
        let bindings = policies.iter().flat_map(|policy| policy.bindings(options));
        policies.iter().map(|policy| policy.manifest(options)).chain(bindings).collect()
    };
    options::label(&mut manifests, options);
    Ok(Guard { manifests, diagnostics })
}
