//! From all events to those of plain maps, lists, text and numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::malformed::no_name;
use super::{ARRAY, BYTES, ID, ITEMS, REF, SPLIT, Scalar, TYPE, Tag, TagSupport, VALUE};
use crate::{
    ArrayBuf, ArraySource, BigInt, Container, Note, Order, Result, Sink, Source, Text, Wants,
};

type PutArray<'a> = Box<dyn FnMut(&dyn ArraySource) -> Result<Option<String>> + 'a>;
type PutBytes<'a> = Box<dyn FnMut(&[u8]) -> Result<Option<String>> + 'a>;

/// A sink that lowers what it receives to the [tagged form](crate::tagged) and sends it on.
///
/// ```
/// use cannery_core::tagged::TagEncoder;
/// use cannery_core::{Limits, Source, Value, ValueBuilder};
///
/// let mut sink = TagEncoder::new(ValueBuilder::new(Limits::default()));
/// Value::Tuple(vec![Value::Int(1)]).emit(&mut sink)?;
/// let lowered = sink.into_inner().finish()?;
/// assert_eq!(lowered["$type"].as_str(), Some("tuple"));
/// assert_eq!(lowered["value"][0].as_i64(), Some(1));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct TagEncoder<'a, S> {
    inner: S,
    support: TagSupport,
    put_array: Option<PutArray<'a>>,
    put_bytes: Option<PutBytes<'a>>,
    open: Vec<Encoding>,
    mark: Option<u64>,
}

/// What an open container has become.
enum Encoding {
    List,
    /// A list in a map with a tag.
    TaggedItems,
    Map,
    /// A map in its list of pairs; that many values are due until the pair's end.
    Pairs(u8),
    Object,
}

