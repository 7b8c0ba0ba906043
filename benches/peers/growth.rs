use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::results::{Effort, Growth};
use crate::streams::{self, Render, Stream};
use crate::tools::Tool;

/// How often a size is run where time is measured; the fastest counts.
const TURNS: usize = 5;
/// How many times the smaller size the larger one is.
const STEP: usize = 8;

type WriteCase = fn(&mut dyn Write, usize) -> std::io::Result<()>;

/// Something that could grow faster than its size.
struct Case {
    /// What grows.
    what: &'static str,
    /// The larger number tried.
    large: usize,
    /// Whether the filter takes it; if not, it must see that in linear time too.
    goes_through: bool,
    /// What is run.
    run: Run,
    /// Writes a stream with so many.
    text: WriteCase,
}

/// A command and the exit code that it ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Filter,
    /// The filter, with the stream itself as the last release.
    Previous,
    Patches,
    Keys,
    Scan,
}

const CASES: [Case; 20] = [
    Case {
        what: "entries of one env list",
        large: 100_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            (0..count).try_for_each(|n| writeln!(file, "    - name: VARIABLE_{n}\n      value: \"{n}\""))
        },
    },
    Case {
        what: "duplicates in one env list",
        large: 20_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            (0..count).try_for_each(|n| {
                writeln!(file, "    - name: VARIABLE_{}\n      value: $(VARIABLE_{})", n / 2, n / 2 + 3)
            })
        },
    },
    Case {
        what: "documents",
        large: 100_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: c, env: []}}]}}"
                )
            })
        },
    },
    Case {
        what: "Secrets",
        large: 20_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Secret\nmetadata: {{name: s{n}-nextauth}}\nstringData: {{a: VALUE-number-{n}}}"
                )
            })
        },
    },
    Case {
        what: "characters of one line",
        large: 3_200_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            write!(file, "    - {{name: LONG, value: \"")?;
            (0..count / 8).try_for_each(|_| write!(file, "abcdefg "))?;
            writeln!(file, "\"}}")
        },
    },
    Case {
        what: "items of one List",
        large: 20_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            writeln!(file, "kind: List\nitems:")?;
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "- {{kind: Pod, metadata: {{name: p{n}}}, spec: {{containers: [{{name: c, env: [{{name: A, value: x}}, {{name: A, value: y}}]}}]}}}}"
                )
            })
        },
    },
    Case {
        what: "pods of a List in one line, all of them edited",
        large: 20_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            write!(file, "{{\"kind\": \"List\", \"items\": [")?;
            (0..count).try_for_each(|n| {
                let comma = if n == 0 { "" } else { "," };
                write!(
                    file,
                    "{comma}{{\"kind\":\"Pod\",\"metadata\":{{\"name\":\"p{n}\"}},\"spec\":{{\"containers\":[{{\"name\":\"c\",\"env\":[{{\"name\":\"A\",\"value\":\"x\"}},{{\"name\":\"A\",\"value\":\"y\"}}]}}]}}}}"
                )
            })?;
            writeln!(file, "]}}")
        },
    },
    Case {
        what: "flow collections, nested 80 deep, of a document that is edited",
        large: 160_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            writeln!(file, "    - {{name: A, value: x}}\n    - {{name: A, value: y}}\nstatus:")?;
            let (open, close) = ("[{a: ".repeat(40), "}]".repeat(40));
            (0..count / 80).try_for_each(|_| writeln!(file, "- {open}b{close}"))
        },
    },
    Case {
        what: "flow collections inside each other",
        large: 800_000,
        goes_through: false,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            writeln!(file, "    - {{name: A, value: {}{}}}", "[".repeat(count), "]".repeat(count))
        },
    },
    Case {
        what: "Secrets of a List in one line",
        large: 40_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            write!(file, "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{{\"kind\":\"X\"}}")?;
            (0..count).try_for_each(|n| {
                write!(file, ",{{\"kind\":\"Secret\",\"metadata\":{{\"name\":\"s{n}\"}}}}")
            })?;
            writeln!(file, "]}}")
        },
    },
    Case {
        what: "findings in one line",
        large: 40_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            write!(
                file,
                "{{\"kind\":\"Pod\",\"spec\":{{\"containers\":[{{\"name\":\"c\",\"env\":[{{\"name\":\"X\"}}"
            )?;
            (0..count)
                .try_for_each(|n| write!(file, ",{{\"name\":\"A{n}_TOKEN\",\"value\":\"made-up\"}}"))?;
            writeln!(file, "]}}]}}}}")
        },
    },
    Case {
        what: "expansions without an end",
        large: 800_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            pod(file)?;
            writeln!(
                file,
                "    - {{name: A, value: x}}\n    - {{name: A, value: \"{}\"}}",
                "$(".repeat(count)
            )
        },
    },
    Case {
        what: "namespaces with a Secret of one name",
        large: 20_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Secret\nmetadata: {{name: s-nextauth, namespace: n{n}}}\nstringData: {{k: v}}"
                )
            })?;
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Pod\nmetadata: {{name: p, namespace: n{n}}}\nspec: {{containers: [{{name: c, env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s-nextauth, key: k}}}}}}]}}]}}"
                )
            })
        },
    },
    Case {
        what: "keys of one Secret",
        large: 100_000,
        goes_through: true,
        run: Run::Filter,
        text: |file, count| {
            writeln!(file, "kind: Secret\nmetadata: {{name: s-nextauth}}\nstringData:")?;
            (0..count).try_for_each(|n| writeln!(file, "  k{n}: v"))
        },
    },
    Case {
        what: "values left behind in the items of a List",
        large: 20_000,
        goes_through: false,
        run: Run::Filter,
        text: |file, count| {
            writeln!(
                file,
                "kind: Secret\nmetadata: {{name: s-nextauth}}\nstringData: {{password: Made-up-1x}}\n---\nkind: List\nitems:"
            )?;
            (0..count).try_for_each(|n| {
                writeln!(file, "- {{kind: X, metadata: {{name: x{n}}}, spec: {{a: Made-up-1x}}}}")
            })
        },
    },
    Case {
        what: "values left behind in one ConfigMap",
        large: 40_000,
        goes_through: false,
        run: Run::Filter,
        text: |file, count| {
            writeln!(
                file,
                "kind: Secret\nmetadata: {{name: s-nextauth}}\nstringData: {{password: Made-up-1x}}\n---\nkind: ConfigMap\ndata:"
            )?;
            (0..count).try_for_each(|n| writeln!(file, "  k{n}: Made-up-1x"))
        },
    },
    Case {
        what: "variables of an upgrade",
        large: 40_000,
        goes_through: true,
        run: Run::Previous,
        text: |file, count| {
            writeln!(file, "apiVersion: v1")?;
            pod(file)?;
            (0..count).try_for_each(|n| writeln!(file, "    - {{name: V{n}, value: v{n}}}"))
        },
    },
    Case {
        what: "objects that are patched",
        large: 20_000,
        goes_through: true,
        run: Run::Patches,
        text: |file, count| {
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: c, env: [{{name: A, value: x}}, {{name: A, value: y}}]}}]}}"
                )
            })
        },
    },
    Case {
        what: "readers of one key",
        large: 20_000,
        goes_through: true,
        run: Run::Keys,
        text: |file, count| {
            writeln!(file, "kind: Secret\nmetadata: {{name: s-nextauth}}\nstringData: {{k: v}}")?;
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: c, env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s-nextauth, key: k}}}}}}]}}]}}"
                )
            })
        },
    },
    Case {
        what: "Secrets of a proposal",
        large: 8_000,
        goes_through: true,
        run: Run::Scan,
        text: |file, count| {
            (0..count).try_for_each(|n| {
                writeln!(
                    file,
                    "---\nkind: Secret\nmetadata: {{name: s{n}}}\nstringData: {{a: VALUE-number-{n}}}"
                )
            })
        },
    },
];

