//! What files are said to hold.

use std::fmt::Write;

use cannery::npy::{Compression, NpzWriter};
use cannery::{ArrayBuf, Dtype, DtypeKind, Location, Node, Order, ReadOptions, inspect};

/// A tree of nodes as indented lines.
fn tree(name: &str, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let inspection = inspect(&Location::from(&path), &ReadOptions::default()).unwrap();
    let mut out = format!("{} {:?}\n", inspection.format, inspection.size);
    lines(&inspection.root, 0, &mut out);
    out
}

fn lines(node: &Node, depth: usize, out: &mut String) {
    let name = node.name.as_deref().unwrap_or("$");
    write!(out, "{}{name}: {}", "  ".repeat(depth), node.kind).unwrap();
    if let Some((least, greatest)) = node.len {
        write!(out, " of {least}..{greatest}").unwrap();
    }
    if let Some(count) = node.count.filter(|&count| count > 1) {
        write!(out, " x{count}").unwrap();
    }
    if let (Some(dtype), Some(shape)) = (&node.dtype, &node.shape) {
        write!(out, " {dtype} {shape:?} {:?}", node.bytes).unwrap();
    }
    let details = node.details.as_ref().map_or(String::new(), |details| format!(" ({details})"));
    writeln!(out, "{details}").unwrap();
    node.parts.iter().for_each(|part| lines(part, depth + 1, out));
}

#[test]
fn a_document_is_summed_up() {
    let text = br#"{"name": "x", "rows": [
        {"id": 1, "box": [0.5, 1], "tag": null},
        {"id": 70000000000000000000, "box": [2.5, 4], "tag": "ab\u00e9"},
        {"id": 3, "box": [], "extra": true}
    ]}"#;
    insta::assert_snapshot!(tree("a.json", text), @r"
    json Some(197)
    $: map of 2..2
      name: text (1 character)
      rows: list of 3..3
        []: map of 3..3 x3
          id: int x3 (1 to 3, beyond 64 bits)
          box: list of 0..2 x3
            []: int or float x4 (0.5 to 4)
          tag: text or null x2 (3 characters)
          extra: bool
    ");
}

#[test]
fn rows_are_a_list() {
    insta::assert_snapshot!(tree("a.jsonl", b"{\"a\": 1}\n{\"a\": \"x\"}\n[]\n"), @r"
    jsonl Some(23)
    $: list of 3..3
      []: map or list of 0..0 x3
        a: int or text x2 (1, 1 character)
    ");
    insta::assert_snapshot!(tree("a.json", b"[]"), @r"
    json Some(2)
    $: list of 0..0
    ");
    insta::assert_snapshot!(tree("a.json", b"3.5"), @r"
    json Some(3)
    $: float (3.5)
    ");
}

#[test]
fn keys_that_are_data_are_summed_up_as_one() {
    let map = |count: u32, key: fn(u32) -> String| {
        let entries: Vec<_> =
            (0..count).map(|i| format!("\"{}\": {{\"a\": {i}}}", key(i))).collect();
        tree("a.json", format!("{{{}}}", entries.join(",")).as_bytes())
    };
    let many = map(100, |i| format!("key {i}"));
    assert!(
        many.ends_with("$: map of 100..100\n  *: map of 1..1 x100\n    a: int x100 (0 to 99)\n"),
        "{many}"
    );
    let numbers = map(3, |i| format!("{i}"));
    assert!(numbers.ends_with("  *: map of 1..1 x3\n    a: int x3 (0 to 2)\n"), "{numbers}");
    assert_eq!(map(64, |i| format!("key {i}")).lines().count(), 2 + 2 * 64);
}

#[test]
fn deep_documents_are_cut_off() {
    let text = "[".repeat(500) + &"]".repeat(500);
    assert_eq!(tree("a.json", text.as_bytes()).lines().count(), 25);
}

#[test]
fn arrays_are_read_from_their_headers() {
    let dtype = Dtype::new(DtypeKind::Float(4));
    let array = ArrayBuf::new(dtype, vec![2, 3], Order::Fortran, vec![0; 24]).unwrap();
    let bytes = cannery::npy::to_vec(&array.as_view()).unwrap();
    insta::assert_snapshot!(tree("a.npy", &bytes), @r"
    npy Some(152)
    $: array float32 [2, 3] Some(24)
    ");
    let mut writer = NpzWriter::new(std::io::Cursor::new(Vec::new()), Compression::Deflate(1));
    writer.add("x", &array.as_view()).unwrap();
    writer.add("y/z", &array.as_view()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    insta::assert_snapshot!(tree("a.npz", &bytes), @r"
    npz Some(346)
    $: tensors of 2..2
      x: tensor float32 [2, 3] Some(24)
      y/z: tensor float32 [2, 3] Some(24)
    ");
}

#[test]
fn an_inspection_is_data() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), "{\"a\": [1, 2]}").unwrap();
    let inspection =
        inspect(&Location::from(&folder.path().join("a.json")), &ReadOptions::default()).unwrap();
    let json = String::from_utf8(cannery::json::to_vec(&inspection.root).unwrap()).unwrap();
    insta::assert_snapshot!(json, @r#"{"kind":"map","kinds":["map"],"len":[1,1],"count":1,"parts":[{"kind":"list","kinds":["list"],"name":"a","len":[2,2],"count":1,"parts":[{"kind":"int","kinds":["int"],"numbers":[1,2],"name":"[]","details":"1 to 2","count":2}]}]}"#);
}
