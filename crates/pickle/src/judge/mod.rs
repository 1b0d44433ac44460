//! The judge: reads a pickle as a machine would, builds nothing, and says what loading it would do.
//!
//! It knows of every value only what [`symbol::Symbol`] holds, so that millions of small objects
//! cost no more than the walk over their opcodes.

mod arguments;
mod arrays;
mod calls;
mod dtypes;
mod finding;
mod names;
mod show;
mod step;
mod symbol;
mod tensors;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use cannery_core::{Error, ErrorKind, Segment};
use num_bigint::BigInt;

use arrays::ArrayState;
use dtypes::Dtypes;

use crate::literal;
use crate::opcode::Opcode;
use crate::policy::Profile;
use crate::read::{Framing, Ops};
use finding::{Deed, GUARDED, Trails};
pub use finding::{Finding, Verdict};
use names::Names;
use symbol::{Kind, Symbol};

/// Pickles inside of pickles that are followed.
const MAX_NESTING: u32 = 16;
/// The memo index from which on an index must have been earned by as many entries.
const FREE_MEMO_INDEX: u64 = 1 << 20;
/// Memo indices beyond this many are kept apart, so that nobody allocates what a pickle claims.
const DENSE_MEMO: usize = 1 << 16;
/// Hashing a tuple visits all that is inside of it; beyond this that takes longer than a second.
const MAX_WEIGHT: f32 = 1e8;

/// What the judge found in one pickle.
#[derive(Debug)]
#[non_exhaustive]
pub struct Judged {
    /// Every reason for its verdict, the worst first.
    pub findings: Vec<Finding>,
    /// Bytes from the beginning of the data to the end of the pickle, or to where reading stopped.
    pub end: usize,
    /// Why it was not read to its `STOP`.
    pub error: Option<Error>,
    /// Instructions read.
    pub opcodes: u64,
    /// Tensors whose bytes lie outside of the pickle: `PyTorch`'s persistent ids.
    pub storages: Vec<Storage>,
    /// Parts of the data that are no instructions: the raw arrays.
    pub raw: Vec<Range<usize>>,
    /// The libraries whose objects it holds: the last of their profiles.
    pub profile: Profile,
    /// All that is not ok, instruction by instruction, if it was asked for.
    pub trace: Vec<Note>,
}

/// What is not ok about one instruction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Note {
    /// The offset of its opcode.
    pub offset: usize,
    /// How bad it is.
    pub verdict: Verdict,
    /// The name it is about; empty if it is about none.
    pub name: String,
    /// What is known about it.
    pub reason: String,
}

/// Which instructions are noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trace {
    #[default]
    Nothing,
    /// Those that put names of the table to another use, and those that are about no name.
    Misuses,
    Everything,
}

impl Judged {
    /// The verdict on this pickle alone.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let found = self.findings.iter().map(|finding| finding.verdict).max();
        let read = if self.error.is_some() { Verdict::Unknown } else { Verdict::Ok };
        found.unwrap_or_default().max(read)
    }
}

/// A tensor's bytes, outside of its pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storage {
    /// The name of its member, or of its part of a legacy file.
    pub key: String,
    /// Its class, as in `FloatStorage`.
    pub class: String,
    /// How many elements it has.
    pub elements: u64,
    /// How many of them are seen through it.
    pub view: u64,
}

/// How a pickle is judged.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JudgeOptions {
    /// Whether arrays of joblib's are followed by their raw numbers, as joblib writes them.
    pub raw_arrays: bool,
    /// Whether persistent ids are what the file's format uses them for, as `PyTorch` does.
    pub persistent_ids: bool,
    trace: Trace,
    nesting: u32,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        Self { raw_arrays: true, persistent_ids: false, trace: Trace::Nothing, nesting: 0 }
    }
}

impl JudgeOptions {
    /// Sets [`raw_arrays`](JudgeOptions::raw_arrays).
    #[must_use]
    pub fn raw_arrays(mut self, yes: bool) -> Self {
        self.raw_arrays = yes;
        self
    }

    /// Sets [`persistent_ids`](JudgeOptions::persistent_ids).
    #[must_use]
    pub fn persistent_ids(mut self, yes: bool) -> Self {
        self.persistent_ids = yes;
        self
    }

