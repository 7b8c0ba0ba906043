use std::fs;
use std::path::{Path, PathBuf};

/// Where the fixtures are: a folder for each subject, in it one for each case.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The folder of every case, in order: those that hold `input.yaml`.
pub(crate) fn all() -> Vec<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|path| path.is_dir()).collect()
    };
    let stray = folders(&root()).into_iter().find(|subject| subject.join("input.yaml").is_file());
    assert!(stray.is_none(), "{stray:?} belongs into the folder of its subject");
    let mut cases: Vec<PathBuf> = folders(&root())
        .iter()
        .flat_map(|subject| folders(subject))
        .filter(|case| case.join("input.yaml").is_file())
        .collect();
    cases.sort();
    assert!(cases.len() > 50, "only {} fixtures", cases.len());
    cases
}

/// `subject/case`.
pub(crate) fn name(case: &Path) -> String {
    relative(case, &root())
}

/// A path below a folder, with `/` between its names.
pub(crate) fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
