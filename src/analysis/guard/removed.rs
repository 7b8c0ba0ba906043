//! Which Secrets are removed, as a server can know it: by name, labels and namespace.
//!
//! A server never sees two objects at once. So a reference is judged by the name that it holds, and where a rule asks
//! for labels or templates, the names come from a render.

use std::collections::BTreeSet;

use crate::analysis::guard::cel::{self, Names};
use crate::analysis::guard::moved::Moved;
use crate::analysis::guard::render::Render;
use crate::config::{Config, Level, SecretsRule};
use crate::diagnostics::{Code, Diagnostic, Severity};

/// What `spec.secrets` says of Secrets and of references.
pub(super) struct Removed {
    /// A CEL condition for each rule: the Secret `object` is removed by it.
    pub(super) secrets: Vec<RemovedCondition>,
    /// Names that a reference must not hold.
    names: Vec<RemovedNames>,
    /// Vaulted Secrets of the chart Secret's own name, with the chart's keys that they hold under other names.
    pub(super) renamed: Vec<(String, Vec<String>)>,
    /// Keys that are moved out of what stays.
    pub(super) moved: Moved,
}

/// A rule of `spec.secrets` as a condition.
pub(super) struct RemovedCondition {
    /// The condition on the Secret.
    pub(super) condition: String,
    /// The vaulted Secret.
    pub(super) to: Option<String>,
    /// The keys that must not be there, of what stays with others.
    pub(super) only: Vec<String>,
    /// Whether it is about ConfigMaps.
    pub(super) of_config_maps: bool,
}

/// Names of removed Secrets, and where they are removed.
struct RemovedNames {
    names: Names,
    /// The namespaces in which they are removed; any, where there are none.
    namespace: Names,
    /// The names that stay although a glob matches them.
    except: Vec<String>,
}

impl Removed {
    /// Reads the rules.
    ///
    /// # Errors
    ///
    /// A rule that no policy can express.
    pub(super) fn of(
        config: &Config,
        render: Option<&Render>,
        gaps: &mut Vec<Diagnostic>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let moved = Moved::new(config, render);
        let mut removed = Self { secrets: Vec::new(), names: Vec::new(), renamed: Vec::new(), moved };
        let mut errors = Vec::new();
        for (number, rule) in config.secrets.iter().enumerate() {
            let found =
                || render.iter().flat_map(|render| &render.removed).filter(|found| found.rule == number);
            if let Some(to) = rule.to.as_ref().filter(|_| rule.same_name && !rule.keys.is_empty())
                && (render.is_none() || found().any(|found| found.name == *to))
            {
                removed.renamed.push((to.clone(), rule.keys.keys().cloned().collect()));
            }
            if rule.splits() {
                removed.split(number, rule, config, render, (gaps, &mut errors));
                continue;
            }
            if rule.redirects {
                // The Secret itself comes from elsewhere, and may be there; what refers to it may not.
                for name in &rule.name.0 {
                    removed.add(&name.to_string(), None);
                }
                continue;
            }
            if rule.source.is_empty() {
                removed.secrets.push(secret(rule, &Names::of(&rule.name.0), config));
            } else if render.is_none() {
                errors.push(needs_a_render(rule));
            } else {
                let names: BTreeSet<&str> = found().map(|found| found.name.as_str()).collect();
                let names =
                    Names { exact: names.into_iter().map(str::to_owned).collect(), globs: Vec::new() };
                removed.secrets.extend((!names.is_empty()).then(|| secret(rule, &names, config)));
            }
            if rule.to.is_none() && config.policy.dangling != Level::Error {
                // What refers to a Secret that nothing replaces stays, since the configuration lets it.
            } else if render.is_some() {
                for found in found().filter(|found| rule.to.as_ref() != Some(&found.name)) {
                    removed.add(&found.name, found.namespace.as_deref());
                }
            } else if !rule.labels.is_empty() {
                gaps.push(labels_need_a_render(rule));
            } else if rule.source.is_empty() {
                removed.names.push(RemovedNames {
                    names: Names::of(&rule.name.0),
                    namespace: Names::of(&rule.namespace.0),
                    except: config.vault.iter().cloned().collect(),
                });
            }
        }
        if errors.is_empty() { Ok(removed) } else { Err(errors) }
    }

