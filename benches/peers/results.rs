use super::measure::Sample;

/// A ratio of which less than this is reached fails the check. That is half of what is reached: times are noisy, and what costs
/// more is seen by instructions.
const POOR: f64 = 0.25;
/// The same for memory, which is not noisy.
const POOR_MEMORY: f64 = 0.5;
/// The same for the memory of a document that is edited: a page more or less is no fault.
const POOR_EDITED: f64 = 0.95;
/// The same for a large stream, which counts on several processors, where only one was to be had.
const POOR_ALONE: f64 = 0.15;
/// A run on a large stream that takes more than this of its processor time has had only one.
const ALONE: f64 = 0.9;
/// Instructions a byte: the stream and its least size (a small render has other documents), what is wanted, and what fails the
/// check: they are the same in every run, so that is close to what they are.
const INSTRUCTIONS: [(&str, u64, f64, f64); 3] = [
    ("1 release", 60_000, 130.0, 250.0),
    ("16 releases", 900_000, 130.0, 215.0),
    ("documents that no rule can touch", 0, 5.0, 8.5),
];
/// A run that takes this many times its processor time was disturbed; one on several threads takes less.
const DISTURBED: f64 = 1.2;

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

    /// Seconds of processor time.
    pub(crate) fn cpu(&self) -> f64 {
        self.sample.cpu.as_secs_f64()
    }
}

/// The instructions of a run on one processor.
pub(crate) struct Count {
    /// The stream.
    pub(crate) stream: String,
    /// The stream's size.
    pub(crate) bytes: u64,
    /// How many there are.
    pub(crate) instructions: u64,
}

impl Count {
    /// Instructions a byte.
    #[allow(clippy::cast_precision_loss)] // Some hundred millions.
    pub(crate) fn per_byte(&self) -> f64 {
        self.instructions as f64 / self.bytes as f64
    }
}

/// How the effort grows with the size of one thing.
pub(crate) struct Growth {
    /// What grows.
    pub(crate) what: &'static str,
    /// Its smaller and larger number.
    pub(crate) sizes: (usize, usize),
    /// What was measured.
    pub(crate) effort: Effort,
    /// How much of it each takes, without what a run takes that has nothing of it.
    pub(crate) taken: (f64, f64),
}

/// What the effort of a run is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Seconds of processor time.
    Seconds,
    /// Instructions on one processor.
    Instructions,
}

impl Effort {
    /// Below this a difference is noise.
    fn noise(self) -> f64 {
        match self {
            Self::Seconds => 1e-3,
            Self::Instructions => 1e5,
        }
    }

    /// Growth with a larger exponent fails the check: 1 is linear, 2 is quadratic. Of times it says little: other work on the
    /// machine slows a long run down more than a short one.
    fn steep(self) -> f64 {
        match self {
            Self::Seconds => 1.7,
            Self::Instructions => 1.25,
        }
    }
}

impl Growth {
    /// The exponent: 1 is linear, 2 is quadratic.
    pub(crate) fn exponent(&self) -> f64 {
        let noise = self.effort.noise();
        let ratio = self.taken.1.max(noise) / self.taken.0.max(noise);
        #[allow(clippy::cast_precision_loss)] // Numbers of a few millions.
        let sizes = self.sizes.1 as f64 / self.sizes.0 as f64;
        ratio.ln() / sizes.ln()
    }
}

/// The peak of a run on one document.
pub(crate) struct Memory {
    /// What the document is full of.
    pub(crate) shape: &'static str,
    /// Its length.
    pub(crate) bytes: u64,
    /// What the run takes beyond what one without a document takes.
    pub(crate) peak: u64,
}

impl Memory {
    /// How many times its size the document takes.
    pub(crate) fn times(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // Some billions.
        let times = self.peak as f64 / self.bytes as f64;
        times
    }
}

/// A target, and how far it was reached: 1 is the target, more is better.
pub(crate) struct Target {
    /// What is measured.
    pub(crate) what: String,
    /// What is wanted of it.
    pub(crate) wanted: String,
    /// What it is.
    pub(crate) measured: String,
    /// How much of what is wanted that is.
    pub(crate) reached: f64,
    /// Less than this fails the check.
    pub(crate) poor: f64,
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Results {
    /// Streams of releases.
    pub(crate) rows: Vec<Row>,
    /// Instructions, where they can be counted.
    pub(crate) counts: Vec<Count>,
    /// Documents that no rule can touch.
    pub(crate) untouched: Vec<Row>,
    /// A stream of any length, document by document, and the largest of these.
    pub(crate) streamed: Vec<Row>,
    pub(crate) largest_document: u64,
    /// Growth, case by case.
    pub(crate) growth: Vec<Growth>,
    /// What edited documents take, by their shape.
    pub(crate) memory: Vec<Memory>,
}

impl Results {
    fn row(&self, tool: &str, releases: usize) -> Option<&Row> {
        let begins = format!("{releases} release");
        self.rows.iter().find(|row| row.tool == tool && row.stream.starts_with(&begins))
    }

    /// Whether other work kept the processors from some run: then time says more of that work than of the programs.
    pub(crate) fn is_disturbed(&self) -> bool {
        let mut ours = self.rows.iter().filter(|row| row.tool == "resecret");
        ours.any(|row| row.wall() > DISTURBED * row.cpu())
    }

