use std::io::Write;
use std::path::Path;

use crate::growth;
use crate::results::Memory;
use crate::streams;
use crate::tools::Tool;

/// About how long each document is.
const BYTES: usize = 4 << 20;

/// What a document is full of: the beginning, what comes again and again, with its number, and the end.
type Shape = (&'static str, &'static str, fn(usize) -> String, &'static str);

const SHAPES: [Shape; 14] = [
    ("lines of text", "  x: |\n", |_| "    text text text text\n".to_owned(), ""),
    ("variables", "", |n| format!("    - name: VARIABLE_{n}\n      value: \"{n}\"\n"), ""),
    ("keys without values", "  x:\n", |n| format!("    k{n}:\n"), ""),
    ("items of one letter, on one line", "  x: [", |_| "a,".to_owned(), "a]\n"),
    (
        "flow collections, nested 40 deep",
        "  x: [",
        |_| format!("{}{},", "[".repeat(40), "]".repeat(40)),
        "a]\n",
    ),
    ("anchors", "  x:\n", |n| format!("  - &a{n} b\n"), ""),
    ("aliases, on one line", "  w: &a b\n  x: [", |_| "*a , ".to_owned(), "a]\n"),
    ("tags", "  x:\n", |_| "  - !!str b\n".to_owned(), ""),
    ("items of one letter, on one line, beside a tag", "  w: !!str b\n  x: [", |_| "a,".to_owned(), "a]\n"),
    ("duplicates, all of them removed", "", |_| "    - name: A\n      value: x\n".to_owned(), ""),
    ("duplicates of one line, all of them removed", "", |_| "    - {name: A, value: x}\n".to_owned(), ""),
    (
        "names in a list, all of them edited or removed",
        "  imagePullSecrets:\n",
        |_| "  - name: s-nextauth\n".to_owned(),
        "---\nkind: Secret\nmetadata: {name: s-nextauth}\nstringData: {k: v}\n",
    ),
    (
        "references, all of them edited",
        "",
        |n| format!("    - name: K{n}\n      valueFrom: {{secretKeyRef: {{name: s-nextauth, key: k}}}}\n"),
        "---\nkind: Secret\nmetadata: {name: s-nextauth}\nstringData: {k: v}\n",
    ),
    (
        "pods of a List, all of them edited",
        "---\nkind: List\nitems:\n",
        |n| {
            format!(
                "- {{kind: Pod, metadata: {{name: p{n}}}, spec: {{containers: [{{name: c, env: [{{name: A, value: x}}, {{name: A, value: y}}]}}]}}}}\n"
            )
        },
        "",
    ),
];

/// Measures each shape once: memory does not depend on what else the machine does.
pub(crate) fn all(folder: &Path, config: &str) -> anyhow::Result<Vec<Memory>> {
    let tool = Tool::resecret(&["--quiet", "--config", config]);
    let nothing = streams::write(folder, "memory nothing", 0, |file| writeln!(file, "kind: Nothing"))?;
    let least = tool.peak(&nothing.path)?;
    let mut all = Vec::new();
    for (shape, begin, piece, end) in SHAPES {
        let stream = streams::write(folder, &format!("memory {shape}"), 0, |file| {
            growth::pod(file)?;
            write!(file, "    - {{name: A, value: x}}\n    - {{name: A, value: y}}\n{begin}")?;
            let count = BYTES / piece(0).len();
            (0..count).try_for_each(|n| write!(file, "{}", piece(n)))?;
            write!(file, "{end}")
        })?;
        let peak = tool.peak(&stream.path)?.saturating_sub(least);
        all.push(Memory { shape, bytes: stream.bytes, peak });
    }
    Ok(all)
}
