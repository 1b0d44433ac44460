//! A stream of values summed up as its shape: which kinds occur where, how many, how large.

use cannery_core::{ArraySource, BigInt, Container, Dtype, Result, Sink, Text, Value};

use crate::node::Node;

/// Keys of a map that are told apart; the values of all others are summed up as one.
const MAX_FIELDS: usize = 64;

/// Levels that are told apart.
const MAX_DEPTH: usize = 24;

/// A sink that keeps the shape of what it receives, in memory that does not grow with it.
#[derive(Default)]
pub struct SchemaSummary {
    root: Shape,
    open: Vec<OpenContainer>,
    /// Containers inside something that is not looked into: a key that is no text, a level too
    /// deep.
    unseen: usize,
}

/// What is known of all values at one place.
#[derive(Default)]
struct Shape {
    count: u64,
    nulls: u64,
    bools: u64,
    ints: Range<i64>,
    big_ints: u64,
    floats: Range<f64>,
    texts: Range<usize>,
    bytes: Range<usize>,
    aliases: u64,
    arrays: Option<Arrays>,
    lists: Range<u64>,
    maps: Range<u64>,
    /// What sequences and maps are called, if not list and map.
    list_name: Option<&'static str>,
    type_name: Option<String>,
    /// The least and greatest of texts that stand for a value of a type: `2026-11-21`.
    values: Option<(String, String)>,
    /// Integers of a list that may be the sides of an array.
    sides: Vec<u64>,
    items: Option<Box<Shape>>,
    fields: Vec<(String, Shape)>,
    /// The values of all keys beyond [`MAX_FIELDS`].
    others: Option<Box<Shape>>,
}

/// Arrays of numbers: type and sides of the first of them.
#[derive(Clone)]
struct Arrays {
    dtype: String,
    shape: Vec<u64>,
    bytes: Option<u64>,
    count: u64,
    are_alike: bool,
}

/// Characters of a text that is shown as a value.
const MAX_VALUE: usize = 64;

/// Sides of an array.
const MAX_SIDES: usize = 64;

/// How many values there were, and the smallest and largest.
#[derive(Clone, Copy, Default)]
struct Range<T> {
    count: u64,
    ends: Option<(T, T)>,
}

impl<T: Copy + PartialOrd> Range<T> {
    fn add(&mut self, value: T) {
        self.count += 1;
        self.ends = Some(match self.ends {
            None => (value, value),
            Some((low, high)) => {
                (if value < low { value } else { low }, if value > high { value } else { high })
            }
        });
    }
}

impl<T: Copy + PartialOrd> Range<T> {
    fn merge(&mut self, other: Self) {
        if let Some((low, high)) = other.ends {
            self.add(low);
            self.add(high);
            self.count -= 2;
        }
        self.count += other.count;
    }
}

/// A container whose end has not come.
struct OpenContainer {
    shape: Shape,
    /// Where the shape belongs in that of the container around it.
    location: SummarySlot,
    /// Where the next value belongs.
    next: SummarySlot,
    /// The field that the next key probably is: records of a kind have their keys in one order.
    guess: usize,
    len: u64,
    is_map: bool,
    /// The next value is a key.
    key_due: bool,
}

#[derive(Clone, Copy)]
enum SummarySlot {
    Root,
    Items,
    Field(usize),
    Others,
}

impl Shape {
    fn at(&mut self, slot: SummarySlot) -> &mut Shape {
        match slot {
            SummarySlot::Root => self,
            SummarySlot::Items => self.items.get_or_insert_default(),
            SummarySlot::Field(index) => &mut self.fields[index].1,
            SummarySlot::Others => self.others.get_or_insert_default(),
        }
    }

    /// Where the value of `key` belongs.
    fn field(&mut self, key: &str, guess: usize) -> SummarySlot {
        if self.fields.get(guess).is_some_and(|(name, _)| name == key) {
            return SummarySlot::Field(guess);
        }
        if let Some(index) = self.fields.iter().position(|(name, _)| name == key) {
            return SummarySlot::Field(index);
        }
        if self.fields.len() == MAX_FIELDS {
            return SummarySlot::Others;
        }
        self.fields.push((key.to_owned(), Shape::default()));
        SummarySlot::Field(self.fields.len() - 1)
    }
}

impl SchemaSummary {
    /// Records a value of one event.
    fn value(&mut self, record: impl FnOnce(&mut Shape)) {
        if self.unseen > 0 || self.takes_key() {
            return;
        }
        let shape = self.slot();
        shape.count += 1;
        record(shape);
        self.counted();
    }

    /// Whether the value that comes is a key, which is not recorded.
    fn takes_key(&mut self) -> bool {
        self.open.last_mut().is_some_and(|frame| std::mem::take(&mut frame.key_due))
    }

