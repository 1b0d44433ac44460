//! The artifacts in `artifacts/` were written by Python (`write_store.py`); a test of the Python
//! package proves that it still writes these bytes.

use std::fs;
use std::path::Path;

use cannery::Value;
use cannery_examples::{Box, counts, pages, tree};
use cannery_store::Store;

/// A store with what Python wrote.
fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/artifacts");
    for name in ["read_pages", "count_labels"] {
        let read = |file| fs::read(artifacts.join(name).join(file)).unwrap();
        store.blobs().put_bytes(&read("data.json")).unwrap();
        let manifest = store.blobs().put_bytes(&read("manifest.txt")).unwrap();
        store.add_artifact(name, manifest.digest).unwrap();
    }
    (folder, store)
}

#[test]
fn dataclasses_are_structs() {
    let (_folder, store) = store();
    let pages = pages(&store).unwrap();
    let stamp = Box { label: "stamp".to_owned(), xywh: [10.0, 20.0, 30.5, 40.0] };
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[0].path, "scans/1.png");
    assert_eq!(pages[0].scanned, "2026-11-21T10:30:00+00:00");
    assert_eq!(pages[0].boxes[0], stamp);
    assert_eq!(pages[0].best, Some(stamp));
    assert_eq!(pages[0].tags, ["first"]);
    assert_eq!(pages[0].thumbnail, b"\x89PNG");
    assert_eq!((pages[1].best.as_ref(), pages[1].boxes.len()), (None, 0));
}

#[test]
fn dicts_are_maps() {
    let (_folder, store) = store();
    let counts: Vec<_> = counts(&store).unwrap().into_iter().collect();
    assert_eq!(counts, [("note".to_owned(), 1), ("stamp".to_owned(), 1)]);
}

#[test]
fn trees_keep_types_and_references() {
    let (_folder, store) = store();
    let pages = tree(&store, &store.find_artifact("read_pages").unwrap()).unwrap();
    let page = pages[0].as_object().unwrap();
    assert!(page.type_name.as_str().unwrap().ends_with("Page"));
    let Value::Marked(id, stamp) = &page.get("boxes").unwrap()[0] else { panic!("no mark") };
    assert_eq!(page.get("best"), Some(&Value::Alias(*id)));
    assert!(stamp.as_object().unwrap().type_name.as_str().unwrap().ends_with("Box"));
    assert!(matches!(page.get("tags").unwrap().unmarked(), Value::FrozenSet(_)));
    assert!(matches!(stamp.get("xywh").unwrap().unmarked(), Value::Tuple(_)));
}

#[test]
fn what_does_not_fit_says_where() {
    #[derive(Debug, serde::Deserialize)]
    struct Narrow {
        #[expect(dead_code, reason = "only its type matters")]
        boxes: Vec<u8>,
    }
    let (_folder, store) = store();
    let artifact = store.find_artifact("read_pages").unwrap();
    let error = cannery_examples::typed::<Vec<Narrow>>(&store, &artifact).unwrap_err();
    insta::assert_snapshot!(error, @"invalid type: map, expected u8 in `$[0].boxes[0]` at line 1 column 186");
}
