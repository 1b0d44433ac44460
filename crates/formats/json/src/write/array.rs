//! Arrays of numbers as nested lists, element by element, read in pieces.

use cannery_core::{
    ArrayBuf, ArraySource, ArrayView, ByteOrder, Container, Dtype, DtypeKind, Order, Result, Sink,
};

use super::output::Output;
use super::{Writer, lacking};

/// How many bytes of an array are in memory at a time, where it does not lie there already.
const PIECE: usize = 64 << 10;

/// Writes `array` as nested lists.
pub(super) fn send<O: Output>(array: &dyn ArraySource, writer: &mut Writer<O>) -> Result<()> {
    let element = Element::new(array.dtype())?;
    if let Some(view) = array.view() {
        return send_view(view, element, writer);
    }
    let flat = array.shape().len() < 2 || array.order() == Order::C;
    if !flat {
        // The elements of a row lie far apart: it takes them all to write the first.
        return send_view(ArrayBuf::from_source(array)?.as_view(), element, writer);
    }
    let mut pieces = Pieces { array, start: 0, piece: Vec::new(), itemsize: element.size };
    nested(array.shape(), writer, &mut |writer, _| {
        pieces.next().and_then(|bytes| element.send(bytes, writer))
    })
}

fn send_view<O: Output>(
    view: ArrayView<'_>,
    element: Element,
    writer: &mut Writer<O>,
) -> Result<()> {
    let strides = strides(view.shape(), view.order());
    nested(view.shape(), writer, &mut |writer, index| {
        let at: u64 = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        let at = usize::try_from(at).expect("inside the view") * element.size;
        element.send(&view.data()[at..at + element.size], writer)
    })
}

/// Elements between neighbours along each axis.
fn strides(shape: &[u64], order: Order) -> Vec<u64> {
    let mut strides = vec![1; shape.len()];
    match order {
        Order::C => {
            for axis in (1..shape.len()).rev() {
                strides[axis - 1] = strides[axis] * shape[axis];
            }
        }
        Order::Fortran => {
            for axis in 1..shape.len() {
                strides[axis] = strides[axis - 1] * shape[axis - 1];
            }
        }
    }
    strides
}

/// Writes the element at an index.
type ElementAt<'a, O> = dyn FnMut(&mut Writer<O>, &[u64]) -> Result<()> + 'a;

/// Writes the lists of `shape` and calls `element` for each index, the last one running fastest.
fn nested<O: Output>(
    shape: &[u64],
    writer: &mut Writer<O>,
    element: &mut ElementAt<'_, O>,
) -> Result<()> {
    // The lists that are open have an index each; the innermost one counts elements.
    let mut index = Vec::with_capacity(shape.len());
    loop {
        while index.len() < shape.len() {
            writer.begin(Container::List, None)?;
            index.push(0);
            if shape[index.len() - 1] == 0 {
                break;
            }
        }
        if index.iter().zip(shape).all(|(i, side)| i < side) {
            element(writer, &index)?;
        }
        if !next_index(&mut index, shape, writer)? {
            return Ok(());
        }
    }
}

/// Goes on to the next element or list; closes those that are complete. Returns whether there is
/// one.
fn next_index<O: Output>(
    index: &mut Vec<u64>,
    shape: &[u64],
    writer: &mut Writer<O>,
) -> Result<bool> {
    while let Some(last) = index.last_mut() {
        *last += 1;
        if *last < shape[index.len() - 1] {
            return Ok(true);
        }
        index.pop();
        writer.end(Container::List)?;
    }
    Ok(false)
}

/// The elements of an array in storage order, read in pieces.
struct Pieces<'a> {
    array: &'a dyn ArraySource,
    /// Elements handed out.
    start: u64,
    /// What was read last.
    piece: Vec<u8>,
    itemsize: usize,
}

impl Pieces<'_> {
    fn next(&mut self) -> Result<&[u8]> {
        let per_piece = (PIECE / self.itemsize).max(1) as u64;
        let within = self.start % per_piece;
        if within == 0 {
            let left = self.array.size_in_bytes()? / self.itemsize as u64 - self.start;
            let count = usize::try_from(left.min(per_piece)).expect("a piece");
            self.piece.resize(count * self.itemsize, 0);
            self.array.read(self.start, &mut self.piece)?;
        }
        self.start += 1;
        let at = usize::try_from(within).expect("a piece") * self.itemsize;
        Ok(&self.piece[at..at + self.itemsize])
    }
}

/// How to read an element.
#[derive(Clone, Copy)]
struct Element {
    kind: Scalar,
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy)]
enum Scalar {
    Bool,
    Int,
    Uint,
    Half,
    Brain,
    Single,
    Double,
}

impl Element {
    fn new(dtype: &Dtype) -> Result<Self> {
        let kind = match dtype.kind {
            DtypeKind::Bool => Scalar::Bool,
            DtypeKind::Int(1..=8) => Scalar::Int,
            DtypeKind::Uint(1..=8) => Scalar::Uint,
            DtypeKind::Float(2) => Scalar::Half,
            DtypeKind::BFloat16 => Scalar::Brain,
            DtypeKind::Float(4) => Scalar::Single,
            DtypeKind::Float(8) => Scalar::Double,
            _ => return Err(lacking(&format!("arrays of `{}`", dtype.typestr()))),
        };
        let big_endian = dtype.byte_order == ByteOrder::Big;
        Ok(Self { kind, size: dtype.itemsize(), big_endian })
    }

    fn send<O: Output>(self, bytes: &[u8], writer: &mut Writer<O>) -> Result<()> {
        let bits = self.bits(bytes);
        match self.kind {
            Scalar::Bool => writer.bool(bits != 0),
            Scalar::Uint => match i64::try_from(bits) {
                Ok(value) => writer.int(value),
                Err(_) => writer.big_int(cannery_core::BigInt::U64(bits)),
            },
            Scalar::Int => {
                let unused = 64 - 8 * self.size;
                writer.int((bits << unused).cast_signed() >> unused)
            }
            Scalar::Double => writer.float(f64::from_bits(bits)),
            Scalar::Single => writer.single(f32::from_bits(low(bits))),
            Scalar::Brain => writer.single(f32::from_bits(low(bits) << 16)),
            Scalar::Half => writer.single(half(low(bits))),
        }
    }

    fn bits(self, bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        word[..self.size].copy_from_slice(bytes);
        if self.big_endian {
            word[..self.size].reverse();
        }
        u64::from_le_bytes(word)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low(bits: u64) -> u32 {
    bits as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low_half(bits: u32) -> u16 {
    bits as u16
}

/// A binary16 as a binary32, which holds each of them exactly.
fn half(bits: u32) -> f32 {
    let sign = (bits & 0x8000) << 16;
    let (exponent, fraction) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        0 => f32::from(low_half(fraction)) * 2_f32.powi(-24),
        31 => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((exponent + 112) << 23 | fraction << 13),
    };
    f32::from_bits(magnitude.to_bits() | sign)
}
