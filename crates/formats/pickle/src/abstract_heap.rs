//! What a pickle would do, found out before any of it is done: the machine over an outline of the
//! objects, which keeps only what decides whether a step may be taken.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::vec::Drain;

use cannery_core::{Error, ErrorKind, Result};

use crate::analyzer::{Extensions, Note, is_looked_at, violations};
use crate::arguments;
use crate::heap::Heap;
use crate::literal;
use crate::machine::Machine;
use crate::policy::{self, Uses};
use crate::read::{Framing, Ops};

/// Who says which names may be used, and how.
pub trait TrustPolicy {
    /// How a name may be used; `None` if not at all. The name is what Python 3 calls it.
    ///
    /// # Errors
    /// If it may not be trusted, and the caller trusts it.
    fn allow(&mut self, module: &str, name: &str) -> Result<Option<Uses>>;

    /// What an extension code stands for.
    fn extension(&mut self, code: i64) -> Option<(String, String)>;

    /// Whether `GLOBAL` names are those of Python 2.
    fn maps_names(&self) -> bool {
        true
    }

    /// What was done up to now, for the message of a refusal.
    fn done(&self) -> String {
        NOTHING_DONE.to_owned()
    }
}

/// What was done before a pickle was refused.
pub const NOTHING_DONE: &str = "nothing was imported, called or built";

/// Module and name of what has none.
pub(crate) const UNNAMED: &str = "?";
const ONLY_CALLED: &str = "it may be called, but not kept";
const FIRST_PROTOCOL_OF_PYTHON_3: u8 = 3;

/// A step that may not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The offset of the opcode that would take it.
    pub at: usize,
    /// The module that is named.
    pub module: String,
    /// The name in it.
    pub name: String,
    /// What the step would be: `posix.system('id')`; empty if it only refers to the name.
    pub step: String,
    /// What is wrong about it, where the name itself is not.
    pub reason: Option<Cow<'static, str>>,
}

impl Refusal {
    /// Module and name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    fn of_misuse(note: Note) -> Self {
        let named = note.name.rsplit_once('.').unwrap_or((UNNAMED, UNNAMED));
        Self {
            at: note.offset,
            module: named.0.to_owned(),
            name: named.1.to_owned(),
            step: String::new(),
            reason: Some(note.reason.into()),
        }
    }
}

/// Runs through a whole pickle and tells which of its steps may not be taken, in their order.
///
/// # Errors
/// Those of the stream, to its end: what cannot be read is not analyzed.
pub fn refusals<V: TrustPolicy>(
    data: &[u8],
    start: usize,
    framing: Framing,
    allow: &mut V,
) -> Result<Vec<Refusal>> {
    let heap = AbstractHeap {
        data,
        allow,
        tuples: Vec::new(),
        globals: Vec::new(),
        known: HashMap::new(),
        texts: Vec::new(),
        refusals: Vec::new(),
        extensions: Extensions::new(),
        protocol: 0,
    };
    let mut machine = Machine::new(Ops::new(data, start, framing), heap);
    machine.run()?;
    let AbstractHeap { mut refusals, extensions, globals, .. } = machine.heap;
    if !globals.iter().any(|global| is_looked_at(&global.module, &global.name)) {
        return Ok(refusals);
    }
    let known: HashSet<usize> = refusals.iter().map(|refusal| refusal.at).collect();
    let violations = violations(data, start, extensions).into_iter();
    refusals
        .extend(violations.filter(|note| !known.contains(&note.offset)).map(Refusal::of_misuse));
    refusals.sort_by_key(|refusal| refusal.at);
    Ok(refusals)
}

/// What is known about an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    /// Plain data that nothing hangs on.
    Plain,
    Int(i64),
    Bytes,
    /// Text that stands in the stream as it is.
    Text {
        start: usize,
        len: u32,
    },
    /// Text that had escapes.
    OwnText(u32),
    Tuple {
        start: usize,
        len: u32,
    },
    List,
    Dict,
    Set,
    /// What a name stands for.
    Global(u32),
    /// What a use of a name has made.
    Instance(u32),
    /// Something refused, or made of it.
    Refused(u32),
    /// What the caller's own function gave for a persistent id.
    Persistent,
}

