//! The tagged form: what is lowered is raised again, and nothing else is taken for it.

use cannery_core::tagged::{MAX_LEVELS, TagDecoder, TagEncoder, TagSupport};
use cannery_core::{
    ArrayBuf, Container, Dtype, DtypeKind, Error, Event, Limits, Object, Order, Result, Sink,
    Source, Tape, Text, TextBuf, Value, ValueBuilder,
};
use cannery_testing::{Checked, any_graph, any_json_value, any_marked_value, any_value, events};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_lowered_is_raised_again(value in any_value()) {
        prop_assert_eq!(raised(&lowered(&value))?, events(&value));
    }

    #[test]
    fn references_survive(value in any_marked_value()) {
        prop_assert_eq!(raised(&lowered(&value))?, events(&value));
    }

    #[test]
    fn cycles_survive(graph in any_graph()) {
        prop_assert_eq!(raised(&lowered(&graph))?, events(&graph));
    }

    #[test]
    fn only_plain_events_are_left(value in any_marked_value()) {
        for event in lowered(&value).events {
            prop_assert!(is_plain(&event), "{event:?} is no event of JSON");
        }
    }

    #[test]
    fn what_the_target_can_say_is_left_alone(value in any_marked_value()) {
        let support = TagSupport::default().big_ints(false).bytes(true).non_finite(true);
        let mut sink = TagEncoder::new(Checked::new(Tape::default())).support(support);
        value.emit(&mut sink)?;
        let tape = sink.into_inner().finish();
        prop_assert!(!tape.events.iter().any(|e| matches!(e, Event::BigInt(n) if n.bits() > 64)));
        prop_assert_eq!(raised(&tape)?, events(&value));
    }

    #[test]
    fn the_targets_own_references_are_left_alone(graph in any_graph()) {
        let support = TagSupport::default().references(true);
        let mut sink = TagEncoder::new(Checked::new(Tape::default())).support(support);
        graph.emit(&mut sink)?;
        let tape = sink.into_inner().finish();
        prop_assert!(!tape.events.iter().any(|e| matches!(e, Event::Key(k) if k.as_str() == Some("$ref"))));
        prop_assert_eq!(raised(&tape)?, events(&graph));
    }

    #[test]
    fn plain_documents_are_themselves(value in any_json_value()) {
        let has_control_key = |e: &Event| matches!(e, Event::Key(k) if k.to_string().starts_with('$'));
        let tape = events(&value);
        if tape.events.iter().any(|e| has_control_key(e) || has_surrogates(e)) {
            return Ok(());
        }
        prop_assert_eq!(&lowered(&value), &tape);
        prop_assert_eq!(&raised(&tape)?, &tape);
    }

    /// Whatever map comes, what is made of it keeps to the grammar, and lowered it is raised again.
    #[test]
    fn no_document_breaks_the_grammar(document in any_document()) {
        let Ok(first) = raised(&document) else { return Ok(()) };
        prop_assert_eq!(raised(&lowered(&first))?, first);
    }
}

/// Two of them might stand side by side.
fn has_surrogates(event: &Event) -> bool {
    matches!(event, Event::Key(text) | Event::Text(text) if text.as_str().is_none())
}

fn lowered<S: Source>(source: &S) -> Tape {
    let mut sink = TagEncoder::new(Checked::new(Tape::default()));
    source.emit(&mut sink).expect("everything can be lowered");
    sink.into_inner().finish()
}

fn raised<S: Source>(source: &S) -> Result<Tape> {
    let mut sink = TagDecoder::new(Checked::new(Tape::default()));
    source.emit(&mut sink)?;
    Ok(sink.into_inner().finish())
}

fn is_plain(event: &Event) -> bool {
    match event {
        Event::Begin(container, _) | Event::End(container) => {
            matches!(container, Container::List | Container::Map)
        }
        Event::Float(float) => float.is_finite(),
        other => !matches!(
            other,
            Event::Bytes(_)
                | Event::Array(_)
                | Event::Entry
                | Event::BeginObject(..)
                | Event::Mark(_)
                | Event::Alias(_)
        ),
    }
}

/// A JSON document made of little but control keys; references that lead nowhere are left out.
fn any_document() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec!["$type", "$items", "value", "$$a", "a", "dtype", "shape"]);
    let text =
        prop::sample::select(vec!["tuple", "list", "set", "bytes", "float", "inf", "AA==", "1"]);
    let scalar = prop_oneof![
        Just(Value::Null),
        (0_i64..3).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 24, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::vec((keys.clone(), inner), 0..3).prop_map(Value::from_iter),
        ]
    })
}

