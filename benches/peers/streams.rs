use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// One release as Helm renders it.
#[derive(Clone)]
pub(crate) struct Render {
    /// Where it comes from.
    pub(crate) origin: &'static str,
    /// The stream.
    pub(crate) text: String,
}

impl Render {
    /// Its largest document.
    pub(crate) fn largest_document(&self) -> usize {
        self.text.split("\n---").map(str::len).max().unwrap_or_default()
    }
}

/// A stream in a file.
pub(crate) struct Stream {
    /// How a table calls it.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
    /// How many releases it holds.
    pub(crate) releases: usize,
}

/// The render of the corpus beside the repository, or else the one that ships with it.
pub(crate) fn render() -> anyhow::Result<Render> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("../shared/corpus/langfuse-0.10.0-umbrella/helm3-stdin.yaml");
    let (origin, path) = if corpus.is_file() {
        ("Langfuse 0.10.0 under an umbrella chart", corpus)
    } else {
        ("tests/renders/umbrella-helm3.yaml", root.join("tests/renders/umbrella-helm3.yaml"))
    };
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let text = if text.starts_with("---") { text } else { format!("---\n{text}") };
    Ok(Render { origin, text })
}

/// Many releases in one stream.
pub(crate) fn releases(folder: &Path, render: &Render, releases: usize) -> anyhow::Result<Stream> {
    let word = if releases == 1 { "release" } else { "releases" };
    write(folder, &format!("{releases} {word}"), releases, |file| {
        texts(render, releases).try_for_each(|text| file.write_all(text.as_bytes()))
    })
}

/// Releases, each with names of its own.
pub(crate) fn texts(render: &Render, releases: usize) -> impl Iterator<Item = String> {
    (0..releases).map(|number| renamed(&render.text, number))
}

/// The release `lf` under another name.
fn renamed(text: &str, number: usize) -> String {
    let mut result = String::with_capacity(text.len() + text.len() / 16);
    let mut rest = text;
    while let Some(at) = rest.find("lf-") {
        result.push_str(&rest[..at]);
        let inside_word = result.ends_with(|character: char| character.is_ascii_alphanumeric());
        result.push_str(if inside_word { "lf-".to_owned() } else { format!("lf{number}-") }.as_str());
        rest = &rest[at + "lf-".len()..];
    }
    result + rest
}

/// Documents that no rule of the presets can touch.
pub(crate) fn untouched(folder: &Path, bytes: usize) -> anyhow::Result<Stream> {
    let document = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels:\n    app: web\nspec:\n  ports:\n  - name: http\n    port: 3000\n    targetPort: http\n  selector:\n    app: web\n";
    write(folder, "documents that no rule can touch", 0, |file| {
        (0..bytes / document.len()).try_for_each(|_| file.write_all(document.as_bytes()))
    })
}

/// Writes a stream to a file without holding it in memory.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    releases: usize,
    text: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> anyhow::Result<Stream> {
    let path = folder.join(format!("{}.yaml", name.replace(' ', "-")));
    let mut file = BufWriter::new(File::create(&path)?);
    text(&mut file)?;
    file.flush()?;
    let bytes = path.metadata()?.len();
    Ok(Stream { name: name.to_owned(), path, bytes, releases })
}
