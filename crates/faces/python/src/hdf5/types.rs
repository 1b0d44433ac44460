//! Datatypes as tuples of Python's.

use cannery_hdf5::{CharacterSet, Datatype, NumberKind, ReferenceKind, StringPadding, TypeClass};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::errors::OrRaise;
use crate::npy::Buffer;

/// A datatype.
#[pyclass(frozen, module = "cannery._native")]
pub(super) struct Hdf5Type(pub(super) Datatype);

#[pymethods]
impl Hdf5Type {
    /// What the type is: a tuple of its class, its size and what the class has beyond.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        describe(py, &self.0)
    }

    /// Converts numbers of unusual layout to those that `describe` names.
    fn convert(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (data, mut out) = (Buffer::of(data)?, Buffer::writable(out)?);
        let convert = || self.0.convert_numbers(data.as_slice(), out.as_mut_slice());
        py.detach(convert).or_raise(py)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

fn describe<'py>(py: Python<'py>, datatype: &Datatype) -> PyResult<Bound<'py, PyTuple>> {
    let size = datatype.size;
    let bytes = |data: &[u8]| PyBytes::new(py, data);
    match &datatype.class {
        TypeClass::Fixed { .. } | TypeClass::Float(_) | TypeClass::Time { .. } => {
            number(py, datatype)
        }
        TypeClass::String { padding, charset } => {
            ("string", size, padding_name(*padding), charset_name(*charset)).into_pyobject(py)
        }
        TypeClass::VarString { padding, charset } => {
            ("varstring", size, padding_name(*padding), charset_name(*charset)).into_pyobject(py)
        }
        TypeClass::Opaque { tag } => ("opaque", size, bytes(tag)).into_pyobject(py),
        TypeClass::Compound(members) => {
            let list = PyList::empty(py);
            for member in members {
                list.append((bytes(&member.name), member.offset, describe(py, &member.datatype)?))?;
            }
            ("compound", size, list).into_pyobject(py)
        }
        TypeClass::Reference(kind) => ("reference", size, reference_name(*kind)).into_pyobject(py),
        TypeClass::Enum { base, members } => {
            let list = PyList::empty(py);
            for (name, value) in members {
                list.append((bytes(name), bytes(value)))?;
            }
            ("enum", size, describe(py, base)?, list).into_pyobject(py)
        }
        TypeClass::Sequence(base) => ("sequence", size, describe(py, base)?).into_pyobject(py),
        TypeClass::Array { base, shape } => {
            ("array", size, describe(py, base)?, PyTuple::new(py, shape)?).into_pyobject(py)
        }
        TypeClass::Complex(base) => ("complex", size, describe(py, base)?).into_pyobject(py),
        _ => ("unknown", size).into_pyobject(py),
    }
}

/// A number: `NumPy`'s name for it, its class, and itself if it is to be converted.
fn number<'py>(py: Python<'py>, datatype: &Datatype) -> PyResult<Bound<'py, PyTuple>> {
    let class = match &datatype.class {
        TypeClass::Fixed { is_bits: true, .. } => "bits",
        TypeClass::Fixed { .. } => "integer",
        TypeClass::Float(_) => "float",
        _ => "time",
    };
    let Some(number) = datatype.number() else {
        return ("unknown", datatype.size, class).into_pyobject(py);
    };
    let kind = match number.kind {
        NumberKind::Int => 'i',
        NumberKind::Uint => 'u',
        NumberKind::Float => 'f',
    };
    let order = if number.big_endian { '>' } else { '<' };
    let name = format!("{order}{kind}{}", number.size);
    let converted = (!number.is_stored).then(|| Py::new(py, Hdf5Type(datatype.clone())));
    ("number", datatype.size, name, class, converted.transpose()?).into_pyobject(py)
}

fn padding_name(padding: StringPadding) -> &'static str {
    match padding {
        StringPadding::NullTerminated => "nullterm",
        StringPadding::NullPadded => "nullpad",
        StringPadding::SpacePadded => "spacepad",
    }
}

fn charset_name(charset: CharacterSet) -> &'static str {
    match charset {
        CharacterSet::Ascii => "ascii",
        CharacterSet::Utf8 => "utf-8",
    }
}

fn reference_name(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Object => "object",
        ReferenceKind::Region => "region",
        ReferenceKind::NewObject => "new object",
        ReferenceKind::NewRegion => "new region",
        ReferenceKind::NewAttribute => "new attribute",
    }
}
