use std::collections::BTreeMap;
use std::fs;

use resecret::{Code, Config, ObjectChange, PatchTarget};
use serde::Deserialize as _;
use serde_json::Value;

use crate::fixture_folders;
use crate::harness::{CONFIG, RENDER, resecret};

#[test]
fn each_form_is_what_a_user_sees() {
    for form in ["json6902", "kustomize", "flux"] {
        let output = resecret().args(["patches", "-o", form]).config(CONFIG).run().succeeds();
        output.is(&format!("patches-{form}"));
    }
    let default = resecret().args(["patches"]).config(CONFIG).run().succeeds();
    default.is("patches-kustomize");
}

#[test]
fn a_run_that_changes_nothing_has_no_patches() {
    let args = ["patches", "--allow-unmatched"];
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n";
    resecret().args(args).config(CONFIG).stdin(pod).run().succeeds().is("patches-none");
}

#[test]
fn what_cannot_be_filtered_is_an_error() {
    resecret().args(["patches"]).config(&CONFIG.replace("name: app-secret", "name: absent")).run().fails();
}

#[test]
fn an_object_that_a_patch_cannot_name_is_an_error() {
    let run = |stream: String| resecret().args(["patches"]).config(CONFIG).stdin(stream).run();
    let twin = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\n";
    run(format!("{RENDER}{twin}")).fails().is("patches-twin");
    run(RENDER.replace("metadata: {name: web}", "metadata: {generateName: web-}"))
        .fails()
        .is("patches-without-name");
    // One of another namespace, group or kind is another object.
    for other in [
        twin.replace("name: web", "name: web, namespace: other"),
        twin.replace("kind: Pod", "kind: PodTemplate"),
        twin.replace("v1", "example.org/v2"),
    ] {
        run(format!("{RENDER}{other}")).succeeds();
    }
}

#[test]
fn several_renders_have_patches_together() {
    let files = |second: &str| {
        let run = resecret().args(["patches", "r"]).config(CONFIG).stdin("");
        run.file("r/a.yaml", RENDER).file("r/b.yaml", second).run()
    };
    let other = RENDER.replace("metadata: {name: ", "metadata: {namespace: other, name: ");
    files(&other).succeeds().is("patches-two-renders");
    // In one Kustomization a patch could find the object of the other render.
    files(RENDER).fails().is("patches-two-renders-of-one-name");
}

/// Objects by what names them.
fn objects(stream: &[u8]) -> Option<BTreeMap<String, Value>> {
    let stream = std::str::from_utf8(stream).ok()?;
    let mut found = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_str(stream.trim_start_matches('\u{feff}')) {
        collect(&Value::deserialize(document).ok()?, &mut found);
    }
    Some(found)
}

fn collect(object: &Value, found: &mut BTreeMap<String, Value>) {
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    if let Some(items) = object["items"].as_array().filter(|_| is_list) {
        for item in items {
            collect(item, found);
        }
    } else if !object.is_null() {
        let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = [word("/apiVersion"), word("/kind"), word("/metadata/namespace"), word("/metadata/name")];
        found.insert(key.join(" "), object.clone());
    }
}

fn key(target: &PatchTarget, objects: &BTreeMap<String, Value>) -> String {
    let key = |namespace: &str| [&target.api_version(), &target.kind, namespace, &target.name].join(" ");
    let named = key(target.namespace.as_deref().unwrap_or_default());
    // `default` may stand for an object without a namespace.
    if objects.contains_key(&named) { named } else { key("") }
}

/// The stream with an `apiVersion` in each document that begins with a `kind` and has none: fixtures are terse, and a
/// patch needs one.
fn with_api_versions(input: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(input) else { return input.to_vec() };
    let complete = |document: &str| {
        let end = if document.contains("\r\n") { "\r\n" } else { "\n" };
        match document.find("\nkind: ").map(|at| at + 1).or(document.starts_with("kind: ").then_some(0)) {
            Some(at) if !document.contains("apiVersion") => {
                format!("{}apiVersion: v1{end}{}", &document[..at], &document[at..])
            }
            _ => document.to_owned(),
        }
    };
    let documents: Vec<String> = text.split("\n---").map(complete).collect();
    documents.join("\n---").into_bytes()
}

/// Over every fixture: the patches, applied one by one, make the objects that the filter makes.
#[test]
fn the_patches_make_what_the_filter_makes() {
    let (mut agreed, mut refused) = (0, Vec::new());
    for folder in fixture_folders::all() {
        let name = fixture_folders::name(&folder);
        // Of those another reader makes other objects than Kubernetes does.
        if name.starts_with("reader/") {
            continue;
        }
        let Ok(text) = fs::read_to_string(folder.join("config.yaml")) else { continue };
        let input = with_api_versions(&fs::read(folder.join("input.yaml")).expect("an input"));
        let mut config = Config::default();
        if config.add_file("config.yaml", &text).is_err() {
            continue;
        }
        let Ok(filtered) = resecret::filter(&input, &config) else {
            assert!(resecret::plan(&input, &config).is_err(), "{name}: the filter fails, the plan does not");
            continue;
        };
        let plan = match resecret::plan(&input, &config) {
            Ok(plan) => plan,
            Err(error) => {
                assert_eq!(error.code(), Code::Untargetable, "{name}: {error}");
                refused.push(name);
                continue;
            }
        };
        let (Some(mut patched), Some(wanted)) = (objects(&input), objects(&filtered.to_vec())) else {
            continue;
        };
        for patch in plan.patches() {
            let key = key(&patch.target, &patched);
            match &patch.change {
                ObjectChange::Delete => {
                    drop(patched.remove(&key).unwrap_or_else(|| panic!("{name}: no {key}")));
                }
                ObjectChange::Json6902(operations) => {
                    let operations: json_patch::Patch =
                        serde_json::from_value(operations.clone().into()).expect("a JSON patch");
                    let object = patched.get_mut(&key).unwrap_or_else(|| panic!("{name}: no {key}"));
                    json_patch::patch(object, &operations).unwrap_or_else(|error| panic!("{name}: {error}"));
                }
                _ => panic!("{name}: a change of another kind"),
            }
        }
        assert_eq!(patched, wanted, "{name}");
        agreed += 1;
    }
    assert!(agreed > 120, "only {agreed} fixtures agreed; refused: {refused:?}");
}
