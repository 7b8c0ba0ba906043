use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fixture_folders;
use crate::harness::{Output, Run, resecret};

/// Every secret value of a fixture contains this word, plainly or in base64.
const FORMS: [&str; 6] = ["canary", "CANARY", "Y2FuYXJ5", "NhbmFyeQ", "jYW5hcn", "%63%61%6E"];

/// A value that stands in places where a fixture cannot have one. Looked for in pieces of six letters.
const VALUE: &str = "Kq7vXw9mLc3pRt5y";

/// Every way to ask for something: the words of the command line behind the configuration.
const COMMANDS: [&[&str]; 22] = [
    &["filter"],
    &["filter", "--format", "json"],
    &["filter", "--format", "github"],
    &["filter", "--format", "sarif"],
    &["filter", "--stream"],
    &["filter", "--stream", "--format", "json"],
    &["check"],
    &["check", "--format", "json"],
    &["check", "--format", "github"],
    &["check", "--format", "sarif"],
    &["diff"],
    &["diff", "--color", "always"],
    &["patches", "-o", "json6902"],
    &["patches", "-o", "kustomize"],
    &["patches", "-o", "flux"],
    &["keys"],
    &["keys", "-o", "json"],
    &["keys", "-o", "external-secret", "--store", "store"],
    &["keys", "-o", "sealed-secret"],
    &["keys", "-o", "secret"],
    &["guard", "--protect", "-"],
    &["guard", "--check", "-"],
];

/// Every fixture's folder.
fn fixtures() -> Vec<PathBuf> {
    fixture_folders::all()
}

/// Does something with each of many, in threads: most of the time goes into starting programs.
fn each<T: Sync>(all: &[T], work: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((number, one)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, all.get(n)?)))
                {
                    work(number, one);
                }
            });
        }
    });
}

/// A run on a fixture, with the rules that stand beside it.
fn run(fixture: &Path) -> Run {
    let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
    let mut run = resecret().stdin(input);
    if let Ok(config) = fs::read_to_string(fixture.join("config.yaml")) {
        run = run.config(&config);
    }
    let args = fs::read_to_string(fixture.join("args.txt")).unwrap_or_default();
    let lines = args.lines().filter(|line| !line.starts_with('#'));
    run.args(lines.flat_map(str::split_whitespace))
}

/// Fails if a run shows one of these texts: on standard error, in the log, and on standard output unless that is the
/// filter's, which holds manifests with the values that stay.
#[track_caller]
fn check(what: &str, output: &Output, forms: &[String]) {
    let code = output.code;
    assert!(matches!(code, Some(0..=2)), "{what}: no other exit code: {}", output.stderr);
    let filters = what.starts_with("filter") && (code == Some(0) || what.contains("--stream"));
    let stdout = if filters { String::new() } else { output.text() };
    let places = [
        ("standard error", output.stderr.clone()),
        ("the log", output.file("log")),
        ("the proposal", output.file("proposal.yaml")),
        ("standard output", stdout),
    ];
    for (place, text) in places {
        if let Some(form) = forms.iter().find(|form| text.contains(form.as_str())) {
            panic!("{what}: {place} shows a secret value (as `{form}`):\n{text}");
        }
    }
}

fn fixture_forms() -> Vec<String> {
    FORMS.map(str::to_owned).to_vec()
}

#[test]
fn no_fixture_shows_a_value() {
    each(&fixtures(), |number, fixture| {
        let forms = fixture_forms();
        // Each command meets many fixtures, and each fixture several commands.
        for turn in 0..4 {
            let words = COMMANDS[(number + turn * 7) % COMMANDS.len()];
            let what = format!("{} on {}", words.join(" "), fixture.display());
            let output = run(fixture).first_arg(words[0]).args(&words[1..]).args(["--log-file", "log"]).run();
            check(&what, &output, &forms);
        }
        let more = [["--format", "json"], ["--to", "one-vault"]][number % 2];
        let scan = resecret().args(["scan", "--write", "proposal.yaml", "--log-file", "log"]).args(more);
        let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
        check(&format!("scan of {}", fixture.display()), &scan.stdin(input).run(), &forms);
    });
}

#[test]
fn no_failure_on_a_fixture_shows_a_value() {
    each(&fixtures(), |number, fixture| {
        let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
        // Cut in the middle, where the text is most likely inside of something.
        let (cut, crlf) =
            (input[..input.len() / 2].to_vec(), String::from_utf8_lossy(&input).replace('\n', "\r\n"));
        let words = COMMANDS[number % COMMANDS.len()];
        let command = || run(fixture).first_arg(words[0]).args(&words[1..]).args(["--log-file", "log"]);
        let runs = [
            ("cut", command().stdin(cut)),
            ("closed", command().closed_stdout()),
            ("with other line ends", command().stdin(crlf)),
            // The render where a configuration, the last release and the vault should be.
            ("as configuration", resecret().file("input.yaml", &input).args(["--config", "input.yaml"])),
            ("as release", command_with(fixture, "check", "--previous", &input)),
            ("as vault", command_with(fixture, "keys", "--against", &input)),
        ];
        for (what, run) in runs {
            let what = format!("{}, {what}, on {}", words.join(" "), fixture.display());
            check(&what, &run.run(), &fixture_forms());
        }
    });
}

