//! What a run tells besides its bytes: a module for each command that shows it. None knows another.

pub(crate) mod again;
pub(crate) mod diff;
pub(crate) mod guard;
pub(crate) mod keys;
pub(crate) mod patches;
pub mod scan;
pub(crate) mod upgrade;
