//! The commands, one module for each or for a few of a kind.

pub(crate) mod aliases;
pub(crate) mod artifacts;
pub(crate) mod cat;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod diff;
mod files;
pub(crate) mod fmt;
mod hdf5;
pub(crate) mod inspect;
pub(crate) mod lineage;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod map_chunks;
mod printing;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod scan;
mod stores;
pub(crate) mod upkeep;
pub(crate) mod validate;
