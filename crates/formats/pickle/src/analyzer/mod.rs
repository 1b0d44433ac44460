//! The analyzer: reads a pickle as a machine would, builds nothing, and says what loading it would do.
//!
//! It knows of every value only what [`symbol::Symbol`] holds, so that millions of small objects
//! cost no more than the walk over their opcodes.

mod analyzed;
mod arguments;
mod arrays;
mod calls;
mod dtypes;
mod finding;
mod names;
mod show;
mod stack;
mod step;
mod symbol;
mod tensors;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use cannery_core::Error;

use arrays::ArrayState;
use dtypes::Dtypes;

use crate::costs::PatternCosts;
use crate::literal;
use crate::opcode::Opcode;
use crate::policy::Profile;
use crate::read::{Framing, Ops};
pub(crate) use analyzed::Trace;
pub use analyzed::{Analyzed, AnalyzerOptions, Note, Storage};
pub use finding::{Finding, Verdict};
use finding::{Provenance, UseKind};
use names::Names;
pub(crate) use names::is_looked_at;
use symbol::{Symbol, SymbolKind};

/// Pickles inside of pickles that are followed.
const MAX_NESTING: u32 = 16;

/// Analyzes the pickle that begins at `start`, through its `STOP`; nothing is built or imported.
///
/// What comes before an error is analyzed all the same: a pickle does what it does before it breaks.
///
/// ```
/// use cannery_pickle::analyzer::{AnalyzerOptions, Verdict, analyze};
///
/// let analyzed = analyze(b"cos\nsystem\n(S'echo hi'\ntR.", 0, &AnalyzerOptions::default());
/// assert_eq!(analyzed.verdict(), Verdict::Danger);
/// assert_eq!(analyzed.findings[0].name, "os.system");
/// assert_eq!(analyze(b"]q\0(K\x01K\x02e.", 0, &AnalyzerOptions::default()).verdict(), Verdict::Ok);
/// ```
#[must_use]
pub fn analyze(data: &[u8], start: usize, options: &AnalyzerOptions) -> Analyzed {
    let mut analyzer = Analyzer::new(data, start, *options);
    let error = analyzer.run();
    analyzer.finish(error)
}

/// The instructions that put names of the table to a use that is not trusted, or do what no
/// data does. Other names are not looked at: they are for the caller to decide.
pub(crate) fn violations(data: &[u8], start: usize, extensions: Extensions) -> Vec<Note> {
    let options = AnalyzerOptions {
        raw_arrays: false,
        persistent_ids: true,
        trace: Trace::Violations,
        ..AnalyzerOptions::default()
    };
    let mut analyzer = Analyzer::new(data, start, options);
    analyzer.extensions = extensions;
    let error = analyzer.run();
    analyzer.finish(error).trace
}

/// Modules and names by their extension codes.
pub(crate) type Extensions = HashMap<i64, (String, String)>;

struct Analyzer<'a> {
    data: &'a [u8],
    ops: Ops<'a>,
    options: AnalyzerOptions,
    stack: Vec<Symbol>,
    /// Lengths of the stack at its marks.
    marks: Vec<usize>,
    memo: Vec<Symbol>,
    far_memo: HashMap<u64, Symbol>,
    memoized: u64,
    /// The items of all tuples, one behind the other.
    tuples: Vec<Symbol>,
    weights: HashMap<u64, f32>,
    /// Levels of tuples inside of each tuple that has any, by its place.
    tuple_depths: Vec<u16>,
    deepest_tuple: u16,
    names: Names,
    trails: Provenance,
    storages: Vec<Storage>,
    trace: Vec<Note>,
    extensions: Extensions,
    opcodes: u64,
    imports: bool,
    /// Of the pickle, as it says itself.
    protocol: u8,
    /// Of containers in the memo, and on the stack.
    references: u64,
    /// Keys that are neither texts nor small integers, of sets that calls make of lists, too.
    keys: u64,
    raw: Vec<Range<usize>>,
    /// The array whose state was set last.
    array: ArrayState,
    dtypes: Dtypes,
    patterns: PatternCosts,
    /// Offset and opcode of the instruction at hand.
    offset: usize,
    opcode: Opcode,
    done: bool,
}

type Checked<T = ()> = Result<T, Error>;

