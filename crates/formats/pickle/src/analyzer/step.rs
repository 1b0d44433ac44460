//! One instruction: what every opcode does to the analyzer's stack and memo.

use cannery_core::{Error, ErrorKind};

use super::stack::underflow;
use super::symbol::{Symbol, SymbolKind};
use super::{Analyzer, Checked};
use crate::literal;
use crate::opcode::Opcode;

impl Analyzer<'_> {
    /// Carries out the instruction whose opcode was just read; its argument is read on the way.
    #[inline]
    #[expect(clippy::too_many_lines, reason = "one table: what every opcode does")]
    pub(super) fn step(&mut self, opcode: Opcode) -> Checked {
        match opcode {
            Opcode::BinInt1 => {
                let value = self.byte()?;
                self.stack.push(Symbol::int(value.into()));
            }
            Opcode::BinInt2 => {
                let value = u16::from_le_bytes(self.ops.word()?);
                self.stack.push(Symbol::int(value.into()));
            }
            Opcode::BinInt => {
                let value = i32::from_le_bytes(self.ops.word()?);
                self.stack.push(Symbol::int(value.into()));
            }
            Opcode::Int => match literal::short_integer(self.ops.line()?)? {
                literal::Integer::Small(value) => self.stack.push(Symbol::int(value)),
                literal::Integer::Bool(yes) => {
                    self.push_kind(if yes { SymbolKind::True } else { SymbolKind::False });
                }
                literal::Integer::Big(_) => self.big_integer(),
            },
            Opcode::Long => {
                let value = literal::long_integer(self.ops.line()?)?;
                self.integer(&value);
            }
            Opcode::Long1 => {
                let size = self.byte()?;
                let value = literal::binary_integer(self.ops.span(size.into())?);
                self.integer(&value);
            }
            Opcode::Long4 => {
                let size = self.signed_size()?;
                let value = literal::binary_integer(self.ops.span(size)?);
                self.integer(&value);
            }
            Opcode::Float => {
                literal::float(self.ops.line()?)?;
                self.stack.push(Symbol::DATA);
            }
            Opcode::BinFloat => {
                self.ops.word::<8>()?;
                self.stack.push(Symbol::DATA);
            }
            Opcode::NextBuffer => self.stack.push(Symbol::DATA),
            Opcode::ShortBinUnicode | Opcode::ShortBinString => {
                let size = self.byte()?;
                self.part(SymbolKind::Text, size.into())?;
            }
            Opcode::BinUnicode => {
                let size = self.size()?;
                self.part(SymbolKind::Text, size)?;
            }
            Opcode::BinUnicode8 => {
                let size = self.long_size()?;
                self.part(SymbolKind::Text, size)?;
            }
            Opcode::BinString => {
                let size = self.signed_size()?;
                self.part(SymbolKind::Text, size)?;
            }
            Opcode::Unicode => {
                let line = self.ops.line()?;
                self.stack.push(Symbol::part(SymbolKind::EscapedText, self.data, line));
            }
            Opcode::String => {
                let line = self.ops.line()?;
                literal::quoted(line)?;
                self.stack.push(Symbol::part(SymbolKind::QuotedText, self.data, line));
            }
            Opcode::ShortBinBytes => {
                let size = self.byte()?;
                self.part(SymbolKind::Bytes, size.into())?;
            }
            Opcode::BinBytes => {
                let size = self.size()?;
                self.part(SymbolKind::Bytes, size)?;
            }
            Opcode::BinBytes8 | Opcode::ByteArray8 => {
                let size = self.long_size()?;
                self.part(SymbolKind::Bytes, size)?;
            }
            Opcode::None => self.push_kind(SymbolKind::None),
            Opcode::NewTrue => self.push_kind(SymbolKind::True),
            Opcode::NewFalse => self.push_kind(SymbolKind::False),
            Opcode::EmptyList => self.push_kind(SymbolKind::List),
            Opcode::EmptyDict => self.push_dict(),
            Opcode::EmptySet => self.push_kind(SymbolKind::Set),
            Opcode::EmptyTuple => self.push_kind(SymbolKind::Tuple),
            Opcode::Tuple1 => self.make_tuple(self.below(1)?),
            Opcode::Tuple2 => self.make_tuple(self.below(2)?),
            Opcode::Tuple3 => self.make_tuple(self.below(3)?),
            Opcode::Tuple => {
                let start = self.pop_mark()?;
                self.make_tuple(start);
            }
            Opcode::List => self.collect(SymbolKind::List)?,
            Opcode::Dict => self.collect(SymbolKind::Dict)?,
            Opcode::FrozenSet => self.collect(SymbolKind::Set)?,
            Opcode::Append => self.append(self.below(1)?, SymbolKind::List)?,
            Opcode::Appends => {
                let start = self.pop_mark()?;
                self.append(start, SymbolKind::List)?;
            }
            Opcode::AddItems => {
                let start = self.pop_mark()?;
                self.append(start, SymbolKind::Set)?;
            }
            Opcode::SetItem => self.set_items(self.below(2)?)?,
            Opcode::SetItems => {
                let start = self.pop_mark()?;
                self.set_items(start)?;
            }
            Opcode::Mark => self.marks.push(self.stack.len()),
            Opcode::Pop => {
                // A mark on top is popped instead.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            Opcode::PopMark => {
                let start = self.pop_mark()?;
                self.stack.truncate(start);
            }
            Opcode::Dup => {
                let top = self.top()?;
                self.references += 1;
                self.stack.push(top);
            }
            Opcode::Memoize => {
                let top = self.top()?;
                self.memoize(self.memoized, top);
            }
            Opcode::BinPut => {
                let index = self.byte()?;
                let top = self.top()?;
                self.memoize(index.into(), top);
            }
            Opcode::LongBinPut => {
                let index = self.size()?;
                let top = self.top()?;
                self.memoize(index, top);
            }
            Opcode::Put => {
                let index = literal::index(self.ops.line()?)?;
                let top = self.top()?;
                self.memoize(index, top);
            }
            Opcode::BinGet => {
                let index = self.byte()?;
                self.get(index.into())?;
            }
            Opcode::LongBinGet => {
                let index = self.size()?;
                self.get(index)?;
            }
            Opcode::Get => {
                let index = literal::index(self.ops.line()?)?;
                self.get(index)?;
            }
            Opcode::Global => {
                let (module, name) = (self.ops.line()?, self.ops.line()?);
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name));
            }
            Opcode::StackGlobal => self.stack_global()?,
            Opcode::Ext1 => {
                let code = self.byte()?;
                self.extension(code.into());
            }
            Opcode::Ext2 => {
                let code = u16::from_le_bytes(self.ops.word()?);
                self.extension(code.into());
            }
            Opcode::Ext4 => {
                let code = i32::from_le_bytes(self.ops.word()?);
                self.extension(code.into());
            }
            Opcode::Inst => {
                let (module, name) = (self.ops.line()?, self.ops.line()?);
                // Python's own reader looks the class up before it looks for the mark.
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name));
                let class = self.pop()?;
                let start = self.pop_mark()?;
                let args = self.take_tuple(start);
                self.call(class, args);
            }
            Opcode::Obj => {
                let start = self.pop_mark()?;
                if start == self.stack.len() {
                    return Err(underflow());
                }
                let args = self.take_tuple(start + 1);
                let class = self.pop()?;
                self.call(class, args);
            }
            Opcode::Reduce => {
                let (args, callee) = (self.pop()?, self.pop()?);
                self.call(callee, args);
            }
            Opcode::NewObj => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.make(class, args);
            }
            Opcode::NewObjEx => {
                let (keywords, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                let keywords = self.settled_trail(keywords);
                let args_trail = self.settled_trail(args);
                let trail = self.merge(args_trail, keywords);
                self.make(class, args.with_trail(trail));
            }
            Opcode::Build => self.build()?,
            Opcode::PersId => {
                let line = self.ops.line()?;
                self.persistent(Symbol::part(SymbolKind::Text, self.data, line));
            }
            Opcode::BinPersId => {
                let id = self.pop()?;
                self.persistent(id);
            }
            Opcode::ReadonlyBuffer => {
                self.top()?;
            }
            Opcode::Proto => {
                self.protocol = self.byte()?;
                if self.protocol > 5 {
                    return Err(newer());
                }
            }
            Opcode::Frame => {
                let size = self.long_size()?;
                self.ops.enter_frame(self.offset, size)?;
            }
            Opcode::Stop => {
                self.ops.stop(self.offset)?;
                let value = self.pop()?;
                self.settled_trail(value);
                self.done = true;
            }
        }
        Ok(())
    }

    #[inline]
    fn byte(&mut self) -> Checked<u8> {
        let [byte] = self.ops.word()?;
        Ok(byte)
    }

    #[inline]
    fn size(&mut self) -> Checked<u64> {
        self.ops.word().map(|word| u32::from_le_bytes(word).into())
    }

    #[inline]
    fn long_size(&mut self) -> Checked<u64> {
        self.ops.word().map(u64::from_le_bytes)
    }

    #[inline]
    fn signed_size(&mut self) -> Checked<u64> {
        let size = i32::from_le_bytes(self.ops.word()?);
        u64::try_from(size).map_err(|_| crate::read::negative(size))
    }

    /// Pushes a part of the data.
    #[inline]
    fn part(&mut self, kind: SymbolKind, size: u64) -> Checked {
        let part = self.ops.span(size)?;
        self.stack.push(Symbol::part(kind, self.data, part));
        Ok(())
    }

    fn integer(&mut self, value: &literal::Integer) {
        match value {
            literal::Integer::Small(value) => self.stack.push(Symbol::int(*value)),
            literal::Integer::Big(_) => self.big_integer(),
            literal::Integer::Bool(_) => self.stack.push(Symbol::DATA),
        }
    }
}

#[cold]
fn newer() -> Error {
    Error::new(ErrorKind::Version, "a newer protocol than 5")
}
