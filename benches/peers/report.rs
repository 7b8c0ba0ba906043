use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::chart;
use crate::page;
use crate::results::{Count, Effort, Growth, Results, Row, Target, megabytes};
use crate::streams::Render;

fn all_rows(results: &Results) -> impl Iterator<Item = &Row> {
    results.rows.iter().chain(&results.untouched).chain(&results.streamed)
}

/// All tables, as Markdown.
pub(crate) fn table(render: &Render, results: &Results) -> String {
    let mut text = format!(
        "The render of one release: {}, {:.0} KB.\n\n| stream | size | program | time | processor | peak memory | times as long as resecret |\n| --- | ---: | --- | ---: | ---: | ---: | ---: |\n",
        render.origin,
        f64::from(u32::try_from(render.text.len()).unwrap_or(u32::MAX)) / 1e3
    );
    for row in all_rows(results) {
        let ours = all_rows(results).find(|other| other.tool == "resecret" && other.stream == row.stream);
        let ratio = ours.map_or(1.0, |ours| row.wall() / ours.wall());
        text += &format!(
            "| {} | {:.2} MB | {} | {:.1} ms | {:.1} ms | {:.1} MB | {ratio:.2} |\n",
            row.stream,
            megabytes(row.bytes),
            row.tool,
            row.wall() * 1e3,
            row.cpu() * 1e3,
            megabytes(row.sample.memory),
        );
    }
    if results.is_disturbed() {
        text += "\nOther work kept the machine busy: the targets are compared with processor time, not with time.\n";
    }
    if !results.counts.is_empty() {
        text += "\n| stream | size | instructions of resecret on one processor | a byte |\n| --- | ---: | ---: | ---: |\n";
    }
    for count in &results.counts {
        text += &format!(
            "| {} | {:.2} MB | {:.1} million | {:.1} |\n",
            count.stream,
            megabytes(count.bytes),
            megabytes(count.instructions),
            count.per_byte()
        );
    }
    text += "\n| target | wanted | measured | reached |\n| --- | --- | --- | ---: |\n";
    for Target { what, wanted, measured, reached, .. } in results.targets() {
        text += &format!("| {what} | {wanted} | {measured} | {:.0} % |\n", reached * 100.0);
    }
    let effort = match results.growth.first().map(|growth| growth.effort) {
        Some(Effort::Instructions) => "million instructions",
        _ => "processor time",
    };
    text += &format!(
        "\n| growth with | from | to | {effort} | exponent (1 is linear) |\n| --- | ---: | ---: | --- | ---: |\n"
    );
    for growth in &results.growth {
        let Growth { what, sizes: (from, to), effort, taken: (smaller, larger) } = growth;
        let taken = match effort {
            Effort::Seconds => format!("{:.0} ms, {:.0} ms", smaller * 1e3, larger * 1e3),
            Effort::Instructions => format!("{:.0}, {:.0}", smaller / 1e6, larger / 1e6),
        };
        text += &format!("| {what} | {from} | {to} | {taken} | {:.2} |\n", growth.exponent());
    }
    text
}

/// Writes `docs/performance.md`, `docs/performance.json` and `docs/performance.svg`.
pub(crate) fn write(render: &Render, results: &Results) -> anyhow::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    page::put("performance.md", &[("results", table(render, results))])?;
    let json = serde_json::to_string_pretty(&json(results))?;
    fs::write(docs.join("performance.json"), json + "\n")?;
    fs::write(docs.join("performance.svg"), chart::svg(&results.rows))?;
    Ok(())
}

fn json(results: &Results) -> Value {
    let row = |row: &Row| {
        json!({
            "stream": row.stream,
            "bytes": row.bytes,
            "program": row.tool,
            "wallSeconds": row.wall(),
            "cpuSeconds": row.cpu(),
            "peakMemoryBytes": row.sample.memory,
        })
    };
    let count = |count: &Count| json!({"stream": count.stream, "bytes": count.bytes, "instructions": count.instructions});
    let growth = |growth: &Growth| {
        json!({
            "what": growth.what,
            "sizes": [growth.sizes.0, growth.sizes.1],
            "exponent": growth.exponent(),
        })
    };
    let target = |target: &Target| json!({"what": target.what, "target": target.wanted, "measured": target.measured, "reached": target.reached});
    json!({
        "measurements": all_rows(results).map(row).collect::<Vec<_>>(),
        "instructions": results.counts.iter().map(count).collect::<Vec<_>>(),
        "growth": results.growth.iter().map(growth).collect::<Vec<_>>(),
        "targets": results.targets().iter().map(target).collect::<Vec<_>>(),
    })
}
