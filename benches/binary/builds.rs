use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Other settings of `[profile.release]`, one at a time.
const SETTINGS: [&str; 8] = [
    r#"lto = "fat""#,
    r#"lto = "thin""#,
    r#"lto = "off""#,
    "codegen-units = 16",
    r#"panic = "abort""#,
    r#"panic = "unwind""#,
    r#"opt-level = "s""#,
    "opt-level = 2",
];
/// The target of the static program for Linux.
const STATIC: &str = "x86_64-unknown-linux-musl";

/// A way to build the program.
pub(crate) struct Build {
    /// How a table calls it.
    pub(crate) name: String,
    setting: Option<&'static str>,
    target: Option<&'static str>,
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
            others.map(|setting| Self { name: format!("`{setting}`"), setting: Some(setting), target: None });
        let released = Self { name: "as released".to_owned(), setting: None, target: None };
        let linked = Self { name: format!("static, `{STATIC}`"), setting: None, target: Some(STATIC) };
        Ok([released, linked].into_iter().chain(others).collect())
    }

    /// Whether one of these words is in the name; what is released is always measured.
    pub(crate) fn is_one_of(&self, words: &[String]) -> bool {
        (self.setting, self.target) == (None, None)
            || words.iter().any(|word| self.name.contains(word.as_str()))
    }

    /// Builds it; the program, under a name of its own.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let folder = folder(root);
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--release", "--locked", "--bin", "resecret"]);
        if let Some(setting) = self.setting {
            cargo.args(["--config", &format!("profile.release.{setting}")]);
        }
        let mut built = folder.clone();
        if let Some(target) = self.target {
            cargo.args(["--target", target]);
            built.push(target);
        }
        let status = cargo.env("CARGO_TARGET_DIR", &folder).current_dir(root).status()?;
        ensure!(status.success(), "{cargo:?} failed");
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let path = folder.join(format!("resecret-{name}"));
        std::fs::copy(built.join("release/resecret"), &path)?;
        Ok(path)
    }
}

/// Where the builds go: a folder of their own, since they share nothing with others.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/binary")
}