    /// Whether [`Judged::trace`] is kept.
    #[must_use]
    pub fn trace(mut self, yes: bool) -> Self {
        self.trace = if yes { Trace::Everything } else { Trace::Nothing };
        self
    }
}

/// Judges the pickle that begins at `start`, through its `STOP`; nothing is built or imported.
///
/// What comes before an error is judged all the same: a pickle does what it does before it breaks.
///
/// ```
/// use cannery_pickle::judge::{JudgeOptions, Verdict, judge};
///
/// let judged = judge(b"cos\nsystem\n(S'echo hi'\ntR.", 0, &JudgeOptions::default());
/// assert_eq!(judged.verdict(), Verdict::Danger);
/// assert_eq!(judged.findings[0].name, "os.system");
/// assert_eq!(judge(b"]q\0(K\x01K\x02e.", 0, &JudgeOptions::default()).verdict(), Verdict::Ok);
/// ```
#[must_use]
pub fn judge(data: &[u8], start: usize, options: &JudgeOptions) -> Judged {
    let mut judge = Judge::new(data, start, *options);
    let error = judge.run();
    judge.finish(error)
}

/// The instructions that put names of the table to a use that nobody vouches for, or do what no
/// data does. Other names are not looked at: they are for the caller to judge.
pub(crate) fn misuses(data: &[u8], start: usize, extensions: Extensions) -> Vec<Note> {
    let options = JudgeOptions {
        raw_arrays: false,
        persistent_ids: true,
        trace: Trace::Misuses,
        ..JudgeOptions::default()
    };
    let mut judge = Judge::new(data, start, options);
    judge.extensions = extensions;
    let error = judge.run();
    judge.finish(error).trace
}

/// Modules and names by their extension codes.
pub(crate) type Extensions = HashMap<i64, (String, String)>;

struct Judge<'a> {
    data: &'a [u8],
    ops: Ops<'a>,
    options: JudgeOptions,
    stack: Vec<Symbol>,
    /// Lengths of the stack at its marks.
    marks: Vec<usize>,
    memo: Vec<Symbol>,
    far_memo: HashMap<u64, Symbol>,
    memoized: u64,
    /// The items of all tuples, one behind the other.
    tuples: Vec<Symbol>,
    weights: HashMap<u64, f32>,
    names: Names,
    trails: Trails,
    storages: Vec<Storage>,
    trace: Vec<Note>,
    extensions: Extensions,
    opcodes: u64,
    raw: Vec<Range<usize>>,
    /// The array whose state was set last.
    array: ArrayState,
    dtypes: Dtypes,
    /// Integers too long for a word, by their hash.
    big_integers: HashMap<u64, Vec<u64>>,
    /// Offset and opcode of the instruction at hand.
    offset: usize,
    opcode: Opcode,
    done: bool,
}

type Step<T = ()> = Result<T, Error>;

