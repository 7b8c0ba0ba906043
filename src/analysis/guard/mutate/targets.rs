//! Where references to removed Secrets go: the vaulted Secret, and the names that keys have there.

use std::collections::BTreeMap;

use crate::analysis::guard::cel::{self, Names, text};
use crate::analysis::guard::policy::CelVariable;
use crate::analysis::guard::render::Render;
use crate::config::{Config, SecretsRule};
use crate::rules::facts::vaulted_key;

/// What references to removed Secrets become.
#[derive(Default)]
pub(super) struct Targets {
    all: Vec<Target>,
    names: Vec<TargetNames>,
    /// What references are left as they are, and why.
    pub(super) left: Vec<String>,
}

/// A vaulted Secret, as readers of one chart Secret see it.
#[derive(Clone, PartialEq, Eq)]
struct Target {
    to: String,
    /// The chart's keys that have another name there.
    keys: BTreeMap<String, String>,
    /// All keys, each with the file name that it had, where they are known.
    files: Option<Vec<(String, String)>>,
}

/// Names of one rule, or of one namespace of a render, with the number of the target of each.
struct TargetNames {
    exact: BTreeMap<String, usize>,
    globs: Option<(Names, usize)>,
    namespace: Names,
    /// The names that stay although a glob matches them.
    except: Vec<String>,
}

impl Targets {
    /// Reads the rules.
    pub(super) fn of(config: &Config, render: Option<&Render>) -> Self {
        let mut targets = Self::default();
        for (number, rule) in config.secrets.iter().enumerate() {
            let Some(to) = &rule.to else { continue };
            if rule.splits() {
                targets.left.push(format!(
                    "keys that `only` moves out of {}s with {rule}, and their readers",
                    rule.kind()
                ));
            } else if rule.redirects {
                let names: Vec<String> = rule.name.0.iter().map(ToString::to_string).collect();
                let keys: Vec<String> = rule.keys.keys().cloned().collect();
                for name in names {
                    targets.add(rule, to, &name, None, &keys);
                }
            } else if let Some(render) = render {
                for found in render.removed.iter().filter(|found| found.rule == number) {
                    targets.add(rule, to, &found.name, found.namespace.as_deref(), &found.keys);
                }
            } else if rule.labels.is_empty() && rule.source.is_empty() {
                targets.add_rule(rule, to, config);
            }
        }
        targets
    }

    /// A Secret whose keys are known.
    fn add(&mut self, rule: &SecretsRule, to: &str, name: &str, namespace: Option<&str>, keys: &[String]) {
        let renamed = |key: &&String| vaulted_key(&rule.keys, key) != key.as_str();
        let renames: BTreeMap<String, String> = keys
            .iter()
            .filter(renamed)
            .map(|key| (key.clone(), vaulted_key(&rule.keys, key).to_owned()))
            .collect();
        if name == to && self.is_renamed_twice(to, &renames) {
            return;
        }
        let files = keys.iter().map(|key| (vaulted_key(&rule.keys, key).to_owned(), key.clone()));
        let files = (!renames.is_empty()).then(|| files.collect());
        let number = self.number(Target { to: to.to_owned(), keys: renames, files });
        let namespace =
            Names { exact: namespace.into_iter().map(str::to_owned).collect(), globs: Vec::new() };
        let known = self.names.iter_mut().find(|known| known.namespace == namespace && known.globs.is_none());
        match known {
            Some(known) => {
                known.exact.entry(name.to_owned()).or_insert(number);
            }
            None => self.names.push(TargetNames {
                exact: BTreeMap::from([(name.to_owned(), number)]),
                globs: None,
                namespace,
                except: Vec::new(),
            }),
        }
    }

    /// All names that a rule means, whatever their Secrets hold.
    fn add_rule(&mut self, rule: &SecretsRule, to: &str, config: &Config) {
        let renames: BTreeMap<String, String> = rule
            .keys
            .iter()
            .filter(|(key, vaulted)| key != vaulted)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if rule.same_name && self.is_renamed_twice(to, &renames) {
            return;
        }
        if !renames.is_empty() {
            self.left.push(format!(
                "volumes that take all keys of a Secret which becomes {to}: only a render says which keys it has"
            ));
        }
        let number = self.number(Target { to: to.to_owned(), keys: renames, files: None });
        let own = Some(to).filter(|_| rule.same_name);
        let except =
            config.vault.iter().filter(|name| Some(name.as_str()) != own).cloned().collect::<Vec<_>>();
        let mut names = Names::of(&rule.name.0);
        if names.is_empty() {
            names.globs.push(".*".to_owned());
        }
        let exact = names.exact.iter().filter(|name| !except.contains(name));
        let exact = exact.map(|name| (name.clone(), number)).collect();
        names.exact.clear();
        self.names.push(TargetNames {
            exact,
            globs: (!names.globs.is_empty()).then_some((names, number)),
            namespace: Names::of(&rule.namespace.0),
            except,
        });
    }

