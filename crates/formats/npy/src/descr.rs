//! Element types as a header describes them: `'<f8'`, or a list of fields for a record.

use cannery_core::{Dtype, DtypeKind, Error, ErrorKind, Field, Result};

use crate::literal::{self, Literal, quote};

/// The type that a `descr` describes, written as Python source: `'<f8'` (in quotes) or a list of
/// fields, as `numpy.lib.format.dtype_to_descr` gives them.
///
/// ```
/// let dtype = cannery_npy::dtype_from_descr("[('x', '<f4'), ('y', '<f4')]")?;
/// assert_eq!(dtype.itemsize(), 8);
/// assert_eq!(cannery_npy::dtype_to_descr(&dtype)?, "[('x', '<f4'), ('y', '<f4')]");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Unsupported`] for Python objects and unknown types, [`ErrorKind::Syntax`] for
/// anything that describes no type.
pub fn dtype_from_descr(descr: &str) -> Result<Dtype> {
    from_literal(&literal::parse(descr)?)
}

/// A type as [`dtype_from_descr`] reads it.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if NPY has no such type: bfloat16 and the 8-bit floats, and records
/// whose fields overlap.
pub fn dtype_to_descr(dtype: &Dtype) -> Result<String> {
    to_literal(dtype)
}

/// The type that a `descr` entry describes.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for Python objects and unknown types, [`ErrorKind::Syntax`] for
/// anything that describes no type.
pub(crate) fn from_literal(descr: &Literal) -> Result<Dtype> {
    match descr {
        Literal::Text(typestr) => scalar(typestr),
        Literal::List(fields) => record(fields),
        other => Err(no_type(other)),
    }
}

fn scalar(typestr: &str) -> Result<Dtype> {
    if typestr.trim_start_matches(['<', '>', '|', '=']).starts_with('O') {
        return Err(objects());
    }
    Dtype::from_typestr(typestr)
}

/// The error for arrays of Python objects, whose elements are a pickle.
#[cold]
pub(crate) fn objects() -> Error {
    Error::new(ErrorKind::Unsupported, "the array holds Python objects, stored as a pickle")
        .with_hint("a pickle can run code when it is opened; look at it with `cannery scan`")
}

fn record(fields: &[Literal]) -> Result<Dtype> {
    let mut offset = 0_usize;
    let mut named = Vec::new();
    for field in fields {
        let Literal::Tuple(parts) = field else { return Err(no_field(field)) };
        let (name, dtype, shape) = match parts.as_slice() {
            [name, dtype] => (name, dtype, None),
            [name, dtype, shape] => (name, dtype, Some(shape)),
            _ => return Err(no_field(field)),
        };
        let (title, name) = names(name)?;
        let (dtype, shape) = sub_array(dtype, shape)?;
        let start = offset;
        offset = end_of_field(offset, &dtype, &shape)?;
        // NumPy describes the gaps between fields as nameless ones.
        let is_gap = name.is_empty() && title.is_none() && matches!(dtype.kind, DtypeKind::Void(_));
        if !is_gap {
            named.push(Field { name, title, dtype, shape, offset: start });
        }
    }
    refuse_duplicates(&named)?;
    Ok(Dtype::new(DtypeKind::Struct { fields: named, itemsize: offset }))
}

/// A field's title, if it has one, and its name.
fn names(literal: &Literal) -> Result<(Option<String>, String)> {
    match literal {
        Literal::Text(name) => Ok((None, name.clone())),
        Literal::Tuple(both) => match both.as_slice() {
            [Literal::Text(title), Literal::Text(name)] => Ok((Some(title.clone()), name.clone())),
            _ => Err(no_field(literal)),
        },
        other => Err(no_field(other)),
    }
}

/// The element type and shape of a field that may be an array itself.
fn sub_array(dtype: &Literal, shape: Option<&Literal>) -> Result<(Dtype, Vec<u64>)> {
    let mut sides = match shape {
        Some(Literal::Int(side)) => vec![side_of(*side)?],
        Some(shape) => shape_from(shape)?,
        None => Vec::new(),
    };
    if let Literal::Tuple(inner) = dtype
        && let [dtype, shape] = inner.as_slice()
    {
        let (dtype, inner) = sub_array(dtype, Some(shape))?;
        sides.extend(inner);
        return Ok((dtype, sides));
    }
    Ok((from_literal(dtype)?, sides))
}

