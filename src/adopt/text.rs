//! What the two scripts share: names and flags of the release, shell functions, numbered steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::adopt::adoption::{Adoption, Helm};
use crate::adopt::shell::{word, words};
use crate::analysis::keys::Vault;
use crate::analysis::upgrade::release::{Member, Release};

/// What all scripts share.
const FUNCTIONS: &str = include_str!("functions.sh");

/// A title and the commands below it.
pub(super) type TitledCommands = (&'static str, String);

/// The script: its head, what belongs to this release alone, the functions, the steps, and the last words.
pub(super) fn script(head: &str, own: &str, steps: &[TitledCommands], end: &str) -> String {
    let rule = "=".repeat(98);
    let lint =
        "# shellcheck disable=SC2016 # templates of kubectl and words for a reader are not for the shell\n";
    let mut text = format!("#!/bin/sh\n{lint}{head}set -eu\n\n{own}\n{FUNCTIONS}\n# ==== the steps {rule}\n");
    for (number, (title, commands)) in steps.iter().enumerate() {
        let title = format!("{} of {}: {title}", number + 1, steps.len());
        text += &format!("\nstep {}\n{commands}", word(&title));
    }
    format!("{text}\n$dry_run && exit\n{end}")
}

/// Names of this release, the arguments of the script, and the programs with the flags that they always take.
pub(super) fn names(adoption: &Adoption) -> String {
    let Adoption { release, namespace, context, rules, render, .. } = adoption;
    let flag =
        |flag: &str| context.as_ref().map(|name| format!(" {flag} {}", word(name))).unwrap_or_default();
    let (helm, kubectl) = (flag("--kube-context"), flag("--context"));
    let here = here(context.as_deref(), namespace.as_deref());
    let line = "=".repeat(95);
    let fields = [
        ("line", line.as_str()),
        ("release", &word(release)),
        ("here", &here),
        ("render", &word(render)),
        ("helm", &helm),
        ("helm-word", &word(&helm)),
        ("kubectl", &kubectl),
        ("kubectl-word", &word(&kubectl)),
        ("rules", &words(rules)),
    ];
    filled(NAMES, &fields)
}

/// The lines that say the context and the namespace, asked of kubectl where the adoption does not say them.
fn here(context: Option<&str>, namespace: Option<&str>) -> String {
    match (context.map(word), namespace.map(word)) {
        (Some(context), Some(namespace)) => format!("context={context}\nnamespace={namespace}"),
        (Some(context), None) => format!(
            "context={context}\nnamespace=$(command kubectl --context {context} config view --minify -o 'jsonpath={{..namespace}}')"
        ),
        (None, Some(namespace)) => {
            format!("context=$(command kubectl config current-context)\nnamespace={namespace}")
        }
        (None, None) => HERE.to_owned(),
    }
}

// The namespace comes first: where there is none, the line break before the context stays.
const HERE: &str = r#"context=$(command kubectl config view --minify -o 'jsonpath={..namespace}{"\n"}{.current-context}')
namespace=${context%%
*}
context=${context#*
}"#;

/// A template with its fields, each between two `%`, filled in.
fn filled(template: &str, fields: &[(&str, &str)]) -> String {
    let parts = template.split('%').enumerate();
    let part = |(number, part)| match fields.iter().find(|(name, _)| number % 2 == 1 && *name == part) {
        Some((_, value)) => *value,
        None => part,
    };
    parts.map(part).collect()
}

/// Where [`names`] puts what belongs to a release.
const NAMES: &str = r#"# ==== this release %line%

release=%release%
render=%render%
# How many seconds to wait for a vaulted Secret, and for pods.
patience=300

dry_run=false
case ${1-} in
'') ;;
--dry-run) dry_run=true ;;
*)
    echo "usage: sh $0 [--dry-run]" >&2
    exit 2
    ;;
esac

for program in helm kubectl resecret awk grep sed; do
    command -v "$program" >/dev/null || {
        echo "stopped: $program is not on PATH" >&2
        exit 1
    }
done
%here%
namespace=${namespace:-default}
home=$namespace

helm() { command helm%helm% --namespace "$namespace" "$@"; }
kubectl() { command kubectl%kubectl% --namespace "$namespace" "$@"; }

# suggest PROGRAM ARGUMENT...: a command to type, with the flags that it takes here.
suggest() {
    program=$1
    shift
    case $program in
    helm) flags=%helm-word% ;;
    *) flags=%kubectl-word% ;;
    esac
    say "  $program$flags --namespace $namespace $*"
}