    fn slot(&mut self) -> &mut Shape {
        match self.open.last_mut() {
            None => &mut self.root,
            Some(frame) => frame.shape.at(frame.next),
        }
    }

    fn counted(&mut self) {
        if let Some(frame) = self.open.last_mut() {
            frame.len += 1;
        }
    }

    fn open(&mut self, is_map: bool, record: impl FnOnce(&mut Shape)) {
        if self.unseen > 0 || self.open.len() == MAX_DEPTH || self.takes_key() {
            self.unseen += 1;
            return;
        }
        let location = self.open.last().map_or(SummarySlot::Root, |frame| frame.next);
        let mut shape = std::mem::take(self.slot());
        shape.count += 1;
        record(&mut shape);
        let next = if is_map { SummarySlot::Others } else { SummarySlot::Items };
        self.open.push(OpenContainer {
            shape,
            location,
            next,
            guess: 0,
            len: 0,
            is_map,
            key_due: false,
        });
    }

    fn close(&mut self) {
        if self.unseen > 0 {
            self.unseen -= 1;
            return;
        }
        let Some(mut frame) = self.open.pop() else { return };
        let lengths = if frame.is_map { &mut frame.shape.maps } else { &mut frame.shape.lists };
        lengths.add(frame.len);
        let parent = self.open.last_mut().map_or(&mut self.root, |parent| &mut parent.shape);
        *parent.at(frame.location) = frame.shape;
        self.counted();
    }

    /// The shape of the whole.
    #[must_use]
    pub fn into_node(self) -> Node {
        self.root.into_node()
    }
}

impl Sink for SchemaSummary {
    fn null(&mut self) -> Result<()> {
        self.value(|shape| shape.nulls += 1);
        Ok(())
    }

    fn bool(&mut self, _value: bool) -> Result<()> {
        self.value(|shape| shape.bools += 1);
        Ok(())
    }

    fn int(&mut self, value: i64) -> Result<()> {
        if let [.., parent, list] = &mut self.open[..]
            && parent.shape.type_name.is_some()
            && list.shape.sides.len() < MAX_SIDES
        {
            list.shape.sides.extend(u64::try_from(value));
        }
        self.value(|shape| shape.ints.add(value));
        Ok(())
    }

    fn big_int(&mut self, _value: BigInt<'_>) -> Result<()> {
        self.value(|shape| shape.big_ints += 1);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.value(|shape| shape.floats.add(value));
        Ok(())
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        let bytes = value.to_utf8();
        // Continuation bytes are no characters of their own.
        let characters = bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        let frame = self.open.last_mut().filter(|frame| frame.is_map && self.unseen == 0);
        let is_value = frame.is_some_and(|frame| match frame.next {
            SummarySlot::Field(index) if frame.shape.fields[index].0 == "$type" => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let name = &mut frame.shape.type_name;
                *name = Some(match name.take() {
                    Some(other) if other != text => "tagged value".to_owned(),
                    _ => text,
                });
                false
            }
            _ => frame.shape.type_name.is_some() && characters <= MAX_VALUE,
        });
        self.value(|shape| {
            shape.texts.add(characters);
            if is_value {
                shape.add_value(&String::from_utf8_lossy(&bytes));
            }
        });
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.value(|shape| shape.bytes.add(value.len()));
        Ok(())
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        let bytes = value.size_in_bytes().ok();
        let found = Arrays::new(value.dtype(), value.shape().to_vec(), bytes);
        self.value(|shape| shape.add_arrays(found));
        Ok(())
    }

    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        let name = match container {
            Container::Map | Container::List => None,
            Container::Tuple => Some("tuple"),
            Container::Set => Some("set"),
            Container::FrozenSet => Some("frozenset"),
        };
        self.open(container == Container::Map, |shape| shape.list_name = name);
        Ok(())
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        self.close();
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.unseen == 0
            && let Some(frame) = self.open.last_mut()
        {
            frame.next = frame.shape.field(&key.to_str_lossy(), frame.guess);
            frame.guess = match frame.next {
                SummarySlot::Field(index) => index + 1,
                _ => frame.guess,
            };
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        if self.unseen == 0
            && let Some(frame) = self.open.last_mut()
        {
            (frame.next, frame.key_due) = (SummarySlot::Others, true);
        }
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        let name = type_name.to_str_lossy().into_owned();
        self.open(true, |shape| shape.type_name = Some(name));
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        self.value(|shape| shape.aliases += 1);
        Ok(())
    }
}

impl Arrays {
    fn new(dtype: &Dtype, shape: Vec<u64>, bytes: Option<u64>) -> Self {
        Self { dtype: crate::names::dtype_name(dtype), shape, bytes, count: 1, are_alike: true }
    }
}

