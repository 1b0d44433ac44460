//! From YAML's events to cannery's: scalars resolved, anchors as marks, tags as objects.

use std::collections::HashMap;

use cannery_core::{BigInt, Container, Error, ErrorKind, Note, Pos, Result, Sink, Text};

use crate::schema::{Scalar, Schema, send_digits};
use crate::{Event, Handler, Properties, ScalarStyle, Span, tags, timestamp};

/// The type name of the key `<<`, between composing a document and merging its mappings.
pub const MERGE: &str = "tag:yaml.org,2002:merge";

/// Drives a sink with the nodes of one document.
pub(crate) struct Composer<'s, S: ?Sized> {
    sink: &'s mut S,
    schema: Schema,
    /// Whether `<<` is a key of its own kind.
    merge_keys: bool,
    positions: bool,
    anchors: HashMap<Box<str>, u64>,
    next_id: u64,
    open: Vec<OpenCollection>,
}

/// A collection that is still open.
struct OpenCollection {
    kind: OpenCollectionKind,
    /// Objects around it that end with it.
    wraps: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenCollectionKind {
    Sequence,
    /// The next node is a key.
    MappingKey,
    /// The next node is a value.
    MappingValue,
    /// A mapping that stands for a set: the next node is an item, or its empty value.
    SetItem,
    SetValue,
}

impl<'s, S: Sink + ?Sized> Composer<'s, S> {
    pub(crate) fn new(sink: &'s mut S, schema: Schema, merge_keys: bool) -> Self {
        let positions = sink.wants().positions;
        let (anchors, open) = (HashMap::new(), Vec::new());
        Self { sink, schema, merge_keys, positions, anchors, next_id: 0, open }
    }

