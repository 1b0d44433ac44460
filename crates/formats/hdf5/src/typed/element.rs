//! Which values of Rust the elements of a datatype are.

use std::borrow::Cow;

use bytemuck::Pod;
use cannery_core::{Error, ErrorKind, Result};

use crate::convert::{NumberKind, NumberType};
use crate::dataset::Dataset;
use crate::datatype::{Datatype, StringPadding, TypeClass};
use crate::node::Node;
use crate::selection::Selection;

/// A type that elements of a dataset can be read as.
///
/// Numbers are read as every type that holds all values of theirs, whatever their width and order of bytes in the
/// file: an `i16` as `i16`, `i32`, `i64`, `f32` or `f64`, never as `u16`. Nothing is rounded. Texts are read as
/// [`String`], truth values, as h5py writes them, as `bool`, and elements that are arrays give one value after the other.
pub trait Element: Sized {
    /// The values of elements, whose bytes are those in the file.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if not all values of the datatype can be had as this type.
    fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>>;

    /// Reads elements that are stored as they lie in memory, straight to where they stay.
    #[doc(hidden)]
    fn read_stored(_dataset: &Dataset, _selection: &Selection) -> Result<Option<Vec<Self>>> {
        Ok(None)
    }
}

/// Numbers of one type that the file may hold as they lie in memory.
fn read_stored<T: Pod>(
    dataset: &Dataset,
    selection: &Selection,
    kind: NumberKind,
) -> Result<Option<Vec<T>>> {
    let mut datatype = dataset.datatype();
    while let TypeClass::Array { base, .. } = &datatype.class {
        datatype = base;
    }
    let stored = NumberType {
        kind,
        size: size_of::<T>(),
        big_endian: cfg!(target_endian = "big"),
        is_stored: true,
    };
    if datatype.number() != Some(stored) {
        return Ok(None);
    }
    let count = dataset.wanted_bytes(selection)? / size_of::<T>();
    let mut values = Vec::new();
    let no_memory =
        |_| Error::new(ErrorKind::Limit, format!("there is no memory for {count} elements"));
    values.try_reserve_exact(count).map_err(no_memory)?;
    values.resize(count, T::zeroed());
    dataset.read_into(selection, bytemuck::cast_slice_mut(&mut values), 0)?;
    Ok(Some(values))
}

/// Elements of one datatype, as the file has them.
pub struct Elements<'a> {
    /// Where texts of any length are looked up.
    pub(crate) node: &'a Node,
    pub(crate) datatype: &'a Datatype,
    pub(crate) bytes: &'a [u8],
}

impl Elements<'_> {
    /// The elements of arrays one after the other, and the integers that names stand for.
    fn innermost(&self) -> &Datatype {
        let mut datatype = self.datatype;
        while let TypeClass::Array { base, .. } | TypeClass::Enum { base, .. } = &datatype.class {
            datatype = base;
        }
        datatype
    }

    /// Numbers in the order of bytes and the width that [`Datatype::number`] says.
    fn numbers(&self, wanted: &str) -> Result<(NumberType, Cow<'_, [u8]>)> {
        let datatype = self.innermost();
        let Some(number) = datatype.number().filter(|number| number.size <= 8) else {
            return Err(self.no_type(wanted));
        };
        if number.is_stored {
            return Ok((number, Cow::Borrowed(self.bytes)));
        }
        let count = self.bytes.len() / (datatype.size as usize).max(1);
        let mut numbers = crate::bytes::zeroed(count * number.size)?;
        datatype.convert_numbers(self.bytes, &mut numbers)?;
        Ok((number, Cow::Owned(numbers)))
    }

    #[cold]
    fn no_type(&self, wanted: &str) -> Error {
        let message = format!("elements of type {} are no `{wanted}`", self.shown());
        let error = Error::new(ErrorKind::Type, message);
        match self.innermost().number() {
            Some(number) if number.size <= 8 => {
                error.with_hint(format!("`{}` holds all of them", rust_name(number)))
            }
            _ => error,
        }
    }

    fn shown(&self) -> String {
        match (&self.datatype.class, self.innermost().number()) {
            (_, Some(number)) => format!("`{}`", rust_name(number)),
            (TypeClass::Compound(_), _) => "compound".to_owned(),
            (TypeClass::String { .. } | TypeClass::VarString { .. }, _) => "text".to_owned(),
            (TypeClass::Reference(_), _) => "reference".to_owned(),
            (TypeClass::Sequence(_), _) => "sequence".to_owned(),
            _ => format!("{} bytes", self.datatype.size),
        }
    }
}

fn rust_name(number: NumberType) -> String {
    let kind = match number.kind {
        NumberKind::Int => 'i',
        NumberKind::Uint => 'u',
        NumberKind::Float => 'f',
    };
    format!("{kind}{}", 8 * number.size)
}

/// The eight bytes of a number in little-endian order, its sign carried on.
pub(super) fn widened(bytes: &[u8], number: NumberType) -> [u8; 8] {
    let highest = if number.big_endian { bytes.first() } else { bytes.last() };
    let is_negative = number.kind == NumberKind::Int && highest.is_some_and(|&byte| byte > 127);
    let mut wide = [if is_negative { 0xff } else { 0 }; 8];
    for (i, target) in wide.iter_mut().enumerate().take(bytes.len()) {
        *target = bytes[if number.big_endian { bytes.len() - 1 - i } else { i }];
    }
    wide
}

