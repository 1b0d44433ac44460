//! Conversions of whole files, and what they say when they cannot be done.

use std::fs;
use std::path::{Path, PathBuf};

use cannery::npy::{Compression, NpzWriter};
use cannery::{
    ArrayBuf, ConvertOptions, Dtype, DtypeKind, Error, ErrorKind, Limits, Location, Order,
    Progress, ReadOptions, Result, WriteOptions, convert,
};

/// A folder of files, converted by name.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path(name), content).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn convert_as(&self, source: &str, target: &str, options: &ConvertOptions) -> Result<Vec<u8>> {
        let (from, to) = (Location::from(&self.path(source)), Location::from(&self.path(target)));
        convert(&from, &to, options, &mut ())?;
        Ok(fs::read(self.path(target)).unwrap())
    }

    fn convert(&self, source: &str, target: &str) -> String {
        let bytes = self.convert_as(source, target, &ConvertOptions::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The report of a conversion that must fail, without the folder's name.
    fn refusal(&self, source: &str, target: &str) -> String {
        let error = self.convert_as(source, target, &ConvertOptions::default()).unwrap_err();
        assert!(!self.path(target).exists(), "a broken file is left");
        let folder = format!("{}/", self.0.path().display());
        error.report().replace(&folder, "")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An array of the type with this short name, its bytes counting up.
fn npy(typestr: &str, shape: &[u64], order: Order) -> Vec<u8> {
    cannery::npy::to_vec(&array(Dtype::from_typestr(typestr).unwrap(), shape, order).as_view())
        .unwrap()
}

fn array(dtype: Dtype, shape: &[u64], order: Order) -> ArrayBuf {
    let len = cannery::size_in_bytes(&dtype, shape).unwrap();
    let itemsize = dtype.itemsize() as u64;
    // The last byte of an element counts if it is big-endian, else the first.
    let at = if dtype.byte_order == cannery::ByteOrder::Big { itemsize - 1 } else { 0 };
    let byte = |i| if i % itemsize == at { u8::try_from(i / itemsize).unwrap() } else { 0 };
    ArrayBuf::new(dtype, shape.to_vec(), order, (0..len).map(byte).collect()).unwrap()
}

#[test]
fn rows_and_lists_become_each_other() {
    let folder = Folder::with("a.json", "[{\"a\": 1}, [2, 3], null, \"x\"]");
    assert_eq!(folder.convert("a.json", "a.jsonl"), "{\"a\":1}\n[2,3]\nnull\n\"x\"\n");
    assert_eq!(folder.convert("a.jsonl", "b.json"), "[{\"a\":1},[2,3],null,\"x\"]\n");
    folder.convert_as("a.json", "c.jsonl.gz", &ConvertOptions::default()).unwrap();
    folder.convert_as("c.jsonl.gz", "d.jsonl.zst", &ConvertOptions::default()).unwrap();
    assert_eq!(folder.convert("d.jsonl.zst", "e.json"), "[{\"a\":1},[2,3],null,\"x\"]\n");
    assert_eq!(
        folder.names(),
        ["a.json", "a.jsonl", "b.json", "c.jsonl.gz", "d.jsonl.zst", "e.json"]
    );
}

#[test]
fn arrays_become_nested_lists() {
    let cases = [
        ("|u1", vec![2, 3], "[[0,1,2],[3,4,5]]\n"),
        (">i8", vec![3], "[0,1,2]\n"),
        ("<u8", vec![], "0\n"),
        ("|b1", vec![2], "[false,true]\n"),
        ("<f4", vec![0, 2], "[]\n"),
        ("<f4", vec![2, 0], "[[],[]]\n"),
        (">M8[D]", vec![2], "[\"1970-01-01\",\"1970-01-02\"]\n"),
        ("<m8[s]", vec![2], "[0,1]\n"),
        (">U1", vec![2], "[\"\",\"\\u0001\"]\n"),
    ];
    for (typestr, shape, expected) in cases {
        let folder = Folder::with("a.npy", npy(typestr, &shape, Order::C));
        assert_eq!(folder.convert("a.npy", "a.json"), expected, "{typestr} {shape:?}");
    }
    let folder = Folder::with("a.npy", npy("|u1", &[2, 3], Order::Fortran));
    assert_eq!(folder.convert("a.npy", "a.json"), "[[0,2,4],[1,3,5]]\n");
    assert_eq!(folder.convert("a.npy", "a.jsonl"), "[0,2,4]\n[1,3,5]\n");
}

#[test]
fn floats_of_every_width_are_exact() {
    let cases: [(DtypeKind, &[u8], &str); 4] = [
        (
            DtypeKind::Float(2),
            &[0x00, 0x3c, 0x01, 0x00, 0xff, 0x7b, 0x00, 0xb8],
            "[1.0,5.960464477539063e-08,65504.0,-0.5]\n",
        ),
        (DtypeKind::Float(4), &[0xcd, 0xcc, 0xcc, 0x3d], "[0.10000000149011612]\n"),
        (DtypeKind::Float(8), &[0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f], "[0.1]\n"),
        (DtypeKind::Uint(8), &[0xff; 8], "[18446744073709551615]\n"),
    ];
    for (kind, data, expected) in cases {
        let dtype = Dtype::new(kind);
        let len = (data.len() / dtype.itemsize()) as u64;
        let array = ArrayBuf::new(dtype, vec![len], Order::C, data.to_vec()).unwrap();
        let folder = Folder::with("a.npy", cannery::npy::to_vec(&array.as_view()).unwrap());
        assert_eq!(folder.convert("a.npy", "a.json"), expected);
    }
}

#[test]
fn small_floats_follow_their_standards() {
    use cannery::{Value, ValueBuilder, send_elements};

    let cases = [
        (DtypeKind::Float8E4M3, 0x7e, 448.0),
        (DtypeKind::Float8E4M3, 0x01, 1.0 / 512.0),
        (DtypeKind::Float8E4M3, 0xb8, -1.0),
        (DtypeKind::Float8E5M2, 0x7b, 57344.0),
        (DtypeKind::Float8E5M2, 0x7c, f64::INFINITY),
        (DtypeKind::Float8E5M2, 0x01, 1.0 / 65536.0),
    ];
    for (kind, bits, expected) in cases {
        let array = ArrayBuf::new(Dtype::new(kind), vec![], Order::C, vec![bits]).unwrap();
        let mut builder = ValueBuilder::new(Limits::default());
        send_elements(&array.as_view(), &Limits::default(), &mut builder).unwrap();
        assert_eq!(builder.finish().unwrap(), Value::Float(expected));
    }
}

#[test]
fn records_become_maps() {
    let descr = "[('x', '<i2'), ('', '|V2'), ('name', '|u1', (2,))]";
    let dtype = cannery::npy::dtype_from_descr(descr).unwrap();
    let data = vec![1, 0, 9, 9, 2, 3, 4, 0, 9, 9, 5, 6];
    let array = ArrayBuf::new(dtype, vec![2], Order::C, data).unwrap();
    let folder = Folder::with("a.npy", cannery::npy::to_vec(&array.as_view()).unwrap());
    assert_eq!(
        folder.convert("a.npy", "a.jsonl"),
        "{\"x\":1,\"name\":[2,3]}\n{\"x\":4,\"name\":[5,6]}\n"
    );
}

#[test]
fn archives_are_maps_of_arrays() {
    let mut writer = NpzWriter::new(std::io::Cursor::new(Vec::new()), Compression::Deflate(6));
    for (name, shape) in [("a", [2, 1]), ("b", [1, 2])] {
        let array = array(Dtype::new(DtypeKind::Uint(1)), &shape, Order::C);
        writer.add(name, &array.as_view()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let folder = Folder::with("a.npz", bytes);
    assert_eq!(folder.convert("a.npz", "a.json"), "{\"a\":[[0],[1]],\"b\":[[0,1]]}\n");
    let stored = folder.convert_as("a.npz", "b.npz", &ConvertOptions::default()).unwrap();
    assert!(stored.starts_with(b"PK\x03\x04"));
    assert_eq!(folder.convert("b.npz", "b.json"), "{\"a\":[[0],[1]],\"b\":[[0,1]]}\n");
}

#[test]
fn only_the_first_items_on_demand() {
    let head = |count| {
        ConvertOptions::default().head(Some(count)).write(WriteOptions::default().any_rows(true))
    };
    let take = |folder: &Folder, source: &str, count| {
        String::from_utf8(folder.convert_as(source, "out.jsonl", &head(count)).unwrap()).unwrap()
    };
    let folder = Folder::with("a.json", "[1, [2, [3]], {\"a\": []}, 4");
    assert_eq!(take(&folder, "a.json", 0), "");
    assert_eq!(take(&folder, "a.json", 2), "1\n[2,[3]]\n");
    assert_eq!(take(&folder, "a.json", 3), "1\n[2,[3]]\n{\"a\":[]}\n");
    let folder = Folder::with("a.json", "{\"a\": 1, \"b\": {\"c\": 2}, \"d\": 3}");
    assert_eq!(take(&folder, "a.json", 2), "{\"a\":1,\"b\":{\"c\":2}}\n");
    assert_eq!(take(&folder, "a.json", 9), "{\"a\":1,\"b\":{\"c\":2},\"d\":3}\n");
    for order in [Order::C, Order::Fortran] {
        let folder = Folder::with("a.npy", npy("|u1", &[4, 2], order));
        let expected = if order == Order::C { "[0,1]\n[2,3]\n" } else { "[0,4]\n[1,5]\n" };
        assert_eq!(take(&folder, "a.npy", 2), expected);
    }
    let folder = Folder::with("a.jsonl", "{\"a\": 1}\n{\"a\": 2}\nbroken");
    assert_eq!(take(&folder, "a.jsonl", 2), "{\"a\":1}\n{\"a\":2}\n");
}

#[test]
fn what_cannot_be_converted_says_what_and_where() {
    let folder = Folder::with("a.json", "{\"rows\": [1, 2]}");
    insta::assert_snapshot!(folder.refusal("a.json", "a.jsonl"), @r"
    a.json: expected a list of rows, found a single value at line 1 column 1

    hint: write JSON, which holds any value
    ");
    insta::assert_snapshot!(folder.refusal("a.json", "a.npy"), @r"
    a.json: NPY holds one array, found a map at line 1 column 1

    hint: write NPZ for a map of arrays, or JSON for other values
    ");
    insta::assert_snapshot!(folder.refusal("a.json", "a.txt"), @r"
    a.txt: `txt` is no format of this build

    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
    insta::assert_snapshot!(folder.refusal("b.json", "c.json"), @"b.json: cannot open the file: No such file or directory (os error 2)");
    let folder = Folder::with("a.json", "[1,\n 2,]");
    insta::assert_snapshot!(folder.refusal("a.json", "a.jsonl"), @r"
    a.json: expected a value, found `]` at line 2 column 4

    hint: remove the comma before it
    ");
    let folder = Folder::with("a.jsonl", "{\"a\": 1}\n{\"a\": [2}\n");
    insta::assert_snapshot!(folder.refusal("a.jsonl", "a.json"), @"a.jsonl: expected `,` or `]`, found `}` at line 2 column 9");
    let nan = [0_u8, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f];
    let array =
        ArrayBuf::new(Dtype::new(DtypeKind::Float(4)), vec![1, 2], Order::C, nan.into()).unwrap();
    let folder = Folder::with("a.npy", cannery::npy::to_vec(&array.as_view()).unwrap());
    insta::assert_snapshot!(folder.refusal("a.npy", "a.json"), @r"
    a.npy: JSON has no NaN in `$[0][0]`

    hint: the option `nan` writes it as Python does, `tagged` with its type
    ");
    let descr = "[('raw', '|V2')]";
    let array = ArrayBuf::new(
        cannery::npy::dtype_from_descr(descr).unwrap(),
        vec![1],
        Order::C,
        vec![0, 1],
    )
    .unwrap();
    let folder = Folder::with("a.npy", cannery::npy::to_vec(&array.as_view()).unwrap());
    insta::assert_snapshot!(folder.refusal("a.npy", "a.json"), @r"
    a.npy: JSON has no bytes in `$[0].raw`

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    ");
    let folder = Folder::with("a.npy", &npy("<f4", &[100], Order::C)[..300]);
    insta::assert_snapshot!(folder.refusal("a.npy", "a.json"), @r"
    a.npy: expected 400 bytes of data, found 172 at byte 300

    hint: the file was cut off; write or copy it again
    ");
    let folder = Folder::with("a", [7, 8, 9]);
    insta::assert_snapshot!(folder.refusal("a", "a.json"), @r"
    a: no known format begins with `\x07\x08\t`

    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
    let folder = Folder::with("a", "");
    insta::assert_snapshot!(folder.refusal("a", "a.json"), @r"
    a: the file is empty: it has no format

    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
    let folder = Folder::with("a.json.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    insta::assert_snapshot!(folder.refusal("a.json.gz", "a.json"), @r"
    a.json.gz: the compressed file ends too early

    hint: it was cut off; write or copy it again
    ");
}

#[test]
fn a_claim_of_endless_lists_is_refused() {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 0), }";
    let len = u16::try_from(text.len()).unwrap().to_le_bytes();
    let file = [b"\x93NUMPY\x01\0", len.as_slice(), text.as_bytes()].concat();
    let folder = Folder::with("a.npy", file);
    insta::assert_snapshot!(folder.refusal("a.npy", "a.json"), @"a.npy: the shape [4611686018427387904, 0] is too large for an array without data at byte 10");
}

#[test]
fn content_tells_formats_apart_before_names() {
    let cases: [(&str, &[u8], &str); 9] = [
        ("a.json", b"[1]", "json"),
        ("a", b" {\"a\": 1}", "json"),
        ("a", b"{\"a\": 1}\n{\"a\": 2}\n", "jsonl"),
        ("a.jsonl", b"{\"a\": 1}\n", "jsonl"),
        ("a.ndjson", b"{\n\"a\": 1}\n", "jsonl"),
        ("a.json", b"{\"a\": 1}\n{\"a\": 2}\n", "jsonl"),
        ("a.json", b"\x93NUMPY\x01\0", "npy"),
        ("a.npy", b"oops", "npy"),
        ("a.npz", b"PK\x03\x04", "npz"),
    ];
    for (name, content, id) in cases {
        let folder = Folder::with(name, content);
        let input = cannery::Input::open(&Location::from(&folder.path(name))).unwrap();
        assert_eq!(cannery::format_of(&input).unwrap().id(), id, "{name}");
    }
}

#[test]
fn a_watch_can_stop_it() {
    struct Stop;
    impl Progress for Stop {
        fn look(&mut self, events: u64) -> Result<()> {
            Err(Error::new(ErrorKind::Interrupted, format!("stopped after {events} events")))
        }
    }
    let folder = Folder::with("a.json", format!("[{}1]", "1,".repeat(10_000)));
    let (from, to) =
        (Location::from(&folder.path("a.json")), Location::from(&folder.path("b.json")));
    let error = convert(&from, &to, &ConvertOptions::default(), &mut Stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(folder.names(), ["a.json"], "nothing unfinished is left");
}

#[test]
fn limits_reach_the_reader() {
    let folder = Folder::with("a.json", "[[[[1]]]]");
    let read = ReadOptions::default().limits(Limits::default().depth(3));
    let options = ConvertOptions::default().read(read);
    let error = folder.convert_as("a.json", "b.json", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Depth);
}

#[test]
fn every_document_survives_the_way_to_rows_and_back() {
    use cannery::json::to_vec;
    use cannery::{Value, WriteOptions};
    use proptest::prelude::*;

    let rows = proptest::collection::vec(cannery_testing::any_json_value(), 0..6);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(rows in rows)| {
        let folder = Folder::with("a.json", to_vec(&Value::List(rows)).unwrap());
        // Two halves of a surrogate pair, escaped one by one, are read as one character.
        let list = folder.convert("a.json", "list.json");
        folder.convert_as("list.json", "b.jsonl.zst", &ConvertOptions::default())?;
        let indented = ConvertOptions::default().write(WriteOptions::default().indent(Some(2)));
        folder.convert_as("b.jsonl.zst", "c.json", &indented)?;
        prop_assert_eq!(folder.convert("c.json", "d.json"), list);
    });
}

#[test]
fn files_are_found_by_name_or_path() {
    assert_eq!(Location::from("-"), Location::Standard);
    assert_eq!(Location::from(Path::new("a")), Location::Path("a".into()));
}
