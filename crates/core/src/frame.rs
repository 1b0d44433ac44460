//! The open containers of a builder, whatever it builds them of.

use crate::{Container, Error, ErrorKind, TextBuf};

/// A container whose end has not come yet; `T` is what its children are: values or node ids.
pub(crate) enum Frame<T> {
    Items(Container, Vec<T>),
    Map(Vec<(T, T)>, Slot<T>),
    Object(TextBuf, Vec<(TextBuf, T)>, Option<TextBuf>),
}

/// What is known of the map entry that comes next.
pub(crate) enum Slot<T> {
    Vacant,
    /// Announced; the next value is its key.
    Announced,
    Key(T),
}

/// Hints are not trusted with more room than this many items.
const MAX_HINT: usize = 64;

/// Room for `len` items, as far as a mere hint is worth.
pub(crate) fn room<T>(len: Option<usize>) -> Vec<T> {
    Vec::with_capacity(len.unwrap_or(0).min(MAX_HINT))
}

impl<T> Frame<T> {
    pub(crate) fn container(container: Container, len: Option<usize>) -> Self {
        match container {
            Container::Map => Frame::Map(room(len), Slot::Vacant),
            other => Frame::Items(other, room(len)),
        }
    }

    pub(crate) fn object(type_name: TextBuf, parts: Option<usize>) -> Self {
        Frame::Object(type_name, room(parts), None)
    }

    /// Takes the next child, in whatever place is due.
    pub(crate) fn add(&mut self, child: T) {
        match self {
            Frame::Items(_, items) => items.push(child),
            Frame::Map(entries, slot) => match std::mem::replace(slot, Slot::Vacant) {
                Slot::Vacant => panic!("a map's value came without its key"),
                Slot::Announced => *slot = Slot::Key(child),
                Slot::Key(key) => entries.push((key, child)),
            },
            Frame::Object(_, parts, name) => {
                let name = name.take().expect("an object's part came without its name");
                parts.push((name, child));
            }
        }
    }

    pub(crate) fn announce(&mut self) {
        match self {
            Frame::Map(_, slot) => *slot = Slot::Announced,
            _ => panic!("an entry outside a map"),
        }
    }
}

/// The value of a stream that has ended: the only one there is.
pub(crate) fn whole<T, F>(root: Option<T>, open: &[F]) -> Result<T, Error> {
    root.filter(|_| open.is_empty())
        .ok_or_else(|| Error::new(ErrorKind::Truncated, "the stream ended inside a value"))
}
