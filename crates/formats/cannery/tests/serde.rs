//! Types of serde from and to every format.

use std::collections::{BTreeMap, HashMap};

use cannery::{
    Location, Value, from_slice, from_slice_tagged, from_str, from_value, to_string, to_value,
    to_vec,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const FORMATS: [&str; 3] = ["json", "yaml", "msgpack"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i8, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(i64, i64),
    Box { width: u32, height: u32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: i8,
    large: u64,
    huge: i128,
    float: f32,
    letter: char,
    text: String,
    nothing: Option<u8>,
    something: Option<String>,
    unit: (),
    unit_struct: Unit,
    newtype: Meters,
    pair: Pair,
    tuple: (u8, bool),
    list: Vec<Shape>,
    map: BTreeMap<String, Vec<u8>>,
    numbers: BTreeMap<i32, bool>,
    array: [u16; 3],
}

fn everything() -> Everything {
    Everything {
        flag: true,
        small: -7,
        large: u64::MAX,
        huge: -(1 << 70),
        float: 0.1,
        letter: 'é',
        text: "a\n\"b\"".to_owned(),
        nothing: None,
        something: Some("x".to_owned()),
        unit: (),
        unit_struct: Unit,
        newtype: Meters(1.5),
        pair: Pair(1, "y".to_owned()),
        tuple: (2, false),
        list: vec![
            Shape::Nothing,
            Shape::Circle(0.5),
            Shape::Line(-1, 1),
            Shape::Box { width: 3, height: 4 },
        ],
        map: BTreeMap::from([("k".to_owned(), vec![1, 2])]),
        numbers: BTreeMap::from([(-3, true), (5, false)]),
        array: [7, 8, 9],
    }
}

#[test]
fn every_kind_of_type_survives() {
    let value = everything();
    for format in ["json", "yaml"] {
        let bytes = to_vec(&value, format).unwrap();
        assert_eq!(from_slice::<Everything>(&bytes, format).unwrap(), value, "{format}");
    }
    // MessagePack has no integers of 128 bits.
    let value = Everything { huge: 1, ..value };
    let bytes = to_vec(&value, "msgpack").unwrap();
    assert_eq!(from_slice::<Everything>(&bytes, "msgpack").unwrap(), value);
    assert_eq!(from_value::<Everything>(&to_value(&value).unwrap()).unwrap(), value);
}

#[test]
fn types_look_as_rust_writes_them() {
    insta::assert_snapshot!(to_string(&everything(), "json").unwrap(), @r#"{"flag":true,"small":-7,"large":18446744073709551615,"huge":-1180591620717411303424,"float":0.10000000149011612,"letter":"é","text":"a\n\"b\"","nothing":null,"something":"x","unit":null,"unit_struct":null,"newtype":1.5,"pair":[1,"y"],"tuple":[2,false],"list":["Nothing",{"Circle":0.5},{"Line":[-1,1]},{"Box":{"width":3,"height":4}}],"map":{"k":[1,2]},"numbers":{"-3":true,"5":false},"array":[7,8,9]}"#);
    insta::assert_snapshot!(to_string(&everything().list, "yaml").unwrap(), @r"
    - Nothing
    - Circle: 0.5
    - Line:
      - -1
      - 1
    - Box:
        width: 3
        height: 4
    ");
    insta::assert_snapshot!(to_string(&everything().list, "jsonl").unwrap(), @r#"
    "Nothing"
    {"Circle":0.5}
    {"Line":[-1,1]}
    {"Box":{"width":3,"height":4}}
    "#);
}

fn error<T: DeserializeOwned + std::fmt::Debug>(text: &str, format: &str) -> String {
    from_str::<T>(text, format).unwrap_err().report().replace("\n\n", "\n")
}

#[test]
fn errors_name_path_and_place() {
    type Users = HashMap<String, Vec<BTreeMap<String, u8>>>;
    let text = "{\"users\": [{\"age\": 3},\n {\"age\": \"four\"}]}";
    insta::assert_snapshot!(error::<Users>(text, "json"), @r#"invalid type: string "four", expected u8 in `$.users[1].age` at line 2 column 10"#);
    insta::assert_snapshot!(error::<Users>("users:\n- age: 3\n- age: 300\n", "yaml"), @"invalid value: integer `300`, expected u8 in `$.users[1].age` at line 3 column 8");
    insta::assert_snapshot!(error::<Users>("users: [{age: 3}", "yaml"), @r"
    expected `,` or `]`, found the end of the input at line 1 column 17
    hint: the `[` at line 1 column 8 is not closed
    ");
    insta::assert_snapshot!(error::<Pair>("[1]", "json"), @"invalid length 1, expected tuple struct Pair with 2 elements at line 1 column 1");
    insta::assert_snapshot!(error::<Pair>("[1, \"a\", 2]", "json"), @"invalid length 3, expected 2 items at line 1 column 1");
    insta::assert_snapshot!(error::<Shape>("{\"Box\": {\"width\": 1}}", "json"), @"missing field `height` in `$.Box` at line 1 column 9");
    insta::assert_snapshot!(error::<Shape>("Square", "yaml"), @"unknown variant `Square`, expected one of `Nothing`, `Circle`, `Line`, `Box` at line 1 column 1");
    insta::assert_snapshot!(error::<Vec<Shape>>("[{\"Circle\": null}]", "json"), @"invalid type: unit value, expected f64 in `$[0].Circle` at line 1 column 13");
    insta::assert_snapshot!(error::<BTreeMap<u8, u8>>("{\"x\": 1}", "json"), @r#"invalid type: string "x", expected u8 in `$.x` at line 1 column 7"#);
    insta::assert_snapshot!(error::<u8>("1", "xml"), @r"
    `xml` is no format of this build
    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
}

#[test]
fn what_a_format_lacks_is_refused() {
    let float = to_string(&[f64::NAN], "json").unwrap_err();
    insta::assert_snapshot!(float, @"JSON has no NaN");
    let keys = BTreeMap::from([([1, 2], 3)]);
    insta::assert_snapshot!(to_string(&keys, "json").unwrap_err(), @"JSON has no keys other than text");
    insta::assert_snapshot!(to_string(&keys, "yaml").unwrap(), @r"
    ? - 1
      - 2
    : 3
    ");
    insta::assert_snapshot!(to_string(&1, "msgpack").and_then(|_| to_string(&255, "msgpack")).unwrap_err(), @"`msgpack` is no format of text");
}

#[test]
fn documents_in_a_row_are_a_list() {
    let rows: Vec<(u8, String)> = from_str("[1, \"a\"]\n[2, \"b\"]\n", "jsonl").unwrap();
    assert_eq!(rows, [(1, "a".to_owned()), (2, "b".to_owned())]);
    let rows: Vec<Shape> = from_str("--- Nothing\n--- {Circle: 1}\n", "yaml").unwrap();
    assert_eq!(rows, [Shape::Nothing, Shape::Circle(1.0)]);
}

#[test]
fn tagged_objects_are_structs_and_values() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        path: String,
        #[serde(rename = "box")]
        bounds: (f64, f64),
        seen: Vec<u8>,
        again: (f64, f64),
    }
    let text = br#"{"$type": "my.Page", "path": {"$type": "pathlib.PurePosixPath", "value": "a/b"},
        "box": {"$id": 1, "$type": "tuple", "value": [1, 2.5]},
        "seen": {"$type": "bytes", "value": "AQI="}, "again": {"$ref": 1}}"#;
    let page: Page = from_slice_tagged(text, "json").unwrap();
    let expected =
        Page { path: "a/b".to_owned(), bounds: (1.0, 2.5), seen: vec![1, 2], again: (1.0, 2.5) };
    assert_eq!(page, expected);
    let tree: BTreeMap<String, f64> =
        from_slice_tagged(br#"{"$items": [["x", {"$type": "float", "value": "inf"}]]}"#, "json")
            .unwrap();
    assert!(tree["x"].is_infinite());
}

#[test]
fn files_are_loaded_and_saved_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.json", "a.yaml", "a.msgpack", "a.jsonl.gz"] {
        let place = Location::from(&folder.path().join(name));
        cannery::save(&everything().list, &place).unwrap();
        assert_eq!(cannery::load::<Vec<Shape>>(&place).unwrap(), everything().list, "{name}");
    }
    let place = Location::from(&folder.path().join("a.json"));
    let error = cannery::load::<Vec<u8>>(&place).unwrap_err().to_string();
    let error = error.replace(&format!("{}/", folder.path().display()), "");
    insta::assert_snapshot!(error, @r#"a.json: invalid type: string "Nothing", expected u8 in `$[0]`"#);
}

fn any_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        (-1e9..1e9).prop_map(Shape::Circle),
        any::<(i64, i64)>().prop_map(|(from, to)| Shape::Line(from, to)),
        any::<(u32, u32)>().prop_map(|(width, height)| Shape::Box { width, height }),
    ]
}

proptest! {
    #[test]
    fn values_survive(shapes in prop::collection::btree_map(any::<String>(), prop::collection::vec(any_shape(), 0..4), 0..4)) {
        for format in FORMATS {
            let bytes = to_vec(&shapes, format).unwrap();
            let back: BTreeMap<String, Vec<Shape>> = from_slice(&bytes, format).unwrap();
            prop_assert_eq!(&back, &shapes, "by {}", format);
        }
        prop_assert_eq!(&from_value::<BTreeMap<String, Vec<Shape>>>(&to_value(&shapes).unwrap()).unwrap(), &shapes);
    }

    #[test]
    fn trees_are_what_serde_sends(map in prop::collection::btree_map(any::<i64>(), any::<Option<String>>(), 0..4)) {
        let entries = map.iter().map(|(key, value)| (Value::Int(*key), Value::from(value.clone())));
        prop_assert_eq!(to_value(&map).unwrap(), Value::Map(entries.collect()));
    }
}