    fn node(&mut self, at: usize, event: Event<'_>) -> Result<()> {
        if self.positions {
            self.sink.note(Note::At(Pos::offset(at as u64)))?;
        }
        match event {
            Event::Scalar { properties, text, style } => {
                let role = self.advance();
                self.scalar(role, properties, text, style)
            }
            Event::SequenceStart { properties, .. } => self.sequence(properties),
            Event::MappingStart { properties, .. } => self.mapping(properties),
            Event::Alias(name) => {
                let id = self.anchors.get(name).copied();
                let id = id.ok_or_else(|| undefined(name))?;
                self.begin_node(&Properties::NONE)?;
                self.sink.alias(id)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::DocumentStart { .. } | Event::DocumentEnd { .. } => Ok(()),
        }
    }

    /// What the node that begins is in the collection around it; the next one is something else.
    #[inline]
    fn advance(&mut self) -> OpenCollectionKind {
        let Some(open) = self.open.last_mut() else { return OpenCollectionKind::Sequence };
        let role = open.kind;
        open.kind = match role {
            OpenCollectionKind::Sequence => OpenCollectionKind::Sequence,
            OpenCollectionKind::MappingKey => OpenCollectionKind::MappingValue,
            OpenCollectionKind::MappingValue => OpenCollectionKind::MappingKey,
            OpenCollectionKind::SetItem => OpenCollectionKind::SetValue,
            OpenCollectionKind::SetValue => OpenCollectionKind::SetItem,
        };
        role
    }

    /// Begins any node but a scalar: it is an entry if it is a key, and marked if it has an anchor.
    fn begin_node(&mut self, properties: &Properties<'_>) -> Result<()> {
        match self.advance() {
            OpenCollectionKind::MappingKey => self.sink.entry()?,
            OpenCollectionKind::SetValue => return Err(set_value()),
            _ => {}
        }
        self.mark(properties)
    }

    #[inline]
    fn mark(&mut self, properties: &Properties<'_>) -> Result<()> {
        let Some(anchor) = properties.anchor else { return Ok(()) };
        let id = self.next_id;
        self.next_id += 1;
        self.anchors.insert(anchor.into(), id);
        self.sink.mark(id)
    }

    #[inline]
    fn scalar(
        &mut self,
        role: OpenCollectionKind,
        properties: &Properties<'_>,
        text: Text<'_>,
        style: ScalarStyle,
    ) -> Result<()> {
        if role == OpenCollectionKind::SetValue {
            let empty = style == ScalarStyle::Plain && text == *"" && properties.is_empty();
            return if empty { Ok(()) } else { Err(set_value()) };
        }
        let is_key = role == OpenCollectionKind::MappingKey;
        if !properties.is_empty() {
            return self.scalar_with_properties(is_key, properties, text, style);
        }
        let (Text::Ascii(plain) | Text::Utf8(plain)) = text else {
            return self.text(is_key, text);
        };
        if style != ScalarStyle::Plain {
            return self.text(is_key, text);
        }
        if is_key && self.merge_keys && plain == "<<" {
            return self.merge_key();
        }
        match self.schema.resolve(plain) {
            Scalar::Text => self.text(is_key, text),
            scalar => {
                if is_key {
                    self.sink.entry()?;
                }
                self.resolved(scalar, plain)
            }
        }
    }

    #[inline]
    fn text(&mut self, is_key: bool, text: Text<'_>) -> Result<()> {
        if is_key { self.sink.key(text) } else { self.sink.text(text) }
    }

    fn merge_key(&mut self) -> Result<()> {
        self.sink.entry()?;
        self.sink.begin_object(Text::Ascii(MERGE), Some(0))?;
        self.sink.end_object()
    }

    fn scalar_with_properties(
        &mut self,
        is_key: bool,
        properties: &Properties<'_>,
        text: Text<'_>,
        style: ScalarStyle,
    ) -> Result<()> {
        if is_key {
            self.sink.entry()?;
        }
        self.mark(properties)?;
        let plain = style == ScalarStyle::Plain;
        match (&properties.tag, text.to_str()) {
            (None, Some(content)) if plain => {
                self.resolved(self.schema.resolve(&content), &content)
            }
            (None, _) => self.sink.text(text),
            (Some(tag), Some(content)) => self.tagged_scalar(tag, &content),
            (Some(tag), None) => {
                tags::begin(tag, self.sink)?;
                self.sink.text(text)?;
                self.sink.end_object()
            }
        }
    }

    fn tagged_scalar(&mut self, tag: &str, content: &str) -> Result<()> {
        let Some(name) = tags::standard(tag) else {
            tags::begin(tag, self.sink)?;
            self.sink.text(Text::Utf8(content))?;
            return self.sink.end_object();
        };
        match (name, Schema::Core.resolve(content), Schema::Legacy.resolve(content)) {
            ("str" | "!", ..) => self.sink.text(Text::Utf8(content)),
            ("null", Scalar::Null, _) => self.sink.null(),
            ("float", scalar @ Scalar::Float(_), _) => self.resolved(scalar, content),
            ("float", Scalar::Int(_) | Scalar::Digits { .. }, _) => {
                self.sink.float(content.parse().map_err(|_| misfit(name, content))?)
            }
            ("int", scalar @ (Scalar::Int(_) | Scalar::Digits { .. }), _)
            | ("bool", scalar @ Scalar::Bool(_), _)
            | ("int", _, scalar @ (Scalar::Int(_) | Scalar::Digits { .. }))
            | ("float", _, scalar @ Scalar::Float(_))
            | ("bool", _, scalar @ Scalar::Bool(_))
            | ("timestamp", _, scalar @ (Scalar::Date | Scalar::DateTime)) => {
                self.resolved(scalar, content)
            }
            ("binary", ..) => self.sink.bytes(&tags::decode_base64(content)?),
            _ => Err(misfit(name, content)),
        }
    }

    fn resolved(&mut self, scalar: Scalar<'_>, content: &str) -> Result<()> {
        match scalar {
            Scalar::Text => self.sink.text(Text::Utf8(content)),
            Scalar::Null => self.sink.null(),
            Scalar::Bool(value) => self.sink.bool(value),
            Scalar::Int(value) => self.sink.int(value),
            Scalar::Float(value) => self.sink.float(value),
            Scalar::Digits { negative: false, digits, radix: 10 }
                if !digits.starts_with('0') && !digits.contains('_') =>
            {
                self.sink.big_int(BigInt::Decimal(digits))
            }
            Scalar::Digits { negative, digits, radix } => {
                send_digits(negative, digits, radix, self.sink)
            }
            Scalar::Date => self.value_object("datetime.date", content),
            Scalar::DateTime => {
                let moment = timestamp::parse(content).expect("the schema found a timestamp");
                self.value_object("datetime.datetime", &moment.to_iso())
            }
        }
    }

    fn value_object(&mut self, type_name: &str, value: &str) -> Result<()> {
        tags::begin(type_name, self.sink)?;
        self.sink.text(Text::Ascii(value))?;
        self.sink.end_object()
    }

    fn sequence(&mut self, properties: &Properties<'_>) -> Result<()> {
        self.begin_node(properties)?;
        let wraps = self.wrap(properties, "seq")?;
        self.open.push(OpenCollection { kind: OpenCollectionKind::Sequence, wraps });
        self.sink.begin(Container::List, None)
    }

    fn mapping(&mut self, properties: &Properties<'_>) -> Result<()> {
        self.begin_node(properties)?;
        let standard = properties.tag.as_deref().and_then(tags::standard);
        if standard == Some("set") {
            self.open.push(OpenCollection { kind: OpenCollectionKind::SetItem, wraps: 0 });
            return self.sink.begin(Container::Set, None);
        }
        let wraps = self.wrap(properties, "map")?;
        self.open.push(OpenCollection { kind: OpenCollectionKind::MappingKey, wraps });
        self.sink.begin(Container::Map, None)
    }

    /// Begins the object that a tag makes of a collection, unless it is the collection's own tag.
    fn wrap(&mut self, properties: &Properties<'_>, own: &str) -> Result<u8> {
        match properties.tag.as_deref() {
            None => Ok(0),
            Some(tag) if matches!(tags::standard(tag), Some(name) if name == own || name == "!") => {
                Ok(0)
            }
            Some(tag) => tags::begin(tag, self.sink).map(|()| 1),
        }
    }

    fn end(&mut self) -> Result<()> {
        let open = self.open.pop().expect("an end has its beginning");
        self.sink.end(match open.kind {
            OpenCollectionKind::Sequence => Container::List,
            OpenCollectionKind::MappingKey | OpenCollectionKind::MappingValue => Container::Map,
            OpenCollectionKind::SetItem | OpenCollectionKind::SetValue => Container::Set,
        })?;
        (0..open.wraps).try_for_each(|_| self.sink.end_object())
    }
}

impl<S: Sink + ?Sized> Handler for Composer<'_, S> {
    #[inline]
    fn event(&mut self, span: Span, event: Event<'_>) -> Result<()> {
        self.node(span.start, event).map_err(|error| error.at_offset(span.start as u64))
    }
}

#[cold]
fn undefined(name: &str) -> Error {
    Error::new(ErrorKind::Reference, format!("alias `*{name}` has no anchor"))
        .with_hint(format!("define it first with `&{name}`, or put the text in quotes"))
}

#[cold]
fn set_value() -> Error {
    Error::new(ErrorKind::Syntax, "expected no value for an item of a set")
}

#[cold]
fn misfit(name: &str, content: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("`{content}` is no `!!{name}`"))
}
