//! Hashes that a file can choose: Python hashes numbers, and what is made of numbers, without a
//! secret, so that a container of a thousand keys with one hash takes a million comparisons.
//!
//! The hashes are those of 64-bit `CPython` since 3.8: "Hashing of numeric types" in the manual,
//! `Objects/tupleobject.c` and `Objects/setobject.c`.

mod numbers;

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use cannery_core::{Graph, Node, NodeId, ObjectNode};
use num_bigint::BigInt;

use numbers::MODULUS;

/// Distinct values of one hash, anywhere in a file.
const MOST_ALIKE: usize = 256;
/// The same, where labels of a table are hashed together.
const MOST_LABELS: usize = 64;
/// What comparing keys of one hash may come to, in comparisons of integers, and what each key adds.
const FREE_COMPARED: u64 = 1 << 20;
const COMPARED_PER_KEY: u64 = 128;
const COMPARED_BY_CLASS: u64 = 64;
/// Lists without a number of this size, or a fraction, cannot have a chosen hash as tuples.
const LARGE: u64 = 1 << 32;

/// Whether many values of a file were chosen to have one hash.
///
/// A reader may say the types: texts that are numbers, identifiers or addresses count as these,
/// and lists as tuples.
///
/// ```
/// use cannery_core::{Graph, Node};
/// use cannery_pickle::hashes::has_equal_hashes;
///
/// let mut graph = Graph::new();
/// for at in 1..=300_i128 {
///     graph.add(Node::BigInt((at * ((1 << 61) - 1) * (1 << 40)).into()));
/// }
/// assert!(has_equal_hashes(&graph));
/// ```
#[must_use]
pub fn has_equal_hashes(graph: &Graph) -> bool {
    let mut hashing = Hashing::new(graph);
    let mut alike = Alike::default();
    let mut most = MOST_ALIKE;
    for id in graph.inner_first() {
        let hashed = hashing.of(id);
        hashing.hashes[id.index()] = hashed;
        match &graph[id] {
            Node::Text(text) => {
                if let Some(number) = text.as_str().and_then(numbers::of_text) {
                    alike.add(number.hash, hashing.secret.hash_one(number.canonical));
                }
            }
            node if hashing.may_be_chosen(node) => alike.add(hashed.hash, hashed.print),
            Node::Object(object) if has_labels(object) => most = MOST_LABELS,
            _ => {}
        }
    }
    let mut comparisons = Comparisons::default();
    alike.most > most || graph.ids().any(|id| comparisons.are_too_many(hashing.keys(id)))
}

/// A hash as Python computes it, and a number that tells unequal values of one hash apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    hash: u64,
    print: u64,
}

/// How many distinct values have one hash.
#[derive(Default)]
struct Alike {
    first: HashMap<u64, u64>,
    /// Those of the hashes that more than one value has.
    all: HashMap<u64, HashSet<u64>>,
    most: usize,
}

impl Alike {
    fn add(&mut self, hash: u64, print: u64) {
        match self.first.entry(hash) {
            Entry::Vacant(entry) => drop(entry.insert(print)),
            Entry::Occupied(entry) if *entry.get() == print => {}
            Entry::Occupied(entry) => {
                let all = self.all.entry(hash).or_insert_with(|| [*entry.get()].into());
                all.insert(print);
                self.most = self.most.max(all.len());
            }
        }
    }
}

/// What comparing the keys of all containers comes to.
#[derive(Default)]
struct Comparisons {
    made: u64,
    free: u64,
}

impl Comparisons {
    /// Counts those of the keys of one container, each with the cost of comparing it.
    fn are_too_many(&mut self, mut keys: Vec<(Hashed, u64)>) -> bool {
        if keys.len() < 2 {
            return false;
        }
        keys.sort_unstable();
        keys.dedup_by_key(|key| key.0);
        self.free += COMPARED_PER_KEY * keys.len() as u64;
        keys.chunk_by(|one, other| one.0.hash == other.0.hash).any(|run| {
            let (count, cost) = (run.len() as u64, run[run.len() - 1].1);
            self.made = self.made.saturating_add(count * (count - 1) / 2 * cost);
            run.len() > MOST_ALIKE || self.made > FREE_COMPARED + self.free
        })
    }
}

/// The hashes of the values of a graph.
struct Hashing<'a> {
    graph: &'a Graph,
    hashes: Vec<Hashed>,
    /// What texts are hashed with, and what tells values apart: the file cannot know it.
    secret: RandomState,
}

