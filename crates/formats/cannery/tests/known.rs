//! Files of ONNX, vector tiles, OpenStreetMap and TensorBoard: recognized by what they hold, shown,
//! converted; and no other file taken for one of them.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "wire formats are made of truncated integers"
)]

use std::fs;
use std::path::{Path, PathBuf};

use cannery::protobuf::known::Known;
use cannery::protobuf::{Framing, write_frame};
use cannery::{
    ConvertOptions, Error, Input, Location, Node, OpenSource, ReadOptions, diff_values, format_of,
    inspect, inspect_as, json,
};
use cannery_testing::{report, suites};

fn samples() -> Option<PathBuf> {
    Some(suites()?.join("protobuf/data"))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn format_of_bytes(bytes: Vec<u8>) -> Result<&'static str, Error> {
    Ok(format_of(&Input::from_memory(bytes)?)?.id())
}

/// What a file is without its name.
#[test]
fn files_are_known_by_what_they_hold_and_no_others_are() {
    let Some(suites) = suites() else { return };
    let mut files = Vec::new();
    files_below(&suites, &mut files);
    let (mut found, mut nameless, mut others) = (0, 0, 0);
    for path in files {
        let name = path.strip_prefix(&suites).unwrap().to_string_lossy().into_owned();
        let data = fs::read(&path).unwrap();
        let expected = match name.strip_prefix("protobuf/data/").and_then(|n| n.split_once('/')) {
            Some(("onnx", _)) => "onnx",
            Some(("mvt", _)) => "mvt",
            Some(("osm", _)) => "osm",
            Some(("events", _)) => "tfevents",
            _ => "",
        };
        let known = Known::of_start(&data[..data.len().min(4096)]);
        if expected.is_empty() {
            assert_eq!(known, None, "{name}");
            others += 1;
            continue;
        }
        if known.is_none() {
            // Fixtures of tiles that break the rules, which only their name tells.
            assert!(name.contains("mvt/fixture"), "{name}");
            nameless += 1;
        } else {
            assert_eq!(format_of_bytes(data).unwrap(), expected, "{name}");
            found += 1;
        }
        let input = Input::open(&Location::from(&path)).unwrap();
        assert_eq!(format_of(&input).unwrap().id(), expected, "{name}");
    }
    assert!(found >= 200 && others > 4000 && nameless < 15, "{found} {others} {nameless}");
    report("files of known schemas", found);
    report("files of other kinds", others);
}

#[test]
fn every_sample_is_shown_and_read() {
    let Some(samples) = samples() else { return };
    let mut files = Vec::new();
    for folder in ["onnx", "mvt", "osm", "events"] {
        files_below(&samples.join(folder), &mut files);
    }
    for path in files {
        let inspection = inspect(&Location::from(&path), &ReadOptions::default());
        let inspection = inspection.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        json::to_vec(&inspection).unwrap();
        let options = ConvertOptions::default();
        let source = OpenSource::open(Input::open(&Location::from(&path)).unwrap(), &options);
        let value = source.unwrap().into_value(&options);
        value.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Every sample cut short and with bits changed: an error with its offset or a reading, quickly.
#[test]
fn damaged_files_end_in_an_error() {
    let Some(samples) = samples() else { return };
    let names = [
        "onnx/simple__test_sequence_model4__model.onnx",
        "onnx/light__light_shufflenet_output_0.pb",
        "mvt/norway-12-2167-1068.mvt",
        "mvt/fixture-017.mvt",
        "osm/test.osm.pbf",
        "events/run1-g_a0.tfevents",
    ];
    let mut errors = 0;
    for name in names {
        let whole = fs::read(samples.join(name)).unwrap();
        let format = format_of(&Input::from_memory(whole.clone()).unwrap()).unwrap();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let rounds = if whole.len() > 100_000 { 12 } else { 300 };
        for round in 0..rounds {
            let mut data = whole.clone();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (state >> 16) as usize % data.len();
            if round % 3 == 0 {
                data.truncate(at);
            } else {
                data[at] ^= 1 << (state >> 60 & 7);
            }
            let options = ReadOptions::default();
            let shown = Input::from_memory(data.clone())
                .and_then(|input| inspect_as(input, format, &options));
            let read = Input::from_memory(data)
                .and_then(|input| format.read(input, &options, &mut cannery::NullSink));
            for error in [shown.map(drop).err(), read.err()].into_iter().flatten() {
                errors += 1;
                let is_placed = error.pos().is_some() || !error.path().0.is_empty();
                assert!(is_placed, "{name}: {error}");
            }
        }
    }
    assert!(errors > 200, "{errors}");
    report("damaged files of known schemas, errors", errors);
}

fn part<'n>(node: &'n Node, name: &str) -> &'n Node {
    let found = node.parts.iter().find(|part| part.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no `{name}` in {node:?}"))
}

/// Writes records: a varint or bytes behind a tag.
struct Wire(Vec<u8>);

impl Wire {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.as_ref().len() as u64);
        self.0.extend_from_slice(bytes.as_ref());
        self
    }
}