#[test]
fn surrogates_are_not_joined() {
    let split = TextBuf::from(Text::Ucs2(&[0xd83d, 0xde00]));
    let entries = || vec![(Value::from(split.clone()), Value::from(split.clone()))];
    let pairs = vec![
        (Value::Int(1), Value::Null),
        (Value::from(split.clone()), Value::Int(2)),
        (Value::from("$surrogates:"), Value::from("$surrogates:x")),
    ];
    let object =
        Object { type_name: split.clone(), parts: vec![(split.clone(), Value::Map(entries()))] };
    for value in [Value::Map(entries()), Value::Map(pairs), Value::Object(Box::new(object))] {
        let tape = lowered(&value);
        assert!(!tape.events.iter().any(has_surrogates), "{tape:?}");
        assert_eq!(raised(&tape).unwrap(), events(&value));
    }
}

#[test]
fn arrays_beside_the_document() {
    let array =
        ArrayBuf::new(Dtype::new(DtypeKind::Uint(1)), vec![2], Order::C, vec![7, 9]).unwrap();
    let value = Value::Marked(5, Box::new(Value::from(array.clone())));
    let mut stored = Vec::new();
    let mut sink = TagEncoder::new(ValueBuilder::new(Limits::default())).arrays(|array| {
        stored.push(ArrayBuf::from_source(array)?);
        Ok(Some("arrays/0.npy".to_owned()))
    });
    value.emit(&mut sink).unwrap();
    let document = sink.into_inner().finish().unwrap();
    let named = Value::from_iter([("$id", Value::from(5)), ("$array", "arrays/0.npy".into())]);
    assert_eq!(document, named);
    assert_eq!(stored, [array]);

    let mut sink = TagDecoder::new(ValueBuilder::new(Limits::default())).arrays(|name| {
        assert_eq!(name, "arrays/0.npy");
        Ok(Box::new(stored[0].clone()))
    });
    document.emit(&mut sink).unwrap();
    assert_eq!(sink.into_inner().finish().unwrap(), value);
}

#[test]
fn keys_in_any_encoding_are_escaped() {
    let keys = [Text::Latin1(b"$\xe9"), Text::Ucs2(&[36, 0xd800]), Text::Ucs4(&[36, 0x1_f600])];
    let mut value = ValueBuilder::new(Limits::default());
    let mut document = ValueBuilder::new(Limits::default());
    let mut sink = TagEncoder::new(&mut document);
    for sink in [&mut value as &mut dyn Sink, &mut sink] {
        sink.begin(Container::Map, None).unwrap();
        for key in keys {
            sink.key(key).unwrap();
            sink.null().unwrap();
        }
        sink.end(Container::Map).unwrap();
    }
    let (value, document) = (value.finish().unwrap(), document.finish().unwrap());
    assert_eq!(document.entries().unwrap()[0].0.as_str(), Some("$$é"));
    assert_eq!(raised(&document).unwrap(), events(&value));
}

#[test]
fn a_level_of_a_value_is_three_of_a_document_at_most() {
    let depth = 100;
    let key = |inner| Value::Map(vec![(Value::Int(1), inner)]);
    let tuple = |inner| Value::Marked(1, Box::new(Value::Tuple(vec![inner])));
    for wrap in [&key as &dyn Fn(Value) -> Value, &tuple] {
        let value = (0..depth).fold(Value::Null, |inner, _| wrap(inner));
        let mut level: usize = 0;
        let mut sink = TagEncoder::new(Tape::default());
        value.emit(&mut sink).unwrap();
        let levels = sink.into_inner().events.into_iter().map(|event| {
            level += usize::from(matches!(event, Event::Begin(..)));
            level -= usize::from(matches!(event, Event::End(_)));
            level
        });
        assert!(levels.max().unwrap() <= depth * MAX_LEVELS);
    }
}

#[test]
fn objects_of_the_format_itself_pass() {
    let ext = Object { type_name: "msgpack.ext".into(), parts: vec![("$type".into(), 1.into())] };
    let value = Value::List(vec![ext.into()]);
    assert_eq!(raised(&value).unwrap(), events(&value));
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::from_iter(entries)
}

fn tag<const N: usize>(name: &str, entries: [(&str, Value); N]) -> Value {
    let mut all = vec![("$type", Value::from(name))];
    all.extend(entries);
    Value::from_iter(all)
}

macro_rules! refused {
    ($($name:ident: $document:expr, @$message:literal;)*) => {$(
        #[test]
        fn $name() {
            let error: Error = raised(&$document).unwrap_err();
            insta::assert_snapshot!(error.report().replace("\n\n", "; "), @$message);
        }
    )*};
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    items.into_iter().collect()
}

fn array(dtype: &str, shape: Value, order: &str, data: &str) -> Value {
    let members = [("shape", shape), ("order", order.into()), ("data", data.into())];
    let mut all = vec![("$type", "ndarray".into()), ("dtype", Value::from(dtype))];
    all.extend(members);
    Value::from_iter(all)
}

