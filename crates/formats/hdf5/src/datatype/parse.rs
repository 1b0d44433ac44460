//! Parses datatype messages.

use cannery_core::{Error, ErrorKind, Result};

use super::{
    ByteOrder, CharacterSet, Datatype, FloatLayout, Member, ReferenceKind, StringPadding, TypeClass,
};
use crate::bytes::{Cursor, bytes_for, malformed, wrong_version};
use crate::dataspace::MAX_RANK;

/// Types inside each other, at most.
const MAX_DEPTH: u32 = 64;

/// What stands before the properties of every class.
struct TypeHead {
    version: u8,
    bits: u32,
    size: u32,
}

impl TypeHead {
    fn bit(&self, number: u32) -> bool {
        self.bits >> number & 1 != 0
    }

    /// Fills names up to eight bytes, as the first two versions do.
    fn pads_names(&self) -> bool {
        self.version < 3
    }
}

impl Datatype {
    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        parse(&mut Cursor::new(data), 0)
    }
}

fn parse(cursor: &mut Cursor<'_>, depth: u32) -> Result<Datatype> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            ErrorKind::Depth,
            format!("datatypes are nested deeper than {MAX_DEPTH}"),
        ));
    }
    let first = cursor.u8()?;
    let bits = u32::try_from(cursor.uint(3)?).unwrap_or(0);
    let head = TypeHead { version: first >> 4, bits, size: cursor.u32()? };
    if !(1..=5).contains(&head.version) {
        return Err(wrong_version("a datatype", head.version));
    }
    if head.size == 0 {
        return Err(malformed("a datatype has size 0"));
    }
    let class = match first & 15 {
        class @ (0 | 4) => fixed(cursor, &head, class == 4),
        1 => float(cursor, &head),
        2 => time(cursor, &head),
        3 => Ok(text(head.bits & 15, head.bits >> 4 & 15, false)),
        5 => opaque(cursor, &head),
        6 => compound(cursor, &head, depth),
        7 => reference(&head),
        8 => enumeration(cursor, &head, depth),
        9 => sequence(cursor, &head, depth),
        10 => array(cursor, &head, depth),
        11 => complex(cursor, &head, depth),
        other => Err(malformed(format!("unknown class `{other}` of a datatype"))),
    }?;
    Ok(Datatype { size: head.size, class })
}

fn order(high: bool) -> ByteOrder {
    if high { ByteOrder::Big } else { ByteOrder::Little }
}

/// Checks that bits lie inside an element.
fn check_bits(head: &TypeHead, offset: u16, precision: u16) -> Result<()> {
    let bits = u64::from(head.size) * 8;
    if precision == 0 || u64::from(offset) + u64::from(precision) > bits {
        let message = format!(
            "a number of {precision} bits from bit {offset} on does not fit into {bits} bits"
        );
        return Err(malformed(message));
    }
    Ok(())
}

fn fixed(cursor: &mut Cursor<'_>, head: &TypeHead, is_bits: bool) -> Result<TypeClass> {
    let (offset, precision) = (cursor.u16()?, cursor.u16()?);
    check_bits(head, offset, precision)?;
    let signed = head.bit(3) && !is_bits;
    Ok(TypeClass::Fixed { order: order(head.bit(0)), signed, offset, precision, is_bits })
}

fn float(cursor: &mut Cursor<'_>, head: &TypeHead) -> Result<TypeClass> {
    let order = match (head.bit(0), head.bit(6)) {
        (high, false) => order(high),
        (true, true) => ByteOrder::Vax,
        (false, true) => return Err(malformed("unknown byte order of a floating-point number")),
    };
    let layout = FloatLayout {
        order,
        sign: (head.bits >> 8 & 0xff) as u8,
        normalization: (head.bits >> 4 & 3) as u8,
        offset: cursor.u16()?,
        precision: cursor.u16()?,
        exponent_at: cursor.u8()?,
        exponent_bits: cursor.u8()?,
        mantissa_at: cursor.u8()?,
        mantissa_bits: cursor.u8()?,
        bias: cursor.u32()?,
    };
    check_bits(head, layout.offset, layout.precision)?;
    let end = layout.offset + layout.precision;
    let part = |at: u8, bits: u8| bits > 0 && u16::from(at) + u16::from(bits) <= end;
    let parts = [
        (layout.sign, 1),
        (layout.exponent_at, layout.exponent_bits),
        (layout.mantissa_at, layout.mantissa_bits),
    ];
    if parts.iter().any(|&(at, bits)| !part(at, bits)) || layout.normalization == 3 {
        return Err(malformed("the parts of a floating-point number lie outside its bits"));
    }
    Ok(TypeClass::Float(layout))
}

fn time(cursor: &mut Cursor<'_>, head: &TypeHead) -> Result<TypeClass> {
    let precision = cursor.u16()?;
    check_bits(head, 0, precision)?;
    Ok(TypeClass::Time { order: order(head.bit(0)), precision })
}

/// Text of fixed or of any size, by the codes of how it ends and of its encoding.
fn text(padding: u32, charset: u32, is_variable: bool) -> TypeClass {
    let known_padding = match padding {
        0 => Some(StringPadding::NullTerminated),
        1 => Some(StringPadding::NullPadded),
        2 => Some(StringPadding::SpacePadded),
        // Text of any length has nothing to be filled up.
        _ => is_variable.then_some(StringPadding::NullTerminated),
    };
    let known_charset = match charset {
        0 => Some(CharacterSet::Ascii),
        1 => Some(CharacterSet::Utf8),
        _ => None,
    };
    match (known_padding, known_charset) {
        (Some(padding), Some(charset)) if is_variable => TypeClass::VarString { padding, charset },
        (Some(padding), Some(charset)) => TypeClass::String { padding, charset },
        _ => TypeClass::UnknownText { padding, charset, is_variable },
    }
}