/// The sides of an array.
pub(crate) fn shape_from(literal: &Literal) -> Result<Vec<u64>> {
    let Literal::Tuple(sides) = literal else {
        let found = literal.name();
        return Err(Error::new(
            ErrorKind::Syntax,
            format!("expected a tuple as `shape`, found {found}"),
        ));
    };
    sides
        .iter()
        .map(|side| match side {
            Literal::Int(side) => side_of(*side),
            other => {
                let message = format!("expected integers in `shape`, found {}", other.name());
                Err(Error::new(ErrorKind::Syntax, message))
            }
        })
        .collect()
}

fn side_of(side: i64) -> Result<u64> {
    u64::try_from(side).map_err(|_| {
        Error::new(ErrorKind::Value, format!("expected a side of at least 0, found `{side}`"))
    })
}

fn end_of_field(offset: usize, dtype: &Dtype, shape: &[u64]) -> Result<usize> {
    let count =
        shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(usize::try_from(side).ok()?));
    let size = count.and_then(|count| count.checked_mul(dtype.itemsize()));
    let end = size.and_then(|size| offset.checked_add(size));
    // NumPy keeps the size of an element in 31 bits.
    end.filter(|&end| i32::try_from(end).is_ok())
        .ok_or_else(|| Error::new(ErrorKind::Limit, "an element of the array is larger than 2 GiB"))
}

fn refuse_duplicates(fields: &[Field]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let names = fields.iter().flat_map(|field| [Some(&field.name), field.title.as_ref()]);
    match names.flatten().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::new(ErrorKind::Value, format!("the field `{name}` occurs twice"))),
    }
}

#[cold]
fn no_type(literal: &Literal) -> Error {
    let message = format!("expected a type as `descr`, found {}", literal.name());
    Error::new(ErrorKind::Syntax, message)
}

#[cold]
fn no_field(literal: &Literal) -> Error {
    let message = format!("expected a field `(name, type, shape)`, found {}", literal.name());
    Error::new(ErrorKind::Syntax, message)
}

/// The `descr` entry of a type, as NumPy writes it.
pub(crate) fn to_literal(dtype: &Dtype) -> Result<String> {
    match &dtype.kind {
        DtypeKind::Struct { fields, itemsize } => record_to_literal(fields, *itemsize),
        DtypeKind::BFloat16 | DtypeKind::Float8E4M3 | DtypeKind::Float8E5M2 => {
            Err(no_counterpart(dtype))
        }
        _ => Ok(quote(&dtype.typestr())),
    }
}

#[cold]
fn no_counterpart(dtype: &Dtype) -> Error {
    Error::new(ErrorKind::Unsupported, format!("NPY has no type `{}`", dtype.typestr()))
        .with_hint("convert it to float32, or save it as safetensors")
}

fn record_to_literal(fields: &[Field], itemsize: usize) -> Result<String> {
    let mut parts = Vec::new();
    let mut end = 0;
    for field in fields {
        push_gap(&mut parts, end, field.offset)?;
        parts.push(field_to_literal(field)?);
        end = end_of_field(field.offset, &field.dtype, &field.shape)?;
    }
    push_gap(&mut parts, end, itemsize)?;
    Ok(format!("[{}]", parts.join(", ")))
}

/// Describes the bytes from `end` to `next` that belong to no field.
fn push_gap(parts: &mut Vec<String>, end: usize, next: usize) -> Result<()> {
    match next.checked_sub(end) {
        None => Err(Error::new(ErrorKind::Unsupported, "the fields of the record overlap")
            .with_hint("copy it to a packed record type first")),
        Some(0) => Ok(()),
        Some(gap) => {
            parts.push(format!("('', '|V{gap}')"));
            Ok(())
        }
    }
}

fn field_to_literal(field: &Field) -> Result<String> {
    let name = match &field.title {
        None => quote(&field.name),
        Some(title) => format!("({}, {})", quote(title), quote(&field.name)),
    };
    let descr = to_literal(&field.dtype)?;
    Ok(match field.shape.as_slice() {
        [] => format!("({name}, {descr})"),
        shape => format!("({name}, {descr}, {})", shape_to_literal(shape)),
    })
}

/// A shape as Python writes a tuple.
pub(crate) fn shape_to_literal(shape: &[u64]) -> String {
    match shape {
        [side] => format!("({side},)"),
        sides => {
            let sides: Vec<_> = sides.iter().map(u64::to_string).collect();
            format!("({})", sides.join(", "))
        }
    }
}
