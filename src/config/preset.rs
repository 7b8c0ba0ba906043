//! Rule sets built in: the same language as a configuration file, kept as files.

/// Name and text of every preset.
pub(super) const PRESETS: [(&str, &str); 2] = [
    ("langfuse", include_str!("presets/langfuse.yaml")),
    ("langfuse-stores", include_str!("presets/langfuse-stores.yaml")),
];

/// A preset's text.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of all presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}
