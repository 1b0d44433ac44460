//! The disassembler: `pickletools.dis`, character for character, and with the stack beside it.

use std::collections::BTreeMap;
use std::fmt::Write;

use cannery_core::{Error, ErrorKind, Result, Text};

use crate::literal::{self, Integer};
use crate::opcode::{Argument, Opcode, Slot};
use crate::read::{Arg, Framing, Op, Ops};
use crate::repr;

/// How a pickle is disassembled.
#[non_exhaustive]
pub struct DisOptions<'a> {
    /// Blanks by which each mark indents what follows it.
    pub indent: usize,
    /// The column at which a description of the opcode begins; 0 for none.
    pub annotate: usize,
    /// Whether the stack after each instruction is shown.
    pub stack: bool,
    /// What is added to every offset: where the data begin in their file.
    pub base: u64,
    /// Which characters beyond ASCII are printed as they are.
    pub printable: &'a dyn Fn(char) -> bool,
}

impl Default for DisOptions<'_> {
    fn default() -> Self {
        Self { indent: 4, annotate: 0, stack: false, base: 0, printable: &repr::is_printable }
    }
}

impl<'a> DisOptions<'a> {
    /// Sets [`indent`](DisOptions::indent).
    #[must_use]
    pub fn indent(mut self, blanks: usize) -> Self {
        self.indent = blanks;
        self
    }

    /// Sets [`annotate`](DisOptions::annotate).
    #[must_use]
    pub fn annotate(mut self, column: usize) -> Self {
        self.annotate = column;
        self
    }

    /// Sets [`stack`](DisOptions::stack).
    #[must_use]
    pub fn stack(mut self, yes: bool) -> Self {
        self.stack = yes;
        self
    }

    /// Sets [`base`](DisOptions::base).
    #[must_use]
    pub fn base(mut self, offset: u64) -> Self {
        self.base = offset;
        self
    }

    /// Sets [`printable`](DisOptions::printable).
    #[must_use]
    pub fn printable(mut self, printable: &'a dyn Fn(char) -> bool) -> Self {
        self.printable = printable;
        self
    }
}

/// The memo: which index holds what kind of value.
pub type Memo = BTreeMap<i64, Slot>;

/// Writes the instructions of the first pickle in `data`, a line to each; returns its length.
///
/// What was written before an error stays written.
///
/// ```
/// use cannery_pickle::dis::{DisOptions, Memo, dis};
///
/// let mut out = String::new();
/// dis(b"(K\x01t.", &DisOptions::default(), &mut Memo::new(), &mut out)?;
/// assert_eq!(out, "\
/// \x20   0: (    MARK
///     1: K        BININT1    1
///     3: t        TUPLE      (MARK at 0)
///     4: .    STOP
/// highest protocol among opcodes = 1
/// ");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// What `pickletools` complains of: [`ErrorKind::Syntax`], [`ErrorKind::Truncated`],
/// [`ErrorKind::Reference`] for the memo, [`ErrorKind::Encoding`].
pub fn dis(
    data: &[u8],
    options: &DisOptions<'_>,
    memo: &mut Memo,
    out: &mut String,
) -> Result<usize> {
    let mut ops = Ops::new(data, 0, Framing::Ignored);
    let mut dis = Disassembler {
        options,
        memo,
        out,
        stack: Vec::new(),
        marks: Vec::new(),
        protocol: -1,
        column: options.annotate,
    };
    while let Some(op) = ops.next_op()? {
        dis.instruction(&op).map_err(|error| error.at_offset(op.offset as u64))?;
    }
    let _ = writeln!(dis.out, "highest protocol among opcodes = {}", dis.protocol);
    if dis.stack.is_empty() {
        return Ok(ops.position());
    }
    Err(fault(format!("stack not empty after STOP: [{}]", names(&dis.stack))))
}

struct Disassembler<'a, 'o> {
    options: &'a DisOptions<'o>,
    memo: &'a mut Memo,
    out: &'a mut String,
    stack: Vec<Slot>,
    /// Offsets of the marks on the stack.
    marks: Vec<u64>,
    protocol: i32,
    column: usize,
}

/// What an instruction does to the stack, and what its line says about that.
struct Effect {
    pops: usize,
    message: Option<String>,
    pushed: Option<Slot>,
    error: Option<Error>,
}

