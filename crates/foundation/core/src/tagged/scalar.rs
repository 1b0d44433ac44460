//! The members of tags that stand for one scalar, and the scalars they stand for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Scalar, Tag};
use crate::dtype::to_shape;
use crate::{ArrayBuf, Dtype, Error, ErrorKind, Order, Result, Sink, Source, TextBuf, Value};

/// Sends the scalar that a tag's members describe.
pub(super) fn send<S: Sink>(scalar: Scalar, members: Value, sink: &mut S) -> Result<()> {
    let mut members = Members::new(scalar, members)?;
    let value = match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool => truth(&mut members)?,
        Scalar::Int => integer(&mut members)?,
        Scalar::Float => float(&mut members)?,
        Scalar::Str => Value::from(members.text("value")?),
        Scalar::Surrogates => surrogates(&mut members)?,
        Scalar::Bytes => Value::Bytes(members.base64("value")?),
        Scalar::Array => array(&mut members)?,
    };
    members.finish()?;
    value.emit(sink)
}

/// What is left of a tag's members.
struct Members {
    name: &'static str,
    left: Vec<(Value, Value)>,
}

impl Members {
    fn new(scalar: Scalar, members: Value) -> Result<Self> {
        let name = Tag::Scalar(scalar).name();
        match members {
            Value::Map(left) => Ok(Self { name, left }),
            _ => Err(Error::new(ErrorKind::Syntax, format!("expected the members of `{name}`"))),
        }
    }

    fn take(&mut self, key: &str) -> Result<Value> {
        let at = self.left.iter().position(|(found, _)| found.as_str() == Some(key));
        match at {
            Some(at) => Ok(self.left.remove(at).1),
            None => Err(self.malformed(&format!("expected a member `{key}`"))),
        }
    }

    fn text(&mut self, key: &str) -> Result<TextBuf> {
        match self.take(key)? {
            Value::Text(text) => Ok(text),
            _ => Err(self.malformed(&format!("expected text as `{key}`"))),
        }
    }

    /// Bytes, of themselves where the format has some.
    fn base64(&mut self, key: &str) -> Result<Vec<u8>> {
        let text = match self.take(key)? {
            Value::Bytes(bytes) => return Ok(bytes),
            Value::Text(text) => text,
            _ => return Err(self.malformed(&format!("expected text as `{key}`"))),
        };
        let mut bytes = Vec::new();
        if let Some(text) = text.as_str() {
            crate::reserve(&mut bytes, text.len() / 4 * 3 + 3)?;
            if STANDARD.decode_vec(text, &mut bytes).is_ok() {
                return Ok(bytes);
            }
        }
        Err(self.malformed(&format!("expected base64 as `{key}`")))
    }

    fn finish(&self) -> Result<()> {
        match self.left.first() {
            None => Ok(()),
            Some((Value::Text(key), _)) => Err(self.malformed(&format!("found a member `{key}`"))),
            Some(_) => Err(self.malformed("found a key that is not text")),
        }
    }

    #[cold]
    fn malformed(&self, what: &str) -> Error {
        Error::new(ErrorKind::Syntax, format!("{what} in the tag `{}`", self.name))
    }
}

fn truth(members: &mut Members) -> Result<Value> {
    match members.take("value")? {
        value @ Value::Bool(_) => Ok(value),
        _ => Err(members.malformed("expected `true` or `false` as `value`")),
    }
}

/// Text in which a reader of JSON would join two surrogates.
fn surrogates(members: &mut Members) -> Result<Value> {
    match TextBuf::from_utf8_with_surrogates(&members.base64("value")?) {
        Some(text) => Ok(Value::from(text)),
        None => Err(members.malformed("expected UTF-8 with surrogates as `value`")),
    }
}

fn integer(members: &mut Members) -> Result<Value> {
    match members.take("value")? {
        value @ (Value::Int(_) | Value::BigInt(_)) => Ok(value),
        Value::Text(text) => match text.as_str().filter(|text| is_integer(text)) {
            Some(text) => Ok(crate::BigInt::Decimal(text).to_big_int().into()),
            None => Err(members.malformed("expected an integer in decimal digits as `value`")),
        },
        _ => Err(members.malformed("expected an integer as `value`")),
    }
}

/// Decimal digits, with neither leading zeros nor a plus sign: each integer has one form.
fn is_integer(text: &str) -> bool {
    match text.strip_prefix('-').unwrap_or(text).as_bytes() {
        b"0" => text == "0",
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn float(members: &mut Members) -> Result<Value> {
    let value = members.take("value")?;
    let float = match value.as_str() {
        Some("nan") => Some(f64::NAN),
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    };
    let float = float.map(Value::Float);
    float.ok_or_else(|| members.malformed("expected `nan`, `inf`, `-inf` or a float as `value`"))
}

fn array(members: &mut Members) -> Result<Value> {
    let dtype = Dtype::from_value(&members.take("dtype")?)?;
    let shape = to_shape(&members.take("shape")?)
        .ok_or_else(|| members.malformed("expected a list of sizes as `shape`"))?;
    let order = match members.text("order")?.as_str() {
        Some("C") => Order::C,
        Some("F") => Order::Fortran,
        _ => return Err(members.malformed("expected `C` or `F` as `order`")),
    };
    let data = members.base64("data")?;
    ArrayBuf::new(dtype, shape, order, data).map(Value::from)
}
