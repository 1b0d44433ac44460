//! The bridge to [serde](::serde): its types from and to every format.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Run {
//!     name: String,
//!     rates: Vec<f64>,
//! }
//!
//! let run: Run = cannery::from_str("name: first\nrates: [0.1, 1]\n", "yaml")?;
//! assert_eq!(cannery::to_string(&run, "json")?, "{\"name\":\"first\",\"rates\":[0.1,1.0]}\n");
//! assert_eq!(cannery::from_slice::<Run>(&cannery::to_vec(&run, "msgpack")?, "msgpack")?, run);
//! # Ok::<(), cannery::Error>(())
//! ```
//!
//! Structs, maps and enums are maps, tuples are lists, as serde's own formats have them. An object
//! of a named type (a tagged document's dataclass, say) is read as a struct of its parts; one that
//! has a part `value` (a date, a path) also as that value. Arrays of numbers are read as lists.

mod de;
mod failed;
mod ser;

use std::io::Write;

use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, ExpandAliases, Limits, Note, Path, Pos,
    Result, Sink, Source, Text, Value, ValueBuilder, Wants,
};
use cannery_format::{AdaptedSink, Documents, WriteOptions, Writer};

use self::failed::Failed;
use self::ser::SinkSerializer;
use crate::convert::OpenSource;
use crate::convert_options::ConvertOptions;
use crate::registry::{format_of_extension, format_of_id};
use crate::select::Select;
use crate::selection::Selection;
use crate::stages::ArraysToLists;
use crate::{Input, Location, Output};

/// Reads a value of a serde type from text in the format of this short name.
///
/// # Errors
/// Those of the format; [`ErrorKind::Type`] where the text holds something else than the type asks
/// for, with the path to it and its place.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Box {
///     xywh: [u32; 4],
/// }
///
/// let error = cannery::from_str::<Vec<Box>>("[{\"xywh\": [1, 2, \"x\", 4]}]", "json").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid type: string \"x\", expected u32 in `$[0].xywh[2]` at line 1 column 18",
/// );
/// ```
pub fn from_str<T: DeserializeOwned>(text: &str, format: &str) -> Result<T> {
    from_slice(text.as_bytes(), format)
}

/// Reads a value of a serde type from bytes in the format of this short name.
///
/// # Errors
/// As [`from_str`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], format: &str) -> Result<T> {
    read_slice(bytes, &ConvertOptions::default().from(Some(format.to_owned())))
}

/// Reads a value of a serde type from a document in the tagged form (`docs/format.md`), as
/// `cannery.dumps` writes it in Python.
///
/// # Errors
/// As [`from_str`].
pub fn from_slice_tagged<T: DeserializeOwned>(bytes: &[u8], format: &str) -> Result<T> {
    read_slice(bytes, &ConvertOptions::default().from(Some(format.to_owned())).tagged(true))
}

/// Reads a value of a serde type from a file, in the format that its content and name tell, and
/// what Python's `cannery.dump` wrote: the tagged form is read as what it stands for.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("run.json");
/// let written = r#"{"when": {"$type": "datetime.date", "value": "2026-11-21"},
///                   "layers": {"$type": "tuple", "value": [64, 64]}}"#;
/// std::fs::write(&path, written).unwrap();
/// #[derive(serde::Deserialize)]
/// struct Run {
///     when: String,
///     layers: (u32, u32),
/// }
/// let run: Run = cannery::load(&cannery::Location::from(&path))?;
/// assert_eq!((run.when.as_str(), run.layers), ("2026-11-21", (64, 64)));
/// # Ok::<(), cannery::Error>(())
/// ```
///
/// # Errors
/// As [`from_str`], and those of the operating system, with the file's name.
pub fn load<T: DeserializeOwned>(location: &Location) -> Result<T> {
    let options = ConvertOptions::default().tagged(true);
    let read = || deserialize(OpenSource::open(Input::open(location)?, &options)?, &options);
    read().map_err(|e| e.in_file(location.name()))
}

/// Writes a value of a serde type as text in the format of this short name.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a kind of value that the format lacks; and those of the type.
pub fn to_string<T: Serialize + ?Sized>(value: &T, format: &str) -> Result<String> {
    String::from_utf8(to_vec(value, format)?).map_err(|_| {
        Error::new(ErrorKind::Encoding, format!("`{format}` is no format of text"))
            .with_hint("`to_vec` writes any format")
    })
}

/// Writes a value of a serde type in the format of this short name.
///
/// # Errors
/// As [`to_string`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T, format: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    to_writer(value, format, &mut bytes)?;
    Ok(bytes)
}

/// Writes a value of a serde type to anything, in the format of this short name.
///
/// # Errors
/// As [`to_string`], and those of `out`.
pub fn to_writer<T: Serialize + ?Sized>(
    value: &T,
    format: &str,
    out: impl Write + Send,
) -> Result<()> {
    write(value, format_of_id(format)?, Output::to_stream(out))
}