impl<'a, S: Sink> TagEncoder<'a, S> {
    /// A sink that lowers to what JSON can say.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            support: TagSupport::default(),
            put_array: None,
            put_bytes: None,
            open: Vec::new(),
            mark: None,
        }
    }

    /// Leaves untagged what the target can say itself.
    #[must_use]
    pub fn support(mut self, support: TagSupport) -> Self {
        self.support = support;
        self
    }

    /// Offers each array to `put`, which stores it beside the document and returns its name there,
    /// or nothing for an array to be written in place.
    #[must_use]
    pub fn arrays(
        mut self,
        put: impl FnMut(&dyn ArraySource) -> Result<Option<String>> + 'a,
    ) -> Self {
        self.put_array = Some(Box::new(put));
        self
    }

    /// Offers each string of bytes to `put`, as [`arrays`](Self::arrays) does each array.
    #[must_use]
    pub fn blobs(mut self, put: impl FnMut(&[u8]) -> Result<Option<String>> + 'a) -> Self {
        self.put_bytes = Some(Box::new(put));
        self
    }

    /// The sink below.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Begins a map of that many members, and before them the mark that is due.
    fn begin_map(&mut self, members: Option<usize>) -> Result<()> {
        let Some(id) = self.mark.take() else { return self.inner.begin(Container::Map, members) };
        self.inner.begin(Container::Map, members.map(|members| members + 1))?;
        self.inner.key(ID)?;
        self.send_id(id)
    }

    /// What lies beside the document, by its name there.
    fn beside(&mut self, key: Text<'_>, name: &str) -> Result<()> {
        self.begin_map(Some(1))?;
        self.inner.key(key)?;
        self.inner.text(Text::Utf8(name))?;
        self.end_map()
    }

    fn begin_tag(&mut self, tag: Tag, members: usize) -> Result<()> {
        self.begin_map(Some(1 + members))?;
        self.inner.key(TYPE)?;
        self.inner.text(Text::Ascii(tag.name()))
    }

    /// A scalar wrapped in a tag of its own.
    fn wrapped(&mut self, scalar: Scalar, send: impl FnOnce(&mut S) -> Result<()>) -> Result<()> {
        self.begin_tag(Tag::Scalar(scalar), 1)?;
        self.inner.key(VALUE)?;
        send(&mut self.inner)?;
        self.end_map()
    }

    /// A scalar as it is, unless it has a mark to carry.
    #[inline]
    fn plain(&mut self, scalar: Scalar, send: impl FnOnce(&mut S) -> Result<()>) -> Result<()> {
        if self.mark.is_some() {
            return self.wrapped(scalar, send);
        }
        send(&mut self.inner)?;
        self.complete()
    }

    fn end_map(&mut self) -> Result<()> {
        self.inner.end(Container::Map)?;
        self.complete()
    }

    /// A value is complete, and with it the pair that it may be the end of.
    #[inline]
    fn complete(&mut self) -> Result<()> {
        if let Some(Encoding::Pairs(due)) = self.open.last_mut() {
            *due -= 1;
            if *due == 0 {
                return self.inner.end(Container::List);
            }
        }
        Ok(())
    }

    fn begin_pair(&mut self, values: u8) -> Result<()> {
        if let Some(Encoding::Pairs(due)) = self.open.last_mut() {
            *due = values;
        }
        self.inner.begin(Container::List, Some(2))
    }

    fn send_id(&mut self, id: u64) -> Result<()> {
        match i64::try_from(id) {
            Ok(id) => self.inner.int(id),
            Err(_) => self.inner.big_int(BigInt::U64(id)),
        }
    }

    fn array_in_place(&mut self, array: &dyn ArraySource) -> Result<()> {
        let read = if array.view().is_none() { Some(ArrayBuf::from_source(array)?) } else { None };
        let view = array.view().or_else(|| read.as_ref().map(ArrayBuf::as_view));
        let data = view.as_ref().map_or(&[][..], |view| view.data());
        self.begin_tag(Tag::Scalar(Scalar::Array), 4)?;
        self.inner.key(Text::Ascii("dtype"))?;
        array.dtype().to_value().emit(&mut self.inner)?;
        self.inner.key(Text::Ascii("shape"))?;
        self.inner.begin(Container::List, Some(array.shape().len()))?;
        array.shape().iter().try_for_each(|&side| self.send_id(side))?;
        self.inner.end(Container::List)?;
        self.inner.key(Text::Ascii("order"))?;
        let order = if array.order() == Order::C { "C" } else { "F" };
        self.inner.text(Text::Ascii(order))?;
        self.inner.key(Text::Ascii("data"))?;
        if self.support.bytes {
            self.inner.bytes(data)?;
        } else {
            self.inner.text(Text::Ascii(&base64_of(data)?))?;
        }
        self.end_map()
    }

    /// Text in which two surrogates would be read as one character.
    #[cold]
    fn split_text(&mut self, value: Text<'_>) -> Result<()> {
        let bytes = base64_of(&value.try_to_utf8()?)?;
        self.wrapped(Scalar::Surrogates, |inner| inner.text(Text::Ascii(&bytes)))
    }

    fn is_split(&self, value: Text<'_>) -> bool {
        !self.support.surrogate_pairs && value.has_surrogate_pair()
    }
}

/// Base64, for which there may be no memory.
fn base64_of(data: &[u8]) -> Result<String> {
    let mut text = String::new();
    let len = base64::encoded_len(data.len(), true).unwrap_or(usize::MAX);
    text.try_reserve_exact(len).map_err(|_| crate::Error::out_of_memory())?;
    STANDARD.encode_string(data, &mut text);
    Ok(text)
}

/// A key, or the name of a type, in which two surrogates would be read as one character.
#[cold]
fn split_name(name: Text<'_>) -> String {
    format!("{SPLIT}{}", STANDARD.encode(name.to_utf8()))
}

/// Whether a key of the user's own looks like one: in a pair, where keys are not escaped.
fn is_split_name(key: Text<'_>) -> bool {
    key.starts_with(b'$') && key.to_str().is_some_and(|key| key.starts_with(SPLIT))
}

/// How NaN and the infinities are called.
fn float_name(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "inf",
        f64::NEG_INFINITY => "-inf",
        _ => "nan",
    }
}

