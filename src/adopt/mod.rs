//! The first upgrade of a live release, as one shell script.
//!
//! Pure: the manifest of the last release and the render in, a POSIX script out. `live_values` finds where the values of
//! the vaulted Secrets are today; `way` chooses how to upgrade so that nothing is lost, or says why there is no such way;
//! `script` writes the steps, over the shell functions of `functions.sh`; `last_words` what is left to do; `verify` compares
//! what is live afterwards with the manifest; `back` is the way back; `text` what both scripts share. What the script does to a real API server is tried in `tests/live`.

mod adoption;
mod back;
mod last_words;
mod live_values;
mod script;
mod shell;
mod text;
mod verify;
mod way;

pub use adoption::{Adoption, ChartValue, Fill, Helm};
pub use back::{leave, not_restored};
pub use verify::not_live;

use crate::adopt::script::Script;
use crate::adopt::way::Way;
use crate::analysis::keys::vault;
use crate::analysis::upgrade::hazards;
use crate::analysis::upgrade::release::Release;
use crate::config::Config;
use crate::diagnostics::Error;
use crate::filter::filter;

/// The script that adopts a live release.
///
/// `previous` is what `helm get manifest` prints, with or without `helm get hooks` and live objects behind it, and `file`
/// what diagnostics call it. `render` is what `helm template` prints. The script holds no value of either.
///
/// # Errors
///
/// A stream that cannot be read or filtered, or a release that has no safe way.
pub fn adopt(
    previous: &[u8],
    file: &str,
    render: &[u8],
    config: &Config,
    adoption: &Adoption,
) -> Result<String, Error> {
    let filtered = filter(render, config)?.to_vec();
    let found = hazards(previous, file, &filtered, config)?;
    let previous = Release::read(previous, Some(file), config)?;
    let next = Release::read(&filtered, None, config)?;
    let way = Way::choose(adoption.helm, &previous, &next, &found)?;
    let vault = vault(render, config)?;
    Ok(Script { adoption, way: &way, found: &found, vault: &vault, config, previous: &previous, next: &next }
        .write())
}