macro_rules! integers {
    ($($name:ident from $($kind:ident $size:literal),+;)+) => {$(
        impl Element for $name {
            fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>> {
                let (number, bytes) = elements.numbers(stringify!($name))?;
                let holds = matches!(
                    (number.kind, number.size),
                    $((NumberKind::$kind, 1..=$size))|+
                );
                if !holds {
                    return Err(elements.no_type(stringify!($name)));
                }
                let one = |bytes: &[u8]| {
                    let wide = widened(bytes, number);
                    Self::from_le_bytes(std::array::from_fn(|i| wide[i]))
                };
                Ok(bytes.chunks_exact(number.size).map(one).collect())
            }

            fn read_stored(data: &Dataset, wanted: &Selection) -> Result<Option<Vec<Self>>> {
                read_stored(data, wanted, [$(NumberKind::$kind),+][0])
            }
        }
    )+};
}

integers! {
    i8 from Int 1;
    i16 from Int 2, Uint 1;
    i32 from Int 4, Uint 2;
    i64 from Int 8, Uint 4;
    u8 from Uint 1;
    u16 from Uint 2;
    u32 from Uint 4;
    u64 from Uint 8;
}

/// A number of at most four bytes, or a floating-point number, as the `f64` that it is.
pub(super) fn as_f64(bytes: &[u8], number: NumberType) -> f64 {
    let wide = widened(bytes, number);
    let low = [wide[0], wide[1], wide[2], wide[3]];
    match (number.kind, number.size) {
        (NumberKind::Float, 2) => {
            crate::convert::decode_half(u16::from_le_bytes([wide[0], wide[1]]))
        }
        (NumberKind::Float, 4) => f64::from(f32::from_le_bytes(low)),
        (NumberKind::Float, _) => f64::from_le_bytes(wide),
        (NumberKind::Int, _) => f64::from(i32::from_le_bytes(low)),
        (NumberKind::Uint, _) => f64::from(u32::from_le_bytes(low)),
    }
}

impl Element for f64 {
    fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>> {
        let (number, bytes) = elements.numbers("f64")?;
        if number.kind != NumberKind::Float && number.size > 4 {
            return Err(elements.no_type("f64"));
        }
        Ok(bytes.chunks_exact(number.size).map(|bytes| as_f64(bytes, number)).collect())
    }

    fn read_stored(dataset: &Dataset, selection: &Selection) -> Result<Option<Vec<Self>>> {
        read_stored(dataset, selection, NumberKind::Float)
    }
}

impl Element for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "what is wider is refused")]
    fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>> {
        let (number, bytes) = elements.numbers("f32")?;
        let most = if number.kind == NumberKind::Float { 4 } else { 2 };
        if number.size > most {
            return Err(elements.no_type("f32"));
        }
        Ok(bytes.chunks_exact(number.size).map(|bytes| as_f64(bytes, number) as Self).collect())
    }

    fn read_stored(dataset: &Dataset, selection: &Selection) -> Result<Option<Vec<Self>>> {
        read_stored(dataset, selection, NumberKind::Float)
    }
}

impl Element for bool {
    fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>> {
        if !is_truth(elements.datatype) {
            return Err(elements.no_type("bool"));
        }
        Ok(elements.bytes.iter().map(|&byte| byte != 0).collect())
    }
}

/// Whether a type is h5py's of truth values: FALSE and TRUE of one byte.
pub(super) fn is_truth(datatype: &Datatype) -> bool {
    let TypeClass::Enum { members, .. } = &datatype.class else { return false };
    let is = |at: usize, name: &[u8], value: u8| {
        members.get(at).is_some_and(|member| member.0 == name && member.1 == [value])
    };
    members.len() == 2 && is(0, b"FALSE", 0) && is(1, b"TRUE", 1)
}

impl Element for String {
    fn from_elements(elements: &Elements<'_>) -> Result<Vec<Self>> {
        let datatype = elements.innermost();
        if !matches!(datatype.class, TypeClass::String { .. } | TypeClass::VarString { .. }) {
            return Err(elements.no_type("String"));
        }
        let size = (datatype.size as usize).max(1);
        elements.bytes.chunks_exact(size).map(|one| text(elements.node, datatype, one)).collect()
    }
}

/// The text of an element.
pub(super) fn text(node: &Node, datatype: &Datatype, element: &[u8]) -> Result<String> {
    let (bytes, padding) = match &datatype.class {
        TypeClass::VarString { padding, .. } => (node.sequence(element, 1)?.1, padding),
        TypeClass::String { padding, .. } => (element.to_vec(), padding),
        _ => return Err(Error::new(ErrorKind::Type, "expected a text")),
    };
    let is_variable = matches!(datatype.class, TypeClass::VarString { .. });
    let end = match padding {
        // In memory a NUL ends a text.
        _ if is_variable => bytes.iter().position(|&byte| byte == 0),
        StringPadding::NullTerminated => bytes.iter().position(|&byte| byte == 0),
        StringPadding::NullPadded => bytes.iter().rposition(|&byte| byte != 0).map(|at| at + 1),
        StringPadding::SpacePadded => bytes.iter().rposition(|&byte| byte != b' ').map(|at| at + 1),
    };
    let is_padded = !is_variable && !matches!(padding, StringPadding::NullTerminated);
    let end = end.unwrap_or(if is_padded { 0 } else { bytes.len() });
    let text = std::str::from_utf8(&bytes[..end]).map_err(|error| {
        let message = format!("a text is not UTF-8 at byte {}", error.valid_up_to());
        Error::new(ErrorKind::Value, message).with_hint("`read_bytes` gives the bytes")
    })?;
    Ok(text.to_owned())
}