impl<S: Sink> Sink for TagEncoder<'_, S> {
    fn null(&mut self) -> Result<()> {
        if self.mark.is_some() {
            self.begin_tag(Tag::Scalar(Scalar::Null), 0)?;
            return self.end_map();
        }
        self.inner.null()?;
        self.complete()
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.plain(Scalar::Bool, |inner| inner.bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.plain(Scalar::Int, |inner| inner.int(value))
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        if self.support.big_ints || matches!(value, BigInt::U64(_)) {
            return self.plain(Scalar::Int, |inner| inner.big_int(value));
        }
        let digits = value.to_decimal();
        self.wrapped(Scalar::Int, |inner| inner.text(Text::Ascii(&digits)))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        if value.is_finite() || self.support.non_finite {
            return self.plain(Scalar::Float, |inner| inner.float(value));
        }
        self.wrapped(Scalar::Float, |inner| inner.text(Text::Ascii(float_name(value))))
    }

    fn number(&mut self, text: &str) -> Result<()> {
        if !self.inner.wants().number_text {
            return crate::sink::send_number(text, self);
        }
        let is_float = text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'));
        let scalar = if is_float { Scalar::Float } else { Scalar::Int };
        self.plain(scalar, |inner| inner.number(text))
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if self.is_split(value) {
            return self.split_text(value);
        }
        self.plain(Scalar::Str, |inner| inner.text(value))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if let Some(put) = &mut self.put_bytes
            && let Some(name) = put(value)?
        {
            return self.beside(BYTES, &name);
        }
        if self.support.bytes {
            return self.plain(Scalar::Bytes, |inner| inner.bytes(value));
        }
        let text = base64_of(value)?;
        self.wrapped(Scalar::Bytes, |inner| inner.text(Text::Ascii(&text)))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        let name = match &mut self.put_array {
            Some(put) => put(value)?,
            None => None,
        };
        let Some(name) = name else { return self.array_in_place(value) };
        self.beside(ARRAY, &name)
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        match container {
            Container::Map => {
                self.open.push(Encoding::Map);
                // How many of the entries will be in a list of pairs is not known yet.
                self.begin_map(None)
            }
            Container::List if self.mark.is_none() => {
                self.open.push(Encoding::List);
                self.inner.begin(Container::List, len)
            }
            items => {
                self.begin_tag(Tag::Items(items), 1)?;
                self.open.push(Encoding::TaggedItems);
                self.inner.key(VALUE)?;
                self.inner.begin(Container::List, len)
            }
        }
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        match self.open.pop() {
            Some(Encoding::List) => self.inner.end(Container::List)?,
            Some(Encoding::TaggedItems | Encoding::Pairs(_)) => {
                self.inner.end(Container::List)?;
                self.inner.end(Container::Map)?;
            }
            _ => self.inner.end(Container::Map)?,
        }
        self.complete()
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if let Some(Encoding::Pairs(_)) = self.open.last() {
            let is_split = self.is_split(key) || is_split_name(key);
            self.begin_pair(1)?;
            if is_split {
                return self.inner.text(Text::Ascii(&split_name(key)));
            }
            return self.inner.text(key);
        }
        if self.is_split(key) {
            return self.inner.key(Text::Ascii(&split_name(key)));
        }
        if key.starts_with(b'$') {
            return self.inner.key(key.with_first('$').as_text());
        }
        self.inner.key(key)
    }

    fn entry(&mut self) -> Result<()> {
        match self.open.last_mut() {
            Some(open @ Encoding::Map) => {
                *open = Encoding::Pairs(0);
                self.inner.key(ITEMS)?;
                self.inner.begin(Container::List, None)?;
            }
            Some(Encoding::Object) => return Err(no_name()),
            _ => {}
        }
        self.begin_pair(2)
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.open.push(Encoding::Object);
        self.begin_map(parts.map(|parts| parts + 1))?;
        self.inner.key(TYPE)?;
        if self.is_split(type_name) {
            return self.inner.text(Text::Ascii(&split_name(type_name)));
        }
        let taken = type_name.to_str().is_some_and(|name| Tag::from_name(&name).is_some());
        if taken || type_name.starts_with(b'$') {
            return self.inner.text(type_name.with_first('$').as_text());
        }
        self.inner.text(type_name)
    }

    fn end_object(&mut self) -> Result<()> {
        self.open.pop();
        self.end_map()
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        if self.support.references {
            return self.inner.mark(id);
        }
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        if self.support.references {
            self.inner.alias(id)?;
            return self.complete();
        }
        self.begin_map(Some(1))?;
        self.inner.key(REF)?;
        self.send_id(id)?;
        self.end_map()
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.inner.note(note)
    }

    fn wants(&self) -> Wants {
        // Those that the target lacks are tagged.
        self.inner.wants().machine_ints(false)
    }
}