    /// Reads a rule that moves keys.
    fn split(
        &mut self,
        number: usize,
        rule: &SecretsRule,
        config: &Config,
        render: Option<&Render>,
        (gaps, errors): (&mut Vec<Diagnostic>, &mut Vec<Diagnostic>),
    ) {
        let Some(render) = render else {
            if !rule.source.is_empty() {
                errors.push(needs_a_render(rule));
                return;
            }
            self.secrets.push(secret(rule, &Names::of(&rule.name.0), config));
            if !rule.labels.is_empty() {
                gaps.push(labels_need_a_render(rule));
            } else if self.moved.add_rule(rule) {
                gaps.push(later_sources_need_a_render(rule));
            } else {
                gaps.push(whole_readers_need_a_render(rule));
            }
            return;
        };
        let mut names = Names::of(&rule.name.0);
        if !rule.source.is_empty() {
            let found = render.holders.iter().filter(|holder| holder.rule == Some(number));
            let exact: BTreeSet<String> = found.map(|holder| holder.name.clone()).collect();
            names = Names { exact: exact.into_iter().collect(), globs: Vec::new() };
        }
        if rule.source.is_empty() || !names.is_empty() {
            self.secrets.push(secret(rule, &names, config));
        }
        self.moved.add_rendered(number, rule, render);
    }

    /// One name.
    #[cfg(test)]
    pub(super) fn named(name: &str) -> Self {
        let moved = Moved::default();
        let mut removed = Self { secrets: Vec::new(), names: Vec::new(), renamed: Vec::new(), moved };
        removed.add(name, None);
        removed
    }

    /// Adds a name, beside others of the same namespace.
    fn add(&mut self, name: &str, namespace: Option<&str>) {
        let exact = namespace.into_iter().map(str::to_owned).collect();
        let namespace = Names { exact, globs: Vec::new() };
        match self.names.iter_mut().find(|known| known.namespace == namespace) {
            Some(known) => known.names.exact.push(name.to_owned()),
            None => self.names.push(RemovedNames {
                names: Names { exact: vec![name.to_owned()], globs: Vec::new() },
                namespace,
                except: Vec::new(),
            }),
        }
    }

    /// Whether a reference can be at fault at all.
    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty() || !self.renamed.is_empty()
    }

    /// Whether names can be searched for in a text.
    pub(super) fn has_searched_names(&self) -> bool {
        self.names.iter().any(|known| !known.names.is_empty())
    }

    /// The variables with maps of names.
    pub(super) fn exact_names(&self) -> impl Iterator<Item = String> {
        let has_some = |(_, known): &(usize, &RemovedNames)| !known.names.exact.is_empty();
        self.names.iter().enumerate().filter(has_some).map(|(number, _)| format!("variables.removed{number}"))
    }

    /// A regular expression for a text in quotes that is as a glob says.
    pub(super) fn quoted_globs(&self) -> Option<String> {
        let globs: Vec<String> = self
            .names
            .iter()
            .flat_map(|known| &known.names.globs)
            .map(|glob| cel::within_quotes(glob))
            .collect();
        (!globs.is_empty()).then(|| format!("[\"/](?:{})\"", globs.join("|")))
    }

    /// The vaulted Secrets that references go to.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        let all: BTreeSet<&str> = self.secrets.iter().filter_map(|secret| secret.to.as_deref()).collect();
        all.into_iter()
    }

    /// The variables that tests of references read: names as maps, so that a lookup costs the same for one and for thousands,
    /// and the namespace, which a request for an object outside of namespaces does not have.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let exact = |(number, names): (usize, &RemovedNames)| {
            let exact = &names.names.exact;
            (!exact.is_empty())
                .then(|| (format!("removed{number}"), cel::map(exact.iter().map(|name| (name.as_str(), "")))))
        };
        self.names.iter().enumerate().filter_map(exact).chain([Self::own_namespace()]).collect()
    }

    /// The variable with the namespace.
    pub(super) fn own_namespace() -> (String, String) {
        let namespace = "has(request.namespace) ? request.namespace : ''";
        ("ownNamespace".to_owned(), namespace.to_owned())
    }

    /// Whether the name `name`, in `namespace`, is that of a removed Secret.
    pub(super) fn test(&self, name: &str, namespace: &str) -> String {
        let one = |(number, known): (usize, &RemovedNames)| {
            let exact =
                (!known.names.exact.is_empty()).then(|| format!("{name} in variables.removed{number}"));
            let named: Vec<String> = exact.into_iter().chain(known.names.glob_test(name)).collect();
            let mut conditions = vec![if named.is_empty() { "true".to_owned() } else { cel::any(&named) }];
            if !known.namespace.is_empty() {
                conditions.insert(0, known.namespace.test(namespace));
            }
            if !known.except.is_empty() {
                conditions
                    .push(format!("!({name} in {})", cel::list(known.except.iter().map(String::as_str))));
            }
            cel::all(&conditions)
        };
        cel::any(&self.names.iter().enumerate().map(one).collect::<Vec<_>>())
    }
}