fn wire() -> Wire {
    Wire(Vec::new())
}

/// A model with a symbolic side, a weight, and a loop with an operator in its body.
fn model(name: &str) -> Vec<u8> {
    let side = |length| wire().bytes(1, wire().number(1, length).0).0;
    let named = wire().bytes(1, wire().bytes(2, "batch").0).0;
    let shape = [named, side(3)].concat();
    let tensor_type = wire().bytes(1, wire().number(1, 1).bytes(2, shape).0).0;
    let input = wire().bytes(1, "x").bytes(2, tensor_type).0;
    let weight = wire().number(1, 2).number(2, 1).bytes(8, "w").bytes(9, [0; 8]).0;
    let body = wire().bytes(1, wire().bytes(4, "Add").0).0;
    let attribute = wire().bytes(1, "body").bytes(6, body).number(20, 5).0;
    let node = wire().bytes(1, "x").bytes(4, "Loop").bytes(5, attribute).0;
    let graph = wire().bytes(1, node).bytes(2, name).bytes(5, weight).bytes(11, input).0;
    let opset = wire().number(2, 21).0;
    wire().number(1, 10).bytes(2, "maker").bytes(7, graph).bytes(8, opset).0
}

#[test]
fn models() {
    // What a name holds may not count for the format: it is no name with an escape in it.
    assert_eq!(format_of_bytes(model("g")).unwrap(), "onnx");
    let data = model("g\x1b[31m");
    assert!(format_of_bytes(data.clone()).is_err());
    let format = cannery::format_of_id("onnx").unwrap();
    let input = Input::from_memory(data).unwrap();
    let root = inspect_as(input, format, &ReadOptions::default()).unwrap().root;
    let x = part(part(&root, "inputs"), "x");
    assert_eq!(
        (x.dtype.as_deref(), x.details.as_deref()),
        (Some("float32"), Some("float32 [batch, 3]"))
    );
    let operators = part(&root, "operators");
    assert_eq!(operators.len, Some((2, 2)));
    assert_eq!(part(operators, "Add").count, Some(1));
    let weight = part(part(&root, "initializers"), "w");
    assert_eq!((weight.shape.clone(), weight.bytes), (Some(vec![2]), Some(8)));
}

