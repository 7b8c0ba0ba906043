//! Fixtures and corpus: exact bytes in, exact bytes out.
//!
//! One trial per folder `tests/fixtures/SUBJECT/CASE`. A folder holds `input.yaml` and what to do with it: `config.yaml`, or
//! `args.txt` with words of the command line, or both. The comment on the first line of either says what the case
//! shows. Adding a case needs no Rust: make the folder, run with `INSTA_UPDATE=always`, and read the new snapshot as if it
//! were code; `RESECRET_UPDATE=1` writes the index.
//!
//! One trial per render of the corpus that lies beside the repository, where there is one.

/// What a run of the program is asked for.
#[path = "../support/arguments.rs"]
mod arguments;
/// Secret values of fixtures, and the forms in which they could leak.
mod canary;
/// The fields of custom resources: which are redirected, reported, left alone.
mod catalogue;
/// Real renders, compared with a second, naive implementation of the promise.
mod corpus;
/// Every Secret of the corpus removed at once: no field may still name one.
mod corpus_dangling;
/// Plain credentials of the corpus: what is found, and that nothing else is.
mod corpus_plaintext;
/// A folder of `tests/fixtures`.
mod fixture;
/// Where those folders are.
#[path = "../support/fixture_folders.rs"]
mod fixture_folders;
/// Help that can be pasted.
mod help;
/// The index of the fixtures, with how many show which place and which style.
mod inventory;
/// What every case must hold, and the snapshot that it is compared with.
mod laws;
/// Documents and values, read without the program.
mod model;
/// What `scan --write` proposes.
mod proposals;
/// The same documents one by one.
mod streaming;
/// What vaulted Secrets must hold, in each form of manifest.
mod vault;
/// The law that those must hold, the same that random streams do.
#[path = "../properties/whole.rs"]
mod whole;

use std::process::ExitCode;

use libtest_mimic::{Failed, Trial};

use crate::arguments::arguments;

fn main() -> ExitCode {
    let arguments = arguments();
    let fixtures = fixture::all();
    let of_all = |name: &str, check: fn(&[fixture::Fixture]) -> anyhow::Result<()>| {
        let fixtures = fixtures.clone();
        Trial::test(name, move || failed(check(&fixtures)))
    };
    let mut trials = vec![
        of_all("fixtures::no_unreferenced_snapshot", laws::no_unreferenced_snapshot),
        of_all("fixtures::the_index_is_current", inventory::check),
    ];
    trials.extend(proposals::trials(&fixtures));
    trials.extend(help::trials(&fixtures));
    trials.extend(fixtures.into_iter().map(|fixture| {
        Trial::test(format!("fixtures::{}", fixture.name()), move || failed(laws::check(&fixture)))
    }));
    trials.extend(catalogue::trials());
    trials.extend(corpus::trials());
    trials.extend(corpus_dangling::trials());
    trials.extend(corpus_plaintext::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn failed(result: anyhow::Result<()>) -> Result<(), Failed> {
    result.map_err(|error| Failed::from(format!("{error:#}")))
}