impl Disassembler<'_, '_> {
    fn instruction(&mut self, op: &Op<'_>) -> Result<()> {
        let info = op.opcode.info();
        let offset = op.offset as u64 + self.options.base;
        let argument = self.argument(op)?;
        let depth = self.marks.len();
        self.protocol = self.protocol.max(info.protocol.into());
        let mut effect = self.marks(op.opcode);
        self.memo(op, argument.as_ref(), &mut effect);
        self.line(offset, op.opcode, depth, argument.as_ref(), effect.message.as_deref());
        let result = self.apply(op.opcode, offset, effect);
        if self.options.stack && result.is_ok() {
            let _ = write!(self.out, "  [{}]", top_names(&self.stack));
        }
        self.out.push('\n');
        result
    }

    /// Pops everything down to the mark, if the instruction does.
    fn marks(&mut self, opcode: Opcode) -> Effect {
        let before = opcode.info().before;
        let mut effect = Effect { pops: before.len(), message: None, pushed: None, error: None };
        let on_mark = opcode == Opcode::Pop && self.stack.last() == Some(&Slot::Mark);
        let at = before.iter().position(|&slot| slot == Slot::Mark);
        if at.is_none() && !on_mark {
            return effect;
        }
        if let Some(mark) = self.marks.pop() {
            effect.message = Some(format!("(MARK at {mark})"));
            while self.stack.pop().is_some_and(|slot| slot != Slot::Mark) {}
            effect.pops = at.unwrap_or(0);
        } else {
            let message = "no MARK exists on stack";
            effect.message = Some(message.to_owned());
            effect.error = Some(fault(message));
        }
        effect
    }