struct Global {
    module: String,
    name: String,
    uses: Option<Uses>,
}

pub(crate) struct AbstractHeap<'a, 'v, V> {
    data: &'a [u8],
    allow: &'v mut V,
    tuples: Vec<Item>,
    globals: Vec<Global>,
    known: HashMap<(String, String), u32>,
    texts: Vec<String>,
    refusals: Vec<Refusal>,
    extensions: Extensions,
    protocol: u8,
}

impl<V: TrustPolicy> AbstractHeap<'_, '_, V> {
    pub(crate) fn text_of(&self, item: Item) -> Option<&str> {
        match item {
            Item::Text { start, len } => {
                std::str::from_utf8(&self.data[start..start + len as usize]).ok()
            }
            Item::OwnText(at) => self.texts.get(at as usize).map(String::as_str),
            _ => None,
        }
    }

    pub(crate) fn tuple_of(&self, item: Item) -> Option<&[Item]> {
        match item {
            Item::Tuple { start, len } => Some(&self.tuples[start..start + len as usize]),
            _ => None,
        }
    }

    /// The name that stands for a class of which instances may be made.
    pub(crate) fn class_of(&self, item: Item) -> Option<(&str, &str)> {
        let Item::Global(id) = item else { return None };
        let global = &self.globals[id as usize];
        let may = global.uses.is_some_and(|uses| uses.allows(Uses::NEW));
        may.then_some((&global.module, &global.name))
    }

