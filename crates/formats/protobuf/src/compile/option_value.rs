//! The value of one option.

use super::scope::Scope;
use crate::descriptor::RawValue;
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Field, Pool, SymbolKind};
use crate::text::{ExtensionFinder, TextReader};

/// The value of a field, or what was expected and found.
pub(super) fn read(
    pool: &Pool,
    scope: &Scope,
    field: &Field,
    raw: &RawValue,
) -> Result<Value, String> {
    Ok(match field.kind {
        kind::DOUBLE => Value::F64(number(raw)?),
        kind::FLOAT => Value::F32(number(raw)? as f32),
        kind::BOOL => match raw {
            RawValue::Identifier(text) if text == "true" => Value::Bool(true),
            RawValue::Identifier(text) if text == "false" => Value::Bool(false),
            _ => return Err(expected("`true` or `false`", raw)),
        },
        kind::STRING | kind::BYTES => match raw {
            RawValue::Text(text) => Value::Bytes(text.clone()),
            _ => return Err(expected("a string in quotes", raw)),
        },
        kind::ENUM => enum_value(pool, field, raw)?,
        kind::MESSAGE | kind::GROUP => match raw {
            RawValue::Aggregate(text) => aggregate(pool, scope, field, text)?,
            _ => return Err(expected("a value in braces", raw)),
        },
        kind::UINT32 | kind::FIXED32 => Value::U32(integer(field.kind, raw)? as u32),
        kind::UINT64 | kind::FIXED64 => Value::U64(integer(field.kind, raw)? as u64),
        kind::INT32 | kind::SINT32 | kind::SFIXED32 => Value::I32(integer(field.kind, raw)? as i32),
        _ => Value::I64(integer(field.kind, raw)? as i64),
    })
}

fn expected(what: &str, raw: &RawValue) -> String {
    let found = match raw {
        RawValue::Identifier(text) => format!("`{text}`"),
        RawValue::Positive(value) => format!("`{value}`"),
        RawValue::Negative(value) => format!("`{value}`"),
        RawValue::Double(value) => format!("`{value}`"),
        RawValue::Text(_) => "a string".to_owned(),
        RawValue::Aggregate(_) => "`{`".to_owned(),
    };
    format!("expected {what}, found {found}")
}

fn number(raw: &RawValue) -> Result<f64, String> {
    match raw {
        RawValue::Double(value) => Ok(*value),
        RawValue::Positive(value) => Ok(*value as f64),
        RawValue::Negative(value) => Ok(*value as f64),
        RawValue::Identifier(text) if text == "inf" => Ok(f64::INFINITY),
        RawValue::Identifier(text) if text == "nan" => Ok(f64::NAN),
        _ => Err(expected("a number", raw)),
    }
}

fn integer(of: u8, raw: &RawValue) -> Result<i128, String> {
    let (min, max) = kind::integer_range(of);
    let (min, max) = (-i128::from(min), i128::from(max));
    let value = match raw {
        RawValue::Positive(value) => i128::from(*value),
        RawValue::Negative(value) => i128::from(*value),
        _ => i128::MAX,
    };
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(expected(&format!("an integer from {min} to {max}"), raw))
}

fn enum_value(pool: &Pool, field: &Field, raw: &RawValue) -> Result<Value, String> {
    let id = field.enumeration.expect("a field of an enum has its type");
    let enumeration = pool.enum_type(id);
    match raw {
        RawValue::Identifier(text) => match enumeration.number_of(text) {
            Some(number) => Ok(Value::Enum(number)),
            None => Err(format!("enum `{}` has no value called `{text}`", enumeration.full_name)),
        },
        _ => Err(expected("the name of an enum value", raw)),
    }
}

struct Finder<'a> {
    scope: &'a Scope,
}

impl ExtensionFinder for Finder<'_> {
    fn extension<'p>(&self, pool: &'p Pool, name: &str, inside: &str) -> Option<&'p Field> {
        let (_, symbol) = self.scope.lookup(pool, name, inside, false).ok()?;
        match symbol.kind {
            SymbolKind::Extension(id) => Some(&pool.extensions[id.0 as usize]),
            SymbolKind::Message(id) => pool.message_set_extension(id),
            _ => None,
        }
    }
}

fn aggregate(pool: &Pool, scope: &Scope, field: &Field, text: &str) -> Result<Value, String> {
    let of = field.message.expect("a field of messages has their type");
    let finder = Finder { scope };
    let mut message = Message::new(of);
    let mut reader = TextReader::new(pool, text.as_bytes(), &finder).keeping_entries();
    match reader.read(&mut message) {
        Ok(()) => Ok(Value::Message(Box::new(message))),
        Err(error) => Err(format!("the value in braces is wrong: {}", error.message())),
    }
}
