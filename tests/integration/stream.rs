use serde_json::Value;

use crate::harness::{CONFIG, Output, RENDER, Run, UNMATCHED, resecret};

/// A document that no rule touches.
const CONFIG_MAP: &str = "---\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";
/// A document that refers to the Secret of [`RENDER`].
const ACCOUNT: &str = "---\nkind: ServiceAccount\nmetadata: {name: web}\nsecrets: [{name: app-secret}]\n";

fn stream() -> Run {
    resecret().args(["--stream"])
}

/// The Secret behind what refers to it.
fn reversed() -> String {
    format!("{CONFIG_MAP}{ACCOUNT}{RENDER}")
}

/// Fails unless the run failed, and what it had written by then is this.
#[track_caller]
fn stops(run: Run, written: &str) -> Output {
    let output = run.run();
    assert_eq!(output.code, Some(2), "the run should fail:\n{}", output.stderr);
    assert_eq!(output.text(), written);
    output
}

#[test]
fn it_writes_what_the_filter_writes() {
    let output = stream().config(CONFIG).run().succeeds();
    assert_eq!(output.stdout, resecret().config(CONFIG).run().stdout);
    output.is("stream");
    let named = resecret().args(["filter", "--stream"]).config(CONFIG).run().succeeds();
    assert_eq!(named.stdout, output.stdout);
}

#[test]
fn a_secret_behind_its_readers_stops_it() {
    stops(stream().config(CONFIG).stdin(reversed()), CONFIG_MAP).is("stream-too-early");
}

#[test]
fn the_last_line_says_what_was_written_in_every_format() {
    let run = |format| stream().args(["--format", format]).config(CONFIG).stdin(reversed());
    let github = stops(run("github"), CONFIG_MAP).stderr;
    let last = github.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("::error title=partial-output::stopped in document 2: 1 document ("),
        "{github}"
    );
    let json: Value = serde_json::from_str(&stops(run("json"), CONFIG_MAP).stderr).expect("JSON");
    let results = json["results"].as_array().expect("results");
    let rules: Vec<&Value> = results.iter().map(|result| &result["tags"]["code"]).collect();
    assert_eq!(rules, ["needs-whole-stream", "partial-output"]);
    run("sarif").run().fails().is("stream-sarif");
}

#[test]
fn the_last_line_is_also_in_the_log_and_not_silenced() {
    let output =
        stops(stream().args(["-q", "--log-file", "log"]).config(CONFIG).stdin(reversed()), CONFIG_MAP);
    let last = output.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("resecret: stopped in document 2: 1 document ("), "{last}");
    assert_eq!(output.file("log"), output.stderr);
}

#[test]
fn nothing_is_written_where_the_first_document_is_refused() {
    stops(stream().config(CONFIG).stdin(ACCOUNT), "").is("stream-first");
    stops(stream().config(CONFIG).stdin(" \n"), "").is("stream-empty");
    let utf16 = "kind: Secret\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let output = stops(stream().config(CONFIG).stdin(utf16), "");
    assert!(output.stderr.starts_with("error[not-utf8]"), "{}", output.stderr);
}

#[test]
fn a_rule_that_matches_nothing_is_known_at_the_end() {
    stops(stream().config(UNMATCHED), RENDER).is("stream-unmatched");
    stream().args(["--allow-unmatched"]).config(UNMATCHED).run().succeeds();
}

#[test]
fn warnings_are_told_as_they_come() {
    let warning = RENDER.replace("name: A\n", "name: API_KEY\n");
    let output = stream().config(CONFIG).stdin(warning + ACCOUNT).run().succeeds();
    output.is("stream-warning");
}

#[test]
fn rules_that_need_the_whole_stream_are_refused_before_it() {
    let env = CONFIG.to_owned() + "  env: [{to: vault, vars: {A: a}, keepExisting: true}]\n";
    stops(stream().config(&env), "").is("stream-keep-existing");
    let external = CONFIG.to_owned() + "  policy: {external: warn}\n";
    stops(stream().config(&external), "").is("stream-external");
}

#[test]
fn a_secret_chosen_by_label_is_refused_where_it_is_used_before_it_appears() {
    let labels = CONFIG.replace("name: app-secret", "labels: {app: web}");
    let render =
        RENDER.replace("{name: app-secret}\nstring", "{name: app-secret, labels: {app: web}}\nstring");
    assert_ne!(render, RENDER);
    stops(stream().config(&labels).stdin(format!("{ACCOUNT}{render}")), "").is("stream-label");
    let output = stream().config(&labels).stdin(format!("{render}{ACCOUNT}")).run().succeeds();
    assert!(output.text().ends_with("secrets: [{name: vault}]\n"), "{}", output.text());
    // What is known to be made elsewhere does not come.
    let vault = labels + "  vault: [app-secret]\n";
    let output = stream().config(&vault).stdin(format!("{ACCOUNT}{render}"));
    stops(output, ACCOUNT).is("stream-late");
}

