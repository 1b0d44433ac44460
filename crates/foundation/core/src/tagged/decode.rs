//! From plain maps, lists, text and numbers back to all events.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::malformed::{
    malformed, misplaced, no_items, no_member, no_pair, not_here, references, unmarked,
};
use super::{ARRAY, BYTES, ID, ITEMS, REF, SPLIT, Scalar, TYPE, Tag, VALUE, scalar};
use crate::{
    ArraySource, BigInt, Container, Error, Limits, Note, Result, Sink, Text, TextBuf, ValueBuilder,
    Wants,
};

type GetArray<'a> = Box<dyn FnMut(&str) -> Result<Box<dyn ArraySource>> + 'a>;
type GetBytes<'a> = Box<dyn FnMut(&str) -> Result<Box<dyn AsRef<[u8]>>> + 'a>;

/// A sink that raises the [tagged form](crate::tagged) it receives to what it stands for.
///
/// It takes well-formed tags only: control keys come first and in their order, each tag has its
/// members and no others. What it keeps in memory it has received: claimed sizes are not believed.
///
/// ```
/// use cannery_core::tagged::TagDecoder;
/// use cannery_core::{Limits, Source, Value, ValueBuilder};
///
/// let tagged = Value::from_iter([("$type", Value::from("set")), ("value", Value::from_iter([1]))]);
/// let mut sink = TagDecoder::new(ValueBuilder::new(Limits::default()));
/// tagged.emit(&mut sink)?;
/// assert_eq!(sink.into_inner().finish()?, Value::Set(vec![Value::Int(1)]));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct TagDecoder<'a, S> {
    inner: S,
    get_array: Option<GetArray<'a>>,
    get_bytes: Option<GetBytes<'a>>,
    open: Vec<Decoding>,
    due: Due,
    /// The format's own mark of the next value.
    mark: Option<u64>,
    buffer: Option<Buffer>,
}

/// What an open map or list has turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decoding {
    /// A map whose first key has not come, but perhaps its `$id`.
    Unknown {
        marked: bool,
    },
    Map {
        has_pairs: bool,
    },
    Object,
    /// An object that the format has of its own; its keys are as they are.
    TagSupport,
    /// The map of a tag whose list is still to come.
    Tag(Container),
    /// A map that has said all it may.
    Said,
    /// A list, tuple or set, as the sink below was told.
    Items(Container),
    /// The list behind `$items`.
    Pairs,
    /// A pair in it, and how many values it has had.
    Pair(u8),
}

/// What must come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Whatever the grammar allows.
    Any,
    Id,
    Ref,
    Type {
        marked: bool,
    },
    ArrayName,
    BytesName,
    Items(Container),
    Pairs,
}

/// The members of a tag that stands for a scalar.
struct Buffer {
    scalar: Scalar,
    members: ValueBuilder,
    depth: usize,
}

/// Types of records are the only members with a depth.
const MAX_MEMBER_DEPTH: usize = 64;

