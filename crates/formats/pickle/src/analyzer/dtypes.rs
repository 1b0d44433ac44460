//! `NumPy`'s dtypes: whether what they say about themselves agrees with what they consist of.
//!
//! A flag says whether the elements are addresses of objects. A dtype that sets it for numbers, or clears
//! it for objects, makes `NumPy` follow addresses out of the file; and fields that begin beyond
//! their element read memory of others.

use std::collections::HashMap;

use super::Analyzer;
use super::arrays::arguments;
use super::finding::Verdict;
use super::names::Special;
use super::symbol::{Symbol, SymbolKind};

const ODD: &str = "gives a dtype a state that NumPy does not write";
const ADDRESSES: &str = "gives a dtype a state that makes NumPy take numbers for addresses";
const OUTSIDE: &str = "gives a dtype fields that reach beyond its elements";
const TWICE: &str = "gives a dtype a state twice";

/// What an array consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Bytes(u64),
    Object,
    Unknown,
}

/// The dtypes of a pickle.
#[derive(Default)]
pub(super) struct Dtypes {
    /// What their states say about their elements, by their arguments.
    told: HashMap<u64, Element>,
    /// What was put into dicts that may be the fields of dtypes, by the dicts: type and offset.
    fields: HashMap<u64, Vec<Option<(Symbol, u64)>>>,
    composites: Vec<Composite>,
}

/// A dtype with fields, or of small arrays, by what its state says.
struct Composite {
    offset: usize,
    /// The dict of the fields, or base and shape.
    parts: Symbol,
    has_objects: bool,
    size: u64,
}

/// What the first argument of a dtype says.
enum Named {
    /// A type of a fixed size.
    Fixed(u64),
    /// One whose size is in its state: text, bytes, records.
    Sized(u64),
    Object,
    /// A type of a library's own, without objects.
    Foreign,
}

impl Analyzer<'_> {
    /// Keeps what is put into a dict from `start` on, as fields of a dtype.
    pub(super) fn keep_fields(&mut self, dict: Symbol, start: usize) {
        for at in (start..self.stack.len()).step_by(2) {
            let value = self.stack[at + 1];
            let field = match *self.items(value) {
                [dtype, offset, ..] if self.is_dtype(dtype) && offset.kind() == SymbolKind::Int => {
                    Some((dtype, offset.at))
                }
                [first, ..] if is_made(first) => None,
                _ if is_made(value) => None,
                // Nothing that a dtype could be found in.
                _ => continue,
            };
            self.dtypes.fields.entry(dict.at).or_default().push(field);
        }
    }

    fn is_dtype(&self, value: Symbol) -> bool {
        value.kind() == SymbolKind::Instance
            && self.names.get(value.size()).full.starts_with("numpy.dtype")
    }

    /// `BUILD` on a dtype: its byte order, fields and flags.
    #[cold]
    pub(super) fn dtype_state(&mut self, dtype: Symbol, state: Symbol) {
        let told = match self.told_element(dtype, state) {
            Ok(_) if self.dtypes.told.contains_key(&dtype.at) => Err(TWICE),
            told => told,
        };
        let element = told.unwrap_or_else(|reason| {
            self.note_structure(Verdict::Unknown, reason);
            Element::Unknown
        });
        self.dtypes.told.insert(dtype.at, element);
    }

    fn told_element(&mut self, dtype: Symbol, state: Symbol) -> Result<Element, &'static str> {
        let kind = self.named(dtype).ok_or(ODD)?;
        let &[version, _, subarray, names, fields, size, _, flags, ..] = self.items(state) else {
            return Err(ODD);
        };
        let is_known = version.kind() == SymbolKind::Int && matches!(version.at, 3 | 4);
        if !is_known || is_none(names) != is_none(fields) {
            return Err(ODD);
        }
        let has_objects = has_objects(flags)?;
        let size = kind.size(size)?;
        let parts = match (is_none(subarray), is_none(names)) {
            (true, true) => return kind.plain(has_objects, size),
            (false, true) => subarray,
            (true, false) => fields,
            (false, false) => return Err(ODD),
        };
        if !matches!(kind, Named::Sized(_)) {
            return Err(ODD);
        }
        // What they consist of may still change.
        let offset = self.offset;
        self.dtypes.composites.push(Composite { offset, parts, has_objects, size });
        Ok(if has_objects { Element::Object } else { Element::Bytes(size) })
    }

    /// At the end of the pickle: whether all dtypes agree with their parts.
    pub(super) fn check_composites(&mut self) {
        for composite in std::mem::take(&mut self.dtypes.composites) {
            if let Err(reason) = self.check_composite(&composite) {
                self.offset = composite.offset;
                self.note_structure(Verdict::Unknown, reason);
            }
        }
    }

    fn check_composite(&self, composite: &Composite) -> Result<(), &'static str> {
        let mut has_objects = false;
        for part in self.parts(composite.parts).ok_or(ODD)? {
            let (dtype, offset, count) = part.ok_or(ODD)?;
            match self.element_size(dtype) {
                Some(Element::Object) => has_objects = true,
                Some(Element::Bytes(size)) => {
                    let end = size.checked_mul(count).and_then(|size| size.checked_add(offset));
                    if end.is_none_or(|end| end > composite.size) {
                        return Err(OUTSIDE);
                    }
                }
                Some(Element::Unknown) | None => return Err(ODD),
            }
        }
        if has_objects == composite.has_objects { Ok(()) } else { Err(ADDRESSES) }
    }

    /// The dtypes that one consists of, each with its offset and how often it is there.
    fn parts(&self, parts: Symbol) -> Option<Vec<Option<(Symbol, u64, u64)>>> {
        if parts.kind() == SymbolKind::Dict {
            let fields = self.dtypes.fields.get(&parts.at)?;
            return Some(
                fields.iter().map(|field| field.map(|(dtype, at)| (dtype, at, 1))).collect(),
            );
        }
        let &[base, shape] = self.items(parts) else { return None };
        let count = match shape.kind() {
            SymbolKind::Int => shape.at,
            _ => self.count(shape)?,
        };
        Some(vec![self.is_dtype(base).then_some((base, 0, count))])
    }

    /// The size of an element, from the first argument of the call that made the dtype and from
    /// the state that it was given.
    pub(super) fn element_size(&self, dtype: Symbol) -> Option<Element> {
        if dtype.kind() != SymbolKind::Instance {
            return None;
        }
        match self.names.get(dtype.size()).full.as_str() {
            "numpy.dtypes.StringDType" | "numpy._core._internal._convert_to_stringdtype_kwargs" => {
                return Some(Element::Object);
            }
            _ if self.names.get(dtype.size()).special == Special::Dtype => {}
            _ => return None,
        }
        match self.dtypes.told.get(&dtype.at) {
            Some(Element::Unknown) => None,
            Some(element) => Some(*element),
            None => match self.named(dtype)? {
                Named::Object => Some(Element::Object),
                Named::Fixed(size) | Named::Sized(size) => Some(Element::Bytes(size)),
                Named::Foreign => None,
            },
        }
    }

    /// What the first argument of a dtype says: `f8`, `U5`, `O`.
    fn named(&self, dtype: Symbol) -> Option<Named> {
        let first = *self.items(arguments(dtype)).first()?;
        if first.kind() == SymbolKind::Global {
            let full = self.names.get(first.size()).full.as_str();
            let is_record = full.starts_with("numpy.") && full.ends_with(".record");
            return match full.strip_prefix("ml_dtypes.") {
                Some(_) => Some(Named::Foreign),
                None => is_record.then_some(Named::Sized(0)),
            };
        }
        let text = self.text(first)?;
        let text = text.trim_start_matches(['<', '>', '|', '=']);
        let (kind, size) = text.split_at_checked(1)?;
        let size: u64 = if size.is_empty() { 0 } else { size.parse().ok()? };
        match kind {
            "O" => Some(Named::Object),
            "b" | "i" | "u" | "f" | "c" | "M" | "m" | "B" if size > 0 => Some(Named::Fixed(size)),
            "V" | "S" => Some(Named::Sized(size)),
            "U" => Some(Named::Sized(size.checked_mul(4)?)),
            _ => None,
        }
    }
}