refused! {
    id_of_text: map([("$id", "1".into())]), @"expected an integer from 0 on behind `$id`, found text";
    id_below_zero: map([("$id", (-1).into())]), @"expected an integer from 0 on behind `$id`, found an integer";
    id_of_a_list: map([("$id", list([]))]), @"expected an integer from 0 on behind `$id`, found a list";
    id_twice: map([("$id", 1.into()), ("$id", 2.into())]), @"found the control key `$id` where it may not be; hint: control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`";
    id_too_late: map([("a", 1.into()), ("$id", 2.into())]), @"found the control key `$id` where it may not be; hint: control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`";
    type_too_late: map([("a", 1.into()), ("$type", "set".into())]), @"found the control key `$type` where it may not be; hint: control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`";
    type_of_null: map([("$type", Value::Null)]), @"expected a type's name behind `$type`, found null";
    type_in_an_object: tag("a.B", [("$type", "x".into())]), @"found the control key `$type` where it may not be; hint: control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`";
    unknown_control_key: map([("$foo", 1.into())]), @"found the control key `$foo` where it may not be; hint: a key of your own that begins with `$` is written `$$foo`";
    reference_and_more: list([map([("$id", 1.into())]), map([("$ref", 1.into()), ("a", 1.into())])]), @"expected the end of the tag, found a member `a`";
    list_without_mark: tag("list", [("value", list([]))]), @"expected `$id` before the tag `list`; hint: a value without a mark is written as it is, without a tag";
    text_without_mark: tag("str", [("value", "x".into())]), @"expected `$id` before the tag `str`; hint: a value without a mark is written as it is, without a tag";
    tuple_without_items: tag("tuple", []), @"expected a member `value` in the tag `tuple`";
    tuple_of_text: tag("tuple", [("value", "x".into())]), @"expected a list behind `value`, found text";
    tuple_with_another_member: tag("tuple", [("items", list([]))]), @"expected `value`, found a member `items`";
    tuple_with_too_much: tag("tuple", [("value", list([])), ("more", 1.into())]), @"expected the end of the tag, found a member `more`";
    items_of_a_map: map([("$items", map([]))]), @"expected a list of pairs behind `$items`, found a map";
    items_of_numbers: map([("$items", list([1.into()]))]), @"expected pairs `[key, value]` in `$items`, found an integer";
    a_pair_of_one: map([("$items", list([list([1.into()])]))]), @"expected pairs `[key, value]` in `$items`, found a shorter list";
    a_pair_of_three: map([("$items", list([list([1.into(), 2.into(), 3.into()])]))]), @"expected pairs `[key, value]` in `$items`, found a third value";
    items_twice: map([("$items", list([])), ("$items", list([]))]), @"found the control key `$items` where it may not be; hint: control keys come first: `$id`, then one of `$type`, `$ref`, `$array`, `$bytes`";
    bytes_of_no_base64: tag("bytes", [("value", "?".into())]), @"expected base64 as `value` in the tag `bytes`";
    bytes_without_padding: tag("bytes", [("value", "AA".into())]), @"expected base64 as `value` in the tag `bytes`";
    bytes_of_a_number: tag("bytes", [("value", 1.into())]), @"expected text as `value` in the tag `bytes`";
    bytes_with_too_much: tag("bytes", [("value", "".into()), ("more", "".into())]), @"found a member `more` in the tag `bytes`";
    float_of_text: tag("float", [("value", "NaN".into())]), @"expected `nan`, `inf`, `-inf` or a float as `value` in the tag `float`";
    float_of_nothing: tag("float", []), @"expected a member `value` in the tag `float`";
    int_with_zeros: tag("int", [("value", "007".into())]), @"expected an integer in decimal digits as `value` in the tag `int`";
    int_of_a_float: tag("int", [("value", 1.5.into())]), @"expected an integer as `value` in the tag `int`";
    array_name_without_arrays: map([("$array", "arrays/0.npy".into())]), @"the array `arrays/0.npy` is not in this document but beside it; hint: open the `.can` file that it is part of";
    array_of_too_few_bytes: array("<f4", list([1000.into(), 1000.into()]), "C", "AAAA"), @"expected 4000000 bytes for shape [1000, 1000], found 3 bytes";
    array_of_impossible_size: array("<f4", list([i64::MAX.into(), 4.into()]), "C", ""), @"an array of shape [9223372036854775807, 4] is too large";
    array_of_unknown_type: array("O", list([]), "C", ""), @"expected an array type like `<f4`, found `O`";
    array_of_negative_size: array("<f4", list([(-1).into()]), "C", ""), @"expected a list of sizes as `shape` in the tag `ndarray`";
    array_of_other_order: array("<f4", list([]), "A", ""), @"expected `C` or `F` as `order` in the tag `ndarray`";
}
