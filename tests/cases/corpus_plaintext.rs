use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;
use resecret::{Code, Config, Severity};

/// Every finding of `policy.plaintext` in the corpus while no rule covers anything: container and variable. Each is a
/// credential that the chart renders in plain sight; none of them is a false alarm. A finding that comes or goes with a
/// change of the rules must be judged by a person, and written here.
const FINDINGS: [(&str, &[&str]); 4] = [
    (
        "langfuse-0.10.0-default",
        &[
            // The salt of API keys, as a literal of values.yaml
            "SALT",
            // redis://user:password@host
            "REDIS_CONNECTION_STRING",
            "CLICKHOUSE_PASSWORD",
            // MinIO's root user and password
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
        ],
    ),
    ("langfuse-0.10.0-umbrella", &[]),
    (
        "langfuse-1.5.0",
        &[
            "NEXTAUTH_SECRET",
            "SALT",
            "ENCRYPTION_KEY",
            "DATABASE_PASSWORD",
            "REDIS_PASSWORD",
            "CLICKHOUSE_PASSWORD",
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
            "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
        ],
    ),
    ("langfuse-2.0.0", &["NEXTAUTH_SECRET", "SALT", "CLICKHOUSE_PASSWORD"]),
];

/// One trial per chart of the corpus.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let charts = FINDINGS.into_iter().filter(|_| root.is_dir());
    let trial = |(chart, expected): (&'static str, &'static [&'static str])| {
        let folder = root.join(chart);
        Trial::test(format!("corpus::{chart}::plaintext"), move || {
            check(&folder, expected).map_err(|error| format!("{error:#}").into())
        })
    };
    charts.map(trial).collect()
}

fn check(folder: &Path, expected: &[&str]) -> anyhow::Result<()> {
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    let mut config = Config::default();
    // Rules that match nothing here, so that every literal is judged.
    config.add_file(
        "none.yaml",
        "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {env: [{remove: [NOT_THERE]}]}}",
    )?;
    config.allow_unmatched();
    for client in [3, 4] {
        let file = folder.join(format!("helm{client}-stdin.yaml"));
        let input = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let filtered = resecret::filter(&input, &config)?;
        let mut found = BTreeSet::new();
        for diagnostic in
            filtered.diagnostics().iter().filter(|diagnostic| diagnostic.code == Code::Plaintext)
        {
            ensure!(diagnostic.severity == Severity::Warning, "plaintext is a warning by default");
            let words: Vec<&str> = diagnostic.message.split(' ').collect();
            ensure!(words[0] == "variable", "not a variable: {}", diagnostic.message);
            found.insert(words[1]);
        }
        ensure!(found == expected, "Helm {client}: found {found:?}, expected {expected:?}");
    }
    Ok(())
}
