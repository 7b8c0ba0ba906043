use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::chart;
use crate::growth::Growth;
use crate::measure::Sample;
use crate::streams::Render;

/// One program on one stream.
pub(crate) struct Row {
    /// The program.
    pub(crate) tool: &'static str,
    /// The stream.
    pub(crate) stream: String,
    /// The stream's size.
    pub(crate) bytes: u64,
    /// What it took.
    pub(crate) sample: Sample,
}

impl Row {
    /// Seconds from start to end.
    pub(crate) fn wall(&self) -> f64 {
        self.sample.wall.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        self.sample.cpu.as_secs_f64()
    }
}

/// Everything that was measured.
pub(crate) struct Report {
    origin: &'static str,
    render: usize,
    rows: Vec<Row>,
    /// Documents that no rule can touch.
    pub(crate) untouched: Option<Vec<Row>>,
    /// A stream of any length, document by document.
    pub(crate) streamed: Option<Row>,
    largest_document: usize,
    /// Growth, case by case.
    pub(crate) growth: Vec<Growth>,
}

/// A target, and how far it was reached: 1 is the target, more is better.
struct Target {
    what: String,
    wanted: String,
    measured: String,
    reached: f64,
}

impl Report {
    /// Nothing measured yet.
    pub(crate) fn new(render: &Render) -> Self {
        Self {
            origin: render.origin,
            render: render.text.len(),
            rows: Vec::new(),
            untouched: None,
            streamed: None,
            largest_document: render.largest_document(),
            growth: Vec::new(),
        }
    }

    /// Adds a measurement.
    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    fn row(&self, tool: &str, releases: usize) -> Option<&Row> {
        let begins = format!("{releases} release");
        self.rows.iter().find(|row| row.tool == tool && row.stream.starts_with(&begins))
    }

    /// What the time of starting the program is, about: the smallest that was seen.
    fn start(&self) -> f64 {
        self.row("cat", 1).map_or(0.0, Row::cpu)
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for (peer, releases, factor) in [("kustomize", 1, 25.0), ("yq", 1, 5.0), ("yq", 160, 20.0)] {
            if let (Some(ours), Some(theirs)) = (self.row("resecret", releases), self.row(peer, releases)) {
                let ratio = theirs.wall() / ours.wall();
                targets.push(Target {
                    what: format!("faster than {peer} on {}", ours.stream),
                    wanted: format!("{factor} times"),
                    measured: format!("{ratio:.1} times"),
                    reached: ratio / factor,
                });
            }
        }
        if let (Some(ours), Some(cat)) = (self.row("resecret", 1), self.row("cat", 1)) {
            let limit = 3.0 * cat.cpu() + 0.003;
            targets.push(Target {
                what: "processor time on 1 release".to_owned(),
                wanted: format!("3 times cat's + 3 ms = {:.1} ms", limit * 1e3),
                measured: format!("{:.1} ms", ours.cpu() * 1e3),
                reached: limit / ours.cpu(),
            });
        }
        if let Some([ours, cat]) = self.untouched.as_deref() {
            #[allow(clippy::cast_precision_loss)] // Bytes of a stream.
            let speed = ours.bytes as f64 / 1e9 / (ours.wall() - self.start()).max(1e-6);
            targets.push(Target {
                what: "documents that no rule can touch".to_owned(),
                wanted: "1 GB/s".to_owned(),
                measured: format!(
                    "{speed:.2} GB/s (cat: {:.0} ms, resecret: {:.0} ms)",
                    cat.wall() * 1e3,
                    ours.wall() * 1e3
                ),
                reached: speed,
            });
        }
        for row in self.rows.iter().filter(|row| row.tool == "resecret") {
            let limit = row.bytes + 8_000_000;
            #[allow(clippy::cast_precision_loss)] // Bytes of memory.
            let reached = limit as f64 / row.sample.memory as f64;
            targets.push(Target {
                what: format!("peak memory on {}", row.stream),
                wanted: format!("input + 8 MB = {:.1} MB", megabytes(limit)),
                measured: format!("{:.1} MB", megabytes(row.sample.memory)),
                reached,
            });
        }
        if let Some(row) = &self.streamed {
            let limit = 8_000_000 + 2 * self.largest_document as u64;
            #[allow(clippy::cast_precision_loss)] // Bytes of memory.
            let reached = limit as f64 / row.sample.memory as f64;
            targets.push(Target {
                what: format!("peak memory of {}, {:.2} GB", row.tool, megabytes(row.bytes) / 1e3),
                wanted: format!("8 MB + twice the largest document = {:.1} MB", megabytes(limit)),
                measured: format!("{:.1} MB", megabytes(row.sample.memory)),
                reached,
            });
        }
        targets
    }

