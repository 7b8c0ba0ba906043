//! What the rules mean, said once more and naively: over values, without bytes, spans, patches or speed.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::generate::{EnvRule, Rules, SecretsRule};

/// What must become of a stream.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The value of each document, or `None` for one that goes.
    pub(crate) documents: Vec<Option<Value>>,
    /// Why the stream must be refused: ids of diagnostics. Empty: it must not.
    pub(crate) refusals: BTreeSet<&'static str>,
}

/// Applies rules to the values of a stream's documents.
pub(crate) fn apply(rules: &Rules, documents: &[Value]) -> Expected {
    let mut secrets = Vec::new();
    for document in documents {
        visit(&mut document.clone(), "", &mut |kind, object| {
            if kind == "Secret" {
                secrets.push(Secret::of(object, rules));
            }
            true
        });
    }
    let mut model = Model { rules, secrets, refusals: BTreeSet::new() };
    let documents = documents.iter().map(|document| model.document(document)).collect();
    Expected { documents, refusals: model.refusals }
}

/// Calls `keep` for each object; the items for which it says no are taken out. `false` if nothing is left of some.
fn visit(value: &mut Value, implied: &str, keep: &mut impl FnMut(&str, &mut Value) -> bool) -> bool {
    if !value.is_object() {
        return true;
    }
    let kind = value["kind"].as_str().unwrap_or(implied).to_owned();
    if let Some(item_kind) = kind.strip_suffix("List")
        && let Some(items) = value.get_mut("items").and_then(Value::as_array_mut)
    {
        let before = items.len();
        items.retain_mut(|item| visit(item, item_kind, keep));
        return before == 0 || !items.is_empty();
    }
    keep(&kind, value)
}

/// A Secret of the stream.
#[derive(Clone)]
struct Secret<'r> {
    name: String,
    namespace: Option<String>,
    keys: Vec<String>,
    rule: Option<&'r SecretsRule>,
}

impl<'r> Secret<'r> {
    fn of(object: &Value, rules: &'r Rules) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let data = ["data", "stringData"].iter().filter_map(|field| object[*field].as_object());
        let rule = rules.secrets.iter().find(|rule| matches(rule.name, &name));
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        Self { name, namespace, keys: data.flat_map(|data| data.keys().cloned()).collect(), rule }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
        None => pattern == name,
    }
}

struct Model<'r> {
    rules: &'r Rules,
    secrets: Vec<Secret<'r>>,
    refusals: BTreeSet<&'static str>,
}

impl<'r> Model<'r> {
    fn document(&mut self, document: &Value) -> Option<Value> {
        let mut value = document.clone();
        let rules = self.rules;
        visit(&mut value, "", &mut |kind, object| {
            if kind == "Secret" {
                return Secret::of(object, rules).rule.is_none();
            }
            let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
            if ["Pod", "Deployment"].contains(&kind) {
                each_list(object, "ports", &mut |ports| self.ports(ports));
            }
            self.env(kind, object);
            self.references(kind, object, namespace.as_deref());
            true
        })
        .then_some(value)
    }

    /// One port of each number and protocol.
    fn ports(&mut self, ports: &mut Vec<Value>) {
        let mut kept: Vec<Value> = Vec::new();
        for port in ports.iter() {
            let mut full = port.clone();
            full["protocol"] = port.get("protocol").cloned().unwrap_or_else(|| "TCP".into());
            let same_key = |other: &Value| {
                other["containerPort"] == full["containerPort"] && other["protocol"] == full["protocol"]
            };
            match kept.iter().find(|other| same_key(other)) {
                Some(other) if *other != full || self.rules.duplicates == "error" => {
                    self.refusals.insert("duplicate-item");
                }
                _ => {}
            }
            kept.push(full);
        }
        let is_first = |at: usize| !kept[..at].contains(&kept[at]);
        let mut at = 0..kept.len();
        ports.retain(|_| at.next().is_some_and(is_first));
    }

    fn env(&mut self, kind: &str, object: &mut Value) {
        each_list(object, "env", &mut |list| self.env_list(kind, list));
    }

