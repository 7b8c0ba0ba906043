//! What a tree means to Kubernetes: objects, pods and their variables, fields that name a Secret, credentials.

pub(crate) mod bookkeeping;
pub(crate) mod certificate;
pub(crate) mod credential;
pub(crate) mod list_keys;
pub(crate) mod locator;
pub(crate) mod object;
pub(crate) mod pods;
pub(crate) mod references;
