//! Flag values with a known set: shells complete them, and the parser explains what is wrong with others.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use resecret::{AcceptedHazard, Code, Config, HAZARDS};

/// A parser, and the values that shells complete.
#[derive(Clone)]
pub(super) struct Known<P> {
    parser: P,
    names: fn() -> Vec<&'static str>,
}

/// The names of presets.
pub(super) fn presets() -> Known<StringValueParser> {
    Known { parser: StringValueParser::new(), names: || Config::preset_names().collect() }
}

/// The codes of diagnostics.
pub(super) fn codes() -> Known<StringValueParser> {
    Known { parser: StringValueParser::new(), names: || Code::ALL.iter().map(|code| code.id()).collect() }
}

/// Hazards that can be accepted, by code.
pub(super) fn hazards() -> Known<impl TypedValueParser<Value = AcceptedHazard>> {
    let parser = StringValueParser::new().try_map(|text: String| text.parse::<AcceptedHazard>());
    Known { parser, names: || HAZARDS.iter().map(|code| code.id()).collect() }
}

impl<P: TypedValueParser> TypedValueParser for Known<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter().map(PossibleValue::new)))
    }
}