fn opaque(cursor: &mut Cursor<'_>, head: &TypeHead) -> Result<TypeClass> {
    let tag = cursor.take((head.bits & 0xff) as usize)?;
    let end = tag.iter().position(|&byte| byte == 0).unwrap_or(tag.len());
    Ok(TypeClass::Opaque { tag: tag[..end].to_vec() })
}

/// A name, and what fills it up.
fn name(cursor: &mut Cursor<'_>, pads: bool) -> Result<Vec<u8>> {
    let name = cursor.text()?.to_vec();
    if pads {
        let len = name.len() + 1;
        cursor.skip(len.next_multiple_of(8) - len)?;
    }
    Ok(name)
}

fn compound(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<TypeClass> {
    let count = head.bits & 0xffff;
    if count == 0 {
        return Err(malformed("a compound type has no members"));
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let member = member(cursor, head, depth)?;
        let end = u64::from(member.offset) + u64::from(member.datatype.size);
        if end > u64::from(head.size) {
            return Err(malformed("a member lies outside its compound type"));
        }
        members.push(member);
    }
    check_overlaps(&members)?;
    Ok(TypeClass::Compound(members))
}

fn check_overlaps(members: &[Member]) -> Result<()> {
    let mut ranges: Vec<(u32, u32)> = members.iter().map(|m| (m.offset, m.datatype.size)).collect();
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        return Err(malformed("members of a compound type overlap"));
    }
    Ok(())
}

fn member(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<Member> {
    let name = name(cursor, head.pads_names())?;
    let offset = if head.version < 3 {
        cursor.u32()?
    } else {
        u32::try_from(cursor.uint(bytes_for(u64::from(head.size)))?).unwrap_or(u32::MAX)
    };
    let mut shape = Vec::new();
    if head.version == 1 {
        let rank = usize::from(cursor.u8()?);
        cursor.skip(3 + 4 + 4)?;
        let dims = [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?];
        shape = dims
            .get(..rank)
            .ok_or_else(|| malformed("a member has more than 4 dimensions"))?
            .to_vec();
    }
    let datatype = parse(cursor, depth + 1)?;
    // The first version has no array types: a member is an array itself.
    let datatype = if shape.is_empty() { datatype } else { array_of(datatype, shape)? };
    Ok(Member { name, offset, datatype })
}

fn array_of(base: Datatype, shape: Vec<u32>) -> Result<Datatype> {
    let size = shape.iter().try_fold(base.size, |size, &n| size.checked_mul(n));
    let size = size
        .filter(|size| *size > 0)
        .ok_or_else(|| malformed("the size of an array type is not possible"))?;
    Ok(Datatype { size, class: TypeClass::Array { base: Box::new(base), shape } })
}

fn reference(head: &TypeHead) -> Result<TypeClass> {
    let kind = match head.bits & 15 {
        0 => ReferenceKind::Object,
        1 => ReferenceKind::Region,
        2 => ReferenceKind::NewObject,
        3 => ReferenceKind::NewRegion,
        4 => ReferenceKind::NewAttribute,
        other => return Err(malformed(format!("unknown kind `{other}` of a reference"))),
    };
    Ok(TypeClass::Reference(kind))
}

fn enumeration(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<TypeClass> {
    let base = parse(cursor, depth + 1)?;
    if !matches!(base.class, TypeClass::Fixed { .. }) || base.size != head.size {
        return Err(malformed("expected an enumeration of integers of its own size"));
    }
    let count = head.bits & 0xffff;
    let names = (0..count).map(|_| name(cursor, head.pads_names())).collect::<Result<Vec<_>>>()?;
    let size = base.size as usize;
    let members = names.into_iter().map(|name| Ok((name, cursor.take(size)?.to_vec())));
    Ok(TypeClass::Enum { members: members.collect::<Result<_>>()?, base: Box::new(base) })
}

fn sequence(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<TypeClass> {
    let base = parse(cursor, depth + 1)?;
    match head.bits & 15 {
        0 => Ok(TypeClass::Sequence(Box::new(base))),
        1 => Ok(text(head.bits >> 4 & 15, head.bits >> 8 & 15, true)),
        other => Err(malformed(format!("unknown kind `{other}` of a variable-length type"))),
    }
}

fn array(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<TypeClass> {
    let rank = usize::from(cursor.u8()?);
    if rank > MAX_RANK {
        return Err(malformed("an array type has more than 32 dimensions"));
    }
    cursor.skip(if head.version < 3 { 3 } else { 0 })?;
    let shape = (0..rank).map(|_| cursor.u32()).collect::<Result<Vec<_>>>()?;
    cursor.skip(if head.version < 3 { 4 * rank } else { 0 })?;
    let array = array_of(parse(cursor, depth + 1)?, shape)?;
    if array.size != head.size {
        return Err(malformed("an array type is not as large as its elements"));
    }
    Ok(array.class)
}

fn complex(cursor: &mut Cursor<'_>, head: &TypeHead, depth: u32) -> Result<TypeClass> {
    // Bit 0: both parts have the same type; bits 1 and 2: rectangular, polar, exponential.
    if !head.bit(0) || head.bits >> 1 & 3 != 0 {
        return Err(crate::bytes::unsupported("complex numbers that are not in rectangular form"));
    }
    let base = parse(cursor, depth + 1)?;
    if base.size.checked_mul(2) != Some(head.size) || !matches!(base.class, TypeClass::Float(_)) {
        return Err(malformed("expected a complex number of two floating-point numbers"));
    }
    Ok(TypeClass::Complex(Box::new(base)))
}
