//! A format in a crate of its own joins the others by one line, and every command knows it.

mod common;

use common::Folder;

fn folder() -> Folder {
    // The line. Each test of this program may come first.
    let added = cannery::add_format(&cannery_toy::Toy);
    assert!(added.is_ok() || added.unwrap_err().message() == "`.toy` is the extension of toy");
    Folder::new()
}

const POINT: &str = "toy\n{\n.x\n1\n.name\n\"a\\nb\n.tags\n[\ntrue\n1.5\n]\n}\n";

#[test]
fn it_is_read_by_every_command() {
    let folder = folder();
    folder.write("a.toy", POINT).write("unnamed", POINT).write("bad.toy", "toy\n{\n1\n}\n");
    insta::assert_snapshot!(folder.run("cat :a.toy"), @r#"
    {
      "x": 1,
      "name": "a\nb",
      "tags": [
        true,
        1.5
      ]
    }
    ----- exit 0
    "#);
    assert_eq!(folder.run("cat :unnamed"), folder.run("cat :a.toy"));
    insta::assert_snapshot!(folder.run("inspect :unnamed"), @r"
    unnamed  toy  44 B  map of 3
    ├ x     int  1
    ├ name  text  3 characters
    └ tags  list of 2: float or bool  1.5
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("validate :a.toy :bad.toy"), @r"
    bad.toy: expected a key or `}` at line 3 column 1
    ----- exit 1
    2 files, 1 invalid, 1 error
    ");
    insta::assert_snapshot!(folder.run("scan :a.toy"), @r"
    a.toy  skipped  toy, no pickle
    1 scanned, 0 dangerous, 0 unknown, 1 skipped: nothing to judge
    ----- exit 2
    ");
    insta::assert_snapshot!(folder.run("head -n 1 :a.toy"), @r#"
    {"x":1}
    ----- exit 0
    "#);
}

#[test]
fn it_is_written_from_every_format_and_back() {
    let folder = folder();
    folder.write("a.toy", POINT);
    for name in ["a.json", "a.yaml", "a.msgpack", "a.cbor", "a.can", "a.json.gz", "a.toy.zst"] {
        assert!(folder.run(&format!("convert :a.toy :{name}")).contains("exit 0"), "{name}");
        assert!(folder.run(&format!("convert :{name} :back.toy")).contains("exit 0"), "{name}");
        assert_eq!(folder.read("back.toy"), POINT, "{name}");
    }
    assert!(folder.run("convert --to toy :a.json :unnamed").contains("exit 0"));
    assert_eq!(folder.read("unnamed"), POINT);
    assert!(
        folder.run("convert --to tory :a.json :c").contains("protobuf, toy"),
        "it is in the hint"
    );
}

#[test]
fn it_is_known_to_serde() {
    let folder = folder();
    let path = cannery::Location::from(&folder.path("s.toy"));
    cannery::save(&vec![Some(1), None], &path).unwrap();
    assert_eq!(folder.read("s.toy"), "toy\n[\n1\nnull\n]\n");
    assert_eq!(cannery::load::<Vec<Option<u8>>>(&path).unwrap(), [Some(1), None]);
}

#[test]
fn no_two_formats_have_one_name() {
    folder();
    let error = cannery::add_format(&cannery_toy::Toy).unwrap_err();
    assert_eq!(error.to_string(), "`.toy` is the extension of toy");
    let error = cannery::add_format(&cannery::json::Json).unwrap_err();
    assert_eq!(error.to_string(), "`.json` is the extension of JSON");
}
