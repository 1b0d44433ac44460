//! Calls that are given containers whose parts are shared again and again: readers go through them,
//! copy or hash them as often as references lead there. The rules are those of loading.

use std::collections::HashSet;
use std::vec::Drain;

use cannery_core::{Error, ErrorKind, Result};

use crate::heap::Heap;
use crate::machine::Machine;
use crate::policy;
use crate::read::{Framing, Ops};

/// References to containers without which no call is given more than the pickle holds.
pub(super) const FEW_REFERENCES: u64 = 16;
/// Levels of what is hashed.
const MAX_DEPTH: u32 = 500;
const BOMB: &str = "copies of copies, or keys that take long to hash: a resource bomb";

/// The offset of the first instruction that is a bomb, in the pickle that begins at `start`.
pub(super) fn bomb(data: &[u8], start: usize, end: usize) -> Option<(usize, &'static str)> {
    let input = end.saturating_sub(start) as u64;
    let heap = SharingHeap {
        containers: Vec::new(),
        left: (1 << 20) + 16 * input,
        protocol: 0,
        is_bomb: false,
    };
    let mut machine = Machine::new(Ops::new(data, start, Framing::Ignored), heap);
    let error = machine.run().err()?;
    let at = error.pos().map_or(start as u64, |pos| pos.offset);
    machine.heap.is_bomb.then(|| (usize::try_from(at).unwrap_or(start), BOMB))
}

/// What is known about an object.
#[derive(Clone, Copy)]
enum Part {
    Plain,
    /// Text or bytes: how long, and which of the words it is that names of calls are made of.
    Text(usize, Option<&'static str>),
    Container(u32),
    Name(Callable),
}

/// What a call does with the items of its argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callable {
    Copies,
    Hashes,
    Other,
}

struct Container {
    kind: ContainerKind,
    len: usize,
    /// The letters and bytes of its items, which are copied with them.
    letters: usize,
    /// The containers among its items.
    inner: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ContainerKind {
    /// It may be hashed.
    Tuple,
    Other,
}

struct SharingHeap {
    containers: Vec<Container>,
    /// Items that calls may yet go through.
    left: u64,
    protocol: u8,
    is_bomb: bool,
}

impl SharingHeap {
    fn add(&mut self, kind: ContainerKind, items: impl Iterator<Item = Part>) -> Result<Part> {
        let id = u32::try_from(self.containers.len())
            .map_err(|_| Error::new(ErrorKind::Limit, "too many containers"))?;
        self.containers.push(Container { kind, len: 0, letters: 0, inner: Vec::new() });
        self.put(id, items);
        Ok(Part::Container(id))
    }

    fn put(&mut self, into: u32, items: impl Iterator<Item = Part>) {
        let container = &mut self.containers[into as usize];
        for item in items {
            container.len += 1;
            match item {
                Part::Container(inner) => container.inner.push(inner),
                Part::Text(letters, _) => container.letters += letters,
                Part::Plain | Part::Name(_) => {}
            }
        }
    }

    fn fill(&mut self, into: Part, items: impl Iterator<Item = Part>) {
        if let Part::Container(id) = into {
            self.put(id, items);
        }
    }

    fn spend(&mut self, items: usize) -> Result<()> {
        match self.left.checked_sub(items as u64) {
            Some(left) => self.left = left,
            None => return Err(self.stop()),
        }
        Ok(())
    }

    #[cold]
    fn stop(&mut self) -> Error {
        self.is_bomb = true;
        Error::new(ErrorKind::Limit, BOMB)
    }

    /// Counts the items of a container and of those in it, as often as references lead to them.
    fn look(&mut self, part: Part) -> Result<()> {
        let Part::Container(first) = part else { return Ok(()) };
        let mut around = HashSet::new();
        let mut open = Vec::new();
        // `None` for the end of the container that was begun last.
        let mut waiting = vec![Some(first)];
        while let Some(next) = waiting.pop() {
            let Some(id) = next else {
                around.remove(&open.pop().unwrap_or_default());
                continue;
            };
            if !around.insert(id) {
                continue; // it is part of itself
            }
            open.push(id);
            waiting.push(None);
            let container = &self.containers[id as usize];
            let steps = container.len + container.inner.len();
            waiting.extend(container.inner.iter().copied().map(Some));
            self.spend(steps)?;
        }
        Ok(())
    }