    fn own_text(&mut self, text: String) -> Item {
        self.texts.push(text);
        Item::OwnText(u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX))
    }

    fn text_item(&mut self, bytes: &[u8]) -> Item {
        let start = bytes.as_ptr().addr().wrapping_sub(self.data.as_ptr().addr());
        match u32::try_from(bytes.len()) {
            Ok(len) if start.checked_add(bytes.len()).is_some_and(|end| end <= self.data.len()) => {
                Item::Text { start, len }
            }
            _ => Item::Plain,
        }
    }

    /// Python 3's name, if the pickle is old enough to use that of Python 2.
    fn find(&mut self, module: &str, name: &str, at: usize) -> Result<Item> {
        if self.protocol < FIRST_PROTOCOL_OF_PYTHON_3 && self.allow.maps_names() {
            let (module, name) = policy::python3_name(module, name);
            return self.find_exactly(module, name, at);
        }
        self.find_exactly(module, name, at)
    }

    fn find_exactly(&mut self, module: &str, name: &str, at: usize) -> Result<Item> {
        let key = (module.to_owned(), name.to_owned());
        let id = if let Some(&id) = self.known.get(&key) {
            id
        } else {
            let uses = self.allow.allow(module, name)?;
            let id = u32::try_from(self.globals.len()).map_err(|_| too_many())?;
            self.globals.push(Global { module: key.0.clone(), name: key.1.clone(), uses });
            self.known.insert(key, id);
            id
        };
        if self.globals[id as usize].uses.is_none() {
            self.refuse(id, at, String::new(), None);
            return Ok(Item::Refused(id));
        }
        if !self.may_be_kept(id) {
            self.refuse(id, at, String::new(), Some(ONLY_CALLED));
        }
        Ok(Item::Global(id))
    }

    /// The dotted name that `getattr(class, name)` stands for in protocols that have none, if the
    /// table has it.
    fn dotted(&mut self, callable: Item, arguments: &[Item]) -> Option<(String, String)> {
        let (Item::Global(id), [Item::Global(class), name]) = (callable, arguments) else {
            return None;
        };
        let getattr = &self.globals[id as usize];
        if (&*getattr.module, &*getattr.name) != ("builtins", "getattr") {
            return None;
        }
        let class = &self.globals[*class as usize];
        let name = format!("{}.{}", class.name, self.text_of(*name)?);
        policy::rule(&class.module, &name)?;
        let found = (class.module.clone(), name);
        self.called(id);
        Some(found)
    }

    /// Whether a name may be more than called.
    fn may_be_kept(&self, id: u32) -> bool {
        let uses = self.globals[id as usize].uses.unwrap_or_default();
        uses.allows(Uses::REFERENCE)
    }

    /// Takes back the refusal of a name that turned out to be called.
    fn called(&mut self, id: u32) {
        let Global { module, name, .. } = &self.globals[id as usize];
        self.refusals.retain(|refusal| {
            refusal.reason.as_deref() != Some(ONLY_CALLED)
                || refusal.module != *module
                || refusal.name != *name
        });
    }

    fn refuse(&mut self, id: u32, at: usize, step: String, reason: Option<&'static str>) {
        let Global { module, name, .. } = &self.globals[id as usize];
        let (module, name) = (module.clone(), name.clone());
        self.refusals.push(Refusal { at, module, name, step, reason: reason.map(Cow::Borrowed) });
    }

    /// A refused step whose object has no name.
    fn refuse_unnamed(&mut self, at: usize, reason: &'static str) -> Item {
        let id = u32::try_from(self.globals.len()).unwrap_or(u32::MAX);
        let (module, name) = (UNNAMED.to_owned(), UNNAMED.to_owned());
        self.globals.push(Global { module, name, uses: None });
        self.refuse(id, at, String::new(), Some(reason));
        Item::Refused(id)
    }

    /// Uses what a name stands for; what comes out, if it may be used so.
    fn apply(&mut self, callable: Item, arguments: &[Item], need: Uses, at: usize) -> Item {
        match callable {
            Item::Global(id) => {
                let global = &self.globals[id as usize];
                let reason = match global.uses {
                    Some(uses) if uses.allows(need) => {
                        arguments::check(self, &global.module, &global.name, arguments).err()
                    }
                    _ => Some("it may be referred to, but not used like this"),
                };
                if let Some(reason) = reason {
                    let step = self.step(id, arguments);
                    self.refuse(id, at, step, Some(reason));
                    return Item::Refused(id);
                }
                if !self.may_be_kept(id) {
                    self.called(id);
                }
                let global = &self.globals[id as usize];
                if (&*global.module, &*global.name) == ("_codecs", "encode") {
                    return Item::Bytes;
                }
                match arguments::class_made(&global.module, &global.name)
                    .and_then(|n| arguments.get(n))
                {
                    Some(&Item::Global(class)) => Item::Instance(class),
                    _ => Item::Instance(id),
                }
            }
            Item::Refused(id) => {
                let step = self.step(id, arguments);
                match self.refusals.iter_mut().rev().find(|r| r.step.is_empty()) {
                    Some(refusal) => refusal.step = step,
                    None => self.refuse(id, at, step, None),
                }
                Item::Refused(id)
            }
            _ => self.refuse_unnamed(at, "something is called that is no name"),
        }
    }

    /// The step as Python would write it, cut short.
    fn step(&self, id: u32, arguments: &[Item]) -> String {
        let global = &self.globals[id as usize];
        let mut step = format!("{}.{}(", global.module, global.name);
        for (at, argument) in arguments.iter().enumerate() {
            if step.len() > 160 {
                step.push_str(", ...");
                break;
            }
            step.push_str(if at == 0 { "" } else { ", " });
            self.show(*argument, &mut step);
        }
        step + ")"
    }

    fn show(&self, item: Item, out: &mut String) {
        match item {
            Item::Int(value) => out.push_str(&value.to_string()),
            Item::Text { .. } | Item::OwnText(_) => {
                let text = self.text_of(item).unwrap_or_default();
                let cut: String = text.chars().take(80).collect();
                let dots = if cut.len() < text.len() { "..." } else { "" };
                let _ = write!(out, "'{}{dots}'", cut.escape_debug());
            }
            Item::Global(id) | Item::Refused(id) => {
                let global = &self.globals[id as usize];
                let _ = write!(out, "{}.{}", global.module, global.name);
            }
            Item::Instance(id) => {
                let _ = write!(out, "<{}>", self.globals[id as usize].name);
            }
            Item::Bytes => out.push_str("b'...'"),
            Item::Tuple { .. } => out.push_str("(...)"),
            Item::List => out.push_str("[...]"),
            Item::Dict => out.push_str("{...}"),
            Item::Set => out.push_str("{..}"),
            Item::Plain | Item::Persistent => out.push_str("..."),
        }
    }

    fn arguments(&self, item: Item) -> Option<Vec<Item>> {
        self.tuple_of(item).map(<[Item]>::to_vec)
    }

    /// Whether items may be put into an object that is no list, dictionary or set.
    fn check_items(&mut self, object: Item, at: usize) {
        match object {
            Item::List | Item::Dict | Item::Set | Item::Refused(_) => {}
            Item::Instance(id) => {
                let uses = self.globals[id as usize].uses.unwrap_or_default();
                if !uses.allows(Uses::ITEMS) {
                    self.refuse(id, at, String::new(), Some("it takes no items"));
                }
            }
            _ => {
                self.refuse_unnamed(at, "items are put into what takes none");
            }
        }
    }
}