/// A command that reads this input as another file too.
fn command_with(fixture: &Path, command: &str, flag: &str, input: &[u8]) -> Run {
    run(fixture).first_arg(command).file("other.yaml", input).args([flag, "other.yaml"])
}

/// Documents in which `@` is a value, and `#` the same in base64, each in a place of its own. A rule removes the Secret
/// `app-chart`; what holds the value elsewhere is found, masked or refused.
const PLACES: [(&str, &str); 24] = [
    ("data", "kind: Secret\nmetadata: {name: app-chart}\ndata: {k: #}\n"),
    ("duplicate key", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: @}\nstringData: {k: x}\n"),
    ("data in other case", "kind: Secret\nmetadata: {name: app-chart}\nData: {k: @}\nstringdata: {k: @}\n"),
    ("comment", "kind: Secret # @\nmetadata: {name: app-chart}\n# @\nstringData: {k: v}\n"),
    ("comment of a block", "kind: Secret\nmetadata: {name: app-chart}\nstringData:\n  k: | # @\n    x\n"),
    ("anchor", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: &@ v, l: *@}\n"),
    ("tag", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: !@ v}\n"),
    ("annotation", "kind: Secret\nmetadata: {name: app-chart, annotations: {a: @}}\n"),
    ("broken text", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: \"@\n"),
    ("broken tag", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: !<@ x}\n"),
    ("unknown alias", "kind: Secret\nmetadata: {name: app-chart}\nstringData: {k: *@}\n"),
    ("argument", "args: [\"--auth @=y\", --token=@, -p@, \"--password-@\", x, --secret, @, \"@=z\"]\n"),
    ("command", "command: [sh, -c, \"login --password @\"]\n"),
    ("http header", "livenessProbe: {httpGet: {httpHeaders: [{name: Authorization, value: Basic @}]}}\n"),
    (
        "variables",
        "env: [{name: API_TOKEN, value: @}, {name: SALT, value: @}, {name: SALT, value: x, value: @}]\n",
    ),
    ("aliased variable", "x: &x @\nenv: [{name: API_TOKEN, value: *x}, {name: SALT, value: *x}]\n"),
    ("merged variable", "x: &x {value: @}\nenv: [{name: API_TOKEN, <<: *x}]\n"),
    ("expansion", "env: [{name: A, value: $(@)}, {name: A, value: $(@}]\n"),
    (
        "key of JSON",
        "kind: ConfigMap\nmetadata: {name: c}\ndata: {j: '{\"@-token\": \"p4ssw0rd1XX\", \"@\": {\"password\": \"@\"}}'}\n",
    ),
    (
        "value of a ConfigMap",
        "kind: ConfigMap\nmetadata: {name: c}\ndata: {password: @, file: \"user = x\\npassword = @\\n\"}\n",
    ),
    (
        "last applied",
        "kind: ConfigMap\nmetadata: {name: c, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\": {\"@\": \"@\", \"token\": \"@\"}}'}}\n",
    ),
    (
        "custom resource",
        "kind: Custom\nmetadata: {name: c}\nspec: {auth: {user: @, deep: [{name: @}]}, password: @, settings: \"a @ b\", app-chart: @}\n",
    ),
    (
        "list of results",
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nresults: [{message: @}]\nfunctionConfig: {kind: ConfigMap, data: {to: @}}\n",
    ),
    (
        "known value as a key",
        "kind: Secret\nmetadata: {name: app-chart}\nstringData: {password: @}\n---\nkind: ConfigMap\nmetadata: {name: c, annotations: {@: @}}\ndata: {@: x, @-token: abcdefg1, y: @}\n",
    ),
];

const RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: '*-chart', to: vault, optional: true}]
  env: [{to: vault, vars: {SALT: salt}, optional: true}]
  policy: {leftBehind: warn}
";

/// A place as a stream: what is no object stands in a container.
fn stream(text: &str) -> String {
    let text = if text.contains("kind: ") {
        text.to_owned()
    } else {
        let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
        format!("kind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n{lines}")
    };
    let changed = "---\nkind: Pod\nmetadata: {name: q}\nspec: {containers: [{name: c, env: [{name: SALT, value: x1}]}]}\n";
    text.replace('@', VALUE).replace('#', &base64(VALUE.as_bytes())) + changed
}

