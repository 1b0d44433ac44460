//! An edit of the text changes the value it holds as the same edit of the value would.

use cannery_core::Value;
use cannery_yaml::{Document, PathStep, ReadOptions, WriteOptions, Writer, to_value};
use proptest::prelude::*;
use proptest::sample::Index;

/// A value in some layout, as text.
fn written(value: &Value, options: WriteOptions) -> String {
    let mut writer = Writer::new(options);
    cannery_core::Source::emit(value, &mut writer).unwrap();
    writer.end_document();
    String::from_utf8(writer.into_bytes()).unwrap()
}

/// A way down from the root, each turn chosen by an index.
fn descend(mut value: &Value, turns: &[Index]) -> Vec<PathStep> {
    let mut path = Vec::new();
    for turn in turns {
        match value {
            Value::List(items) if !items.is_empty() => {
                let index = turn.index(items.len());
                path.push(PathStep::Index(index));
                value = &items[index];
            }
            Value::Map(entries) if !entries.is_empty() => {
                let (key, inner) = &entries[turn.index(entries.len())];
                path.push(PathStep::Key(key.clone()));
                value = inner;
            }
            _ => break,
        }
    }
    path
}

fn at<'v>(value: &'v mut Value, path: &[PathStep]) -> &'v mut Value {
    path.iter().fold(value, |value, step| match (value, step) {
        (Value::List(items), PathStep::Index(index)) => &mut items[*index],
        (Value::Map(entries), PathStep::Key(key)) => {
            &mut entries.iter_mut().find(|(other, _)| other == key).unwrap().1
        }
        _ => unreachable!("the path was found in the value"),
    })
}

fn any_layout() -> impl Strategy<Value = WriteOptions> {
    (1..5_usize, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(indent, sequences, flow)| {
        WriteOptions::default().indent(indent).indent_sequences(sequences).flow(flow)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn setting_changes_what_it_says(
        mut value in cannery_testing::any_plain_value(),
        new in cannery_testing::any_plain_value(),
        turns in prop::collection::vec(any::<Index>(), 0..4),
        layout in any_layout(),
    ) {
        let text = written(&value, layout);
        let path = descend(&value, &turns);
        let mut document = Document::parse(&text, &ReadOptions::default()).unwrap();
        document.set(&path, &new).unwrap();
        *at(&mut value, &path) = new;
        let found = to_value(document.text());
        prop_assert!(found.as_ref().is_ok_and(|found| *found == value), "{text}--\n{}", document.text());
    }

    #[test]
    fn removing_takes_one_entry_away(
        mut value in cannery_testing::any_plain_value(),
        turns in prop::collection::vec(any::<Index>(), 1..4),
        layout in any_layout(),
    ) {
        let text = written(&value, layout);
        let path = descend(&value, &turns);
        let Some((last, around)) = path.split_last() else { return Ok(()) };
        let mut document = Document::parse(&text, &ReadOptions::default()).unwrap();
        document.remove(&path).unwrap();
        match (at(&mut value, around), last) {
            (Value::List(items), PathStep::Index(index)) => drop(items.remove(*index)),
            (Value::Map(entries), PathStep::Key(key)) => entries.retain(|(other, _)| other != key),
            _ => unreachable!("the path was found in the value"),
        }
        let found = to_value(document.text());
        prop_assert!(found.as_ref().is_ok_and(|found| *found == value), "{text}--\n{}", document.text());
    }

    #[test]
    fn inserting_adds_one_item(
        mut items in prop::collection::vec(cannery_testing::any_plain_value(), 0..5),
        new in cannery_testing::any_plain_value(),
        place in any::<Index>(),
        layout in any_layout(),
    ) {
        let text = written(&Value::List(items.clone()), layout);
        let mut document = Document::parse(&text, &ReadOptions::default()).unwrap();
        let index = place.index(items.len() + 1);
        document.insert(&[], index, &new).unwrap();
        items.insert(index, new);
        let found = to_value(document.text());
        prop_assert!(found.as_ref().is_ok_and(|found| *found == Value::List(items.clone())), "{text}--\n{}", document.text());
    }
}