#[test]
fn a_secret_is_forgotten_behind_hundreds_of_others() {
    let config = CONFIG.replace("app-secret", "'*-secret'");
    let secret =
        |number| format!("---\nkind: Secret\nmetadata: {{name: a{number}-secret}}\nstringData: {{a: b}}\n");
    let reader = |number| {
        format!("---\nkind: ServiceAccount\nmetadata: {{name: web}}\nsecrets: [{{name: a{number}-secret}}]\n")
    };
    let secrets: String = (0..600).map(secret).collect();
    let output = stream().config(&config).stdin(format!("{secrets}{}", reader(599))).run().succeeds();
    assert!(output.text().contains("vault"));
    stops(stream().config(&config).stdin(format!("{secrets}{}", reader(0))), "").is("stream-forgotten");
}

#[test]
fn a_resource_list_is_no_stream() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n";
    stops(stream().config(CONFIG).stdin(list), "").is("stream-resource-list");
}

#[test]
fn flags_that_need_the_whole_stream_are_refused() {
    stream().args(["--previous", "a.yaml"]).config(CONFIG).run().fails().is("stream-previous");
    stream().args(["./config.yaml"]).file("config.yaml", CONFIG).run().fails();
}

#[test]
fn a_reader_that_has_gone_is_an_error() {
    let output = stream().config(CONFIG).closed_stdout().run();
    assert_eq!(output.code, Some(2));
    output.is("stream-closed");
}

#[cfg(target_os = "linux")]
mod live {
    use std::fs;
    use std::io::{Read, Write};
    use std::process::{Child, ChildStdin, Command, Stdio};
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    /// What a stream holds last, so that all before it has been written once it is seen.
    const LAST: &str = "---\nkind: Last\n";

    /// A run whose standard input stays open.
    struct Live {
        child: Child,
        stdin: ChildStdin,
        /// Says when the last document has come out.
        seen: Receiver<usize>,
        _folder: tempfile::TempDir,
    }

    fn start() -> Live {
        let folder = tempfile::tempdir().expect("a private folder");
        let config = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {secrets: [{name: '*-secret', to: vault}]}}";
        fs::write(folder.path().join("resecret.yaml"), config).expect("a configuration");
        let mut command = Command::new(env!("CARGO_BIN_EXE_resecret"));
        command.arg("--stream").current_dir(folder.path()).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take().expect("a pipe");
        let mut stdout = child.stdout.take().expect("a pipe");
        let (sender, seen) = channel();
        thread::spawn(move || {
            let (mut total, mut tail, mut buffer) = (0, Vec::new(), vec![0; 1 << 16]);
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                total += read;
                tail.extend_from_slice(&buffer[..read]);
                if tail.ends_with(LAST.as_bytes()) {
                    let _ = sender.send(total);
                }
                tail.drain(..tail.len().saturating_sub(LAST.len()));
            }
        });
        Live { child, stdin, seen, _folder: folder }
    }

    impl Live {
        fn write(&mut self, text: &str) {
            self.stdin.write_all(text.as_bytes()).expect("the program reads");
        }

        /// Waits until all has come out: how many bytes that were, and the largest resident set so far.
        fn settle(&mut self) -> (usize, u64) {
            // The marker of a document that is still to come ends the last one.
            self.write(&format!("{LAST}---\n"));
            let total = self.seen.recv().expect("the last document comes out");
            let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
            let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
            (total, kilobytes * 1024)
        }

        #[track_caller]
        fn end(mut self) {
            drop(self.stdin);
            assert!(self.child.wait().expect("the program ends").success());
        }
    }

    /// Many certificates, as a bundle of CAs has them: they are public, so their values are not watched.
    fn with_certificates(number: usize) -> String {
        let certificate = include_str!("../certificates/web.crt");
        let lines = certificate.lines().map(|line| format!("    {line}\n")).collect::<String>().repeat(16);
        format!("---\nkind: Secret\nmetadata: {{name: c{number}-secret}}\nstringData:\n  ca.crt: |\n{lines}")
    }

    fn release(number: usize) -> String {
        format!(
            "---\nkind: Secret\nmetadata: {{name: r{number}-secret}}\nstringData: {{password: canary-value-{number}}}\n---\nkind: ServiceAccount\nmetadata: {{name: r{number}}}\nsecrets: [{{name: r{number}-secret}}]\n"
        )
    }

    #[test]
    fn a_document_comes_out_before_the_stream_ends() {
        let mut run = start();
        run.write(&release(1));
        let (total, _) = run.settle();
        assert!(total > LAST.len());
        run.end();
    }

    /// A stream of 70 MB, with more Secrets than are remembered, takes no more than a short one: twice its largest
    /// document, and what the program remembers.
    #[test]
    fn memory_does_not_grow_with_the_stream() {
        let mut short = start();
        short.write(&release(1));
        let (_, least) = short.settle();
        short.end();

        let line = format!("# {}\n", "x".repeat(1000));
        let filler = format!("---\nkind: Widget\n{}", line.repeat(64));
        let largest = format!("---\nkind: Widget\n{}", line.repeat(2 << 10));
        let mut run = start();
        for number in 0..1100 {
            run.write(&release(number));
            run.write(&with_certificates(number));
            run.write(&filler);
        }
        run.write(&largest);
        let (total, peak) = run.settle();
        run.end();
        assert!(total > 64 << 20, "{total} bytes came out");
        let limit = least + (3 << 20) + 2 * largest.len() as u64;
        assert!(peak < limit, "{peak} bytes, a short run takes {least}, and the limit is {limit}");
    }
}
