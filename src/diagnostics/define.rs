//! The macro that keeps a code's variant, id and documentation in one place.

/// Defines [`Code`] so that its documentation is also what `resecret explain` prints.
macro_rules! codes {
    ($($(#[doc = $line:literal])+ $variant:ident = $id:literal,)+) => {
        /// What a diagnostic is about. The id reads well behind "allow".
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $line])+ $variant,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The id, in kebab case.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                }
            }

            /// The documentation: a sentence, what it means, what to do; Markdown.
            #[must_use]
            pub fn documentation(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($line, "\n",)+),)+
                }
            }
        }
    };
}

pub(super) use codes;
