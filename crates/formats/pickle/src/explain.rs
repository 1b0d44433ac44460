//! A pickle as the Python program that it is: never executed, each line with its place and verdict.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use cannery_core::{Error, Result, Text};

use crate::analyzer::{Analyzed, AnalyzerOptions, Verdict, analyze};
use crate::literal::{self, Integer};
use crate::opcode::Opcode;
use crate::read::{Arg, Framing, Op, Ops};
use crate::repr;
use crate::scan::{self, ScanOptions};

/// The column at which offsets and verdicts begin.
const COLUMN: usize = 56;
/// Characters of a text, items of a container and levels of containers that are written out.
const MAX_CHARS: usize = 300;
const MAX_ITEMS: usize = 40;
const MAX_DEPTH: u32 = 12;

/// Writes the pickles in a file, of any kind that [`scan`](crate::scan) reads, as programs.
///
/// ```
/// use cannery_pickle::explain::explain;
///
/// let program = explain(b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.");
/// assert_eq!(program.lines().nth(1).unwrap(),
///     "from posix import system                                # byte 2: danger: refers to \
///      posix.system: runs programs, changes files and the environment");
/// assert!(program.contains("v1 = system('true')"));
/// ```
#[must_use]
pub fn explain(data: &[u8]) -> String {
    let (report, pickles) = scan::scan_keeping(data, &ScanOptions::default());
    let mut out = String::new();
    for pickle in &pickles {
        let place = match pickle.member.as_str() {
            "" => String::new(),
            member => format!(" of {}", repr::printable(member)),
        };
        one(&pickle.data, pickle.start, &place, &mut out);
    }
    let outside = report.findings.iter().filter(|finding| finding.opcode.is_empty());
    for finding in outside {
        let member = if finding.member.is_empty() { "" } else { " of " };
        let _ = writeln!(
            out,
            "# byte {}{member}{}: {}: {}",
            finding.offset, finding.member, finding.verdict, finding.reason
        );
    }
    if pickles.is_empty() {
        let _ = writeln!(out, "# {}: {}", report.summary, report.verdict);
    }
    out
}

/// Writes the pickle that begins at `start`.
fn one(data: &[u8], start: usize, place: &str, out: &mut String) {
    let analyzed =
        analyze(data, start, &AnalyzerOptions::default().trace(true).persistent_ids(true));
    let _ = writeln!(out, "# the pickle at byte {start}{place}: {}", analyzed.verdict());
    let mut first = Program::new(&analyzed, HashSet::new());
    // What went wrong is told by the second walk.
    let _ = first.run(data, start);
    let mut program = Program::new(&analyzed, first.shared);
    let result = program.run(data, start);
    out.push_str(&program.text);
    if let Err(error) = result {
        let offset = error.pos().map_or(0, |pos| pos.offset);
        let message = repr::printable(error.message());
        let _ = writeln!(out, "# byte {offset}: cannot be read further: {message}");
    }
}

/// A value of the program.
enum Node {
    /// An expression as it is written.
    Expression(String),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Set(Vec<usize>),
    Frozen(Vec<usize>),
    Tuple(Vec<usize>),
}

struct Program<'j> {
    analyzed: &'j Analyzed,
    verdicts: HashMap<u64, (Verdict, &'j str)>,
    nodes: Vec<Node>,
    /// Where each node was made.
    made: Vec<usize>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<i64, usize>,
    /// Offsets of containers that are used more than once: these become variables.
    shared: HashSet<usize>,
    imports: HashMap<(String, String), usize>,
    names: HashSet<String>,
    variables: usize,
    offset: usize,
    text: String,
}

impl<'j> Program<'j> {
    fn new(analyzed: &'j Analyzed, shared: HashSet<usize>) -> Self {
        let mut verdicts: HashMap<u64, (Verdict, &str)> = HashMap::new();
        for note in &analyzed.trace {
            let known = verdicts.entry(note.offset as u64).or_insert((note.verdict, &note.reason));
            if known.0 < note.verdict {
                *known = (note.verdict, &note.reason);
            }
        }
        Self {
            analyzed,
            verdicts,
            nodes: Vec::new(),
            made: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            shared,
            imports: HashMap::new(),
            names: HashSet::new(),
            variables: 0,
            offset: 0,
            text: String::new(),
        }
    }