    fn memo(&mut self, op: &Op<'_>, argument: Option<&Shown>, effect: &mut Effect) {
        let index = argument.and_then(|shown| shown.index);
        match op.opcode {
            Opcode::Put | Opcode::BinPut | Opcode::LongBinPut => {
                let text = argument.map_or("None", |shown| &shown.text);
                self.put(index.unwrap_or(0), text, effect);
            }
            Opcode::Memoize => {
                let index = self.memo.len();
                effect.message = Some(format!("(as {index})"));
                self.put(i64::try_from(index).unwrap_or(i64::MAX), "None", effect);
            }
            Opcode::Get | Opcode::BinGet | Opcode::LongBinGet => {
                effect.pushed = index.and_then(|index| self.memo.get(&index)).copied();
                if effect.pushed.is_none() {
                    let text = argument.map_or("None", |shown| &shown.text);
                    let message = format!("memo key {text} has never been stored into");
                    effect.error = Some(Error::new(ErrorKind::Reference, message));
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, index: i64, text: &str, effect: &mut Effect) {
        let error = match self.stack.last() {
            _ if self.memo.contains_key(&index) => format!("memo key {text} already defined"),
            None => "stack is empty -- can't store into memo".to_owned(),
            Some(Slot::Mark) => "can't store markobject in the memo".to_owned(),
            Some(&slot) => {
                self.memo.insert(index, slot);
                return;
            }
        };
        effect.error = Some(Error::new(ErrorKind::Reference, error));
    }

    fn line(
        &mut self,
        offset: u64,
        opcode: Opcode,
        depth: usize,
        argument: Option<&Shown>,
        message: Option<&str>,
    ) {
        let _ = write!(self.out, "{offset:5}: ");
        let start = self.out.len();
        let code = opcode as u8;
        let code =
            if code < 0x80 { char::from(code).to_string() } else { format!("\\x{code:02x}") };
        let indent = self.options.indent * depth;
        let _ = write!(self.out, "{code:<4} {:indent$}{}", "", opcode.name());
        if argument.is_some() || message.is_some() {
            let gap = 10_usize.saturating_sub(opcode.name().len());
            let _ = write!(self.out, "{:gap$}", "");
        }
        for text in argument.map(|shown| shown.text.as_str()).into_iter().chain(message) {
            self.out.push(' ');
            self.out.push_str(text);
        }
        if self.options.annotate > 0 {
            self.annotation(start, opcode);
        }
    }

    /// A mild effort to align descriptions, as `pickletools` makes it.
    fn annotation(&mut self, start: usize, opcode: Opcode) {
        let width = self.out[start..].chars().count();
        let gap = self.column.saturating_sub(width);
        self.column = width + gap;
        if self.column > 50 {
            self.column = self.options.annotate;
        }
        let _ = write!(self.out, "{:gap$} {}.", "", opcode.info().doc.trim_end_matches('.'));
    }

    fn apply(&mut self, opcode: Opcode, offset: u64, effect: Effect) -> Result<()> {
        if let Some(error) = effect.error {
            return Err(error);
        }
        let Some(left) = self.stack.len().checked_sub(effect.pops) else {
            return Err(fault(format!(
                "tries to pop {} items from stack with only {} items",
                effect.pops,
                self.stack.len()
            )));
        };
        self.stack.truncate(left);
        if opcode == Opcode::Mark {
            self.marks.push(offset);
        }
        match effect.pushed {
            Some(slot) => self.stack.push(slot),
            None => self.stack.extend(opcode.info().after),
        }
        Ok(())
    }

    fn argument(&self, op: &Op<'_>) -> Result<Option<Shown>> {
        let mut text = String::new();
        let mut index = None;
        match (op.opcode.info().argument, op.arg) {
            (Argument::None, _) => return Ok(None),
            (_, Arg::Int(value)) => {
                index = Some(value);
                let _ = write!(text, "{value}");
            }
            (_, Arg::Size(value)) => {
                let _ = write!(text, "{value}");
            }
            (_, Arg::Float(value)) => repr::float(value, &mut text),
            (Argument::FloatLine, Arg::Line(line)) => repr::float(literal::float(line)?, &mut text),
            (Argument::DecimalShort, Arg::Line(line)) => {
                index = integer(&decimal(line)?, &mut text);
            }
            (Argument::DecimalLong, Arg::Line(line)) => {
                let line = line.strip_suffix(b"L").unwrap_or(line);
                index = integer(&literal::long_integer(line)?, &mut text);
            }
            (Argument::Long1 | Argument::Long4, Arg::Bytes(bytes)) => {
                index = integer(&literal::binary_integer(bytes), &mut text);
            }
            (_, arg) => self.text(op.opcode.info().argument, arg, &mut text)?,
        }
        Ok(Some(Shown { text, index }))
    }

    fn text(&self, argument: Argument, arg: Arg<'_>, out: &mut String) -> Result<()> {
        let printable = self.options.printable;
        match (argument, arg) {
            (Argument::QuotedLine, Arg::Line(line)) => {
                let text = ascii(&literal::quoted(line)?)?;
                repr::text(Text::Utf8(&text), printable, out);
            }
            (Argument::EscapedLine, Arg::Line(line)) => {
                repr::text(literal::escaped(line)?.as_text(), printable, out);
            }
            (_, Arg::Line(line)) => {
                repr::text(Text::Utf8(&unescaped(line)?), printable, out);
            }
            (_, Arg::Lines(module, name)) => {
                let both = format!("{} {}", unescaped(module)?, unescaped(name)?);
                repr::text(Text::Utf8(&both), printable, out);
            }
            (Argument::String1 | Argument::String4, Arg::Bytes(bytes)) => {
                repr::text(Text::Latin1(bytes), printable, out);
            }
            (Argument::ByteArray8, Arg::Bytes(bytes)) => {
                out.push_str("bytearray(");
                repr::bytes(bytes, out);
                out.push(')');
            }
            (Argument::Unicode1 | Argument::Unicode4 | Argument::Unicode8, Arg::Bytes(bytes)) => {
                repr::text(literal::utf8(bytes)?, printable, out);
            }
            (_, Arg::Bytes(bytes)) => repr::bytes(bytes, out),
            _ => {}
        }
        Ok(())
    }
}

/// An argument as its line shows it.
struct Shown {
    text: String,
    /// The memo index that it is, if it is one.
    index: Option<i64>,
}

fn decimal(line: &[u8]) -> Result<Integer> {
    literal::short_integer(line)
}

fn integer(value: &Integer, out: &mut String) -> Option<i64> {
    let written = match value {
        Integer::Bool(yes) => write!(out, "{}", if *yes { "True" } else { "False" }),
        Integer::Small(value) => write!(out, "{value}"),
        Integer::Big(value) => write!(out, "{value}"),
    };
    let _ = written;
    match value {
        Integer::Bool(yes) => Some((*yes).into()),
        Integer::Small(value) => Some(*value),
        Integer::Big(_) => None,
    }
}

/// Lines of ASCII, with the escapes of string literals.
fn unescaped(line: &[u8]) -> Result<String> {
    if !line.contains(&b'\\') {
        return ascii(line);
    }
    let mut quoted = vec![b'"'];
    quoted.extend(line);
    quoted.push(b'"');
    ascii(&literal::quoted(&quoted)?)
}

fn ascii(bytes: &[u8]) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err(Error::new(ErrorKind::Encoding, "expected ASCII in a line")),
    }
}

fn fault(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Syntax, message)
}

fn names(stack: &[Slot]) -> String {
    stack.iter().map(|slot| slot.name()).collect::<Vec<_>>().join(", ")
}

/// The uppermost items of the stack.
fn top_names(stack: &[Slot]) -> String {
    const SHOWN: usize = 8;
    match stack.len().checked_sub(SHOWN) {
        Some(hidden) if hidden > 0 => format!("{hidden} more, {}", names(&stack[hidden..])),
        _ => names(stack),
    }
}
