//! Protobuf: messages of a type that the caller names, in their JSON mapping.

mod known;
mod nodes;

pub use known::{Onnx, OsmExtract, TensorboardEvents, VectorTiles};

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use cannery_core::tagged::TagSupport;
use cannery_core::{Container, Error, ErrorKind, Limits, Result, Sink, Value, ValueBuilder};
use cannery_format::{
    Capabilities, DocumentOutput, DocumentWriter, Documents, Format, Likelihood, MessageOf, Node,
    ReadOptions, Reader, Rows, WriteOptions, Writer, bytes_of, once,
};
use cannery_places::{Input, Output};

use crate::known::{Known, is_record};
use crate::{
    Compiler, DecodeOptions, EncodeOptions, FrameReader, Framing, Inspected, InspectedValue,
    JsonOptions, JsonReadOptions, Message, MessageId, Pool, Sources, write_frame,
};

/// The format Protobuf, of a schema that the reader has.
#[derive(Clone, Copy, Debug)]
pub struct Protobuf;

/// Messages inside each other that are shown where there is no schema.
const SHOWN_DEPTH: usize = 10;

impl Format for Protobuf {
    fn id(&self) -> &'static str {
        "protobuf"
    }

    fn title(&self) -> &'static str {
        "Protobuf"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["binpb", "pb"]
    }

    fn holds(&self) -> &'static str {
        "messages, which `--schema shop.proto --message shop.Order` names"
    }

    /// Its bytes have no mark of their own.
    fn sniff(&self, _start: &[u8]) -> Likelihood {
        Likelihood::No
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(Rows::Possibly)
    }

    /// One message; with `rows` many, each with its length before it; those of a TFRecord file are
    /// known by their checksums.
    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let asked = options.message.clone().or_else(|| beside(&input));
        let Schema { pool, message } = Schema::of(asked.as_ref())?;
        if is_record(input.start()) {
            return Ok(Box::new(ProtobufRows::new(pool, message, input, Framing::TfRecord)));
        }
        if options.rows {
            return Ok(Box::new(ProtobufRows::new(pool, message, input, Framing::Delimited)));
        }
        let bytes = bytes_of(input, options)?;
        Ok(once(move |sink| send_message((&pool, message), &bytes, sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let Schema { pool, message } = Schema::of(options.message.as_ref())?;
        let messages = Messages::new(PoolHandle::Own(Box::new(pool)), message, output);
        Ok(Box::new(DocumentOutput::new(match options.rows {
            // A single row is a message like any other.
            true if !options.any_rows => messages.rows(Framing::Delimited).bare_if_one(),
            true => messages.rows(Framing::Delimited),
            false => messages,
        })))
    }

    /// What is inside by the schema; without one, what the wire says and what it may mean.
    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        if options.message.is_none() && beside(&input).is_none() {
            let bytes = bytes_of(input, options)?;
            let fields = crate::inspect(&bytes, SHOWN_DEPTH)?;
            return Ok(Node::of_parts("fields", fields.iter().map(field_node).collect()));
        }
        let mut outline = cannery_format::SchemaSummary::default();
        self.read(input, options, &mut outline)?;
        Ok(outline.into_node())
    }
}

/// Bytes and numbers that are none have a form of their own in the mapping.
pub(super) fn capabilities(rows: Rows) -> Capabilities {
    let support = TagSupport::default().bytes(true).non_finite(true);
    Capabilities { rows, support, ..Capabilities::default() }
}

