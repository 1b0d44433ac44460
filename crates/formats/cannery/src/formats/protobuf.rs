//! Protobuf: one message of a type that the caller names, in its JSON mapping.

use std::io::Write;
use std::path::{Path, PathBuf};

use cannery_core::{Error, ErrorKind, Limits, Result, Sink, Value, ValueBuilder};
use cannery_protobuf::{
    Compiler, DecodeOptions, EncodeOptions, JsonOptions, JsonReadOptions, Message, MessageId, Pool,
    Sources,
};

use super::once;
use crate::format::{
    Capabilities, Format, Likelihood, MessageOf, ReadOptions, Reader, WriteOptions, Writer,
};
use crate::{Input, Output};

pub(crate) struct Protobuf;

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

    /// Its bytes have no mark of their own.
    fn sniff(&self, _start: &[u8]) -> Likelihood {
        Likelihood::No
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let schema = Schema::of(options.message.as_ref())?;
        let bytes = super::npy::bytes_of(input, options)?;
        Ok(once(move |sink| {
            let options = DecodeOptions::default();
            let message = Message::decode(&schema.pool, schema.message, &bytes, &options)?;
            let json = message.to_json(&schema.pool, JsonOptions::default())?;
            cannery_json::from_str(&json, &cannery_json::ReadOptions::default(), sink)
        }))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let schema = Schema::of(options.message.as_ref())?;
        let builder = ValueBuilder::new(Limits::default());
        Ok(Box::new(ProtobufOutput { schema, builder, output }))
    }
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
    let is_set = path.extension().is_some_and(|e| e == "binpb" || e == "pb" || e == "desc");
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

/// Collects the value, which is written when it is complete.
struct ProtobufOutput<'w> {
    schema: Schema,
    builder: ValueBuilder,
    output: Output<'w>,
}

impl Writer for ProtobufOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.builder
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let value: Value = self.builder.finish()?;
        let json = cannery_json::to_vec(&value)?;
        let json = String::from_utf8_lossy(&json);
        let (pool, of) = (&self.schema.pool, self.schema.message);
        let message = Message::from_json(pool, of, &json, JsonReadOptions::default())?;
        let bytes = message.encode(pool, EncodeOptions::default().deterministic(true));
        let written = self.output.write_all(&bytes);
        written.map_err(|error| Error::io(error, "cannot write the file"))?;
        self.output.finish()
    }
}
