//! Declarations of extensions: who may use which number of a range.

use std::collections::HashSet;

use super::diagnostics::Diagnostics;
use crate::descriptor::{ExtensionRange, FieldProto, REPEATED};
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Field, Pool};

const DECLARATION: u32 = 2;
const VERIFICATION: u32 = 3;
const MUST_DECLARE: i64 = 0;
const UNVERIFIED: i64 = 1;

fn declarations(options: &Message) -> impl Iterator<Item = &Message> {
    options.items(DECLARATION).iter().filter_map(|item| match item {
        Value::Message(message) => Some(&**message),
        _ => None,
    })
}

/// Checks the declarations of a range themselves.
pub(super) fn range(item: &ExtensionRange, diagnostics: &mut Diagnostics) {
    let Some(options) = item.options.message.as_deref() else { return };
    let mut seen = HashSet::new();
    let mut names = HashSet::new();
    let mut refuse = |text: String| diagnostics.error(item.range.at, text);
    if options.integer(VERIFICATION) == Some(UNVERIFIED) && declarations(options).next().is_some() {
        refuse("expected no declarations in a range that is unverified".to_owned());
    }
    for declaration in declarations(options) {
        let number = declaration.integer(1).unwrap_or(0);
        let inside = i64::from(item.range.start)..i64::from(item.range.end);
        if !inside.contains(&number) {
            refuse(format!("the declared extension number {number} is outside of the range"));
        }
        if !seen.insert(number) {
            refuse(format!("extension number {number} is declared twice"));
        }
        let is_reserved = declaration.integer(5).is_some_and(|value| value != 0);
        let (name, of) = (declaration.text(2), declaration.text(3));
        if name.is_some() != of.is_some() || (name.is_none() && !is_reserved) {
            refuse(format!("expected name and type in the declaration of extension {number}"));
        }
        if let Some(name) = name {
            if !name.starts_with('.') {
                refuse(format!("expected `.` at the beginning of the declared name `{name}`"));
            }
            if !names.insert(name.to_owned()) {
                refuse(format!("extension `{name}` is declared twice"));
            }
        }
        if let Some(of) = of
            && !of.starts_with('.')
            && kind::from_name(of).is_none_or(|kind| kind == kind::GROUP)
        {
            refuse(format!("expected a type or a full name with `.`, found `{of}`"));
        }
    }
}

/// Checks an extension against what its number is declared for.
pub(super) fn extension(
    pool: &Pool,
    field: &FieldProto,
    compiled: &Field,
    diagnostics: &mut Diagnostics,
) {
    let Some(options) = range_options(pool, field) else { return };
    let name = format!(".{}", compiled.full_name);
    let number = i64::from(field.number);
    let extendee = &field.extendee;
    let mut refuse = |text: String| diagnostics.error(field.extendee_at, text);
    let Some(declared) = declarations(&options).find(|item| item.integer(1) == Some(number)) else {
        let has_any = declarations(&options).next().is_some();
        if has_any || options.integer(VERIFICATION) == Some(MUST_DECLARE) {
            refuse(format!("extension number {number} of `{extendee}` is not declared"));
        }
        return;
    };
    if declared.integer(5).is_some_and(|reserved| reserved != 0) {
        refuse(format!("extension number {number} of `{extendee}` is declared as reserved"));
        return;
    }
    if let Some(expected) = declared.text(2).filter(|expected| *expected != name) {
        refuse(format!("extension number {number} is declared for `{expected}`, not `{name}`"));
    }
    let found = if field.type_name.is_empty() { kind::name(field.kind) } else { &field.type_name };
    if let Some(expected) = declared.text(3).filter(|expected| *expected != found) {
        refuse(format!(
            "extension number {number} is declared of type `{expected}`, not `{found}`"
        ));
    }
    let is_repeated = declared.integer(6).is_some_and(|repeated| repeated != 0);
    if is_repeated != (field.label == REPEATED) {
        let what = if is_repeated { "repeated" } else { "not repeated" };
        refuse(format!("extension number {number} is declared {what}"));
    }
}

/// The options of the range that an extension's number lies in.
fn range_options(pool: &Pool, field: &FieldProto) -> Option<Message> {
    let id = pool.message(&field.extendee)?;
    let name = &pool.message_type(id).full_name;
    pool.range_options.get(name)?.iter().find_map(|(start, end, options)| {
        (*start..*end).contains(&field.number).then(|| options.clone())
    })
}