/// The value in pieces of six letters, in hex, and in base64 wherever it begins in a group of three bytes.
fn value_forms() -> Vec<String> {
    let mut forms: Vec<String> =
        VALUE.as_bytes().windows(6).map(|six| String::from_utf8_lossy(six).into_owned()).collect();
    forms.push(VALUE.bytes().map(|byte| format!("{byte:02x}")).collect());
    for before in 0..3 {
        let encoded = base64(&[&vec![0; before], VALUE.as_bytes()].concat());
        forms.push(encoded[4..12].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        text.extend((0..=group.len()).map(|n| char::from(LETTERS[bits >> (18 - 6 * n) & 63])));
        text.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    text
}

#[test]
fn no_command_shows_a_value_of_any_place() {
    let all: Vec<_> =
        PLACES.iter().flat_map(|place| COMMANDS.iter().map(move |words| (place, *words))).collect();
    each(&all, |_, ((place, text), words)| {
        let run = resecret().first_arg(words[0]).args(&words[1..]).args(["--log-file", "log"]).config(RULES);
        let what = format!("{} with a value as {place}", words.join(" "));
        check(&what, &run.stdin(stream(text)).run(), &value_forms());
    });
}

#[test]
fn no_other_reader_shows_a_value_of_any_place() {
    each(&PLACES, |_, (place, text)| {
        let input = stream(text);
        let other = |command: &str, flag: &str| {
            resecret().first_arg(command).config(RULES).file("other.yaml", &input).args([flag, "other.yaml"])
        };
        let runs = [
            ("scan", resecret().args(["scan"]).stdin(input.clone())),
            (
                "scan as JSON",
                resecret()
                    .args(["scan", "--format", "json", "--write", "proposal.yaml"])
                    .stdin(input.clone()),
            ),
            ("configuration", resecret().file("other.yaml", &input).args(["--config", "other.yaml"])),
            ("release", other("check", "--previous").stdin(input.clone())),
            ("release of another render", other("check", "--previous")),
            ("vault", other("keys", "--against").stdin(input.clone())),
            ("guard", other("guard", "--check").args(["--format", "json"])),
            ("guard with a render", other("guard", "--check").args(["--", "other.yaml"])),
        ];
        for (what, run) in runs {
            let output = run.args(["--log-file", "log"]).run();
            check(&format!("{what} with a value as {place}"), &output, &value_forms());
        }
    });
}

#[test]
fn no_error_about_a_configuration_quotes_it() {
    let head = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\n";
    let texts = [
        format!("PASSWORD={VALUE}\n"),
        format!("{VALUE}\n"),
        format!("- {VALUE}\n"),
        format!("{VALUE}: {VALUE}\n"),
        format!("apiVersion: {VALUE}\nkind: {VALUE}\n{VALUE}: 1\n"),
        format!("{{\"{VALUE}\": [\"{VALUE}\"\n"),
        format!("a: !{VALUE} {VALUE}\n"),
        format!("a: *{VALUE}\n"),
        format!("\"{VALUE}"),
        format!("{head}spec: {VALUE}\n"),
        format!("{head}spec: [{VALUE}]\n"),
        format!("{head}spec: {{secrets: {VALUE}}}\n"),
        format!("{head}spec: {{secrets: [{VALUE}]}}\n"),
        format!("{head}spec: {{secrets: [{{name: x, optional: {VALUE}}}]}}\n"),
        format!("{head}spec: {{duplicates: {VALUE}}}\n"),
        format!("{head}spec: {{policy: {{unmatched: {VALUE}}}}}\n"),
        format!("{head}spec: {{policy: {VALUE}}}\n"),
        format!("{head}spec: {{formats: {{A: {VALUE}}}}}\n"),
    ];
    each(&texts, |_, text| {
        for format in ["text", "json"] {
            let run = resecret().config(text).args(["--format", format, "--log-file", "log"]);
            let output = run.run().fails();
            check(&format!("an error about\n{text}\n"), &output, &value_forms());
        }
    });
}

#[test]
fn adopt_shows_no_value() {
    let scripts = AtomicUsize::new(0);
    each(&fixtures(), |number, fixture| {
        let render = fs::read(fixture.join("input.yaml")).expect("an input");
        let run = run(fixture).first_arg("adopt").file("render.yaml", &render);
        let helm = if number % 2 == 0 { "3" } else { "4" };
        let flags = ["--release", "lf", "--chart", "c", "--previous", "-", "--helm", helm, "render.yaml"];
        let output = run.args(flags).args(["--log-file", "log"]).run();
        let what = format!("adopt on {}", fixture.display());
        assert!(matches!(output.code, Some(0 | 2)), "{what}: no other exit code:\n{}", output.stderr);
        check(&what, &output, &fixture_forms());
        scripts.fetch_add(usize::from(output.code == Some(0)), Ordering::Relaxed);
    });
    assert!(scripts.into_inner() > 40, "too few scripts");
}
