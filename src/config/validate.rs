//! A configuration file → checked rules.

mod secrets;

use std::collections::BTreeMap;

use crate::config::format::{
    API_VERSION, AllowEntry, Duplicates, EnvEntry, File, FormatEntry, FormatFields, KIND, OneOrMany,
    PresetUse, ReferenceEntry, SecretsEntry, Selector,
};
use crate::config::serde_message::without_values;
use crate::config::{
    AllowRule, AnnotationRule, Config, EnvRule, FormatRule, Origin, Pattern, Patterns, Preset, ReferenceRule,
    SecretsRule, preset,
};
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::yaml::field_path::FieldPath;
use crate::yaml::span::Lines;
use crate::yaml::{self, NodeId, ParseError, Tree};

/// One text that is being read, for the places in its diagnostics.
struct ConfigText<'a> {
    name: &'a str,
    text: &'a str,
    tree: Result<Tree<'a>, ParseError>,
    lines: Lines<'a>,
    preset: Option<usize>,
}

impl<'a> ConfigText<'a> {
    fn new(name: &'a str, text: &'a str, preset: Option<usize>) -> Self {
        Self { name, text, tree: yaml::parse(text), lines: Lines::new(text.as_bytes()), preset }
    }
}

pub(super) fn add_file(config: &mut Config, name: &str, text: &str) -> Result<(), Error> {
    let source = ConfigText::new(name, text, None);
    let file = source.read()?;
    let name = file.metadata.as_ref().and_then(|metadata| metadata.get("name")?.as_str());
    config.name = config.name.take().or_else(|| name.map(str::to_owned));
    for (position, use_of) in file.spec.presets.iter().enumerate() {
        let path = format!("spec.presets[{position}]");
        let origin = source.origin(&path);
        add_preset(config, use_of, origin).map_err(|message| source.error(&path, &message))?;
    }
    if let Some(duplicates) = file.spec.duplicates {
        if config.duplicates_set && config.duplicates != duplicates {
            return Err(source.error("spec.duplicates", "another configuration file sets this differently"));
        }
        config.duplicates = duplicates;
        config.duplicates_set = true;
    }
    let policy = file.spec.policy;
    config.policy.unmatched = policy.unmatched.unwrap_or(config.policy.unmatched);
    config.policy.dangling = policy.dangling.unwrap_or(config.policy.dangling);
    config.policy.plaintext = policy.plaintext.unwrap_or(config.policy.plaintext);
    config.policy.texts = policy.texts.unwrap_or(config.policy.texts);
    config.policy.left_behind = policy.left_behind.unwrap_or(config.policy.left_behind);
    config.policy.external = policy.external.unwrap_or(config.policy.external);
    for (position, name) in file.spec.vault.iter().enumerate() {
        check_name(name).map_err(|message| source.error(&format!("spec.vault[{position}]"), &message))?;
    }
    config.vault.extend(file.spec.vault);
    for (position, entry) in file.spec.references.into_iter().enumerate() {
        config.references.push(source.reference_rule(entry, &format!("spec.references[{position}]"))?);
    }
    for (position, glob) in file.spec.drop_annotations.iter().enumerate() {
        let path = format!("spec.dropAnnotations[{position}]");
        let annotation = source.pattern(glob, &path)?;
        config.drop_annotations.push(AnnotationRule { annotation, origin: source.origin(&path) });
    }
    for (position, entry) in file.spec.allow.into_iter().enumerate() {
        config.allow.push(source.allow_rule(&entry, &format!("spec.allow[{position}]"))?);
    }
    let formats = source.formats(file.spec.formats, None)?;
    let place = config.formats.iter().take_while(|rule| rule.origin.preset.is_none()).count();
    config.formats.splice(place..place, formats);
    let (mut secrets, env) = source.rules(file.spec.secrets, file.spec.env)?;
    for (position, entry) in file.spec.config_maps.into_iter().enumerate() {
        secrets.push(source.config_maps_rule(entry, &format!("spec.configMaps[{position}]"))?);
    }
    for (position, entry) in file.spec.redirect.into_iter().enumerate() {
        secrets.push(source.redirect_rule(entry, &format!("spec.redirect[{position}]"))?);
    }
    config.vault.extend(secrets.iter().filter_map(|rule| rule.to.clone()));
    config.vault.extend(env.iter().map(|rule| rule.to.clone()));
    // A file's own rules come before those of every preset, also of presets named in an earlier file.
    let place = config.secrets.iter().take_while(|rule| rule.origin.preset.is_none()).count();
    config.secrets.splice(place..place, secrets);
    let place = config.env.iter().take_while(|rule| rule.origin.preset.is_none()).count();
    config.env.splice(place..place, env);
    Ok(())
}

