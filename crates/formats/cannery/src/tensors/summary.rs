//! What is in a file of tensors, and what it sums up to.

use std::collections::BTreeMap;

use cannery_core::{Container, Result, Sink, Source, TensorContainer, Text};
use cannery_format::{count_entry, tensor_dtype_name as dtype_name, text_entry};

/// Totals of a file of tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorSummary {
    /// How many tensors there are.
    pub tensors: u64,
    /// How many elements they have; those that share memory count once.
    pub parameters: u64,
    /// Bytes of their elements; those that share memory count once.
    pub bytes: u64,
    /// The same by the type of the elements, in the order of their names.
    pub dtypes: Vec<DtypeTotal>,
    /// What the file says about itself.
    pub metadata: Vec<(String, String)>,
    /// What else is in it.
    pub others: Vec<String>,
}

/// Totals of the tensors of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DtypeTotal {
    /// The name of the type.
    pub dtype: String,
    /// How many tensors there are.
    pub tensors: u64,
    /// How many elements they have; those that share memory count once.
    pub parameters: u64,
    /// Bytes of their elements; those that share memory count once.
    pub bytes: u64,
}

impl TensorSummary {
    /// The totals of a container.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Limit`] if a shape is too large to exist.
    pub fn of(container: &dyn TensorContainer) -> Result<Self> {
        let mut summary = Self {
            metadata: container.metadata().to_vec(),
            others: container.others().to_vec(),
            ..Self::default()
        };
        let mut dtypes: BTreeMap<String, DtypeTotal> = BTreeMap::new();
        let mut seen = std::collections::HashSet::new();
        for info in container.tensors() {
            let dtype = dtype_name(info);
            let total = dtypes.entry(dtype.clone()).or_default();
            (total.dtype, total.tensors) = (dtype, total.tensors + 1);
            summary.tensors += 1;
            let is_new = info.storage.is_none_or(|at| seen.insert((at, info.offset, &info.shape)));
            if is_new {
                let (parameters, bytes) = (info.elements()?, info.len_in_bytes()?);
                for (sum, more) in [
                    (&mut total.parameters, parameters),
                    (&mut summary.parameters, parameters),
                    (&mut total.bytes, bytes),
                    (&mut summary.bytes, bytes),
                ] {
                    *sum = sum.saturating_add(more);
                }
            }
        }
        summary.dtypes = dtypes.into_values().collect();
        Ok(summary)
    }
}

impl Source for TensorSummary {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        counts(self.tensors, self.parameters, self.bytes, sink)?;
        sink.key(Text::Ascii("dtypes"))?;
        sink.begin(Container::List, Some(self.dtypes.len()))?;
        self.dtypes.iter().try_for_each(|total| {
            sink.begin(Container::Map, None)?;
            text_entry("dtype", &total.dtype, sink)?;
            counts(total.tensors, total.parameters, total.bytes, sink)?;
            sink.end(Container::Map)
        })?;
        sink.end(Container::List)?;
        sink.key(Text::Ascii("metadata"))?;
        sink.begin(Container::Map, Some(self.metadata.len()))?;
        for (key, text) in &self.metadata {
            sink.key(key.as_str().into())?;
            sink.text(text.as_str().into())?;
        }
        sink.end(Container::Map)?;
        sink.key(Text::Ascii("others"))?;
        sink.begin(Container::List, Some(self.others.len()))?;
        self.others.iter().try_for_each(|what| sink.text(what.as_str().into()))?;
        sink.end(Container::List)?;
        sink.end(Container::Map)
    }
}

fn counts<S: Sink + ?Sized>(tensors: u64, parameters: u64, bytes: u64, sink: &mut S) -> Result<()> {
    count_entry("tensors", tensors, sink)?;
    count_entry("parameters", parameters, sink)?;
    count_entry("bytes", bytes, sink)
}