impl<'a> Analyzer<'a> {
    fn new(data: &'a [u8], start: usize, options: AnalyzerOptions) -> Self {
        Self {
            data,
            ops: Ops::new(data, start, Framing::Strict),
            options,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            far_memo: HashMap::new(),
            memoized: 0,
            tuples: Vec::new(),
            weights: HashMap::new(),
            tuple_depths: Vec::new(),
            deepest_tuple: 0,
            names: Names::default(),
            trails: Provenance::new(),
            storages: Vec::new(),
            trace: Vec::new(),
            extensions: Extensions::new(),
            opcodes: 0,
            imports: false,
            protocol: 0,
            references: 0,
            keys: 0,
            raw: Vec::new(),
            array: ArrayState::default(),
            dtypes: Dtypes::default(),
            patterns: PatternCosts::default(),
            offset: start,
            opcode: Opcode::Stop,
            done: false,
        }
    }

    /// Reads to `STOP`, or to an error.
    fn run(&mut self) -> Option<Error> {
        let mut first = None;
        loop {
            match self.walk() {
                Ok(()) => return first,
                Err(error) if first.is_none() && self.is_about_frames(&error) => {
                    // C's `loads` reads on, so the analyzer does; but the pickle stays suspect.
                    first = Some(error);
                    self.ops = Ops::new(self.data, self.ops.position(), Framing::Ignored);
                    self.ops.seek(self.offset_of_error(first.as_ref()));
                }
                Err(error) => return Some(first.unwrap_or(error)),
            }
        }
    }

    fn is_about_frames(&self, error: &Error) -> bool {
        error.message().contains("frame") && self.offset_of_error(Some(error)) < self.data.len()
    }

    fn offset_of_error(&self, error: Option<&Error>) -> usize {
        let offset = error.and_then(Error::pos).map_or(self.offset as u64, |pos| pos.offset);
        usize::try_from(offset).unwrap_or(usize::MAX)
    }

    fn walk(&mut self) -> Checked {
        while !self.done {
            let (offset, opcode) = self.ops.opcode()?;
            self.offset = offset;
            self.opcode = opcode;
            self.opcodes += 1;
            self.step(opcode).map_err(|error| error.at_offset(offset as u64))?;
        }
        Ok(())
    }

    fn finish(mut self, error: Option<Error>) -> Analyzed {
        self.check_composites();
        for index in self.names.left_over() {
            self.keep_guarded(index);
        }
        // An error lies behind everything else that was found, and is not worse than that.
        if let Some(error) = &error {
            let reason = format!("cannot be read: {}", error.message());
            let offset = self.offset_of_error(Some(error));
            let finding = Finding::of_file(Verdict::Unknown, offset as u64, reason);
            self.trails.add(finding, UseKind::Refers);
        }
        let profile = self.names.list.iter().filter_map(|name| name.profile).max();
        Analyzed {
            findings: self.trails.into_findings(),
            end: self.ops.position(),
            error,
            opcodes: self.opcodes,
            imports: self.imports,
            references: self.references,
            keys: self.keys,
            storages: self.storages,
            raw: self.raw,
            profile: profile.unwrap_or(Profile::Data),
            trace: self.trace,
        }
    }

    /// The text of a symbol that is one.
    fn text(&self, symbol: Symbol) -> Option<Cow<'a, str>> {
        let bytes = self.bytes(symbol)?;
        match symbol.kind() {
            SymbolKind::Text => Some(String::from_utf8_lossy(bytes)),
            SymbolKind::EscapedText => {
                let text = literal::escaped(bytes).ok()?;
                Some(Cow::Owned(text.as_text().to_str_lossy().into_owned()))
            }
            SymbolKind::QuotedText => {
                let text = literal::quoted(bytes).ok()?;
                Some(Cow::Owned(String::from_utf8_lossy(&text).into_owned()))
            }
            _ => None,
        }
    }

    /// The part of the data that a symbol stands for.
    fn bytes(&self, symbol: Symbol) -> Option<&'a [u8]> {
        if !symbol.is_text() && symbol.kind() != SymbolKind::Bytes {
            return None;
        }
        let at = usize::try_from(symbol.at).ok()?;
        self.data.get(at..at + symbol.size() as usize)
    }

    /// The items of a symbol that is a tuple.
    fn items(&self, symbol: Symbol) -> &[Symbol] {
        if symbol.kind() != SymbolKind::Tuple {
            return &[];
        }
        let at = usize::try_from(symbol.at).unwrap_or(usize::MAX);
        self.tuples.get(at..at + symbol.size() as usize).unwrap_or(&[])
    }

    fn merge(&mut self, one: u16, other: u16) -> u16 {
        match (one, other) {
            (trail, 0) | (0, trail) => trail,
            (one, other) => self.trails.attach(one, other, None),
        }
    }
}
