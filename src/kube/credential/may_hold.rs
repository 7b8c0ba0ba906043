//! Whether the bytes of a document could hold a credential, before they are read as YAML.

use memchr::{memchr, memchr2, memmem};

use crate::kube::credential::names::has_stem;
use crate::kube::credential::texts::may_hold_unnamed;
use crate::kube::credential::values::{JWT_BEGIN, assigns_signature, has_token_prefix};

/// Whether a name, a value or a text that looks like a credential could be in these bytes. May say yes wrongly, never no;
/// what hides a word from any search, such as an escape, is for who searches.
pub(crate) fn may_hold(bytes: &[u8]) -> bool {
    // Letters beyond ASCII are no part of a stem, and yet can make a word that holds one.
    !bytes.is_ascii()
        // Of URLs, and of hashes.
        || memchr2(b'@', b'$', bytes).is_some()
        // Of names, private keys, headers and most settings of connections.
        || has_stem(bytes)
        || memmem::find(bytes, JWT_BEGIN.as_bytes()).is_some()
        || (memchr(b'=', bytes).is_some() && assigns_signature(bytes))
        || has_token_prefix(bytes)
        || may_hold_unnamed(bytes)
}
