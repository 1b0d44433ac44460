//! Errors, one by one, with their whole report.

use cannery_core::{Container, Error, Limits, Sink, Text};
use cannery_msgpack::{EXT, ReadOptions, TIMESTAMP, Writer, from_slice, to_value};

fn refused(data: &[u8]) -> String {
    to_value(data).expect_err("this is refused").report()
}

#[test]
fn what_is_not_messagepack_is_refused() {
    insta::assert_snapshot!(refused(b""), @"");
    insta::assert_snapshot!(refused(b"\xc1"), @"");
    insta::assert_snapshot!(refused(b"\x93\x01\x02"), @"");
    insta::assert_snapshot!(refused(b"\x92\x01\xa5abc"), @"");
    insta::assert_snapshot!(refused(b"\xdd\xff\xff\xff\xff"), @"");
    insta::assert_snapshot!(refused(b"\xc6\xff\xff\xff\xff"), @"");
    insta::assert_snapshot!(refused(b"\xa2\xc3\x28"), @"");
    insta::assert_snapshot!(refused(b"\x01\x02\x03"), @"");
    insta::assert_snapshot!(refused(b"\xc7\x03\xffabc"), @"");
    insta::assert_snapshot!(refused(b"\xd7\xff\xff\xff\xff\xff\xff\xff\xff\xff"), @"");
}

#[test]
fn depth_is_limited_and_costs_no_stack() {
    let deep = [0x91; 1_000_000];
    let options = ReadOptions::default().limits(Limits::default().depth(100));
    let error = from_slice(&deep, &options, &mut Writer::new()).unwrap_err();
    insta::assert_snapshot!(error.report(), @"");
}

fn unwritten(write: impl FnOnce(&mut Writer) -> Result<(), Error>) -> String {
    write(&mut Writer::new()).expect_err("this is refused").report()
}

#[test]
fn what_messagepack_lacks_is_refused() {
    insta::assert_snapshot!(unwritten(|w| w.begin(Container::Set, None)), @"");
    insta::assert_snapshot!(unwritten(|w| w.big_int(cannery_core::BigInt::Decimal("18446744073709551616"))), @"");
    insta::assert_snapshot!(unwritten(|w| w.begin_object(Text::Ascii("uuid.UUID"), None)), @"");
    insta::assert_snapshot!(unwritten(|w| w.mark(1)), @"");
    insta::assert_snapshot!(unwritten(|w| {
        w.begin_object(Text::Ascii(EXT), None)?;
        w.key(Text::Ascii("code"))?;
        w.int(300)?;
        w.end_object()
    }), @"");
    insta::assert_snapshot!(unwritten(|w| {
        w.begin_object(Text::Ascii(TIMESTAMP), None)?;
        w.text(Text::Ascii("now"))
    }), @"");
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
