//! A checkpoint of any layout: what is in it, and where the bytes of its storages are.

use cannery_archive::Archive;

use crate::node::{Node, Nodes};
use crate::node_id::NodeId;
use crate::tensor::Storage;

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
    /// A ZIP archive with a program, as `TorchScript` of before version 1.4.
    OldScript,
    /// A ZIP archive of pickles and the code that they need: `torch.package`.
    Package,
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
            Self::OldScript => "torchscript before 1.4",
            Self::Package => "package",
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
    /// The value of a document.
    #[must_use]
    pub fn document(&self, name: &str) -> Option<NodeId> {
        self.documents.iter().find(|document| document.name == name).map(|document| document.root)
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
