//! Tensors of `PyTorch`: whether they stay within the numbers that they are views of.

use super::Analyzer;
use super::finding::Verdict;
use super::symbol::{Symbol, SymbolKind};

const OUTSIDE: (Verdict, &str) =
    (Verdict::Unknown, "a tensor that reaches beyond its storage: it reads memory of others");
const NO_NUMBERS: (Verdict, &str) = (Verdict::Unknown, "with a size or stride that is no number");

impl Analyzer<'_> {
    /// The arguments of `torch._utils._rebuild_tensor` and its like, which begin alike: storage,
    /// offset, size, stride; those of others are not looked at.
    pub(super) fn check_tensor(&self, index: u32, args: Symbol) -> Option<(Verdict, &'static str)> {
        let items = self.items(args);
        let of_bytes = match self.names.get(index).full.strip_prefix("torch._utils.")? {
            "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_qtensor" => None,
            "_rebuild_tensor_v3" => Some(items.get(6).and_then(|&dtype| self.dtype_size(dtype))),
            _ => return None,
        };
        let &[storage, offset, size, stride, ..] = items else { return Some(NO_NUMBERS) };
        let (Some(offset), Some(sizes), Some(strides)) =
            (number(offset), self.numbers(size), self.numbers(stride))
        else {
            return Some(NO_NUMBERS);
        };
        let elements = self.elements_of(storage)?;
        let elements = elements.saturating_mul(self.elements_of_word(storage));
        let elements = match of_bytes {
            // Its storage counts bytes.
            Some(size) => elements / size?,
            None => elements,
        };
        if sizes.len() != strides.len() {
            return Some(NO_NUMBERS);
        }
        if sizes.contains(&0) {
            return None;
        }
        let steps = sizes.iter().zip(&strides);
        let last = steps.fold(offset, |last, (size, stride)| {
            last.saturating_add((size - 1).saturating_mul(*stride))
        });
        (last >= elements).then_some(OUTSIDE)
    }

    /// How many elements a word of the storage behind a persistent id has.
    fn elements_of_word(&self, storage: Symbol) -> u64 {
        let index = usize::try_from(storage.at).ok().and_then(|at| at.checked_sub(1));
        match index.and_then(|index| self.storages.get(index)).map(|found| found.class.as_str()) {
            Some("QUInt4x2Storage") => 2,
            Some("QUInt2x4Storage") => 4,
            _ => 1,
        }
    }

    /// How many elements the storage behind a persistent id has.
    fn elements_of(&self, storage: Symbol) -> Option<u64> {
        if storage.kind() != SymbolKind::Persistent {
            return None;
        }
        let index = usize::try_from(storage.at).ok()?.checked_sub(1)?;
        self.storages.get(index).map(|storage| storage.view)
    }

    /// The numbers in a tuple, or in what was made of one: `torch.Size((2, 3))`.
    fn numbers(&self, tuple: Symbol) -> Option<Vec<u64>> {
        match tuple.kind() {
            SymbolKind::Tuple => self.items(tuple).iter().map(|&item| number(item)).collect(),
            SymbolKind::Instance => {
                self.numbers_of(*self.items(super::arrays::arguments(tuple)).first()?)
            }
            _ => None,
        }
    }

    fn numbers_of(&self, tuple: Symbol) -> Option<Vec<u64>> {
        (tuple.kind() == SymbolKind::Tuple).then(|| self.numbers(tuple)).flatten()
    }

    /// Bytes of an element of a `torch.float32`.
    fn dtype_size(&self, dtype: Symbol) -> Option<u64> {
        if dtype.kind() != SymbolKind::Global {
            return None;
        }
        match self.names.get(dtype.size()).full.strip_prefix("torch.")? {
            "complex128" | "cdouble" => Some(16),
            "float64" | "double" | "int64" | "long" | "uint64" | "complex64" | "cfloat" => Some(8),
            "float32" | "float" | "int32" | "int" | "uint32" | "complex32" | "chalf"
            | "bcomplex32" | "qint32" => Some(4),
            "float16" | "half" | "bfloat16" | "int16" | "short" | "uint16" | "bits16" => Some(2),
            "int8" | "uint8" | "bool" | "qint8" | "quint8" | "bits8" | "bits1x8" | "bits2x4"
            | "bits4x2" | "float4_e2m1fn_x2" | "int1" | "int2" | "int3" | "int4" | "int5"
            | "int6" | "int7" | "uint1" | "uint2" | "uint3" | "uint4" | "uint5" | "uint6"
            | "uint7" => Some(1),
            name if name.starts_with("float8_") => Some(1),
            _ => None,
        }
    }
}

fn number(symbol: Symbol) -> Option<u64> {
    (symbol.kind() == SymbolKind::Int && i64::try_from(symbol.at).is_ok()).then_some(symbol.at)
}