/// Writes a value of a serde type to a file, in the format that its name tells; it appears whole.
///
/// # Errors
/// As [`to_string`], and those of the operating system, with the file's name.
pub fn save<T: Serialize + ?Sized>(value: &T, location: &Location) -> Result<()> {
    let format = format_of_extension(location.extension().as_deref());
    let format = format.map_err(|e| e.in_file(location.name()))?;
    let output = Output::create(location)?;
    write(value, format, output).map_err(|e| e.in_file(location.name()))
}

/// A tree from a value of a serde type.
///
/// # Errors
/// Those of the type.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    Value::from_source(&Serialized { value, text_keys: false }, Limits::default())
}

/// A value of a serde type from a tree.
///
/// # Errors
/// [`ErrorKind::Type`] where the tree holds something else than the type asks for, with the path
/// to it.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    let mut builder = Plain::new(Limits::default());
    builder.read(|sink| value.emit(sink))?;
    de::from_plain(builder.finish()?)
}

/// A value of a serde type as a source of events.
pub struct Serialized<'a, T: ?Sized> {
    value: &'a T,
    /// Keys that are numbers or truth values are sent as text.
    text_keys: bool,
}

impl<'a, T: Serialize + ?Sized> Serialized<'a, T> {
    /// The source of this value.
    pub fn new(value: &'a T) -> Self {
        Self { value, text_keys: false }
    }

    /// Whether keys that are numbers or truth values are sent as text, for formats that have no
    /// others. Off by default.
    #[must_use]
    pub fn text_keys(mut self, yes: bool) -> Self {
        self.text_keys = yes;
        self
    }
}

impl<T: Serialize + ?Sized> Source for Serialized<'_, T> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        let serializer = SinkSerializer { sink, text_keys: self.text_keys };
        self.value.serialize(serializer).map_err(|Failed(error)| error)
    }
}

fn write<T: Serialize + ?Sized>(
    value: &T,
    format: &dyn crate::Format,
    output: Output<'_>,
) -> Result<()> {
    let source = Serialized::new(value).text_keys(format.id().starts_with("json"));
    let mut writer: Box<dyn Writer + '_> = format.writer(output, &WriteOptions::default())?;
    if format.capabilities().rows == crate::Rows::Always {
        let mut rows = AdaptedSink(crate::stages::SplitRows::new(writer.sink(), true));
        source.emit(&mut rows)?;
    } else {
        source.emit(writer.sink())?;
    }
    writer.finish()
}

fn read_slice<T: DeserializeOwned>(bytes: &[u8], options: &ConvertOptions) -> Result<T> {
    let open = || OpenSource::open(Input::from_memory(bytes.to_vec())?, options);
    let source = open()?;
    let is_one = source.documents() == Documents::One;
    deserialize(source, options).map_err(|error| {
        let path = error.path();
        if !is_one || error.kind() != ErrorKind::Type || error.pos().is_some() {
            return error;
        }
        match open().and_then(|source| place_of(source, path, options)) {
            Ok(pos) => error.at(pos).locate(bytes),
            Err(_) => error,
        }
    })
}

fn deserialize<T: DeserializeOwned>(source: OpenSource, options: &ConvertOptions) -> Result<T> {
    let mut builder = Plain::new(options.read.limits);
    builder.read(|sink| source.send(sink, options))?;
    de::from_plain(builder.finish()?)
}

/// Where the value at a path stands in a text, which is read once more for it.
fn place_of(source: OpenSource, path: Path, options: &ConvertOptions) -> Result<Pos> {
    let selection = Selection::from(path);
    let mut location = FirstPlace::default();
    let mut select = AdaptedSink(Select::new(&mut location, &selection, options.read.limits));
    let read = source.send(&mut select, options);
    select.0.outcome(read)?;
    location.0.ok_or_else(|| Error::new(ErrorKind::NotFound, "the format has no places"))
}

/// A sink that keeps the first place that it is told of, and nothing else.
#[derive(Default)]
struct FirstPlace(Option<Pos>);

macro_rules! ignore {
    ($($name:ident($($type:ty),*);)*) => {$(
        fn $name(&mut self $(, _: $type)*) -> Result<()> {
            Ok(())
        }
    )*};
}

impl Sink for FirstPlace {
    ignore! {
        null();
        bool(bool);
        int(i64);
        big_int(BigInt<'_>);
        float(f64);
        text(Text<'_>);
        bytes(&[u8]);
        array(&dyn ArraySource);
        begin(Container, Option<usize>);
        end(Container);
        key(Text<'_>);
        entry();
        begin_object(Text<'_>, Option<usize>);
        end_object();
        mark(u64);
        alias(u64);
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        if let Note::At(pos) = note {
            self.0.get_or_insert(pos);
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants::default().positions(true)
    }
}

/// Builds a tree without references and arrays.
struct Plain {
    builder: ValueBuilder,
    limits: Limits,
}

impl Plain {
    fn new(limits: Limits) -> Self {
        Self { builder: ValueBuilder::new(limits), limits }
    }

    fn read(&mut self, read: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<()> {
        let mut lower = AdaptedSink(ArraysToLists { next: &mut self.builder, limits: self.limits });
        read(&mut ExpandAliases::new(&mut lower, self.limits))
    }

    fn finish(self) -> Result<Value> {
        self.builder.finish()
    }
}