# with_rules COMMAND ARGUMENT...: resecret with the rules of this release.
with_rules() {
    verb=$1
    shift
    resecret "$verb" %rules% "$@"
}

"#;

/// The function that prints the live objects with variables and Secrets.
pub(super) fn live_objects<'r>(objects: impl Iterator<Item = &'r Member>) -> String {
    let mut by_namespace: BTreeMap<Option<&str>, BTreeSet<String>> = BTreeMap::new();
    for object in objects {
        by_namespace.entry(object.namespace()).or_default().insert(object.resource());
    }
    let mut text =
        "# The live objects with variables and Secrets, for pipes only.\nlive_objects() {\n".to_owned();
    for (namespace, objects) in by_namespace {
        let objects: String = objects.iter().map(|object| format!(" \\\n        {}", word(object))).collect();
        let namespace = in_namespace(namespace);
        text += &format!(
            "    kubectl get{namespace} --ignore-not-found -o yaml{objects} || return\n    echo ---\n"
        );
    }
    text + "}\n"
}

/// The function that prints the vaulted Secrets; `None` where nothing reads one.
pub(super) fn vaulted(vault: &Vault) -> Option<String> {
    let mut by_namespace: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for secret in vault.secrets() {
        by_namespace.entry(secret.namespace.as_deref()).or_default().push(&secret.name);
    }
    let mut text = "# The vaulted Secrets, for pipes only.\nvaulted() {\n".to_owned();
    for (namespace, names) in &by_namespace {
        let (namespace, names) = (in_namespace(*namespace), words(names));
        text += &format!(
            "    kubectl get secret{namespace} --ignore-not-found -o yaml {names} || return\n    echo ---\n"
        );
    }
    (!by_namespace.is_empty()).then(|| text + "}\n")
}

/// The objects of a manifest that a script looks at.
pub(super) fn compared<'r>(next: &'r Release<'_>) -> impl Iterator<Item = &'r Member> {
    next.members().filter(|member| !member.is_hook && member.has_variables_or_secrets())
}

/// The first step: are cluster, Helm and files those that the script was made for?
pub(super) fn place(adoption: &Adoption, has_renderer: bool) -> String {
    let Adoption { helm, rules, render, .. } = adoption;
    let number = helm.number();
    let mut text = format!(
        "version=$(ask helm version --template '{{{{.Version}}}}') || exit 1\ncase $version in\nv{number}.*) ;;\n\
         *) stop \"this script is for Helm {number}, and helm is $version. Make it again with --helm\" ;;\nesac\n"
    );
    if *helm == Helm::Four && has_renderer {
        text += "helm plugin list 2>/dev/null | grep -q '^resecret-post-renderer[[:space:]]' ||\n    \
                 stop \"Helm 4 needs the plugin resecret-post-renderer: see Install in resecret's README\"\n";
    }
    let files = rules.iter().filter_map(|rule| rule.strip_prefix("--config="));
    for file in files.chain([render.as_str()]) {
        let stop = word(&format!("{file} is not here: run this script in the folder that it was made in"));
        text += &format!("test -r {} || stop {stop}\n", word(file));
    }
    text + "read_history\nsay \"  release $release, revision $deployed, in namespace $namespace of context $context\"\n"
}

/// The kinds whose pods a controller makes, and whose rollout kubectl knows.
pub(super) const CONTROLLERS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// The step that waits for the pods of controllers. Objects that were there before come first: they say whether the
/// cluster has controllers.
pub(super) fn wait(previous: &Release<'_>, next: &Release<'_>) -> String {
    let objects = compared(next).filter(|object| CONTROLLERS.contains(&object.kind()));
    let (old, new): (Vec<_>, Vec<_>) = objects.partition(|object| previous.find(object).is_some());
    let line = |object: &Member, age: &str| {
        within(object.namespace(), &format!("ready {age} {}", word(&object.resource())))
    };
    let old = old.into_iter().map(|object| line(object, "old"));
    let text: String = old.chain(new.into_iter().map(|object| line(object, "new"))).collect();
    if text.is_empty() { "say '  no pods of a controller'\n".to_owned() } else { text }
}

/// The flag for kubectl, where an object says its namespace.
pub(super) fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|name| format!(" --namespace {}", word(name))).unwrap_or_default()
}

/// A line of the steps, in a namespace.
pub(super) fn within(namespace: Option<&str>, line: &str) -> String {
    match namespace {
        Some(name) => format!("within {} {line}\n", word(name)),
        None => format!("{line}\n"),
    }
}

/// Lines one level further in.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
