use std::time::Duration;

use self::measure::Sample;
use self::results::{Count, Effort, Growth, Memory, Results, Row};

#[path = "../../benches/peers/measure.rs"]
#[expect(dead_code, reason = "nothing is measured here")]
mod measure;
#[path = "../../benches/peers/results.rs"]
mod results;

fn row(tool: &'static str, stream: &str, bytes: u64, millis: f64) -> Row {
    let time = Duration::from_secs_f64(millis / 1e3);
    Row {
        tool,
        stream: stream.to_owned(),
        bytes,
        sample: Sample { wall: time, cpu: time, memory: 8_000_000 },
    }
}

fn count(stream: &str, bytes: u64, per_byte: u64) -> Count {
    Count { stream: stream.to_owned(), bytes, instructions: per_byte * bytes }
}

fn grown(effort: Effort, smaller: f64, larger: f64) -> Growth {
    Growth { what: "documents", sizes: (1_000, 8_000), effort, taken: (smaller, larger) }
}

/// A run that reaches every target exactly, or a little more.
fn good() -> Results {
    let untouched = "documents that no rule can touch";
    let mut good = Results {
        rows: vec![
            row("resecret", "1 release", 64_000, 4.0),
            row("cat", "1 release", 64_000, 2.0),
            row("yq", "1 release", 64_000, 40.0),
            row("kustomize", "1 release", 64_000, 160.0),
            row("resecret", "160 releases", 10_000_000, 150.0),
            row("yq", "160 releases", 10_000_000, 6000.0),
        ],
        counts: vec![
            count("1 release", 64_000, 130),
            count("16 releases", 1_000_000, 130),
            count(untouched, 8_000_000, 5),
        ],
        untouched: vec![
            row("resecret", untouched, 64_000_000, 65.0),
            row("cat", untouched, 64_000_000, 10.0),
        ],
        streamed: vec![row("resecret --stream", "16000 releases through a pipe", 1_000_000_000, 50_000.0)],
        largest_document: 6_000,
        growth: vec![grown(Effort::Seconds, 0.010, 0.080)],
        memory: vec![Memory { shape: "variables", bytes: 4_000_000, peak: 80_000_000 }],
    };
    // On two processors.
    good.rows[4].sample.cpu *= 2;
    good
}

#[track_caller]
fn check_poor(results: &Results, expected: &[&str]) {
    let poor = results.poor();
    assert_eq!(poor.len(), expected.len(), "{poor:#?}");
    for (line, words) in poor.iter().zip(expected) {
        assert!(line.contains(words), "{line} should say {words}");
    }
}

#[test]
fn what_reaches_its_targets_is_good_enough() {
    let results = good();
    assert_eq!(results.targets().len(), 12);
    for target in results.targets() {
        assert!(target.reached > 0.99, "{}: {}", target.what, target.measured);
    }
    check_poor(&results, &[]);
}

#[test]
fn a_quarter_of_a_target_is_hardly_good_enough_and_less_is_not() {
    let slower = |factor: f64| {
        let mut results = good();
        let ours = results.rows.iter_mut().chain(&mut results.untouched).filter(|row| row.tool == "resecret");
        for row in ours {
            row.sample.wall = row.sample.wall.mul_f64(factor);
            row.sample.cpu = row.sample.cpu.mul_f64(factor);
        }
        results
    };
    check_poor(&slower(3.9), &[]);
    check_poor(
        &slower(4.1),
        &[
            "faster than kustomize on 1 release: 9.8 times, the target is 40 times",
            "faster than yq on 1 release",
            "faster than yq on 160 releases",
            "documents that no rule can touch: 0.24 GB/s",
        ],
    );
    check_poor(
        &slower(7.0),
        &[
            "faster than kustomize on 1 release",
            "faster than yq on 1 release",
            "faster than yq on 160 releases",
            "processor time on 1 release: 28.0 ms",
            "documents that no rule can touch",
        ],
    );
}

#[test]
fn other_work_on_the_machine_fails_nothing() {
    let mut results = good();
    for row in results.rows.iter_mut().chain(&mut results.untouched).filter(|row| row.tool == "resecret") {
        row.sample.wall *= 4;
    }
    assert!(results.is_disturbed() && !good().is_disturbed());
    check_poor(&results, &[]);
}

#[test]
fn one_processor_is_as_fast_on_a_large_stream_as_it_can_be() {
    let alone = |millis: u64| {
        let mut results = good();
        let sample = &mut results.rows[4].sample;
        (sample.wall, sample.cpu) = (Duration::from_millis(millis), Duration::from_millis(millis));
        results
    };
    check_poor(&alone(980), &[]);
    check_poor(&alone(1020), &["faster than yq on 160 releases"]);
}

#[test]
fn more_instructions_than_the_bar_are_not_good_enough() {
    let mut results = good();
    results.counts[1] = count("16 releases", 1_000_000, 400);
    check_poor(&results, &["instructions a byte on 16 releases: 400.0, the target is 130"]);
    // Another render, with other documents.
    results.counts = vec![count("16 releases", 100_000, 400)];
    check_poor(&results, &[]);
}

#[test]
fn too_much_memory_is_not_good_enough() {
    let mut results = good();
    results.rows[0].sample.memory = 17_000_000;
    check_poor(&results, &["peak memory on 1 release: 17.0 MB, the target is input + 8 MB = 8.1 MB"]);
}

#[test]
fn growth_that_is_not_linear_is_not_good_enough() {
    let growth = |effort, smaller: f64, larger: f64| Results {
        growth: vec![grown(effort, smaller, larger)],
        ..good()
    };
    let quadratic = "from 1000 to 8000 documents, effort grows with an exponent of 2.00";
    check_poor(&growth(Effort::Seconds, 0.010, 0.300), &[]);
    check_poor(&growth(Effort::Seconds, 0.010, 0.640), &[quadratic]);
    // Too short to say: a run is never slower for want of work.
    check_poor(&growth(Effort::Seconds, -0.000_1, 0.002), &[]);
    // Nothing disturbs a count.
    check_poor(&growth(Effort::Instructions, 10e6, 100e6), &[]);
    check_poor(&growth(Effort::Instructions, 10e6, 160e6), &["an exponent of 1.33, 1.25 is the limit"]);
    check_poor(&growth(Effort::Instructions, 10e6, 640e6), &[quadratic]);
    check_poor(&growth(Effort::Instructions, 0.0, 1e6), &[]);
}