    /// Whether a key would get another name each time that the object is sent: nobody sees whether it has it already.
    fn is_renamed_twice(&mut self, to: &str, renames: &BTreeMap<String, String>) -> bool {
        let twice = renames.values().any(|vaulted| renames.contains_key(vaulted));
        if twice {
            self.left.push(format!(
                "keys of Secret {to}, which keeps its name: a new name of one key is the old name of another"
            ));
        }
        twice
    }

    fn number(&mut self, target: Target) -> usize {
        self.all.iter().position(|known| *known == target).unwrap_or_else(|| {
            self.all.push(target);
            self.all.len() - 1
        })
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The variables that the expressions below read.
    pub(super) fn variables(&self) -> Vec<CelVariable> {
        if self.is_empty() {
            return Vec::new();
        }
        let targets = || self.all.iter().enumerate();
        let exact = self.names.iter().enumerate().filter(|(_, names)| !names.exact.is_empty());
        let mut variables: Vec<CelVariable> = exact
            .map(|(position, names)| {
                let numbers: Vec<(String, String)> =
                    names.exact.iter().map(|(name, number)| (name.clone(), number.to_string())).collect();
                let pairs = numbers.iter().map(|(name, number)| (name.as_str(), number.as_str()));
                CelVariable::new(&format!("removed{position}"), cel::map(pairs))
            })
            .collect();
        let of_each = |value: &dyn Fn(&Target) -> Option<String>| {
            let entries: Vec<String> = targets()
                .filter_map(|(number, target)| Some(format!("'{number}': {}", value(target)?)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        };
        variables.push(CelVariable::new("to", of_each(&|target| Some(text(&target.to)))));
        let pairs = |target: &Target| {
            Some(cel::map(target.keys.iter().map(|(key, vaulted)| (key.as_str(), vaulted.as_str()))))
        };
        variables.push(CelVariable::new("keys", of_each(&pairs)));
        let renaming = targets().filter(|(_, target)| !target.keys.is_empty());
        let renaming: Vec<String> = renaming.map(|(number, _)| number.to_string()).collect();
        variables.push(CelVariable::new("renaming", cel::list(renaming.iter().map(String::as_str))));
        if self.has_files() {
            let files = |target: &Target| {
                let file = |(key, path): &(String, String)| cel::map([("key", key.as_str()), ("path", path)]);
                Some(format!("[{}]", target.files.as_ref()?.iter().map(file).collect::<Vec<_>>().join(", ")))
            };
            variables.push(CelVariable::new("files", of_each(&files)));
        }
        variables
    }

    /// Whether the keys of a Secret with renamed ones are known.
    pub(super) fn has_files(&self) -> bool {
        self.all.iter().any(|target| target.files.is_some())
    }

    /// The number of the target of the name `n`; empty where it goes nowhere.
    pub(super) fn number_of_n(&self) -> String {
        let mut cases = String::new();
        for (position, names) in self.names.iter().enumerate() {
            let here = (!names.namespace.is_empty()).then(|| names.namespace.test("request.namespace"));
            let case = |condition: String, value: &str| {
                let conditions: Vec<String> = here.iter().cloned().chain([condition]).collect();
                format!("{} ? {value} : ", cel::all(&conditions))
            };
            if !names.exact.is_empty() {
                let known = format!("variables.removed{position}");
                cases.push_str(&case(format!("n in {known}"), &format!("{known}[n]")));
            }
            if let Some((globs, number)) = &names.globs {
                let mut conditions: Vec<String> = globs.glob_test("n").into_iter().collect();
                if !names.except.is_empty() {
                    let except = cel::list(names.except.iter().map(String::as_str));
                    conditions.push(format!("!(n in {except})"));
                }
                cases
                    .push_str(&case(format!("n != '' && {}", cel::all(&conditions)), &format!("'{number}'")));
            }
        }
        format!("({cases}'')")
    }

    /// `body`, with the number of the target of a name as `r`.
    pub(super) fn bound(&self, name: &str, body: &str) -> String {
        format!("[{name}].map(n, {}).map(r, {body})[0]", self.number_of_n())
    }
}
