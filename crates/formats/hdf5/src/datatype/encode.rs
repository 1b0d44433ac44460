//! Writes datatype messages.

use super::{
    ByteOrder, CharacterSet, Datatype, FloatLayout, Member, ReferenceKind, StringPadding, TypeClass,
};
use crate::bytes::bytes_for;

/// The version in which names and offsets are not filled up; HDF5 1.8 reads it.
const PACKED: u8 = 3;

impl Datatype {
    /// The bytes of the type in a message.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode(self, &mut out);
        out
    }
}

fn encode(datatype: &Datatype, out: &mut Vec<u8>) {
    let size = datatype.size;
    match &datatype.class {
        TypeClass::Fixed { order, signed, offset, precision, is_bits } => {
            let bits = order_bit(*order) | u32::from(*signed) << 3;
            head(out, (1, if *is_bits { 4 } else { 0 }), bits, size);
            put16(out, &[*offset, *precision]);
        }
        TypeClass::Float(layout) => float(layout, size, out),
        TypeClass::Time { order, precision } => {
            head(out, (1, 2), order_bit(*order), size);
            put16(out, &[*precision]);
        }
        TypeClass::String { padding, charset } => {
            head(out, (1, 3), padding_bits(*padding) | charset_bits(*charset) << 4, size);
        }
        TypeClass::Opaque { tag } => opaque(tag, size, out),
        TypeClass::Compound(members) => compound(members, size, out),
        TypeClass::Reference(kind) => reference(*kind, size, out),
        TypeClass::Enum { base, members } => {
            let count = u32::try_from(members.len()).unwrap_or(u32::MAX) & 0xffff;
            head(out, (PACKED, 8), count, size);
            encode(base, out);
            for (name, _) in members {
                text(out, name);
            }
            for (_, value) in members {
                out.extend_from_slice(value);
            }
        }
        TypeClass::Sequence(base) => {
            head(out, (1, 9), 0, size);
            encode(base, out);
        }
        TypeClass::UnknownText { padding, charset, is_variable: false } => {
            head(out, (1, 3), *padding | *charset << 4, size);
        }
        TypeClass::UnknownText { padding, charset, is_variable: true } => {
            let bits = *padding | *charset << 4;
            head(out, (1, 9), 1 | bits << 4, size);
            head(out, (1, 3), bits, 1);
        }
        TypeClass::VarString { padding, charset } => {
            let bits = 1 | padding_bits(*padding) << 4 | charset_bits(*charset) << 8;
            head(out, (1, 9), bits, size);
            // The base: single characters.
            head(out, (1, 3), padding_bits(*padding) | charset_bits(*charset) << 4, 1);
        }
        TypeClass::Array { base, shape } => {
            head(out, (PACKED, 10), 0, size);
            out.push(u8::try_from(shape.len()).unwrap_or(u8::MAX));
            for n in shape {
                out.extend_from_slice(&n.to_le_bytes());
            }
            encode(base, out);
        }
        TypeClass::Complex(base) => {
            head(out, (5, 11), 1, size);
            encode(base, out);
        }
    }
}

fn head(out: &mut Vec<u8>, (version, class): (u8, u8), bits: u32, size: u32) {
    out.push(version << 4 | class);
    out.extend_from_slice(&bits.to_le_bytes()[..3]);
    out.extend_from_slice(&size.to_le_bytes());
}

fn put16(out: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn text(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(name);
    out.push(0);
}

fn order_bit(order: ByteOrder) -> u32 {
    match order {
        ByteOrder::Little => 0,
        ByteOrder::Big => 1,
        ByteOrder::Vax => 1 | 1 << 6,
    }
}

fn padding_bits(padding: StringPadding) -> u32 {
    match padding {
        StringPadding::NullTerminated => 0,
        StringPadding::NullPadded => 1,
        StringPadding::SpacePadded => 2,
    }
}

fn charset_bits(charset: CharacterSet) -> u32 {
    match charset {
        CharacterSet::Ascii => 0,
        CharacterSet::Utf8 => 1,
    }
}

fn float(layout: &FloatLayout, size: u32, out: &mut Vec<u8>) {
    let bits = order_bit(layout.order)
        | u32::from(layout.normalization) << 4
        | u32::from(layout.sign) << 8;
    let version = if layout.order == ByteOrder::Vax { PACKED } else { 1 };
    head(out, (version, 1), bits, size);
    put16(out, &[layout.offset, layout.precision]);
    out.extend_from_slice(&[
        layout.exponent_at,
        layout.exponent_bits,
        layout.mantissa_at,
        layout.mantissa_bits,
    ]);
    out.extend_from_slice(&layout.bias.to_le_bytes());
}

fn opaque(tag: &[u8], size: u32, out: &mut Vec<u8>) {
    // The tag takes a multiple of eight bytes, a NUL at its end.
    let len = tag.len().next_multiple_of(8).min(248);
    head(out, (1, 5), u32::try_from(len).unwrap_or(0), size);
    let tag = &tag[..tag.len().min(len)];
    out.extend_from_slice(tag);
    out.resize(out.len() + len - tag.len(), 0);
}

fn compound(members: &[Member], size: u32, out: &mut Vec<u8>) {
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX) & 0xffff;
    head(out, (PACKED, 6), count, size);
    let width = bytes_for(u64::from(size));
    for member in members {
        text(out, &member.name);
        out.extend_from_slice(&member.offset.to_le_bytes()[..width.min(4)]);
        encode(&member.datatype, out);
    }
}

fn reference(kind: ReferenceKind, size: u32, out: &mut Vec<u8>) {
    let (version, bits) = match kind {
        ReferenceKind::Object => (1, 0),
        ReferenceKind::Region => (1, 1),
        // The version of the new references stands in the bits.
        ReferenceKind::NewObject => (4, 2 | 1 << 4),
        ReferenceKind::NewRegion => (4, 3 | 1 << 4),
        ReferenceKind::NewAttribute => (4, 4 | 1 << 4),
    };
    head(out, (version, 7), bits, size);
}
