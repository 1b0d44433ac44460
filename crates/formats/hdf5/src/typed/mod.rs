//! Elements as values of Rust: numbers, truth values, texts, and structs by way of serde.

mod element;
#[cfg(feature = "serde")]
mod records;
mod slice;

use cannery_core::Result;

pub use self::element::{Element, Elements};
pub use self::slice::{Blocks, Slice, SliceDim};
use crate::dataset::Dataset;
use crate::dataspace::Dataspace;
use crate::node::Node;
use crate::selection::Selection;

impl Dataset {
    /// Reads all elements, in the order of rows.
    ///
    /// ```no_run
    /// let file = cannery_hdf5::File::open("measurements.h5")?;
    /// let temperatures: Vec<f32> = file.root().resolve(b"temperature")?.dataset()?.read()?;
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Dataset::read_into`] and of [`Element::from_elements`].
    pub fn read<T: Element>(&self) -> Result<Vec<T>> {
        self.values_at(&Selection::all(self.space().shape()))
    }

    /// The elements at some positions of each dimension.
    ///
    /// ```no_run
    /// use cannery_hdf5::s;
    ///
    /// let file = cannery_hdf5::File::open("measurements.h5")?;
    /// let dataset = file.root().resolve(b"temperature")?.dataset()?;
    /// // Ten rows, of these every second column; and the last row.
    /// let part = dataset.slice(s![..10, ..;2])?;
    /// println!("{:?}: {:?}", part.shape(), part.read::<f32>()?);
    /// let last = dataset.slice(s![-1, ..])?.read::<f32>()?;
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`](cannery_core::ErrorKind::Value) if a position lies outside the shape, a step is 0, or there are more or fewer
    /// dimensions.
    pub fn slice(&self, dims: impl AsRef<[SliceDim]>) -> Result<Slice<'_>> {
        Slice::new(self, dims.as_ref())
    }

    /// The dataset in blocks that are read one by one: its chunks, or rows of some megabytes where it has none.
    ///
    /// ```no_run
    /// let file = cannery_hdf5::File::open("measurements.h5")?;
    /// let dataset = file.root().resolve(b"temperature")?.dataset()?;
    /// let mut sum = 0.0;
    /// for block in dataset.blocks() {
    ///     sum += block.read::<f64>()?.iter().sum::<f64>();
    /// }
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    #[must_use]
    pub fn blocks(&self) -> Blocks<'_> {
        Blocks::new(self)
    }

    /// Reads all elements of a compound type as structs that implement [`serde::Deserialize`]: members are fields
    /// by their names.
    ///
    /// ```no_run
    /// #[derive(serde::Deserialize)]
    /// struct Particle {
    ///     name: String,
    ///     position: [f64; 3],
    ///     #[serde(default)]
    ///     charge: i32,
    /// }
    ///
    /// let file = cannery_hdf5::File::open("particles.h5")?;
    /// let particles: Vec<Particle> = file.root().resolve(b"particles")?.dataset()?.records()?;
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Dataset::read_into`]; [`ErrorKind::Type`](cannery_core::ErrorKind::Type) where an element does not fit the struct.
    #[cfg(feature = "serde")]
    pub fn records<T: serde::de::DeserializeOwned>(&self) -> Result<Vec<T>> {
        records::read(&self.elements(&self.read_bytes()?, &self.node()))
    }

    fn node(&self) -> Node {
        Node::at(&self.core, self.address)
    }

    fn elements<'a>(&'a self, bytes: &'a [u8], node: &'a Node) -> Elements<'a> {
        Elements { node, datatype: self.datatype(), bytes }
    }

    fn values_at<T: Element>(&self, selection: &Selection) -> Result<Vec<T>> {
        if let Some(values) = T::read_stored(self, selection)? {
            return Ok(values);
        }
        T::from_elements(&self.elements(&self.bytes_at(selection)?, &self.node()))
    }

    fn bytes_at(&self, selection: &Selection) -> Result<Vec<u8>> {
        let mut out = crate::bytes::zeroed(self.wanted_bytes(selection)?)?;
        self.read_into(selection, &mut out, 0)?;
        Ok(out)
    }

    fn wanted_bytes(&self, selection: &Selection) -> Result<usize> {
        let is_null = *self.space() == Dataspace::Null;
        self.bytes_of(if is_null { 0 } else { selection.elements()? })
    }
}