/// The condition on a Secret. The vaulted ones pass, unless a rule says that the chart's has the same name.
fn secret(rule: &SecretsRule, names: &Names, config: &Config) -> RemovedCondition {
    let mut conditions = Vec::new();
    if !names.is_empty() {
        conditions.push(names.test("object.metadata.name"));
    }
    for (label, glob) in &rule.labels {
        let value = cel::word("object", ["metadata", "labels", label]);
        let here = cel::optional("object", ["metadata", "labels", label]);
        conditions.push(format!("{here}.hasValue() && {}", Names::of([glob]).test(&value)));
    }
    if !rule.namespace.is_empty() {
        conditions.push(Names::of(&rule.namespace.0).test("request.namespace"));
    }
    let own = rule.to.as_deref().filter(|_| rule.same_name);
    let vaulted: Vec<&str> =
        config.vault.iter().map(String::as_str).filter(|name| Some(*name) != own).collect();
    if !vaulted.is_empty() {
        conditions.push(format!("!(object.metadata.name in {})", cel::list(vaulted)));
    }
    if rule.splits() {
        let has = |key: &String| holds(&cel::text(key));
        conditions.push(cel::any(&rule.only.iter().map(has).collect::<Vec<_>>()));
    }
    RemovedCondition {
        condition: cel::all(&conditions),
        to: rule.to.clone(),
        only: rule.only.iter().cloned().collect(),
        of_config_maps: rule.of_config_maps,
    }
}

/// Whether the object holds a key, in CEL.
pub(super) fn holds(key: &str) -> String {
    format!("{key} in object.?data.orValue({{}}) || {key} in object.?stringData.orValue({{}})")
}

fn needs_a_render(rule: &SecretsRule) -> Diagnostic {
    let message =
        format!("a policy cannot know the template of a Secret, and a rule removes Secrets with {rule}");
    let help = "name a render, from which the names are taken: resecret guard render.yaml";
    Diagnostic::error(Code::Guard, message, help).at(rule.origin.location(rule.origin.path.clone()))
}

fn later_sources_need_a_render(rule: &SecretsRule) -> Diagnostic {
    let message = format!(
        "who takes {}s with {rule} by `envFrom`, and another source behind, is not looked at: the other may give the keys that `only` moves",
        rule.kind()
    );
    gap_in_only(
        rule,
        message,
        "name a render, which says what the other sources give: resecret guard render.yaml",
    )
}

fn whole_readers_need_a_render(rule: &SecretsRule) -> Diagnostic {
    let message = format!(
        "who takes all keys of {}s with {rule} is not looked at: only the chart knows which of them have the keys that `only` moves",
        rule.kind()
    );
    gap_in_only(rule, message, "name a render, from which the names are taken: resecret guard render.yaml")
}

/// What a policy does not look at of a rule that moves keys.
fn gap_in_only(rule: &SecretsRule, message: String, help: &str) -> Diagnostic {
    Diagnostic::error(Code::Guard, message, help)
        .with_severity(Severity::Warning)
        .at(rule.origin.location(format!("{}.only", rule.origin.path)))
}

fn labels_need_a_render(rule: &SecretsRule) -> Diagnostic {
    let message = format!(
        "references to removed Secrets are not guarded: a reference holds a name, and a rule removes Secrets with {rule}"
    );
    let help = "name a render, from which the names are taken: resecret guard render.yaml";
    Diagnostic::error(Code::Guard, message, help)
        .with_severity(Severity::Warning)
        .at(rule.origin.location(rule.origin.path.clone()))
}
