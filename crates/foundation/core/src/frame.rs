//! The open containers of a builder, whatever it builds them of.

use crate::{Container, Error, ErrorKind, TextBuf};

/// A container whose end has not come yet; `T` is what its children are: values or node ids.
pub(crate) enum OpenContainer<T> {
    Items(Container, Vec<T>),
    Map(Vec<(T, T)>, EntrySlot<T>),
    Object(TextBuf, Vec<(TextBuf, T)>, Option<TextBuf>),
}

/// What is known of the map entry that comes next.
pub(crate) enum EntrySlot<T> {
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

impl<T> OpenContainer<T> {
    pub(crate) fn container(container: Container, len: Option<usize>) -> Self {
        match container {
            Container::Map => OpenContainer::Map(room(len), EntrySlot::Vacant),
            other => OpenContainer::Items(other, room(len)),
        }
    }

    pub(crate) fn object(type_name: TextBuf, parts: Option<usize>) -> Self {
        OpenContainer::Object(type_name, room(parts), None)
    }

    /// Takes the next child, in whatever place is due.
    pub(crate) fn add(&mut self, child: T) {
        match self {
            OpenContainer::Items(_, items) => items.push(child),
            OpenContainer::Map(entries, slot) => match std::mem::replace(slot, EntrySlot::Vacant) {
                EntrySlot::Vacant => panic!("a map's value came without its key"),
                EntrySlot::Announced => *slot = EntrySlot::Key(child),
                EntrySlot::Key(key) => entries.push((key, child)),
            },
            OpenContainer::Object(_, parts, name) => {
                let name = name.take().expect("an object's part came without its name");
                parts.push((name, child));
            }
        }
    }

    pub(crate) fn announce(&mut self) {
        match self {
            OpenContainer::Map(_, slot) => *slot = EntrySlot::Announced,
            _ => panic!("an entry outside a map"),
        }
    }
}

/// The value of a stream that has ended: the only one there is.
pub(crate) fn whole<T, F>(root: Option<T>, open: &[F]) -> Result<T, Error> {
    root.filter(|_| open.is_empty())
        .ok_or_else(|| Error::new(ErrorKind::Truncated, "the stream ended inside a value"))
}
