//! `JSONTestSuite`, the corpora, and agreement with another parser.

use std::io::Read;

use cannery_core::{BigInt, Limits, Source, Value, ValueBuilder};
use cannery_json::{ReadOptions, from_reader, from_slice, to_value, to_vec};
use cannery_testing::{
    Checked, Expected, any_json_value, any_plain_value, json_corpora, json_suite, report,
};
use proptest::prelude::*;

/// Reads through a checker of the event grammar.
fn read(text: &[u8]) -> cannery_core::Result<Value> {
    let mut sink = Checked::new(ValueBuilder::new(Limits::default()));
    from_slice(text, &ReadOptions::default(), &mut sink)?;
    sink.finish().finish()
}

#[test]
fn the_suite_is_accepted_and_rejected_as_it_asks() {
    let cases = json_suite();
    let mut counts = [0; 3];
    for case in &cases {
        let found = read(&case.text);
        match case.expected {
            Expected::Accept => assert!(found.is_ok(), "{}: {:?}", case.name, found.err()),
            Expected::Reject => assert!(found.is_err(), "{}: {:?}", case.name, found.ok()),
            Expected::Either => {}
        }
        counts[case.expected as usize] += 1;
    }
    report("JSONTestSuite, accepted, rejected and either", cases.len());
    assert!(cases.is_empty() || counts[..2] == [95, 188], "{counts:?}");
}

#[test]
fn corpora_read_as_with_serde_json_and_write_back() {
    let corpora = json_corpora();
    for (name, text) in &corpora {
        let value = read(text).unwrap();
        let theirs: serde_json::Value = serde_json::from_slice(text).unwrap();
        assert!(same(&value, &theirs), "{name}");
        let written = to_vec(&value).unwrap();
        assert_eq!(read(&written).unwrap(), value, "{name}");
        let mut builder = ValueBuilder::new(Limits::default());
        from_reader(Dribble(text, 1000), &ReadOptions::default(), &mut builder).unwrap();
        assert_eq!(builder.finish().unwrap(), value, "{name}");
    }
    report("JSON corpora", corpora.len());
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Int(a), serde_json::Value::Number(b)) => {
            // Theirs keeps the sign of a zero, by making it a float.
            b.as_i64() == Some(*a) || *a == 0 && b.as_f64() == Some(0.0)
        }
        (Value::BigInt(a), serde_json::Value::Number(b)) => {
            b.as_u64().is_none_or(|b| *a == BigInt::U64(b).to_big_int())
        }
        (Value::Float(a), serde_json::Value::Number(b)) => {
            b.as_f64().is_some_and(|b| a.to_bits() == b.to_bits())
        }
        (Value::Text(a), serde_json::Value::String(b)) => a.as_str() == Some(b),
        (Value::List(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), serde_json::Value::Object(b)) => {
            // Of keys that occur twice they keep the last; we keep all.
            b.iter().all(|(key, b)| {
                let last = a.iter().rev().find(|(k, _)| k.as_str() == Some(key));
                last.is_some_and(|(_, a)| same(a, b))
            })
        }
        _ => false,
    }
}

/// A reader that hands out a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len());
        self.0.read(&mut out[..count])
    }
}

/// Whether a JSON text has two lone surrogates side by side, which no reader can tell from a pair.
fn splits_a_pair(text: &[u8]) -> bool {
    let is_half = |escape: &[u8], third: &[u8]| {
        escape.starts_with(b"\\ud") && third.contains(&escape[3].to_ascii_lowercase())
    };
    text.windows(12).any(|both| is_half(both, b"89ab") && is_half(&both[6..], b"cdef"))
}

/// Something like JSON: pieces of it in any order.
fn near_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud800",
        "\\udc00",
        "\\n",
        "\\x",
        " ",
        "\n",
        "\t",
        "\r",
        "\u{7}",
        "a",
        "é",
        "😀",
        "null",
        "true",
        "false",
        "nul",
        "NaN",
        "0",
        "-",
        "1",
        "12",
        "-0",
        "0.5",
        "1e5",
        "1E-400",
        "1e400",
        ".",
        "e",
        "+",
        "\"a\"",
        "\"key\":",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890.5e-20",
        "abcdefgh",
        "                                 ",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), near_json());
    (any_plain_value(), change).prop_map(|(value, (from, to, piece))| {
        let mut text = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from + 3));
        if text.is_char_boundary(from) && text.is_char_boundary(to) {
            text.replace_range(from.min(to)..to.max(from), &piece);
        }
        text
    })
}