impl<V: TrustPolicy> Heap for AbstractHeap<'_, '_, V> {
    type Ref = Item;

    fn protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    fn none(&mut self) -> Result<Item> {
        Ok(Item::Plain)
    }

    fn bool(&mut self, _: bool) -> Result<Item> {
        Ok(Item::Plain)
    }

    fn int(&mut self, value: i64) -> Result<Item> {
        Ok(Item::Int(value))
    }

    fn big_int(&mut self, _: &[u8]) -> Result<Item> {
        Ok(Item::Int(i64::MAX))
    }

    fn float(&mut self, _: f64) -> Result<Item> {
        Ok(Item::Plain)
    }

    #[inline]
    fn text(&mut self, bytes: &[u8]) -> Result<Item> {
        Ok(self.text_item(bytes))
    }

    fn escaped_text(&mut self, line: &[u8]) -> Result<Item> {
        if line.contains(&b'\\') || !line.is_ascii() {
            let text = literal::escaped(line)?;
            return Ok(self.own_text(text.as_text().to_str_lossy().into_owned()));
        }
        Ok(self.text_item(line))
    }

    fn string(&mut self, bytes: &[u8]) -> Result<Item> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        Ok(self.own_text(text))
    }

    fn bytes(&mut self, _: &[u8]) -> Result<Item> {
        Ok(Item::Bytes)
    }

    fn bytearray(&mut self, _: &[u8]) -> Result<Item> {
        Ok(Item::Bytes)
    }

    fn short_line(&mut self, line: &[u8]) -> Result<Item> {
        let integer = literal::short_integer(line)?;
        self.integer(integer)
    }

    fn long_line(&mut self, line: &[u8]) -> Result<Item> {
        let integer = literal::long_integer(line)?;
        self.integer(integer)
    }

    fn float_line(&mut self, line: &[u8]) -> Result<Item> {
        literal::float(line).map(|_| Item::Plain)
    }

    #[inline]
    fn tuple(&mut self, items: Drain<'_, Item>) -> Result<Item> {
        let (start, len) = (self.tuples.len(), items.len());
        self.tuples.extend(items);
        Ok(Item::Tuple { start, len: u32::try_from(len).map_err(|_| too_many())? })
    }

    fn list(&mut self, _: Drain<'_, Item>) -> Result<Item> {
        Ok(Item::List)
    }

    fn dict(&mut self, _: Drain<'_, Item>) -> Result<Item> {
        Ok(Item::Dict)
    }

    fn set(&mut self) -> Result<Item> {
        Ok(Item::Set)
    }

    fn frozenset(&mut self, _: Drain<'_, Item>) -> Result<Item> {
        Ok(Item::Set)
    }

    fn append(&mut self, list: &Item, _: Item, at: usize) -> Result<()> {
        self.check_items(*list, at);
        Ok(())
    }

    fn extend(&mut self, list: &Item, _: Drain<'_, Item>, at: usize) -> Result<()> {
        self.check_items(*list, at);
        Ok(())
    }

    fn set_items(&mut self, dict: &Item, _: Drain<'_, Item>, at: usize) -> Result<()> {
        self.check_items(*dict, at);
        Ok(())
    }

    fn add_items(&mut self, set: &Item, _: Drain<'_, Item>, at: usize) -> Result<()> {
        self.check_items(*set, at);
        Ok(())
    }

    fn global(&mut self, module: &[u8], name: &[u8], at: usize) -> Result<Item> {
        let (module, name) = (literal::utf8(module)?, literal::utf8(name)?);
        self.find(&module.to_str_lossy(), &name.to_str_lossy(), at)
    }

    fn stack_global(&mut self, module: Item, name: Item, at: usize) -> Result<Item> {
        let (Some(module), Some(name)) = (self.text_of(module), self.text_of(name)) else {
            return Err(Error::new(ErrorKind::Syntax, "STACK_GLOBAL requires str"));
        };
        let (module, name) = (module.to_owned(), name.to_owned());
        self.find(&module, &name, at)
    }

    fn extension(&mut self, code: i64, at: usize) -> Result<Item> {
        match self.allow.extension(code) {
            Some((module, name)) => {
                self.extensions.insert(code, (module.clone(), name.clone()));
                self.find(&module, &name, at)
            }
            None => {
                Err(Error::new(ErrorKind::Value, format!("unregistered extension code {code}")))
            }
        }
    }

    fn instance(&mut self, class: Item, arguments: Drain<'_, Item>, at: usize) -> Result<Item> {
        let arguments: Vec<Item> = arguments.collect();
        Ok(self.apply(class, &arguments, Uses::CALL, at))
    }

    fn new_object(
        &mut self,
        class: Item,
        arguments: Item,
        _: Option<Item>,
        at: usize,
    ) -> Result<Item> {
        let Some(arguments) = self.arguments(arguments) else { return Err(no_tuple()) };
        Ok(self.apply(class, &arguments, Uses::NEW, at))
    }

    fn reduce(&mut self, callable: Item, arguments: Item, at: usize) -> Result<Item> {
        let Some(arguments) = self.arguments(arguments) else { return Err(no_tuple()) };
        match self.dotted(callable, &arguments) {
            Some((module, name)) => self.find_exactly(&module, &name, at),
            None => Ok(self.apply(callable, &arguments, Uses::CALL, at)),
        }
    }

    fn build(&mut self, object: &Item, _: Item, at: usize) -> Result<()> {
        match *object {
            Item::Instance(id) => {
                let uses = self.globals[id as usize].uses.unwrap_or_default();
                if !uses.allows(Uses::STATE) {
                    self.refuse(id, at, String::new(), Some("it takes no state"));
                }
            }
            Item::Refused(_) => {}
            Item::Global(id) => {
                self.refuse(id, at, String::new(), Some("a class or function would be changed"));
            }
            _ => {
                self.refuse_unnamed(at, "state is given to what takes none");
            }
        }
        Ok(())
    }

    fn persistent_line(&mut self, _: &[u8], _: usize) -> Result<Item> {
        Ok(Item::Persistent)
    }

    fn persistent(&mut self, _: Item, _: usize) -> Result<Item> {
        Ok(Item::Persistent)
    }

    fn next_buffer(&mut self, _: usize) -> Result<Item> {
        Ok(Item::Bytes)
    }

    fn readonly_buffer(&mut self, buffer: Item, _: usize) -> Result<Item> {
        Ok(buffer)
    }
}

#[cold]
fn too_many() -> Error {
    Error::new(ErrorKind::Limit, "more than 2^32 names, or items in a tuple")
}

#[cold]
fn no_tuple() -> Error {
    Error::new(ErrorKind::Type, "the arguments of a call must be a tuple")
}