#[test]
fn claims_are_not_believed() {
    let onnx = cannery::format_of_id("onnx").unwrap();
    let options = ReadOptions::default();
    let refusal = |data: Vec<u8>, id: &str| {
        let format = cannery::format_of_id(id).unwrap();
        let input = Input::from_memory(data).unwrap();
        inspect_as(input, format, &options).unwrap_err().to_string()
    };
    // A tensor of 2^62 elements with four bytes.
    let tensor = wire().number(1, 1 << 62).number(2, 1).bytes(9, [0; 4]).0;
    let graph = wire().bytes(5, tensor).0;
    let model = wire().number(1, 7).bytes(7, graph).0;
    let root = inspect_as(Input::from_memory(model).unwrap(), onnx, &options).unwrap().root;
    let tensor = &part(&root, "initializers").parts[0];
    assert_eq!(tensor.details.as_deref(), Some("its bytes do not fit its shape"));
    // Graphs in each other.
    let mut graph = Vec::new();
    for _ in 0..100 {
        let node = wire().bytes(4, "If").bytes(5, wire().bytes(6, graph).0).0;
        graph = wire().bytes(1, node).0;
    }
    let model = wire().number(1, 7).bytes(7, graph).0;
    insta::assert_snapshot!(refusal(model, "onnx"), @"graphs are nested deeper than 64 levels at byte 850");
    let sides = wire().number(2, 1).bytes(1, [1; 65]).0;
    let model = wire().number(1, 7).bytes(7, wire().bytes(5, sides).0).0;
    insta::assert_snapshot!(refusal(model, "onnx"), @"a tensor of more than 64 sides at byte 75");
    let keys =
        wire().bytes(1, "l").0.into_iter().chain([0x1a, 0].repeat(1 << 18)).collect::<Vec<_>>();
    insta::assert_snapshot!(refusal(wire().bytes(3, keys).0, "mvt"), @"more than 131072 keys at byte 262153");
    insta::assert_snapshot!(refusal(b"\x7f\0\0\0".to_vec(), "osm"), @"the header of a blob claims 2130706432 bytes; 65536 is the most at byte 0");
    let header = wire().bytes(1, "OSMData").number(3, 1 << 31).0;
    let file = [&(header.len() as u32).to_be_bytes()[..], &header].concat();
    insta::assert_snapshot!(refusal(file, "osm"), @"a blob claims 2147483648 bytes; 33554432 is the most at byte 0");
}

fn blob(kind: &str, blob: &[u8]) -> Vec<u8> {
    let header = wire().bytes(1, kind).number(3, blob.len() as u64).0;
    [&(header.len() as u32).to_be_bytes()[..], &header, blob].concat()
}

#[test]
fn extracts() {
    let zigzag = |value: i64| (value << 1 ^ value >> 63) as u64;
    let column = |values: &[i64]| {
        let mut packed = wire();
        for value in values {
            packed.varint(zigzag(*value));
        }
        packed.0
    };
    let texts = ["", "highway", "bus_stop", "outer"].iter();
    let texts = texts.fold(wire(), |table, text| table.bytes(1, text)).0;
    let dense = wire()
        .bytes(1, column(&[10, 1]))
        .bytes(8, column(&[480_000_000, 1_000]))
        .bytes(9, column(&[-110_000_000, 5_000]))
        .bytes(10, [1, 2, 0, 0]);
    let way = wire().number(1, 7).bytes(8, column(&[10, 1, -1])).0;
    let relation = wire().number(1, 9).bytes(8, [3]).bytes(9, column(&[7])).bytes(10, [1]).0;
    let group = |number, element: Vec<u8>| wire().bytes(number, element).0;
    let block = wire()
        .bytes(1, &texts)
        .bytes(2, group(2, dense.0))
        .bytes(2, group(3, way))
        .bytes(2, group(4, relation))
        .0;
    let header = wire().bytes(4, "DenseNodes").bytes(16, "by hand").0;
    let file = [
        blob("OSMHeader", &wire().bytes(1, header).0),
        blob("Another", b"\xff"),
        blob("OSMData", &wire().number(2, block.len() as u64).bytes(1, &block).0),
    ]
    .concat();
    assert_eq!(format_of_bytes(file.clone()).unwrap(), "osm");
    let options = ConvertOptions::default();
    let source = OpenSource::open(Input::from_memory(file.clone()).unwrap(), &options).unwrap();
    let value = source.into_value(&options).unwrap();
    let expected = br#"[
        {"type":"node","id":10,"lat":48.0,"lon":-11.0,"tags":{"highway":"bus_stop"}},
        {"type":"node","id":11,"lat":48.0001,"lon":-10.9995},
        {"type":"way","id":7,"nodes":[10,11,10]},
        {"type":"relation","id":9,"members":[{"type":"way","ref":7,"role":"outer"}]}
    ]"#;
    assert_eq!(value, json::to_value(expected).unwrap());
    let format = cannery::format_of_id("osm").unwrap();
    let input = Input::from_memory(file).unwrap();
    let root = inspect_as(input, format, &ReadOptions::default()).unwrap().root;
    assert_eq!(part(&root, "nodes").count, Some(2));
    let bbox = part(&root, "bounding box").details.clone().unwrap();
    assert_eq!(bbox, "longitude -11 to -10.9995, latitude 48 to 48.0001");
    // What a text points to must be there.
    let broken = wire()
        .bytes(1, [0x0a, 0])
        .bytes(2, group(2, wire().bytes(1, [2]).bytes(8, [2]).bytes(9, [2]).bytes(10, [9, 9, 0]).0))
        .0;
    let file = blob("OSMData", &wire().bytes(1, broken).0);
    let input = Input::from_memory(file).unwrap();
    let error = format.read(input, &ReadOptions::default(), &mut cannery::NullSink).unwrap_err();
    insta::assert_snapshot!(error, @"text 9 is none of the 1 of its block at byte 0");
}

