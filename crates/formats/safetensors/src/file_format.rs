//! safetensors: a map of tensors.

use std::io::Write;

use cannery_core::{
    ArrayBuf, ArraySource, Container, Error, ErrorKind, Limits, Order, Result, Segment, Sink,
    TensorContainer, TensorDtype, Value, ValueBuilder,
};
use cannery_format::{
    Capabilities, Format, Likelihood, Node, ReadOptions, Reader, WriteOptions, Writer, once,
};
use cannery_places::{Input, Output};

use crate::array::bytes_of;
use crate::{SafetensorsFile, Tensor, dtype_code, looks_like, to_writer};

/// The format safetensors.
#[derive(Clone, Copy, Debug)]
pub struct Safetensors;

impl Format for Safetensors {
    fn id(&self) -> &'static str {
        "safetensors"
    }

    fn title(&self) -> &'static str {
        "safetensors"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["safetensors"]
    }

    fn holds(&self) -> &'static str {
        "tensors by name"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        if looks_like(start) { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { arrays: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let file = open(input, options)?;
        Ok(once(move |sink| {
            sink.begin(Container::Map, Some(file.tensors().len()))?;
            for info in file.tensors() {
                sink.key(info.name.as_str().into())?;
                let dtype = info.dtype.to_dtype(info.byte_order).ok_or_else(|| {
                    let message = format!("arrays have no type {}", info.dtype);
                    Error::new(ErrorKind::Unsupported, message)
                        .inside(Segment::Key(info.name.as_str().into()))
                })?;
                let data = info.read(&file)?;
                sink.array(&ArrayBuf::new(dtype, info.shape.clone(), Order::default(), data)?)?;
            }
            sink.end(Container::Map)
        }))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let builder = ValueBuilder::new(Limits::default());
        Ok(Box::new(SafetensorsOutput { builder, output }))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        Node::of_tensors(&open(input, options)?)
    }
}

fn open(input: Input, options: &ReadOptions) -> Result<SafetensorsFile> {
    SafetensorsFile::from_source(input.into_source(&options.limits)?)
}

/// Collects the arrays, for the header comes first and describes all of them.
struct SafetensorsOutput<'w> {
    builder: ValueBuilder,
    output: Output<'w>,
}

impl Writer for SafetensorsOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.builder
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let value = self.builder.finish()?;
        let mut found = Vec::new();
        collect(&value, String::new(), &mut found)?;
        let described = found.into_iter().map(|(name, array)| {
            let dtype = TensorDtype::of(array.dtype());
            if dtype_code(&dtype).is_none() {
                let message = format!("safetensors has no type {dtype}");
                let error = Error::new(ErrorKind::Unsupported, message);
                return Err(error.inside(Segment::Key(name.as_str().into())));
            }
            Ok((name, dtype, array.shape(), bytes_of(array)?))
        });
        let described = described.collect::<Result<Vec<_>>>()?;
        let tensors: Vec<_> = described
            .iter()
            .map(|(name, dtype, shape, data)| Tensor { name, dtype, shape, data })
            .collect();
        to_writer(&tensors, &[], &mut self.output)?;
        self.output.flush().map_err(|e| Error::io(e, "cannot write the file"))?;
        self.output.finish()
    }
}

/// The arrays of maps inside of one another, by their names with dots between.
fn collect<'v>(
    value: &'v Value,
    name: String,
    found: &mut Vec<(String, &'v ArrayBuf)>,
) -> Result<()> {
    match value {
        Value::Array(array) => found.push((name, array)),
        Value::Map(entries) => {
            for (key, value) in entries {
                let Value::Text(key) = key else { return Err(refuse("a key that is no text")) };
                let key = key.to_string();
                let inner = if name.is_empty() { key } else { format!("{name}.{key}") };
                collect(value, inner, found)?;
            }
        }
        _ => return Err(refuse(&format!("another value as `{name}`"))),
    }
    Ok(())
}

#[cold]
fn refuse(found: &str) -> Error {
    let message = format!("safetensors holds maps of arrays, found {found}");
    Error::new(ErrorKind::Unsupported, message).with_hint("write JSON or `.can` for other values")
}