/// A field without its schema.
fn field_node(field: &Inspected) -> Node {
    let parts = match &field.value {
        InspectedValue::Message(inner) => inner.iter().map(field_node).collect(),
        _ => Vec::new(),
    };
    let sure = format!("{:.0} % sure", field.sure * 100.0);
    let shown = match &field.value {
        InspectedValue::Unsigned(value) => value.to_string(),
        InspectedValue::Signed(value) => value.to_string(),
        InspectedValue::Float(value) => value.to_string(),
        InspectedValue::Text(text) => format!("{:?}", shorten(text)),
        InspectedValue::Bytes(bytes) => format!("{} bytes", bytes.len()),
        InspectedValue::Packed(numbers) => format!("{} numbers", numbers.len()),
        InspectedValue::Message(inner) => format!("{} fields", inner.len()),
    };
    let details = Some(format!("{shown}  {} on the wire, {sure}", field.wire));
    let kind = field.likely.to_owned();
    Node { kind, details, parts, ..Node::default() }.named(field.number.to_string())
}

/// The first characters of a text.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What lies beside a message that a store has: its schema, and which of the messages it is.
fn beside(input: &Input) -> Option<MessageOf> {
    let path = Path::new(input.name());
    if path.file_name()? != "message.binpb" {
        return None;
    }
    let schema = path.with_file_name("schema.binpb");
    let about = std::fs::read(path.with_file_name("message.json")).ok()?;
    let Ok(Value::Map(entries)) = cannery_json::to_value(&about) else { return None };
    let mut texts = entries.into_iter().filter_map(|(key, value)| match (key, value) {
        (Value::Text(key), Value::Text(value)) => Some((key.to_string(), value.to_string())),
        _ => None,
    });
    let (_, message) = texts.find(|(key, _)| key == "message")?;
    schema.is_file().then_some(MessageOf { schema, message })
}

/// The message that files are read as.
struct Schema {
    pool: Pool,
    message: MessageId,
}

impl Schema {
    fn of(asked: Option<&MessageOf>) -> Result<Self> {
        let Some(asked) = asked else {
            let message = "Protobuf does not say itself which message it is";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint("name it: `--schema shop.proto --message shop.Order`"));
        };
        let pool = compile(&asked.schema)?;
        let Some(message) = pool.message(&asked.message) else {
            let mut known: Vec<&str> = pool.messages().map(|(_, m)| m.full_name()).collect();
            known.retain(|name| !name.starts_with("google.protobuf."));
            known.truncate(10);
            let message = format!("the schema has no message `{}`", asked.message);
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_hint(format!("there are {}", known.join(", "))));
        };
        Ok(Self { pool, message })
    }
}

fn compile(path: &Path) -> Result<Pool> {
    let is_set = path
        .extension()
        .is_some_and(|e| e == "binpb" || e == "pb" || e == "desc" || e == "protoset");
    if is_set {
        let doing = || format!("cannot read `{}`", path.display());
        let data = std::fs::read(path).map_err(|error| Error::io(error, doing()))?;
        let mut compiler = Compiler::new(Sources::default());
        compiler.add_descriptor_set(&data)?;
        return Ok(compiler.into_pool());
    }
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut compiler = Compiler::new(Sources::new(vec![folder]));
    compiler.compile(&name)?;
    Ok(compiler.into_pool())
}

/// A pool of this reader or writer's own, or one that is at hand.
pub(super) enum PoolHandle {
    Own(Box<Pool>),
    Known(&'static Pool),
}

impl PoolHandle {
    fn pool(&self) -> &Pool {
        match self {
            Self::Own(pool) => pool,
            Self::Known(pool) => pool,
        }
    }
}

/// Sends a message in its JSON mapping.
pub(super) fn send_message(
    (pool, of): (&Pool, MessageId),
    bytes: &[u8],
    sink: &mut dyn Sink,
) -> Result<()> {
    let message = Message::decode(pool, of, bytes, &DecodeOptions::default())?;
    let json = message.to_json(pool, JsonOptions::default())?;
    drop(message);
    cannery_json::from_str(&json, &cannery_json::ReadOptions::default(), sink)
}

/// Messages in a row.
pub(super) struct ProtobufRows {
    pool: PoolHandle,
    message: MessageId,
    reader: FrameReader<Box<dyn BufRead + Send>>,
}

impl ProtobufRows {
    fn new(pool: Pool, message: MessageId, input: Input, framing: Framing) -> Self {
        let pool = PoolHandle::Own(Box::new(pool));
        Self { pool, message, reader: FrameReader::new(input.into_reader(), framing) }
    }

