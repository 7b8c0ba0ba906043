//! YAML as an editor needs it: a tree whose every node knows its bytes.
//!
//! The tree is read-only and borrows from the source. It keeps what a value tree throws away (style, anchors,
//! tags, both entries of a duplicate key) and resolves nothing it need not: a scalar is its text and its style,
//! so that `yes`, `0644` and `1e3` never change by passing through here.
//!
//! One source is one document. Text that is not YAML is an error of [`parse`]; depth is limited, and aliases are
//! references into the tree, never copies, so that neither nesting nor aliases can exhaust memory.

mod builder;
mod error;
pub(crate) mod events;
pub(crate) mod field_path;
mod lineage;
mod parse;
mod path;
mod rendered;
pub(crate) mod scalar;
pub(crate) mod span;
mod storage;
mod tree;

pub(crate) use error::ParseError;
#[cfg(any(test, fuzzing))]
pub(crate) use parse::check_readers;
pub(crate) use parse::{is_rendered, parse, read_common, read_lineage};
pub(crate) use path::{Path, Step, Trail};
pub(crate) use span::Span;
pub(crate) use storage::{NodeId, NodeSet, ScalarStyle, Style};
pub(crate) use tree::{Kind, Scalar, Tree};
