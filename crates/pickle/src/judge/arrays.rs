//! joblib's arrays, whose numbers lie in the stream behind the instruction that builds them.

use cannery_core::{Error, ErrorKind};

use super::names::Special;
use super::symbol::{Kind, Symbol};
use super::{Finding, Judge, JudgeOptions, MAX_NESTING, Step, Verdict, judge};
use crate::policy::is_path;

/// What is known of the array that is being built.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArrayState {
    /// The dict that says all this.
    dict: u64,
    shape: Option<Symbol>,
    dtype: Option<Symbol>,
    is_aligned: bool,
}

impl Judge<'_> {
    #[inline]
    pub(super) fn is_array_wrapper(&self, value: Symbol) -> bool {
        value.kind() == Kind::Instance
            && self.names.get(value.size()).special == Special::ArrayWrapper
    }

    /// Keeps the entries of a dict from `start` on, if it is the state of an array of joblib's.
    ///
    /// One that is changed anywhere else says nothing: the array is then one of an unknown kind.
    pub(super) fn state_of_array(&mut self, dict: usize, start: usize) {
        let id = self.stack[dict].at;
        if dict > 0 && self.is_array_wrapper(self.stack[dict - 1]) {
            if self.array.dict != id {
                self.array = ArrayState { dict: id, ..ArrayState::default() };
            }
            self.keep_array_state(start);
        } else if self.array.dict == id {
            self.array = ArrayState::default();
        }
    }

    fn is_memmap(&self, value: Symbol) -> bool {
        value.kind() == Kind::Global && self.names.get(value.size()).special == Special::Memmap
    }

    #[cold]
    fn keep_array_state(&mut self, start: usize) {
        for at in (start..self.stack.len()).step_by(2) {
            let value = self.stack[at + 1];
            match self.text(self.stack[at]).as_deref() {
                Some("shape") => self.array.shape = Some(value),
                Some("dtype") => self.array.dtype = Some(value),
                // joblib gives it to `_reconstruct`, where it is data.
                Some("subclass") if self.is_memmap(value) => self.stack[at + 1].set_trail(0),
                Some("numpy_array_alignment_bytes") => {
                    self.array.is_aligned = value.kind() != Kind::None;
                }
                _ => {}
            }
        }
    }

    /// Passes over the numbers of the array that was just built.
    #[cold]
    pub(super) fn raw_array(&mut self, state: Symbol) -> Step {
        let mut array = std::mem::take(&mut self.array);
        if state.kind() != Kind::Dict || state.at != array.dict {
            array = ArrayState::default();
        }
        if !self.options.raw_arrays {
            return Ok(());
        }
        let element = array.dtype.and_then(|dtype| self.element_size(dtype));
        if self.raw.is_empty() {
            self.judge_as_plain(element == Some(Element::Object));
        }
        let start = self.ops.position();
        let result = self.pass_over(array, element);
        self.raw.push(start..self.ops.position());
        result
    }

    fn pass_over(&mut self, array: ArrayState, element: Option<Element>) -> Step {
        let Some(element) = element else {
            return Err(Error::new(ErrorKind::Unsupported, "a joblib array of an unknown dtype"));
        };
        let Element::Bytes(element) = element else { return self.nested_objects() };
        let count = array.shape.and_then(|shape| self.count(shape));
        let size = count.and_then(|count| count.checked_mul(element));
        let size =
            size.ok_or_else(|| Error::new(ErrorKind::Syntax, "a joblib array without a size"))?;
        if array.is_aligned {
            let padding = self.ops.take_raw(1)?[0];
            self.ops.take_raw(padding.into())?;
        }
        self.ops.take_raw(size)?;
        Ok(())
    }

    /// `pickle.load` would read the numbers as instructions: what harm could that do?
    fn judge_as_plain(&mut self, has_objects: bool) {
        let options = JudgeOptions { raw_arrays: false, ..self.options };
        let mut plain = Judge::new(self.data, self.ops.position(), options);
        plain.stack.clone_from(&self.stack);
        plain.marks.clone_from(&self.marks);
        plain.memo.clone_from(&self.memo);
        plain.memoized = self.memoized;
        plain.tuples.clone_from(&self.tuples);
        for name in &self.names.list {
            // The indices of names are those of this judge.
            let (module, name) = name.full.rsplit_once('.').unwrap_or(("", &name.full));
            plain.names.push_again(module, name);
        }
        let is_pickle = plain.run().is_none();
        let findings = plain.trails.into_findings();
        // Numbers that are taken for opcodes soon make no sense, and name nothing; but the pickle
        // of objects makes some sense, with a memo that is not its own.
        let is_meant = |finding: &Finding| match finding.verdict {
            Verdict::Danger => !finding.name.is_empty() || (is_pickle && !has_objects),
            _ => !has_objects && is_path(&finding.name),
        };
        for finding in findings.into_iter().filter(is_meant) {
            self.trails.add(finding, super::Deed::Calls);
        }
    }

    /// An array of objects is a pickle of its own inside the stream.
    fn nested_objects(&mut self) -> Step {
        let at = self.ops.position();
        if self.options.nesting >= MAX_NESTING {
            return Err(Error::new(ErrorKind::Depth, "pickles nested too deeply"));
        }
        let nesting = self.options.nesting + 1;
        let options = JudgeOptions { nesting, raw_arrays: false, ..self.options };
        let inner = judge(self.data, at, &options);
        for finding in inner.findings {
            self.trails.add(finding, super::Deed::Calls);
        }
        self.opcodes += inner.opcodes;
        self.ops.seek(inner.end);
        inner.error.map_or(Ok(()), Err)
    }

    fn count(&self, shape: Symbol) -> Option<u64> {
        if shape.kind() != Kind::Tuple {
            return None;
        }
        let size = |item: &Symbol| {
            // Shapes may hold NumPy's integers, of which the judge does not know the value.
            (item.kind() == Kind::Int)
                .then_some(item.at)
                .filter(|&size| i64::try_from(size).is_ok())
        };
        self.items(shape).iter().try_fold(1_u64, |count, item| count.checked_mul(size(item)?))
    }

    /// The size of an element, from the first argument of the call that made the dtype and from
    /// the state that it was given.
    fn element_size(&self, dtype: Symbol) -> Option<Element> {
        if dtype.kind() != Kind::Instance {
            return None;
        }
        match self.names.get(dtype.size()).full.as_str() {
            "numpy.dtypes.StringDType" | "numpy._core._internal._convert_to_stringdtype_kwargs" => {
                return Some(Element::Object);
            }
            "numpy.dtype" => {}
            _ => return None,
        }
        match self.dtypes.get(&dtype.at) {
            Some(Element::Unknown) => None,
            Some(element) => Some(*element),
            None => self.named_element(dtype),
        }
    }

    /// What the first argument of a dtype says: `f8`, `U5`, `O`.
    fn named_element(&self, dtype: Symbol) -> Option<Element> {
        let text = self.text(*self.items(arguments(dtype)).first()?)?;
        let text = text.trim_start_matches(['<', '>', '|', '=']);
        let (kind, size) = text.split_at_checked(1)?;
        let size: u64 = size.parse().ok()?;
        match kind {
            "O" => Some(Element::Object),
            "b" | "i" | "u" | "f" | "c" | "V" | "S" | "M" | "m" | "B" => Some(Element::Bytes(size)),
            "U" => Some(Element::Bytes(size.checked_mul(4)?)),
            _ => None,
        }
    }

    /// `BUILD` on a dtype: its byte order, fields and flags.
    ///
    /// A flag says whether the elements are addresses of objects; whoever sets it for numbers, or
    /// clears it for objects, makes NumPy follow addresses out of the file.
    #[cold]
    pub(super) fn dtype_state(&mut self, dtype: Symbol, state: Symbol) {
        let element = match self.told_element(dtype, state) {
            Ok(element) => element,
            Err(reason) => {
                self.note_structure(Verdict::Unknown, reason);
                Element::Unknown
            }
        };
        let known = *self.dtypes.entry(dtype.at).or_insert(element);
        if known != element {
            self.dtypes.insert(dtype.at, Element::Unknown);
        }
    }

    fn told_element(&self, dtype: Symbol, state: Symbol) -> Result<Element, &'static str> {
        const HAS_OBJECTS: u64 = 1;
        let odd = "gives a dtype a state that NumPy does not write";
        let Some(element) = self.named_element(dtype) else { return Ok(Element::Unknown) };
        let &[_, _, subarray, names, _, size, _, flags, ..] = self.items(state) else {
            return Err(odd);
        };
        if flags.kind() != Kind::Int {
            return Err(odd);
        }
        let has_objects = flags.at & HAS_OBJECTS != 0;
        let is_plain = subarray.kind() == Kind::None && names.kind() == Kind::None;
        let holds_addresses = element == Element::Object;
        if is_plain && holds_addresses != has_objects {
            return Err("gives a dtype a state that makes NumPy take numbers for addresses");
        }
        if has_objects {
            return Ok(Element::Object);
        }
        // Sizes of -1 say that the name of the type has told it.
        match i64::try_from(size.at) {
            Ok(bytes) if size.kind() == Kind::Int && bytes > 0 => Ok(Element::Bytes(size.at)),
            _ => Ok(element),
        }
    }
}

/// What an array consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Bytes(u64),
    Object,
    Unknown,
}

/// The arguments that an instance was made with.
pub(super) fn arguments(instance: Symbol) -> Symbol {
    let size = u32::try_from(instance.at >> 40).unwrap_or(0);
    Symbol::new(Kind::Tuple, size, instance.at & ((1 << 40) - 1))
}

/// An instance of the name with this index, that remembers its arguments.
pub(super) fn instance(name: u32, args: Symbol) -> Symbol {
    let fits = args.kind() == Kind::Tuple && args.size() < 1 << 24 && args.at < 1 << 40;
    let at = if fits { u64::from(args.size()) << 40 | args.at } else { 0 };
    Symbol::new(Kind::Instance, name, at)
}
