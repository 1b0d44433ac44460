//! What is inside a file, without loading it.

use cannery_core::tagged::MAX_LEVELS;
use cannery_core::{Container, Result, Sink, Source, Text};
use cannery_format::{Format, Node, ReadOptions, count_entry, text_entry};

use crate::registry::format_of;
use crate::{Compression, Input, Location};

/// What is inside a file; a [`Source`], so that it can be written as JSON.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// What people call the file.
    pub name: String,
    /// The short name of its format.
    pub format: &'static str,
    /// The name of its format, for people.
    pub title: &'static str,
    /// How it is packed.
    pub compression: Option<Compression>,
    /// Its length in bytes, packed, if it is known.
    pub size: Option<u64>,
    /// What it holds.
    pub root: Node,
    /// Totals, if it is a file of named tensors.
    #[cfg(feature = "safetensors")]
    pub tensors: Option<crate::TensorSummary>,
}

/// Says what is inside a file: for arrays from their headers alone; documents are streamed through
/// and summed up.
///
/// # Errors
/// Those of the operating system and the format, with the file's name.
pub fn inspect(location: &Location, options: &ReadOptions) -> Result<Inspection> {
    let name = location.name();
    #[cfg(feature = "safetensors")]
    if let Some(inspection) = inspect_tensors(location)? {
        return Ok(inspection);
    }
    let input = Input::open(location)?;
    let format = format_of(&input).map_err(|e| e.in_file(&name))?;
    inspect_as(input, format, options).map_err(|e| e.in_file(name))
}

/// Says what is inside a file of the format that is named.
///
/// # Errors
/// As [`inspect`], and [`cannery_core::ErrorKind::Unsupported`] if there is no such format.
pub fn inspect_from(location: &Location, id: &str, options: &ReadOptions) -> Result<Inspection> {
    let format = crate::format_of_id(id)?;
    let input = Input::open(location)?;
    inspect_as(input, format, options).map_err(|e| e.in_file(location.name()))
}

/// Says what is inside an input whose format is known.
///
/// # Errors
/// Those of the format and the input.
pub fn inspect_as(input: Input, format: &dyn Format, options: &ReadOptions) -> Result<Inspection> {
    let (name, compression, size) = (input.name().to_owned(), input.compression(), input.size());
    // A summary takes the same memory however deep its document is: the tagged form may be.
    let limits = options.limits.depth(options.limits.depth * MAX_LEVELS);
    let root = format.inspect(input, &options.clone().limits(limits))?;
    Ok(Inspection {
        name,
        format: format.id(),
        title: format.title(),
        compression,
        size,
        root,
        #[cfg(feature = "safetensors")]
        tensors: None,
    })
}

/// Says what is inside a file of named tensors, if it is one.
#[cfg(feature = "safetensors")]
fn inspect_tensors(location: &Location) -> Result<Option<Inspection>> {
    let Some(open) = crate::open_tensors(location)? else { return Ok(None) };
    // One array alone is shown as such.
    if open.format == "npy" {
        return Ok(None);
    }
    let size = match location {
        Location::Path(path) => path.metadata().ok().filter(std::fs::Metadata::is_file),
        Location::Url(_) | Location::Standard => None,
    };
    let container = &*open.container;
    let named = |e: cannery_core::Error| e.in_file(location.name());
    Ok(Some(Inspection {
        name: location.name(),
        format: open.format,
        title: open.title,
        compression: None,
        size: size.map(|metadata| metadata.len()),
        root: Node::of_tensors(container).map_err(named)?,
        tensors: Some(crate::TensorSummary::of(container).map_err(named)?),
    }))
}

impl Source for Inspection {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        text_entry("name", &self.name, sink)?;
        text_entry("format", self.format, sink)?;
        if let Some(compression) = self.compression {
            text_entry("compression", compression.name(), sink)?;
        }
        if let Some(size) = self.size {
            count_entry("size", size, sink)?;
        }
        sink.key(Text::Ascii("root"))?;
        self.root.emit(sink)?;
        #[cfg(feature = "safetensors")]
        if let Some(tensors) = &self.tensors {
            sink.key(Text::Ascii("totals"))?;
            tensors.emit(sink)?;
        }
        sink.end(Container::Map)
    }
}
