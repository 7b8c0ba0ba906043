use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use resecret::Config;

use crate::fixture_folders;

/// A folder of `tests/fixtures`.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    folder: PathBuf,
}

/// Every fixture, by name.
pub(crate) fn all() -> Vec<Fixture> {
    fixture_folders::all().into_iter().map(|folder| Fixture { folder }).collect()
}

impl Fixture {
    /// `subject/case`.
    pub(crate) fn name(&self) -> String {
        fixture_folders::name(&self.folder)
    }

    /// The subject's folder, and the name of the case in it.
    pub(crate) fn place(&self) -> (String, String) {
        let name = self.name();
        name.split_once('/').map(|(subject, case)| (subject.to_owned(), case.to_owned())).unwrap_or_default()
    }

    /// What goes in.
    pub(crate) fn input_file(&self) -> PathBuf {
        self.folder.join("input.yaml")
    }

    /// The bytes that go in.
    pub(crate) fn input(&self) -> anyhow::Result<Vec<u8>> {
        let path = self.input_file();
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Why line ends of another kind would not give the same result, where the fixture says so.
    pub(crate) fn no_crlf(&self) -> Option<String> {
        self.text("no-crlf")
    }

    /// Whether a rule asks for the chart template that a comment names: JSON has no comments.
    pub(crate) fn selects_by_comment(&self) -> anyhow::Result<bool> {
        let rules = self.text("config.yaml").unwrap_or_default();
        Ok(rules.contains("source:") && String::from_utf8_lossy(&self.input()?).contains("# Source: "))
    }

    /// What the case shows: the comment on the first line of its configuration or arguments.
    pub(crate) fn description(&self) -> anyhow::Result<String> {
        let text = self
            .text("config.yaml")
            .or_else(|| self.text("args.txt"))
            .context("neither config.yaml nor args.txt")?;
        let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        let comment =
            line.strip_prefix("# ").context("the first line is no comment that says what the case shows")?;
        ensure!(comment.len() > 10, "the description says nothing");
        Ok(comment.to_owned())
    }

    /// The configuration, from the file, the words of the command line and what the input brings.
    pub(crate) fn config(&self) -> anyhow::Result<Result<Config, resecret::Error>> {
        let mut config = Config::default();
        if let Some(text) = self.text("config.yaml")
            && let Err(error) = config.add_file("config.yaml", &text)
        {
            return Ok(Err(error));
        }
        let arguments = self.text("args.txt").unwrap_or_default();
        let mut words =
            arguments.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
        let (mut presets, mut to) = (Vec::new(), "");
        while let Some(word) = words.next() {
            match word {
                "--preset" => presets.push(words.next().context("--preset without a name")?),
                "--to" => to = words.next().context("--to without a name")?,
                "--allow-unmatched" => config.allow_unmatched(),
                other => bail!("args.txt: `{other}` is not known here"),
            }
        }
        for preset in presets {
            if let Err(error) = config.add_preset(preset, to) {
                return Ok(Err(error));
            }
        }
        let brought = resecret::add_function_config(&mut config, &self.input()?);
        Ok(brought.map(|_| config))
    }

    /// The configuration as a value, with the presets of the command line; `None` where it comes otherwise or is none.
    pub(crate) fn config_value(&self) -> anyhow::Result<Option<serde_yaml::Value>> {
        let arguments = self.text("args.txt").unwrap_or_default();
        if arguments.contains("--allow-unmatched") || self.config()?.is_err() {
            return Ok(None);
        }
        let base = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {}}".to_owned();
        let mut config: serde_yaml::Value = serde_yaml::from_str(&self.text("config.yaml").unwrap_or(base))?;
        let words: Vec<&str> = arguments.split_whitespace().collect();
        if let [.., "--preset", name, "--to", to] = words[..] {
            config["spec"]["presets"] = serde_yaml::from_str(&format!("[{{name: {name}, to: {to}}}]"))?;
        }
        Ok(Some(config))
    }

    fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }
}
