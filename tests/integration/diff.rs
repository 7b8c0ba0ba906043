use std::fs;

use crate::fixture_folders;
use crate::harness::{CONFIG, RENDER, Run, UNMATCHED, has_terminal, resecret};

fn diff() -> Run {
    resecret().args(["diff"])
}

#[test]
fn a_change_is_shown_without_values() {
    diff().config(CONFIG).run().finds().is("diff");
}

#[test]
fn a_stream_that_stays_has_no_diff() {
    let output = diff().config(UNMATCHED).args(["--allow-unmatched"]).run().succeeds();
    assert!(output.stdout.is_empty());
}

#[test]
fn a_run_that_fails_shows_only_why() {
    diff().config(UNMATCHED).run().fails().is("diff-fails");
    diff().run().fails();
    diff().config(CONFIG).stdin("").run().fails();
    diff().config(CONFIG).args(["absent.yaml"]).run().fails();
}

#[test]
fn colour_is_for_terminals_or_for_who_asks() {
    let escapes = |run: Run| run.config(CONFIG).run().finds().text().contains('\u{1b}');
    assert!(!escapes(diff()), "a pipe is no terminal");
    assert!(escapes(diff().args(["--color", "always"])));
    assert!(!escapes(diff().args(["--color", "never"])));
    assert!(!escapes(diff().env("NO_COLOR", "1")));
    assert!(escapes(diff().env("NO_COLOR", "1").args(["--color", "always"])), "a flag says it last");
    diff().config(CONFIG).args(["--color", "always"]).run().finds().is("diff-colour");
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colour_unless_no_color_is_set() {
    use std::process::Stdio;
    let on_terminal = "exec script -qec \"$1 $2 $3 $4 render.yaml\" /dev/null </dev/null";
    if !has_terminal() {
        return;
    }
    let run = |run: Run| run.env("TERM", "xterm").run_in_shell(on_terminal, Stdio::piped()).text();
    let plain = || diff().file("render.yaml", RENDER).config(CONFIG).env("PATH", "/usr/bin:/bin");
    assert!(run(plain()).contains("\u{1b}[31m"), "{}", run(plain()));
    assert!(!run(plain().env("NO_COLOR", "1")).contains("\u{1b}[31m"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    assert_eq!(diff().config(CONFIG).closed_stdout().run().code, Some(1));
}

#[test]
fn several_files_have_a_diff_each() {
    let run = diff().config(CONFIG).file("a.yaml", RENDER).file("b.yaml", RENDER);
    let output = run.args(["a.yaml", "b.yaml"]).run().finds();
    let text = output.text();
    let streams: Vec<&str> =
        text.lines().filter(|line| line.starts_with("--- ") || line.starts_with("+++ ")).collect();
    assert_eq!(streams, ["--- a.yaml", "+++ a.yaml, filtered", "--- b.yaml", "+++ b.yaml, filtered"]);
    assert_eq!(output.stderr, "resecret: 2 Secrets removed, 2 of 4 documents edited, in 2 files\n");
}

/// First line and length of a hunk in one of the streams.
fn place(text: &str) -> (usize, usize) {
    let (first, length) = text[1..].split_once(',').unwrap_or((&text[1..], "1"));
    (first.parse().expect("a line"), length.parse().expect("a length"))
}

/// A line of the diff is that of the stream, but for what is masked.
fn shows(shown: &str, line: &str) -> bool {
    let mut rest = line;
    let parts: Vec<&str> = shown.split(" characters>").collect();
    let (last, parts) = parts.split_last().expect("at least one part");
    for part in parts {
        let before = part.rsplit_once('<').map_or(*part, |(before, _)| before);
        let Some(at) = rest.find(before) else { return false };
        rest = &rest[at + before.len()..];
    }
    rest.ends_with(*last) && (shown.contains(" characters>") || shown == line)
}

#[test]
fn every_hunk_of_every_fixture_stands_where_it_says() {
    let mut compared = 0;
    for fixture in fixture_folders::all() {
        let name = fixture_folders::name(&fixture);
        let input = fs::read(fixture.join("input.yaml")).expect("an input");
        let Ok(config) = fs::read_to_string(fixture.join("config.yaml")) else { continue };
        // Where a carriage return alone ends a line, a line of the diff is none that an editor numbers.
        if String::from_utf8_lossy(&input).replace("\r\n", "").contains('\r') {
            continue;
        }
        let run = |command| resecret().args([command]).config(&config).stdin(input.clone()).run();
        let (output, diff) = (run("filter"), run("diff"));
        assert_eq!(output.code == Some(2), diff.code == Some(2), "{name}: {}", diff.stderr);
        if output.code != Some(0) {
            continue;
        }
        assert_eq!(diff.code == Some(1), output.stdout != input, "{name}");
        let lines = |bytes: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned();
            // What could begin another line on a terminal is not shown.
            let text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\u{fffd}");
            text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect()
        };
        let (before, after) = (lines(&input), lines(&output.stdout));
        let (mut old, mut new) = ((0, 0), (0, 0));
        for line in diff.text().lines().skip(2) {
            let check = |stream: &[String], place: &mut (usize, usize)| {
                let expected = &stream[place.0 - 1];
                assert!(shows(&line[1..], expected), "{name}: `{line}` is not `{expected}`");
                *place = (place.0 + 1, place.1 - 1);
            };
            match line.as_bytes()[0] {
                b'@' => {
                    assert_eq!((old.1, new.1), (0, 0), "{name}: a hunk is as long as it says");
                    let mut words = line.split(' ').skip(1);
                    (old, new) = (place(words.next().expect("-")), place(words.next().expect("+")));
                }
                b'-' => check(&before, &mut old),
                b'+' => check(&after, &mut new),
                b' ' => {
                    check(&before, &mut old);
                    check(&after, &mut new);
                }
                _ => {}
            }
        }
        compared += 1;
    }
    assert!(compared > 50, "only {compared} fixtures");
}
