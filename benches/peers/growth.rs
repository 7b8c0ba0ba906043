use std::io::Write;
use std::path::Path;

use crate::measure::Sample;
use crate::streams::{self, Stream};
use crate::tools::Tool;

/// How the effort grows with the size of one thing.
pub(crate) struct Growth {
    /// What grows.
    pub(crate) what: &'static str,
    /// Its smaller and larger number.
    pub(crate) sizes: (usize, usize),
    /// Processor time for each.
    pub(crate) samples: (Sample, Sample),
}

impl Growth {
    /// The exponent: 1 is linear, 2 is quadratic. The time that starting takes is taken off both.
    pub(crate) fn exponent(&self, start: f64) -> f64 {
        let time = |sample: &Sample| (sample.cpu.as_secs_f64() - start).max(1e-4);
        let ratio = time(&self.samples.1) / time(&self.samples.0);
        #[allow(clippy::cast_precision_loss)] // Numbers below a million.
        let sizes = self.sizes.1 as f64 / self.sizes.0 as f64;
        ratio.ln() / sizes.ln()
    }
}

type Write1 = fn(&mut dyn Write, usize) -> std::io::Result<()>;

/// What could grow faster than its size, with the larger number tried.
const CASES: [(&str, usize, Write1); 6] = [
    ("entries of one env list", 100_000, |file, count| {
        pod(file)?;
        (0..count).try_for_each(|n| writeln!(file, "    - name: VARIABLE_{n}\n      value: \"{n}\""))
    }),
    ("duplicates in one env list", 20_000, |file, count| {
        pod(file)?;
        (0..count).try_for_each(|n| {
            writeln!(file, "    - name: VARIABLE_{}\n      value: $(VARIABLE_{})", n / 2, n / 2 + 3)
        })
    }),
    ("documents", 100_000, |file, count| {
        (0..count).try_for_each(|n| {
            writeln!(
                file,
                "---\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: c, env: []}}]}}"
            )
        })
    }),
    ("Secrets", 20_000, |file, count| {
        (0..count).try_for_each(|n| {
            writeln!(
                file,
                "---\nkind: Secret\nmetadata: {{name: s{n}-nextauth}}\nstringData: {{a: VALUE-number-{n}}}"
            )
        })
    }),
    ("characters of one line", 3_200_000, |file, count| {
        pod(file)?;
        write!(file, "    - {{name: LONG, value: \"")?;
        (0..count / 8).try_for_each(|_| write!(file, "abcdefg "))?;
        writeln!(file, "\"}}")
    }),
    ("items of one List", 20_000, |file, count| {
        writeln!(file, "kind: List\nitems:")?;
        (0..count).try_for_each(|n| {
            writeln!(
                file,
                "- {{kind: Pod, metadata: {{name: p{n}}}, spec: {{containers: [{{name: c, env: [{{name: A, value: x}}, {{name: A, value: y}}]}}]}}}}"
            )
        })
    }),
];

fn pod(file: &mut dyn Write) -> std::io::Result<()> {
    writeln!(file, "kind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - name: web\n    env:")
}

/// Runs each case small and large.
pub(crate) fn all(folder: &Path, quick: bool) -> anyhow::Result<Vec<Growth>> {
    let config = folder.join("growth-rules.yaml");
    let rules = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets: [{name: '*-nextauth', optional: true}]\n  duplicates: last\n  policy: {unmatched: allow}\n";
    std::fs::write(&config, rules)?;
    let tool = Tool::resecret(&["--quiet", "--config", &config.display().to_string()]);
    let mut all = Vec::new();
    for (what, large, text) in CASES {
        let large = if quick { large / 8 } else { large };
        let sizes = (large / 8, large);
        let sample = |size: usize| -> anyhow::Result<Sample> {
            let stream =
                streams::write(folder, &format!("growth {what} {size}"), 0, |file| text(file, size))?;
            median(&tool, &stream)
        };
        all.push(Growth { what, sizes, samples: (sample(sizes.0)?, sample(sizes.1)?) });
    }
    all.push(rules_growth(folder, quick)?);
    Ok(all)
}

/// Many rules on one render.
fn rules_growth(folder: &Path, quick: bool) -> anyhow::Result<Growth> {
    let render = streams::render()?;
    let stream = streams::releases(folder, &render, 16)?;
    let large = if quick { 200 } else { 1_000 };
    let sample = |count: usize| -> anyhow::Result<Sample> {
        let config = folder.join(format!("rules-{count}.yaml"));
        let mut text = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  policy: {unmatched: allow}\n  secrets:\n".to_owned();
        (0..count).for_each(|n| text += &format!("  - {{name: 'app-{n}-*', to: vault-{n}}}\n"));
        text += "  env:\n";
        (0..count).for_each(|n| text += &format!("  - {{to: vault-{n}, vars: {{'APP_{n}_*': '*'}}}}\n"));
        std::fs::write(&config, text)?;
        median(&Tool::resecret(&["--quiet", "--config", &config.display().to_string()]), &stream)
    };
    let sizes = (large / 8, large);
    Ok(Growth { what: "rules", sizes, samples: (sample(sizes.0)?, sample(sizes.1)?) })
}

fn median(tool: &Tool, stream: &Stream) -> anyhow::Result<Sample> {
    let samples: Result<Vec<Sample>, _> = (0..3).map(|_| tool.run(&stream.path)).collect();
    Ok(Sample::median(&samples?))
}
