//! The types of `PyTorch`'s tensors, by the names that files use.

use cannery_core::{ByteOrder, Dtype, DtypeKind, TensorDtype};

/// The type of the elements of a tensor, as `PyTorch` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TorchDtype(&'static Row);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Row {
    /// The name below `torch.`.
    name: &'static str,
    /// The class of its storages, before `Storage`; empty if they are untyped.
    storage: &'static str,
    /// Bytes of one element, or of one word if it packs several.
    itemsize: u8,
    /// Elements in a word.
    packed: u8,
}

const fn row(name: &'static str, storage: &'static str, itemsize: u8, packed: u8) -> Row {
    Row { name, storage, itemsize, packed }
}

static ROWS: [Row; 47] = [
    row("float32", "Float", 4, 1),
    row("float64", "Double", 8, 1),
    row("float16", "Half", 2, 1),
    row("bfloat16", "BFloat16", 2, 1),
    row("uint8", "Byte", 1, 1),
    row("int8", "Char", 1, 1),
    row("int16", "Short", 2, 1),
    row("int32", "Int", 4, 1),
    row("int64", "Long", 8, 1),
    row("bool", "Bool", 1, 1),
    row("complex32", "ComplexHalf", 4, 1),
    row("complex64", "ComplexFloat", 8, 1),
    row("complex128", "ComplexDouble", 16, 1),
    row("qint8", "QInt8", 1, 1),
    row("quint8", "QUInt8", 1, 1),
    row("qint32", "QInt32", 4, 1),
    row("quint4x2", "QUInt4x2", 1, 2),
    row("quint2x4", "QUInt2x4", 1, 4),
    row("bcomplex32", "", 4, 1),
    row("uint16", "", 2, 1),
    row("uint32", "", 4, 1),
    row("uint64", "", 8, 1),
    row("float8_e4m3fn", "", 1, 1),
    row("float8_e4m3fnuz", "", 1, 1),
    row("float8_e5m2", "", 1, 1),
    row("float8_e5m2fnuz", "", 1, 1),
    row("float8_e8m0fnu", "", 1, 1),
    row("float4_e2m1fn_x2", "", 1, 1),
    row("bits8", "", 1, 1),
    row("bits16", "", 2, 1),
    row("bits1x8", "", 1, 1),
    row("bits2x4", "", 1, 1),
    row("bits4x2", "", 1, 1),
    row("uint1", "", 1, 1),
    row("uint2", "", 1, 1),
    row("uint3", "", 1, 1),
    row("uint4", "", 1, 1),
    row("uint5", "", 1, 1),
    row("uint6", "", 1, 1),
    row("uint7", "", 1, 1),
    row("int1", "", 1, 1),
    row("int2", "", 1, 1),
    row("int3", "", 1, 1),
    row("int4", "", 1, 1),
    row("int5", "", 1, 1),
    row("int6", "", 1, 1),
    row("int7", "", 1, 1),
];

/// Other names of the same types.
const ALIASES: [(&str, &str); 9] = [
    ("float", "float32"),
    ("double", "float64"),
    ("half", "float16"),
    ("short", "int16"),
    ("int", "int32"),
    ("long", "int64"),
    ("cfloat", "complex64"),
    ("cdouble", "complex128"),
    ("chalf", "complex32"),
];

impl TorchDtype {
    /// The type of this name, without `torch.`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        ROWS.iter().find(|row| row.name == name).map(Self)
    }

    /// The type of the elements of a class of storages: `FloatStorage`. Untyped storages consist of
    /// bytes.
    #[must_use]
    pub fn from_storage(class: &str) -> Option<Self> {
        let short = class.strip_suffix("Storage")?;
        if matches!(short, "Untyped" | "_Untyped") {
            return Self::from_name("uint8");
        }
        ROWS.iter().find(|row| !row.storage.is_empty() && row.storage == short).map(Self)
    }

    /// The type of the elements of a class of tensors: `FloatTensor`.
    #[must_use]
    pub fn from_tensor_class(class: &str) -> Option<Self> {
        let short = class.strip_suffix("Tensor")?;
        ROWS.iter().find(|row| !row.storage.is_empty() && row.storage == short).map(Self)
    }

    /// Its name without `torch.`: `bfloat16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Bytes of one element; of one word, if it packs several elements.
    #[must_use]
    pub fn itemsize(self) -> u64 {
        self.0.itemsize.into()
    }

    /// Elements in one word of [`itemsize`](Self::itemsize) bytes.
    #[must_use]
    pub fn packed(self) -> u64 {
        self.0.packed.into()
    }

    /// Bytes that are turned around together where the byte order is another.
    #[must_use]
    pub fn word_size(self) -> usize {
        let size = usize::from(self.0.itemsize);
        if self.0.name.contains("complex") { size / 2 } else { size }
    }

    /// The type as tables of tensors have it.
    #[must_use]
    pub fn to_tensor_dtype(self) -> TensorDtype {
        let size = self.0.itemsize;
        match self.0.name {
            "bool" => TensorDtype::Bool,
            "bfloat16" => TensorDtype::BFloat16,
            "float8_e4m3fn" => TensorDtype::Float8E4M3,
            "float8_e4m3fnuz" => TensorDtype::Float8E4M3Fnuz,
            "float8_e5m2" => TensorDtype::Float8E5M2,
            "float8_e5m2fnuz" => TensorDtype::Float8E5M2Fnuz,
            "float8_e8m0fnu" => TensorDtype::Float8E8M0,
            "float16" | "float32" | "float64" => TensorDtype::Float(size),
            "int8" | "int16" | "int32" | "int64" | "qint8" | "qint32" => TensorDtype::Int(size),
            "uint8" | "uint16" | "uint32" | "uint64" | "quint8" => TensorDtype::Uint(size),
            "complex32" | "complex64" | "complex128" => TensorDtype::Complex(size),
            _ => {
                let kind = DtypeKind::Void(size.into());
                TensorDtype::Other(Dtype { kind, byte_order: ByteOrder::Little })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_types() {
        let of_storage = |class| TorchDtype::from_storage(class).map(TorchDtype::name);
        assert_eq!(of_storage("BFloat16Storage"), Some("bfloat16"));
        assert_eq!(of_storage("UntypedStorage"), Some("uint8"));
        assert_eq!(of_storage("QuadStorage"), None);
        assert_eq!(of_storage("Storage"), None);
        assert_eq!(TorchDtype::from_name("long").map(TorchDtype::itemsize), Some(8));
        assert_eq!(TorchDtype::from_name("system"), None);
    }
}
