use serde_json::Value;
use serde_yaml::Value as Yaml;

use crate::harness::{CONFIG, Output, Run, resecret};

/// A chart that makes something of its own on every render: `made` is what it makes this time.
fn render(made: &str) -> String {
    format!(
        "\
---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {{name: shop-db, namespace: shop}}
stringData: {{user: shop, password: canary-{made}-password}}
---
# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  template:
    metadata:
      annotations:
        checksum/secret: canary-{made}-hash
    spec:
      containers:
      - name: web
        env:
        - {{name: LOG, value: info}}
        - {{name: INSTANCE, value: canary-{made}-instance}}
        - name: PASSWORD
          valueFrom: {{secretKeyRef: {{name: shop-db, key: password}}}}
"
    )
}

/// One whose objects hold what no rule takes out.
fn stubborn(made: &str) -> String {
    render(made)
        + &format!(
            "\
---
apiVersion: v1
kind: Secret
metadata: {{name: shop-run-{made}}}
stringData: {{token: canary-{made}-token}}
---
apiVersion: v1
kind: Secret
metadata: {{name: shop-account, annotations: {{made: canary-{made}-note}}}}
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: shop, annotations: {{made: canary-{made}-note}}}}
data: {{app.ini: canary-{made}-ini}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: migrate}}
spec:
  template:
    spec:
      containers:
      - {{name: migrate, args: [--seed, canary-{made}-seed]}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: once-{made}}}
"
        )
}

/// Rules that stop all that [`render`] makes.
const RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: shop-db, to: vault}]
  env: [{to: vault, vars: {INSTANCE: instance}}]
  dropAnnotations: [checksum/secret]
";

/// Rules that stop none of it.
const NO_RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  duplicates: last
  policy: {plaintext: allow}
";

fn compared(command: &str, one: &str, other: &str) -> Run {
    resecret().file("one.yaml", one).file("other.yaml", other).args([
        command,
        "--again",
        "other.yaml",
        "one.yaml",
    ])
}

fn scan(one: &str, other: &str) -> Run {
    compared("scan", one, other)
}

fn check(one: &str, other: &str, rules: &str) -> Run {
    compared("check", one, other).config(rules)
}

/// The findings of a check about what changes, as (message, help).
fn changing(output: &Output) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&output.text()).expect("JSON");
    let results = report["results"].as_array().expect("a list");
    let changing = results.iter().filter(|result| result["tags"]["code"] == "changes-on-every-render");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    changing.map(|result| (text(&result["message"]), text(&result["tags"]["help"]))).collect()
}

#[test]
fn scan_lists_what_the_render_has_made_and_what_changes_with_it() {
    scan(&stubborn("one"), &stubborn("other")).run().finds().is("again-scan");
    scan(&render("one"), &render("other")).args(["--format", "json"]).run().finds().is("again-scan-json");
    scan(&render("one"), &render("other")).args(["--exit-zero"]).run().succeeds();
}

#[test]
fn check_names_each_place_that_still_changes_and_what_would_stop_it() {
    check(&stubborn("one"), &stubborn("other"), NO_RULES).run().finds().is("again-check");
}

#[test]
fn two_renders_that_are_the_same_are_nothing_to_report() {
    let output = scan(&render("one"), &render("one")).run().succeeds();
    assert_eq!(output.text(), "");
    assert!(output.stderr.contains("one.yaml and other.yaml compared: no difference"), "{}", output.stderr);
    check(&render("one"), &render("other"), RULES).run().succeeds();
}

/// Adds the entry that a help asks for to its list, which may be one of a rule: `secrets[0].only`.
fn paste(rules: &str, help: &str) -> String {
    let line = help.lines().next().and_then(|line| line.strip_prefix("add to spec."));
    let (list, entry) = line.and_then(|line| line.split_once(": - ")).unwrap_or_else(|| panic!("{help}"));
    let mut rules: Yaml = serde_yaml::from_str(rules).expect("a configuration");
    let mut at = rules.get_mut("spec").expect("a spec");
    for step in list.split('.') {
        let (field, position) = step.strip_suffix(']').and_then(|step| step.split_once('[')).unzip();
        let fields = at.as_mapping_mut().expect("a mapping");
        at = fields.entry(field.unwrap_or(step).into()).or_insert_with(|| Yaml::Sequence(Vec::new()));
        if let Some(position) = position {
            let position: usize = position.parse().expect("a position");
            at = at.get_mut(position).expect("a rule");
        }
    }
    let entry: Yaml = serde_yaml::from_str(entry).expect("an entry");
    let flow: Yaml = serde_yaml::from_str(
        &format!("[{help}]", help = line.expect("a line")).replace(&format!("{list}: - "), ""),
    )
    .expect("a list");
    assert_eq!(flow[0], entry, "the same between brackets");
    let items = at.as_sequence_mut().expect("a list");
    if !items.contains(&entry) {
        items.push(entry);
    }
    serde_yaml::to_string(&rules).expect("YAML")
}

