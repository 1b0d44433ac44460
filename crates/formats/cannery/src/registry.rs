//! The list of formats there are, and telling them apart.

use std::sync::{PoisonError, RwLock};

use cannery_core::{Error, ErrorKind, Result};
use cannery_format::{Format, Likelihood};

use crate::{Input, START_LEN};

/// The formats of this build, each on its line; where bytes may be of several, the first is meant.
fn built_in() -> &'static [&'static dyn Format] {
    &[
        #[cfg(feature = "npy")]
        &cannery_npy::Npy,
        #[cfg(feature = "can")]
        &cannery_can::Can,
        #[cfg(feature = "npy")]
        &cannery_npy::Npz,
        #[cfg(feature = "safetensors")]
        &cannery_safetensors::Safetensors,
        #[cfg(feature = "json")]
        &cannery_json::Json,
        #[cfg(feature = "json")]
        &cannery_json::Jsonl,
        #[cfg(feature = "csv")]
        &cannery_csv::Csv,
        #[cfg(feature = "yaml")]
        &cannery_yaml::Yaml,
        #[cfg(feature = "msgpack")]
        &cannery_msgpack::Msgpack,
        #[cfg(feature = "cbor")]
        &cannery_cbor::Cbor,
        #[cfg(feature = "pickle")]
        &cannery_pickle::Pickle,
        #[cfg(feature = "hdf5")]
        &cannery_hdf5::Hdf5,
        #[cfg(feature = "protobuf")]
        &cannery_protobuf::Onnx,
        #[cfg(feature = "protobuf")]
        &cannery_protobuf::VectorTiles,
        #[cfg(feature = "protobuf")]
        &cannery_protobuf::OsmExtract,
        #[cfg(feature = "protobuf")]
        &cannery_protobuf::TensorboardEvents,
        #[cfg(feature = "protobuf")]
        &cannery_protobuf::Protobuf,
    ]
}

/// Formats of the program's own.
static ADDED: RwLock<Vec<&'static dyn Format>> = RwLock::new(Vec::new());

/// The formats there are: those of this build, and those that the program [added](add_format).
#[must_use]
pub fn formats() -> Vec<&'static dyn Format> {
    let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
    built_in().iter().chain(added.iter()).copied().collect()
}

/// Adds a format of the program's own: every function here knows it from then on.
///
/// ```
/// use cannery::{Capabilities, Format, Input, Likelihood, Output, ReadOptions, Reader, Result};
/// use cannery::{WriteOptions, Writer};
///
/// /// JSON with another extension.
/// struct Notes;
///
/// impl Format for Notes {
///     fn id(&self) -> &'static str { "notes" }
///     fn title(&self) -> &'static str { "notes" }
///     fn extensions(&self) -> &'static [&'static str] { &["notes"] }
///     fn holds(&self) -> &'static str { "one document" }
///     fn sniff(&self, _start: &[u8]) -> Likelihood { Likelihood::No }
///     fn capabilities(&self) -> Capabilities { cannery::json::Json.capabilities() }
///     fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
///         cannery::json::Json.open(input, options)
///     }
///     fn writer<'w>(
///         &self,
///         output: Output<'w>,
///         options: &WriteOptions,
///     ) -> Result<Box<dyn Writer + 'w>> {
///         cannery::json::Json.writer(output, options)
///     }
/// }
///
/// cannery::add_format(&Notes)?;
/// assert_eq!(cannery::format_of_extension(Some("notes"))?.id(), "notes");
/// # Ok::<(), cannery::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Value`] if there is a format of that short name, or with one of its extensions.
pub fn add_format(format: &'static dyn Format) -> Result<()> {
    let mut added = ADDED.write().unwrap_or_else(PoisonError::into_inner);
    for other in built_in().iter().chain(added.iter()) {
        let shared = format.extensions().iter().find(|each| other.extensions().contains(each));
        if other.id() == format.id() || shared.is_some() {
            let message = match shared {
                Some(extension) => format!("`.{extension}` is the extension of {}", other.title()),
                None => format!("there is a format `{}`", other.id()),
            };
            return Err(Error::new(ErrorKind::Value, message).with_hint("give it another name"));
        }
    }
    added.push(format);
    Ok(())
}

/// The format of this short name.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if there is none.
pub fn format_of_id(id: &str) -> Result<&'static dyn Format> {
    formats().into_iter().find(|format| format.id() == id).ok_or_else(|| unknown(id))
}

/// The format that files with this extension are in.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if there is none, or no extension.
pub fn format_of_extension(extension: Option<&str>) -> Result<&'static dyn Format> {
    let extension = extension.unwrap_or_default();
    let mut all = formats().into_iter();
    all.find(|format| format.extensions().contains(&extension)).ok_or_else(|| unknown(extension))
}

/// The format whose own mark a file begins with.
pub(crate) fn format_of_mark(start: &[u8]) -> Option<&'static dyn Format> {
    let start = &start[..start.len().min(START_LEN)];
    formats().into_iter().find(|format| format.sniff(start) == Likelihood::Yes)
}

/// The format of `input`: by a mark that only one format has, else by its name, else by what its
/// first bytes look like.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if nothing says.
pub fn format_of(input: &Input) -> Result<&'static dyn Format> {
    let named = format_of_extension(input.extension());
    let likelihood = |format: &dyn Format| format.sniff(input.start());
    if let Ok(named) = named
        && likelihood(named) == Likelihood::Yes
    {
        return Ok(named);
    }
    let best = formats().into_iter().rev().max_by_key(|format| likelihood(*format));
    match (best, named) {
        (Some(best), _) if likelihood(best) == Likelihood::Yes => Ok(best),
        // It will say what is wrong with the bytes.
        (_, Ok(named)) => Ok(named),
        (Some(best), Err(_)) if likelihood(best) == Likelihood::Maybe => Ok(best),
        (_, Err(_)) => Err(cannot_tell(input)),
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    let message = match name {
        "" => "the name does not say which format it is".to_owned(),
        name => format!("`{name}` is no format of this build"),
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(there_are())
}

#[cold]
fn cannot_tell(input: &Input) -> Error {
    let message = match input.start() {
        [] => "the file is empty: it has no format".to_owned(),
        start => {
            let start = &start[..start.len().min(8)];
            format!("no known format begins with `{}`", start.escape_ascii())
        }
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(there_are())
}

fn there_are() -> String {
    let ids: Vec<_> = formats().into_iter().map(Format::id).collect();
    format!("say which format it is: {}", ids.join(", "))
}
