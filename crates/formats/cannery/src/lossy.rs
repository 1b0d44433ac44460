//! What a target lacks: said as something that it has, where that loses nothing or may lose it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, Note, Result, Sink, Text, Wants,
};
use cannery_format::Capabilities;

/// What was lost on the way to a target, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(BTreeMap<&'static str, u64>);

impl Losses {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Whether nothing was lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was lost, a line each: `3 tuples became lists`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(what, count)| format!("{count} × {what}"))
    }
}

/// A sink before the writer of a format: number keys become text where there are no others, and in
/// a lossy conversion what the format lacks becomes the nearest that it has.
pub(crate) struct Simplify<'a> {
    next: &'a mut dyn Sink,
    target: Capabilities,
    title: &'static str,
    lossy: bool,
    /// Whether NaN and infinities may be written.
    non_finite: bool,
    losses: &'a mut Losses,
    /// The next value is the key of an entry.
    key_due: bool,
    open: Vec<OpenValue>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenValue {
    Container,
    /// A set or a tuple that is sent as a list.
    List,
    /// An object whose first part has not come.
    Undecided,
    /// An object that is sent as the map of its parts.
    Parts,
    /// An object whose only part, which is called `value`, stands for it.
    OnlyPart,
}

impl<'a> Simplify<'a> {
    pub(crate) fn new(
        next: &'a mut dyn Sink,
        (target, title): (Capabilities, &'static str),
        (lossy, non_finite): (bool, bool),
        losses: &'a mut Losses,
    ) -> Self {
        let non_finite = non_finite || target.support.non_finite;
        Self { next, target, title, lossy, non_finite, losses, key_due: false, open: Vec::new() }
    }

    /// Whether a scalar is a key that must be text; then it has been sent.
    fn is_key(&mut self, text: impl FnOnce() -> String) -> Result<bool> {
        if !std::mem::take(&mut self.key_due) {
            return Ok(false);
        }
        self.next.key(Text::Utf8(&text()))?;
        Ok(true)
    }

    #[cold]
    fn lacking(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unsupported, format!("{} has no {what}", self.title))
    }

    /// Refuses something that may be no key.
    fn no_key(&self) -> Result<()> {
        if self.key_due { Err(self.lacking("keys other than text")) } else { Ok(()) }
    }
}

impl Sink for Simplify<'_> {
    fn null(&mut self) -> Result<()> {
        if self.is_key(|| "null".to_owned())? { Ok(()) } else { self.next.null() }
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        if self.is_key(|| value.to_string())? { Ok(()) } else { self.next.bool(value) }
    }

    fn int(&mut self, value: i64) -> Result<()> {
        if self.is_key(|| value.to_string())? { Ok(()) } else { self.next.int(value) }
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        if self.is_key(|| value.to_decimal().into_owned())? {
            return Ok(());
        }
        // MessagePack has unsigned words.
        let fits = self.target.support.big_ints || matches!(value, BigInt::U64(_));
        if fits || !self.lossy {
            return self.next.big_int(value);
        }
        self.losses.add("integers beyond 64 bits became text");
        self.next.text(Text::Utf8(&value.to_decimal()))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        if self.is_key(|| format!("{value:?}"))? {
            return Ok(());
        }
        if value.is_finite() || self.non_finite || !self.lossy {
            return self.next.float(value);
        }
        self.losses.add("NaN and infinities became null");
        self.next.null()
    }

    fn number(&mut self, text: &str) -> Result<()> {
        if self.is_key(|| text.to_owned())? { Ok(()) } else { self.next.number(text) }
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if self.key_due {
            self.key_due = false;
            return self.next.key(value);
        }
        if !self.lossy || self.target.surrogates || value.try_to_utf8().is_ok() {
            return self.next.text(value);
        }
        self.losses.add("texts with half a character became texts with `\u{fffd}`");
        self.next.text(Text::Utf8(&value.to_str_lossy()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.no_key()?;
        if self.target.support.bytes || !self.lossy {
            return self.next.bytes(value);
        }
        self.losses.add("bytes became text in base64");
        self.next.text(Text::Ascii(&STANDARD.encode(value)))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        self.no_key()?;
        self.next.array(value)
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.no_key()?;
        let (is_kept, what, loss) = match container {
            Container::List | Container::Map => (true, "", ""),
            Container::Tuple => (self.target.typed, "tuples", "tuples became lists"),
            Container::Set | Container::FrozenSet => {
                (self.target.sets, "sets", "sets became lists")
            }
        };
        if is_kept {
            self.open.push(OpenValue::Container);
            return self.next.begin(container, len);
        }
        if !self.lossy {
            return Err(self.lacking(what));
        }
        self.losses.add(loss);
        self.open.push(OpenValue::List);
        self.next.begin(Container::List, len)
    }

    fn end(&mut self, container: Container) -> Result<()> {
        match self.open.pop() {
            Some(OpenValue::List) => self.next.end(Container::List),
            _ => self.next.end(container),
        }
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        match self.open.last_mut() {
            // The name of the only part goes with the object's own.
            Some(open @ OpenValue::Undecided) if key.to_str_lossy() == "value" => {
                *open = OpenValue::OnlyPart;
                return Ok(());
            }
            Some(open @ OpenValue::Undecided) => {
                *open = OpenValue::Parts;
                self.next.begin(Container::Map, None)?;
            }
            Some(OpenValue::OnlyPart) => return Err(self.lacking("parts behind an object's value")),
            _ => {}
        }
        self.next.key(key)
    }

    fn entry(&mut self) -> Result<()> {
        if self.target.any_keys {
            return self.next.entry();
        }
        self.key_due = true;
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.no_key()?;
        if self.target.objects || !self.lossy {
            self.open.push(OpenValue::Container);
            return self.next.begin_object(type_name, parts);
        }
        self.losses.add("objects became their parts");
        self.open.push(OpenValue::Undecided);
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(OpenValue::OnlyPart) => Ok(()),
            Some(OpenValue::Undecided) => {
                self.next.begin(Container::Map, Some(0))?;
                self.next.end(Container::Map)
            }
            Some(OpenValue::Parts) => self.next.end(Container::Map),
            _ => self.next.end_object(),
        }
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.next.mark(id)
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.no_key()?;
        self.next.alias(id)
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.next.note(note)
    }

    fn wants(&self) -> Wants {
        self.next.wants()
    }
}
