//! The event stream: how values travel between formats, Rust and Python.

use crate::{ArraySource, BigInt, Error, ErrorKind, Pos, Result, Text};

/// Receives one value as a stream of events.
///
/// # Grammar
///
/// ```text
/// value     = note* [mark] (scalar | array | alias | container | map | object)
/// scalar    = null | bool | int | big_int | float | number | text | bytes
/// container = begin(List | Tuple | Set | FrozenSet) value* end
/// map       = begin(Map) (key value | entry value value)* end
/// object    = begin_object (key value)* end_object
/// ```
///
/// - A map's text keys come as [`key`](Sink::key), so that a builder can cache them; any other key
///   is announced by [`entry`](Sink::entry) and then sent as an ordinary value.
/// - An *object* is everything that is none of the other kinds: a type name, which is data and
///   never resolved by a sink on its own account, and named parts. Dates, decimals, UUIDs and the
///   like are objects with well-known names; a value with a foreign tag (YAML, CBOR) is an object
///   whose only part is called `value`.
/// - [`mark`](Sink::mark) gives the *next* value an identity, [`alias`](Sink::alias) stands for a
///   value that was marked before. An alias inside the marked value itself is a cycle.
/// - Length hints are hints: a sink must not allocate on their word alone.
///
/// Readers promise the grammar; a sink may panic (but not misbehave) if it is broken. After an
/// error the stream is over and the sink is only good for being dropped.
///
/// The trait is generic-friendly (readers take `S: Sink` and are monomorphised: no cost per event)
/// and dyn-compatible (so that converting between N formats needs N + M pieces of machine code).
pub trait Sink {
    /// Nothing: `null`, `None`, nil.
    fn null(&mut self) -> Result<()>;

    /// A truth value.
    fn bool(&mut self, value: bool) -> Result<()>;

    /// Nothing, or a truth value: as [`null`](Sink::null) or [`bool`](Sink::bool), for readers that
    /// can tell which of the three it is without a branch.
    #[inline]
    fn null_or_bool(&mut self, value: Option<bool>) -> Result<()> {
        match value {
            None => self.null(),
            Some(value) => self.bool(value),
        }
    }

    /// An integer that fits 64 signed bits.
    fn int(&mut self, value: i64) -> Result<()>;

    /// An integer beyond [`int`](Sink::int)'s range.
    fn big_int(&mut self, value: BigInt<'_>) -> Result<()>;

    /// A binary64 number, infinities and NaN included.
    fn float(&mut self, value: f64) -> Result<()>;

    /// A number as the text of its source, for sinks that ask for it in [`wants`](Sink::wants).
    ///
    /// The text follows JSON's grammar of numbers. By default it is parsed and sent on as
    /// [`int`](Sink::int), [`big_int`](Sink::big_int) or [`float`](Sink::float).
    fn number(&mut self, text: &str) -> Result<()> {
        send_number(text, self)
    }

    /// A string of characters.
    fn text(&mut self, value: Text<'_>) -> Result<()>;

    /// A string of bytes.
    fn bytes(&mut self, value: &[u8]) -> Result<()>;

    /// An array of numbers, as one value; its elements are never sent one by one.
    ///
    /// The source may hold its data in memory or read it only when asked.
    fn array(&mut self, value: &dyn ArraySource) -> Result<()>;

    /// A container begins; `len` is the number of its items or entries, where the source knows it.
    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()>;

    /// The innermost open container, which is of this kind, ends.
    fn end(&mut self, container: Container) -> Result<()>;

    /// The text key of the next map entry, or the name of the next part of an object.
    fn key(&mut self, key: Text<'_>) -> Result<()>;

    /// The length of the key that this sink expects next, if `ahead` begins with it and a quote.
    ///
    /// For readers of text: records repeat their keys in order, and comparing a key with the one
    /// expected is quicker than looking for its end. The key is ASCII and has no escapes; the reader
    /// sends it as [`predicted_key`](Sink::predicted_key), or forgets about it. If it is the `first` of
    /// a map, the reader has yet to send that the map begins.
    fn predict_key(&mut self, _ahead: &[u8], _first: bool) -> Option<usize> {
        None
    }

    /// The [`key`](Sink::key) that this sink foresaw; of other events, at most a map's beginning
    /// came in between.
    fn predicted_key(&mut self) -> Result<()> {
        Ok(())
    }

    /// A map entry whose key is not text begins: the next two values are its key and its value.
    fn entry(&mut self) -> Result<()>;

    /// An object begins; `parts` is the number of its parts, where the source knows it.
    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()>;

    /// The innermost open object ends.
    fn end_object(&mut self) -> Result<()>;

    /// The next value is known as `id` from here on. An id is used once in a document.
    fn mark(&mut self, id: u64) -> Result<()>;

    /// The value that was marked `id`, once more.
    fn alias(&mut self, id: u64) -> Result<()>;

    /// Something about the next value that is not part of it, for sinks that ask in
    /// [`wants`](Sink::wants); others ignore it.
    fn note(&mut self, _note: Note<'_>) -> Result<()> {
        Ok(())
    }

    /// What this sink has a use for beyond the values themselves; constant for its lifetime.
    fn wants(&self) -> Wants {
        Wants::default()
    }
}

/// Something that can send itself to a [`Sink`] as one value.
pub trait Source {
    /// Sends the whole value.
    ///
    /// # Errors
    /// Those of the sink, and the source's own.
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()>;
}

/// The kinds of container. An object is not one of them: it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// An ordered, editable sequence: JSON's array, Python's `list`.
    List,
    /// An ordered, immutable sequence.
    Tuple,
    /// An unordered collection of distinct values.
    Set,
    /// An immutable [`Set`](Container::Set), fit to be a key.
    FrozenSet,
    /// Entries of a key and a value, in order of insertion.
    Map,
}

/// What a sink has a use for beyond the values themselves. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Wants {
    /// Send numbers as [`Sink::number`], where the source is text.
    pub number_text: bool,
    /// Send [`Note::At`] before each value and key.
    pub positions: bool,
    /// Send [`Note::Comment`] and [`Note::Style`].
    pub presentation: bool,
    /// Send no integers beyond 64 bits if there is something else to say: they are refused.
    pub machine_ints: bool,
    /// Send strings that are not ASCII as [`Text::Ucs2`], where the reader decodes them as quickly as
    /// it validates them.
    pub units: bool,
}

impl Wants {
    /// Sets [`number_text`](Self::number_text).
    #[must_use]
    pub fn number_text(mut self, yes: bool) -> Self {
        self.number_text = yes;
        self
    }