    fn env_list(&mut self, kind: &str, list: &mut Vec<Value>) {
        let original = list.clone();
        let mut slots: Vec<Option<Value>> = original.iter().cloned().map(Some).collect();
        let mut names: Vec<&str> =
            original.iter().map(|entry| entry["name"].as_str().unwrap_or_default()).collect();
        names.sort_unstable();
        names.dedup();
        let mut removed: Vec<(&str, usize)> = Vec::new();
        for name in names {
            let places: Vec<usize> =
                (0..original.len()).filter(|place| original[*place]["name"] == name).collect();
            let rule = self.rules.env.iter().find(|rule| {
                rule.kind.is_none_or(|wanted| wanted == kind)
                    && (rule.remove.iter().any(|p| matches(p, name))
                        || rule.vars.iter().any(|(p, _)| matches(p, name)))
            });
            match rule {
                Some(rule) if rule.remove.iter().any(|pattern| matches(pattern, name)) => {
                    for place in &places {
                        slots[*place] = None;
                    }
                    removed.push((name, places[0]));
                }
                Some(rule) => self.decide(rule, name, &places, &original, &mut slots),
                None if places.len() > 1 => match self.rules.duplicates {
                    "error" => {
                        self.refusals.insert("duplicate-env");
                    }
                    policy => {
                        let winner = pick(policy, &places, &original);
                        self.keep(name, winner, None, &places, &original, &mut slots);
                    }
                },
                None => {}
            }
        }
        for (name, first) in removed {
            if slots[first..].iter().flatten().any(|entry| uses(entry, name)) {
                self.refusals.insert("env-order");
            }
        }
        *list = slots.into_iter().flatten().collect();
    }

    fn decide(
        &mut self,
        rule: &EnvRule,
        name: &str,
        places: &[usize],
        original: &[Value],
        slots: &mut [Option<Value>],
    ) {
        let outside = |place: &&usize| {
            secret_of(&original[**place])
                .is_some_and(|(secret, _)| !self.secrets.iter().any(|known| known.name == secret))
        };
        let vaulted =
            |place: &&usize| secret_of(&original[**place]).is_some_and(|(secret, _)| secret == rule.to);
        let existing = places.iter().rev().find(outside).filter(|_| rule.keep_existing);
        let winner = existing.or_else(|| places.iter().rev().find(vaulted)).copied();
        let winner = winner.unwrap_or_else(|| pick(self.rules.duplicates, places, original));
        let content = existing.is_none().then(|| {
            let (_, key) =
                rule.vars.iter().find(|(pattern, _)| matches(pattern, name)).expect("the rule speaks of it");
            let key = if *key == "*" { name } else { key };
            let mut reference = json!({"name": rule.to, "key": key});
            if let Some(optional) = original[winner]["valueFrom"]["secretKeyRef"].get("optional") {
                reference["optional"] = optional.clone();
            }
            json!({"name": name, "valueFrom": {"secretKeyRef": reference}})
        });
        if places.len() > 1 || content.is_some() {
            self.keep(name, winner, content, places, original, slots);
        }
    }

    /// One entry stays: where the winner stands, or first if another entry in between uses the variable.
    fn keep(
        &mut self,
        name: &str,
        winner: usize,
        content: Option<Value>,
        places: &[usize],
        original: &[Value],
        slots: &mut [Option<Value>],
    ) {
        let first = places[0];
        let used = (first..winner).any(|place| !places.contains(&place) && uses(&original[place], name));
        let place = if used { first } else { winner };
        if content.is_none() && winner != first {
            let defined = |name: &str| original[first..winner].iter().any(|entry| entry["name"] == name);
            let differs =
                |other: &&usize| **other < winner && !say_the_same(&original[**other], &original[winner]);
            let changes = expansions(literal(&original[winner])).any(defined)
                || places.iter().any(|other| differs(&other));
            if if used { changes } else { uses(&original[winner], name) } {
                self.refusals.insert("env-order");
            }
        }
        let content = content.unwrap_or_else(|| original[place].clone());
        for other in places {
            slots[*other] = None;
        }
        slots[place] = Some(content);
    }

