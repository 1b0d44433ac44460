//! What is wrong with a document that is not well tagged.

use super::{ARRAY, BYTES, ID, ITEMS, REF, TYPE, Tag};
use crate::{Container, Error, ErrorKind, Text};

#[cold]
pub(super) fn malformed(message: String) -> Error {
    Error::new(ErrorKind::Syntax, message)
}

#[cold]
pub(super) fn no_pair(found: &str) -> Error {
    malformed(format!("expected pairs `[key, value]` in `$items`, found {found}"))
}

#[cold]
pub(super) fn no_items(container: Container) -> Error {
    let name = Tag::Items(container).name();
    malformed(format!("expected a member `value` in the tag `{name}`"))
}

#[cold]
pub(super) fn unmarked(tag: Tag) -> Error {
    let name = tag.name();
    malformed(format!("expected `$id` before the tag `{name}`"))
        .with_hint("a value without a mark is written as it is, without a tag")
}

#[cold]
pub(super) fn misplaced(key: Text<'_>) -> Error {
    let known = [ID, TYPE, REF, ARRAY, BYTES, ITEMS].contains(&key);
    let error = malformed(format!("found the control key `{key}` where it may not be"));
    if known {
        error.with_hint(
            "control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`",
        )
    } else {
        error.with_hint(format!("a key of your own that begins with `$` is written `${key}`"))
    }
}

#[cold]
pub(super) fn no_member(key: Text<'_>, expected: &str) -> Error {
    malformed(format!("expected {expected}, found a member `{key}`"))
}

#[cold]
pub(super) fn not_here(what: &str, name: &str) -> Error {
    let message = format!("the {what} `{name}` is not in this document but beside it");
    Error::new(ErrorKind::NotFound, message).with_hint("open the `.can` file that it is part of")
}

#[cold]
pub(super) fn references(found: &str) -> Error {
    malformed(format!("found {found} inside a tag, where a plain value must be"))
}

#[cold]
pub(super) fn no_name() -> Error {
    Error::new(ErrorKind::Unsupported, "the name of an attribute is no text")
        .with_hint("keep what has other names in a `dict` of its own")
}
