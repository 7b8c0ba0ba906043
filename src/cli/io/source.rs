//! Renders that are read each for itself: standard input, files, folders of files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, IsTerminal, StdinLock};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::cli::io::progress::Progress;
use crate::cli::io::read;

/// Endings of files that hold manifests.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One stream of manifests.
#[derive(Debug)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// A file, or standard input for `-`.
    pub(crate) fn of(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// All of its bytes.
    ///
    /// # Errors
    ///
    /// It cannot be read, or it is a terminal, at which nobody types manifests.
    pub(crate) fn read(&self, progress: &Progress) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Stdin => {
                let stdin = piped()?;
                let bytes = match read::standard_input() {
                    Some(file) => read::file(file, progress),
                    None => read::pipe(stdin, progress),
                };
                bytes.context("cannot read standard input")
            }
            Self::File(path) => {
                let bytes = File::open(path).and_then(|file| read::file(file, progress));
                bytes.with_context(|| format!("cannot read {}", path.display()))
            }
        }
    }
}

/// Standard input, unless it is a terminal, at which nobody types manifests.
pub(crate) fn piped() -> anyhow::Result<StdinLock<'static>> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        bail!(
            "standard input is a terminal: pipe rendered manifests in, for example `helm template … | resecret`"
        );
    }
    Ok(stdin)
}

/// Whether standard input is one that nobody writes manifests to: a terminal or the null device.
pub(crate) fn has_no_input() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;

        let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        let kind = file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type());
        kind.map_or(true, |kind| kind.is_char_device())
    }
    #[cfg(not(unix))]
    io::stdin().is_terminal()
}

/// Says what to type where a chart is named in the place of what it renders.
///
/// # Errors
///
/// The path is a chart: a folder with a Chart.yaml, or a package.
pub(crate) fn refuse_chart(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let is_package = path.extension() == Some(OsStr::new("tgz")) && path.is_file();
    ensure!(
        !is_package && !path.join("Chart.yaml").is_file(),
        "{shown} is a chart, and what it renders is wanted: `helm template RELEASE {shown} > render.yaml`, then name render.yaml"
    );
    Ok(())
}

/// The streams that arguments name, in the order of the arguments, those of a folder by name.
///
/// # Errors
///
/// A path that is not there, or a folder that cannot be read or holds no manifests.
pub(crate) fn sources(files: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    if files.is_empty() {
        return Ok(vec![Source::Stdin]);
    }
    let mut sources = Vec::new();
    for path in files {
        refuse_chart(path)?;
        if path.is_dir() {
            let before = sources.len();
            folder(path, &mut sources)?;
            ensure!(
                sources.len() > before,
                "there is no *.yaml, *.yml or *.json file in the folder {}",
                path.display()
            );
        } else {
            sources.push(Source::of(path));
        }
    }
    Ok(sources)
}

/// The files of a folder and of those in it. Hidden ones are removed, and links to folders are not followed: they
/// could lead in a circle.
fn folder(path: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.with_context(|| format!("cannot read the folder {}", path.display()))?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folder(&path, sources)?;
        } else if path.extension().and_then(OsStr::to_str).is_some_and(|ending| ENDINGS.contains(&ending))
            && path.is_file()
        {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}