/// Whatever a help line says to add to `spec` makes its finding go away, and no other but those of the same rule.
#[test]
fn the_rules_that_the_findings_show_stop_what_they_are_about() {
    let split = NO_RULES.to_owned()
        + "  secrets: [{name: shop-settings, only: [TZ], to: settings-vault}]\n"
        + "  configMaps: [{name: shop, only: [LANG], to: settings-vault}]\n";
    let [of_render, of_made] = [render, made].map(|render| ["one", "other"].map(render));
    for ([one, other], start, count) in
        [(&of_render, NO_RULES, 3), (&of_made, NO_RULES, 9), (&of_made, split.as_str(), 9)]
    {
        let run = |rules: &str| check(one, other, rules).args(["--format", "json"]).run();
        let found = changing(&run(start).finds());
        assert_eq!(found.len(), count, "{found:?}");
        let mut rules = start.to_owned();
        for (position, (message, help)) in found.iter().enumerate() {
            rules = paste(&rules, help);
            let (left, expected) = (changing(&run(&rules)), &found[position + 1..]);
            let is_left = |(message, _): &(String, String)| left.iter().any(|(other, _)| other == message);
            assert!(!is_left(&found[position]), "{message} with {rules}");
            let same_rule = |other: &&(String, String)| other.1.lines().next() != help.lines().next();
            for other in expected.iter().filter(same_rule) {
                assert!(is_left(other), "{} with {rules}", other.0);
            }
        }
        assert!(changing(&run(&rules)).is_empty(), "{rules}");
    }
}

/// [`mixed`] without the Secret whose name is generated.
fn made(made: &str) -> String {
    mixed(made).replace(&format!("shop-run-{made}"), "shop-run")
}

#[test]
fn one_of_the_two_can_come_from_standard_input() {
    let other = render("other");
    let second = resecret().file("one.yaml", render("one")).stdin(other.clone());
    let second = second.args(["scan", "--again", "-", "one.yaml"]).run().finds();
    assert!(
        second.stderr.contains("one.yaml and stdin compared: 1 in Secrets, 2 elsewhere"),
        "{}",
        second.stderr
    );
    let first =
        resecret().file("one.yaml", render("one")).stdin(other).args(["check", "--again", "one.yaml"]);
    first.config(RULES).run().succeeds();
}

#[test]
fn exactly_two_renders_are_compared() {
    for command in ["scan", "check"] {
        let says = |args: &[&str], expected: &str| {
            let run = resecret().file("one.yaml", render("one")).file("other.yaml", render("other"));
            let run = if command == "check" { run.config(RULES) } else { run };
            let output = run.first_arg(command).args(args).run().fails();
            assert!(output.stderr.contains(expected), "{command} {args:?}: {}", output.stderr);
        };
        says(&["--again", "one.yaml", "one.yaml", "other.yaml"], "name one file beside it, not 2");
        says(&["--again", "-"], "standard input is one render: write the other one to a file");
        says(&["--again", "absent.yaml", "one.yaml"], "cannot read absent.yaml");
    }
}