    /// Sets [`positions`](Self::positions).
    #[must_use]
    pub fn positions(mut self, yes: bool) -> Self {
        self.positions = yes;
        self
    }

    /// Sets [`presentation`](Self::presentation).
    #[must_use]
    pub fn presentation(mut self, yes: bool) -> Self {
        self.presentation = yes;
        self
    }

    /// Sets [`machine_ints`](Self::machine_ints).
    #[must_use]
    pub fn machine_ints(mut self, yes: bool) -> Self {
        self.machine_ints = yes;
        self
    }

    /// Sets [`units`](Self::units).
    #[must_use]
    pub fn units(mut self, yes: bool) -> Self {
        self.units = yes;
        self
    }
}

/// Something about the next value that is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note<'a> {
    /// Where the value begins in the source.
    At(Pos),
    /// A comment, without its marker.
    Comment(Comment, &'a str),
    /// How the source wrote the value.
    Style(Style),
}

/// Where a comment stands, seen from the value that its note precedes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comment {
    /// On lines of its own above the value.
    Above,
    /// Behind the previous value, on its line.
    Behind,
}

/// How a text format wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single quotes.
    SingleQuoted,
    /// A scalar in double quotes.
    DoubleQuoted,
    /// Text whose lines are kept (`|` in YAML).
    Literal,
    /// Text whose lines are folded (`>` in YAML).
    Folded,
    /// A container laid out by indentation.
    Block,
    /// A container in brackets.
    Flow,
}

macro_rules! forward {
    ($to:ty) => {
        impl<S: Sink + ?Sized> Sink for $to {
            #[inline]
            fn null(&mut self) -> Result<()> {
                (**self).null()
            }
            #[inline]
            fn bool(&mut self, value: bool) -> Result<()> {
                (**self).bool(value)
            }
            #[inline]
            fn int(&mut self, value: i64) -> Result<()> {
                (**self).int(value)
            }
            #[inline]
            fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
                (**self).big_int(value)
            }
            #[inline]
            fn float(&mut self, value: f64) -> Result<()> {
                (**self).float(value)
            }
            #[inline]
            fn number(&mut self, text: &str) -> Result<()> {
                (**self).number(text)
            }
            #[inline]
            fn text(&mut self, value: Text<'_>) -> Result<()> {
                (**self).text(value)
            }
            #[inline]
            fn bytes(&mut self, value: &[u8]) -> Result<()> {
                (**self).bytes(value)
            }
            #[inline]
            fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
                (**self).array(value)
            }
            #[inline]
            fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
                (**self).begin(container, len)
            }
            #[inline]
            fn end(&mut self, container: Container) -> Result<()> {
                (**self).end(container)
            }
            #[inline]
            fn key(&mut self, key: Text<'_>) -> Result<()> {
                (**self).key(key)
            }
            #[inline]
            fn entry(&mut self) -> Result<()> {
                (**self).entry()
            }
            #[inline]
            fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
                (**self).begin_object(type_name, parts)
            }
            #[inline]
            fn end_object(&mut self) -> Result<()> {
                (**self).end_object()
            }
            #[inline]
            fn mark(&mut self, id: u64) -> Result<()> {
                (**self).mark(id)
            }
            #[inline]
            fn alias(&mut self, id: u64) -> Result<()> {
                (**self).alias(id)
            }
            #[inline]
            fn note(&mut self, note: Note<'_>) -> Result<()> {
                (**self).note(note)
            }
            #[inline]
            fn wants(&self) -> Wants {
                (**self).wants()
            }
        }
    };
}

forward!(&mut S);
forward!(Box<S>);

/// Sends a number that follows JSON's grammar as the event that holds it exactly.
///
/// Without fraction and exponent it is an integer of any size, else the nearest binary64.
pub(crate) fn send_number<S: Sink + ?Sized>(text: &str, sink: &mut S) -> Result<()> {
    if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        let value = text.parse().map_err(|_| not_a_number(text))?;
        return sink.float(value);
    }
    match text.parse() {
        Ok(value) => sink.int(value),
        Err(_) if is_integer(text) => sink.big_int(BigInt::Decimal(text)),
        Err(_) => Err(not_a_number(text)),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cold]
fn not_a_number(text: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("expected a number, found `{text}`"))
}
