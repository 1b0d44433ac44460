//! A sink that insists on the event grammar.

use std::collections::HashSet;

use cannery_core::{ArraySource, BigInt, Container, Note, Result, Sink, Text, Wants};
use num_bigint::BigInt as OwnedBigInt;

/// A sink that passes everything on and panics at the first event that breaks the grammar of
/// [`Sink`], length hints and the promises of [`Text`] and [`BigInt`] included.
pub struct Checked<S> {
    inner: S,
    open: Vec<OpenContainer>,
    marked: HashSet<u64>,
    mark_due: bool,
    done: bool,
}

struct OpenContainer {
    kind: OpenKind,
    due: Due,
    len: Option<usize>,
    count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum OpenKind {
    Container(Container),
    Object,
}

/// What may come next inside a container.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Item,
    /// `key`, `entry` or the end.
    Key,
    /// The value that is an entry's key.
    EntryKey,
    Value,
}

impl<S: Sink> Checked<S> {
    /// Checks what goes to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, open: Vec::new(), marked: HashSet::new(), mark_due: false, done: false }
    }

    /// The sink below, after a whole value.
    ///
    /// # Panics
    /// If the value has not ended.
    pub fn finish(self) -> S {
        assert!(self.done && self.open.is_empty(), "the stream ended inside a value");
        self.inner
    }

    /// A value begins here; may it?
    fn value(&mut self) {
        assert!(!self.done, "a second value after the document's own");
        self.mark_due = false;
        let Some(open) = self.open.last_mut() else { return };
        open.due = match open.due {
            Due::Item => Due::Item,
            Due::EntryKey => Due::Value,
            Due::Value => Due::Key,
            Due::Key => panic!("a value in {:?} without its key", open.kind),
        };
        open.count += usize::from(open.due != Due::Value);
    }

    fn scalar(&mut self) {
        self.value();
        self.done = self.open.is_empty();
    }

    fn push(&mut self, kind: OpenKind, len: Option<usize>) {
        self.value();
        let keyed = matches!(kind, OpenKind::Object | OpenKind::Container(Container::Map));
        let due = if keyed { Due::Key } else { Due::Item };
        self.open.push(OpenContainer { kind, due, len, count: 0 });
    }

    fn pop(&mut self, kind: OpenKind) {
        assert!(!self.mark_due, "a mark before the end of {kind:?}");
        let open = self.open.pop().expect("an end without its begin");
        assert_eq!(open.kind, kind, "the end of something else than what is open");
        assert!(matches!(open.due, Due::Item | Due::Key), "{kind:?} ends inside an entry");
        if let Some(len) = open.len {
            assert_eq!(len, open.count, "the announced length of {kind:?}");
        }
        self.done = self.open.is_empty();
    }

    fn keyed(&mut self, due: Due) {
        assert!(!self.mark_due, "a mark before a key");
        let open = self.open.last_mut().expect("a key outside of everything");
        assert_eq!(open.due, Due::Key, "a key in {:?} where none is due", open.kind);
        let is_entry = due == Due::EntryKey;
        assert!(!is_entry || open.kind != OpenKind::Object, "an entry in an object");
        open.due = due;
    }
}

impl<S: Sink> Sink for Checked<S> {
    fn null(&mut self) -> Result<()> {
        self.scalar();
        self.inner.null()
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.scalar();
        self.inner.bool(value)
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.scalar();
        self.inner.int(value)
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.scalar();
        check_big_int(value);
        self.inner.big_int(value)
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.scalar();
        self.inner.float(value)
    }

    fn number(&mut self, text: &str) -> Result<()> {
        assert!(self.wants().number_text, "a number as text for a sink that does not ask for it");
        self.scalar();
        self.inner.number(text)
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        let is_entry = self.open.last().is_some_and(|open| open.due == Due::EntryKey);
        assert!(!is_entry || self.mark_due, "a text key sent as an entry");
        self.scalar();
        check_text(value);
        self.inner.text(value)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.scalar();
        self.inner.bytes(value)
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        self.scalar();
        let size = value.size_in_bytes().expect("a size");
        assert!(value.view().is_none_or(|view| view.data().len() as u64 == size));
        self.inner.array(value)
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.push(OpenKind::Container(container), len);
        self.inner.begin(container, len)
    }

