//! What a code is besides its documentation: whether it is about the input as a whole, and how it is written.

use std::fmt;

use crate::diagnostics::code::Code;

impl Code {
    /// Whether an error about this means that the input could not be judged at all: wrong flags, a configuration or an
    /// input that cannot be read. All others say something about manifests that were read.
    #[must_use]
    pub fn prevents_judgement(self) -> bool {
        use Code::{EmptyInput, InvalidConfig, Io, MixedInput, NoRules, NotUtf8, NotYaml, TruncatedInput};
        let of_input = matches!(self, EmptyInput | MixedInput | NotUtf8 | NotYaml | TruncatedInput);
        of_input || matches!(self, InvalidConfig | NoRules | Io)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