/// A pod up to the entries of its env list.
pub(crate) fn pod(file: &mut dyn Write) -> std::io::Result<()> {
    writeln!(file, "kind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - name: web\n    env:")
}

/// The file of rules that growth and memory are measured with.
pub(crate) fn rules(folder: &Path) -> anyhow::Result<String> {
    let config = folder.join("growth-rules.yaml");
    let rules = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets: [{name: '*-nextauth', to: vault, optional: true}]\n  duplicates: last\n  policy: {unmatched: allow}\n";
    std::fs::write(&config, rules)?;
    Ok(config.display().to_string())
}

/// Runs each case small and large. A quick run counts instructions, where valgrind is there: nothing disturbs them.
pub(crate) fn all(folder: &Path, render: &Render, quick: bool) -> anyhow::Result<Vec<Growth>> {
    let config = rules(folder)?;
    let nothing = streams::write(folder, "growth nothing", 0, |file| writeln!(file, "kind: Nothing"))?;
    let mut all = Vec::new();
    for Case { what, large, goes_through, run, text } in CASES {
        let proposal = folder.join("proposal.yaml").display().to_string();
        let tool = |stream: &Stream| {
            let stream = stream.path.display().to_string();
            let rules = ["--quiet", "--config", &config];
            let words: Vec<&str> = match run {
                Run::Filter => rules.to_vec(),
                Run::Previous => [&rules[..], &["--previous", &stream]].concat(),
                Run::Patches => [&["patches", "-o", "json6902"], &rules[..]].concat(),
                Run::Keys => [&["keys"], &rules[..]].concat(),
                Run::Scan => vec!["scan", "--quiet", "--force", "--write", &proposal],
            };
            let tool = Tool::resecret(&words);
            if goes_through { tool } else { tool.that_ends_with(2) }
        };
        let stream = |size: usize| {
            streams::write(folder, &format!("growth {what} {size}"), 0, |file| text(file, size))
        };
        let large = if quick { large / 4 } else { large };
        let (smaller, larger) = (stream(large / STEP)?, stream(large)?);
        let least = Tool::resecret(&["--quiet", "--config", &config]);
        let (small_tool, large_tool) = (tool(&smaller), tool(&larger));
        let runs = [(&least, &nothing), (&small_tool, &smaller), (&large_tool, &larger)];
        all.push(growth(what, large, runs, quick)?);
    }
    all.push(rules_growth(folder, render, quick)?);
    Ok(all)
}

