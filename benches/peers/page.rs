use std::path::Path;

use anyhow::Context;

/// Puts tables into a page of `docs`, each between the marks that name it.
pub(crate) fn put(page: &str, tables: &[(&str, String)]) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let mut text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let from = text.find(&begin).with_context(|| format!("docs/{page} has no {begin}"))? + begin.len();
        let to = text.find(&end).with_context(|| format!("docs/{page} has no {end}"))?;
        text.replace_range(from..to, table);
    }
    Ok(std::fs::write(path, text)?)
}
