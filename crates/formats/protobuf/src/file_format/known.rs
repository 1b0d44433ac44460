//! Files whose Protobuf schema is at hand: ONNX, vector tiles, OpenStreetMap, TensorBoard.

use std::io::BufRead;

use cannery_core::{Container, Error, ErrorKind, Result, Sink};
use cannery_format::{
    Capabilities, DocumentOutput, Documents, Format, Likelihood, Node, ReadOptions, Reader, Rows,
    WriteOptions, Writer, bytes_of, once,
};
use cannery_places::{Input, Output};

use super::nodes::{events_node, extract_node, model_node, tensor_node, tile_node};
use super::{Messages, ProtobufRows, capabilities, send_message};
use crate::known::{
    EventSummary, Known, OnnxModel, OnnxTensor, OsmBlob, OsmCounts, OsmHeader, OsmReader,
    VectorTile, send_elements,
};
use crate::{FrameReader, Framing};

fn likelihood(start: &[u8], kinds: &[Known]) -> Likelihood {
    let found = Known::of_start(start);
    if found.is_some_and(|known| kinds.contains(&known)) { Likelihood::Yes } else { Likelihood::No }
}

/// Models, and tensors alone.
#[derive(Clone, Copy, Debug)]
pub struct Onnx;

impl Onnx {
    /// A tensor, if it looks like one.
    fn kind(start: &[u8]) -> Known {
        match Known::of_start(start) {
            Some(Known::OnnxTensor) => Known::OnnxTensor,
            _ => Known::OnnxModel,
        }
    }
}

impl Format for Onnx {
    fn id(&self) -> &'static str {
        "onnx"
    }

    fn title(&self) -> &'static str {
        "ONNX"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["onnx"]
    }

    fn holds(&self) -> &'static str {
        "a model, or a tensor (`.pb`); known by what it holds"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        likelihood(start, &[Known::OnnxModel, Known::OnnxTensor])
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(Rows::Never)
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let kind = Self::kind(input.start());
        let bytes = bytes_of(input, options)?;
        Ok(once(move |sink| send_message(kind.compiled()?, &bytes, sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(DocumentOutput::new(Messages::known(Known::OnnxModel, output)?)))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        let kind = Self::kind(input.start());
        let bytes = bytes_of(input, options)?;
        match kind {
            Known::OnnxTensor => Ok(tensor_node(&OnnxTensor::read(&bytes)?)),
            _ => Ok(model_node(&OnnxModel::read(&bytes)?)),
        }
    }
}

/// Vector tiles.
#[derive(Clone, Copy, Debug)]
pub struct VectorTiles;

impl Format for VectorTiles {
    fn id(&self) -> &'static str {
        "mvt"
    }

    fn title(&self) -> &'static str {
        "vector tile"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["mvt"]
    }

    fn holds(&self) -> &'static str {
        "a vector tile; known by what it holds"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        likelihood(start, &[Known::VectorTile])
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(Rows::Never)
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let bytes = bytes_of(input, options)?;
        Ok(once(move |sink| send_message(Known::VectorTile.compiled()?, &bytes, sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(DocumentOutput::new(Messages::known(Known::VectorTile, output)?)))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        Ok(tile_node(&VectorTile::read(&bytes_of(input, options)?)?))
    }
}

/// Extracts of OpenStreetMap: read as rows, one for each element.
#[derive(Clone, Copy, Debug)]
pub struct OsmExtract;

impl Format for OsmExtract {
    fn id(&self) -> &'static str {
        "osm"
    }

    fn title(&self) -> &'static str {
        "OpenStreetMap extract"
    }

    fn extensions(&self) -> &'static [&'static str] {
        // The end of `.osm.pbf`; vector tiles that are called so are known by what they hold.
        &["pbf"]
    }

    fn holds(&self) -> &'static str {
        "an extract of OpenStreetMap (`city.osm.pbf`): rows, one for each node, way and relation; read only"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        likelihood(start, &[Known::OsmExtract])
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { read_only: true, ..capabilities(Rows::Always) }
    }

    fn open(&self, input: Input, _options: &ReadOptions) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Elements(OsmReader::new(input.into_reader()))))
    }

    fn writer<'w>(
        &self,
        _output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let message = "extracts of OpenStreetMap are read, and not written";
        Err(Error::new(ErrorKind::Unsupported, message).with_hint(
            "convert the elements to JSON Lines: `cannery convert in.osm.pbf out.jsonl`",
        ))
    }

    fn inspect(&self, input: Input, _options: &ReadOptions) -> Result<Node> {
        let mut reader = OsmReader::new(input.into_reader());
        let (mut header, mut counts) = (OsmHeader::default(), OsmCounts::default());
        let mut blobs = 0;
        while let Some(blob) = reader.next_blob()? {
            blobs += 1;
            let at = |error: Error| error.at_offset(blob.offset);
            match blob.kind.as_str() {
                "OSMHeader" => header = OsmHeader::read(&blob.block()?).map_err(at)?,
                "OSMData" => counts.add_block(&blob.block()?).map_err(at)?,
                // Others are to be passed over.
                _ => {}
            }
        }
        Ok(extract_node(&header, &counts, blobs))
    }
}

struct Elements(OsmReader<Box<dyn BufRead + Send>>);

impl Reader for Elements {
    fn documents(&self) -> Documents {
        Documents::Several
    }

    fn read(mut self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        sink.begin(Container::List, None)?;
        while let Some(blob) = self.0.next_blob()? {
            send_blob(&blob, sink)?;
        }
        sink.end(Container::List)
    }
}

fn send_blob(blob: &OsmBlob, sink: &mut dyn Sink) -> Result<()> {
    let at = |error: Error| match error.kind() {
        // Those of the sink have places of their own.
        ErrorKind::Truncated | ErrorKind::Syntax | ErrorKind::Reference | ErrorKind::Value => {
            error.at_offset(blob.offset)
        }
        _ => error,
    };
    match blob.kind.as_str() {
        "OSMHeader" => OsmHeader::read(&blob.block()?).map(drop).map_err(at),
        "OSMData" => send_elements(&blob.block()?, sink).map_err(at),
        _ => Ok(()),
    }
}

/// Events of TensorBoard: read as rows, one for each event.
#[derive(Clone, Copy, Debug)]
pub struct TensorboardEvents;

impl Format for TensorboardEvents {
    fn id(&self) -> &'static str {
        "tfevents"
    }

    fn title(&self) -> &'static str {
        "TensorBoard events"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["tfevents"]
    }

    fn holds(&self) -> &'static str {
        "TensorBoard's events: rows; known by what they hold"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        likelihood(start, &[Known::TensorBoard])
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(Rows::Always)
    }

    fn open(&self, input: Input, _options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let (pool, message) = Known::TensorBoard.compiled()?;
        Ok(Box::new(ProtobufRows::known(pool, message, input, Framing::TfRecord)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let messages = Messages::known(Known::TensorBoard, output)?.rows(Framing::TfRecord);
        Ok(Box::new(DocumentOutput::new(messages)))
    }

    fn inspect(&self, input: Input, _options: &ReadOptions) -> Result<Node> {
        let mut reader = FrameReader::new(input.into_reader(), Framing::TfRecord);
        let mut summary = EventSummary::default();
        while let Some(frame) = reader.next_frame()? {
            summary.add(&frame.data).map_err(|error| error.at_offset(frame.offset))?;
        }
        Ok(events_node(&summary))
    }
}