impl<'a> Judge<'a> {
    fn new(data: &'a [u8], start: usize, options: JudgeOptions) -> Self {
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
            names: Names::default(),
            trails: Trails::new(),
            storages: Vec::new(),
            trace: Vec::new(),
            extensions: Extensions::new(),
            opcodes: 0,
            raw: Vec::new(),
            array: ArrayState::default(),
            dtypes: Dtypes::default(),
            big_integers: HashMap::new(),
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
                    // C's `loads` reads on, so the judge does; but the pickle stays suspect.
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

    fn walk(&mut self) -> Step {
        while !self.done {
            let (offset, opcode) = self.ops.opcode()?;
            self.offset = offset;
            self.opcode = opcode;
            self.opcodes += 1;
            self.step(opcode).map_err(|error| error.at_offset(offset as u64))?;
        }
        Ok(())
    }

    fn finish(mut self, error: Option<Error>) -> Judged {
        self.check_composites();
        // An error lies behind everything else that was found, and is not worse than that.
        if let Some(error) = &error {
            let reason = format!("cannot be read: {}", error.message());
            let offset = self.offset_of_error(Some(error));
            let finding = Finding::of_file(Verdict::Unknown, offset as u64, reason);
            self.trails.add(finding, Deed::Refers);
        }
        let profile = self.names.list.iter().filter_map(|name| name.profile).max();
        Judged {
            findings: self.trails.into_findings(),
            end: self.ops.position(),
            error,
            opcodes: self.opcodes,
            storages: self.storages,
            raw: self.raw,
            profile: profile.unwrap_or(Profile::Data),
            trace: self.trace,
        }
    }

    fn push_kind(&mut self, kind: Kind) {
        self.stack.push(Symbol::new(kind, 0, 0));
    }

    /// A new dict; those that may be the state of a joblib array, or the fields of a dtype, can be
    /// told from others.
    #[inline]
    fn push_dict(&mut self) {
        let is_told = self
            .stack
            .last()
            .is_some_and(|&before| before.kind() == Kind::Tuple || self.is_array_wrapper(before));
        let id = if is_told { self.offset as u64 + 1 } else { 0 };
        self.stack.push(Symbol::new(Kind::Dict, 0, id));
    }

    /// The length that the stack may not fall below.
    #[inline]
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    #[inline]
    fn pop(&mut self) -> Step<Symbol> {
        if self.stack.len() <= self.fence() {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    #[inline]
    fn top(&self) -> Step<Symbol> {
        match self.stack.last() {
            Some(&top) if self.stack.len() > self.fence() => Ok(top),
            _ => Err(underflow()),
        }
    }

    /// Where the uppermost `count` values begin.
    #[inline]
    fn below(&self, count: usize) -> Step<usize> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.fence() => Ok(start),
            _ => Err(underflow()),
        }
    }

    #[inline]
    fn pop_mark(&mut self) -> Step<usize> {
        self.marks.pop().ok_or_else(|| Error::new(ErrorKind::Syntax, "no `MARK` to go back to"))
    }

    fn make_tuple(&mut self, start: usize) {
        let tuple = self.take_tuple(start);
        self.stack.push(tuple);
    }

    /// Takes everything from `start` on off the stack, as a tuple.
    #[inline]
    fn take_tuple(&mut self, start: usize) -> Symbol {
        let at = self.tuples.len();
        let count = self.stack.len() - start;
        let mut tuple =
            Symbol::new(Kind::Tuple, u32::try_from(count).unwrap_or(u32::MAX), at as u64);
        let (mut found, mut nested) = (false, false);
        for item in &self.stack[start..] {
            found |= item.trail() != 0;
            nested |= item.kind() == Kind::Tuple;
            self.tuples.push(*item);
        }
        self.stack.truncate(start);
        if found {
            tuple.set_trail(self.trail_of_items(at));
        }
        if nested {
            self.weigh(at, count);
        }
        tuple
    }

    #[cold]
    fn trail_of_items(&mut self, at: usize) -> u16 {
        if self.is_guarded_only(at) {
            return GUARDED;
        }
        let mut trail = 0;
        for index in 0..self.tuples.len() - at {
            let inner = self.settled_trail(self.tuples[at + index]);
            if inner != 0 {
                trail = self.trails.attach(trail, inner, Some(&Segment::Index(index as u64)));
            }
        }
        trail
    }

    /// Whether guarded names are all that there is to say about a tuple: its call decides.
    fn is_guarded_only(&self, at: usize) -> bool {
        let is_fine =
            |item: &Symbol| matches!((item.trail(), item.kind()), (0, _) | (GUARDED, Kind::Global));
        self.tuples[at..].iter().all(is_fine)
    }

    /// The trail of a value that is kept; a guarded name in it is a finding from here on.
    #[inline]
    fn settled_trail(&mut self, value: Symbol) -> u16 {
        if value.trail() == GUARDED { self.settle(value) } else { value.trail() }
    }

    #[cold]
    fn settle(&mut self, value: Symbol) -> u16 {
        if value.kind() == Kind::Global {
            return self.keep_guarded(value.size());
        }
        let names: Vec<_> =
            self.items(value).iter().filter(|i| i.trail() == GUARDED).copied().collect();
        names.into_iter().fold(0, |trail, name| {
            let kept = self.keep_guarded(name.size());
            self.merge(trail, kept)
        })
    }

    /// Keeps how much there is inside of a tuple of tuples: they may share what they hold, and
    /// every level double the time that hashing takes.
    fn weigh(&mut self, at: usize, count: usize) {
        let items = &self.tuples[at..at + count];
        let weight: f32 = items.iter().map(|item| self.weight(*item)).sum();
        // Those that weigh what they hold need no entry.
        if weight > 64.0 {
            self.weights.insert(at as u64, weight);
        }
    }

    fn weight(&self, symbol: Symbol) -> f32 {
        if symbol.kind() != Kind::Tuple {
            return 1.0;
        }
        self.weights.get(&symbol.at).copied().unwrap_or(64.0)
    }

    /// Keeps integers that are longer than a word: Python hashes them modulo 2^61 - 1, so that many
    /// with the same hash make a dict that takes hours to fill.
    #[cold]
    fn big_integer(&mut self, value: &BigInt) {
        const MODULUS: u64 = (1 << 61) - 1;
        const MAX_SAME: usize = 512;
        const MAX_BITS: u64 = 1 << 14;
        self.stack.push(Symbol::DATA);
        if value.bits() > MAX_BITS {
            return;
        }
        let hash = u64::try_from(value.magnitude() % MODULUS).unwrap_or(0);
        let same = self.big_integers.entry(hash).or_default();
        let print = value.iter_u64_digits().fold(value.bits(), |print, digit| {
            (print ^ digit).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        });
        if same.len() > MAX_SAME || same.contains(&print) {
            return;
        }
        same.push(print);
        if same.len() > MAX_SAME {
            self.note_bomb("integers that all have the same hash: a bomb");
        }
    }

    fn collect(&mut self, kind: Kind) -> Step {
        let start = self.pop_mark()?;
        let id = if kind == Kind::Dict { self.offset as u64 + 1 } else { 0 };
        self.stack.insert(start, Symbol::new(kind, 0, id));
        match kind {
            Kind::Dict => self.set_items(start + 1),
            _ => self.append(start + 1, kind),
        }
    }

    /// Puts everything from `start` on into the list or set below it.
    #[inline]
    fn append(&mut self, start: usize, kind: Kind) -> Step {
        let Some(parent) = start.checked_sub(1).filter(|&parent| parent >= self.fence()) else {
            return Err(underflow());
        };
        let count = self.stack.len() - start;
        let into = self.stack[parent];
        if into.kind() != kind {
            self.check_items(into);
        }
        let mut found = false;
        for item in &self.stack[start..] {
            found |= item.trail() != 0;
        }
        if found {
            self.attach_items(parent, start);
        }
        if kind == Kind::Set {
            self.check_weights(start, 1);
        }
        let size = into.size().saturating_add(count_of(into.kind(), count));
        self.stack[parent].set_size(size);
        self.stack.truncate(start);
        Ok(())
    }

    #[cold]
    fn attach_items(&mut self, parent: usize, start: usize) {
        for index in start..self.stack.len() {
            let inner = self.settled_trail(self.stack[index]);
            if inner != 0 {
                let at = u64::from(self.stack[parent].size()) + (index - start) as u64;
                let trail = self.stack[parent].trail();
                let trail = self.trails.attach(trail, inner, Some(&Segment::Index(at)));
                self.stack[parent].set_trail(trail);
            }
        }
    }

    /// Sets the pairs from `start` on in the dict below them.
    #[inline]
    fn set_items(&mut self, start: usize) -> Step {
        let Some(parent) = start.checked_sub(1).filter(|&parent| parent >= self.fence()) else {
            return Err(underflow());
        };
        let count = self.stack.len() - start;
        if !count.is_multiple_of(2) {
            return Err(Error::new(ErrorKind::Syntax, "a key without a value"));
        }
        let into = self.stack[parent];
        if into.kind() != Kind::Dict {
            self.check_items(into);
        } else if into.at != 0 {
            self.state_of_array(parent, start);
        }
        let mut found = false;
        for item in &self.stack[start..] {
            found |= item.trail() != 0;
        }
        if found {
            self.attach_pairs(parent, start);
        }
        self.check_weights(start, 2);
        self.stack.truncate(start);
        Ok(())
    }

    #[cold]
    fn attach_pairs(&mut self, parent: usize, start: usize) {
        for index in start..self.stack.len() {
            let inner = self.settled_trail(self.stack[index]);
            if inner != 0 {
                let key = self.stack[start + (index - start) / 2 * 2];
                let step = match self.text(key) {
                    Some(text) if (index - start) % 2 == 1 => Segment::Key((&*text).into()),
                    _ => Segment::Entry(self.show(key)),
                };
                let trail = self.stack[parent].trail();
                let trail = self.trails.attach(trail, inner, Some(&step));
                self.stack[parent].set_trail(trail);
            }
        }
    }

    /// Keys and members of sets are hashed, and so is everything inside of them.
    #[inline]
    fn check_weights(&mut self, start: usize, step: usize) {
        if self.weights.is_empty() {
            return;
        }
        let heaviest = self.stack[start..].iter().step_by(step).map(|key| self.weight(*key));
        if heaviest.fold(0.0, f32::max) > MAX_WEIGHT {
            self.note_bomb("a key that takes long to hash, or hours: a bomb");
        }
    }

    #[inline]
    fn memoize(&mut self, index: u64, symbol: Symbol) {
        match usize::try_from(index) {
            Ok(index) if index < self.memo.len() => {
                self.memoized += u64::from(self.memo[index].kind() == Kind::Missing);
                self.memo[index] = symbol;
            }
            Ok(index) if index == self.memo.len() => {
                self.memoized += 1;
                self.memo.push(symbol);
            }
            Ok(index) if index < self.memo.len() + DENSE_MEMO => {
                self.memoized += 1;
                self.memo.resize(index + 1, Symbol::MISSING);
                self.memo[index] = symbol;
            }
            _ => {
                self.memoized += u64::from(self.far_memo.insert(index, symbol).is_none());
                if index > FREE_MEMO_INDEX && index / 16 > self.memoized {
                    let reason = "a memo index that makes readers allocate memory: a bomb";
                    self.note_bomb(reason);
                }
            }
        }
    }

    #[inline]
    fn get(&mut self, index: u64) -> Step {
        if let Some(&symbol) = usize::try_from(index).ok().and_then(|index| self.memo.get(index))
            && symbol.kind() != Kind::Missing
        {
            self.stack.push(symbol);
            return Ok(());
        }
        self.get_far(index)
    }

    #[cold]
    fn get_far(&mut self, index: u64) -> Step {
        let Some(&symbol) = self.far_memo.get(&index) else {
            let message = format!("memo entry {index} was never written");
            return Err(Error::new(ErrorKind::Reference, message));
        };
        self.stack.push(symbol);
        Ok(())
    }

    /// The text of a symbol that is one.
    fn text(&self, symbol: Symbol) -> Option<Cow<'a, str>> {
        let bytes = self.bytes(symbol)?;
        match symbol.kind() {
            Kind::Text => Some(String::from_utf8_lossy(bytes)),
            Kind::EscapedText => {
                let text = literal::escaped(bytes).ok()?;
                Some(Cow::Owned(text.as_text().to_str_lossy().into_owned()))
            }
            Kind::QuotedText => {
                let text = literal::quoted(bytes).ok()?;
                Some(Cow::Owned(String::from_utf8_lossy(&text).into_owned()))
            }
            _ => None,
        }
    }

    /// The part of the data that a symbol stands for.
    fn bytes(&self, symbol: Symbol) -> Option<&'a [u8]> {
        if !symbol.is_text() && symbol.kind() != Kind::Bytes {
            return None;
        }
        let at = usize::try_from(symbol.at).ok()?;
        self.data.get(at..at + symbol.size() as usize)
    }

    /// The items of a symbol that is a tuple.
    fn items(&self, symbol: Symbol) -> &[Symbol] {
        if symbol.kind() != Kind::Tuple {
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

/// Only lists know where their items are.
fn count_of(kind: Kind, count: usize) -> u32 {
    if kind == Kind::List { u32::try_from(count).unwrap_or(u32::MAX) } else { 0 }
}

#[cold]
fn underflow() -> Error {
    Error::new(ErrorKind::Syntax, "an opcode that takes more than there is on the stack")
}