/// Many rules on one stream.
fn rules_growth(folder: &Path, render: &Render, quick: bool) -> anyhow::Result<Growth> {
    let stream = streams::releases(folder, render, 16)?;
    let tool = |count: usize| -> anyhow::Result<Tool> {
        let config = folder.join(format!("rules-{count}.yaml"));
        let mut text = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  policy: {unmatched: allow}\n  secrets:\n".to_owned();
        (0..count).for_each(|n| text += &format!("  - {{name: 'app-{n}-*', to: vault-{n}}}\n"));
        text += "  env:\n";
        (0..count).for_each(|n| text += &format!("  - {{to: vault-{n}, vars: {{'APP_{n}_*': '*'}}}}\n"));
        std::fs::write(&config, text)?;
        Ok(Tool::resecret(&["--quiet", "--config", &config.display().to_string()]))
    };
    let large = if quick { 400 } else { 1_000 };
    let (one, smaller, larger) = (tool(1)?, tool(large / STEP)?, tool(large)?);
    growth("rules", large, [(&one, &stream), (&smaller, &stream), (&larger, &stream)], quick)
}

/// Compares a smaller and a larger number, without the effort of the first run, which has nothing of it.
fn growth(
    what: &'static str,
    large: usize,
    runs: [(&Tool, &Stream); 3],
    quick: bool,
) -> anyhow::Result<Growth> {
    let counted = if quick { instructions(runs)? } else { None };
    let (effort, [start, smaller, larger]) = match counted {
        Some(counted) => (Effort::Instructions, counted),
        None => (Effort::Seconds, fastest(runs)?),
    };
    let taken = ((smaller - start).max(0.0), (larger - start).max(0.0));
    Ok(Growth { what, sizes: (large / STEP, large), effort, taken })
}

/// Instructions of each run; `None` where nothing counts them.
fn instructions<const N: usize>(runs: [(&Tool, &Stream); N]) -> anyhow::Result<Option<[f64; N]>> {
    let mut counted = [0.0; N];
    for (counted, (tool, stream)) in counted.iter_mut().zip(runs) {
        let Some(count) = tool.instructions(&stream.path)? else { return Ok(None) };
        #[allow(clippy::cast_precision_loss)] // Some billions.
        let count = count as f64;
        *counted = count;
    }
    Ok(Some(counted))
}

/// Seconds of processor time of the fastest run of each, all in turns.
fn fastest<const N: usize>(runs: [(&Tool, &Stream); N]) -> anyhow::Result<[f64; N]> {
    let mut least = [Duration::MAX; N];
    for _ in 0..TURNS {
        for (least, (tool, stream)) in least.iter_mut().zip(runs) {
            *least = tool.run(&stream.path)?.cpu.min(*least);
        }
    }
    Ok(least.map(|time| time.as_secs_f64()))
}
