//! The analyzer's stack, marks and memo, and what is put into containers on it.

use cannery_core::{Error, ErrorKind, Segment};

use super::finding::GUARDED;
use super::symbol::{Symbol, SymbolKind};
use super::{Analyzer, Checked};
use crate::costs::is_costly_header;

/// The memo index from which on an index must have been earned by as many entries.
const FREE_MEMO_INDEX: u64 = 1 << 20;
/// Memo indices beyond this many are kept apart, so that nothing is allocated because a pickle claims.
const DENSE_MEMO: usize = 1 << 16;
/// Hashing a tuple visits all that is inside of it; beyond this that takes longer than a second.
const MAX_WEIGHT: f32 = 1e8;
/// Levels of a key; C's `hash` does not count them.
const MAX_KEY_DEPTH: u16 = 500;

impl Analyzer<'_> {
    pub(super) fn push_kind(&mut self, kind: SymbolKind) {
        self.stack.push(Symbol::new(kind, 0, 0));
    }

    /// A new dict; those that may be the state of a joblib array, or the fields of a dtype, can be
    /// told from others.
    #[inline]
    pub(super) fn push_dict(&mut self) {
        let is_told = self.stack.last().is_some_and(|&before| {
            before.kind() == SymbolKind::Tuple || self.is_array_wrapper(before)
        });
        let id = if is_told { self.offset as u64 + 1 } else { 0 };
        self.stack.push(Symbol::new(SymbolKind::Dict, 0, id));
    }

    /// The length that the stack may not fall below.
    #[inline]
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Checked<Symbol> {
        if self.stack.len() <= self.fence() {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    #[inline]
    pub(super) fn top(&self) -> Checked<Symbol> {
        match self.stack.last() {
            Some(&top) if self.stack.len() > self.fence() => Ok(top),
            _ => Err(underflow()),
        }
    }

    /// Where the uppermost `count` values begin.
    #[inline]
    pub(super) fn below(&self, count: usize) -> Checked<usize> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.fence() => Ok(start),
            _ => Err(underflow()),
        }
    }

    #[inline]
    pub(super) fn pop_mark(&mut self) -> Checked<usize> {
        self.marks.pop().ok_or_else(|| Error::new(ErrorKind::Syntax, "no `MARK` to go back to"))
    }

    pub(super) fn make_tuple(&mut self, start: usize) {
        let tuple = self.take_tuple(start);
        self.stack.push(tuple);
    }

    /// Takes everything from `start` on off the stack, as a tuple.
    #[inline]
    pub(super) fn take_tuple(&mut self, start: usize) -> Symbol {
        let at = self.tuples.len();
        let count = self.stack.len() - start;
        let mut tuple =
            Symbol::new(SymbolKind::Tuple, u32::try_from(count).unwrap_or(u32::MAX), at as u64);
        if count == 2 && self.names.has_mails {
            self.check_header_pair(self.stack[start], self.stack[start + 1]);
        }
        let (mut found, mut nested) = (false, false);
        for item in &self.stack[start..] {
            found |= item.trail() != 0;
            nested |= item.kind() == SymbolKind::Tuple;
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
        let is_fine = |item: &Symbol| {
            matches!((item.trail(), item.kind()), (0, _) | (GUARDED, SymbolKind::Global))
        };
        self.tuples[at..].iter().all(is_fine)
    }

    /// The trail of a value that is kept; a guarded name in it is a finding from here on.
    #[inline]
    pub(super) fn settled_trail(&mut self, value: Symbol) -> u16 {
        if value.trail() == GUARDED { self.settle(value) } else { value.trail() }
    }

    #[cold]
    fn settle(&mut self, value: Symbol) -> u16 {
        if value.kind() == SymbolKind::Global {
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
        let depth = items.iter().map(|item| self.tuple_depth(*item)).max().unwrap_or(0);
        // Those that weigh what they hold need no entry.
        if weight > 64.0 {
            self.weights.insert(at as u64, weight);
        }
        if self.tuple_depths.len() <= at {
            self.tuple_depths.resize(at + 1, 0);
        }
        self.tuple_depths[at] = depth;
        self.deepest_tuple = self.deepest_tuple.max(depth);
    }

    fn weight(&self, symbol: Symbol) -> f32 {
        if symbol.kind() != SymbolKind::Tuple {
            return 1.0;
        }
        self.weights.get(&symbol.at).copied().unwrap_or(64.0)
    }

    /// Levels of tuples that a value is, counted no further than a `u16` goes.
    fn tuple_depth(&self, symbol: Symbol) -> u16 {
        if symbol.kind() != SymbolKind::Tuple || symbol.size() == 0 {
            return 0;
        }
        let at = usize::try_from(symbol.at).unwrap_or(usize::MAX);
        self.tuple_depths.get(at).copied().unwrap_or(0).saturating_add(1)
    }

    /// An integer that is longer than a word, as a reader may be told that its keys are.
    #[cold]
    pub(super) fn big_integer(&mut self) {
        self.stack.push(Symbol::DATA);
        self.keys += 1;
    }

    pub(super) fn collect(&mut self, kind: SymbolKind) -> Checked {
        let start = self.pop_mark()?;
        let id = if kind == SymbolKind::Dict { self.offset as u64 + 1 } else { 0 };
        self.stack.insert(start, Symbol::new(kind, 0, id));
        match kind {
            SymbolKind::Dict => self.set_items(start + 1),
            _ => self.append(start + 1, kind),
        }
    }

    /// Puts everything from `start` on into the list or set below it.
    #[inline]
    pub(super) fn append(&mut self, start: usize, kind: SymbolKind) -> Checked {
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
        if kind == SymbolKind::Set {
            self.check_keys(start, 1);
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
    pub(super) fn set_items(&mut self, start: usize) -> Checked {
        let Some(parent) = start.checked_sub(1).filter(|&parent| parent >= self.fence()) else {
            return Err(underflow());
        };
        let count = self.stack.len() - start;
        if !count.is_multiple_of(2) {
            return Err(Error::new(ErrorKind::Syntax, "a key without a value"));
        }
        let into = self.stack[parent];
        if into.kind() != SymbolKind::Dict {
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
        self.check_keys(start, 2);
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
    fn check_keys(&mut self, start: usize, step: usize) {
        for key in self.stack[start..].iter().step_by(step) {
            self.keys += u64::from(!(key.kind() == SymbolKind::Int || key.is_text()));
        }
        if self.weights.is_empty() && self.deepest_tuple <= MAX_KEY_DEPTH {
            return;
        }
        let keys = || self.stack[start..].iter().step_by(step);
        let heaviest = keys().map(|key| self.weight(*key)).fold(0.0, f32::max);
        let deepest = keys().map(|key| self.tuple_depth(*key)).max().unwrap_or(0);
        if heaviest > MAX_WEIGHT {
            self.note_bomb("a key that takes long to hash, or hours: a resource bomb");
        } else if deepest > MAX_KEY_DEPTH {
            self.note_bomb("a key so deep that hashing it overflows the stack: a resource bomb");
        }
    }

    #[inline]
    pub(super) fn memoize(&mut self, index: u64, symbol: Symbol) {
        match usize::try_from(index) {
            Ok(index) if index < self.memo.len() => {
                self.memoized += u64::from(self.memo[index].kind() == SymbolKind::Missing);
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
                    let reason = "a memo index that makes readers allocate memory: a resource bomb";
                    self.note_bomb(reason);
                }
            }
        }
    }

    #[inline]
    pub(super) fn get(&mut self, index: u64) -> Checked {
        if let Some(&symbol) = usize::try_from(index).ok().and_then(|index| self.memo.get(index))
            && symbol.kind() != SymbolKind::Missing
        {
            self.references += u64::from(holds_much(symbol));
            self.stack.push(symbol);
            return Ok(());
        }
        self.get_far(index)
    }

    #[cold]
    fn get_far(&mut self, index: u64) -> Checked {
        let Some(&symbol) = self.far_memo.get(&index) else {
            let message = format!("memo entry {index} was never written");
            return Err(Error::new(ErrorKind::Reference, message));
        };
        self.references += u64::from(holds_much(symbol));
        self.stack.push(symbol);
        Ok(())
    }

    /// Headers of a mail, which its classes take apart.
    pub(super) fn check_header_pair(&mut self, name: Symbol, value: Symbol) {
        let (Some(name), Some(value)) = (self.text(name), self.text(value)) else { return };
        if is_costly_header(&name, &value) {
            self.note_bomb("a header of a mail that is too long: a resource bomb");
        }
    }
}

/// Whether going through a value, or copying it, is more work than a reference to it.
#[inline]
fn holds_much(symbol: Symbol) -> bool {
    const SHORT: u32 = 256;
    let kind = symbol.kind();
    matches!(kind, SymbolKind::List | SymbolKind::Dict | SymbolKind::Set | SymbolKind::Tuple)
        || symbol.size() > SHORT
}

/// Only lists know where their items are.
fn count_of(kind: SymbolKind, count: usize) -> u32 {
    if kind == SymbolKind::List { u32::try_from(count).unwrap_or(u32::MAX) } else { 0 }
}

#[cold]
pub(super) fn underflow() -> Error {
    Error::new(ErrorKind::Syntax, "an opcode that takes more than there is on the stack")
}
