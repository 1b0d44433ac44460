//! What is refused, with its whole report; sharing, sets and order.

use cannery_cbor::{KeyOrder, ReadOptions, WriteOptions, Writer, from_slice, to_value, to_vec};
use cannery_core::{Container, Error, Event, Limits, Sink, Source, Tape, Text, Value};
use proptest::prelude::*;

fn refused(data: &[u8]) -> String {
    to_value(data).expect_err("this is refused").report()
}

#[test]
fn what_is_not_cbor_is_refused() {
    insta::assert_snapshot!(refused(b""), @r"
    expected 1 more bytes, found 0 at byte 0

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(refused(b"\xff"), @"expected a value, found byte `0xff` at byte 0");
    insta::assert_snapshot!(refused(b"\x1c"), @"expected a value, found byte `0x1c` at byte 0");
    insta::assert_snapshot!(refused(b"\x83\x01\x02"), @"the input ends after 2 of at least 3 bytes at byte 1");
    insta::assert_snapshot!(refused(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), @"the input ends after 0 of at least 18446744073709551615 bytes at byte 9");
    insta::assert_snapshot!(refused(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), @r"
    expected 18446744073709551615 more bytes, found 0 at byte 9

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(refused(b"\x62\xc3\x28"), @"expected a string in UTF-8, found byte `0xc3` at 0 in it at byte 3");
    insta::assert_snapshot!(refused(b"\x5f\x41a\x61b\xff"), @"expected a piece of the string, or its end, found byte `0x61` at byte 4");
    insta::assert_snapshot!(refused(b"\xbf\x61a\xff"), @"expected a value, found byte `0xff` at byte 3");
    insta::assert_snapshot!(refused(b"\xf8\x10"), @"expected a simple value above 23, found byte `0xf8` at byte 2");
    insta::assert_snapshot!(refused(b"\xd9\x01\x02\x01"), @"expected an array, the items of a set, found byte `0x01` at byte 3");
    insta::assert_snapshot!(refused(b"\xc2\x01"), @"expected bytes, the magnitude of an integer, found byte `0x01` at byte 2");
    insta::assert_snapshot!(refused(b"\xd8\x1d\x00"), @"a reference to value 0, of 0 shareable ones at byte 3");
    insta::assert_snapshot!(refused(b"\xd8\x1c\xd8\x1c\x01"), @"expected a value behind its mark, found a mark or a reference at byte 4");
    insta::assert_snapshot!(refused(b"\x01\x02"), @r"
    expected the end of the document, found 1 bytes at byte 1

    hint: several documents in a row are read one at a time
    ");
}

#[test]
fn depth_is_limited_and_costs_no_stack() {
    for byte in [0x81, 0x9f, 0xc6] {
        let deep = vec![byte; 1_000_000];
        let options = ReadOptions::default().limits(Limits::default().depth(100));
        let error = from_slice(&deep, &options, &mut Tape::default()).unwrap_err();
        assert_eq!(error.message(), "nested deeper than 100 levels", "{byte:x}");
    }
    let described = [b"\xd9\xd9\xf7".repeat(500_000), vec![1]].concat();
    assert_eq!(to_value(&described).unwrap(), Value::Int(1));
}

fn written(write: impl FnOnce(&mut Writer) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::default();
    write(&mut writer)?;
    Ok(writer.into_output())
}

#[test]
fn what_cbor_lacks_is_refused() {
    let refused = |error: Result<Vec<u8>, Error>| error.unwrap_err().report();
    insta::assert_snapshot!(refused(written(|w| w.begin_object(Text::Ascii("uuid.UUID"), None))), @r"
    CBOR has no type `uuid.UUID`

    hint: `cannery.dump` writes any object, with its type
    ");
    insta::assert_snapshot!(refused(written(|w| w.text(Text::Ucs2(&[0xd800])))), @r"
    expected text, found a surrogate code point in it

    hint: CBOR has no such text: write JSON, YAML, MessagePack or a `.can` file
    ");
    insta::assert_snapshot!(refused(written(|w| w.alias(1))), @"a reference to value 1, which does not come before it");
    insta::assert_snapshot!(refused(written(|w| {
        w.begin_object(Text::Ascii("cbor.tag"), None)?;
        w.key(Text::Ascii("value"))?;
        w.int(1)?;
        w.end_object()
    })), @"expected `tag` (not negative) and then `value` as the parts of `cbor.tag`, `value` (0 to 19 or 24 to 255) as that of `cbor.simple`, none of `cbor.undefined`");
}

#[test]
fn shared_values_and_sets_are_kept() {
    let shared = b"\xd8\x1c\x81\xd8\x1d\x00";
    let mut tape = Tape::default();
    from_slice(shared, &ReadOptions::default(), &mut tape).unwrap();
    assert_eq!(to_vec(&tape).unwrap(), shared);
    let set = b"\xd9\x01\x02\x82\x01\x02";
    assert_eq!(to_value(set).unwrap(), Value::Set(vec![Value::Int(1), Value::Int(2)]));
    assert_eq!(to_vec(&to_value(set).unwrap()).unwrap(), set);
}

#[test]
fn entries_are_put_in_either_order() {
    let data = b"\xa4\x61z\x01\x18\x64\x02\x20\x03\x0a\x04";
    let cases = [
        (KeyOrder::Given, &data[..]),
        (KeyOrder::Bytewise, b"\xa4\x0a\x04\x18\x64\x02\x20\x03\x61z\x01"),
        (KeyOrder::LengthFirst, b"\xa4\x0a\x04\x20\x03\x18\x64\x02\x61z\x01"),
    ];
    for (order, expected) in cases {
        let options = WriteOptions::default().key_order(order);
        let mut writer = Writer::to(Vec::new(), options);
        to_value(data).unwrap().emit(&mut writer).unwrap();
        assert_eq!(writer.into_output(), expected, "{order:?}");
    }
}

#[test]
fn a_wrong_length_hint_is_mended() {
    for hint in [None, Some(0), Some(30), Some(70_000)] {
        let written = written(|w| {
            w.begin(Container::List, hint)?;
            w.begin(Container::Map, hint)?;
            w.key(Text::Ascii("a"))?;
            w.int(1)?;
            w.end(Container::Map)?;
            w.end(Container::List)
        });
        assert_eq!(written.unwrap(), b"\x81\xa1\x61a\x01", "{hint:?}");
    }
}

#[test]
fn the_largest_tag_number_is_written_from_an_integer_of_any_form() {
    let bytes = b"\xdb\xff\xff\xff\xff\xff\xff\xff\xff\x00";
    let mut tape = Tape::default();
    from_slice(bytes, &ReadOptions::default(), &mut tape).unwrap();
    assert_eq!(to_vec(&tape).unwrap(), bytes);
    assert_eq!(to_vec(&to_value(bytes).unwrap()).unwrap(), bytes);
}

/// The events in words, so that not-a-number equals itself. Lengths are left out: a container that
/// came without one is written with it.
fn without_lengths(tape: &Tape) -> String {
    let plain = |event: &Event| match event {
        Event::Begin(container, _) => format!("Begin({container:?})\n"),
        event => format!("{event:?}\n"),
    };
    tape.events.iter().map(plain).collect()
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in cannery_testing::any_plain_value()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(to_value(&bytes).unwrap(), value);
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut first = Tape::default();
        if from_slice(&bytes, &ReadOptions::default(), &mut first).is_err() { return Ok(()) }
        let written = to_vec(&first).unwrap();
        let mut again = Tape::default();
        from_slice(&written, &ReadOptions::default(), &mut again).unwrap();
        prop_assert_eq!(without_lengths(&again), without_lengths(&first));
    }

    #[test]
    fn every_cut_is_refused(value in cannery_testing::any_plain_value()) {
        let bytes = to_vec(&value).unwrap();
        for end in 0..bytes.len() {
            prop_assert!(to_value(&bytes[..end]).is_err(), "cut at {}", end);
        }
    }
}

#[test]
fn what_is_no_number_keeps_its_bits() {
    use cannery_cbor::{KeyOrder, ReadOptions, WriteOptions, Writer, from_slice};
    use cannery_core::{Sink, Tape};

    let cases: [(u64, &[u8]); 6] = [
        (0x7ff8_0000_0000_0000, b"\xf9\x7e\x00"),
        (0xfff8_0000_0000_0000, b"\xf9\xfe\x00"),
        (0x7ff0_0400_0000_0000, b"\xf9\x7c\x01"),
        (0x7ff8_0000_2000_0000, b"\xfa\x7f\xc0\x00\x01"),
        (0xfff0_0000_2000_0000, b"\xfa\xff\x80\x00\x01"),
        (0x7ff8_0000_0000_0001, b"\xfb\x7f\xf8\0\0\0\0\0\x01"),
    ];
    for (bits, written) in cases {
        let mut writer = Writer::default();
        writer.float(f64::from_bits(bits)).unwrap();
        assert_eq!(writer.into_output(), written);
        let mut tape = Tape::default();
        from_slice(written, &ReadOptions::default(), &mut tape).unwrap();
        let [cannery_core::Event::Float(read)] = tape.events[..] else { panic!("{tape:?}") };
        assert_eq!(read.to_bits(), bits);
        let options = WriteOptions::default().key_order(KeyOrder::Bytewise);
        let mut fixed = Writer::to(Vec::new(), options);
        fixed.float(f64::from_bits(bits)).unwrap();
        assert_eq!(fixed.into_output(), b"\xf9\x7e\x00");
    }
}
