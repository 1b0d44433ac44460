//! What the values of a checkpoint are called by.

/// The number of a value in [`Nodes`](crate::node::Nodes).
pub type NodeId = u32;
