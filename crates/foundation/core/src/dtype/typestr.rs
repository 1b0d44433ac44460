//! NumPy's short names for types, `<f4`, as its `__array_interface__` defines them.

use std::borrow::Cow;

use super::{ByteOrder, Dtype, DtypeKind, TimeUnit};
use crate::{Error, ErrorKind, Result};

/// NumPy keeps the size of an element in 31 bits.
const MAX_ITEMSIZE: usize = i32::MAX as usize;

const UNITS: [&str; 14] =
    ["generic", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"];

/// Types that NumPy itself has no name for are called as `ml_dtypes` calls them.
const NAMED: [(&str, DtypeKind); 3] = [
    ("bfloat16", DtypeKind::BFloat16),
    ("float8_e4m3fn", DtypeKind::Float8E4M3),
    ("float8_e5m2", DtypeKind::Float8E5M2),
];

impl Dtype {
    /// The type that a short name stands for.
    ///
    /// Without a sign for the byte order, and with `=`, it is this machine's.
    ///
    /// ```
    /// use cannery_core::{Dtype, DtypeKind};
    ///
    /// assert_eq!(Dtype::from_typestr("<f4")?, Dtype::new(DtypeKind::Float(4)));
    /// assert_eq!(Dtype::from_typestr(">M8[ns]")?.typestr(), ">M8[ns]");
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a type that is not known, [`ErrorKind::Limit`] for elements
    /// of more than 2 GiB.
    pub fn from_typestr(typestr: &str) -> Result<Self> {
        let (order, name) = match typestr.split_at_checked(1) {
            Some(("<" | "|", name)) => (ByteOrder::Little, name),
            Some((">", name)) => (ByteOrder::Big, name),
            Some(("=", name)) => (ByteOrder::native(), name),
            _ => (ByteOrder::native(), typestr),
        };
        let kind = kind(name).ok_or_else(|| unknown(typestr))?;
        let byte_order = if has_byte_order(&kind) { order } else { ByteOrder::Little };
        let dtype = Dtype { kind, byte_order };
        if dtype.itemsize() > MAX_ITEMSIZE { Err(too_large(typestr)) } else { Ok(dtype) }
    }

    /// Its short name. A record has that of its size: `|V12`.
    #[must_use]
    pub fn typestr(&self) -> String {
        let order = match self.byte_order {
            _ if !has_byte_order(&self.kind) => "|",
            ByteOrder::Little => "<",
            ByteOrder::Big => ">",
        };
        if let Some((name, _)) = NAMED.iter().find(|(_, kind)| *kind == self.kind) {
            return if order == ">" { format!(">{name}") } else { (*name).to_owned() };
        }
        format!("{order}{}", name(&self.kind))
    }
}

impl ByteOrder {
    /// The order of the machine this runs on.
    #[must_use]
    pub fn native() -> Self {
        if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little }
    }
}

fn has_byte_order(kind: &DtypeKind) -> bool {
    match kind {
        DtypeKind::Int(size) | DtypeKind::Uint(size) => *size > 1,
        other => !matches!(
            other,
            DtypeKind::Bool
                | DtypeKind::Float8E4M3
                | DtypeKind::Float8E5M2
                | DtypeKind::Bytes(_)
                | DtypeKind::Void(_)
                | DtypeKind::Struct { .. }
        ),
    }
}

fn kind(name: &str) -> Option<DtypeKind> {
    if let Some((_, kind)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(kind.clone());
    }
    let (letter, rest) = name.split_at_checked(1)?;
    let size = || number(rest);
    match (letter, rest) {
        ("?", "") | ("b", "1") => Some(DtypeKind::Bool),
        ("i", "1" | "2" | "4" | "8") => Some(DtypeKind::Int(byte(rest)?)),
        ("u", "1" | "2" | "4" | "8") => Some(DtypeKind::Uint(byte(rest)?)),
        ("f", "2" | "4" | "8" | "12" | "16") => Some(DtypeKind::Float(byte(rest)?)),
        ("c", "8" | "16" | "24" | "32") => Some(DtypeKind::Complex(byte(rest)?)),
        ("S" | "a", _) => Some(DtypeKind::Bytes(size()?)),
        ("U", _) => Some(DtypeKind::Unicode(size()?)),
        ("V", _) => Some(DtypeKind::Void(size()?)),
        ("M", _) => Some(DtypeKind::Datetime(unit(rest)?)),
        ("m", _) => Some(DtypeKind::Timedelta(unit(rest)?)),
        _ => None,
    }
}