    /// All rows of the first table.
    fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(self.untouched.iter().flatten()).chain(&self.streamed)
    }

    /// Whether every target is reached at least by half.
    pub(crate) fn is_good_enough(&self) -> bool {
        let poor: Vec<Target> = self.targets().into_iter().filter(|target| target.reached < 0.5).collect();
        for Target { what, wanted, measured, .. } in &poor {
            println!("too far from its target: {what}: {measured}, the target is {wanted}");
        }
        poor.is_empty()
    }

    /// All tables, as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "The render of one release: {}, {:.0} KB.\n\n| stream | size | program | time | processor | peak memory | times as long as resecret |\n| --- | ---: | --- | ---: | ---: | ---: | ---: |\n",
            self.origin,
            f64::from(u32::try_from(self.render).unwrap_or(u32::MAX)) / 1e3
        );
        for row in self.all() {
            let ours = self.all().find(|other| other.tool == "resecret" && other.stream == row.stream);
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
        text += "\n| target | wanted | measured | reached |\n| --- | --- | --- | ---: |\n";
        for Target { what, wanted, measured, reached } in self.targets() {
            text += &format!("| {what} | {wanted} | {measured} | {:.0} % |\n", reached * 100.0);
        }
        text += "\n| growth with | from | to | processor time | exponent (1 is linear) |\n| --- | ---: | ---: | --- | ---: |\n";
        for growth in &self.growth {
            text += &format!(
                "| {} | {} | {} | {:.0} ms, {:.0} ms | {:.2} |\n",
                growth.what,
                growth.sizes.0,
                growth.sizes.1,
                growth.samples.0.cpu.as_secs_f64() * 1e3,
                growth.samples.1.cpu.as_secs_f64() * 1e3,
                growth.exponent(self.start())
            );
        }
        text
    }

    /// Writes `docs/performance.md`, `docs/performance.json` and `docs/performance.svg`.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        fs::create_dir_all(&docs)?;
        let page = format!(
            "# Performance\n\nMeasured by `just bench` on one machine, all programs in turns in one run, medians. The ratios are what to read.\n\n![Time over size of the stream](performance.svg)\n\n{}",
            self.table()
        );
        fs::write(docs.join("performance.md"), page)?;
        let json = serde_json::to_string_pretty(&self.json())?;
        fs::write(docs.join("performance.json"), json + "\n")?;
        fs::write(docs.join("performance.svg"), chart::svg(&self.rows))?;
        Ok(())
    }

    fn json(&self) -> Value {
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
        let growth = |growth: &Growth| {
            json!({
                "what": growth.what,
                "sizes": [growth.sizes.0, growth.sizes.1],
                "exponent": growth.exponent(self.start()),
            })
        };
        let target = |target: &Target| json!({"what": target.what, "target": target.wanted, "measured": target.measured, "reached": target.reached});
        json!({
            "measurements": self.all().map(row).collect::<Vec<_>>(),
            "growth": self.growth.iter().map(growth).collect::<Vec<_>>(),
            "targets": self.targets().iter().map(target).collect::<Vec<_>>(),
        })
    }
}

#[allow(clippy::cast_precision_loss)] // Bytes of a stream or of memory.
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