    fn run(&mut self, data: &[u8], start: usize) -> Result<()> {
        let mut ops = Ops::new(data, start, Framing::Ignored);
        while let Some(op) = ops.next_op()? {
            self.offset = op.offset;
            self.step(&op).map_err(|error| error.at_offset(op.offset as u64))?;
            let raw = self.analyzed.raw.iter().find(|raw| raw.start == ops.position());
            if let Some(raw) = raw {
                let size = raw.end - raw.start;
                self.line(&format!("# {size} bytes of an array, as joblib writes it"));
                ops.seek(raw.end);
            }
        }
        Ok(())
    }

    /// Writes a line of the program, with its place and verdict.
    fn line(&mut self, code: &str) {
        let code = repr::printable(code);
        let gap = COLUMN.saturating_sub(code.chars().count());
        let _ = write!(self.text, "{code}{:gap$}# byte {}: ", "", self.offset);
        match self.verdicts.get(&(self.offset as u64)) {
            Some((verdict, reason)) => {
                let _ = writeln!(self.text, "{verdict}: {}", repr::printable(reason));
            }
            None => self.text.push_str("ok\n"),
        }
    }

    fn push(&mut self, node: Node) {
        self.nodes.push(node);
        self.made.push(self.offset);
        self.stack.push(self.nodes.len() - 1);
    }

    fn push_text(&mut self, text: impl Into<String>) {
        self.push(Node::Expression(text.into()));
    }

    /// Pushes a container: as a variable, if it is used again.
    fn push_container(&mut self, node: Node) {
        if !self.shared.contains(&self.offset) {
            return self.push(node);
        }
        let at = self.nodes.len();
        self.nodes.push(node);
        self.made.push(self.offset);
        let code = self.code(at, 0);
        self.assign(&code);
    }

    /// Assigns an expression to a new variable, and pushes that.
    fn assign(&mut self, code: &str) {
        self.variables += 1;
        let name = format!("v{}", self.variables);
        self.line(&format!("{name} = {code}"));
        self.push_text(name);
    }

    fn pop(&mut self) -> Result<usize> {
        self.stack.pop().ok_or_else(underflow)
    }

    fn top(&self) -> Result<usize> {
        self.stack.last().copied().ok_or_else(underflow)
    }

    fn pop_mark(&mut self) -> Result<Vec<usize>> {
        let mark = self.marks.pop().ok_or_else(underflow)?;
        if mark > self.stack.len() {
            return Err(underflow());
        }
        Ok(self.stack.split_off(mark))
    }

    /// Notes that a container is used again.
    fn share(&mut self, node: usize) {
        if !matches!(self.nodes[node], Node::Expression(_)) {
            self.shared.insert(self.made[node]);
        }
        self.stack.push(node);
    }