pub(super) fn add_preset_flag(config: &mut Config, name: &str, to: &str) -> Result<(), Error> {
    let file = format!("--preset {name}");
    let origin = Origin { file: file.clone(), path: String::new(), line: None, preset: None };
    let use_of = PresetUse { name: name.to_owned(), to: to.to_owned(), keys: BTreeMap::new() };
    add_preset(config, &use_of, origin).map_err(|message| {
        let location = Location { file: Some(file), ..Location::default() };
        Diagnostic::error(Code::InvalidConfig, message, "see `resecret --help`").at(location).into()
    })
}

/// The value of `spec.duplicates` that a flag names.
pub(super) fn duplicates(value: &str) -> Result<Duplicates, Error> {
    let place = || Location { file: Some("--duplicates".to_owned()), ..Location::default() };
    serde_yaml::from_str(value).map_err(|_| {
        let message = format!("`{value}` is none of last, first, prefer-secret and error");
        Diagnostic::error(Code::InvalidConfig, message, "see `resecret --help`").at(place()).into()
    })
}

fn add_preset(config: &mut Config, use_of: &PresetUse, origin: Origin) -> Result<(), String> {
    let Some(text) = preset::find(&use_of.name) else {
        let known: Vec<_> = preset::names().collect();
        let near = nearest(&use_of.name, known.iter().copied());
        let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`"));
        return Err(format!("no preset is called `{}`{hint} (there are: {})", use_of.name, known.join(", ")));
    };
    check_name(&use_of.to)?;
    let number = config.presets.len();
    let name = format!("preset {}", use_of.name);
    let source = ConfigText::new(&name, text, Some(number));
    let mut file = source.read().map_err(|error| error.to_string())?;
    let mut known: Vec<&str> =
        file.spec.env.iter().flat_map(|rule| rule.vars.values()).map(String::as_str).collect();
    known.retain(|key| *key != OWN_NAME);
    if let Some(key) = use_of.keys.keys().find(|key| !known.contains(&key.as_str())) {
        let near = nearest(key, known.iter().copied());
        let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`"));
        return Err(format!(
            "preset {} has no key `{key}`{hint} (it has: {})",
            use_of.name,
            known.join(", ")
        ));
    }
    for rule in &mut file.spec.secrets {
        rule.to = Some(use_of.to.clone());
        rule.keys.clone_from(&use_of.keys);
    }
    for rule in &mut file.spec.env {
        rule.to = Some(use_of.to.clone());
        for key in rule.vars.values_mut() {
            if let Some(renamed) = use_of.keys.get(key) {
                key.clone_from(renamed);
            }
        }
    }
    let (secrets, env) = source.rules(file.spec.secrets, file.spec.env).map_err(|error| error.to_string())?;
    let formats = source.formats(file.spec.formats, Some(&use_of.to)).map_err(|error| error.to_string())?;
    config.formats.extend(formats);
    config.secrets.extend(secrets);
    config.env.extend(env);
    config.vault.insert(use_of.to.clone());
    config.presets.push(Preset { name: use_of.name.clone(), origin });
    Ok(())
}

/// The key of a glob: each variable's own name.
const OWN_NAME: &str = "*";

