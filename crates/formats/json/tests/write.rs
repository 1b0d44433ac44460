//! What the writer writes: layouts, escapes from every encoding, arrays, and what it refuses.

use std::fmt::Write as _;

use cannery_core::{
    ArrayBuf, ArraySource, ArrayView, ByteOrder, Container, Dtype, DtypeKind, ErrorKind, Order,
    Result, Sink, Source, Text, Value,
};
use cannery_json::{Chunks, NonFinite, WriteOptions, Writer, to_value, to_writer};
use proptest::prelude::*;

fn written(source: &impl Source, options: WriteOptions) -> String {
    let mut writer = Writer::new(Vec::new(), options);
    source.emit(&mut writer).unwrap();
    String::from_utf8(writer.into_output()).unwrap()
}

fn sample() -> Value {
    to_value(br#"{"a":[1,2.5,{}],"b":{"c":null,"d":[[],true]}}"#).unwrap()
}

#[test]
fn layouts() {
    let options = WriteOptions::default;
    insta::assert_snapshot!(written(&sample(), options()), @r#"{"a":[1,2.5,{}],"b":{"c":null,"d":[[],true]}}"#);
    let python = options().item_separator(", ").key_separator(": ");
    insta::assert_snapshot!(written(&sample(), python), @r#"{"a": [1, 2.5, {}], "b": {"c": null, "d": [[], true]}}"#);
    let long = options().item_separator(" <and then> ").key_separator(" <which is> ");
    insta::assert_snapshot!(written(&sample(), long), @r#"{"a" <which is> [1 <and then> 2.5 <and then> {}] <and then> "b" <which is> {"c" <which is> null <and then> "d" <which is> [[] <and then> true]}}"#);
    insta::assert_snapshot!(written(&sample(), options().key_separator(": ").indent("  ")), @r#"
    {
      "a": [
        1,
        2.5,
        {}
      ],
      "b": {
        "c": null,
        "d": [
          [],
          true
        ]
      }
    }
    "#);
    insta::assert_snapshot!(written(&sample(), options().indent("")), @r#"
    {
    "a":[
    1,
    2.5,
    {}
    ],
    "b":{
    "c":null,
    "d":[
    [],
    true
    ]
    }
    }
    "#);
    insta::assert_snapshot!(written(&Value::List(vec![]), options().indent("\t")), @"[]");
    assert_eq!(written(&Value::Null, options().trailing_newline(true)), "null\n");
    assert_eq!(
        written(&Value::Map(vec![]), options().key_separator("").trailing_newline(true)),
        "{}\n"
    );
}

/// The same text in each encoding that can hold it.
fn in_each_encoding(text: &str, options: &WriteOptions) -> Vec<Vec<u8>> {
    let characters: Vec<u32> = text.chars().map(u32::from).collect();
    let narrow = |max| characters.iter().all(|&c| c <= max);
    let mut all = vec![send(Text::Utf8(text), options), send(Text::Ucs4(&characters), options)];
    if narrow(0x7f) {
        all.push(send(Text::Ascii(text), options));
    }
    if narrow(0xff) {
        let units: Vec<u8> = characters.iter().map(|&c| u8::try_from(c).unwrap()).collect();
        all.push(send(Text::Latin1(&units), options));
    }
    if narrow(0xffff) {
        let units: Vec<u16> = characters.iter().map(|&c| u16::try_from(c).unwrap()).collect();
        all.push(send(Text::Ucs2(&units), options));
    }
    all
}

fn send(text: Text<'_>, options: &WriteOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options.clone());
    writer.text(text).unwrap();
    writer.into_output()
}

#[test]
fn escapes() {
    let text = "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f} \u{7f}é€😀";
    let utf8 = WriteOptions::default();
    insta::assert_snapshot!(String::from_utf8(send(text.into(), &utf8)).unwrap(), @r#""\"\\/\b\f\n\r\t\u0000\u001f é€😀""#);
    let ascii = utf8.clone().ensure_ascii(true);
    insta::assert_snapshot!(String::from_utf8(send(text.into(), &ascii)).unwrap(), @r#""\"\\/\b\f\n\r\t\u0000\u001f \u007f\u00e9\u20ac\ud83d\ude00""#);
    let lone = [0x61, 0xd83d, 0xde00, 0x62];
    assert_eq!(send(Text::Ucs2(&lone), &utf8), br#""a\ud83d\ude00b""#);
    let bytes = b"a\xed\xa0\xbd\xed\xb8\x80\xed\x9f\xbf";
    assert_eq!(send(Text::Surrogates(bytes), &utf8), b"\"a\\ud83d\\ude00\xed\x9f\xbf\"");
    assert_eq!(send(Text::Surrogates(bytes), &ascii), br#""a\ud83d\ude00\ud7ff""#);
    let raw = utf8.raw_surrogates(true);
    assert_eq!(send(Text::Surrogates(bytes), &raw), [b"\"", &bytes[..], b"\""].concat());
    assert_eq!(send(Text::Ucs2(&[0xd800]), &raw), b"\"\xed\xa0\x80\"");
}

proptest! {
    #[test]
    fn every_encoding_is_written_alike(
        text in prop_oneof![
            any::<String>(), "[ -~]{0,70}", "[ -ÿ]{0,40}", "[ -\u{fffd}]{0,20}",
            ("[a-z]{500,530}", any::<String>()).prop_map(|(a, b)| a + &b),
        ],
        ensure_ascii: bool,
    ) {
        let options = WriteOptions::default().ensure_ascii(ensure_ascii);
        let all = in_each_encoding(&text, &options);
        let ours: String = serde_json::from_slice(&all[0]).unwrap();
        prop_assert_eq!(&ours, &text);
        prop_assert!(!ensure_ascii || all[0].is_ascii());
        for other in &all[1..] {
            prop_assert_eq!(other, &all[0]);
        }
    }
}

fn array(
    kind: DtypeKind,
    byte_order: ByteOrder,
    shape: &[u64],
    order: Order,
    data: &[u8],
) -> ArrayBuf {
    ArrayBuf::new(Dtype { kind, byte_order }, shape.to_vec(), order, data.to_vec()).unwrap()
}

fn array_text(array: &dyn ArraySource) -> String {
    let mut writer = Writer::new(Vec::new(), WriteOptions::default().non_finite(NonFinite::Null));
    writer.array(array).unwrap();
    String::from_utf8(writer.into_output()).unwrap()
}

/// An array that does not lie in memory.
struct Elsewhere<'a>(ArrayView<'a>);

impl ArraySource for Elsewhere<'_> {
    fn dtype(&self) -> &Dtype {
        self.0.dtype()
    }
    fn shape(&self) -> &[u64] {
        self.0.shape()
    }
    fn order(&self) -> Order {
        self.0.order()
    }
    fn view(&self) -> Option<ArrayView<'_>> {
        None
    }
    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.0.read(start, out)
    }
}

/// What an array is made of, and its text.
type Case = (DtypeKind, ByteOrder, &'static [u64], Order, &'static [u8], &'static str);

#[test]
fn arrays_are_nested_lists() {
    use ByteOrder::{Big, Little};
    const FLOAT: [u8; 4] = 0.1_f32.to_le_bytes();
    const DOUBLE: [u8; 8] = 0.1_f64.to_be_bytes();
    const HALVES: [u8; 8] = [0, 0x3c, 1, 0, 0xff, 0x7b, 0, 0xfc];
    let cases: [Case; 15] = [
        (DtypeKind::Uint(1), Little, &[2, 3], Order::C, &[1, 2, 3, 4, 5, 6], "[[1,2,3],[4,5,6]]"),
        (
            DtypeKind::Uint(1),
            Little,
            &[2, 3],
            Order::Fortran,
            &[1, 2, 3, 4, 5, 6],
            "[[1,3,5],[2,4,6]]",
        ),
        (DtypeKind::Uint(1), Little, &[1, 2, 2], Order::C, &[1, 2, 3, 4], "[[[1,2],[3,4]]]"),
        (DtypeKind::Uint(1), Little, &[], Order::C, &[7], "7"),
        (DtypeKind::Uint(1), Little, &[0], Order::C, &[], "[]"),
        (DtypeKind::Uint(1), Little, &[2, 0], Order::C, &[], "[[],[]]"),
        (DtypeKind::Uint(1), Little, &[2, 0, 3], Order::Fortran, &[], "[[],[]]"),
        (DtypeKind::Uint(1), Little, &[0, 2], Order::C, &[], "[]"),
        (DtypeKind::Bool, Little, &[2], Order::C, &[0, 1], "[false,true]"),
        (DtypeKind::Int(2), Big, &[2], Order::C, &[0xff, 0xfe, 0, 1], "[-2,1]"),
        (DtypeKind::Uint(8), Little, &[1], Order::C, &[0xff; 8], "[18446744073709551615]"),
        (DtypeKind::Float(4), Little, &[1], Order::C, &FLOAT, "[0.1]"),
        (DtypeKind::Float(8), Big, &[1], Order::C, &DOUBLE, "[0.1]"),
        (DtypeKind::BFloat16, Little, &[1], Order::C, &[0x80, 0x3f], "[1.0]"),
        (DtypeKind::Float(2), Little, &[4], Order::C, &HALVES, "[1.0,5.9604645e-08,65504.0,null]"),
    ];
    for (kind, byte_order, shape, order, data, expected) in cases {
        let array = array(kind, byte_order, shape, order, data);
        assert_eq!(array_text(&array.as_view()), expected);
        assert_eq!(array_text(&Elsewhere(array.as_view())), expected);
    }
}

#[test]
fn large_arrays_are_read_in_pieces() {
    let data: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    let array = array(DtypeKind::Uint(4), ByteOrder::Little, &[50, 1000], Order::C, &data);
    let text = array_text(&Elsewhere(array.as_view()));
    assert_eq!(text, array_text(&array.as_view()));
    let rows: Vec<Vec<u32>> = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.concat(), (0..50_000).collect::<Vec<_>>());
}

#[test]
fn what_json_lacks_is_refused() {
    let mut refusals = String::new();
    let mut check = |event: &dyn Fn(&mut dyn Sink) -> Result<()>| {
        let error = event(&mut Writer::new(Vec::new(), WriteOptions::default())).unwrap_err();
        writeln!(refusals, "{:?}: {error}", error.kind()).unwrap();
    };
    check(&|sink| sink.bytes(b"x"));
    check(&|sink| sink.begin(Container::Set, None));
    check(&|sink| sink.entry());
    check(&|sink| sink.begin_object("uuid.UUID".into(), None));
    check(&|sink| sink.mark(1));
    check(&|sink| sink.alias(1));
    check(&|sink| sink.float(f64::NAN));
    check(&|sink| sink.float(f64::NEG_INFINITY));
    let complex = array(DtypeKind::Complex(8), ByteOrder::Little, &[0], Order::C, &[]);
    check(&|sink| sink.array(&complex.as_view()));
    insta::assert_snapshot!(refusals, @r"
    Unsupported: JSON has no bytes
    Unsupported: JSON has no sets
    Unsupported: JSON has no keys other than text
    Unsupported: JSON has no objects such as `uuid.UUID`
    Unsupported: JSON has no shared references
    Unsupported: JSON has no shared references
    Value: JSON has no NaN
    Value: JSON has no -infinity
    Unsupported: JSON has no arrays of `<c8`
    ");
}

#[test]
fn not_a_number_by_policy() {
    let list = Value::List([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Value::Float).into());
    let with = |policy| written(&list, WriteOptions::default().non_finite(policy));
    assert_eq!(with(NonFinite::Null), "[null,null,null]");
    assert_eq!(with(NonFinite::Write), "[NaN,Infinity,-Infinity]");
}

/// A full disk.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn pieces_reach_the_output_whole() {
    let long = "é\n".repeat(200_000);
    let list = Value::List(vec![Value::from(long.as_str()), sample(), Value::from(long.as_str())]);
    let mut out = Vec::new();
    to_writer(&list, &mut out, WriteOptions::default()).unwrap();
    assert_eq!(to_value(&out).unwrap(), list);

    let error = to_writer(&list, Full, WriteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(Chunks::new(Full).finish().is_ok(), "nothing to write");
}
