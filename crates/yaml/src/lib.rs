//! [YAML 1.2](https://yaml.org/spec/1.2.2/) on cannery's event stream.

mod chars;
mod event;
mod parse;

pub use event::{Event, Handler, Properties, ScalarStyle};
pub use parse::{ParseOptions, parse};