impl ConfigText<'_> {
    fn read(&self) -> Result<File, Error> {
        self.check_kind()?;
        serde_yaml::from_str(self.text.trim_start_matches('\u{feff}'))
            .map_err(|error| self.unreadable(&error))
    }

    /// Any other file than a configuration could be one of secrets, so nothing of it is quoted.
    fn check_kind(&self) -> Result<(), Error> {
        let tree = self.tree.as_ref().map_err(|error| {
            self.error_at(error.at(), &format!("the configuration is not YAML ({error})"))
        })?;
        let field =
            |name: &str| tree.root().and_then(|root| tree.get(root, name)).and_then(|node| tree.text(node));
        for (name, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            match field(name) {
                Some(found) if found == expected => {}
                Some(_) => {
                    let message =
                        format!("this file is not a resecret configuration: {name} is not `{expected}`");
                    return Err(self.error(name, &message));
                }
                None => {
                    let message =
                        format!("this file is not a resecret configuration: `{name}: {expected}` is missing");
                    return Err(self.error("", &message));
                }
            }
        }
        Ok(())
    }

    fn rules(
        &self,
        secrets: Vec<SecretsEntry>,
        env: Vec<EnvEntry>,
    ) -> Result<(Vec<SecretsRule>, Vec<EnvRule>), Error> {
        let at = |list: &str, position: usize| format!("spec.{list}[{position}]");
        let secrets =
            secrets.into_iter().enumerate().map(|(n, entry)| self.secrets_rule(entry, &at("secrets", n)));
        let env = env.into_iter().enumerate().map(|(n, entry)| self.env_rule(entry, &at("env", n)));
        Ok((secrets.collect::<Result<_, _>>()?, env.collect::<Result<_, _>>()?))
    }

    fn env_rule(&self, entry: EnvEntry, path: &str) -> Result<EnvRule, Error> {
        if entry.vars.is_empty() && entry.remove.is_empty() {
            return Err(self.error(path, "the rule names no variable: give it `vars` or `remove`"));
        }
        let to = match entry.to {
            Some(to) => to,
            None if entry.vars.is_empty() => String::new(),
            None => return Err(self.error(path, "`vars` need `to`, the name of the vaulted Secret")),
        };
        if !entry.vars.is_empty() {
            check_name(&to).map_err(|message| self.error(&format!("{path}.to"), &message))?;
        }
        let vars = entry.vars.into_iter().map(|(variable, key)| {
            let path = format!("{path}.vars.{variable}");
            let pattern = self.pattern(&variable, &path)?;
            match (pattern.is_glob(), key.as_str()) {
                (_, OWN_NAME) => Ok((pattern, None)),
                (true, _) => Err(self.error(&path, "a glob takes the key \"*\": each variable's own name")),
                (false, "") => Err(self.error(&path, "the key is empty")),
                (false, _) => Ok((pattern, Some(key))),
            }
        });
        let vars: Vec<(Pattern, Option<String>)> = vars.collect::<Result<_, Error>>()?;
        if entry.add {
            self.check_add(&entry.within, &vars, path)?;
        }
        let remove = entry.remove.iter().map(|variable| self.pattern(variable, &format!("{path}.remove")));
        Ok(EnvRule {
            to,
            vars,
            add: entry.add,
            remove: remove.collect::<Result<_, Error>>()?,
            kind: self.patterns(&entry.within.kind, &format!("{path}.in.kind"))?,
            object: self.patterns(&entry.within.name, &format!("{path}.in.name"))?,
            container: self.patterns(&entry.within.container, &format!("{path}.in.container"))?,
            keep_existing: entry.keep_existing,
            literals_only: entry.literals_only,
            optional: entry.optional,
            origin: self.origin(path),
        })
    }

    /// What is added must have a name, and a place that somebody has chosen.
    fn check_add(
        &self,
        within: &Selector,
        vars: &[(Pattern, Option<String>)],
        path: &str,
    ) -> Result<(), Error> {
        let place = format!("{path}.add");
        if vars.is_empty() {
            return Err(self.error(&place, "`add` needs `vars`, the variables to add"));
        }
        if let Some((glob, _)) = vars.iter().find(|(variable, _)| variable.is_glob()) {
            return Err(self.error(
                &format!("{path}.vars.{glob}"),
                "`add` needs the name of each variable, and this is a glob",
            ));
        }
        // What no API server takes as a variable's name.
        let is_odd =
            |name: &str| name.is_empty() || name.chars().any(|c| c == '=' || !matches!(c, ' '..='~'));
        if let Some((name, _)) = vars.iter().find(|(name, _)| is_odd(&name.to_string())) {
            return Err(self.error(
                &format!("{path}.vars.{name}"),
                "this cannot be the name of a variable: printable ASCII without `=` only",
            ));
        }
        let selects = [&within.kind, &within.name, &within.container].iter().any(|globs| !globs.0.is_empty());
        if selects {
            return Ok(());
        }
        Err(self.error(
            &place,
            "`add` needs `in`: without it every container of every workload would get the variable",
        ))
    }

    fn reference_rule(&self, entry: ReferenceEntry, path: &str) -> Result<ReferenceRule, Error> {
        let place = FieldPath::parse(&entry.path).map_err(|why| {
            self.error(&format!("{path}.path"), &format!("`{}` is not a path: {why}", entry.path))
        })?;
        let origin = self.origin(path);
        let ReferenceEntry { kind, api_version, format, optional, .. } = entry;
        Ok(ReferenceRule { kind, api_version, place, format, optional, origin })
    }

    fn allow_rule(&self, entry: &AllowEntry, path: &str) -> Result<AllowRule, Error> {
        let Some(code) = Code::ALLOWABLE.into_iter().find(|code| code.id() == entry.code) else {
            let known = Code::ALLOWABLE.map(Code::id);
            let near = nearest(&entry.code, known.into_iter());
            let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`"));
            let known = known.join(", ");
            let message = format!("`{}` cannot be allowed{hint} (these can: {known})", entry.code);
            return Err(self.error(&format!("{path}.code"), &message));
        };
        let paths = entry.path.0.iter().map(|text| {
            let wrong = |why| self.error(&format!("{path}.path"), &format!("`{text}` is not a glob: {why}"));
            Pattern::of_path(text).map_err(wrong)
        });
        let rule = AllowRule {
            code,
            kind: self.patterns(&entry.kind, &format!("{path}.kind"))?,
            name: self.patterns(&entry.name, &format!("{path}.name"))?,
            path: Patterns(paths.collect::<Result<_, _>>()?),
            variable: self.patterns(&entry.variable, &format!("{path}.variable"))?,
            key: self.patterns(&entry.key, &format!("{path}.key"))?,
            origin: self.origin(path),
        };
        if [&rule.kind, &rule.name, &rule.path, &rule.variable, &rule.key]
            .iter()
            .all(|field| field.is_empty())
        {
            let message = "the entry allows every finding of this code: give it a place, or set the policy";
            return Err(self.error(path, message));
        }
        Ok(rule)
    }

    /// Names before globs: `DATABASE_URL` says more than `*_URL`.
    fn formats(
        &self,
        entries: BTreeMap<String, FormatEntry>,
        secret: Option<&str>,
    ) -> Result<Vec<FormatRule>, Error> {
        let rule = |(text, entry): (String, FormatEntry)| {
            let path = format!("spec.formats.{text}");
            let name = self.pattern(&text, &path)?;
            let FormatFields { format, rotate } = entry.into();
            if format.is_none() && rotate.is_none() {
                return Err(self.error(&path, "the line demands nothing: give it `format` or `rotate`"));
            }
            let secret = secret.map(str::to_owned);
            Ok(FormatRule { name, format, rotate, secret, origin: self.origin(&path) })
        };
        let mut rules: Vec<FormatRule> = entries.into_iter().map(rule).collect::<Result<_, Error>>()?;
        rules.sort_by_key(|rule| rule.name.is_glob());
        Ok(rules)
    }

    fn patterns(&self, texts: &OneOrMany, path: &str) -> Result<Patterns, Error> {
        texts.0.iter().map(|text| self.pattern(text, path)).collect::<Result<_, _>>().map(Patterns)
    }

    fn pattern(&self, text: &str, path: &str) -> Result<Pattern, Error> {
        Pattern::new(text).map_err(|why| self.error(path, &format!("`{text}` is not a glob: {}", why.kind())))
    }

    fn origin(&self, path: &str) -> Origin {
        let line = self.find(path).map(|at| self.lines.position(at).0);
        Origin { file: self.name.to_owned(), path: path.to_owned(), line, preset: self.preset }
    }

    fn error(&self, path: &str, message: &str) -> Error {
        self.error_in(path, self.find(path), message)
    }

    fn error_at(&self, at: usize, message: &str) -> Error {
        self.error_in("", Some(at), message)
    }

    fn error_in(&self, path: &str, at: Option<usize>, message: &str) -> Error {
        let place = at.map(|at| self.lines.position(at));
        let location = Location {
            file: Some(self.name.to_owned()),
            path: Some(path.to_owned()).filter(|path| !path.is_empty()),
            line: place.map(|place| place.0),
            column: place.map(|place| place.1),
            ..Location::default()
        };
        let help = "see docs/configuration.md";
        Diagnostic::error(Code::InvalidConfig, message, help).at(location).into()
    }

    /// The byte at which the value of a path begins, or the nearest parent that is there.
    fn find(&self, path: &str) -> Option<usize> {
        let tree = self.tree.as_ref().ok()?;
        let mut node = tree.root()?;
        for step in path.replace('[', ".[").split('.') {
            let next: Option<NodeId> = match step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
                Some(index) => {
                    index.parse().ok().and_then(|index: usize| tree.items(node)?.get(index).copied())
                }
                None => tree.get(node, step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        Some(tree.start(node))
    }

    /// A reader's error, with the nearest known name where a field is unknown.
    fn unreadable(&self, error: &serde_yaml::Error) -> Error {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text);
        let message = without_values(text);
        let names: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        let near = match names.as_slice() {
            [unknown, known @ ..] if text.contains("unknown field") || text.contains("unknown variant") => {
                nearest(unknown, known.iter().copied())
            }
            _ => None,
        };
        let help = near
            .map_or_else(|| "see docs/configuration.md".to_owned(), |near| format!("did you mean `{near}`?"));
        let place = error.location();
        let location = Location {
            file: Some(self.name.to_owned()),
            line: place.as_ref().map(serde_yaml::Location::line),
            column: place.as_ref().map(serde_yaml::Location::column),
            ..Location::default()
        };
        Diagnostic::error(Code::InvalidConfig, message, help).at(location).into()
    }
}

/// A Secret's name must be a DNS subdomain (RFC 1123), else no reference to it could be valid.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let bytes = name.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let outer = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if bytes.len() <= 253 && bytes.iter().all(inner) && outer(bytes.first()) && outer(bytes.last()) {
        Ok(())
    } else {
        Err(format!("`{name}` cannot be the name of a Secret: lower-case letters, digits, `-` and `.` only"))
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
