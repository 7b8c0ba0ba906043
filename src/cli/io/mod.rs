//! What the commands read and where they report: files, standard streams, the way to a person under Helm 4.

pub(crate) mod helm4;
pub(crate) mod joined_input;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod renders;
pub(crate) mod reporter;
pub(crate) mod source;
pub(crate) mod stdout;
