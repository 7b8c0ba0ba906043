use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::Case;
use crate::client::Client;
use crate::machine::{Machine, RESECRET, Run};
use crate::objects::Objects;
use crate::ways::{self, Scenario, install_exec_plugin};

pub(crate) const CASES: &[Case] = &[
    Case { name: "kustomize::fn_run", needs: &["kustomize"], run: fn_run },
    Case { name: "kustomize::fn_run_with_words", needs: &["kustomize"], run: fn_run_with_words },
    Case { name: "kustomize::names_change_after_the_function", needs: &["kustomize"], run: names_function },
    Case { name: "kustomize::names_change_after_the_plugin", needs: &["kustomize"], run: names_plugin },
    Case { name: "kustomize::a_function_needs_enable_exec", needs: &["kustomize", "helm3"], run: skipped },
    Case { name: "kustomize::a_plugin_must_be_there", needs: &["kustomize", "kubectl"], run: no_plugin },
];

const RESOURCES: &str = "\
# Source: app/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: app-secret
stringData:
  password: canary-1
---
# Source: app/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        # the mode of a file
        - {name: MODE, value: '0644'} # octal
        - {name: P, valueFrom: {secretKeyRef: {name: app-secret, key: password}}}
        - {name: SMTP_PASSWORD, value: canary-2-x}
";

/// Rules for them; with an annotation that makes Kustomize take the program as a function.
fn rules(annotated: bool) -> String {
    let function = format!("    config.kubernetes.io/function: |\n      exec: {{path: {RESECRET}}}\n");
    let annotations = if annotated { format!("  annotations:\n{function}") } else { String::new() };
    format!(
        "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nmetadata:\n  name: app\n{annotations}spec:\n  \
         secrets:\n  - {{name: app-secret, to: vault}}\n"
    )
}

fn kustomize(machine: &Machine, arguments: &[&str]) -> Result<Run> {
    Client::new(machine, "kustomize", &machine.path("overlay"))?.run(arguments.iter().copied())
}

/// Files are edited in place: the Secret's document goes, comments stay, a warning names the file and is in the results.
fn fn_run() -> Result<()> {
    let machine = Machine::new()?;
    let file = machine.write("overlay/app.yaml", RESOURCES)?;
    machine.write("overlay/resecret.yaml", &rules(true))?;
    fs::create_dir(machine.path("results"))?;
    let results = machine.path("results").display().to_string();
    let run =
        kustomize(&machine, &["fn", "run", ".", "--enable-exec", "--results-dir", &results])?.succeeded()?;
    ensure!(run.stderr.contains("at app.yaml, index 1, Deployment/web"), "{run}");
    ensure!(
        fs::read_to_string(file)? == expected(),
        "{}",
        fs::read_to_string(machine.path("overlay/app.yaml"))?
    );
    ensure!(fs::read_to_string(machine.path("overlay/resecret.yaml"))? == rules(true));
    let results = fs::read_to_string(machine.path("results/results-0.yaml"))?;
    for text in ["severity: warning", "path: app.yaml", "index: 1", "code: plaintext", "name: web"] {
        ensure!(results.contains(text), "{text:?} is not in {results}");
    }
    ensure!(!results.contains("canary"), "{results}");
    Ok(())
}

fn expected() -> String {
    let web = RESOURCES.split("---\n").nth(1).unwrap_or_default();
    web.replace("name: app-secret", "name: vault")
}

/// Without a file for the configuration: words become a ConfigMap.
fn fn_run_with_words() -> Result<()> {
    let machine = Machine::new()?;
    let langfuse = RESOURCES.replace("- name: web", "- name: langfuse-web").replace("MODE", "SALT");
    let file = machine.write("overlay/app.yaml", &langfuse)?;
    let words =
        ["fn", "run", ".", "--enable-exec", "--exec-path", RESECRET, "--", "preset=langfuse", "to=vault"];
    kustomize(&machine, &words)?.succeeded()?;
    let found = fs::read_to_string(file)?;
    ensure!(found.contains("{name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}}"), "{found}");
    Ok(())
}

fn names_function() -> Result<()> {
    names(true, &["build", ".", "--enable-alpha-plugins", "--enable-exec"])
}

fn names_plugin() -> Result<()> {
    names(false, &["build", ".", "--enable-alpha-plugins"])
}

/// Prefixes and hashes: references speak of the old name until Kustomize is done with its transformers.
fn names(annotated: bool, arguments: &[&str]) -> Result<()> {
    let machine = Machine::new()?;
    install_exec_plugin(&machine)?;
    let web = RESOURCES.split("---\n").nth(1).unwrap_or_default();
    machine.write("overlay/app.yaml", web)?;
    machine.write("overlay/resecret.yaml", &rules(annotated))?;
    machine.write(
        "overlay/kustomization.yaml",
        "resources: [app.yaml]\nnamePrefix: prod-\nnamespace: prod\nsecretGenerator:\n\
         - {name: app-secret, literals: [password=canary-1]}\ntransformers: [resecret.yaml]\n",
    )?;
    let run = kustomize(&machine, arguments)?.succeeded()?;
    let objects = Objects::read(&run.stdout)?.release;
    ensure!(objects.keys().eq(["Deployment prod-web"]), "{run}");
    let reference = "/spec/template/spec/containers/0/env/1/valueFrom/secretKeyRef/name";
    ensure!(objects["Deployment prod-web"].pointer(reference).is_some_and(|name| name == "vault"), "{run}");
    Ok(())
}

/// Kustomize's own gap, stated here so that the page about clients stays true: without `--enable-exec` it skips
/// the function, says nothing, and the Secret is in the output.
fn skipped() -> Result<()> {
    let machine = Machine::new()?;
    machine.write("overlay/app.yaml", RESOURCES)?;
    machine.write("overlay/resecret.yaml", &rules(true))?;
    machine.write("overlay/kustomization.yaml", "resources: [app.yaml]\ntransformers: [resecret.yaml]\n")?;
    let run = kustomize(&machine, &["build", ".", "--enable-alpha-plugins"])?.succeeded()?;
    ensure!(run.stdout.contains("canary-1") && run.stderr.is_empty(), "{run}");
    Ok(())
}

/// The exec plugin has no such gap: where plugins are not enabled, or this one is not installed, the build fails.
fn no_plugin() -> Result<()> {
    for (client, command) in [("kustomize", "build"), ("kubectl", "kustomize")] {
        let machine = Machine::new()?;
        let folder =
            ways::project(&machine, "kustomize-exec-plugin", &Scenario { chart: "umbrella", spec: None })?;
        machine.write("project of kustomize-exec-plugin/app.yaml", RESOURCES)?;
        fs::write(
            folder.join("kustomization.yaml"),
            "resources: [app.yaml]\ntransformers: [resecret.yaml]\n",
        )?;
        let build = |flags: &[&str], folder: &Path| {
            let run = Client::new(&machine, client, folder)?
                .run([command, "."].into_iter().chain(flags.iter().copied()));
            run?.failed()
        };
        for flags in [&["--enable-alpha-plugins"][..], &[]] {
            let run = build(flags, &folder)?;
            ensure!(run.stdout.is_empty(), "{run}");
            run.says("plugin")?;
        }
        install_exec_plugin(&machine)?;
        build(&[], &folder)?.says("external plugins disabled")?;
    }
    Ok(())
}
