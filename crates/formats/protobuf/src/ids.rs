//! What types are called by inside of a pool.

/// A message type of a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub(crate) u32);

/// An enum of a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub(crate) u32);

/// An extension of a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionId(pub(crate) u32);

impl MessageId {
    /// Its position among all messages of the pool.
    #[must_use]
    pub fn index(self) -> u32 {
        self.0
    }
}

impl EnumId {
    /// Its position among all enums of the pool.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