    /// Counts what hashing a key looks at, as often as it does.
    fn hash(&mut self, key: Part) -> Result<()> {
        let Part::Container(first) = key else { return Ok(()) };
        let mut waiting = vec![(first, 0)];
        while let Some((id, depth)) = waiting.pop() {
            if depth > MAX_DEPTH {
                return Err(self.stop());
            }
            let container = &self.containers[id as usize];
            if container.kind == ContainerKind::Tuple {
                let len = container.len;
                waiting.extend(container.inner.iter().map(|&inner| (inner, depth + 1)));
                self.spend(len + 1)?;
            }
        }
        Ok(())
    }

    fn call(&mut self, callable: Part, arguments: Part) -> Result<Part> {
        let Part::Container(id) = arguments else { return LEAF };
        let callable = match callable {
            Part::Name(callable) => callable,
            _ => Callable::Other,
        };
        let given = self.containers[id as usize].inner.clone();
        self.spend(self.containers[id as usize].letters)?;
        for &argument in &given {
            self.spend(self.containers[argument as usize].len)?;
            self.look(Part::Container(argument))?;
            if callable == Callable::Hashes {
                for inner in self.containers[argument as usize].inner.clone() {
                    self.hash(Part::Container(inner))?;
                }
            }
        }
        if callable == Callable::Other {
            return LEAF;
        }
        // What is made holds what the argument holds.
        self.add(ContainerKind::Other, given.into_iter().map(Part::Container))
    }

    fn name(&self, module: &str, name: &str) -> Part {
        let is_old = self.protocol < 3;
        let (module, name) =
            if is_old { policy::python3_name(module, name) } else { (module, name) };
        Part::Name(match (module, name) {
            ("builtins", "set" | "frozenset" | "dict")
            | ("collections" | "_collections", "Counter" | "OrderedDict") => Callable::Hashes,
            ("builtins", "list" | "tuple" | "reversed" | "enumerate" | "zip")
            | ("collections" | "_collections", "deque") => Callable::Copies,
            _ => Callable::Other,
        })
    }
}

const LEAF: Result<Part> = Ok(Part::Plain);

/// The words of names whose calls copy or hash what they are given.
const WORDS: [&str; 15] = [
    "builtins",
    "__builtin__",
    "collections",
    "_collections",
    "set",
    "frozenset",
    "dict",
    "Counter",
    "OrderedDict",
    "list",
    "tuple",
    "reversed",
    "enumerate",
    "zip",
    "deque",
];

#[expect(clippy::unnecessary_wraps, reason = "what the heap's methods give")]
fn text(bytes: &[u8]) -> Result<Part> {
    let word = WORDS.into_iter().find(|word| word.as_bytes() == bytes);
    Ok(Part::Text(bytes.len(), word))
}

impl Heap for SharingHeap {
    type Ref = Part;

    fn protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    fn none(&mut self) -> Result<Part> {
        LEAF
    }

    fn bool(&mut self, _: bool) -> Result<Part> {
        LEAF
    }

    fn int(&mut self, _: i64) -> Result<Part> {
        LEAF
    }

    fn big_int(&mut self, _: &[u8]) -> Result<Part> {
        LEAF
    }

    fn float(&mut self, _: f64) -> Result<Part> {
        LEAF
    }

    fn text(&mut self, bytes: &[u8]) -> Result<Part> {
        text(bytes)
    }

