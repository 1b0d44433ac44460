//! Rows for writers that must be told where a document ends.

use cannery_core::{Result, Sink};

use crate::adapt::{Event, EventAdapter};

/// A writer of documents.
pub trait DocumentWriter {
    /// Takes the document that is open.
    fn sink(&mut self) -> &mut dyn Sink;

    /// The same, to ask it.
    fn asked(&self) -> &dyn Sink;

    /// The document is complete.
    fn end(&mut self) -> Result<()>;
}

/// Takes values one after the other and makes a document of each.
pub struct PerDocument<D> {
    /// The writer.
    pub documents: D,
    depth: usize,
}

impl<D: DocumentWriter> PerDocument<D> {
    /// Takes values for that writer.
    pub fn new(documents: D) -> Self {
        Self { documents, depth: 0 }
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
