//! The arguments of a test program with a `main` of its own.

use libtest_mimic::Arguments;

/// One character a trial, unless trials are chosen by name, a format is asked for or CI wants the names: Cargo hands
/// `--quiet` to no program of this kind.
pub(crate) fn arguments() -> Arguments {
    let mut arguments = Arguments::from_args();
    let is_asked = arguments.list || arguments.filter.is_some() || arguments.format.is_some();
    arguments.quiet |= !is_asked && std::env::var_os("CI").is_none();
    arguments
}
