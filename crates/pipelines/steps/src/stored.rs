//! Values of serde's types as artifacts: the layouts are those of Python's materializers.

use cannery::tagged::TagEncoder;
use cannery::{Location, Value, json};
use cannery_pipeline::{Description, Error, ErrorKind, Output, Result};
use cannery_store::{ArtifactRecord, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the value of an artifact that Rust or Python has stored.
///
/// Text, bytes, data as JSON or `.can`, and arrays are read; classes as maps of their parts, arrays
/// as lists.
///
/// # Errors
/// [`ErrorKind::Type`] where something else is stored than the type asks for, and
/// [`ErrorKind::Unsupported`] for an artifact of several files, such as a stream.
pub fn read<T: DeserializeOwned>(store: &Store, artifact: &ArtifactRecord) -> Result<T> {
    let manifest = store.manifest_of(artifact)?;
    let [file] = manifest.files.as_slice() else {
        let message =
            format!("artifact `{}` ({}) is no single file", artifact.name, artifact.format);
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("Rust reads data, text, bytes and arrays; give it such an artifact"));
    };
    match manifest.description.format.as_str() {
        "text.txt/1" => {
            let bytes = store.read(artifact.digest, &file.path)?;
            let text = String::from_utf8(bytes).map_err(|_| {
                Error::new(ErrorKind::Encoding, "the stored text has lone surrogates")
            })?;
            cannery::from_value(&Value::from(text))
        }
        "bytes.bin/1" => {
            cannery::from_value(&Value::Bytes(store.read(artifact.digest, &file.path)?))
        }
        "data.json/1" if file.path == "data.json" => {
            cannery::from_slice_tagged(&store.read(artifact.digest, &file.path)?, "json")
        }
        _ => {
            // With its name, by which formats are known.
            let folder = store.linked_view(artifact.digest)?;
            cannery::load(&Location::from(&folder.path().join(&file.path)))
        }
    }
}

/// A value as an output, as Python would store it.
pub(crate) fn written<T: Serialize + ?Sized>(value: &T) -> Result<Output> {
    let tree = cannery::to_value(value)?;
    let (type_name, metadata) = match &tree {
        Value::Text(text) => {
            let text = text.to_string();
            let about = Description::new("builtins.str", "text.txt/1")
                .with_metadata(format!("{{\"characters\":{}}}", text.chars().count()));
            return Ok(Output::bytes("text.txt", text, about));
        }
        Value::Bytes(bytes) => {
            let about = Description::new("builtins.bytes", "bytes.bin/1");
            return Ok(Output::bytes("data.bin", bytes.clone(), about));
        }
        Value::Null => ("builtins.NoneType", None),
        Value::Bool(_) => ("builtins.bool", None),
        Value::Int(_) | Value::BigInt(_) => ("builtins.int", None),
        Value::Float(_) => ("builtins.float", None),
        Value::Map(entries) => ("builtins.dict", Some(entries.len())),
        Value::Tuple(items) => ("builtins.tuple", Some(items.len())),
        Value::List(items) => ("builtins.list", Some(items.len())),
        _ => ("builtins.object", None),
    };
    let about = Description::new(type_name, "data.json/1");
    let about = match metadata {
        Some(items) => about.with_metadata(format!("{{\"items\":{items}}}")),
        None => about,
    };
    Ok(Output::bytes("data.json", document(value)?, about))
}

/// A value as a tagged document, in which what JSON lacks keeps its type.
pub(crate) fn document<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let writer = json::Writer::new(Vec::new(), json::WriteOptions::default());
    let mut encoder = TagEncoder::new(writer);
    cannery::Source::emit(&cannery::Serialized::new(value), &mut encoder)?;
    Ok(encoder.into_inner().into_output())
}

#[cold]
pub(crate) fn no_output() -> Error {
    Error::new(ErrorKind::NotFound, "the step has no output")
}
