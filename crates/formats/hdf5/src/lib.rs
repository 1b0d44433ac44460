//! HDF5 files, read and written without libhdf5.
//!
//! Follows the [HDF5 File Format Specification](https://support.hdfgroup.org/documentation/hdf5/latest/_s_p_e_c.html),
//! version 4.0, and what libhdf5 does where the specification is silent. Everything is read:
//! superblocks 0 to 3, both kinds of groups, all layouts, all indexes of chunks, all classes of
//! types. Chunks are decoded by all processors at once.
//!
//! Files are not trusted: nothing is allocated because a file declares a size, every loop over
//! what a file says ends, checksums are compared, and other files are opened only as the
//! [`ExternalPolicy`] allows.
//!
//! Files are written as HDF5 1.8 reads them, so that a writer that ends early leaves a file that is
//! whole: see [`File::create`], [`File::edit`] and [`Node::create_dataset`].
//!
//! ```no_run
//! let file = cannery_hdf5::File::open("measurements.h5")?;
//! let dataset = file.root().resolve(b"run1/temperature")?.dataset()?;
//! println!("{:?}: {:?}", dataset.space().shape(), dataset.read::<f32>()?);
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! [`Dataset::read`] and [`Dataset::slice`] give numbers, truth values and texts, [`Dataset::blocks`] one chunk after
//! the other, and `Dataset::records`, with the feature `serde`, structs.

mod attributes;
mod btree2;
mod bytes;
mod checksum;
mod chunks;
mod convert;
mod core;
mod dataset;
mod dataspace;
mod datatype;
mod external;
mod file;
mod file_format;
mod fill;
mod filters;
mod fractal_heap;
mod fsck;
mod global_heap;
mod header;
mod layout;
mod links;
mod lock;
mod node;
mod read;
mod reference;
mod region;
mod selection;
mod shared;
mod source;
mod superblock;
mod symbols;
mod typed;
mod virtual_data;
mod write;

pub use attributes::Attribute;
pub use cannery_places::{ByteSource, FileSource};
pub use convert::{NumberKind, NumberType};
pub use dataset::Dataset;
pub use dataspace::{Dataspace, MAX_RANK};
pub use datatype::{
    ByteOrder, CharacterSet, Datatype, FloatLayout, Member, ReferenceKind, StringPadding, TypeClass,
};
pub use external::{ExternalPolicy, ExternalSegment};
pub use file::File;
pub use file_format::Hdf5;
pub use fill::FillValue;
pub use filters::Filter;
pub use fsck::{Checkup, Finding};
pub use links::{Link, LinkTarget, Names};
pub use node::{Node, ObjectKind};
pub use reference::{ReferencePart, ReferenceTarget};
pub use region::{Region, RegularDim};
pub use selection::{DimSelection, Selection};
pub use superblock::MAGIC;
pub use typed::{Blocks, Element, Elements, Slice, SliceDim};
pub use virtual_data::VirtualSource;
pub use write::{
    CreateOptions, DatasetSpec, FileTarget, MemoryTarget, Storage, Target, encode_mappings,
};
