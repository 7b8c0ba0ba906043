//! How fast each part of the pipeline is by itself: `just bench-parts`, with a name to run only some.
//!
//! Sixteen renders of Langfuse in one stream. A part is measured on what it gets from the part before it, and its bytes per second
//! are those of that: the stream for the prefilter, the documents that are parsed for the rules, those that are edited for
//! the verification.

#[path = "peers/streams.rs"]
#[expect(dead_code, reason = "the programs that are compared read files")]
mod streams;

use std::sync::LazyLock;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use resecret::Config;
use resecret::parts::Parts;

const RELEASES: usize = 16;

/// The stream.
static INPUT: LazyLock<String> = LazyLock::new(|| {
    let render = streams::render().expect("a render ships with the sources");
    streams::texts(&render, RELEASES).collect()
});
static CONFIG: LazyLock<Config> = LazyLock::new(|| preset("langfuse"));
static PARTS: LazyLock<Parts<'static>> =
    LazyLock::new(|| Parts::of(INPUT.as_bytes(), &CONFIG).expect("the filter takes its own example"));

fn main() {
    divan::main();
}

/// A configuration of one preset.
fn preset(name: &str) -> Config {
    let mut config = Config::default();
    config.add_preset(name, "langfuse-vault").expect("a preset that is built in");
    config.allow_unmatched();
    config
}

/// Measures a part against the bytes that it goes over.
fn part<R>(bencher: Bencher<'_, '_>, bytes: usize, run: impl Fn(&Parts<'static>) -> R + Sync) {
    bencher.counter(BytesCount::new(bytes)).bench(|| run(black_box(&PARTS)));
}

// Start-up: what a run does before it has seen a byte.

#[divan::bench(args = Config::preset_names())]
fn config(bencher: Bencher<'_, '_>, name: &str) {
    bencher.bench(|| preset(black_box(name)));
}

#[divan::bench]
fn build_prefilter(bencher: Bencher<'_, '_>) {
    bencher.bench(|| black_box(&PARTS).build_prefilter());
}

// The way of a document, in its order.

#[divan::bench]
fn stream(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes(), Parts::split);
}

#[divan::bench]
fn prefilter(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes(), Parts::prefilter);
}

#[divan::bench]
fn yaml(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes_parsed(), Parts::parse);
}

#[divan::bench]
fn rules(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes_parsed(), Parts::rules);
}

#[divan::bench]
fn lower_and_splice(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes_edited(), Parts::lower_and_splice);
}

#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes_edited(), Parts::verify);
}

// All of it.

#[divan::bench]
fn filter(bencher: Bencher<'_, '_>) {
    part(bencher, PARTS.bytes(), |_| resecret::filter(INPUT.as_bytes(), &CONFIG).is_ok());
}