impl<'a, S: Sink> TagDecoder<'a, S> {
    /// A sink that raises to `inner`.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            get_array: None,
            get_bytes: None,
            open: Vec::new(),
            due: Due::Any,
            mark: None,
            buffer: None,
        }
    }

    /// Asks `get` for the arrays that lie beside the document, by their names there.
    #[must_use]
    pub fn arrays(mut self, get: impl FnMut(&str) -> Result<Box<dyn ArraySource>> + 'a) -> Self {
        self.get_array = Some(Box::new(get));
        self
    }

    /// Asks `get` for the strings of bytes that lie beside the document, by their names there.
    #[must_use]
    pub fn blobs(mut self, get: impl FnMut(&str) -> Result<Box<dyn AsRef<[u8]>>> + 'a) -> Self {
        self.get_bytes = Some(Box::new(get));
        self
    }

    /// The sink below.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// A value begins; refuses it where a tag wants something else.
    #[inline]
    fn value(&mut self, found: &str) -> Result<()> {
        if self.due != Due::Any {
            return Err(self.due.expected(found));
        }
        match self.open.last_mut() {
            Some(Decoding::Pair(count)) => {
                *count = count.saturating_add(1);
                match count {
                    1 => self.inner.entry()?,
                    2 => {}
                    _ => return Err(no_pair("a third value")),
                }
            }
            Some(Decoding::Pairs) => return Err(no_pair(found)),
            _ => {}
        }
        self.mark.take().map_or(Ok(()), |id| self.inner.mark(id))
    }

    /// The first key that is not `$id` decides what a map is.
    fn first_key(&mut self, key: Text<'_>, marked: bool) -> Result<()> {
        let (due, open) = match key {
            _ if !key.starts_with(b'$') => return self.plain_map(key),
            _ if key == ID && !marked => (Due::Id, Decoding::Unknown { marked: true }),
            _ if key == TYPE => (Due::Type { marked }, Decoding::Said),
            _ if key == REF => (Due::Ref, Decoding::Said),
            _ if key == ARRAY => (Due::ArrayName, Decoding::Said),
            _ if key == BYTES => (Due::BytesName, Decoding::Said),
            _ => return self.plain_map(key),
        };
        self.due = due;
        self.become_(open);
        Ok(())
    }

    fn plain_map(&mut self, key: Text<'_>) -> Result<()> {
        self.become_(Decoding::Map { has_pairs: false });
        // A list of pairs may follow, so the number of entries is not known.
        self.inner.begin(Container::Map, None)?;
        self.map_key(key, false)
    }

    fn map_key(&mut self, key: Text<'_>, has_pairs: bool) -> Result<()> {
        // Its first character is asked for first: text of any width compares slowly.
        if key.starts_with(b'$') && key == ITEMS && !has_pairs {
            self.become_(Decoding::Map { has_pairs: true });
            self.due = Due::Pairs;
            return Ok(());
        }
        self.escaped_key(key)
    }

    /// A key of the user's own, without the `$` that marks it as such.
    fn escaped_key(&mut self, key: Text<'_>) -> Result<()> {
        if !key.starts_with(b'$') {
            return self.inner.key(key);
        }
        if let Some(name) = split_name(key)? {
            return self.inner.key(name.as_text());
        }
        let name = key.without_first();
        if name.starts_with(b'$') { self.inner.key(name) } else { Err(misplaced(key)) }
    }

    /// The innermost map turns out to be something.
    fn become_(&mut self, open: Decoding) {
        *self.open.last_mut().expect("an open map") = open;
    }

    fn id(&mut self, id: u64) -> Result<()> {
        match std::mem::replace(&mut self.due, Due::Any) {
            Due::Id => self.inner.mark(id),
            _ => self.inner.alias(id),
        }
    }

    fn type_name(&mut self, name: Text<'_>, marked: bool) -> Result<()> {
        self.due = Due::Any;
        let tag = name.to_str().and_then(|name| Tag::from_name(&name));
        match tag {
            Some(tag) if tag.needs_mark() && !marked => return Err(unmarked(tag)),
            Some(Tag::Items(container)) => {
                self.become_(Decoding::Tag(container));
                return Ok(());
            }
            Some(Tag::Scalar(scalar)) => return self.begin_buffer(scalar),
            None => self.become_(Decoding::Object),
        }
        if let Some(name) = split_name(name)? {
            return self.inner.begin_object(name.as_text(), None);
        }
        let name = if name.starts_with(b'$') { name.without_first() } else { name };
        self.inner.begin_object(name, None)
    }

    fn begin_buffer(&mut self, scalar: Scalar) -> Result<()> {
        let mut members = ValueBuilder::new(Limits::default().depth(MAX_MEMBER_DEPTH));
        members.begin(Container::Map, None)?;
        self.buffer = Some(Buffer { scalar, members, depth: 1 });
        Ok(())
    }

    /// A container inside a buffered tag ends, or the tag itself.
    fn end_buffered(&mut self, container: Container) -> Result<()> {
        let Some(buffer) = &mut self.buffer else { return Ok(()) };
        buffer.members.end(container)?;
        buffer.depth -= 1;
        if buffer.depth > 0 {
            return Ok(());
        }
        let Some(buffer) = self.buffer.take() else { return Ok(()) };
        self.open.pop();
        scalar::send(buffer.scalar, buffer.members.finish()?, &mut self.inner)
    }

    fn array_name(&mut self, name: Text<'_>) -> Result<()> {
        self.due = Due::Any;
        let name = name.to_str_lossy();
        let Some(get) = &mut self.get_array else { return Err(not_here("array", &name)) };
        let array = get(&name)?;
        self.inner.array(&*array)
    }

    fn bytes_name(&mut self, name: Text<'_>) -> Result<()> {
        self.due = Due::Any;
        let name = name.to_str_lossy();
        let Some(get) = &mut self.get_bytes else { return Err(not_here("bytes", &name)) };
        let bytes = get(&name)?;
        self.inner.bytes((*bytes).as_ref())
    }

    fn end_list(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(Decoding::Items(container)) => self.inner.end(container),
            Some(Decoding::Pair(2) | Decoding::Pairs) => Ok(()),
            _ => Err(no_pair("a shorter list")),
        }
    }

    fn end_map(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(Decoding::Unknown { .. }) => {
                self.inner.begin(Container::Map, Some(0))?;
                self.inner.end(Container::Map)
            }
            Some(Decoding::Map { .. }) => self.inner.end(Container::Map),
            Some(Decoding::Object) => self.inner.end_object(),
            Some(Decoding::Tag(container)) => Err(no_items(container)),
            _ => Ok(()),
        }
    }

    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        let items = match (self.due, self.open.last()) {
            (Due::Items(container), _) => container,
            (Due::Pairs, _) => {
                self.due = Due::Any;
                self.open.push(Decoding::Pairs);
                return Ok(());
            }
            (Due::Any, Some(Decoding::Pairs)) if self.mark.is_none() => {
                self.open.push(Decoding::Pair(0));
                return Ok(());
            }
            _ => {
                self.value("a list")?;
                Container::List
            }
        };
        self.due = Due::Any;
        self.open.push(Decoding::Items(items));
        self.inner.begin(items, len)
    }
}

