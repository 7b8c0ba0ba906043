//! What looks like a credential: names, values, lines of files and words of commands.
//!
//! A hint for people, never a reason to change anything. It reads values and gives back only why.

mod class;
mod commands;
mod judge;
mod may_hold;
mod names;
mod reason;
mod setting;
mod shapes;
#[cfg(test)]
mod tests;
mod texts;
mod values;

pub(crate) use self::class::{class, is_opaque};
pub(crate) use self::commands::arguments;
pub(crate) use self::judge::{NameContext, is_name, reason};
pub(crate) use self::may_hold::may_hold;
pub(crate) use self::names::words;
pub(crate) use self::reason::Reason;
pub(crate) use self::setting::{KeyContent, content, is_made_of_words};
pub(crate) use self::texts::{in_text, is_code, is_script};
pub(crate) use self::values::{
    JWT_BEGIN, JWT_PATTERN, SWITCHES, URL_PASSWORD, could_be_secret, is_plain_name, value_reason,
};