    /// What counts as a row's time: processor time on a machine that is busy.
    fn time(&self, row: &Row) -> f64 {
        if self.is_disturbed() { row.cpu() } else { row.wall() }
    }

    /// All targets that something was measured for.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let faster = [("kustomize", 1, 40.0), ("yq", 1, 10.0), ("yq", 160, 40.0)];
        let faster = faster.into_iter().filter_map(|(peer, releases, factor)| {
            let (ours, theirs) = (self.row("resecret", releases)?, self.row(peer, releases)?);
            let ratio = self.time(theirs) / self.time(ours);
            let alone = releases > 1 && self.time(ours) > ALONE * ours.cpu();
            Some(Target {
                what: format!("faster than {peer} on {}", ours.stream),
                wanted: format!("{factor} times"),
                measured: format!("{ratio:.1} times"),
                reached: ratio / factor,
                poor: if alone { POOR_ALONE } else { POOR },
            })
        });
        let whole = self.rows.iter().filter(|row| row.tool == "resecret");
        let whole = whole.map(|row| memory(row, row.bytes, "input"));
        let largest = 2 * self.largest_document;
        let streamed = self.streamed.iter().map(|row| memory(row, largest, "twice the largest document"));
        let memory = whole.chain(streamed);
        let instructions = self.counts.iter().filter_map(Self::instructions);
        let all = faster.chain(self.processor_time()).chain(self.throughput());
        let edited = self.memory.iter().map(edited);
        all.chain(instructions).chain(memory).chain(edited).collect()
    }

    fn instructions(count: &Count) -> Option<Target> {
        let mut known = INSTRUCTIONS.into_iter();
        let (.., wanted, most) =
            known.find(|(stream, least, ..)| *stream == count.stream && *least <= count.bytes)?;
        Some(Target {
            what: format!("instructions a byte on {}", count.stream),
            wanted: format!("{wanted}"),
            measured: format!("{:.1}", count.per_byte()),
            reached: wanted / count.per_byte(),
            poor: wanted / most,
        })
    }

    fn processor_time(&self) -> Option<Target> {
        let (ours, cat) = (self.row("resecret", 1)?, self.row("cat", 1)?);
        let limit = 2.0 * cat.cpu();
        Some(Target {
            what: "processor time on 1 release".to_owned(),
            wanted: format!("twice cat's = {:.1} ms", limit * 1e3),
            measured: format!("{:.1} ms", ours.cpu() * 1e3),
            reached: limit / ours.cpu(),
            poor: POOR_ALONE,
        })
    }

    fn throughput(&self) -> Option<Target> {
        let [ours, cat] = self.untouched.as_slice() else { return None };
        // What the smallest run takes is the price of a process, not of its bytes.
        let start = self.row("cat", 1).map_or(0.0, Row::cpu);
        #[allow(clippy::cast_precision_loss)] // Bytes of a stream.
        let speed = ours.bytes as f64 / 1e9 / (self.time(ours) - start).max(1e-6);
        Some(Target {
            what: "documents that no rule can touch".to_owned(),
            wanted: "1 GB/s".to_owned(),
            measured: format!(
                "{speed:.2} GB/s (cat: {:.0} ms, resecret: {:.0} ms)",
                self.time(cat) * 1e3,
                self.time(ours) * 1e3
            ),
            reached: speed,
            poor: POOR,
        })
    }

    /// What fails the check: targets that are missed by far, and growth that is far from linear.
    pub(crate) fn poor(&self) -> Vec<String> {
        let targets = self.targets().into_iter().filter(|target| target.reached < target.poor);
        let targets = targets.map(|Target { what, wanted, measured, .. }| {
            format!("far below a target: {what}: {measured}, the target is {wanted}")
        });
        let steep = self.growth.iter().filter(|growth| growth.exponent() > growth.effort.steep());
        let growth = steep.map(|growth| {
            let Growth { what, sizes: (from, to), effort, .. } = growth;
            let (exponent, limit) = (growth.exponent(), effort.steep());
            format!(
                "not linear: from {from} to {to} {what}, effort grows with an exponent of {exponent:.2}, {limit} is the limit"
            )
        });
        targets.chain(growth).collect()
    }
}

/// No more than 8 MB and so many bytes.
fn memory(row: &Row, bytes: u64, what: &str) -> Target {
    let limit = bytes + 8_000_000;
    #[allow(clippy::cast_precision_loss)] // Bytes of memory.
    let reached = limit as f64 / row.sample.memory as f64;
    Target {
        what: format!("peak memory on {}", row.stream),
        wanted: format!("{what} + 8 MB = {:.1} MB", megabytes(limit)),
        measured: format!("{:.1} MB", megabytes(row.sample.memory)),
        reached,
        poor: POOR_MEMORY,
    }
}

/// No more than 20 times the size of a document that is edited, whatever its shape.
fn edited(memory: &Memory) -> Target {
    Target {
        what: format!("peak memory of a document of {}", memory.shape),
        wanted: "20 times its size".to_owned(),
        measured: format!("{:.1} times", memory.times()),
        reached: 20.0 / memory.times(),
        poor: POOR_EDITED,
    }
}

/// Bytes, for a reader.
#[allow(clippy::cast_precision_loss)] // Bytes of a stream or of memory.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