    #[expect(clippy::too_many_lines, reason = "one table: what every opcode is in Python")]
    fn step(&mut self, op: &Op<'_>) -> Result<()> {
        match (op.opcode, op.arg) {
            (Opcode::None, _) => self.push_text("None"),
            (Opcode::NewTrue, _) => self.push_text("True"),
            (Opcode::NewFalse, _) => self.push_text("False"),
            (Opcode::EmptyList, _) => self.push_container(Node::List(Vec::new())),
            (Opcode::EmptyDict, _) => self.push_container(Node::Dict(Vec::new())),
            (Opcode::EmptySet, _) => self.push_container(Node::Set(Vec::new())),
            (Opcode::EmptyTuple, _) => self.push_text("()"),
            (Opcode::Tuple1, _) => self.tuple(1)?,
            (Opcode::Tuple2, _) => self.tuple(2)?,
            (Opcode::Tuple3, _) => self.tuple(3)?,
            (Opcode::Tuple, _) => {
                let items = self.pop_mark()?;
                self.push_container(Node::Tuple(items));
            }
            (Opcode::List, _) => {
                let items = self.pop_mark()?;
                self.push_container(Node::List(items));
            }
            (Opcode::FrozenSet, _) => {
                let items = self.pop_mark()?;
                self.push_container(Node::Frozen(items));
            }
            (Opcode::Dict, _) => {
                let items = self.pop_mark()?;
                self.push_container(Node::Dict(pairs(&items)));
            }
            (Opcode::Append, _) => {
                let item = self.pop()?;
                self.extend(vec![item], "append")?;
            }
            (Opcode::Appends, _) => {
                let items = self.pop_mark()?;
                self.extend(items, "extend")?;
            }
            (Opcode::AddItems, _) => {
                let items = self.pop_mark()?;
                self.extend(items, "update")?;
            }
            (Opcode::SetItem, _) => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            (Opcode::SetItems, _) => {
                let items = self.pop_mark()?;
                self.set_items(&items)?;
            }
            (Opcode::Mark, _) => self.marks.push(self.stack.len()),
            (Opcode::Pop, _) => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            (Opcode::PopMark, _) => {
                self.pop_mark()?;
            }
            (Opcode::Dup, _) => {
                let top = self.top()?;
                self.share(top);
            }
            (Opcode::Memoize, _) => {
                let top = self.top()?;
                self.memo.insert(i64::try_from(self.memo.len()).unwrap_or(i64::MAX), top);
            }
            (Opcode::BinPut | Opcode::LongBinPut, Arg::Int(index)) => {
                let top = self.top()?;
                self.memo.insert(index, top);
            }
            (Opcode::Put, Arg::Line(line)) => {
                let top = self.top()?;
                self.memo.insert(index(line)?, top);
            }
            (Opcode::BinGet | Opcode::LongBinGet, Arg::Int(index)) => self.get(index)?,
            (Opcode::Get, Arg::Line(line)) => self.get(index(line)?)?,
            (Opcode::Global, Arg::Lines(module, name)) => {
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name));
            }
            (Opcode::StackGlobal, _) => self.stack_global()?,
            (Opcode::Inst, Arg::Lines(module, name)) => {
                let items = self.pop_mark()?;
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name));
                let class = self.pop()?;
                self.call(class, &items);
            }
            (Opcode::Obj, _) => {
                let items = self.pop_mark()?;
                let (&class, args) = items.split_first().ok_or_else(underflow)?;
                self.call(class, args);
            }
            (Opcode::Reduce, _) => {
                let (args, callee) = (self.pop()?, self.pop()?);
                let code = format!("{}({})", self.code(callee, 0), self.arguments(args));
                self.assign(&code);
            }
            (Opcode::NewObj, _) => {
                let (args, class) = (self.pop()?, self.pop()?);
                let arguments = self.arguments(args);
                self.new_object(class, &arguments);
            }
            (Opcode::NewObjEx, _) => {
                let (keywords, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                let arguments = format!("{}, **{}", self.arguments(args), self.code(keywords, 0));
                self.new_object(class, arguments.trim_start_matches(", "));
            }
            (Opcode::Build, _) => {
                let state = self.pop()?;
                let object = self.top()?;
                let code =
                    format!("{}.__setstate__({})", self.code(object, 0), self.code(state, 0));
                self.line(&code);
            }
            (Opcode::PersId, Arg::Line(line)) => {
                let id = quoted(&String::from_utf8_lossy(line));
                self.assign(&format!("persistent_load({id})"));
            }
            (Opcode::BinPersId, _) => {
                let id = self.pop()?;
                let code = format!("persistent_load({})", self.code(id, 0));
                self.assign(&code);
            }
            (Opcode::Ext1 | Opcode::Ext2 | Opcode::Ext4, Arg::Int(code)) => {
                self.assign(&format!("extension({code})"));
            }
            (Opcode::NextBuffer, _) => self.assign("next(buffers)"),
            (Opcode::ReadonlyBuffer, _) => {
                let buffer = self.pop()?;
                let code = format!("memoryview({}).toreadonly()", self.code(buffer, 0));
                self.assign(&code);
            }
            (Opcode::Proto | Opcode::Frame, _) => {}
            (Opcode::Stop, _) => {
                let result = self.pop()?;
                let code = format!("result = {}", self.code(result, 0));
                self.line(&code);
            }
            (opcode, arg) => {
                let text = constant(opcode, arg)?;
                self.push_text(text);
            }
        }
        Ok(())
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let start = self.stack.len().checked_sub(count).ok_or_else(underflow)?;
        let items = self.stack.split_off(start);
        self.push_container(Node::Tuple(items));
        Ok(())
    }

    fn get(&mut self, index: i64) -> Result<()> {
        let node = self.memo.get(&index).copied().ok_or_else(|| {
            let message = format!("memo entry {index} was never written");
            Error::new(cannery_core::ErrorKind::Reference, message)
        })?;
        self.share(node);
        Ok(())
    }

    /// Adds items to the container on the stack: to its text, or by a call of a method.
    fn extend(&mut self, items: Vec<usize>, method: &str) -> Result<()> {
        let into = self.top()?;
        match &mut self.nodes[into] {
            Node::List(list) | Node::Set(list) => list.extend(items),
            _ if items.is_empty() => {}
            _ => {
                let shown = self.codes(&items, 0);
                let code = match method {
                    "append" => format!("{}.append({shown})", self.code(into, 0)),
                    _ => format!("{}.{method}([{shown}])", self.code(into, 0)),
                };
                self.line(&code);
            }
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[usize]) -> Result<()> {
        let into = self.top()?;
        let items = pairs(items);
        if let Node::Dict(dict) = &mut self.nodes[into] {
            dict.extend(items);
            return Ok(());
        }
        if let [(key, value)] = items[..] {
            let (key, value) = (self.code(key, 0), self.code(value, 0));
            let code = format!("{}[{key}] = {value}", self.code(into, 0));
            self.line(&code);
        } else if !items.is_empty() {
            let code = format!("{}.update({})", self.code(into, 0), self.dict(&items, 0));
            self.line(&code);
        }
        Ok(())
    }

    fn stack_global(&mut self) -> Result<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        let text = |node: &Node| match node {
            Node::Expression(code) => plain_text(code),
            _ => None,
        };
        let known = (text(&self.nodes[module]), text(&self.nodes[name]));
        if let (Some(module), Some(name)) = known {
            self.global(&module, &name);
        } else {
            let code = format!("find_class({}, {})", self.code(module, 0), self.code(name, 0));
            self.assign(&code);
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        let key = (module.to_owned(), name.to_owned());
        if let Some(&known) = self.imports.get(&key) {
            self.stack.push(known);
            return;
        }
        let is_identifier = |text: &str| {
            let mut chars = text.chars();
            chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && chars.all(|c| c.is_alphanumeric() || c == '_')
        };
        if !module.split('.').all(is_identifier) || !name.split('.').all(is_identifier) {
            self.assign(&format!("find_class({}, {})", quoted(module), quoted(name)));
        } else if name.contains('.') {
            self.line(&format!("import {module}"));
            self.push_text(format!("{module}.{name}"));
        } else if self.names.insert(name.to_owned()) {
            self.line(&format!("from {module} import {name}"));
            self.push_text(name);
        } else {
            let alias = format!("{}_{name}", module.replace('.', "_"));
            self.line(&format!("from {module} import {name} as {alias}"));
            self.push_text(alias);
        }
        self.imports.insert(key, self.nodes.len() - 1);
    }

    fn call(&mut self, callee: usize, args: &[usize]) {
        let code = format!("{}({})", self.code(callee, 0), self.codes(args, 0));
        self.assign(&code);
    }

    fn new_object(&mut self, class: usize, arguments: &str) {
        let class = self.code(class, 0);
        let separator = if arguments.is_empty() { "" } else { ", " };
        self.assign(&format!("{class}.__new__({class}{separator}{arguments})"));
    }

    /// Arguments as they are written between parentheses.
    fn arguments(&self, args: usize) -> String {
        match &self.nodes[args] {
            Node::Tuple(items) => self.codes(items, 0),
            Node::Expression(code) if code == "()" => String::new(),
            _ => format!("*{}", self.code(args, 0)),
        }
    }

    fn code(&self, node: usize, depth: u32) -> String {
        if depth > MAX_DEPTH {
            return "...".to_owned();
        }
        match &self.nodes[node] {
            Node::Expression(code) => code.clone(),
            Node::List(items) => format!("[{}]", self.codes(items, depth + 1)),
            Node::Set(items) if items.is_empty() => "set()".to_owned(),
            Node::Set(items) => format!("{{{}}}", self.codes(items, depth + 1)),
            Node::Frozen(items) => format!("frozenset([{}])", self.codes(items, depth + 1)),
            Node::Tuple(items) if items.len() == 1 => {
                format!("({},)", self.code(items[0], depth + 1))
            }
            Node::Tuple(items) => format!("({})", self.codes(items, depth + 1)),
            Node::Dict(items) => self.dict(items, depth + 1),
        }
    }

    fn codes(&self, items: &[usize], depth: u32) -> String {
        let shown = items.iter().take(MAX_ITEMS).map(|&item| self.code(item, depth));
        let more = (items.len() > MAX_ITEMS).then(|| "...".to_owned());
        shown.chain(more).collect::<Vec<_>>().join(", ")
    }

    fn dict(&self, items: &[(usize, usize)], depth: u32) -> String {
        let shown = items
            .iter()
            .take(MAX_ITEMS)
            .map(|&(key, value)| format!("{}: {}", self.code(key, depth), self.code(value, depth)));
        let more = (items.len() > MAX_ITEMS).then(|| "...: ...".to_owned());
        format!("{{{}}}", shown.chain(more).collect::<Vec<_>>().join(", "))
    }
}

