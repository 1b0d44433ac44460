//! Edits in place: what they change, and that they change nothing else.

use cannery_core::Value;
use cannery_yaml::{Document, PathStep, ReadOptions, to_value};

mod cases;

fn open(text: &str) -> Document {
    Document::parse(text, &ReadOptions::default()).unwrap()
}

fn path(text: &str) -> Vec<PathStep> {
    let steps = text.split('.').filter(|step| !step.is_empty());
    steps.map(|step| step.parse().map_or_else(|_| PathStep::key(step), PathStep::Index)).collect()
}

fn yaml(text: &str) -> Value {
    to_value(text).unwrap()
}

/// `text` after `at` was set to the value that `new` is in YAML.
fn set(text: &str, at: &str, new: &str) -> String {
    let mut document = open(text);
    document.set(&path(at), &yaml(new)).unwrap();
    document.text().to_owned()
}

fn removed(text: &str, at: &str) -> String {
    let mut document = open(text);
    document.remove(&path(at)).unwrap();
    document.text().to_owned()
}

fn inserted(text: &str, at: &str, index: usize, new: &str) -> String {
    let mut document = open(text);
    document.insert(&path(at), index, &yaml(new)).unwrap();
    document.text().to_owned()
}

#[test]
fn a_scalar_takes_the_place_of_a_scalar() {
    assert_eq!(set("lr: 0.1      # found\nx: 1\n", "lr", "0.2"), "lr: 0.2      # found\nx: 1\n");
    assert_eq!(set("a: \"x\"\n", "a", "y"), "a: \"y\"\n");
    assert_eq!(set("a: 'x'\n", "a", "y"), "a: 'y'\n");
    assert_eq!(set("a: x", "a", "'no'"), "a: 'no'");
    assert_eq!(set("a:\nb: 1\n", "a", "2"), "a: 2\nb: 1\n");
    assert_eq!(set("a:  # later\nb: 1\n", "a", "2"), "a: 2  # later\nb: 1\n");
    assert_eq!(set("a: &x 1\nb: *x\n", "a", "2"), "a: &x 2\nb: *x\n");
    assert_eq!(set("a: [1, 2, 3]  # c\n", "a.1", "x"), "a: [1, x, 3]  # c\n");
    assert_eq!(set("{a: 1, b: {c: 2}}\n", "b.c", "[3]"), "{a: 1, b: {c: [3]}}\n");
    assert_eq!(set("- 1\n-\n- 3\n", "1", "2"), "- 1\n- 2\n- 3\n");
    assert_eq!(set("a: |\n  old\n  text\nb: 1\n", "a", "new"), "a: new\nb: 1\n");
    assert_eq!(set("a: x\r\nb: y\r\n", "b", "z"), "a: x\r\nb: z\r\n");
}

#[test]
fn collections_and_scalars_take_each_others_place() {
    assert_eq!(
        set("a: 1  # c\nb: 2\n", "a", "{x: 1, z: [2]}"),
        "a:  # c\n  x: 1\n  z:\n  - 2\nb: 2\n"
    );
    assert_eq!(set("a:  # c\n  x: 1\n  y: 2  # d\nb: 2\n", "a", "7"), "a: 7  # c\nb: 2\n");
    assert_eq!(set("a:\n- 1\n- 2\nb: 2\n", "a", "7"), "a: 7\nb: 2\n");
    assert_eq!(set("a:\n  x: 1\nb: 2\n", "a", "[1, 2]"), "a:\n- 1\n- 2\nb: 2\n");
    assert_eq!(set("a: [1]\n", "a", "[2, 3]"), "a: [2, 3]\n");
    assert_eq!(set("- a: 1\n  b: 2\n- c\n", "0", "x"), "- x\n- c\n");
    assert_eq!(set("- x\n- c\n", "0", "{a: 1, b: 2}"), "- a: 1\n  b: 2\n- c\n");
    assert_eq!(
        set("a:\n    b:\n        c: 1\n", "a.b", "{d: {e: 1}}"),
        "a:\n    b:\n        d:\n            e: 1\n"
    );
    assert_eq!(set("x: 1\n", "", "[1]"), "- 1\n");
}

