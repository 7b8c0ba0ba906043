//! Large and hostile input: a right result or an error, and in time.
//!
//! The bound is far above what a run takes and far below what work that grows with the square of the input would
//! take; where the system tells, a thread's own time counts, so that a busy machine fails nothing.

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use resecret::{Code, Config, Error, filter};

const RULES: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: 'lf-app*', to: vault}]
  policy: {unmatched: allow}
";

const SECRET: &str = "---\nkind: Secret\nmetadata: {name: lf-app}\nstringData: {salt: canary-value}\n";

/// Runs a stream and fails where it takes longer than anything linear would.
#[track_caller]
fn run(input: &str) -> Result<String, Error> {
    let mut config = Config::default();
    config.add_file("rules.yaml", RULES).expect("a configuration");
    let (begin, used) = (Instant::now(), thread_time());
    let result = filter(input.as_bytes(), &config).map(|filtered| filtered.to_vec());
    let took = thread_time().zip(used).map_or(begin.elapsed(), |(now, before)| now.saturating_sub(before));
    assert!(took < Duration::from_secs(40), "{} bytes took {took:?}", input.len());
    result.map(|output| String::from_utf8(output).expect("the input was UTF-8"))
}

/// The processor time of this thread, where Linux tells.
fn thread_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[track_caller]
fn refused(input: &str) -> Vec<&'static str> {
    let error = run(input).expect_err("it is refused");
    error.diagnostics().iter().map(|diagnostic| diagnostic.code.id()).collect()
}

/// A Pod whose only container has these variables.
fn pod(env: &str) -> String {
    format!("---\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    env:\n{env}")
}

fn lines(count: usize, mut line: impl FnMut(&mut String, usize)) -> String {
    let mut text = String::new();
    (0..count).for_each(|number| line(&mut text, number));
    text
}

#[test]
fn ten_thousand_variables() {
    let variables = lines(10_000, |text, n| {
        let _ = writeln!(
            text,
            "    - name: V{n}\n      valueFrom: {{secretKeyRef: {{name: lf-app, key: salt}}}}"
        );
    });
    let output = run(&format!("{SECRET}{}", pod(&variables))).expect("it goes through");
    assert_eq!(output, pod(&variables).replace("lf-app", "vault"));
}

#[test]
fn ten_thousand_variables_in_one_flow_line() {
    let variables = lines(10_000, |text, n| {
        let _ = write!(text, "{{name: V{n}, valueFrom: {{secretKeyRef: {{name: lf-app, key: salt}}}}}}, ");
    });
    let pod = format!(
        "---\n{{kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{env: [{variables}]}}]}}}}\n"
    );
    let output = run(&format!("{SECRET}{pod}")).expect("it goes through");
    assert_eq!(output, pod.replace("lf-app", "vault"));
}

/// Each variable stands twice, and its first entry is used: that stays where they are equal, and nothing can be done where they
/// differ.
#[test]
fn five_thousand_duplicates_that_are_used_in_between() {
    let entry = |name: &str, value: &str| {
        lines(5000, |text, n| {
            let value = value.replace('#', &n.to_string());
            let _ = writeln!(text, "    - name: {name}{n}\n      value: {value}");
        })
    };
    let users = entry("U", "$(V#)");
    let stream = |last: &str| {
        let entries = [entry("V", "old#"), users.clone(), entry("V", last)].concat();
        format!("{SECRET}{}", pod(&entries))
    };
    let output = run(&stream("old#")).expect("it goes through");
    assert_eq!(output, pod(&[entry("V", "old#"), users.clone()].concat()));
    let refused = run(&stream("new#")).expect_err("they differ");
    assert_eq!(refused.code(), Code::EnvOrder);
}

#[test]
fn ten_thousand_entries_of_one_name() {
    let variables = "    - name: V\n      value: $(W)\n";
    let output = run(&format!("{SECRET}{}", pod(&variables.repeat(10_000)))).expect("it goes through");
    assert_eq!(output, pod(variables));
}

#[test]
fn ten_thousand_pull_secrets() {
    let pod =
        |items: &str| format!("---\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  imagePullSecrets:\n{items}");
    let output =
        run(&format!("{SECRET}{}", pod(&"  - name: lf-app\n".repeat(10_000)))).expect("it goes through");
    assert_eq!(output, pod("  - name: vault\n"));
}

#[test]
fn a_hundred_thousand_documents() {
    let stream = lines(100_000, |text, n| {
        let _ = writeln!(text, "---\nkind: ConfigMap\nmetadata: {{name: c{n}}}");
    });
    let output = run(&format!("{SECRET}{stream}")).expect("it goes through");
    assert!(output == stream, "all stay as they are");
}

