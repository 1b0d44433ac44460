//! How a conversion is done.

use cannery_format::{ReadOptions, WriteOptions};

use crate::Selection;

/// How a conversion is done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct ConvertOptions {
    /// The short name of the source's format; by default its content and name tell.
    pub from: Option<String>,
    /// The short name of the target's format; by default its name tells.
    pub to: Option<String>,
    /// Only the part of the source that this names.
    pub select: Option<Selection>,
    /// Only the first items of the outermost list, map or array.
    pub head: Option<u64>,
    /// Values keep their types: what the target lacks is written in the
    /// [tagged form](cannery_core::tagged), and read from it.
    pub tagged: bool,
    /// What the target lacks becomes the nearest that it has; [`convert`](crate::convert) says what was lost.
    pub lossy: bool,
    /// Arrays are written as nested lists, in the tagged form too.
    pub arrays_as_lists: bool,
    /// Shared values are written out in full, in the tagged form too.
    pub expands_aliases: bool,
    /// What becomes of named tensors.
    #[cfg(feature = "safetensors")]
    pub tensors: crate::TensorOptions,
    /// How the source is read.
    pub read: ReadOptions,
    /// How the target is written.
    pub write: WriteOptions,
}

impl ConvertOptions {
    /// For people to read: types that the target lacks are tagged, and arrays are lists.
    #[must_use]
    pub fn for_people(self) -> Self {
        self.tagged(true).arrays_as_lists(true)
    }

    /// Sets [`from`](Self::from).
    #[must_use]
    pub fn from(mut self, id: Option<String>) -> Self {
        self.from = id;
        self
    }

    /// Sets [`to`](Self::to).
    #[must_use]
    pub fn to(mut self, id: Option<String>) -> Self {
        self.to = id;
        self
    }

    /// Sets [`select`](Self::select).
    #[must_use]
    pub fn select(mut self, selection: Option<Selection>) -> Self {
        self.select = selection;
        self
    }

    /// Sets [`tagged`](Self::tagged).
    #[must_use]
    pub fn tagged(mut self, yes: bool) -> Self {
        self.tagged = yes;
        self
    }

    /// Sets [`expands_aliases`](Self::expands_aliases).
    #[must_use]
    pub fn expands_aliases(mut self, yes: bool) -> Self {
        self.expands_aliases = yes;
        self
    }

    /// Sets [`lossy`](Self::lossy).
    #[must_use]
    pub fn lossy(mut self, yes: bool) -> Self {
        self.lossy = yes;
        self
    }

    /// Sets [`arrays_as_lists`](Self::arrays_as_lists).
    #[must_use]
    pub fn arrays_as_lists(mut self, yes: bool) -> Self {
        self.arrays_as_lists = yes;
        self
    }

    /// Sets [`head`](Self::head).
    #[must_use]
    pub fn head(mut self, count: Option<u64>) -> Self {
        self.head = count;
        self
    }

    /// Sets [`tensors`](Self::tensors).
    #[cfg(feature = "safetensors")]
    #[must_use]
    pub fn tensors(mut self, options: crate::TensorOptions) -> Self {
        self.tensors = options;
        self
    }

    /// Sets [`read`](Self::read).
    #[must_use]
    pub fn read(mut self, options: ReadOptions) -> Self {
        self.read = options;
        self
    }

    /// Sets [`write`](Self::write).
    #[must_use]
    pub fn write(mut self, options: WriteOptions) -> Self {
        self.write = options;
        self
    }
}