impl<'a> Hashing<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self { graph, hashes: vec![Hashed::default(); graph.len()], secret: RandomState::new() }
    }

    /// The hash of a value; those of what is inside of it are known.
    fn of(&self, id: NodeId) -> Hashed {
        let number = |hash| Hashed { hash, print: self.secret.hash_one(("number", hash)) };
        match &self.graph[id] {
            Node::Null => self.opaque("none"),
            Node::Bool(value) => number(u64::from(*value)),
            Node::Int(value) => {
                Hashed { hash: numbers::of_int(*value), print: self.secret.hash_one(value) }
            }
            Node::BigInt(value) => {
                Hashed { hash: numbers::of_big_int(value), print: self.secret.hash_one(value) }
            }
            Node::Float(value) => match numbers::of_float(*value) {
                Some(hash) => Hashed { hash, print: self.secret.hash_one(value.to_bits()) },
                None => self.opaque(id),
            },
            Node::Text(text) => self.opaque(text),
            Node::Bytes(bytes) => self.opaque(bytes),
            Node::Tuple(items) | Node::List(items) => self.tuple("tuple", items),
            Node::Set(items) | Node::FrozenSet(items) => self.frozen_set(items),
            Node::Object(object) => self.object(object),
            _ => self.opaque(id),
        }
    }

    /// What has a hash that no file can choose.
    fn opaque(&self, value: impl Hash) -> Hashed {
        let hash = self.secret.hash_one(value);
        Hashed { hash, print: hash }
    }

    fn inner(&self, id: NodeId) -> Hashed {
        self.hashes[id.index()]
    }

    /// xxHash of the items' hashes, as `tuplehash` computes it.
    fn tuple(&self, name: &str, items: &[NodeId]) -> Hashed {
        let items = items.iter().map(|&item| self.inner(item));
        self.hashed_tuple(name, items.collect::<Vec<_>>().as_slice())
    }

    fn hashed_tuple(&self, name: &str, items: &[Hashed]) -> Hashed {
        const PRIME_1: u64 = 11_400_714_785_074_694_791;
        const PRIME_2: u64 = 14_029_467_366_897_019_727;
        const PRIME_5: u64 = 2_870_177_450_012_600_261;
        let hash = items.iter().fold(PRIME_5, |hash, item| {
            let hash = hash.wrapping_add(item.hash.wrapping_mul(PRIME_2));
            hash.rotate_left(31).wrapping_mul(PRIME_1)
        });
        let hash = hash.wrapping_add(items.len() as u64 ^ (PRIME_5 ^ 0x0035_d373));
        let hash = if hash == u64::MAX { 1_546_275_796 } else { hash };
        Hashed { hash, print: self.secret.hash_one((name, self.prints(items))) }
    }

    fn prints(&self, items: &[Hashed]) -> u64 {
        items.iter().fold(0, |all, item| self.secret.hash_one((all, item.print)))
    }

    /// The hashes of the items, mixed and joined in any order, as `frozenset_hash` does.
    fn frozen_set(&self, items: &[NodeId]) -> Hashed {
        let mut items: Vec<Hashed> = items.iter().map(|&item| self.inner(item)).collect();
        items.sort_unstable();
        items.dedup();
        let mixed = |hash: u64| ((hash ^ 0x055b_4db3) ^ (hash << 16)).wrapping_mul(3_644_798_167);
        let hash = items.iter().fold(0, |all, item| all ^ mixed(item.hash));
        let hash = hash ^ (items.len() as u64 + 1).wrapping_mul(1_927_868_237);
        let hash = hash ^ (hash >> 11) ^ (hash >> 25);
        let hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923);
        let hash = if hash == u64::MAX { 590_923_713 } else { hash };
        Hashed { hash, print: self.secret.hash_one(("set", self.prints(&items))) }
    }

    /// Objects are hashed as numbers or addresses, and others as what they are made of is: as a
    /// tuple of it, whose hash can be chosen if those of the parts can.
    fn object(&self, object: &ObjectNode) -> Hashed {
        let name = plain_name(object);
        let arguments = self.arguments(object);
        let all = self.tuple(name, &arguments);
        let number = |hash| Hashed { hash, print: all.print };
        let by_text = |read: &dyn Fn(&str) -> Option<u64>| {
            arguments.iter().find_map(|&id| read(self.text(id)?)).map(number)
        };
        let known = match name {
            "int" | "decimal.Decimal" | "_decimal.Decimal" => {
                by_text(&|text| Some(numbers::decimal(text)?.hash))
            }
            "complex" => self.complex(&arguments).map(number),
            "fractions.Fraction" => self
                .fraction(&arguments)
                .map(number)
                .or_else(|| by_text(&|text| Some(numbers::fraction(text)?.hash))),
            "uuid.UUID" => by_text(&|text| numbers::uuid(text).map(numbers::of_bits))
                .or_else(|| Some(number(self.inner(part(object, "int")?).hash))),
            "range" => self.range(&arguments, all.print),
            "frozenset" | "set" | "tuple" => match arguments.first().map(|&id| &self.graph[id]) {
                Some(Node::List(items) | Node::Tuple(items)) if name == "tuple" => {
                    Some(self.tuple(name, items))
                }
                Some(Node::List(items) | Node::Tuple(items)) => Some(self.frozen_set(items)),
                _ => None,
            },
            _ if name.ends_with("multiarray.scalar") => self.scalar(&arguments).map(number),
            _ if name.starts_with("ipaddress.IP") => by_text(&|text| self.address(name, text)),
            _ => None,
        };
        known.unwrap_or(all)
    }

    /// What an object is made of: its arguments in a pickle, its parts in a document.
    fn arguments(&self, object: &ObjectNode) -> Vec<NodeId> {
        let mut all = Vec::new();
        for (name, id) in &object.parts {
            match &self.graph[*id] {
                Node::Tuple(items) if name.as_str() == Some("args") => all.extend(items),
                _ => all.push(*id),
            }
        }
        all
    }

    fn text(&self, id: NodeId) -> Option<&'a str> {
        match &self.graph[id] {
            Node::Text(text) => text.as_str(),
            _ => None,
        }
    }

    fn float(&self, id: NodeId) -> Option<f64> {
        match &self.graph[id] {
            Node::Float(value) => Some(*value),
            #[expect(clippy::cast_precision_loss, reason = "as Python converts it")]
            Node::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    fn int(&self, id: NodeId) -> Option<BigInt> {
        match &self.graph[id] {
            Node::Int(value) => Some(BigInt::from(*value)),
            Node::BigInt(value) => Some(value.clone()),
            _ => None,
        }
    }

    fn complex(&self, arguments: &[NodeId]) -> Option<u64> {
        let &[real, imaginary] = arguments else { return None };
        numbers::of_complex(self.float(real)?, self.float(imaginary)?)
    }

    fn fraction(&self, arguments: &[NodeId]) -> Option<u64> {
        let &[numerator, denominator] = arguments else { return None };
        Some(numbers::of_fraction(&self.int(numerator)?, &self.int(denominator)?))
    }

    /// A scalar of `NumPy`: complex numbers are the ones whose bytes can be chosen for a hash.
    fn scalar(&self, arguments: &[NodeId]) -> Option<u64> {
        let Node::Bytes(bytes) = &self.graph[*arguments.get(1)?] else { return None };
        match bytes.as_slice() {
            bytes if bytes.len() == 8 => {
                let half = |at: usize| {
                    bytes[at..at + 4].try_into().map(f32::from_le_bytes).unwrap_or_default()
                };
                numbers::of_complex(half(0).into(), half(4).into())
            }
            bytes if bytes.len() == 16 => {
                let half = |at: usize| {
                    bytes[at..at + 8].try_into().map(f64::from_le_bytes).unwrap_or_default()
                };
                numbers::of_complex(half(0), half(8))
            }
            _ => None,
        }
    }

    /// `range` is hashed as the tuple of its length, its start and its step.
    fn range(&self, arguments: &[NodeId], print: u64) -> Option<Hashed> {
        // Longer numbers take long to divide; no two ranges of them are equally long by chance.
        const LONGEST: u64 = 256;
        let number = |&id: &NodeId| self.int(id).filter(|value| value.bits() <= LONGEST);
        let numbers: Option<Vec<BigInt>> = arguments.iter().map(number).collect();
        let (start, end, by) = match numbers?.as_slice() {
            [start, end, by] => (start.clone(), end.clone(), by.clone()),
            [start, end] => (start.clone(), end.clone(), 1.into()),
            _ => return None,
        };
        let sign = if by.sign() == num_bigint::Sign::Minus { -1 } else { 1 };
        let last: BigInt = end - &start - sign;
        let length = if by == BigInt::ZERO { return None } else { last / &by + 1_u8 };
        let none = self.opaque("none");
        let hashed = |value: &BigInt| Hashed { hash: numbers::of_big_int(value), print: 0 };
        let by = if length == BigInt::from(1) { none } else { hashed(&by) };
        let hash = self.hashed_tuple("", &[hashed(&length), hashed(&start), by]).hash;
        Some(Hashed { hash, print })
    }

    /// Addresses, networks and interfaces, from their text.
    fn address(&self, name: &str, text: &str) -> Option<u64> {
        let address = numbers::address(text)?;
        let hashed = |bits: u128| Hashed { hash: numbers::of_bits(bits), print: 0 };
        let mask = address.mask();
        if name.ends_with("Network") {
            return Some(hashed((address.bits & mask) ^ mask).hash);
        }
        let items = if name.ends_with("Interface") {
            let prefix = u128::from(address.prefix.unwrap_or(address.width));
            vec![hashed(address.bits), hashed(prefix), hashed(address.bits & mask)]
        } else {
            let scope = text.split_once('%').map(|(_, scope)| scope);
            vec![hashed(address.bits), self.opaque(scope)]
        };
        Some(self.hashed_tuple("", &items).hash)
    }

    /// Whether a value can be chosen to have the hash of another.
    fn may_be_chosen(&self, node: &Node) -> bool {
        match node {
            Node::Int(value) => value.unsigned_abs() >= MODULUS,
            Node::BigInt(_) | Node::Tuple(_) | Node::FrozenSet(_) => true,
            Node::Object(object) => !has_labels(object),
            Node::List(items) => items.iter().any(|&item| match &self.graph[item] {
                Node::Int(value) => value.unsigned_abs() >= LARGE,
                Node::BigInt(_) | Node::Float(_) => true,
                _ => false,
            }),
            _ => false,
        }
    }

    /// The keys of a container whose hashes can be chosen, and what comparing each costs.
    fn keys(&self, id: NodeId) -> Vec<(Hashed, u64)> {
        let key = |id: NodeId| {
            let cost = match &self.graph[id] {
                Node::Text(_) | Node::Bytes(_) | Node::Float(_) | Node::Null | Node::Bool(_) => {
                    return None;
                }
                Node::Int(value) if value.unsigned_abs() < MODULUS => return None,
                Node::Int(_) | Node::BigInt(_) => 1,
                _ => COMPARED_BY_CLASS,
            };
            Some((self.inner(id), cost))
        };
        match &self.graph[id] {
            Node::Map(entries) => entries.iter().filter_map(|&(name, _)| key(name)).collect(),
            Node::Set(items) | Node::FrozenSet(items) => {
                items.iter().filter_map(|&item| key(item)).collect()
            }
            Node::Object(object) => {
                let items = self.arguments(object).first().map(|&id| &self.graph[id]);
                let Some(Node::List(items) | Node::Tuple(items)) = items else { return Vec::new() };
                let first = |id: NodeId| match &self.graph[id] {
                    Node::List(pair) | Node::Tuple(pair) => pair.first().copied(),
                    _ => None,
                };
                match plain_name(object) {
                    "set" | "frozenset" | "collections.Counter" => {
                        items.iter().filter_map(|&item| key(item)).collect()
                    }
                    "dict" | "collections.OrderedDict" => {
                        items.iter().filter_map(|&pair| key(first(pair)?)).collect()
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }
}

fn plain_name(object: &ObjectNode) -> &str {
    let name = object.type_name.as_str().unwrap_or_default();
    name.strip_prefix("builtins.").unwrap_or(name)
}

fn part(object: &ObjectNode, name: &str) -> Option<NodeId> {
    object.parts.iter().find(|(part, _)| part.as_str() == Some(name)).map(|&(_, id)| id)
}

/// Whether an object hashes what is in lists of it, as labels or nodes.
fn has_labels(object: &ObjectNode) -> bool {
    let name = object.type_name.as_str().unwrap_or_default();
    name.starts_with("pandas.") || name.starts_with("networkx.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(make: impl Fn(&mut Graph) -> NodeId) -> i64 {
        let mut graph = Graph::new();
        let root = make(&mut graph);
        let mut hashing = Hashing::new(&graph);
        for id in graph.inner_first() {
            hashing.hashes[id.index()] = hashing.of(id);
        }
        hashing.hashes[root.index()].hash.cast_signed()
    }

    fn ints(graph: &mut Graph, values: &[i64]) -> Vec<NodeId> {
        values.iter().map(|&value| graph.add(Node::Int(value))).collect()
    }

    /// What `hash` of Python 3.11 says.
    #[test]
    fn containers_have_the_hashes_of_python() {
        let tuple = |values: &[i64]| {
            hash(|graph| {
                let items = ints(graph, values);
                graph.add(Node::Tuple(items))
            })
        };
        assert_eq!(tuple(&[]), 5_740_354_900_026_072_187);
        assert_eq!(tuple(&[1, 2]), -3_550_055_125_485_641_917);
        let set = |values: &[i64]| {
            hash(|graph| {
                let items = ints(graph, values);
                graph.add(Node::FrozenSet(items))
            })
        };
        assert_eq!(set(&[]), 133_146_708_735_736);
        assert_eq!(set(&[3, 2, 1, 2]), -272_375_401_224_217_160);
        let range = |values: &[i64]| {
            hash(|graph| {
                let parts = ["start", "stop", "step"].map(Into::into);
                let items = ints(graph, values);
                let parts = parts.into_iter().zip(items).collect();
                let type_name = "range".into();
                graph.add(Node::Object(Box::new(ObjectNode { type_name, parts })))
            })
        };
        assert_eq!(range(&[0, 10, 2]), -6_143_170_332_311_272_345);
        assert_eq!(range(&[10, 0, -3]), -4_187_782_621_229_172_137);
    }
}
