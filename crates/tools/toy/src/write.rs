//! Events to lines.

use std::io::Write;

use cannery_core::{ArraySource, BigInt, Container, Error, ErrorKind, Result, Sink, Text};
use cannery_format::Writer;
use cannery_places::Output;

use crate::read::MAGIC;

pub(crate) struct ToyWriter<'w>(Output<'w>);

impl<'w> ToyWriter<'w> {
    pub(crate) fn new(output: Output<'w>) -> Result<Self> {
        let mut writer = Self(output);
        writer.write(MAGIC)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).map_err(|e| Error::io(e, "cannot write the file"))
    }

    fn line(&mut self, line: &str) -> Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    fn text_line(&mut self, mark: char, text: Text<'_>) -> Result<()> {
        let text = text.to_str().ok_or_else(|| refuse("half of a surrogate pair"))?;
        self.line(&format!("{mark}{}", text.replace('\\', "\\\\").replace('\n', "\\n")))
    }
}

impl Writer for ToyWriter<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        self
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}

impl Sink for ToyWriter<'_> {
    fn null(&mut self) -> Result<()> {
        self.line("null")
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.line(if value { "true" } else { "false" })
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.line(&value.to_string())
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.line(&value.to_decimal())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        if value.is_finite() { self.line(&format!("{value:?}")) } else { Err(refuse("no number")) }
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.text_line('"', value)
    }

    fn bytes(&mut self, _: &[u8]) -> Result<()> {
        Err(refuse("bytes"))
    }

    fn array(&mut self, _: &dyn ArraySource) -> Result<()> {
        Err(refuse("an array"))
    }

    fn begin(&mut self, container: Container, _: Option<usize>) -> Result<()> {
        match container {
            Container::List => self.line("["),
            Container::Map => self.line("{"),
            _ => Err(refuse("a container of another kind")),
        }
    }

    fn end(&mut self, container: Container) -> Result<()> {
        self.line(if container == Container::Map { "}" } else { "]" })
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.text_line('.', key)
    }

    fn entry(&mut self) -> Result<()> {
        Err(refuse("a key that is no text"))
    }

    fn begin_object(&mut self, _: Text<'_>, _: Option<usize>) -> Result<()> {
        Err(refuse("an object"))
    }

    fn end_object(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    fn alias(&mut self, _: u64) -> Result<()> {
        Err(refuse("a reference"))
    }
}

#[cold]
fn refuse(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("toy has no form for {what}"))
}
