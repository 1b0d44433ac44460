//! Schemas that are at hand: files of ONNX, vector tiles, OpenStreetMap and TensorBoard, recognized
//! by what they hold and summed up without building their messages.

mod events;
mod onnx;
mod osm;
mod records;
mod tile;

pub use events::{EventSummary, TagKind, TagSummary, is_record, utc_text};
pub use onnx::{OnnxDimension, OnnxModel, OnnxTensor, OnnxValue, onnx_type_name};
pub use osm::{
    BoundingBox, OsmBlob, OsmCounts, OsmData, OsmHeader, OsmReader, degrees, parse_blob,
    send_elements, write_blob,
};
pub use tile::{TileKey, TileLayer, VectorTile};

use std::sync::OnceLock;

use cannery_core::{Error, ErrorKind, Result};

use crate::compile::{Compiler, Sources};
use crate::pool::{MessageId, Pool};

/// A kind of file whose schema is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A model: `onnx.ModelProto`.
    OnnxModel,
    /// A tensor: `onnx.TensorProto`.
    OnnxTensor,
    /// A vector tile: `vector_tile.Tile`.
    VectorTile,
    /// An extract of OpenStreetMap: blobs of `OSMPBF.PrimitiveBlock`.
    OsmExtract,
    /// Records of `tensorflow.Event`.
    TensorBoard,
}

macro_rules! schemas {
    ($($name:literal)*) => {
        /// The text of a schema that is at hand: `onnx`, `vector_tile`, `osm` or `tensorboard`.
        #[must_use]
        pub fn schema_text(name: &str) -> Option<&'static str> {
            Some(match name {
                $($name => include_str!(concat!("../bundled/", $name, ".proto")),)*
                _ => return None,
            })
        }
    };
}

schemas! { "onnx" "vector_tile" "osm" "tensorboard" }

impl Known {
    /// The kind of file that begins so: by the structure of its records, as far as they are there.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Option<Self> {
        if osm::begins_so(start) {
            Some(Self::OsmExtract)
        } else if events::begins_so(start) {
            Some(Self::TensorBoard)
        } else if onnx::model_begins_so(start) {
            Some(Self::OnnxModel)
        } else if onnx::tensor_begins_so(start) {
            Some(Self::OnnxTensor)
        } else if tile::begins_so(start) {
            Some(Self::VectorTile)
        } else {
            None
        }
    }

    /// The name of its schema, for [`schema_text`].
    #[must_use]
    pub fn schema(self) -> &'static str {
        match self {
            Self::OnnxModel | Self::OnnxTensor => "onnx",
            Self::VectorTile => "vector_tile",
            Self::OsmExtract => "osm",
            Self::TensorBoard => "tensorboard",
        }
    }

    /// The message that a file, or each record of it, is.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::OnnxModel => "onnx.ModelProto",
            Self::OnnxTensor => "onnx.TensorProto",
            Self::VectorTile => "vector_tile.Tile",
            Self::OsmExtract => "OSMPBF.PrimitiveBlock",
            Self::TensorBoard => "tensorflow.Event",
        }
    }

    /// Its schema, compiled once in a process, and its message.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn compiled(self) -> Result<(&'static Pool, MessageId)> {
        static POOLS: [OnceLock<Pool>; 4] = [const { OnceLock::new() }; 4];
        let place = &POOLS[match self {
            Self::OnnxModel | Self::OnnxTensor => 0,
            Self::VectorTile => 1,
            Self::OsmExtract => 2,
            Self::TensorBoard => 3,
        }];
        let pool = if let Some(pool) = place.get() {
            pool
        } else {
            let compiled = compile(self.schema())?;
            place.get_or_init(|| compiled)
        };
        match pool.message(self.message()) {
            Some(message) => Ok((pool, message)),
            None => Err(Error::new(ErrorKind::NotFound, "a bundled schema lacks its message")),
        }
    }
}

fn compile(name: &str) -> Result<Pool> {
    let path = format!("{name}.proto");
    let text = schema_text(name).unwrap_or_default();
    let mut compiler = Compiler::new(Sources::default().with_text(&path, text));
    compiler.compile(&path)?;
    Ok(compiler.into_pool())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_compile() {
        let all = [
            Known::OnnxModel,
            Known::OnnxTensor,
            Known::VectorTile,
            Known::OsmExtract,
            Known::TensorBoard,
        ];
        for known in all {
            let (pool, message) = known.compiled().unwrap();
            assert_eq!(pool.message_type(message).full_name(), known.message());
        }
    }
}
