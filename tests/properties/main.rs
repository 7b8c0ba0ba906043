//! Laws that hold for every stream and every configuration, and inputs that are made to hurt.

mod choices;
mod generate;
mod laws;
mod model;
mod reader;
mod render;