    fn escaped_text(&mut self, line: &[u8]) -> Result<Part> {
        text(line)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<Part> {
        text(bytes)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Part> {
        text(bytes)
    }

    fn bytearray(&mut self, bytes: &[u8]) -> Result<Part> {
        text(bytes)
    }

    fn short_line(&mut self, _: &[u8]) -> Result<Part> {
        LEAF
    }

    fn long_line(&mut self, _: &[u8]) -> Result<Part> {
        LEAF
    }

    fn float_line(&mut self, _: &[u8]) -> Result<Part> {
        LEAF
    }

    fn tuple(&mut self, items: Drain<'_, Part>) -> Result<Part> {
        self.add(ContainerKind::Tuple, items)
    }

    fn list(&mut self, items: Drain<'_, Part>) -> Result<Part> {
        self.add(ContainerKind::Other, items)
    }

    fn dict(&mut self, items: Drain<'_, Part>) -> Result<Part> {
        let dict = self.add(ContainerKind::Other, std::iter::empty())?;
        self.set_items(&dict, items, 0)?;
        Ok(dict)
    }

    fn set(&mut self) -> Result<Part> {
        self.add(ContainerKind::Other, std::iter::empty())
    }

    fn frozenset(&mut self, items: Drain<'_, Part>) -> Result<Part> {
        for &item in items.as_slice() {
            self.hash(item)?;
        }
        self.add(ContainerKind::Tuple, items)
    }

    fn append(&mut self, list: &Part, item: Part, _: usize) -> Result<()> {
        self.fill(*list, std::iter::once(item));
        Ok(())
    }

    fn extend(&mut self, list: &Part, items: Drain<'_, Part>, _: usize) -> Result<()> {
        self.fill(*list, items);
        Ok(())
    }

    fn set_items(&mut self, dict: &Part, items: Drain<'_, Part>, _: usize) -> Result<()> {
        for &key in items.as_slice().iter().step_by(2) {
            self.hash(key)?;
        }
        self.fill(*dict, items);
        Ok(())
    }

    fn add_items(&mut self, set: &Part, items: Drain<'_, Part>, _: usize) -> Result<()> {
        for &item in items.as_slice() {
            self.hash(item)?;
        }
        self.fill(*set, items);
        Ok(())
    }

    fn global(&mut self, module: &[u8], name: &[u8], _: usize) -> Result<Part> {
        Ok(self.name(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name)))
    }

    fn stack_global(&mut self, module: Part, name: Part, _: usize) -> Result<Part> {
        match (module, name) {
            (Part::Text(_, Some(module)), Part::Text(_, Some(name))) => Ok(self.name(module, name)),
            _ => Ok(Part::Name(Callable::Other)),
        }
    }

    fn extension(&mut self, _: i64, _: usize) -> Result<Part> {
        Ok(Part::Name(Callable::Other))
    }

    fn instance(&mut self, class: Part, arguments: Drain<'_, Part>, _: usize) -> Result<Part> {
        let arguments = self.tuple(arguments)?;
        self.call(class, arguments)
    }

    fn new_object(
        &mut self,
        class: Part,
        arguments: Part,
        keywords: Option<Part>,
        _: usize,
    ) -> Result<Part> {
        if let Some(keywords) = keywords {
            self.look(keywords)?;
        }
        self.call(class, arguments)
    }

    fn reduce(&mut self, callable: Part, arguments: Part, _: usize) -> Result<Part> {
        self.call(callable, arguments)
    }

    fn build(&mut self, _: &Part, state: Part, _: usize) -> Result<()> {
        self.look(state)
    }

    fn persistent_line(&mut self, _: &[u8], _: usize) -> Result<Part> {
        LEAF
    }

    fn persistent(&mut self, _: Part, _: usize) -> Result<Part> {
        LEAF
    }

    fn next_buffer(&mut self, _: usize) -> Result<Part> {
        LEAF
    }

    fn readonly_buffer(&mut self, buffer: Part, _: usize) -> Result<Part> {
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use crate::scan::{ScanOptions, Verdict, scan};

    /// Lists of `width` references to the one before.
    fn chain(count: u8, width: usize) -> Vec<u8> {
        let mut data = b"\x80\x04](NNeq\x000".to_vec();
        for at in 1..=count {
            data.extend(b"](");
            data.extend([b'h', at - 1].repeat(width));
            data.extend([b'e', b'q', at, b'0']);
        }
        data
    }

    fn verdict(data: &[u8]) -> (Verdict, String) {
        let scanned = scan(data, &ScanOptions::default());
        (scanned.verdict, scanned.findings.first().map(|f| f.reason.clone()).unwrap_or_default())
    }

    #[test]
    fn a_call_that_is_given_copies_of_copies_is_a_bomb() {
        for call in ["cre\nerror\n", "cjson.decoder\nJSONDecodeError\n", "cbuiltins\nlist\n"] {
            let data = [&chain(40, 2)[..], call.as_bytes(), b"h\x28\x85R."].concat();
            let (verdict, reason) = verdict(&data);
            assert_eq!(verdict, Verdict::Unknown, "{call}");
            assert!(reason.ends_with("a resource bomb"), "{reason}");
        }
    }

    #[test]
    fn names_in_texts_copy_as_others_do() {
        let lists = chain(5, 300);
        let list = b"\x8c\x08builtins\x8c\x04list\x93h\x05\x85R.";
        assert_eq!(verdict(&[&lists[..], list].concat()).0, Verdict::Unknown);
    }

    #[test]
    fn what_is_shared_without_a_call_is_data() {
        assert_eq!(verdict(&[&chain(40, 2)[..], b"h\x28."].concat()).0, Verdict::Ok);
    }

    #[test]
    fn a_list_in_itself_is_counted_once() {
        let list = [&b"\x80\x04]q\x00"[..], &b"h\x00a".repeat(20)].concat();
        let data = [&list[..], b"0cbuiltins\nlist\nh\x00\x85R."].concat();
        assert_eq!(verdict(&data).0, Verdict::Ok);
    }
}