/// Whether something else than the pickle's own opcodes made a value.
fn is_made(value: Symbol) -> bool {
    matches!(value.kind(), SymbolKind::Instance | SymbolKind::Opaque | SymbolKind::Persistent)
}

impl Named {
    /// The size of an element, by its name and what a state says.
    fn size(&self, told: Symbol) -> Result<u64, &'static str> {
        let told = size_of(told);
        match self {
            Named::Fixed(size) if told.is_some_and(|told| told != *size) => Err(ODD),
            Named::Fixed(size) => Ok(*size),
            Named::Sized(size) => Ok(told.unwrap_or(*size)),
            Named::Object | Named::Foreign => Ok(0),
        }
    }

    /// What a dtype without parts consists of.
    fn plain(&self, has_objects: bool, size: u64) -> Result<Element, &'static str> {
        match self {
            Named::Object if has_objects => Ok(Element::Object),
            Named::Object => Err(ADDRESSES),
            _ if has_objects => Err(ADDRESSES),
            Named::Foreign => Ok(Element::Unknown),
            Named::Fixed(_) | Named::Sized(_) => Ok(Element::Bytes(size)),
        }
    }
}

/// Whether flags say that the elements are objects: addresses that are followed, written as a list.
fn has_objects(flags: Symbol) -> Result<bool, &'static str> {
    const IS_OBJECT: u64 = 1;
    const IS_LIST: u64 = 2;
    const IS_POINTER: u64 = 4;
    if flags.kind() != SymbolKind::Int {
        return Err(ODD);
    }
    match flags.at & (IS_OBJECT | IS_LIST | IS_POINTER) {
        0 => Ok(false),
        bits if bits & (IS_OBJECT | IS_LIST) == IS_OBJECT | IS_LIST => Ok(true),
        _ => Err(ADDRESSES),
    }
}

fn is_none(part: Symbol) -> bool {
    part.kind() == SymbolKind::None
}

/// A size in a state; -1 says that the name of the type has told it.
fn size_of(size: Symbol) -> Option<u64> {
    (size.kind() == SymbolKind::Int && size.at > 0 && i64::try_from(size.at).is_ok())
        .then_some(size.at)
}
