//! Files of documents: one after the other in the file, one value to a reader and a writer.

use cannery_core::{Container, Error, ErrorKind, Result, Sink};

use crate::adapt::{AdaptedSink, Event, EventAdapter};
use crate::contract::{Documents, Reader, Writer};

/// A reader of documents, one after the other.
pub trait DocumentReader {
    /// How many there are, as far as it matters.
    fn documents(&self) -> Documents;

    /// Sends each as a value.
    ///
    /// # Errors
    /// Those of the format, the input and the sink.
    fn send(self, sink: &mut dyn Sink) -> Result<()>;

    /// Sends what a file without any is.
    ///
    /// # Errors
    /// Those of the sink, and [`ErrorKind::Truncated`] where such a file is none of the format.
    fn send_nothing(&self, sink: &mut dyn Sink) -> Result<()> {
        let _ = sink;
        Err(Error::new(ErrorKind::Truncated, "the file is empty")
            .with_hint("an empty file is rows, none of them: write it as jsonl"))
    }
}

/// The only document as it is, several as one list.
pub struct AsOneValue<R>(pub R);

impl<R: DocumentReader> Reader for AsOneValue<R> {
    fn documents(&self) -> Documents {
        self.0.documents()
    }

    fn read(self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        match self.0.documents() {
            Documents::None => self.0.send_nothing(sink),
            Documents::One => self.0.send(sink),
            Documents::Several => {
                sink.begin(Container::List, None)?;
                self.0.send(sink)?;
                sink.end(Container::List)
            }
        }
    }
}

/// A writer of documents that must be told where one ends.
pub trait DocumentWriter {
    /// Takes the document that is open.
    fn sink(&mut self) -> &mut dyn Sink;

    /// The same, to ask it.
    fn asked(&self) -> &dyn Sink;

    /// The document is complete.
    ///
    /// # Errors
    /// Those of the format and the output.
    fn end(&mut self) -> Result<()>;

    /// All are complete: puts the file in its place.
    ///
    /// # Errors
    /// Those of the format and the output.
    fn finish(self) -> Result<()>;
}

/// Takes values one after the other and makes a document of each.
pub struct DocumentOutput<D>(AdaptedSink<PerDocument<D>>);

struct PerDocument<D> {
    documents: D,
    depth: usize,
}

impl<D: DocumentWriter> DocumentOutput<D> {
    /// Takes values for that writer.
    pub fn new(documents: D) -> Self {
        Self(AdaptedSink(PerDocument { documents, depth: 0 }))
    }
}

impl<D: DocumentWriter> Writer for DocumentOutput<D> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.0.documents.finish()
    }
}

impl<D: DocumentWriter> EventAdapter for PerDocument<D> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        send(self.documents.sink())?;
        match event {
            Event::Begin(_) | Event::BeginObject => self.depth += 1,
            Event::End | Event::EndObject => self.depth -= 1,
            Event::Key(_) | Event::Entry | Event::Mark => return Ok(()),
            Event::Value | Event::Array(_) => {}
        }
        if self.depth == 0 { self.documents.end() } else { Ok(()) }
    }

    fn next(&self) -> &dyn Sink {
        self.documents.asked()
    }
}
