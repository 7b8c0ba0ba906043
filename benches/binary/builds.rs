use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Other settings of `[profile.release]`, one at a time.
const SETTINGS: [&str; 9] = [
    r#"lto = "fat""#,
    r#"lto = "thin""#,
    r#"lto = "off""#,
    "codegen-units = 1",
    "codegen-units = 16",
    r#"panic = "abort""#,
    r#"panic = "unwind""#,
    r#"opt-level = "s""#,
    "opt-level = 2",
];
/// The usual target of static programs for Linux.
const MUSL: &str = "x86_64-unknown-linux-musl";

/// A way to build the program.
pub(crate) struct Build {
    /// How a table calls it.
    pub(crate) name: String,
    way: Way,
}

enum Way {
    /// As it is released, with another setting or none.
    Released(Option<&'static str>),
    /// As cargo builds it, for another target or none.
    Plain(Option<&'static str>),
}

impl Build {
    /// As it is released and otherwise.
    pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
        let profile =
            manifest.split("[profile.release]").nth(1).context("Cargo.toml has a release profile")?;
        let is_set = |setting: &&str| profile.lines().any(|line| line == *setting);
        let others = SETTINGS.into_iter().filter(|setting| !is_set(setting));
        let others =
            others.map(|setting| Self { name: format!("`{setting}`"), way: Way::Released(Some(setting)) });
        let released = Self { name: "as released".to_owned(), way: Way::Released(None) };
        let dynamic = Self { name: "with the system's libraries".to_owned(), way: Way::Plain(None) };
        let musl = Self { name: format!("for `{MUSL}`"), way: Way::Plain(Some(MUSL)) };
        Ok([released, dynamic, musl].into_iter().chain(others).collect())
    }

    /// Whether one of these words is in the name; what is released is always measured.
    pub(crate) fn is_one_of(&self, words: &[String]) -> bool {
        matches!(self.way, Way::Released(None)) || words.iter().any(|word| self.name.contains(word.as_str()))
    }

    /// Builds it; the program, under a name of its own.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let folder = folder(root);
        let (mut build, built) = match self.way {
            Way::Released(setting) => {
                let mut build = Command::new(root.join(".ci/build"));
                if let Some(setting) = setting {
                    build.args(["--config", &format!("profile.release.{setting}")]);
                }
                (build, None)
            }
            Way::Plain(target) => {
                let mut build = Command::new(env!("CARGO"));
                build.args(["build", "--quiet", "--release", "--locked", "--bin", "resecret"]);
                let mut built = folder.clone();
                if let Some(target) = target {
                    build.args(["--target", target]);
                    built.push(target);
                }
                (build, Some(built.join("release/resecret")))
            }
        };
        let output =
            build.env("CARGO_TARGET_DIR", &folder).current_dir(root).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{build:?} failed");
        let built = built.unwrap_or_else(|| String::from_utf8_lossy(&output.stdout).trim().into());
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let path = folder.join(format!("resecret-{name}"));
        std::fs::copy(built, &path)?;
        Ok(path)
    }
}

/// Where the builds go: a folder of their own, since they share nothing with others.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/binary")
}
