//! joblib's arrays, whose numbers lie in the stream behind the instruction that builds them.

use cannery_core::{Error, ErrorKind};

use super::dtypes::Element;
use super::finding::GUARDED;
use super::names::Special;
use super::symbol::{Symbol, SymbolKind};
use super::{Analyzer, AnalyzerOptions, Checked, Finding, MAX_NESTING, Verdict, analyze};
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

impl Analyzer<'_> {
    #[inline]
    pub(super) fn is_array_wrapper(&self, value: Symbol) -> bool {
        value.kind() == SymbolKind::Instance
            && self.names.get(value.size()).special == Special::ArrayWrapper
    }

    /// Keeps the entries of a dict from `start` on, if it is the state of an array of joblib's.
    ///
    /// One that is changed anywhere else says nothing: the array is then one of an unknown kind.
    pub(super) fn state_of_array(&mut self, dict: usize, start: usize) {
        let id = self.stack[dict].at;
        self.keep_fields(self.stack[dict], start);
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
        value.kind() == SymbolKind::Global
            && self.names.get(value.size()).special == Special::Memmap
    }

    #[cold]
    fn keep_array_state(&mut self, start: usize) {
        for at in (start..self.stack.len()).step_by(2) {
            let value = self.stack[at + 1];
            match self.text(self.stack[at]).as_deref() {
                Some("shape") => self.array.shape = Some(value),
                Some("dtype") => self.array.dtype = Some(value),
                // joblib gives it to `_reconstruct`, where it is data.
                Some("subclass") if self.is_memmap(value) => {
                    self.names.set_used(value.size());
                    self.stack[at + 1].set_trail(0);
                }
                Some("numpy_array_alignment_bytes") => {
                    self.array.is_aligned = value.kind() != SymbolKind::None;
                }
                _ => {}
            }
        }
    }

    /// Passes over the numbers of the array that was just built.
    #[cold]
    pub(super) fn raw_array(&mut self, state: Symbol) -> Checked {
        let mut array = std::mem::take(&mut self.array);
        if state.kind() != SymbolKind::Dict || state.at != array.dict {
            array = ArrayState::default();
        }
        if !self.options.raw_arrays {
            return Ok(());
        }
        let element = array.dtype.and_then(|dtype| self.element_size(dtype));
        if self.raw.is_empty() {
            self.analyze_as_plain(element == Some(Element::Object));
        }
        let start = self.ops.position();
        let result = self.pass_over(array, element);
        self.raw.push(start..self.ops.position());
        result
    }

    fn pass_over(&mut self, array: ArrayState, element: Option<Element>) -> Checked {
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
    fn analyze_as_plain(&mut self, has_objects: bool) {
        let options = AnalyzerOptions { raw_arrays: false, ..self.options };
        let mut plain = Analyzer::new(self.data, self.ops.position(), options);
        // Trails lead to the findings of this analyzer, which are noted already.
        let untold = |symbols: &[Symbol]| -> Vec<Symbol> {
            let untold = |symbol: &Symbol| match symbol.trail() {
                0 | GUARDED => *symbol,
                _ => symbol.with_trail(0),
            };
            symbols.iter().map(untold).collect()
        };
        plain.stack = untold(&self.stack);
        plain.marks.clone_from(&self.marks);
        plain.memo = untold(&self.memo);
        plain.memoized = self.memoized;
        plain.tuples = untold(&self.tuples);
        for name in &self.names.list {
            // The indices of names are those of this analyzer.
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
            self.trails.add(finding, super::UseKind::Calls);
        }
    }

    /// An array of objects is a pickle of its own inside the stream.
    fn nested_objects(&mut self) -> Checked {
        let at = self.ops.position();
        if self.options.nesting >= MAX_NESTING {
            return Err(Error::new(ErrorKind::Depth, "pickles nested too deeply"));
        }
        let nesting = self.options.nesting + 1;
        let options = AnalyzerOptions { nesting, raw_arrays: false, ..self.options };
        let inner = analyze(self.data, at, &options);
        for finding in inner.findings {
            self.trails.add(finding, super::UseKind::Calls);
        }
        self.opcodes += inner.opcodes;
        self.ops.seek(inner.end);
        inner.error.map_or(Ok(()), Err)
    }

    pub(super) fn count(&self, shape: Symbol) -> Option<u64> {
        if shape.kind() != SymbolKind::Tuple {
            return None;
        }
        let size = |item: &Symbol| {
            // Shapes may hold NumPy's integers, of which the analyzer does not know the value.
            (item.kind() == SymbolKind::Int)
                .then_some(item.at)
                .filter(|&size| i64::try_from(size).is_ok())
        };
        self.items(shape).iter().try_fold(1_u64, |count, item| count.checked_mul(size(item)?))
    }
}

/// The arguments that an instance was made with.
pub(super) fn arguments(instance: Symbol) -> Symbol {
    let size = u32::try_from(instance.at >> 40).unwrap_or(0);
    Symbol::new(SymbolKind::Tuple, size, instance.at & ((1 << 40) - 1))
}

/// An instance of the name with this index, that remembers its arguments.
pub(super) fn instance(name: u32, args: Symbol) -> Symbol {
    let fits = args.kind() == SymbolKind::Tuple && args.size() < 1 << 24 && args.at < 1 << 40;
    let at = if fits { u64::from(args.size()) << 40 | args.at } else { 0 };
    Symbol::new(SymbolKind::Instance, name, at)
}