/// The key or name that was kept from having two surrogates joined; `None` for all others.
fn split_name(name: Text<'_>) -> Result<Option<TextBuf>> {
    if !name.starts_with(b'$') {
        return Ok(None);
    }
    let name = name.to_str();
    let Some(digits) = name.as_deref().and_then(|name| name.strip_prefix(SPLIT)) else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(digits).ok();
    let text = bytes.and_then(|bytes| TextBuf::from_utf8_with_surrogates(&bytes));
    text.map(Some).ok_or_else(|| malformed(format!("expected base64 behind `{SPLIT}`")))
}

impl Due {
    #[cold]
    fn expected(self, found: &str) -> Error {
        let (what, key) = match self {
            Due::Any => ("a value", "it"),
            Due::Id => ("an integer from 0 on", "$id"),
            Due::Ref => ("an integer from 0 on", "$ref"),
            Due::Type { .. } => ("a type's name", "$type"),
            Due::ArrayName => ("an array's name", "$array"),
            Due::BytesName => ("a name", "$bytes"),
            Due::Items(_) => ("a list", "value"),
            Due::Pairs => ("a list of pairs", "$items"),
        };
        malformed(format!("expected {what} behind `{key}`, found {found}"))
    }
}

macro_rules! scalars {
    ($($name:ident($($value:ident: $type:ty)?), $found:literal;)*) => {$(
        #[inline]
        fn $name(&mut self $(, $value: $type)?) -> Result<()> {
            if let Some(buffer) = &mut self.buffer {
                return buffer.members.$name($($value)?);
            }
            self.value($found)?;
            self.inner.$name($($value)?)
        }
    )*};
}