    pub(super) fn known(
        pool: &'static Pool,
        message: MessageId,
        input: Input,
        framing: Framing,
    ) -> Self {
        let reader = FrameReader::new(input.into_reader(), framing);
        Self { pool: PoolHandle::Known(pool), message, reader }
    }
}

impl Reader for ProtobufRows {
    fn documents(&self) -> Documents {
        Documents::Several
    }

    fn read(mut self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        sink.begin(Container::List, None)?;
        while let Some(frame) = self.reader.next_frame()? {
            let sent = send_message((self.pool.pool(), self.message), &frame.data, sink);
            // Behind the length; of a record, its checksum too.
            sent.map_err(|error| {
                error.map_pos(|mut pos| {
                    pos.offset += frame.data_offset;
                    pos
                })
            })?;
        }
        sink.end(Container::List)
    }
}

/// Collects each value, and writes its message when it is complete.
pub(super) struct Messages<'w> {
    pool: PoolHandle,
    message: MessageId,
    /// What stands between rows; without rows there is one message.
    framing: Option<Framing>,
    /// The first row, until it is known whether it is the only one, which is then a message alone.
    first: First,
    builder: ValueBuilder,
    output: Output<'w>,
}

#[derive(PartialEq, Eq)]
enum First {
    Due,
    Kept(Vec<u8>),
    Written,
}

impl<'w> Messages<'w> {
    fn new(pool: PoolHandle, message: MessageId, output: Output<'w>) -> Self {
        let builder = ValueBuilder::new(Limits::default());
        let first = First::Written;
        Self { pool, message, framing: None, first, builder, output }
    }

    pub(super) fn known(known: Known, output: Output<'w>) -> Result<Self> {
        let (pool, message) = known.compiled()?;
        Ok(Self::new(PoolHandle::Known(pool), message, output))
    }

    pub(super) fn rows(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    fn bare_if_one(mut self) -> Self {
        self.first = First::Due;
        self
    }
}

impl DocumentWriter for Messages<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.builder
    }

    fn asked(&self) -> &dyn Sink {
        &self.builder
    }

    fn end(&mut self) -> Result<()> {
        let builder = std::mem::replace(&mut self.builder, ValueBuilder::new(Limits::default()));
        let json = cannery_json::to_vec(&as_json(builder.finish()?))?;
        let json = String::from_utf8_lossy(&json);
        let pool = self.pool.pool();
        let message = Message::from_json(pool, self.message, &json, JsonReadOptions::default())?;
        let bytes = message.encode(pool, EncodeOptions::default().deterministic(true));
        if self.first == First::Due {
            self.first = First::Kept(bytes);
            return Ok(());
        }
        if let First::Kept(first) = std::mem::replace(&mut self.first, First::Written) {
            self.write(self.framing, &first)?;
        }
        self.write(self.framing, &bytes)
    }

    fn finish(mut self) -> Result<()> {
        if let First::Kept(only) = std::mem::replace(&mut self.first, First::Written) {
            self.write(None, &only)?;
        }
        self.output.finish()
    }
}

impl Messages<'_> {
    fn write(&mut self, framing: Option<Framing>, bytes: &[u8]) -> Result<()> {
        if let Some(framing) = framing {
            return write_frame(&mut self.output, framing, bytes);
        }
        let written = self.output.write_all(bytes);
        written.map_err(|error| Error::io(error, "cannot write the file"))
    }
}

/// What JSON lacks, as Protobuf's mapping has it: bytes in Base64, names of what is no number.
fn as_json(value: Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::from(STANDARD.encode(bytes)),
        Value::Float(value) if !value.is_finite() => Value::from(if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }),
        Value::List(items) => Value::List(items.into_iter().map(as_json).collect()),
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (key, as_json(value))).collect())
        }
        other => other,
    }
}