#[test]
fn five_thousand_documents_with_a_secret_and_its_reader_each() {
    let reader = |n: usize, secret: &str| {
        let entry = format!("{{name: A, valueFrom: {{secretKeyRef: {{name: {secret}, key: salt}}}}}}");
        format!(
            "---\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: c, env: [{entry}]}}]}}\n"
        )
    };
    let stream = lines(5000, |text, n| {
        let secret = format!("lf-app-{n}");
        let _ = writeln!(text, "---\nkind: Secret\nmetadata: {{name: {secret}}}\nstringData: {{salt: x}}");
        text.push_str(&reader(n, &secret));
    });
    let output = run(&stream).expect("it goes through");
    assert!(output == lines(5000, |text, n| text.push_str(&reader(n, "vault"))), "all read the vault");
}

/// Findings in each object of a long list: each needs its place in the stream.
#[test]
fn a_list_of_ten_thousand_objects_with_findings() {
    let items = lines(10_000, |text, n| {
        let _ = writeln!(
            text,
            "- {{kind: Pod, metadata: {{name: p{n}}}, spec: {{containers: [{{env: [{{name: A_PASSWORD, value: canary-{n}-Value}}]}}]}}}}"
        );
    });
    let list = format!("---\nkind: List\nitems:\n{items}");
    let output = run(&format!("{SECRET}{list}")).expect("it goes through");
    assert!(output == list, "it stays as it is");
}

/// A value of each removed Secret survives in an item of a list.
#[test]
fn two_thousand_values_left_behind() {
    let secrets = lines(2000, |text, n| {
        let _ = writeln!(
            text,
            "---\nkind: Secret\nmetadata: {{name: lf-app-{n}}}\nstringData: {{password: canary-Value-{n:05}}}"
        );
    });
    let items = lines(2000, |text, n| {
        let _ = writeln!(text, "- {{kind: ConfigMap, data: {{a: canary-Value-{n:05}}}}}");
    });
    let ids = refused(&format!("{secrets}---\nkind: List\nitems:\n{items}"));
    assert_eq!(ids.iter().filter(|id| **id == "value-left-behind").count(), 2000);
}

#[test]
fn ten_thousand_equal_keys() {
    let pod = |secret: &str| {
        let entry = format!("{{name: A, valueFrom: {{secretKeyRef: {{name: {secret}, key: salt}}}}}}");
        let data = "  k: v\n".repeat(10_000);
        format!("---\nkind: Pod\nspec: {{containers: [{{env: [{entry}]}}]}}\ndata:\n{data}")
    };
    let output = run(&format!("{SECRET}{}", pod("lf-app"))).expect("it goes through");
    assert!(output == pod("vault"), "only the reference changes");
}

#[test]
fn depth_is_limited() {
    let block = lines(3000, |text, n| {
        let _ = writeln!(text, "{}a:", " ".repeat(n));
    });
    for document in
        ["[".repeat(1_000_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000), block]
    {
        let ids =
            refused(&format!("{SECRET}---\nkind: X\nenv: 1\nx:\n  {document}\n---\n# env\n{document}\n"));
        assert!(ids.iter().all(|id| ["not-yaml", "truncated-input"].contains(id)), "{ids:?}");
    }
}

#[test]
fn aliases_do_not_multiply() {
    let bomb = lines(12, |text, n| {
        let aliases = if n == 0 { "x".to_owned() } else { vec![format!("*a{}", n - 1); 10].join(", ") };
        let _ = writeln!(text, "a{n}: &a{n} [{aliases}]");
    });
    let ids = refused(&format!("{SECRET}---\nkind: X\nenv: 1\n{bomb}"));
    assert_eq!(ids, ["not-yaml"]);
    // Merge keys that bring in one another.
    let chain = lines(5000, |text, n| {
        let base = if n == 0 { "a: b".to_owned() } else { format!("<<: *x{}", n - 1) };
        let _ = writeln!(text, "x{n}: &x{n} {{env: 1, {base}}}");
    });
    let _ = run(&format!("{SECRET}---\nkind: X\n{chain}"));
}

#[test]
fn a_scalar_of_sixty_four_mebibytes() {
    let pod = |secret: &str, data: &str| {
        let entry = format!("{{name: A, valueFrom: {{secretKeyRef: {{name: {secret}, key: salt}}}}}}");
        format!("---\nkind: Pod\nspec: {{containers: [{{env: [{entry}]}}]}}\ndata:\n  a: {data}\n")
    };
    let data = "x".repeat(64 << 20);
    // No rule can touch it.
    let map = format!("---\nkind: ConfigMap\ndata:\n  a: {data}\n");
    assert!(run(&format!("{SECRET}{map}")).is_ok_and(|output| output == map));
    // A rule needs the document: no API server would take it.
    assert_eq!(refused(&format!("{SECRET}{}", pod("lf-app", &data))), ["not-yaml"]);
    let data = &data[..2 << 20];
    let output = run(&format!("{SECRET}{}", pod("lf-app", data))).expect("it goes through");
    assert!(output == pod("vault", data), "only the reference changes");
    // A quote that nothing closes.
    let ids = refused(&format!("{SECRET}---\nenv: \"{data}"));
    assert_eq!(ids, ["truncated-input"]);
}