#[test]
fn entries_are_added_behind_the_last_one() {
    assert_eq!(set("a: 1 # c\n# end\n", "b", "2"), "a: 1 # c\nb: 2\n# end\n");
    assert_eq!(
        set("fine:\n  lr: 1\nno: x\n", "fine.epochs", "3"),
        "fine:\n  lr: 1\n  epochs: 3\nno: x\n"
    );
    assert_eq!(set("a: 1", "b", "{c: 2}"), "a: 1\nb:\n  c: 2");
    assert_eq!(set("a: {}\n", "a.b", "1"), "a: {b: 1}\n");
    assert_eq!(set("a: {x: 1,}\n", "a.b", "1"), "a: {x: 1, b: 1,}\n");
    assert_eq!(set("a: |\n  text\n\nb: 1\n", "c", "1"), "a: |\n  text\n\nb: 1\nc: 1\n");
    assert_eq!(inserted("- 1\n- 2\n", "", 2, "3"), "- 1\n- 2\n- 3\n");
    assert_eq!(inserted("- 1\n- 2\n", "", 0, "{a: 1, b: 2}"), "- a: 1\n  b: 2\n- 1\n- 2\n");
    assert_eq!(inserted("- 1\n# two\n- 2\n", "", 1, "x"), "- 1\n- x\n# two\n- 2\n");
    assert_eq!(inserted("a:\n  - - 1\n", "a.0", 0, "0"), "a:\n  - - 0\n    - 1\n");
    assert_eq!(inserted("a: [1, 2]\n", "a", 1, "x"), "a: [1, x, 2]\n");
    assert_eq!(inserted("a: []\n", "a", 0, "x"), "a: [x]\n");
}

#[test]
fn entries_are_removed_with_their_lines() {
    assert_eq!(removed("a: 1\nb: 2 # c\nc: 3\n", "b"), "a: 1\nc: 3\n");
    assert_eq!(removed("a:\n  x:\n    - 1\n  y: 2\nb: 1\n", "a.x"), "a:\n  y: 2\nb: 1\n");
    assert_eq!(removed("a:  # c\n  x: 1\nb: 1\n", "a.x"), "a: {}  # c\nb: 1\n");
    assert_eq!(removed("- a: 1\n  b: 2\n", "0.a"), "- b: 2\n");
    assert_eq!(removed("- a: 1\n  b: 2\n", "0.b"), "- a: 1\n");
    assert_eq!(removed("[1, 2, 3]\n", "2"), "[1, 2]\n");
    assert_eq!(removed("[1, 2, 3]\n", "0"), "[2, 3]\n");
    assert_eq!(removed("[1]\n", "0"), "[]\n");
    assert_eq!(removed("a: 1\n", "a"), "{}\n");
    assert_eq!(removed("a: |\n  x\n\n  y\nb: 1\n", "a"), "b: 1\n");
    assert_eq!(removed("a: 1\nb: 2", "b"), "a: 1\n");
}

#[test]
fn keys_are_renamed_in_place() {
    let mut document = open("? a\n: 1\n\"b\": {c: 2}\n");
    document.rename(&path("a"), &yaml("x")).unwrap();
    document.rename(&path("b.c"), &yaml("'1'")).unwrap();
    assert_eq!(document.text(), "? x\n: 1\n\"b\": {'1': 2}\n");
}

#[test]
fn comments_are_read_and_replaced() {
    let text = "# top\n# two\na: 1  # one\nb:  # lines\n  c: 2\n";
    let mut document = open(text);
    let comments = document.comments(&path("a")).unwrap();
    assert_eq!(comments.above, ["top", "two"]);
    assert_eq!(comments.behind.as_deref(), Some("one"));
    assert_eq!(document.comments(&path("b")).unwrap().behind.as_deref(), Some("lines"));
    document.set_comment_behind(&path("a"), Some("uno")).unwrap();
    document.set_comment_behind(&path("b"), None).unwrap();
    document.set_comment_behind(&path("b.c"), Some("new")).unwrap();
    document.set_comments_above(&path("b.c"), &["deep"]).unwrap();
    document.set_comments_above(&path("a"), &[]).unwrap();
    assert_eq!(document.text(), "a: 1  # uno\nb:\n  # deep\n  c: 2  # new\n");
}

#[test]
fn what_cannot_be_edited_is_said() {
    let refused = |text: &str, at: &str| {
        open(text).set(&path(at), &Value::Int(1)).expect_err("this is refused").report()
    };
    insta::assert_snapshot!(refused("a: 1\n", "b.c"), @"there is nothing at this path in `$.b`");
    insta::assert_snapshot!(refused("a: [1]\n", "a.3"), @"there is nothing at this path in `$.a[3]`");
    insta::assert_snapshot!(refused("a: !t 1\n", "a"), @r"
    this value has a tag of its own

    hint: set it to a `Tagged` value, or take the tag away first
    ");
}

#[test]
fn every_valid_stream_is_kept_byte_for_byte() {
    let Some(suites) = cannery_testing::suites() else { return };
    let mut kept = 0;
    for case in cases::cases(&suites.join("yaml")) {
        let source = case.read("in.yaml").unwrap();
        let Ok(document) = Document::parse(&source, &ReadOptions::default()) else { continue };
        assert!(!case.must_fail(), "{}", case.name());
        assert_eq!(document.text(), source);
        kept += 1;
    }
    cannery_testing::report("yaml-test-suite streams kept byte for byte", kept);
    assert_eq!(kept, 308);
}
