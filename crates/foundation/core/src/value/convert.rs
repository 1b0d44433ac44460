//! Values from Rust's own types.

use num_bigint::BigInt;

use super::{Object, Value};
use crate::{ArrayBuf, TextBuf};

macro_rules! from {
    ($($type:ty: $value:ident => $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

from! {
    bool: value => Value::Bool(value);
    i32: value => Value::Int(value.into());
    u32: value => Value::Int(value.into());
    i64: value => Value::Int(value);
    u64: value => BigInt::from(value).into();
    f64: value => Value::Float(value);
    &str: value => Value::Text(value.into());
    String: value => Value::Text(value.into());
    TextBuf: value => Value::Text(value);
    &[u8]: value => Value::Bytes(value.to_vec());
    ArrayBuf: value => Value::Array(Box::new(value));
    Object: value => Value::Object(Box::new(value));
    Vec<Value>: value => Value::List(value);
}

impl From<BigInt> for Value {
    /// An [`Value::Int`] where it fits.
    fn from(value: BigInt) -> Self {
        i64::try_from(&value).map_or(Value::BigInt(value), Value::Int)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    /// A list.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Value {
    /// A map.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Value::Map(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}
