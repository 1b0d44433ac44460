//! The machine that a pickle is a program for: a stack, marks, a memo, and a heap to work on.

use cannery_core::{Error, ErrorKind, Result};

use crate::heap::Heap;
use crate::literal;
use crate::memo::Memo;
use crate::opcode::Opcode;
use crate::read::Ops;

/// The newest protocol there is.
pub const HIGHEST_PROTOCOL: u8 = 5;

/// Runs one pickle on a heap. Depth costs memory here, never stack.
pub struct Machine<'a, H: Heap> {
    /// What it works on.
    pub heap: H,
    /// What was put aside so far.
    pub memo: Memo<H::Ref>,
    ops: Ops<'a>,
    stack: Vec<H::Ref>,
    marks: Vec<usize>,
    /// Where the innermost mark lies; what is below cannot be popped.
    fence: usize,
}

impl<'a, H: Heap> Machine<'a, H> {
    /// A machine that will run the pickle at which `ops` stands.
    pub fn new(ops: Ops<'a>, heap: H) -> Self {
        let (stack, marks) = (Vec::with_capacity(64), Vec::with_capacity(16));
        Self { heap, memo: Memo::default(), ops, stack, marks, fence: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.ops.position()
    }

    /// How many values lie on the stack; those that no value took yet, after a failure.
    pub fn stack(&self) -> &[H::Ref] {
        &self.stack
    }

    /// Runs through `STOP` and returns what lies on the stack then.
    ///
    /// # Errors
    /// Those of the stream and of the heap, each with the offset of its opcode.
    pub fn run(&mut self) -> Result<H::Ref> {
        loop {
            let (at, opcode) = self.ops.opcode()?;
            match self.step(at, opcode) {
                Ok(None) => {}
                Ok(Some(value)) => return Ok(value),
                Err(error) => return Err(error.at_offset(at as u64)),
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is the body of the one loop")]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn step(&mut self, at: usize, opcode: Opcode) -> Result<Option<H::Ref>> {
        let value = match opcode {
            Opcode::ShortBinUnicode => {
                let bytes = self.short()?;
                self.heap.text(bytes)?
            }
            Opcode::BinUnicode => {
                let bytes = self.medium()?;
                self.heap.text(bytes)?
            }
            Opcode::BinUnicode8 => {
                let bytes = self.long()?;
                self.heap.text(bytes)?
            }
            Opcode::Memoize => {
                let top = self.top()?.clone();
                self.memo.put(self.memo.len() as u64, top);
                return Ok(None);
            }
            Opcode::BinGet => {
                let index = u8::from_le_bytes(self.ops.word()?);
                self.memoized(index.into())?
            }
            Opcode::LongBinGet => {
                let index = u32::from_le_bytes(self.ops.word()?);
                self.memoized(index.into())?
            }
            Opcode::Get => {
                let index = literal::index(self.ops.line()?)?;
                self.memoized(index)?
            }
            Opcode::BinPut => {
                let index = u8::from_le_bytes(self.ops.word()?);
                return self.put(index.into());
            }
            Opcode::LongBinPut => {
                let index = u32::from_le_bytes(self.ops.word()?);
                return self.put(index.into());
            }
            Opcode::Put => {
                let index = literal::index(self.ops.line()?)?;
                return self.put(index);
            }
            Opcode::BinInt1 => {
                let value = u8::from_le_bytes(self.ops.word()?);
                self.heap.int(value.into())?
            }
            Opcode::BinInt2 => {
                let value = u16::from_le_bytes(self.ops.word()?);
                self.heap.int(value.into())?
            }
            Opcode::BinInt => {
                let value = i32::from_le_bytes(self.ops.word()?);
                self.heap.int(value.into())?
            }
            Opcode::BinFloat => {
                let value = f64::from_be_bytes(self.ops.word()?);
                self.heap.float(value)?
            }
            Opcode::None => self.heap.none()?,
            Opcode::NewTrue => self.heap.bool(true)?,
            Opcode::NewFalse => self.heap.bool(false)?,
            Opcode::EmptyTuple => self.gather(self.stack.len(), H::tuple)?,
            Opcode::EmptyList => self.gather(self.stack.len(), H::list)?,
            Opcode::EmptyDict => self.gather(self.stack.len(), H::dict)?,
            Opcode::EmptySet => self.heap.set()?,
            Opcode::Tuple1 => self.gather_last(1)?,
            Opcode::Tuple2 => self.gather_last(2)?,
            Opcode::Tuple3 => self.gather_last(3)?,
            Opcode::Mark => {
                self.marks.push(self.stack.len());
                self.fence = self.stack.len();
                return Ok(None);
            }
            Opcode::SetItems => {
                let start = self.pop_mark()?;
                return self.set_items(start, at);
            }
            Opcode::SetItem => {
                let start = self.stack.len().checked_sub(2).ok_or_else(underflow)?;
                return self.set_items(start, at);
            }
            Opcode::Appends => {
                let start = self.pop_mark()?;
                return self.extend(start, at);
            }
            Opcode::Append => {
                let item = self.pop()?;
                let list = self.top()?.clone();
                return self.heap.append(&list, item, at).map(|()| None);
            }
            Opcode::AddItems => {
                let start = self.pop_mark()?;
                let set = self.below(start)?;
                self.heap.add_items(&set, self.stack.drain(start..), at)?;
                return Ok(None);
            }
            Opcode::Tuple => {
                let start = self.pop_mark()?;
                self.gather(start, H::tuple)?
            }
            Opcode::List => {
                let start = self.pop_mark()?;
                self.gather(start, H::list)?
            }
            Opcode::Dict => {
                let start = self.pop_mark()?;
                self.even(start)?;
                self.gather(start, H::dict)?
            }
            Opcode::FrozenSet => {
                let start = self.pop_mark()?;
                self.gather(start, H::frozenset)?
            }
            Opcode::ShortBinBytes => {
                let bytes = self.short()?;
                self.heap.bytes(bytes)?
            }
            Opcode::BinBytes => {
                let bytes = self.medium()?;
                self.heap.bytes(bytes)?
            }
            Opcode::BinBytes8 => {
                let bytes = self.long()?;
                self.heap.bytes(bytes)?
            }
            Opcode::ByteArray8 => {
                let bytes = self.long()?;
                self.heap.bytearray(bytes)?
            }
            Opcode::ShortBinString => {
                let bytes = self.short()?;
                self.heap.string(bytes)?
            }
            Opcode::BinString => {
                let bytes = self.signed()?;
                self.heap.string(bytes)?
            }
            Opcode::String => {
                let bytes = literal::quoted(self.ops.line()?)?;
                self.heap.string(&bytes)?
            }
            Opcode::Unicode => {
                let line = self.ops.line()?;
                self.heap.escaped_text(line)?
            }
            Opcode::Int => {
                let line = self.ops.line()?;
                self.heap.short_line(line)?
            }
            Opcode::Long => {
                let line = self.ops.line()?;
                self.heap.long_line(line)?
            }
            Opcode::Float => {
                let line = self.ops.line()?;
                self.heap.float_line(line)?
            }
            Opcode::Long1 => {
                let bytes = self.short()?;
                self.two_complement(bytes)?
            }
            Opcode::Long4 => {
                let bytes = self.signed()?;
                self.two_complement(bytes)?
            }
            Opcode::Build => {
                let state = self.pop()?;
                let object = self.top()?.clone();
                return self.heap.build(&object, state, at).map(|()| None);
            }
            Opcode::Reduce => {
                let (callable, arguments) = self.pop_two()?;
                self.heap.reduce(callable, arguments, at)?
            }
            Opcode::NewObj => {
                let (class, arguments) = self.pop_two()?;
                self.heap.new_object(class, arguments, None, at)?
            }
            Opcode::NewObjEx => {
                let keywords = self.pop()?;
                let (class, arguments) = self.pop_two()?;
                self.heap.new_object(class, arguments, Some(keywords), at)?
            }
            Opcode::StackGlobal => {
                let (module, name) = self.pop_two()?;
                self.heap.stack_global(module, name, at)?
            }
            Opcode::Global => {
                let (module, name) = (self.ops.line()?, self.ops.line()?);
                self.heap.global(module, name, at)?
            }
            Opcode::Inst => {
                let (module, name) = (self.ops.line()?, self.ops.line()?);
                let start = self.pop_mark()?;
                let class = self.heap.global(module, name, at)?;
                self.heap.instance(class, self.stack.drain(start..), at)?
            }
            Opcode::Obj => {
                let start = self.pop_mark()?;
                if start >= self.stack.len() {
                    return Err(underflow());
                }
                let mut items = self.stack.drain(start..);
                let Some(class) = items.next() else { return Err(underflow()) };
                self.heap.instance(class, items, at)?
            }
            Opcode::Ext1 => {
                let code = u8::from_le_bytes(self.ops.word()?);
                self.heap.extension(code.into(), at)?
            }
            Opcode::Ext2 => {
                let code = u16::from_le_bytes(self.ops.word()?);
                self.heap.extension(code.into(), at)?
            }
            Opcode::Ext4 => {
                let code = i32::from_le_bytes(self.ops.word()?);
                self.heap.extension(code.into(), at)?
            }
            Opcode::PersId => {
                let id = self.ops.line()?;
                self.heap.persistent_line(id, at)?
            }
            Opcode::BinPersId => {
                let id = self.pop()?;
                self.heap.persistent(id, at)?
            }
            Opcode::NextBuffer => self.heap.next_buffer(at)?,
            Opcode::ReadonlyBuffer => {
                let buffer = self.pop()?;
                self.heap.readonly_buffer(buffer, at)?
            }
            Opcode::Pop => return self.discard().map(|()| None),
            Opcode::PopMark => {
                let start = self.pop_mark()?;
                self.stack.truncate(start);
                return Ok(None);
            }
            Opcode::Dup => self.top()?.clone(),
            Opcode::Frame => {
                let size = u64::from_le_bytes(self.ops.word()?);
                return self.ops.enter_frame(at, size).map(|()| None);
            }
            Opcode::Proto => {
                let [protocol] = self.ops.word()?;
                check_protocol(protocol)?;
                self.heap.protocol(protocol);
                return Ok(None);
            }
            Opcode::Stop => {
                self.ops.stop(at)?;
                return self.pop().map(Some);
            }
        };
        self.stack.push(value);
        Ok(None)
    }

    #[inline]
    fn short(&mut self) -> Result<&'a [u8]> {
        let [size] = self.ops.word()?;
        self.ops.span(size.into())
    }

    #[inline]
    fn medium(&mut self) -> Result<&'a [u8]> {
        let size = u32::from_le_bytes(self.ops.word()?);
        self.ops.span(size.into())
    }

    fn long(&mut self) -> Result<&'a [u8]> {
        let size = u64::from_le_bytes(self.ops.word()?);
        self.ops.span(size)
    }

