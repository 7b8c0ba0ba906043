//! Policies in the format of the API server.

use serde_json::{Map, Value, json};

use crate::analysis::guard::by_kind::is_kind;
use crate::analysis::guard::kinds::GuardedKind;
use crate::analysis::guard::options::{GuardAction, GuardOptions};

/// A ValidatingAdmissionPolicy that is being made.
pub(super) struct AdmissionPolicy {
    /// The end of its name.
    pub(super) suffix: String,
    pub(super) rules: Vec<Value>,
    /// What it is not for, although `rules` say so.
    pub(super) excluded: Vec<Value>,
    pub(super) conditions: Vec<(String, String)>,
    pub(super) variables: Vec<CelVariable>,
    pub(super) validations: Vec<Validation>,
    /// Whether what it finds is never refused.
    pub(super) warns_only: bool,
    /// Whether its objects have a namespace, by which a binding can select.
    pub(super) namespaced: bool,
    /// Whether its objects are checked by nobody before: in a custom resource a container may have no name.
    lenient: bool,
}

/// An expression with a name.
pub(super) struct CelVariable {
    name: String,
    expression: String,
}

impl CelVariable {
    /// A variable.
    pub(super) fn new(name: &str, expression: String) -> Self {
        Self { name: name.to_owned(), expression }
    }
}

impl CelVariable {
    /// What a list of faults names now and did not name before, and the name of the variable.
    pub(super) fn unlike_before(name: &str) -> (Self, String) {
        let capital = name.chars().next().map(|first| first.to_ascii_uppercase());
        let end: String = capital.into_iter().chain(name.chars().skip(1)).collect();
        let new = format!("new{end}");
        // Where all was there before, the lists need not be compared one by one.
        let (now, before) = (format!("variables.{name}"), format!("variables.old{end}"));
        let expression = format!(
            "{now} == '' || {now} == {before} ? '' : [{before}.split(', ')]\n\
             .map(before, {now}.split(', ').filter(s, !(s in before)).join(', '))[0]"
        );
        (Self::new(&new, expression), new)
    }
}

impl From<(String, String)> for CelVariable {
    fn from((name, expression): (String, String)) -> Self {
        Self { name, expression }
    }
}

/// A check: variables, and the text that must be empty.
#[derive(Default)]
pub(super) struct Check {
    /// What is computed on the way, in order.
    pub(super) variables: Vec<CelVariable>,
    /// What must hold, and what is said where it does not.
    pub(super) validation: Option<Validation>,
}

/// What must hold, and what is said where it does not.
pub(super) struct Validation {
    pub(super) expression: String,
    pub(super) message: String,
}

/// What to do about it; the end of every message.
pub(super) const REMEDY: &str = "Was the post-renderer left out? helm upgrade ... --post-renderer resecret ...; helm template ... | resecret | kubectl apply -f -";

/// The longest list of faults in a message: the API server takes no message above 5 KiB, and people read none.
const LONGEST: usize = 1000;

impl Validation {
    /// A text must be empty; the message says what the object does, and the text.
    pub(super) fn empty(variable: &str, what: &str) -> Self {
        let found = format!("variables.{variable}");
        let shown =
            format!("({found}.size() > {LONGEST} ? {found}.substring(0, {LONGEST}) + ' ...' : {found})");
        Self {
            expression: format!("{found} == ''"),
            message: format!(
                "'resecret: ' + object.kind + ' ' + object.metadata.name + ' {what}: ' + {shown} + '. {REMEDY}'"
            ),
        }
    }
}

/// What is made by a controller was judged as what it is made from.
const NOT_MADE_BY_A_CONTROLLER: &str =
    "!object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))";

impl AdmissionPolicy {
    /// A policy for kinds; it leaves alone what controllers make.
    pub(super) fn new(suffix: &str, kinds: &[&GuardedKind], namespaced: bool) -> Self {
        let scope = if namespaced { "Namespaced" } else { "Cluster" };
        let mut rules: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        for kind in kinds {
            match rules.iter_mut().find(|rule| (rule.0, rule.1) == (&kind.group, &kind.version)) {
                Some((_, _, resources)) if resources.contains(&kind.resource.as_str()) => {}
                Some((_, _, resources)) => resources.push(&kind.resource),
                None => rules.push((&kind.group, &kind.version, vec![&kind.resource])),
            }
        }
        let mut conditions =
            vec![("not-made-by-a-controller".to_owned(), NOT_MADE_BY_A_CONTROLLER.to_owned())];
        if kinds.iter().any(|kind| kind.resource == "*") {
            conditions.push(("kinds".to_owned(), is_kind(kinds, "object")));
        }
        Self {
            suffix: suffix.to_owned(),
            rules: rules
                .into_iter()
                .map(|(group, version, resources)| {
                    rule(group, version, &resources, &["CREATE", "UPDATE"], scope)
                })
                .collect(),
            excluded: Vec::new(),
            conditions,
            variables: Vec::new(),
            validations: Vec::new(),
            warns_only: false,
            namespaced,
            lenient: kinds.iter().any(|kind| kind.resource == "*"),
        }
    }

