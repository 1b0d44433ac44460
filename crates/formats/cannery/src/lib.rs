//! The formats of cannery under one roof: tell files apart, look into them, convert between them.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("points.json");
//! std::fs::write(&path, r#"{"points": [{"x": 1}, {"x": 2}]}"#).unwrap();
//! let inspection = cannery::inspect(&cannery::Location::from(&path), &Default::default())?;
//! assert_eq!((inspection.format, inspection.root.kind.as_str()), ("json", "map"));
//! # Ok::<(), cannery::Error>(())
//! ```
//!
//! Each format is a crate of its own and a feature of this one, on by default.

/// The examples in the manual, which are compiled and run as those here are.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/json.md")]
struct JsonManual;

mod convert;
mod convert_options;
#[cfg(all(feature = "pickle", feature = "json", feature = "yaml"))]
mod costs;
mod elements;
mod inspect;
mod lossy;
mod progress;
mod registry;
#[cfg(feature = "pickle")]
mod scan;
mod select;
mod selection;
#[cfg(feature = "serde")]
mod serde;
mod stages;
#[cfg(feature = "safetensors")]
mod tensors;
#[cfg(all(feature = "pickle", feature = "json", feature = "yaml"))]
mod text_kind;
mod times;
mod value_diff;

#[cfg(feature = "can")]
pub use cannery_can as can;
pub use cannery_core::*;
#[cfg(feature = "hdf5")]
pub use cannery_hdf5 as hdf5;
#[cfg(feature = "json")]
pub use cannery_json as json;
#[cfg(feature = "msgpack")]
pub use cannery_msgpack as msgpack;
#[cfg(feature = "npy")]
pub use cannery_npy as npy;
#[cfg(feature = "pickle")]
pub use cannery_pickle as pickle;
pub use cannery_places::*;
#[cfg(feature = "protobuf")]
pub use cannery_protobuf as protobuf;
#[cfg(feature = "safetensors")]
pub use cannery_safetensors as safetensors;
#[cfg(feature = "torch")]
pub use cannery_torch as torch;
#[cfg(feature = "yaml")]
pub use cannery_yaml as yaml;

pub use cannery_format::{
    Capabilities, Documents, Format, LayoutOptions, Likelihood, MessageOf, Node, ReadOptions,
    Reader, Rows, WriteOptions, Writer, dtype_name, size_name,
};
pub use convert::{OpenSource, convert, convert_between};
pub use convert_options::ConvertOptions;
pub use elements::{first_rows, send_elements};
pub use inspect::{Inspection, inspect, inspect_as, inspect_from};
pub use lossy::Losses;
pub use progress::Progress;
pub use registry::{add_format, format_of, format_of_extension, format_of_id, formats};
#[cfg(feature = "pickle")]
pub use scan::{FileScan, ScanReport, scan_place, scan_places, with_checks};
pub use selection::Selection;
#[cfg(feature = "serde")]
pub use serde::{
    Serialized, from_slice, from_slice_tagged, from_str, from_value, load, save, to_string,
    to_value, to_vec, to_writer,
};
#[cfg(feature = "safetensors")]
pub use tensors::{
    DiffOptions, DtypeTotal, OpenTensors, TensorChange, TensorDiff, TensorOptions, TensorSummary,
    TensorTarget, TensorValues, TensorsConverted, convert_if_tensors, convert_tensors,
    diff_tensors, open_tensors, tensor_dtype,
};
pub use value_diff::{ValueChange, ValueDiff, diff_values};