fn agrees(text: &str) -> Result<(), TestCaseError> {
    let ours = read(text.as_bytes());
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => prop_assert!(same(ours, theirs), "{ours:?} {theirs:?}"),
        (Err(_), Err(_)) => {}
        // Theirs refuses lone surrogates and numbers beyond a float, and knows no byte order mark.
        (Ok(_), Err(error)) => {
            let error = error.to_string();
            let known = error.contains("surrogate")
                || error.contains("unexpected end of hex escape")
                || error.contains("number out of range")
                || text.starts_with('\u{feff}');
            prop_assert!(known, "{error}");
        }
        (Err(error), Ok(_)) => prop_assert!(false, "{error}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_serde_json_on_pieces(text in near_json()) {
        agrees(&text)?;
    }

    #[test]
    fn agrees_with_serde_json_on_damaged_text(text in mutated()) {
        agrees(&text)?;
    }

    #[test]
    fn what_is_written_reads_back(value in any_json_value()) {
        let text = to_vec(&value).unwrap();
        prop_assume!(!splits_a_pair(&text));
        prop_assert_eq!(to_value(&text).unwrap(), value);
    }

    #[test]
    fn pieces_of_any_size_read_as_the_whole(text in near_json(), size in 1..9usize) {
        let whole = read(text.as_bytes());
        let mut sink = Checked::new(ValueBuilder::new(Limits::default()));
        let options = ReadOptions::default();
        match (from_reader(Dribble(text.as_bytes(), size), &options, &mut sink), whole) {
            (Ok(()), whole) => prop_assert_eq!(sink.finish().finish().unwrap(), whole.unwrap()),
            (Err(error), whole) => {
                let whole = whole.unwrap_err().locate(text.as_bytes());
                // What the first piece forgot cannot be looked back at.
                if !whole.hint().is_some_and(|hint| hint.contains("remove the comma")) {
                    prop_assert_eq!(error.report(), whole.report());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = read(&bytes) {
            prop_assert_eq!(to_value(&to_vec(&value).unwrap()).unwrap(), value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn floats_are_exact_both_ways(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = to_vec(&Value::Float(value)).unwrap();
        let Value::Float(back) = to_value(&text).unwrap() else { panic!("a float") };
        prop_assert_eq!(back.to_bits(), bits);
        let longer = format!("{value:.25e}");
        let Value::Float(back) = to_value(longer.as_bytes()).unwrap() else { panic!("a float") };
        prop_assert_eq!(back.to_bits(), bits);
    }
}

#[test]
fn a_pair_cut_in_two_is_no_lone_surrogate() {
    let (text, options) = (r#"["\ud83d\ude00"]"#, ReadOptions::default().surrogates(false));
    for size in 1..text.len() {
        let mut sink = ValueBuilder::new(Limits::default());
        from_reader(Dribble(text.as_bytes(), size), &options, &mut sink).unwrap();
        assert_eq!(sink.finish().unwrap(), Value::from_iter(["😀"]));
    }
    let mut sink = ValueBuilder::new(Limits::default());
    let lone = br#"["\ud83d"]"#.as_slice();
    assert!(from_reader(Dribble(lone, 1), &options, &mut sink).is_err());
}

#[test]
fn sources_are_objects_too() {
    // A document's events can go straight from the reader into the writer.
    let mut writer = cannery_json::Writer::new(Vec::new(), cannery_json::WriteOptions::default());
    from_slice(b" [1, {\"a\": [ ] } ] ", &ReadOptions::default(), &mut writer).unwrap();
    assert_eq!(writer.into_output(), b"[1,{\"a\":[]}]");
    let mut dynamic: Box<dyn cannery_core::Sink> = Box::new(ValueBuilder::new(Limits::default()));
    Value::from_iter([1]).emit(&mut dynamic).unwrap();
}
