//! Steps in Rust: what they store, when they run, and what they say when they fail.

use std::collections::BTreeMap;

use cannery_pipeline::{Description, Digest, NewRun};
use cannery_steps::{Engine, RunError, Store, run, run_with, step};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    name: String,
    price: f64,
    parts: Option<Vec<u8>>,
}

#[step]
fn orders(count: u32) -> Vec<Order> {
    (0..count).map(|number| Order { name: format!("ø{number}"), price: 1.5, parts: None }).collect()
}

#[step]
fn total(orders: &[Order], rates: &BTreeMap<String, f64>) -> f64 {
    orders.iter().map(|order| order.price * rates["VAT"]).sum()
}

#[step(name = "headline", version = "2")]
fn title(total: f64) -> String {
    format!("total: {total}")
}

#[step]
fn risky(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn rates() -> BTreeMap<String, f64> {
    BTreeMap::from([("VAT".to_owned(), 2.0)])
}

fn bill(store: &Store, count: u32) -> cannery_steps::Done<String> {
    run(store, "bill", |steps| {
        let orders = orders::call(steps, count)?;
        let total = total::call(steps, orders, rates())?;
        title::call(steps, total)
    })
    .unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn a_known_result_is_used() {
    let (_folder, store) = store();
    let first = bill(&store, 2);
    assert_eq!((first.load().unwrap().as_str(), first.is_cached()), ("total: 6", false));
    assert!(bill(&store, 2).is_cached());
    let third = bill(&store, 3);
    assert_eq!((third.load().unwrap().as_str(), third.is_cached()), ("total: 9", false));
    assert_eq!(title::STEP.name, "headline");
    assert_ne!(orders::STEP.fingerprint, total::STEP.fingerprint);
    assert_eq!(title(1.0), "total: 1", "the function stays what it is");
}

#[test]
fn values_have_the_layouts_of_python() {
    let (_folder, store) = store();
    bill(&store, 1);
    let cases = [
        ("orders", "builtins.list", "data.json/1", r#"{"items":1}"#),
        ("total", "builtins.float", "data.json/1", "{}"),
        ("headline", "builtins.str", "text.txt/1", r#"{"characters":8}"#),
    ];
    for (name, type_name, format, metadata) in cases {
        let artifact = store.find_artifact(&format!("bill/{name}")).unwrap();
        let found =
            (artifact.type_name.as_str(), artifact.format.as_str(), artifact.metadata.as_str());
        assert_eq!(found, (type_name, format, metadata));
    }
    let orders = store.find_artifact("bill/orders").unwrap();
    let document = store.read(orders.digest, "data.json").unwrap();
    assert_eq!(String::from_utf8(document).unwrap(), r#"[{"name":"ø0","price":1.5,"parts":null}]"#);
}

#[test]
fn what_python_stored_is_an_argument() {
    let (_folder, store) = store();
    let add = |name: &str, file: &str, text: &str, format: &str| {
        let about = Description::new("x", format);
        let content: Digest = store.put_bytes(file, text.as_bytes(), &about).unwrap();
        store.add_artifact(name, content).unwrap();
    };
    let document = r#"[{"$type":"shop.Order","name":"a","price":2,"parts":null}]"#;
    add("py/orders", "data.json", document, "data.json/1");
    add("py/number", "text.txt", "17", "text.txt/1");
    let done =
        run(&store, "mixed", |steps| total::call(steps, steps.stored("py/orders")?, rates()));
    assert!((done.unwrap().load().unwrap() - 4.0).abs() < 1e-9);
    let done = run(&store, "mixed", |steps| risky::call(steps, steps.stored("py/number")?));
    let done = done.unwrap();
    assert_eq!(done.load().unwrap(), 17);
    let sources = store.upstream(done.artifact.id).unwrap();
    assert_eq!(sources[0].name, "py/number");
}

#[test]
fn failures_name_the_step_and_the_argument() {
    let (_folder, store) = store();
    let failed = |text: &str| -> RunError {
        run(&store, "failing", |steps| risky::call(steps, text)).unwrap_err()
    };
    insta::assert_snapshot!(failed("x").error(), @"invalid digit found in string");
    assert_eq!(failed("x").step(), Some("risky"));
    let content = store.put_bytes("data.json", b"[1]", &Description::new("list", "data.json/1"));
    store.add_artifact("py/wrong", content.unwrap()).unwrap();
    let error =
        run(&store, "failing", |steps| total::call(steps, steps.stored("py/wrong")?, rates()));
    insta::assert_snapshot!(
        error.unwrap_err().error(),
        @"total(orders): invalid type: integer `1`, expected struct Order in `$[0]` at line 1 column 2"
    );
}

#[test]
fn parameters_and_tags_are_recorded() {
    let (_folder, store) = store();
    let about = NewRun {
        pipeline: "tagged".into(),
        params: r#"{"count": 4}"#.into(),
        tags: vec!["nightly".into()],
        ..NewRun::default()
    };
    let engine = Engine::new(store.clone()).workers(0);
    let done = run_with(&engine, &about, |steps| {
        let found = orders::call(steps, 4)?;
        assert_eq!(steps.load(found)?.len(), 4);
        Ok(found)
    })
    .unwrap();
    let run = store.run(done.run).unwrap();
    assert_eq!((run.tags, run.params.as_str()), (vec!["nightly".to_owned()], r#"{"count": 4}"#));
    assert_eq!(run.output.as_deref(), Some(r#"{"$artifact":["tagged/orders",1]}"#));
}