    fn signed(&mut self) -> Result<&'a [u8]> {
        let size = i32::from_le_bytes(self.ops.word()?);
        self.ops.span(u64::try_from(size).map_err(|_| negative(size))?)
    }

    fn two_complement(&mut self, bytes: &[u8]) -> Result<H::Ref> {
        match literal::binary_integer(bytes) {
            literal::Integer::Big(_) => self.heap.big_int(bytes),
            small => self.heap.integer(small),
        }
    }

    #[inline]
    fn top(&self) -> Result<&H::Ref> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.fence => Ok(top),
            _ => Err(self.nothing()),
        }
    }

    #[inline]
    fn pop(&mut self) -> Result<H::Ref> {
        if self.stack.len() <= self.fence {
            return Err(self.nothing());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    #[inline]
    fn pop_two(&mut self) -> Result<(H::Ref, H::Ref)> {
        let second = self.pop()?;
        Ok((self.pop()?, second))
    }

    /// Takes the innermost mark away and tells where it lay.
    #[inline]
    fn pop_mark(&mut self) -> Result<usize> {
        let mark = self.marks.pop().ok_or_else(no_mark)?;
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }

    /// What lies right below; it has to be above the next mark.
    #[inline]
    fn below(&self, start: usize) -> Result<H::Ref> {
        if start <= self.fence || start > self.stack.len() {
            return Err(self.nothing());
        }
        Ok(self.stack[start - 1].clone())
    }

    #[inline]
    fn gather(
        &mut self,
        start: usize,
        make: impl FnOnce(&mut H, std::vec::Drain<'_, H::Ref>) -> Result<H::Ref>,
    ) -> Result<H::Ref> {
        make(&mut self.heap, self.stack.drain(start..))
    }

    #[inline]
    fn gather_last(&mut self, count: usize) -> Result<H::Ref> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.fence => self.gather(start, H::tuple),
            _ => Err(self.nothing()),
        }
    }

    fn even(&self, start: usize) -> Result<()> {
        let even = (self.stack.len() - start).is_multiple_of(2);
        even.then_some(()).ok_or_else(|| syntax("odd number of items for a dictionary"))
    }

    #[inline]
    fn set_items(&mut self, start: usize, at: usize) -> Result<Option<H::Ref>> {
        let dict = self.below(start)?;
        self.even(start)?;
        self.heap.set_items(&dict, self.stack.drain(start..), at)?;
        Ok(None)
    }

    #[inline]
    fn extend(&mut self, start: usize, at: usize) -> Result<Option<H::Ref>> {
        let list = self.below(start)?;
        self.heap.extend(&list, self.stack.drain(start..), at)?;
        Ok(None)
    }

    #[inline]
    fn memoized(&self, index: u64) -> Result<H::Ref> {
        self.memo.get(index).cloned().ok_or_else(|| missing(index))
    }

    #[inline]
    fn put(&mut self, index: u64) -> Result<Option<H::Ref>> {
        let top = self.top()?.clone();
        self.memo.put(index, top);
        Ok(None)
    }

    /// `POP`, which takes a mark away when it lies on top.
    fn discard(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.pop_mark()?;
            return Ok(());
        }
        self.pop().map(drop)
    }

    #[cold]
    fn nothing(&self) -> Error {
        if self.marks.is_empty() { underflow() } else { syntax("unexpected MARK found") }
    }
}

fn check_protocol(protocol: u8) -> Result<()> {
    if protocol <= HIGHEST_PROTOCOL {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Version, format!("unsupported pickle protocol: {protocol}")))
}

#[cold]
fn syntax(message: &'static str) -> Error {
    Error::new(ErrorKind::Syntax, message)
        .with_hint("the file is damaged, or was made to confuse its readers")
}

#[cold]
fn underflow() -> Error {
    syntax("unpickling stack underflow")
}

#[cold]
fn no_mark() -> Error {
    syntax("could not find MARK")
}

#[cold]
fn missing(index: u64) -> Error {
    Error::new(ErrorKind::Reference, format!("memo value not found at index {index}"))
        .with_hint("the file is damaged, or was cut out of a larger one")
}

#[cold]
fn negative(size: i32) -> Error {
    Error::new(ErrorKind::Syntax, format!("a negative length of {size} bytes"))
}
