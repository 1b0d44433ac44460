//! `fmt` and `validate`.

mod common;

use common::Folder;

#[test]
fn fmt() {
    let folder = Folder::new();
    folder.write("a.json", "{\"b\":[1,2],\"a\":{}}").write("b.yaml", "a:   1 # one\nb:\n    - x\n");
    folder.write("c.json", "[1, 2]\n").write("d.jsonl", "{\"a\":1}\n[1,2]\n");
    insta::assert_snapshot!(folder.run("fmt --check :a.json :b.yaml :c.json"), @r"
    a.json would change
    b.yaml would change
    ----- exit 1
    3 files, 2 would change
    ");
    insta::assert_snapshot!(folder.run("fmt --diff :a.json :b.yaml :c.json"), @r#"
    --- a.json (now)
    +++ a.json (laid out)
    @@ -1 +1 @@
    -{"b":[1,2],"a":{}}
    \ No newline at end of file
    +{"b": [1, 2], "a": {}}
    --- b.yaml (now)
    +++ b.yaml (laid out)
    @@ -1,3 +1,3 @@
    -a:   1 # one
    +a: 1  # one
     b:
    -    - x
    +  - x
    ----- exit 1
    3 files, 2 would change
    "#);
    insta::assert_snapshot!(folder.run("fmt --json --check :a.json :c.json"), @r#"
    {"files":2,"changed":["a.json"],"failed":0,"skipped":0,"written":false}
    ----- exit 1
    "#);
    assert_eq!(folder.read("a.json"), "{\"b\":[1,2],\"a\":{}}");
    insta::assert_snapshot!(folder.run("fmt --sort-keys :a.json :c.json :d.jsonl"), @r"
    ----- exit 0
    a.json changed
    d.jsonl changed
    3 files, 2 changed
    ");
    insta::assert_snapshot!(folder.run("fmt :b.yaml"), @r"
    ----- exit 0
    b.yaml changed
    ");
    assert_eq!(folder.read("a.json"), "{\"a\": {}, \"b\": [1, 2]}\n");
    assert_eq!(folder.read("b.yaml"), "a: 1  # one\nb:\n  - x\n");
    assert_eq!(folder.read("d.jsonl"), "{\"a\": 1}\n[1, 2]\n");
    insta::assert_snapshot!(folder.run("fmt --sort-keys --check :a.json :b.yaml :c.json"), @r"
    ----- exit 2
    error: b.yaml: keys of YAML stay in their order: comments belong to them
    hint: leave `--sort-keys` to files in JSON
    3 files, 0 would change, 1 failed
    ");
    insta::assert_snapshot!(folder.run("fmt --width 12 --indent 4 :a.json"), @r"
    ----- exit 0
    a.json changed
    ");
    insta::assert_snapshot!(folder.read("a.json"), @r#"
    {
        "a": {},
        "b": [
            1, 2
        ]
    }
    "#);
}

#[test]
fn what_cannot_be_laid_out_stays_as_it_is() {
    let folder = Folder::new();
    folder
        .write("a.json", "[1,\n 2,]")
        .write("b.json", "[1 ]")
        .write("c.npy", b"\x93NUMPY\x01\x00");
    insta::assert_snapshot!(folder.run("fmt :a.json :b.json :c.npy :d.json"), @r"
    ----- exit 2
    error: a.json: expected a value, found `]` at line 2 column 4
    hint: remove the comma before it
    b.json changed
    skipped: c.npy: NPY is not laid out: it is no text
    error: d.json: cannot open the file: No such file or directory (os error 2)
    4 files, 1 changed, 2 failed, 1 skipped
    ");
    assert_eq!(folder.read("a.json"), "[1,\n 2,]");
    assert_eq!(folder.read("b.json"), "[1]\n");
}

#[test]
fn validate() {
    let folder = Folder::new();
    folder.write("a.json", "{\"x\": 1, \"x\": 2,\n}").write("b.yaml", "a: *x\n---\nb: [1\n---\n");
    folder.write("c.jsonl", "1\nx\n{\"a\" 1}\n").write("d.json", "[1, 2]");
    insta::assert_snapshot!(folder.run("validate :a.json :b.yaml :c.jsonl :d.json"), @r"
    a.json: the key `x` occurs twice in its map at line 1 column 10
      it is at line 1 column 2 before; readers take one of them
    a.json: expected a key in double quotes, found `}` at line 2 column 1
      remove the comma before it
    b.yaml: alias `*x` has no anchor at line 1 column 4
      define it first with `&x`, or put the text in quotes
    b.yaml: expected `,` or `]`, found the end of the input at line 4 column 1
      the `[` at line 3 column 4 is not closed
    c.jsonl: expected a value, found `x` at line 2 column 1
    c.jsonl: expected `:`, found `1` at line 3 column 6
    ----- exit 1
    4 files, 3 invalid, 6 errors
    ");
    insta::assert_snapshot!(folder.run("validate --json :a.json :d.json"), @r#"
    {"files":2,"invalid":1,"unreadable":0,"skipped":0,"errors":[{"file":"a.json","line":1,"column":10,"offset":9,"kind":"value","message":"the key `x` occurs twice in its map","path":null,"hint":"it is at line 1 column 2 before; readers take one of them"},{"file":"a.json","line":2,"column":1,"offset":17,"kind":"syntax","message":"expected a key in double quotes, found `}`","path":null,"hint":"remove the comma before it"}]}
    ----- exit 1
    "#);
    insta::assert_snapshot!(folder.run("validate :d.json"), @"----- exit 0");
    insta::assert_snapshot!(folder.run("validate :d.json :missing.json"), @r"
    ----- exit 2
    error: missing.json: cannot open the file: No such file or directory (os error 2)
    2 files, 0 invalid, 0 errors
    ");
    insta::assert_snapshot!(folder.run("validate --from json :b.yaml"), @r"
    b.yaml: expected a value, found `a` at line 1 column 1
    ----- exit 1
    1 file, 1 invalid, 1 error
    ");
}

#[test]
fn folders_stand_for_the_files_in_them() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("all/inner")).unwrap();
    std::fs::create_dir_all(folder.path("all/.git")).unwrap();
    for name in ["all/b.json", "all/inner/a.yaml", "all/.git/c.json", "all/notes.txt", "all/a.json"]
    {
        folder.write(name, "[1");
    }
    insta::assert_snapshot!(folder.run("validate :all"), @r"
    all/a.json: expected `,` or `]`, found the end of the input at line 1 column 3
    all/b.json: expected `,` or `]`, found the end of the input at line 1 column 3
    all/inner/a.yaml: expected `,` or `]`, found the end of the input at line 1 column 3
      the `[` at line 1 column 1 is not closed
    ----- exit 1
    3 files, 3 invalid, 3 errors
    ");
}

#[test]
fn results_come_in_the_order_of_the_files() {
    let folder = Folder::new();
    let names: Vec<String> = (0..200).map(|i| format!("{i:03}.json")).collect();
    for (index, name) in names.iter().enumerate() {
        // The first take longest.
        folder.write(name, "[1,".repeat(1 + 100 * (200 - index) / 200));
    }
    let line = names.iter().fold("validate".to_owned(), |line, name| line + " :" + name);
    let printed = folder.run(&line);
    let found: Vec<&str> = printed.lines().take(200).map(|line| &line[..8]).collect();
    assert_eq!(found, names);
}
