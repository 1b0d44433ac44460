//! Errors, one by one, with their whole report.

use cannery_core::{Container, Error, Limits, Sink, Text};
use cannery_msgpack::{EXT, ReadOptions, TIMESTAMP, Writer, from_slice, to_value};

fn refused(data: &[u8]) -> String {
    to_value(data).expect_err("this is refused").report()
}

#[test]
fn what_is_not_messagepack_is_refused() {
    insta::assert_snapshot!(refused(b""), @r"
    expected 1 more bytes, found 0 at byte 0

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(refused(b"\xc1"), @"expected a value, found byte `0xc1` at byte 0");
    insta::assert_snapshot!(refused(b"\x93\x01\x02"), @"the input ends after 2 of at least 3 bytes at byte 1");
    insta::assert_snapshot!(refused(b"\x92\x01\xa5abc"), @r"
    expected 5 more bytes, found 3 at byte 3

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(refused(b"\xdd\xff\xff\xff\xff"), @"the input ends after 0 of at least 4294967295 bytes at byte 5");
    insta::assert_snapshot!(refused(b"\xc6\xff\xff\xff\xff"), @r"
    expected 4294967295 more bytes, found 0 at byte 5

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(refused(b"\xa2\xc3\x28"), @r"
    expected a string in UTF-8, found byte `0xc3` at 0 in it at byte 1

    hint: `raw` reads strings as bytes
    ");
    insta::assert_snapshot!(refused(b"\x01\x02\x03"), @r"
    expected the end of the document, found 2 bytes at byte 1

    hint: several documents in a row are read one at a time
    ");
    insta::assert_snapshot!(refused(b"\xc7\x03\xffabc"), @"expected a timestamp of 4, 8 or 12 bytes, found 3 at byte 6");
    insta::assert_snapshot!(refused(b"\xd7\xff\xff\xff\xff\xff\xff\xff\xff\xff"), @"expected fewer than 10^9 nanoseconds, found 1073741823 at byte 10");
}

#[test]
fn depth_is_limited_and_costs_no_stack() {
    let deep = vec![0x91; 1_000_000];
    let options = ReadOptions::default().limits(Limits::default().depth(100));
    let error = from_slice(&deep, &options, &mut Writer::new()).unwrap_err();
    insta::assert_snapshot!(error.report(), @r"
    nested deeper than 100 levels at byte 101

    hint: raise the depth limit if this input is trusted
    ");
}

fn unwritten(write: impl FnOnce(&mut Writer) -> Result<(), Error>) -> String {
    write(&mut Writer::new()).expect_err("this is refused").report()
}

#[test]
fn what_messagepack_lacks_is_refused() {
    insta::assert_snapshot!(unwritten(|w| w.begin(Container::Set, None)), @r"
    MessagePack has no sets

    hint: `cannery.dump` writes any object, with its type
    ");
    insta::assert_snapshot!(unwritten(|w| w.big_int(cannery_core::BigInt::Decimal("18446744073709551616"))), @r"
    MessagePack has no integers beyond 64 bits

    hint: `cannery.dump` writes any object, with its type
    ");
    insta::assert_snapshot!(unwritten(|w| w.begin_object(Text::Ascii("uuid.UUID"), None)), @r"
    MessagePack has no type `uuid.UUID`

    hint: `cannery.dump` writes any object, with its type
    ");
    insta::assert_snapshot!(unwritten(|w| w.mark(1)), @r"
    MessagePack has no references

    hint: `cannery.dump` writes any object, with its type
    ");
    insta::assert_snapshot!(unwritten(|w| {
        w.begin_object(Text::Ascii(EXT), None)?;
        w.key(Text::Ascii("code"))?;
        w.int(300)?;
        w.end_object()
    }), @"expected `code` (-128 to 127) and `data` (bytes) as the parts of `msgpack.ext`");
    insta::assert_snapshot!(unwritten(|w| {
        w.begin_object(Text::Ascii(TIMESTAMP), None)?;
        w.key(Text::Ascii("seconds"))?;
        w.text(Text::Ascii("now"))?;
        w.end_object()
    }), @"expected `seconds` (64 bits) and `nanoseconds` (below 10^9) as the parts of `msgpack.timestamp`");
}

#[test]
fn a_wrong_length_hint_is_mended() {
    for hint in [None, Some(0), Some(3), Some(70_000)] {
        let mut writer = Writer::new();
        writer.begin(Container::List, hint).unwrap();
        writer.begin(Container::Map, hint).unwrap();
        writer.key(Text::Ascii("a")).unwrap();
        writer.int(1).unwrap();
        writer.end(Container::Map).unwrap();
        (0..20).for_each(|_| writer.null().unwrap());
        writer.end(Container::List).unwrap();
        let bytes = writer.into_bytes();
        assert_eq!(bytes[..7], *b"\xdc\x00\x15\x81\xa1a\x01", "{hint:?}");
        assert_eq!(bytes.len(), 27);
    }
}