impl Shape {
    fn add_arrays(&mut self, more: Arrays) {
        match &mut self.arrays {
            None => self.arrays = Some(more),
            Some(arrays) => {
                arrays.are_alike &=
                    more.are_alike && arrays.dtype == more.dtype && arrays.shape == more.shape;
                arrays.count += more.count;
            }
        }
    }

    fn add_value(&mut self, value: &str) {
        match &mut self.values {
            None => self.values = Some((value.to_owned(), value.to_owned())),
            Some((low, _)) if value < low.as_str() => value.clone_into(low),
            Some((_, high)) if value > high.as_str() => value.clone_into(high),
            Some(_) => {}
        }
    }

    /// The field of that name, if it has only values of one kind.
    fn part(&self, name: &str) -> Option<&Shape> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, shape)| shape)
    }

    /// Shows the tagged form as what it stands for: the `$type` of a map is its type, and a type
    /// whose values have one part has that part's extent.
    fn untag(&mut self) {
        let is_tagged = self.part("$type").is_some();
        if is_tagged {
            self.fields.retain(|(name, _)| name != "$type");
            self.maps.ends =
                self.maps.ends.map(|(low, high)| (low.saturating_sub(1), high.saturating_sub(1)));
        }
        if self.type_name.as_deref() == Some("ndarray") && self.maps.count == 1 {
            self.untag_array();
            return;
        }
        let [(name, value)] = &self.fields[..] else { return };
        if name != "value" || self.others.is_some() || value.count != self.maps.count {
            return;
        }
        let is_sequence = value.lists.count == value.count;
        match self.type_name.as_deref() {
            Some("tuple") if is_sequence => self.become_list("tuple"),
            Some("set") if is_sequence => self.become_list("set"),
            Some("frozenset") if is_sequence => self.become_list("frozenset"),
            _ => {}
        }
    }

    fn become_list(&mut self, name: &'static str) {
        let Some((_, value)) = self.fields.pop() else { return };
        self.maps = Range::default();
        (self.lists, self.items, self.list_name) = (value.lists, value.items, Some(name));
    }

    fn untag_array(&mut self) {
        let dtype = self.part("dtype").and_then(|part| part.values.as_ref());
        let dtype = dtype.and_then(|(name, _)| Dtype::from_typestr(name).ok());
        let (Some(dtype), Some(shape)) = (dtype, self.part("shape")) else { return };
        let shape = shape.sides.clone();
        let bytes = cannery_core::size_in_bytes(&dtype, &shape).ok();
        let arrays = Arrays::new(&dtype, shape, bytes);
        self.maps = Range::default();
        self.fields.clear();
        self.add_arrays(arrays);
    }

    /// What a value of a type is that is written as one short text, such as a date.
    fn value_text(&self) -> Option<String> {
        let value = self.part("value")?;
        let is_plain = self.type_name.is_some()
            && value.texts.count == value.count
            && value.count == self.maps.count
            && self
                .fields
                .iter()
                .all(|(name, _)| matches!(name.as_str(), "value" | "zone" | "fold"));
        let (low, high) = value.values.as_ref().filter(|_| is_plain)?;
        Some(if low == high { low.clone() } else { format!("{low} to {high}") })
    }

    /// Adds what is known of values at another place.
    fn merge(&mut self, other: Shape) {
        self.count += other.count;
        self.nulls += other.nulls;
        self.bools += other.bools;
        self.big_ints += other.big_ints;
        self.aliases += other.aliases;
        self.ints.merge(other.ints);
        self.floats.merge(other.floats);
        self.texts.merge(other.texts);
        self.bytes.merge(other.bytes);
        self.lists.merge(other.lists);
        self.maps.merge(other.maps);
        self.list_name = self.list_name.or(other.list_name);
        self.type_name = self.type_name.take().or(other.type_name);
        if let Some(arrays) = other.arrays {
            self.add_arrays(arrays);
        }
        if let Some((low, high)) = other.values {
            self.add_value(&low);
            self.add_value(&high);
        }
        for (slot, items) in [(&mut self.items, other.items), (&mut self.others, other.others)] {
            if let Some(items) = items {
                slot.get_or_insert_default().merge(*items);
            }
        }
        for (name, shape) in other.fields {
            let slot = self.field(&name, usize::MAX);
            self.at(slot).merge(shape);
        }
    }

    /// Sums up all fields as one, where their names are data: there are more than are told apart,
    /// or all are numbers.
    fn fold_fields(&mut self) {
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let numbers = self.fields.len() > 1 && self.fields.iter().all(|(name, _)| is_number(name));
        if numbers || self.others.is_some() {
            let others = self.others.get_or_insert_default();
            self.fields.drain(..).for_each(|(_, shape)| others.merge(shape));
        }
    }

    fn into_node(mut self) -> Node {
        self.untag();
        if let Some(value) = self.value_text() {
            let values = self.part("value").and_then(|part| part.values.clone());
            let (kind, kinds) = (self.kind(), self.kinds());
            let (details, count) = (Some(value), Some(self.count));
            return Node { kind, kinds, values, count, details, ..Node::default() };
        }
        self.fold_fields();
        let (kind, details) = (self.kind(), self.details());
        let mut node = Node {
            kind,
            details,
            kinds: self.kinds(),
            numbers: self.number_ends(),
            characters: self.texts.ends.map(|(low, high)| (low as u64, high as u64)),
            count: Some(self.count),
            ..Node::default()
        };
        if let Some(arrays) = self.arrays.filter(|arrays| arrays.are_alike)
            && arrays.count == self.count
        {
            (node.dtype, node.shape) = (Some(arrays.dtype), Some(arrays.shape));
            node.bytes = arrays.bytes;
            node.details = None;
        }
        if self.lists.count > 0 {
            node.len = self.lists.ends;
        } else if self.maps.count > 0 {
            node.len = self.maps.ends;
        }
        if let Some(items) = self.items {
            node.parts.push(Node { name: Some("[]".to_owned()), ..items.into_node() });
        }
        for (name, shape) in self.fields {
            node.parts.push(Node { name: Some(name), ..shape.into_node() });
        }
        if let Some(others) = self.others {
            node.parts.push(Node { name: Some("*".to_owned()), ..others.into_node() });
        }
        node
    }

    /// The kinds that occur, the most frequent first, in words.
    fn kind(&self) -> String {
        let kinds = self.kinds();
        if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" or ") }
    }

    /// The kinds that occur, the most frequent first.
    fn kinds(&self) -> Vec<String> {
        let list = self.list_name.unwrap_or("list");
        let map = self.type_name.as_deref().unwrap_or("map");
        let array = self.arrays.as_ref().map_or(0, |arrays| arrays.count);
        let mut kinds = [
            (self.ints.count + self.big_ints, "int"),
            (self.floats.count, "float"),
            (self.texts.count, "text"),
            (self.bytes.count, "bytes"),
            (self.bools, "bool"),
            (self.lists.count, list),
            (self.maps.count, map),
            (array, "array"),
            (self.aliases, "reference"),
            (self.nulls, "null"),
        ];
        kinds.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let occurring = kinds.iter().filter(|(count, _)| *count > 0);
        occurring.map(|(_, name)| (*name).to_owned()).collect()
    }

    /// The extent of the scalars.
    fn details(&self) -> Option<String> {
        let mut details = Vec::new();
        details.extend(self.numbers());
        if self.big_ints > 0 {
            details.push("beyond 64 bits".to_owned());
        }
        for (lengths, unit) in [(self.texts, "character"), (self.bytes, "byte")] {
            if let Some((low, high)) = lengths.ends {
                details.push(plural(low, high, unit));
            }
        }
        details.extend(self.arrays.as_ref().map(|arrays| {
            let more = if arrays.are_alike { "" } else { " and others" };
            format!("{} {:?}{more}", arrays.dtype, arrays.shape)
        }));
        (!details.is_empty()).then(|| details.join(", "))
    }
}