/// A chart whose objects hold settings beside what it makes, one under a name of its own, and whose pods share an annotation.
fn mixed(made: &str) -> String {
    render(made)
        + &format!(
            "\
---
apiVersion: v1
kind: Secret
metadata: {{name: shop-settings, namespace: shop}}
stringData: {{TZ: Etc/UTC, LOG_LEVEL: info, SEED: canary-{made}-seed}}
---
apiVersion: v1
kind: Secret
metadata: {{name: shop-run-{made}, namespace: shop}}
stringData: {{token: canary-{made}-token}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: shop, namespace: shop}}
data: {{LANG: C, COOKIE: canary-{made}-cookie, app.ini: \"a = 1\\nb = canary-{made}-ini\\n\"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker, namespace: shop}}
spec:
  template:
    metadata:
      annotations: {{checksum/config: canary-{made}-config, rolled: canary-{made}-time, note: the same}}
    spec:
      containers:
      - name: worker
        envFrom:
        - secretRef: {{name: shop-settings}}
        - configMapRef: {{name: shop}}
        env:
        - name: RUN
          valueFrom: {{secretKeyRef: {{name: shop-run-{made}, key: token}}}}
      volumes:
      - {{name: config, configMap: {{name: shop}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: proxy, namespace: shop}}
spec:
  template:
    metadata:
      annotations: {{checksum/config: stable}}
    spec:
      containers: [{{name: proxy, image: example.org/proxy}}]
"
        )
}

/// One whose Job has another name each time.
fn job(made: &str) -> String {
    format!(
        "\
apiVersion: batch/v1
kind: Job
metadata: {{name: seed-{made}-run}}
spec:
  template:
    spec:
      containers:
      - {{name: seed, env: [{{name: PASSWORD, value: canary-pass}}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: seed}}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - {{name: seed, env: [{{name: PASSWORD, value: none}}]}}
"
    )
}

#[test]
fn scan_proposes_what_stops_all_that_the_render_makes() {
    for (one, other) in [("one", "other"), ("other", "one")] {
        let output = scan(&mixed(one), &mixed(other)).args(["--write", "rules.yaml"]).run().succeeds();
        let rules = output.file("rules.yaml");
        if one == "one" {
            output.is("again-scan-write");
            output.file_is("rules.yaml", "again-proposal");
        }
        check(&mixed(one), &mixed(other), &rules).run().succeeds();
        check(&mixed("third"), &mixed("fourth"), &rules).run().succeeds();
    }
    // All in one Secret.
    let output = scan(&mixed("one"), &mixed("other")).args(["--write", "rules.yaml", "--to", "one-vault"]);
    let rules = output.run().succeeds().file("rules.yaml");
    check(&mixed("one"), &mixed("other"), &rules).run().succeeds();
}

#[test]
fn a_proposal_names_what_still_changes() {
    for (render, name) in [(stubborn as fn(&str) -> String, "again-left"), (job, "again-left-job")] {
        let output = scan(&render("one"), &render("other")).args(["--write", "rules.yaml"]).run().succeeds();
        output.file_is("rules.yaml", name);
        let rules = output.file("rules.yaml");
        let found = check(&render("one"), &render("other"), &rules).args(["--format", "json"]).run().finds();
        let found = changing(&found);
        assert!(!found.is_empty());
        for (message, _) in &found {
            assert!(rules.contains(message), "{message} is not in the file");
        }
        let note = format!("{} places still change", found.len());
        assert!(output.stderr.contains(&note), "{}", output.stderr);
        for value in ["canary", "Y2FuYXJ5"] {
            assert!(!rules.contains(value), "{rules}");
        }
    }
}

#[test]
fn a_proposal_is_written_only_where_rules_can_do_something() {
    let same = |made: &str| format!("kind: A\nmetadata: {{name: a}}\nspec: {made}\n");
    let output = scan(&same("one"), &same("other")).args(["--write", "rules.yaml"]).run().finds();
    assert!(output.stderr.contains("nothing that a rule could do"), "{}", output.stderr);
    assert!(!output.path("rules.yaml").exists());
    let there = scan(&render("one"), &render("other")).file("rules.yaml", "mine");
    there.args(["--write", "rules.yaml"]).run().fails();
    let output = scan(&render("one"), "a: [\n").args(["--write", "rules.yaml"]).run().fails();
    assert!(output.stderr.contains("rules.yaml not written"), "{}", output.stderr);
}

#[test]
fn a_second_render_that_cannot_be_judged_is_an_error_with_its_name() {
    let empty = [scan(&render("one"), ""), check(&render("one"), "", RULES)].map(|run| (run, "empty-input"));
    for (run, code) in empty.into_iter().chain([(scan(&render("one"), "a: [\n"), "not-yaml")]) {
        let output = run.run().fails();
        assert!(output.stderr.contains(code) && output.stderr.contains("other.yaml"), "{}", output.stderr);
    }
    // The rule matches in one render only.
    let output = check(&render("one"), "kind: A\n", CONFIG).run().finds();
    assert!(output.text().contains("unmatched"), "{}", output.text());
    let output = check(&render("one"), &render("other").replace("shop-db", "db"), RULES).run().finds();
    assert!(output.text().contains(", in other.yaml"), "{}", output.text());
}

#[test]
fn the_innermost_place_is_named_wherever_the_object_is() {
    let paths = |one: &str, other: &str| {
        let output = scan(one, other).args(["--format", "json"]).run();
        let report: Value = serde_json::from_str(&output.text()).expect("JSON");
        let changes = report["changes"].as_array().expect("a list").clone();
        let path = |change: &Value| {
            let path = change["path"].as_str().unwrap_or_default().to_owned();
            change["onlyIn"].as_str().map_or(path.clone(), |side| format!("{path} only in {side}"))
        };
        changes.iter().map(path).collect::<Vec<_>>()
    };
    let head = "kind: A\nmetadata: {name: a}\n";
    let both = |one: &str, other: &str| paths(&format!("{head}{one}"), &format!("{head}{other}"));
    assert_eq!(both("spec: {a: {b: [1, 2]}}", "spec: {a: {b: [1, 3]}}"), ["spec.a.b[1]"]);
    assert_eq!(both("spec: [1]", "spec: [1, 2, 3]"), ["spec[1] only in second", "spec[2] only in second"]);
    assert_eq!(
        both("spec: {a: 1, b: 2}", "spec: {b: 2, c: 3}"),
        ["spec.a only in first", "spec.c only in second"]
    );
    assert_eq!(both("spec: {b: 2, a: 1}", "spec:\n  a: 1\n  b: 2"), [""], "only the text differs");
    assert_eq!(both("spec: 5", "spec: \"5\""), ["spec"]);
    assert_eq!(both("spec: {a: 1}", "spec: [1]"), ["spec"]);
    assert_eq!(both("a: &x 1\nb: *x", "a: &x 2\nb: *x"), ["a"]);
    assert_eq!(both("a: 1\na: 2", "a: 1\na: 3"), ["a"], "a key that is written twice");
    // Objects are the same by what names them, not by their place.
    let list = |items: &str| format!("kind: List\nitems:\n{items}");
    let (b, a) = ("- {kind: B, metadata: {name: b}}\n", "- {kind: A, metadata: {name: a}, spec: ");
    assert_eq!(paths(&list(&format!("{a}1}}\n{b}")), &list(&format!("{b}{a}2}}\n"))), ["items[0].spec"]);
    assert_eq!(
        paths(&list(&format!("{a}{{}}}}\n{b}")), &list(&format!("{b}{a}{{c: 2}}}}\n"))),
        ["items[1].spec.c only in second"]
    );
    assert_eq!(paths(&format!("{head}---\nkind: B\n"), &format!("kind: B\n---\n{head}")), [""]);
    assert_eq!(
        paths(head, &head.replace("kind: A", "apiVersion: v2\nkind: A")),
        ["apiVersion only in second"]
    );
}

#[test]
fn no_value_is_shown() {
    const VALUE: &str = "Kq7vXw9mLc3pRt5y";
    let (mut one, other) = (stubborn("one"), stubborn("other"));
    // A value of a Secret where a name belongs.
    one += &format!(
        "---\nkind: Secret\napiVersion: v1\nmetadata: {{name: named}}\nstringData: {{token: {VALUE}}}\n"
    );
    one +=
        &format!("---\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: named}}\ndata: {{{VALUE}: x}}\n");
    let other = other + "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: named}\ndata: {}\n";
    for format in ["text", "json", "github", "sarif"] {
        let mut runs = vec![check(&one, &other, NO_RULES), check(&other, &one, NO_RULES)];
        if ["text", "json"].contains(&format) {
            runs.extend([scan(&one, &other), scan(&other, &one)]);
        }
        for run in runs {
            let output = run.args(["--format", format]).run().finds();
            let shown = output.text() + &output.stderr;
            assert!(shown.contains("shop-db"), "{shown}");
            for value in ["canary", "Y2FuYXJ5", VALUE] {
                assert!(!shown.contains(value), "{format} shows {value}: {shown}");
            }
        }
    }
}
