//! Laws that hold for every stream and every configuration, and inputs that are made to hurt.

mod choices;
mod generate;
#[path = "../support/kubelet.rs"]
mod kubelet;
mod laws;
mod limits;
mod model;
mod prefilter;
mod reader;
mod render;
mod same_pods;
mod streaming;
mod suite;
mod whole;
mod yaml_suite;
