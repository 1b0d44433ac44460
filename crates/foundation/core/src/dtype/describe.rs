//! Types as plain data: a short name, or a map that lays out a record.

use std::collections::HashSet;

use super::{Dtype, DtypeKind, Field};
use crate::{Error, ErrorKind, Result, Value};

impl Dtype {
    /// The type as plain data: its [short name](Dtype::typestr), and for a record
    /// `{"fields": [{"name": "x", "dtype": "<f4", "offset": 0}, ...], "itemsize": 8}`, fields with
    /// `shape` and `title` where they have one.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            DtypeKind::Struct { fields, itemsize } => Value::from_iter([
                ("fields", fields.iter().map(Field::to_value).collect()),
                ("itemsize", size(*itemsize)),
            ]),
            _ => self.typestr().into(),
        }
    }

    /// The type that [`to_value`](Dtype::to_value) made the data of.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an unknown name, [`ErrorKind::Syntax`] for data of another
    /// form, [`ErrorKind::Value`] for fields that do not fit the record or share a name.
    pub fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Text(name) => Self::from_typestr(&name.as_text().to_str_lossy()),
            Value::Map(_) => record(value),
            _ => Err(malformed("a type name, or a map with `fields` and `itemsize`")),
        }
    }
}

impl Field {
    fn to_value(&self) -> Value {
        let mut entries = vec![
            ("name", self.name.as_str().into()),
            ("dtype", self.dtype.to_value()),
            ("offset", size(self.offset)),
        ];
        if !self.shape.is_empty() {
            entries.push(("shape", self.shape.iter().copied().collect()));
        }
        entries.extend(self.title.as_deref().map(|title| ("title", title.into())));
        Value::from_iter(entries)
    }
}

fn size(bytes: usize) -> Value {
    Value::from(bytes as u64)
}

fn record(value: &Value) -> Result<Dtype> {
    only(value, &["fields", "itemsize"])?;
    let itemsize =
        value.get("itemsize").and_then(to_size).filter(|&size| i32::try_from(size).is_ok());
    let itemsize = itemsize.ok_or_else(|| malformed("`itemsize` below 2 GiB"))?;
    let fields = value.get("fields").and_then(Value::items).ok_or_else(|| malformed("`fields`"))?;
    let fields =
        fields.iter().map(|field| to_field(field, itemsize)).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&fields)?;
    Ok(Dtype::new(DtypeKind::Struct { fields, itemsize }))
}

fn to_field(value: &Value, itemsize: usize) -> Result<Field> {
    only(value, &["name", "dtype", "offset", "shape", "title"])?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let shape = match value.get("shape") {
        None => Vec::new(),
        Some(shape) => to_shape(shape).ok_or_else(|| malformed("`shape` of a field"))?,
    };
    let field = Field {
        name: text("name").ok_or_else(|| malformed("`name` of a field"))?,
        title: text("title"),
        dtype: Dtype::from_value(value.get("dtype").unwrap_or(&Value::Null))?,
        shape,
        offset: value.get("offset").and_then(to_size).ok_or_else(|| malformed("`offset`"))?,
    };
    if value.get("title").is_some() != field.title.is_some() {
        return Err(malformed("text as `title` of a field"));
    }
    match field.end() {
        Some(end) if end <= itemsize => Ok(field),
        _ => Err(beyond(&field, itemsize)),
    }
}

impl Field {
    /// The first byte behind it, unless there is no such address.
    fn end(&self) -> Option<usize> {
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |count, &side| count.checked_mul(usize::try_from(side).ok()?));
        count?.checked_mul(self.dtype.itemsize())?.checked_add(self.offset)
    }
}

/// Sizes as a list of integers from 0 on.
pub(crate) fn to_shape(value: &Value) -> Option<Vec<u64>> {
    value.items()?.iter().map(|side| u64::try_from(side.as_i64()?).ok()).collect()
}

fn to_size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_i64()?).ok()
}

fn only(value: &Value, known: &[&str]) -> Result<()> {
    let entries = value.entries().ok_or_else(|| malformed("a map for each field"))?;
    let known = |key: &Value| key.as_str().is_some_and(|key| known.contains(&key));
    match entries.iter().find(|(key, _)| !known(key)) {
        None => Ok(()),
        Some((key, _)) => Err(malformed(&format!("no key {key:?}"))),
    }
}

fn refuse_duplicates(fields: &[Field]) -> Result<()> {
    let mut seen = HashSet::new();
    match fields.iter().find(|field| !seen.insert(&field.name)) {
        None => Ok(()),
        Some(Field { name, .. }) => {
            Err(Error::new(ErrorKind::Value, format!("two fields of an array are named `{name}`")))
        }
    }
}

#[cold]
fn malformed(expected: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("expected {expected} in an array's `dtype`"))
}

#[cold]
fn beyond(field: &Field, itemsize: usize) -> Error {
    let message =
        format!("field `{}` reaches beyond the {itemsize} bytes of its record", field.name);
    Error::new(ErrorKind::Value, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, entries: Vec<(&str, Value)>) -> Value {
        let mut all = vec![("name", name.into()), ("dtype", "<f4".into()), ("offset", 0.into())];
        all.extend(entries);
        Value::from_iter(all)
    }

    fn refused(value: impl Into<Value>) -> String {
        Dtype::from_value(&value.into()).unwrap_err().report()
    }

    fn refused_fields(fields: Vec<Value>) -> String {
        refused(Value::from_iter([("fields", Value::from(fields)), ("itemsize", 8.into())]))
    }

    #[test]
    fn messages() {
        insta::assert_snapshot!(refused(1), @"expected a type name, or a map with `fields` and `itemsize` in an array's `dtype`");
        insta::assert_snapshot!(refused("x"), @"expected an array type like `<f4`, found `x`");
        insta::assert_snapshot!(refused(Value::Map(vec![])), @"expected `itemsize` below 2 GiB in an array's `dtype`");
        insta::assert_snapshot!(refused(Value::from_iter([("itemsize", 1)])), @"expected `fields` in an array's `dtype`");
        insta::assert_snapshot!(refused(Value::from_iter([("size", 1)])), @"expected no key Text(\"size\") in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![1.into()]), @"expected a map for each field in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![Value::Map(vec![])]), @"expected `name` of a field in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![("offset", 5.into())])]), @"field `a` reaches beyond the 8 bytes of its record");
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![("offset", (-1).into())])]), @"expected `offset` in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![("shape", 3.into())])]), @"expected `shape` of a field in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![("title", 3.into())])]), @"expected text as `title` of a field in an array's `dtype`");
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![]), field("a", vec![])]), @"two fields of an array are named `a`");
        let huge = Value::from_iter([i64::MAX, i64::MAX]);
        insta::assert_snapshot!(refused_fields(vec![field("a", vec![("shape", huge)])]), @"field `a` reaches beyond the 8 bytes of its record");
    }
}
