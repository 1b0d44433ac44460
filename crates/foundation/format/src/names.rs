//! What people call things: types of arrays, sizes.

use cannery_core::{ByteOrder, Dtype, DtypeKind, Field};

/// The name of an array's type as `NumPy` prints it: `float32`, `>i4`, `datetime64[ns]`,
/// `{x: float32, y: float32[2]}`.
#[must_use]
pub fn dtype_name(dtype: &Dtype) -> String {
    let name = match &dtype.kind {
        DtypeKind::Bool => "bool".to_owned(),
        DtypeKind::Int(size) => format!("int{}", u32::from(*size) * 8),
        DtypeKind::Uint(size) => format!("uint{}", u32::from(*size) * 8),
        DtypeKind::Float(size) => format!("float{}", u32::from(*size) * 8),
        DtypeKind::Complex(size) => format!("complex{}", u32::from(*size) * 8),
        DtypeKind::Datetime(unit) | DtypeKind::Timedelta(unit) => {
            let kind = if matches!(dtype.kind, DtypeKind::Datetime(_)) {
                "datetime64"
            } else {
                "timedelta64"
            };
            match (unit.count, &*unit.code) {
                (1, "generic") => kind.to_owned(),
                (1, code) => format!("{kind}[{code}]"),
                (count, code) => format!("{kind}[{count}{code}]"),
            }
        }
        DtypeKind::Struct { fields, .. } => {
            let fields: Vec<_> = fields.iter().map(field_name).collect();
            return format!("{{{}}}", fields.join(", "));
        }
        _ => return dtype.typestr(),
    };
    if dtype.byte_order == ByteOrder::Big { format!("big-endian {name}") } else { name }
}

fn field_name(field: &Field) -> String {
    let dtype = dtype_name(&field.dtype);
    match field.shape.as_slice() {
        [] => format!("{}: {dtype}", field.name),
        shape => format!("{}: {dtype}{shape:?}", field.name),
    }
}

/// A number of bytes in the unit that suits it: `1.2 kB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size_name(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1e3;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"kB");
    // 999.95 would be shown as 1000.0.
    while size >= 999.95
        && let Some(next) = units.next()
    {
        (size, unit) = (size / 1e3, next);
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names_for_people() {
        let cases = [
            ("<f4", "float32"),
            (">i2", "big-endian int16"),
            ("|b1", "bool"),
            ("<M8[25ns]", "datetime64[25ns]"),
            ("<m8", "timedelta64"),
            ("<U7", "<U7"),
            ("<c16", "complex128"),
        ];
        for (typestr, name) in cases {
            assert_eq!(dtype_name(&Dtype::from_typestr(typestr).unwrap()), name);
        }
    }

    #[test]
    fn sizes_have_three_digits() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (999_960, "1.0 MB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, name) in cases {
            assert_eq!(size_name(bytes), name);
        }
    }
}
