//! Arrays as nested lists, for formats that have no arrays, and the first rows of one.

use cannery_core::{
    ArrayBuf, ArraySource, ArrayView, Budget, ByteOrder, Container, Dtype, DtypeKind, Error,
    ErrorKind, Field, Limits, Order, Result, Sink, Text,
};

use crate::times;

/// Bytes fetched at once from an array that is not in memory.
const PIECE: usize = 1 << 20;

/// Sends an array to `sink` as nested lists of its elements; an array without sides as its element.
///
/// Texts come as text, dates as ISO 8601 text, "not a time" as null, records as maps. An array
/// that lies elsewhere is fetched in pieces, unless its first index runs fastest.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for floats wider than 64 bits, [`ErrorKind::Depth`] and
/// [`ErrorKind::Limit`] for more sides or lists than the limits allow; those of source and sink.
pub fn send_elements(array: &dyn ArraySource, limits: &Limits, sink: &mut dyn Sink) -> Result<()> {
    check(array, limits)?;
    match (array.order(), array.view()) {
        (Order::Fortran, None) => send_view(ArrayBuf::from_source(array)?.as_view(), sink),
        (_, Some(view)) => send_view(view, sink),
        (Order::C, None) => {
            let mut pieces = Pieces::new(array);
            send_lists(
                array.shape(),
                &mut |sink| send_element(array.dtype(), pieces.next()?, sink),
                sink,
            )
        }
    }
}

/// Refuses what would be endless: a header can claim a million sides, or 2^60 empty lists.
fn check(array: &dyn ArraySource, limits: &Limits) -> Result<()> {
    let shape = array.shape();
    if shape.len() > limits.depth {
        return Err(limits.too_deep());
    }
    let mut values: u64 = 1;
    let mut budget = Budget::new(limits, 0);
    for &side in shape {
        values = values.saturating_mul(side);
        budget.take_nodes(values)?;
    }
    Ok(())
}

/// Sends lists nested as `shape` says, their elements by `element`.
fn send_lists(
    shape: &[u64],
    element: &mut dyn FnMut(&mut dyn Sink) -> Result<()>,
    sink: &mut dyn Sink,
) -> Result<()> {
    let Some((&side, inner)) = shape.split_first() else { return element(sink) };
    sink.begin(Container::List, usize::try_from(side).ok())?;
    for _ in 0..side {
        send_lists(inner, element, sink)?;
    }
    sink.end(Container::List)
}

/// The elements of an array one after the other, in storage order.
struct Pieces<'a> {
    array: &'a dyn ArraySource,
    itemsize: usize,
    piece: Vec<u8>,
    used: usize,
    /// Elements fetched and still to be fetched.
    fetched: u64,
    left: u64,
}

impl<'a> Pieces<'a> {
    fn new(array: &'a dyn ArraySource) -> Self {
        let left = array.shape().iter().product();
        let itemsize = array.dtype().itemsize();
        Self { array, itemsize, piece: Vec::new(), used: 0, fetched: 0, left }
    }

    fn next(&mut self) -> Result<&[u8]> {
        if self.used == self.piece.len() {
            self.fetch()?;
        }
        let start = self.used;
        self.used += self.itemsize;
        Ok(&self.piece[start..self.used])
    }

    fn fetch(&mut self) -> Result<()> {
        let wanted = (PIECE / self.itemsize.max(1)).max(1) as u64;
        let count = wanted.min(self.left);
        let size = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(self.itemsize);
        self.piece.resize(size, 0);
        self.array.read(self.fetched, &mut self.piece)?;
        self.used = 0;
        self.fetched += count;
        self.left -= count;
        Ok(())
    }
}

fn send_view(view: ArrayView<'_>, sink: &mut dyn Sink) -> Result<()> {
    let strides = strides(view.shape(), view.order(), view.dtype().itemsize());
    send_strided(view, &strides, 0, sink)
}

/// Bytes from one element to the next along each side.
fn strides(shape: &[u64], order: Order, itemsize: usize) -> Vec<usize> {
    let sides: Vec<usize> = shape.iter().map(|&side| usize::try_from(side).unwrap_or(0)).collect();
    let mut strides = vec![0; sides.len()];
    let mut stride = itemsize;
    let mut set = |index: usize| {
        strides[index] = stride;
        stride = stride.saturating_mul(sides[index]);
    };
    match order {
        Order::C => (0..sides.len()).rev().for_each(&mut set),
        Order::Fortran => (0..sides.len()).for_each(&mut set),
    }
    strides
}

