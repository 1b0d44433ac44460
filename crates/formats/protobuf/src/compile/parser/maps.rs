//! The message behind a map: one entry, a key and a value.

use crate::descriptor::{
    FieldProto, MessageProto, NamePart, OPTIONAL, Options, RawOption, RawValue,
};

/// Points the field at its entry message, which it returns.
pub(super) fn entry(
    field: &mut FieldProto,
    mut key: FieldProto,
    mut value: FieldProto,
) -> MessageProto {
    let name = entry_name(&field.name);
    field.type_name.clone_from(&name);
    for (part, part_name, number) in [(&mut key, "key", 1), (&mut value, "value", 2)] {
        part_name.clone_into(&mut part.name);
        part.number = number;
        part.label = OPTIONAL;
        part.name_at = field.name_at;
        part.number_at = field.number_at;
        inherit_features(field, part);
    }
    let is_entry = NamePart { name: "map_entry".to_owned(), is_extension: false };
    let value_of_option = RawValue::Identifier("true".to_owned());
    let (name_at, value_at) = (field.name_at, field.name_at);
    let raw = vec![RawOption { name: vec![is_entry], value: value_of_option, name_at, value_at }];
    let options = Options { is_present: true, raw, ..Options::default() };
    let fields = vec![key, value];
    MessageProto { name, fields, options, name_at: field.name_at, ..MessageProto::default() }
}

/// A feature set on a map is meant for its key and value.
fn inherit_features(field: &FieldProto, part: &mut FieldProto) {
    let is_feature = |option: &&RawOption| {
        option.name.first().is_some_and(|first| first.name == "features" && !first.is_extension)
    };
    for option in field.options.raw.iter().filter(is_feature) {
        part.options.is_present = true;
        part.options.raw.push(option.clone());
    }
}

/// `foo_bar` has entries called `FooBarEntry`.
pub(crate) fn entry_name(field: &str) -> String {
    let mut name = String::new();
    let mut capital = true;
    for c in field.chars() {
        if c == '_' {
            capital = true;
        } else if capital {
            name.push(c.to_ascii_uppercase());
            capital = false;
        } else {
            name.push(c);
        }
    }
    name.push_str("Entry");
    name
}
