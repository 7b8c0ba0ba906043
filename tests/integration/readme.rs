use std::fs;

use crate::harness::{Run, resecret, root};
use crate::tidy::files;

/// A step of a transcript.
enum Step {
    /// A command, and what it shows.
    Command(String, String),
    /// A file that the reader writes, by its name in the block's first comment.
    File(String, String),
}

/// The steps of a section of a page: its `console` and `yaml` blocks.
fn steps(page: &str, section: &str) -> Vec<Step> {
    let text = fs::read_to_string(root().join(page)).expect("a page");
    let heading = format!("## {section}\n");
    let (_, text) = text.split_once(&heading).unwrap_or_else(|| panic!("{page} has no {heading}"));
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut steps = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let (language, block) = block.split_once('\n').expect("a block has lines");
        match language {
            "console" => {
                for command in block.split_inclusive('\n') {
                    match (command.strip_prefix("$ "), steps.last_mut()) {
                        (Some(command), _) => {
                            steps.push(Step::Command(command.trim_end().to_owned(), String::new()));
                        }
                        (None, Some(Step::Command(_, shown))) => shown.push_str(command),
                        (None, _) => panic!("`{command}` is shown before any command"),
                    }
                }
            }
            "yaml" => {
                let name = block
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("# "))
                    .expect("a comment with the name");
                steps.push(Step::File(name.to_owned(), block.to_owned()));
            }
            other => panic!("a block of {other} is not tested"),
        }
    }
    steps
}

/// Runs a section's commands one after the other in the folder of a run; what each of them shows must be what is
/// below it.
#[cfg(target_os = "linux")]
fn page(page: &str, section: &str, run: Run) {
    const END: &str = "@@ end of a command @@";
    let steps = steps(page, section);
    let mut script = "PATH=$(dirname \"$1\"):$PATH\n".to_owned();
    for step in &steps {
        script += &match step {
            Step::File(name, text) => format!("cat > {name} <<'@@'\n{text}@@\n"),
            // `$?` is what the command before has left, as it would be for a reader.
            Step::Command(command, _) => {
                format!("(exit ${{code:-0}})\n{{ {command}\n}} 2>&1\ncode=$?\necho '{END}'\n")
            }
        };
    }
    let output = run.env("PATH", "/usr/bin:/bin").run_in_shell(&script, std::process::Stdio::piped());
    assert_eq!(output.stderr, "");
    let text = output.text();
    let end = format!("{END}\n");
    let mut shown = text.split(&end);
    let mut commands = 0;
    for step in &steps {
        if let Step::Command(command, expected) = step {
            assert_eq!(shown.next(), Some(expected.as_str()), "what `{command}` shows");
            commands += 1;
        }
    }
    assert_ne!(commands, 0, "{section} has no commands");
}

/// Every section of a page with a transcript is run, with the render of the repository in its folder.
#[test]
#[cfg(target_os = "linux")]
fn the_transcripts_of_the_pages_are_what_happens() {
    let render =
        fs::read(root().join("tests/renders/umbrella-helm3.yaml")).expect("a file of the repository");
    let mut count = 0;
    for (name, text) in files("docs", ".md") {
        for section in text.split("\n## ").skip(1).filter(|section| section.contains("```console\n")) {
            let heading = section.lines().next().unwrap_or_default();
            page(&name, heading, resecret().file("render.yaml", &render));
            count += 1;
        }
    }
    assert!(count > 10, "only {count} transcripts");
}

#[test]
fn the_first_diff_of_the_readme_is_what_happens() {
    let page = fs::read_to_string(root().join("README.md")).expect("the README");
    let diff = page.split("```diff\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a diff");
    // The lines between the two parts, which the page leaves out.
    let between = "metadata: {name: lf-langfuse-web}\nspec:\n  template:\n    spec:\n      containers:\n        - name: langfuse-web\n";
    let side = |other: char| -> String {
        // The first line is the command.
        let lines = diff.lines().skip(1).filter(|line| !line.starts_with(other));
        lines
            .map(|line| if line == "@@" { between.to_owned() } else { format!("{}\n", &line[1..]) })
            .collect()
    };
    let run = resecret().args(["--preset", "langfuse", "--to", "langfuse-vault"]).stdin(side('+'));
    assert_eq!(run.run().succeeds().text(), side('-'));
}