/// Sends the part of a view whose first element lies at `start` and that has the last
/// `strides.len()` sides.
fn send_strided(
    view: ArrayView<'_>,
    strides: &[usize],
    start: usize,
    sink: &mut dyn Sink,
) -> Result<()> {
    let Some((&stride, inner)) = strides.split_first() else {
        let end = start + view.dtype().itemsize();
        return send_element(view.dtype(), &view.data()[start..end], sink);
    };
    let side = view.shape()[view.shape().len() - strides.len()];
    sink.begin(Container::List, usize::try_from(side).ok())?;
    for index in 0..usize::try_from(side).unwrap_or(0) {
        send_strided(view, inner, start + index * stride, sink)?;
    }
    sink.end(Container::List)
}

/// The first `count` rows of an array (all of it, if it has no sides or fewer), in memory.
///
/// # Errors
/// Those of the source.
pub fn first_rows(array: &dyn ArraySource, count: u64) -> Result<ArrayBuf> {
    let Some(&rows) = array.shape().first() else { return ArrayBuf::from_source(array) };
    if rows <= count {
        return ArrayBuf::from_source(array);
    }
    let mut shape = array.shape().to_vec();
    shape[0] = count;
    let size = cannery_core::size_in_bytes(array.dtype(), &shape)?;
    let mut data = vec![0; usize::try_from(size).map_err(|_| too_large())?];
    match array.order() {
        Order::C => array.read(0, &mut data)?,
        Order::Fortran => gather(array, count, &mut data)?,
    }
    ArrayBuf::new(array.dtype().clone(), shape, array.order(), data)
}

/// Collects the first rows where the first index runs fastest: the start of every column.
fn gather(array: &dyn ArraySource, count: u64, data: &mut [u8]) -> Result<()> {
    let rows = array.shape()[0];
    let column = usize::try_from(count).map_err(|_| too_large())? * array.dtype().itemsize();
    if column == 0 {
        return Ok(());
    }
    let columns = data.chunks_exact_mut(column);
    (0_u64..).zip(columns).try_for_each(|(index, column)| array.read(index * rows, column))
}

#[cold]
fn too_large() -> Error {
    Error::new(ErrorKind::Limit, "the array does not fit in memory")
}

/// Sends one element, in its storage form, as a value.
fn send_element(dtype: &Dtype, bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    let big = dtype.byte_order == ByteOrder::Big;
    match &dtype.kind {
        DtypeKind::Bool => sink.bool(bytes != [0]),
        DtypeKind::Int(_) => sink.int(signed(bytes, big)),
        DtypeKind::Uint(_) => send_unsigned(unsigned(bytes, big), sink),
        DtypeKind::Float(2 | 4 | 8)
        | DtypeKind::BFloat16
        | DtypeKind::Float8E4M3
        | DtypeKind::Float8E5M2 => sink.float(float(&dtype.kind, unsigned(bytes, big))),
        DtypeKind::Complex(8 | 16) => send_complex(bytes, big, sink),
        DtypeKind::Bytes(_) => sink.bytes(trim(bytes)),
        DtypeKind::Void(_) => sink.bytes(bytes),
        DtypeKind::Unicode(_) => send_text(bytes, big, sink),
        DtypeKind::Datetime(unit) => match times::datetime(signed(bytes, big), unit) {
            Some(text) => sink.text(Text::Ascii(&text)),
            None => sink.null(),
        },
        DtypeKind::Timedelta(_) => match signed(bytes, big) {
            i64::MIN => sink.null(),
            count => sink.int(count),
        },
        DtypeKind::Struct { fields, .. } => send_record(fields, bytes, sink),
        _ => {
            let message =
                format!("elements of type `{}` have no exact counterpart", dtype.typestr());
            Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint("convert the array to 64-bit floats first"))
        }
    }
}