impl Shape {
    /// The least and greatest number as values; integers where all of them are.
    #[expect(
        clippy::cast_precision_loss,
        reason = "next to fractions the last digit does not matter"
    )]
    fn number_ends(&self) -> Option<(Value, Value)> {
        let floats = |low: f64, high: f64| (Value::Float(low), Value::Float(high));
        match (self.ints.ends, self.floats.ends) {
            (ints, None) => ints.map(|(low, high)| (Value::Int(low), Value::Int(high))),
            (None, ends) => ends.map(|(low, high)| floats(low, high)),
            (Some((least, greatest)), Some((low, high))) => {
                Some(floats(low.min(least as f64), high.max(greatest as f64)))
            }
        }
    }

    /// The smallest and largest number.
    #[expect(
        clippy::cast_precision_loss,
        reason = "next to fractions the last digit does not matter"
    )]
    fn numbers(&self) -> Option<String> {
        match (self.ints.ends, self.floats.ends) {
            (ints, None) => ints.map(|(low, high)| span(low, high)),
            (None, floats) => floats.map(|(low, high)| span(low, high)),
            (Some((least, greatest)), Some((low, high))) => {
                Some(span(low.min(least as f64), high.max(greatest as f64)))
            }
        }
    }
}

fn span<T: std::fmt::Display>(low: T, high: T) -> String {
    let (low, high) = (low.to_string(), high.to_string());
    if low == high { high } else { format!("{low} to {high}") }
}

fn plural(low: usize, high: usize, unit: &str) -> String {
    match (low, high) {
        (1, 1) => format!("1 {unit}"),
        (low, high) if low == high => format!("{high} {unit}s"),
        _ => format!("{low} to {high} {unit}s"),
    }
}