fn pairs(items: &[usize]) -> Vec<(usize, usize)> {
    items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn index(line: &[u8]) -> Result<i64> {
    literal::index(line).map(|index| i64::try_from(index).unwrap_or(i64::MAX))
}

/// Numbers, text and bytes as Python writes them.
fn constant(opcode: Opcode, arg: Arg<'_>) -> Result<String> {
    let mut out = String::new();
    match (opcode, arg) {
        (_, Arg::Int(value)) => out = value.to_string(),
        (_, Arg::Float(value)) => repr::float(value, &mut out),
        (Opcode::Float, Arg::Line(line)) => repr::float(literal::float(line)?, &mut out),
        (Opcode::Int, Arg::Line(line)) => out = integer(&literal::short_integer(line)?),
        (Opcode::Long, Arg::Line(line)) => out = integer(&literal::long_integer(line)?),
        (Opcode::Long1 | Opcode::Long4, Arg::Bytes(bytes)) => {
            out = integer(&literal::binary_integer(bytes));
        }
        (Opcode::Unicode, Arg::Line(line)) => {
            out = quoted(&literal::escaped(line)?.as_text().to_str_lossy());
        }
        (Opcode::String, Arg::Line(line)) => {
            out = quoted(&String::from_utf8_lossy(&literal::quoted(line)?));
        }
        (Opcode::BinBytes | Opcode::ShortBinBytes | Opcode::BinBytes8, Arg::Bytes(bytes)) => {
            out = quoted_bytes(bytes);
        }
        (Opcode::ByteArray8, Arg::Bytes(bytes)) => {
            out = format!("bytearray({})", quoted_bytes(bytes));
        }
        (_, Arg::Bytes(text)) => out = quoted(&String::from_utf8_lossy(text)),
        _ => out.push_str("..."),
    }
    Ok(out)
}

fn integer(value: &Integer) -> String {
    match value {
        Integer::Bool(true) => "True".to_owned(),
        Integer::Bool(false) => "False".to_owned(),
        Integer::Small(value) => value.to_string(),
        // Decimal digits take time that grows with the square of their number.
        Integer::Big(value) if value.bits() > 4096 => format!("{value:#x}"),
        Integer::Big(value) => value.to_string(),
    }
}

/// A text in quotes, cut where it is long.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    let cut: String = text.chars().take(MAX_CHARS).collect();
    repr::text(Text::Utf8(&cut), &repr::is_printable, &mut out);
    if cut.len() < text.len() {
        out.push_str(" '...'");
    }
    out
}

fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    repr::bytes(&bytes[..bytes.len().min(MAX_CHARS / 4)], &mut out);
    if bytes.len() > MAX_CHARS / 4 {
        out.push_str(" b'...'");
    }
    out
}

/// The text that an expression in quotes stands for, if it has no escapes.
fn plain_text(code: &str) -> Option<String> {
    let quote = code.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = code.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(['\\', quote])).then(|| inner.to_owned())
}

#[cold]
fn underflow() -> Error {
    let message = "an opcode that takes more than there is on the stack";
    Error::new(cannery_core::ErrorKind::Syntax, message)
}
