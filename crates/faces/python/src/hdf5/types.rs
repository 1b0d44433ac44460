//! Datatypes as tuples of Python's.

use cannery_hdf5::{
    ByteOrder, CharacterSet, Datatype, FloatLayout, Member, NumberKind, ReferenceKind,
    StringPadding, TypeClass,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::OrRaise;
use crate::memory;
use crate::npy::Buffer;
use crate::stack;

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

    /// The type that a description of `describe`'s form says.
    #[staticmethod]
    fn make(described: &Bound<'_, PyTuple>) -> PyResult<Self> {
        made(described).map(Self)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

fn describe<'py>(py: Python<'py>, datatype: &Datatype) -> PyResult<Bound<'py, PyTuple>> {
    let size = datatype.size;
    let bytes = |data: &[u8]| memory::new_bytes(py, data);
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
        TypeClass::Opaque { tag } => ("opaque", size, bytes(tag)?).into_pyobject(py),
        TypeClass::Compound(members) => {
            let list = memory::new_list(py)?;
            for member in members {
                let datatype = describe(py, &member.datatype)?;
                list.append((bytes(&member.name)?, member.offset, datatype))?;
            }
            ("compound", size, list).into_pyobject(py)
        }
        TypeClass::Reference(kind) => ("reference", size, reference_name(*kind)).into_pyobject(py),
        TypeClass::Enum { base, members } => {
            let list = memory::new_list(py)?;
            for (name, value) in members {
                list.append((bytes(name)?, bytes(value)?))?;
            }
            ("enum", size, describe(py, base)?, list).into_pyobject(py)
        }
        TypeClass::Sequence(base) => ("sequence", size, describe(py, base)?).into_pyobject(py),
        TypeClass::Array { base, shape } => {
            ("array", size, describe(py, base)?, PyTuple::new(py, shape)?).into_pyobject(py)
        }
        TypeClass::Complex(base) => ("complex", size, describe(py, base)?).into_pyobject(py),
        TypeClass::UnknownText { padding, charset, .. } => {
            let what = format!("text of the padding {padding} and the encoding {charset}");
            ("unknown", size, what).into_pyobject(py)
        }
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

type NamedParts<'py> = Vec<(Vec<u8>, u32, Bound<'py, PyTuple>)>;

fn made(described: &Bound<'_, PyTuple>) -> PyResult<Datatype> {
    // What Python describes may be part of itself.
    stack::guarded(described.py(), || made_within(described))
}

fn made_within(described: &Bound<'_, PyTuple>) -> PyResult<Datatype> {
    let kind: String = described.get_item(0)?.extract()?;
    let size: u32 = described.get_item(1)?.extract()?;
    let part = |i: usize| described.get_item(i);
    let inner = |i: usize| -> PyResult<Box<Datatype>> {
        Ok(Box::new(made(&part(i)?.extract::<Bound<'_, PyTuple>>()?)?))
    };
    let class = match kind.as_str() {
        "number" => return number_of(&part(2)?.extract::<String>()?, size),
        "string" => {
            TypeClass::String { padding: padding(&part(2)?)?, charset: charset(&part(3)?)? }
        }
        "varstring" => {
            TypeClass::VarString { padding: padding(&part(2)?)?, charset: charset(&part(3)?)? }
        }
        "opaque" => TypeClass::Opaque { tag: part(2)?.extract()? },
        "compound" => {
            let parts: NamedParts<'_> = part(2)?.extract()?;
            let member = |(name, offset, datatype): (Vec<u8>, u32, Bound<'_, PyTuple>)| {
                Ok(Member { name, offset, datatype: made(&datatype)? })
            };
            TypeClass::Compound(parts.into_iter().map(member).collect::<PyResult<_>>()?)
        }
        "reference" if part(2)?.extract::<String>()? == "region" => {
            TypeClass::Reference(ReferenceKind::Region)
        }
        "reference" => TypeClass::Reference(ReferenceKind::Object),
        "enum" => TypeClass::Enum { base: inner(2)?, members: part(3)?.extract()? },
        "sequence" => TypeClass::Sequence(inner(2)?),
        "array" => TypeClass::Array { base: inner(2)?, shape: part(3)?.extract()? },
        other => {
            let message = format!("types of the class `{other}` are not written");
            return Err(pyo3::exceptions::PyTypeError::new_err(message));
        }
    };
    Ok(Datatype::new(size, class))
}

fn padding(name: &Bound<'_, PyAny>) -> PyResult<StringPadding> {
    Ok(match name.extract::<String>()?.as_str() {
        "nullterm" => StringPadding::NullTerminated,
        "spacepad" => StringPadding::SpacePadded,
        _ => StringPadding::NullPadded,
    })
}

fn charset(name: &Bound<'_, PyAny>) -> PyResult<CharacterSet> {
    let is_ascii = name.extract::<String>()? == "ascii";
    Ok(if is_ascii { CharacterSet::Ascii } else { CharacterSet::Utf8 })
}

/// The number that `NumPy`'s name stands for.
fn number_of(name: &str, size: u32) -> PyResult<Datatype> {
    let unknown = || {
        let message = format!("numbers of the type `{name}` are not written");
        pyo3::exceptions::PyTypeError::new_err(message)
    };
    let order = if name.starts_with('>') { ByteOrder::Big } else { ByteOrder::Little };
    let precision = u16::try_from(size * 8).map_err(|_| unknown())?;
    let class = match name.as_bytes().get(1) {
        Some(kind @ (b'i' | b'u')) if size <= 8 => {
            TypeClass::Fixed { order, signed: *kind == b'i', offset: 0, precision, is_bits: false }
        }
        Some(b'f') => {
            let (exponent_bits, mantissa_bits, bias) = match size {
                2 => (5, 10, 15),
                4 => (8, 23, 127),
                8 => (11, 52, 1023),
                _ => return Err(unknown()),
            };
            TypeClass::Float(FloatLayout {
                order,
                offset: 0,
                precision,
                sign: exponent_bits + mantissa_bits,
                exponent_at: mantissa_bits,
                exponent_bits,
                mantissa_at: 0,
                mantissa_bits,
                bias,
                normalization: 2,
            })
        }
        _ => return Err(unknown()),
    };
    Ok(Datatype::new(size, class))
}