    fn end(&mut self, container: Container) -> Result<()> {
        self.pop(OpenKind::Container(container));
        self.inner.end(container)
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.keyed(Due::Value);
        check_text(key);
        self.inner.key(key)
    }

    fn entry(&mut self) -> Result<()> {
        self.keyed(Due::EntryKey);
        self.inner.entry()
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.push(OpenKind::Object, parts);
        check_text(type_name);
        self.inner.begin_object(type_name, parts)
    }

    fn end_object(&mut self) -> Result<()> {
        self.pop(OpenKind::Object);
        self.inner.end_object()
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        assert!(!std::mem::replace(&mut self.mark_due, true), "two marks before one value");
        assert!(self.marked.insert(id), "two values are marked {id}");
        assert!(!self.done, "a mark after the document's value");
        self.inner.mark(id)
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        assert!(self.marked.contains(&id), "an alias of {id}, which was never marked");
        self.scalar();
        self.inner.alias(id)
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.inner.note(note)
    }

    fn wants(&self) -> Wants {
        self.inner.wants()
    }
}

fn check_text(text: Text<'_>) {
    match text {
        Text::Ascii(text) => assert!(text.is_ascii(), "`{text}` was sent as ASCII"),
        Text::Surrogates(bytes) => assert!(is_surrogatepass(bytes), "bytes that are no text"),
        Text::Ucs4(units) => {
            assert!(units.iter().all(|&unit| unit <= 0x10_ffff), "units beyond Unicode");
        }
        Text::Utf8(_) | Text::Latin1(_) | Text::Ucs2(_) => {}
    }
}

/// Whether the bytes are UTF-8 but for surrogates of three bytes each.
fn is_surrogatepass(mut bytes: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(bytes) {
        bytes = match &bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] => rest,
            _ => return false,
        };
    }
    true
}

fn check_big_int(value: BigInt<'_>) {
    let number: OwnedBigInt = value.to_big_int();
    assert!(i64::try_from(&number).is_err(), "{number} was sent as a big integer");
    if let BigInt::Decimal(text) = value {
        assert_eq!(text, number.to_string(), "an integer's digits");
    }
}

#[cfg(test)]
mod tests {
    use cannery_core::Tape;

    use super::*;

    macro_rules! broken {
        ($($name:ident: $message:literal => |$sink:ident| $body:expr;)*) => {$(
            #[test]
            #[should_panic(expected = $message)]
            fn $name() {
                let mut $sink = Checked::new(Tape::default());
                $body.unwrap();
                $sink.finish();
            }
        )*};
    }

    broken! {
        two_values: "a second value" => |sink| sink.null().and_then(|()| sink.null());
        open_list: "ended inside a value" => |sink| sink.begin(Container::List, None);
        wrong_end: "something else" => |sink| sink.begin(Container::List, None).and_then(|()| sink.end(Container::Set));
        value_without_key: "without its key" => |sink| sink.begin(Container::Map, None).and_then(|()| sink.null());
        key_in_list: "a key in" => |sink| sink.begin(Container::List, None).and_then(|()| sink.key("a".into()));
        half_an_entry: "inside an entry" => |sink| sink.begin(Container::Map, None).and_then(|()| sink.entry()).and_then(|()| sink.end(Container::Map));
        wrong_length: "announced length" => |sink| sink.begin(Container::List, Some(1)).and_then(|()| sink.end(Container::List));
        unknown_alias: "never marked" => |sink| sink.alias(1);
        small_big_int: "sent as a big integer" => |sink| sink.big_int(BigInt::U64(1));
        false_ascii: "sent as ASCII" => |sink| sink.text(Text::Ascii("é"));
        unasked_number: "does not ask" => |sink| sink.number("1");
    }
}
