//! CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)) on cannery's event stream.
//!
//! A file is rows under a header; each column has one type, which is inferred from the first rows or
//! given. What does not fit is an error with its line and column, never another value.
//!
//! ```
//! use cannery_core::{Limits, Value, ValueBuilder};
//! use cannery_csv::{Options, Reader};
//!
//! let text = "id,name,height\n1,Ada,1.7\n2,\"Bo, Jr\",\n";
//! let mut reader = Reader::new(text.as_bytes(), &Options::default())?;
//! let types: Vec<_> = reader.table().columns.iter().map(|column| column.kind.name()).collect();
//! assert_eq!(types, ["int", "str", "float"]);
//! let mut row = ValueBuilder::new(Limits::default());
//! assert!(reader.read(&mut row)?);
//! let ada = [("id", Value::from(1)), ("name", "Ada".into()), ("height", 1.7.into())];
//! assert_eq!(row.finish()?, Value::from_iter(ada));
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! The grammar is read as Python's `csv` and the crate `csv` read it, with two differences that
//! neither can tell: `""` is an empty text where an empty field is a missing value, and a quote that
//! is never closed is an error.

mod columns;
mod fields;
mod file_format;
mod read;
mod scan;
mod table;
mod types;
mod write;

pub use columns::{ColumnData, Columns};
pub use fields::{Field, Fields};
pub use file_format::Csv;
pub use read::{Reader, infer};
pub use scan::{Dialect, Ends};
pub use table::{Column, Header, Options, Table};
pub use types::ColumnType;
pub use write::Writer;