    fn references(&mut self, kind: &str, object: &mut Value, namespace: Option<&str>) {
        self.walk(object, namespace);
        if kind == "ServiceAccount"
            && let Some(list) = object.get_mut("secrets")
        {
            self.list(list, namespace, &[]);
        }
        if kind == "Ingress" {
            for tls in object["spec"].get_mut("tls").and_then(Value::as_array_mut).into_iter().flatten() {
                let read = self.name(tls, "secretName", namespace);
                self.whole(read, &["tls.crt", "tls.key", "ca.crt"]);
            }
        }
    }

    fn walk(&mut self, value: &mut Value, namespace: Option<&str>) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, namespace)),
            Value::Object(entries) => {
                for (key, value) in entries {
                    match key.as_str() {
                        "secretKeyRef" => self.key(value, namespace),
                        "imagePullSecrets" => {
                            self.list(value, namespace, &[".dockerconfigjson", ".dockercfg"]);
                        }
                        "envFrom" => {
                            for item in value.as_array_mut().into_iter().flatten() {
                                self.env_from(item, namespace);
                            }
                        }
                        "volumes" => {
                            for volume in value.as_array_mut().into_iter().flatten() {
                                self.volume(volume, namespace);
                            }
                        }
                        _ => {}
                    }
                    self.walk(value, namespace);
                }
            }
            _ => {}
        }
    }

    /// The removed Secret that a name stands for.
    fn dropped(&mut self, name: &str, namespace: Option<&str>) -> Option<Secret<'r>> {
        let same = |secret: &&Secret<'_>| {
            secret.name == name
                && (secret.namespace.is_none()
                    || namespace.is_none()
                    || secret.namespace.as_deref() == namespace)
        };
        // Rules select by name alone here, so that Secrets of one name have one fate.
        let secret = self.secrets.iter().find(same)?.clone();
        let rule = secret.rule?;
        if rule.to.is_none() {
            self.refusals.insert("dangling");
            return None;
        }
        Some(secret)
    }

    /// Redirects the name in a field; the Secret that it named, if it was a removed one.
    fn name(
        &mut self,
        holder: &mut Value,
        field: &str,
        namespace: Option<&str>,
    ) -> Option<(Vec<String>, SecretsRule)> {
        let name = holder.get(field)?.as_str()?.to_owned();
        let secret = self.dropped(&name, namespace)?;
        let (keys, rule) = (secret.keys, secret.rule?.clone());
        holder[field] = rule.to?.into();
        Some((keys, rule))
    }

    fn key(&mut self, reference: &mut Value, namespace: Option<&str>) {
        if let Some((_, rule)) = self.name(reference, "name", namespace) {
            rename(&rule, &mut reference["key"]);
        }
    }

    fn env_from(&mut self, item: &mut Value, namespace: Option<&str>) {
        let Some(reference) = item.get_mut("secretRef") else { return };
        if let Some((keys, rule)) = self.name(reference, "name", namespace)
            && keys.iter().any(|key| rule.keys.iter().any(|(from, _)| from == key))
        {
            self.refusals.insert("renamed-env-from");
        }
    }

    fn volume(&mut self, volume: &mut Value, namespace: Option<&str>) {
        if let Some(secret) = volume.get_mut("secret") {
            self.files(secret, "secretName", namespace);
        }
        let sources = volume.get_mut("projected").and_then(|projected| projected["sources"].as_array_mut());
        for source in sources.into_iter().flatten() {
            if let Some(secret) = source.get_mut("secret") {
                self.files(secret, "name", namespace);
            }
        }
    }

    fn files(&mut self, source: &mut Value, field: &str, namespace: Option<&str>) {
        let Some((keys, rule)) = self.name(source, field, namespace) else { return };
        if let Some(items) = source.get_mut("items") {
            items.as_array_mut().into_iter().flatten().for_each(|item| rename(&rule, &mut item["key"]));
        } else if keys.iter().any(|key| rule.keys.iter().any(|(from, _)| from == key)) {
            let item = |key: &String| {
                let mut vaulted = json!(key);
                rename(&rule, &mut vaulted);
                json!({"key": vaulted, "path": key})
            };
            source["items"] = keys.iter().map(item).collect();
        }
    }

    /// A reader that looks for these keys, by name, in all of the Secret: a rule must not rename one that is there.
    fn whole(&mut self, read: Option<(Vec<String>, SecretsRule)>, wanted: &[&str]) {
        let Some((keys, rule)) = read else { return };
        let renamed = |key: &&String| rule.keys.iter().any(|(from, _)| from == key);
        if keys.iter().filter(renamed).any(|key| wanted.contains(&key.as_str())) {
            self.refusals.insert("renamed-key");
        }
    }

    /// A list in which a name stands once, before and after, and whose readers look for these keys.
    fn list(&mut self, list: &mut Value, namespace: Option<&str>, wanted: &[&str]) {
        let Some(items) = list.as_array_mut() else { return };
        let mut position = 0;
        while position < items.len() {
            let before = items[position]["name"].clone();
            let mut item = items[position].clone();
            let read = self.name(&mut item, "name", namespace);
            self.whole(read, wanted);
            let twice = items
                .iter()
                .enumerate()
                .any(|(other, held)| other != position && held["name"] == item["name"]);
            if item["name"] != before && twice {
                items.remove(position);
            } else {
                items[position] = item;
                position += 1;
            }
        }
    }
}