impl<S: Sink> Sink for TagDecoder<'_, S> {
    scalars! {
        null(), "null";
        bool(value: bool), "a truth value";
        float(value: f64), "a float";
        bytes(value: &[u8]), "bytes";
        array(value: &dyn ArraySource), "an array";
    }

    fn int(&mut self, value: i64) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            return buffer.members.int(value);
        }
        if let (Due::Id | Due::Ref, Ok(id)) = (self.due, u64::try_from(value)) {
            return self.id(id);
        }
        self.value("an integer")?;
        self.inner.int(value)
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            return buffer.members.big_int(value);
        }
        if let (Due::Id | Due::Ref, BigInt::U64(id)) = (self.due, value) {
            return self.id(id);
        }
        self.value("a larger integer")?;
        self.inner.big_int(value)
    }

    fn number(&mut self, text: &str) -> Result<()> {
        if self.buffer.is_some() || self.due != Due::Any {
            return crate::sink::send_number(text, self);
        }
        self.value("a number")?;
        self.inner.number(text)
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            return buffer.members.text(value);
        }
        match (self.due, self.open.last_mut()) {
            (Due::Type { marked }, _) => return self.type_name(value, marked),
            (Due::ArrayName, _) => return self.array_name(value),
            (Due::BytesName, _) => return self.bytes_name(value),
            (Due::Any, Some(Decoding::Pair(count @ 0))) if self.mark.is_none() => {
                *count = 1;
                return match split_name(value)? {
                    Some(name) => self.inner.key(name.as_text()),
                    None => self.inner.key(value),
                };
            }
            _ => {}
        }
        self.value("text")?;
        self.inner.text(value)
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            buffer.depth += 1;
            return buffer.members.begin(container, len);
        }
        match container {
            Container::List => self.begin_list(len),
            Container::Map => {
                let marked = self.mark.is_some();
                self.value("a map")?;
                self.open.push(Decoding::Unknown { marked });
                Ok(())
            }
            other => {
                self.value("a tuple or set")?;
                self.open.push(Decoding::Items(other));
                self.inner.begin(other, len)
            }
        }
    }

    fn end(&mut self, container: Container) -> Result<()> {
        if self.buffer.is_some() {
            return self.end_buffered(container);
        }
        if container == Container::Map { self.end_map() } else { self.end_list() }
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            return buffer.members.key(key);
        }
        match self.open.last().copied() {
            Some(Decoding::Unknown { marked }) => self.first_key(key, marked),
            Some(Decoding::Map { has_pairs }) => self.map_key(key, has_pairs),
            Some(Decoding::Object) => self.escaped_key(key),
            Some(Decoding::TagSupport) => self.inner.key(key),
            Some(Decoding::Tag(container)) if key == VALUE => {
                self.become_(Decoding::Said);
                self.due = Due::Items(container);
                Ok(())
            }
            Some(Decoding::Tag(_)) => Err(no_member(key, "`value`")),
            _ => Err(no_member(key, "the end of the tag")),
        }
    }

    fn entry(&mut self) -> Result<()> {
        if let Some(buffer) = &mut self.buffer {
            return buffer.members.entry();
        }
        match self.open.last() {
            Some(Decoding::Unknown { .. }) => {
                self.become_(Decoding::Map { has_pairs: false });
                self.inner.begin(Container::Map, None)?;
                self.inner.entry()
            }
            Some(Decoding::Map { .. }) => self.inner.entry(),
            _ => Err(malformed("expected text keys in a tag".to_owned())),
        }
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        if self.buffer.is_some() {
            return Err(malformed(format!("expected plain values in a tag, found `{type_name}`")));
        }
        self.value("an object")?;
        self.open.push(Decoding::TagSupport);
        self.inner.begin_object(type_name, parts)
    }

    fn end_object(&mut self) -> Result<()> {
        self.open.pop();
        self.inner.end_object()
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        if self.buffer.is_some() || self.due != Due::Any {
            return Err(references("a mark"));
        }
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        if self.buffer.is_some() {
            return Err(references("an alias"));
        }
        self.value("an alias")?;
        self.inner.alias(id)
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.inner.note(note)
    }

    fn wants(&self) -> Wants {
        self.inner.wants()
    }
}