fn name(kind: &DtypeKind) -> String {
    match kind {
        DtypeKind::Bool => "b1".to_owned(),
        DtypeKind::Int(size) => format!("i{size}"),
        DtypeKind::Uint(size) => format!("u{size}"),
        DtypeKind::Float(size) => format!("f{size}"),
        DtypeKind::Complex(size) => format!("c{size}"),
        DtypeKind::Bytes(size) => format!("S{size}"),
        DtypeKind::Unicode(characters) => format!("U{characters}"),
        DtypeKind::Datetime(unit) => format!("M8{}", unit_name(unit)),
        DtypeKind::Timedelta(unit) => format!("m8{}", unit_name(unit)),
        DtypeKind::Void(size) | DtypeKind::Struct { itemsize: size, .. } => format!("V{size}"),
        DtypeKind::BFloat16 | DtypeKind::Float8E4M3 | DtypeKind::Float8E5M2 => {
            unreachable!("named types")
        }
    }
}

/// The unit of `8[25us]`; without brackets it is the generic one.
fn unit(rest: &str) -> Option<TimeUnit> {
    let rest = rest.strip_prefix('8')?;
    if rest.is_empty() {
        return Some(TimeUnit { count: 1, code: Cow::Borrowed("generic") });
    }
    let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let (count, code) = inner.split_at(digits);
    let count = if digits == 0 { 1 } else { count.parse().ok().filter(|&n| n > 0)? };
    let code = UNITS.iter().find(|&&unit| unit == code)?;
    Some(TimeUnit { count, code: Cow::Borrowed(code) })
}

fn unit_name(unit: &TimeUnit) -> String {
    match (unit.count, &*unit.code) {
        (1, "generic") => String::new(),
        (1, code) => format!("[{code}]"),
        (count, code) => format!("[{count}{code}]"),
    }
}

/// A number in plain digits; Rust's own parser takes a sign too.
fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn byte(text: &str) -> Option<u8> {
    text.parse().ok()
}

#[cold]
fn unknown(typestr: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("expected an array type like `<f4`, found `{typestr}`"),
    )
}

#[cold]
fn too_large(typestr: &str) -> Error {
    Error::new(ErrorKind::Limit, format!("an element of type `{typestr}` is larger than 2 GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_one_to_one() {
        let names = [
            "|b1",
            "|i1",
            "<i2",
            ">i4",
            "<u8",
            "|u1",
            "<f2",
            "<f4",
            ">f8",
            "<f12",
            "<f16",
            "<c8",
            "<c32",
            "|S0",
            "|S5",
            "<U7",
            ">U7",
            "|V16",
            "<M8",
            "<M8[ns]",
            ">m8[25s]",
            "<m8[D]",
            "bfloat16",
            ">bfloat16",
            "float8_e4m3fn",
            "float8_e5m2",
        ];
        for name in names {
            assert_eq!(Dtype::from_typestr(name).unwrap().typestr(), name);
        }
    }

    #[test]
    fn other_spellings() {
        for (spelling, name) in [
            ("?", "|b1"),
            (">i1", "|i1"),
            ("=f8", "<f8"),
            ("f8", "<f8"),
            ("a3", "|S3"),
            ("<S3", "|S3"),
            ("<M8[generic]", "<M8"),
            ("<M8[1s]", "<M8[s]"),
        ] {
            let name =
                if cfg!(target_endian = "big") { name.replace('<', ">") } else { name.into() };
            assert_eq!(Dtype::from_typestr(spelling).unwrap().typestr(), name);
        }
    }

    #[test]
    fn no_types() {
        for name in ["", "<", "f", "f3", "f+4", "i-4", "O", "|O8", "T16", "S", "U+1", "b2"] {
            assert_eq!(Dtype::from_typestr(name).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        for name in ["M8[]", "M8[0s]", "M8[x]", "M4[s]", "M8[s", "M8s]", "é", "<é4"] {
            assert_eq!(Dtype::from_typestr(name).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        insta::assert_snapshot!(Dtype::from_typestr("<q3").unwrap_err().report(), @"expected an array type like `<f4`, found `<q3`");
        insta::assert_snapshot!(Dtype::from_typestr("<U536870912").unwrap_err().report(), @"an element of type `<U536870912` is larger than 2 GiB");
    }
}
