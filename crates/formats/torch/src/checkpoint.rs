//! A checkpoint of any layout: what is in it, and where the bytes of its storages are.

use cannery_core::{Budget, Error, ErrorKind, Limits, Result};

use crate::archive::Archive;
use crate::heap::TorchHeap;
use crate::node::{Node, NodeId, Nodes};
use crate::tensor::Storage;
use crate::{finish, legacy, pickles, script, tape, zip};

/// The layout of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLayout {
    /// A ZIP archive, as `torch.save` writes it since version 1.6.
    Zip,
    /// A stream of pickles and numbers, as before.
    Stream,
    /// A tape archive, as before version 0.1.10.
    Tape,
    /// A ZIP archive with a program: `TorchScript`.
    Script,
    /// A ZIP archive with an exported program: `torch.export.save`.
    Exported,
}

impl FileLayout {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Stream => "legacy",
            Self::Tape => "tar",
            Self::Script => "torchscript",
            Self::Exported => "pt2",
        }
    }
}

/// One of the values of a checkpoint.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is: `data`, `constants`.
    pub name: String,
    /// The value.
    pub root: NodeId,
}

/// A checkpoint: its values, and where the bytes of its tensors are. Nothing of a tensor was read,
/// unless it was packed.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its layout.
    pub layout: FileLayout,
    /// Its values.
    pub nodes: Nodes,
    /// Those of its values that others do not lie in.
    pub documents: Vec<Document>,
    /// The bytes that its tensors lie in.
    pub storages: Vec<Storage>,
    /// The members of its archive.
    pub archive: Archive,
    /// The folder of the archive that all of it is in, with its slash.
    pub folder: String,
}

impl Checkpoint {
    /// The checkpoint in these bytes.
    ///
    /// ```
    /// let error = cannery_torch::Checkpoint::read(b"no checkpoint", &Default::default());
    /// assert!(error.unwrap_err().to_string().contains("no checkpoint"));
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Untrusted`] if it names what does harm; [`ErrorKind::Corrupt`],
    /// [`ErrorKind::Syntax`] and [`ErrorKind::Truncated`] if it is damaged;
    /// [`ErrorKind::Limit`] for bombs.
    pub fn read(data: &[u8], limits: &Limits) -> Result<Self> {
        let reader = Reader::new(data, limits);
        if data.starts_with(b"PK\x03\x04") {
            zip::read(reader, limits)
        } else if data.starts_with(b"\x80") || legacy::is_stream(data) {
            legacy::read(reader)
        } else if tape::is_tape(data) {
            tape::read(reader)
        } else if memchr::memmem::rfind(data, b"PK\x05\x06").is_some() {
            zip::read(reader, limits)
        } else {
            Err(no_checkpoint(data))
        }
    }

    /// The value of a document.
    #[must_use]
    pub fn document(&self, name: &str) -> Option<NodeId> {
        self.documents.iter().find(|document| document.name == name).map(|document| document.root)
    }

    /// The tensors of a program's modules by their names: those that `state_dict` would list.
    #[must_use]
    pub fn script_state(&self, data: &[u8]) -> Vec<(String, NodeId)> {
        script::state(self, data)
    }
}

/// Whether these bytes are a checkpoint, by what is in them; nothing of it is read.
#[must_use]
pub fn looks_like(data: &[u8]) -> bool {
    if data.starts_with(b"PK\x03\x04") {
        zip::is_checkpoint(data)
    } else {
        legacy::is_stream(data) || tape::is_checkpoint(data)
    }
}

/// What is read from a file, while it is read.
pub(crate) struct Reader<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) heap: TorchHeap,
    pub(crate) documents: Vec<Document>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn new(data: &'a [u8], limits: &Limits) -> Self {
        let input = data.len() as u64;
        let heap = TorchHeap::new(limits, input);
        Self { data, heap, documents: Vec::new(), budget: Budget::new(limits, input) }
    }

    /// Runs a pickle; returns its value and where it ends.
    pub(crate) fn pickle(&mut self, data: &[u8], start: usize) -> Result<(NodeId, usize)> {
        // The heap moves into the machine and back; if the pickle fails, so does everything.
        let empty = TorchHeap::new(&Limits::default(), 0);
        let heap = std::mem::replace(&mut self.heap, empty);
        let (heap, value, end) = pickles::run(heap, data, start)?;
        self.heap = heap;
        Ok((value, end))
    }

    /// Adds a value that others do not lie in.
    pub(crate) fn document(&mut self, name: &str, root: NodeId) {
        self.documents.push(Document { name: name.to_owned(), root });
    }

    /// Takes memory for bytes that are not used where they lie.
    pub(crate) fn take_bytes(&mut self, count: u64) -> Result<()> {
        self.budget.take_bytes(count)
    }

    pub(crate) fn finish(
        self,
        layout: FileLayout,
        archive: Archive,
        folder: String,
    ) -> Result<Checkpoint> {
        let TorchHeap { nodes, storages, .. } = self.heap;
        let (documents, storages) = (self.documents, storages.all);
        let mut made = Checkpoint { layout, nodes, documents, storages, archive, folder };
        finish::nested(&mut made, self.data)?;
        finish::resolve_bits(&mut made, self.data)?;
        Ok(made)
    }
}

impl Nodes {
    /// The entries of a dictionary, or of none.
    #[must_use]
    pub fn entries(&self, id: NodeId) -> &[(NodeId, NodeId)] {
        match self.get(id) {
            Node::Dict(dict) => &dict.entries,
            _ => &[],
        }
    }
}

#[cold]
fn no_checkpoint(data: &[u8]) -> Error {
    let message =
        if data.is_empty() { "the file is empty" } else { "this is no checkpoint of PyTorch's" };
    Error::new(ErrorKind::Corrupt, message)
        .with_hint("`cannery inspect` and `cannery scan` say what the file is")
}