    /// Adds a check.
    pub(super) fn check(&mut self, check: Check) {
        self.variables.extend(check.variables);
        self.validations.extend(check.validation);
    }

    pub(super) fn name(&self, options: &GuardOptions) -> String {
        format!("resecret-{}-{}", options.name, self.suffix)
    }

    /// An expression, which takes an absent name for an empty one where that can be.
    fn expression(&self, expression: &str) -> String {
        let mut expression = expression.to_owned();
        if self.lenient {
            for (before, holder) in
                [' ', '(', '[', '!'].into_iter().flat_map(|c| [(c, 'c'), (c, 'e'), (c, 'o')])
            {
                let named = format!("{before}{holder}.name");
                expression = expression.replace(&named, &format!("{before}{holder}.?name.orValue('')"));
            }
        }
        expression
    }

    /// What a policy has of either kind: the objects it is for, and variables.
    pub(super) fn spec(&self) -> Map<String, Value> {
        let mut spec = Map::new();
        // What cannot be judged, since it is too large, is refused; where nothing is ever refused it passes.
        let failure = if self.warns_only { "Ignore" } else { "Fail" };
        spec.insert("failurePolicy".to_owned(), failure.into());
        let mut constraints = json!({"resourceRules": self.rules});
        if !self.excluded.is_empty() {
            constraints["excludeResourceRules"] = self.excluded.clone().into();
        }
        spec.insert("matchConstraints".to_owned(), constraints);
        let conditions = self.conditions.iter();
        spec.insert(
            "matchConditions".to_owned(),
            conditions.map(|(name, expression)| json!({"name": name, "expression": expression})).collect(),
        );
        if !self.variables.is_empty() {
            let variables = self.variables.iter();
            spec.insert(
                "variables".to_owned(),
                variables
                    .map(|v| json!({"name": v.name, "expression": self.expression(&v.expression)}))
                    .collect(),
            );
        }
        spec
    }

    /// The policy as a manifest.
    pub(super) fn manifest(&self, options: &GuardOptions) -> Value {
        let mut spec = self.spec();
        spec.insert("validations".to_owned(), self.validations());
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name(options)},
            "spec": spec,
        })
    }

    /// What must hold, and what is said where it does not.
    pub(super) fn validations(&self) -> Value {
        let validations = self.validations.iter().map(|validation| {
            json!({
                "expression": validation.expression,
                "messageExpression": validation.message,
                "reason": "Forbidden",
            })
        });
        validations.collect()
    }

    /// The bindings.
    pub(super) fn bindings(&self, options: &GuardOptions) -> Vec<Value> {
        self.actions(options).into_iter().map(|action| self.binding(action, options)).collect()
    }

    /// The actions. What no selector of namespaces reaches has one alone, the mildest: a label must not be what everybody
    /// waits for, and a stricter one would hold for the whole cluster at once.
    pub(super) fn actions(&self, options: &GuardOptions) -> Vec<GuardAction> {
        let mut actions = options.actions.clone();
        actions.sort_unstable();
        actions.dedup();
        if !self.namespaced {
            actions = actions.pop().into_iter().collect();
        }
        actions
    }

    /// An action in the words of a server.
    pub(super) fn validation_actions(&self, action: GuardAction) -> &'static [&'static str] {
        match (action, self.warns_only) {
            (GuardAction::Deny, false) => &["Deny", "Audit"],
            (GuardAction::Deny, true) | (GuardAction::Warn, _) => &["Warn", "Audit"],
            (GuardAction::Audit, _) => &["Audit"],
        }
    }

    fn binding(&self, action: GuardAction, options: &GuardOptions) -> Value {
        let actions = self.validation_actions(action);
        let mut spec = json!({"policyName": self.name(options), "validationActions": actions});
        if self.namespaced {
            spec["matchResources"] = json!({"namespaceSelector": options.selector(action)});
        }
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": format!("{}-{}", self.name(options), action.word())},
            "spec": spec,
        })
    }
}

/// A rule of `matchConstraints`.
pub(super) fn rule(
    group: &str,
    version: &str,
    resources: &[&str],
    operations: &[&str],
    scope: &str,
) -> Value {
    json!({
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": operations,
        "resources": resources,
        "scope": scope,
    })
}
