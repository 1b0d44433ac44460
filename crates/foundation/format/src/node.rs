//! What is inside a file, or at one place of a document.

use cannery_core::{Container, Dtype, Order, Result, Sink, Source, Text, Value, size_in_bytes};

use crate::dtype_name;

/// A value, or all values at one place of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its key; `[]` stands for the items of a list, `*` for keys that are not told apart.
    pub name: Option<String>,
    /// What it is: `map`, `list`, `int`, `array`, or several of them.
    pub kind: String,
    /// The kinds of its values one by one, the most frequent first.
    pub kinds: Vec<String>,
    /// The least and greatest of its numbers; integers where all of them are.
    pub numbers: Option<(Value, Value)>,
    /// The least and greatest length of its texts, in characters.
    pub characters: Option<(u64, u64)>,
    /// The least and greatest of values of a type that is written as text, such as dates.
    pub values: Option<(String, String)>,
    /// How many values are summed up here.
    pub count: Option<u64>,
    /// The least and greatest number of items or entries.
    pub len: Option<(u64, u64)>,
    /// The extent of its scalars.
    pub details: Option<String>,
    /// The type of an array's elements, as NumPy calls it.
    pub dtype: Option<String>,
    /// The sides of an array.
    pub shape: Option<Vec<u64>>,
    /// Whether an array's first index runs fastest.
    pub fortran_order: bool,
    /// Bytes of an array's elements.
    pub bytes: Option<u64>,
    /// The name of the tensor before it that lies in the same memory.
    pub shared_with: Option<String>,
    /// What it consists of.
    pub parts: Vec<Node>,
}

impl Node {
    /// An array.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Limit`] if its bytes do not fit 63 bits.
    pub fn of_array(dtype: &Dtype, shape: &[u64], order: Order) -> Result<Self> {
        Ok(Self {
            kind: "array".to_owned(),
            dtype: Some(dtype_name(dtype)),
            shape: Some(shape.to_vec()),
            fortran_order: order == Order::Fortran,
            bytes: Some(size_in_bytes(dtype, shape)?),
            ..Self::default()
        })
    }

    /// Something that has named parts.
    #[must_use]
    pub fn of_parts(kind: impl Into<String>, parts: Vec<Node>) -> Self {
        let len = parts.len() as u64;
        Self { kind: kind.into(), len: Some((len, len)), parts, ..Self::default() }
    }

    /// Gives it a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Source for Node {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        let texts = [
            ("name", &self.name),
            ("details", &self.details),
            ("dtype", &self.dtype),
            ("shared_with", &self.shared_with),
        ];
        text_entry("kind", &self.kind, sink)?;
        if !self.kinds.is_empty() {
            sink.key(Text::Ascii("kinds"))?;
            sink.begin(Container::List, Some(self.kinds.len()))?;
            self.kinds.iter().try_for_each(|kind| sink.text(kind.as_str().into()))?;
            sink.end(Container::List)?;
        }
        if let Some((least, greatest)) = &self.numbers {
            pair_entry("numbers", &[finite(least), finite(greatest)], sink)?;
        }
        if let Some((least, greatest)) = self.characters {
            counts_entry("characters", &[least, greatest], sink)?;
        }
        if let Some((least, greatest)) = &self.values {
            let pair = [Value::from(least.as_str()), Value::from(greatest.as_str())];
            pair_entry("values", &pair, sink)?;
        }
        for (key, text) in texts {
            if let Some(text) = text {
                text_entry(key, text, sink)?;
            }
        }
        if let Some(shape) = &self.shape {
            counts_entry("shape", shape, sink)?;
            sink.key(Text::Ascii("fortran_order"))?;
            sink.bool(self.fortran_order)?;
        }
        if let Some((least, greatest)) = self.len {
            counts_entry("len", &[least, greatest], sink)?;
        }
        for (key, count) in [("count", self.count), ("bytes", self.bytes)] {
            if let Some(count) = count {
                count_entry(key, count, sink)?;
            }
        }
        if !self.parts.is_empty() {
            sink.key(Text::Ascii("parts"))?;
            sink.begin(Container::List, Some(self.parts.len()))?;
            self.parts.iter().try_for_each(|part| part.emit(sink))?;
            sink.end(Container::List)?;
        }
        sink.end(Container::Map)
    }
}

/// Sends a key and its text.
///
/// # Errors
/// Those of the sink.
pub fn text_entry<S: Sink + ?Sized>(key: &'static str, text: &str, sink: &mut S) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    sink.text(text.into())
}

/// Sends a key and its number.
///
/// # Errors
/// Those of the sink.
pub fn count_entry<S: Sink + ?Sized>(key: &'static str, count: u64, sink: &mut S) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    send_count(count, sink)
}

fn counts_entry<S: Sink + ?Sized>(key: &'static str, counts: &[u64], sink: &mut S) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    sink.begin(Container::List, Some(counts.len()))?;
    counts.iter().try_for_each(|&count| send_count(count, sink))?;
    sink.end(Container::List)
}

/// A number as JSON has it: null where it is none.
fn finite(number: &Value) -> Value {
    match number {
        Value::Float(float) if !float.is_finite() => Value::Null,
        number => number.clone(),
    }
}

fn pair_entry<S: Sink + ?Sized>(key: &'static str, pair: &[Value; 2], sink: &mut S) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    sink.begin(Container::List, Some(2))?;
    pair.iter().try_for_each(|value| value.emit(sink))?;
    sink.end(Container::List)
}

/// Sends a number, however large.
///
/// # Errors
/// Those of the sink.
pub fn send_count<S: Sink + ?Sized>(count: u64, sink: &mut S) -> Result<()> {
    match i64::try_from(count) {
        Ok(count) => sink.int(count),
        Err(_) => sink.big_int(cannery_core::BigInt::U64(count)),
    }
}