#[test]
fn events() {
    let mut file = Vec::new();
    let time = |seconds: f64| [&[0x09][..], &seconds.to_le_bytes()].concat();
    let mut write = |event: Vec<u8>| write_frame(&mut file, Framing::TfRecord, &event).unwrap();
    write([time(1e9), wire().bytes(3, "brain.Event:2").0].concat());
    for step in 0..3_u64 {
        let value =
            [wire().bytes(1, "loss").0, vec![0x15], (0.5_f32 * step as f32).to_le_bytes().to_vec()];
        let summary = wire().bytes(1, value.concat()).0;
        write([time(1e9), wire().number(2, step).bytes(5, summary).0].concat());
    }
    assert_eq!(format_of_bytes(file.clone()).unwrap(), "tfevents");
    let format = cannery::format_of_id("tfevents").unwrap();
    let show = |file: Vec<u8>| {
        inspect_as(Input::from_memory(file).unwrap(), format, &ReadOptions::default())
    };
    let loss = part(&show(file.clone()).unwrap().root, "loss").clone();
    assert_eq!(loss.details.as_deref(), Some("steps 0 to 2, 0 to 1, at last 1"));
    assert_eq!((loss.kind.as_str(), loss.count), ("scalar", Some(3)));
    let last = file.len() - 20;
    file[last] ^= 4;
    insta::assert_snapshot!(show(file).unwrap_err(), @"the checksum of a record is wrong at byte 124");
}

#[test]
fn what_differs_is_named() {
    let first = json::to_value(br#"{"a": [1, 2, 3, 4], "b": {"c": 1.0}, "d": 1}"#).unwrap();
    let second = json::to_value(br#"{"a": [1, 9, 4], "b": {"c": 1.5}, "e": 1}"#).unwrap();
    let paths = |near: fn(f64, f64) -> bool| {
        let diff = diff_values(&first, &second, near);
        let paths = diff.changes.iter().map(|change| change.path.to_string());
        (diff.same, paths.collect::<Vec<_>>().join(" "))
    };
    let (same, changes) = paths(|one, other| one.to_bits() == other.to_bits());
    assert_eq!((same, changes.as_str()), (2, "$.a[1] $.a[2] $.b.c $.d $.e"));
    let (_, changes) = paths(|one, other| (one - other).abs() < 1.0);
    assert_eq!(changes, "$.a[1] $.a[2] $.d $.e");
}