fn rename(rule: &SecretsRule, key: &mut Value) {
    if let Some((_, to)) = rule.keys.iter().find(|(from, _)| key == from) {
        *key = (*to).into();
    }
}

/// The entry that wins where no rule decides.
fn pick(policy: &str, places: &[usize], original: &[Value]) -> usize {
    let last = places[places.len() - 1];
    match policy {
        "first" => places[0],
        "prefer-secret" => {
            places.iter().rev().find(|place| secret_of(&original[**place]).is_some()).copied().unwrap_or(last)
        }
        _ => last,
    }
}

fn secret_of(entry: &Value) -> Option<(&str, &str)> {
    let reference = entry["valueFrom"].get("secretKeyRef")?;
    Some((reference["name"].as_str()?, reference["key"].as_str()?))
}

fn literal(entry: &Value) -> &str {
    if entry.get("valueFrom").is_some() { "" } else { entry["value"].as_str().unwrap_or_default() }
}

/// Whether two entries surely give the same value.
fn say_the_same(one: &Value, other: &Value) -> bool {
    let plain = |entry: &Value| entry.get("valueFrom").is_none();
    let optional = |entry: &Value| entry["valueFrom"]["secretKeyRef"].get("optional").is_some();
    match (secret_of(one), secret_of(other)) {
        (None, None) => plain(one) && plain(other) && literal(one) == literal(other),
        (one_secret, other_secret) => one_secret == other_secret && !optional(one) && !optional(other),
    }
}

fn uses(entry: &Value, name: &str) -> bool {
    expansions(literal(entry)).any(|used| used == name)
}

fn expansions(value: &str) -> impl Iterator<Item = &str> {
    value.split("$(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(name, _)| name)
}

/// Calls `edit` for the `env` of every container.
fn each_list(value: &mut Value, field: &str, edit: &mut impl FnMut(&mut Vec<Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_list(item, field, edit)),
        Value::Object(entries) => containers(entries, field, edit),
        _ => {}
    }
}

fn containers(entries: &mut Map<String, Value>, field: &str, edit: &mut impl FnMut(&mut Vec<Value>)) {
    for (key, value) in entries {
        if ["containers", "initContainers", "ephemeralContainers"].contains(&key.as_str()) {
            let list = value.as_array_mut().into_iter().flatten();
            list.filter_map(|container| container.get_mut(field)?.as_array_mut()).for_each(&mut *edit);
        }
        each_list(value, field, edit);
    }
}