fn unsigned(bytes: &[u8], big: bool) -> u64 {
    let push = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
    if big { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
}

fn signed(bytes: &[u8], big: bool) -> i64 {
    let unused = 64 - 8 * bytes.len();
    (unsigned(bytes, big) << unused).cast_signed() >> unused
}

fn send_unsigned(value: u64, sink: &mut dyn Sink) -> Result<()> {
    match i64::try_from(value) {
        Ok(value) => sink.int(value),
        Err(_) => sink.big_int(cannery_core::BigInt::U64(value)),
    }
}

/// A float of up to 64 bits from its bits; each of them is exact in binary64.
#[expect(clippy::cast_possible_truncation, reason = "the kind says how many bits there are")]
fn float(kind: &DtypeKind, bits: u64) -> f64 {
    match kind {
        DtypeKind::Float(8) => f64::from_bits(bits),
        DtypeKind::Float(4) => f64::from(f32::from_bits(bits as u32)),
        DtypeKind::BFloat16 => f64::from(f32::from_bits((bits as u32) << 16)),
        DtypeKind::Float8E4M3 => e4m3(bits as u8),
        // An E5M2 is the upper half of a binary16.
        DtypeKind::Float8E5M2 => small_float(bits << 8, 5, 10),
        _ => small_float(bits, 5, 10),
    }
}

/// A binary float with that many bits of exponent and mantissa, infinities and NaN as in IEEE 754.
fn small_float(bits: u64, exponent_bits: u32, mantissa_bits: u32) -> f64 {
    let mantissa = bits & ((1 << mantissa_bits) - 1);
    let largest = (1 << exponent_bits) - 1;
    let exponent = bits >> mantissa_bits & largest;
    let magnitude = match (exponent == largest, mantissa) {
        (true, 0) => f64::INFINITY,
        (true, _) => f64::NAN,
        (false, _) => finite(exponent, mantissa, exponent_bits, mantissa_bits),
    };
    if bits >> (exponent_bits + mantissa_bits) & 1 == 1 { -magnitude } else { magnitude }
}

/// E4M3 has no infinities, and one NaN of each sign.
fn e4m3(bits: u8) -> f64 {
    let magnitude = match bits & 0x7f {
        0x7f => f64::NAN,
        low => finite(u64::from(low >> 3), u64::from(low & 7), 4, 3),
    };
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

#[expect(clippy::cast_precision_loss, reason = "mantissas have at most 11 bits")]
#[expect(clippy::cast_possible_truncation, reason = "exponents have at most 5 bits")]
fn finite(exponent: u64, mantissa: u64, exponent_bits: u32, mantissa_bits: u32) -> f64 {
    let bias = (1 << (exponent_bits - 1)) - 1;
    // Subnormal numbers have the smallest exponent and no hidden bit.
    let hidden = if exponent == 0 { 0 } else { 1 << mantissa_bits };
    let scale = exponent.max(1) as i32 - bias - mantissa_bits.cast_signed();
    (mantissa | hidden) as f64 * f64::from(scale).exp2()
}

fn send_complex(bytes: &[u8], big: bool, sink: &mut dyn Sink) -> Result<()> {
    let (real, imag) = bytes.split_at(bytes.len() / 2);
    sink.begin_object(Text::Ascii("complex"), Some(2))?;
    for (name, part) in [("real", real), ("imag", imag)] {
        let kind = if part.len() == 4 { DtypeKind::Float(4) } else { DtypeKind::Float(8) };
        sink.key(Text::Ascii(name))?;
        sink.float(float(&kind, unsigned(part, big)))?;
    }
    sink.end_object()
}

/// Without the NULs that pad it.
fn trim(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

fn send_text(bytes: &[u8], big: bool, sink: &mut dyn Sink) -> Result<()> {
    let units = bytes.chunks_exact(4).map(|unit| unsigned(unit, big));
    let mut units: Vec<u32> = units.map(|unit| u32::try_from(unit).unwrap_or(u32::MAX)).collect();
    let len = units.iter().rposition(|&unit| unit != 0).map_or(0, |last| last + 1);
    units.truncate(len);
    if let Some(unit) = units.iter().find(|&&unit| unit > 0x10_ffff) {
        let message = format!("expected characters in the array, found {unit:#x}");
        return Err(Error::new(ErrorKind::Encoding, message));
    }
    sink.text(Text::Ucs4(&units))
}

fn send_record(fields: &[Field], bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    sink.begin(Container::Map, Some(fields.len()))?;
    for field in fields {
        sink.key(field.name.as_str().into())?;
        let itemsize = field.dtype.itemsize();
        let mut at = field.offset;
        let mut element = |sink: &mut dyn Sink| {
            let start = at;
            at += itemsize;
            send_element(&field.dtype, &bytes[start..at], sink)
        };
        send_lists(&field.shape, &mut element, sink)?;
    }
    sink.end(Container::Map)
}
