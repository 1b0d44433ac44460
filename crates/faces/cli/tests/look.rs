//! `inspect`, `cat`, `head`, `convert` and what goes wrong with them.

mod common;

use cannery::npy::{Compression, NpzWriter, to_vec};
use cannery::{ArrayBuf, Dtype, Order};
use common::{Folder, Recorder};

const DOCUMENT: &str = r#"{"name": "pages", "rows": [
    {"id": 1, "box": [0.5, 1], "tag": null}, {"id": 2, "box": [2.5, 4], "tag": "abc"},
    {"id": 3, "box": []}
], "by id": {"17": {"x": 1}, "18": {"x": 2}}}"#;

fn array(typestr: &str, shape: &[u64]) -> ArrayBuf {
    let dtype = Dtype::from_typestr(typestr).unwrap();
    let len = cannery::size_in_bytes(&dtype, shape).unwrap();
    ArrayBuf::new(dtype, shape.to_vec(), Order::C, (0..len).map(|i| i.to_le_bytes()[0]).collect())
        .unwrap()
}

fn samples() -> Folder {
    let folder = Folder::new();
    folder.write("a.json", DOCUMENT);
    folder.write("rows.jsonl", "{\"a\": 1, \"b\": [1, 2]}\n{\"a\": NaN}\n\"x\"\n");
    folder.write("a.npy", to_vec(&array("|u1", &[3, 2]).as_view()).unwrap());
    let mut archive = NpzWriter::new(std::io::Cursor::new(Vec::new()), Compression::Stored);
    archive.add("x", &array("<i2", &[2]).as_view()).unwrap();
    archive.add("long/name", &array(">M8[D]", &[]).as_view()).unwrap();
    folder.write("a.npz", archive.finish().unwrap().into_inner());
    folder
}

#[test]
fn inspect() {
    let folder = samples();
    insta::assert_snapshot!(folder.run("inspect :a.json"), @r"
    a.json  JSON  185 B  map of 3
    ├ name   text  5 characters
    ├ rows   list of 3: map of 2 to 3
    │ ├ id   int  1 to 3
    │ ├ box  list of 0 to 2: int or float  0.5 to 4
    │ └ tag  text or null  3 characters  in 2 of 3
    └ by id  map of 2
      └ *  map of 1
        └ x  int  1 to 2
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("inspect :rows.jsonl :a.npy :a.npz"), @r"
    rows.jsonl  JSON Lines  37 B  list of 3: map or text of 1 to 2  1 character
    ├ a  int or float  1
    └ b  list of 2: int  1 to 2
    a.npy  NPY  134 B  uint8 [3, 2]  6 B
    a.npz  NPZ  524 B  2 tensors
    ├ x          int16 [2]  4 B
    └ long/name  big-endian datetime64[D] []  8 B
    total  2 tensors  3 parameters  12 B
      big-endian datetime64[D]  1 tensor  1 parameter  8 B
      int16  1 tensor  2 parameters  4 B
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("inspect --json :a.npy :rows.jsonl"), @r#"
    {"name":"a.npy","format":"npy","size":134,"root":{"kind":"array","dtype":"uint8","shape":[3,2],"fortran_order":false,"bytes":6}}
    {"name":"rows.jsonl","format":"jsonl","size":37,"root":{"kind":"list","kinds":["list"],"len":[3,3],"count":1,"parts":[{"kind":"map or text","kinds":["map","text"],"characters":[1,1],"name":"[]","details":"1 character","len":[1,2],"count":3,"parts":[{"kind":"int or float","kinds":["int","float"],"numbers":[1.0,1.0],"name":"a","details":"1","count":2},{"kind":"list","kinds":["list"],"name":"b","len":[2,2],"count":1,"parts":[{"kind":"int","kinds":["int"],"numbers":[1,2],"name":"[]","details":"1 to 2","count":2}]}]}]}}
    ----- exit 0
    "#);
}

#[test]
fn a_bad_file_does_not_hide_the_others() {
    let folder = samples();
    folder.write("bad.json", "[1, 2").write("what", [1, 2, 3]);
    insta::assert_snapshot!(folder.run("inspect :bad.json :missing.json :a.npy :what"), @r"
    a.npy  NPY  134 B  uint8 [3, 2]  6 B
    ----- exit 2
    error: bad.json: expected `,` or `]`, found the end of the input at line 1 column 6
    error: missing.json: cannot open the file: No such file or directory (os error 2)
    error: what: no known format begins with `\x01\x02\x03`
    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
}

#[test]
fn cat() {
    let folder = samples();
    folder.write("b.json", "{\"a\": [1, {}], \"b\": \"é\"}");
    insta::assert_snapshot!(folder.run("cat :b.json"), @r#"
    {
      "a": [
        1,
        {}
      ],
      "b": "é"
    }
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("cat :rows.jsonl :a.npy"), @r#"
    {"a":1,"b":[1,2]}
    [0,1]
    [2,3]
    [4,5]
    ----- exit 2
    error: rows.jsonl: JSON has no NaN in `$[1].a` at line 2 column 7
    hint: `--nan` writes it as Python does, `--tagged` with its type
    "#);
    insta::assert_snapshot!(folder.run("cat --nan :rows.jsonl"), @r#"
    {"a":1,"b":[1,2]}
    {"a":NaN}
    "x"
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("cat --nan --json :rows.jsonl :a.npz"), @r#"
    [{"a":1,"b":[1,2]},{"a":NaN},"x"]
    {"x":[256,770],"long/name":"776708496480-04-24"}
    ----- exit 0
    "#);
}

#[test]
fn head() {
    let folder = samples();
    insta::assert_snapshot!(folder.run("head -n 1 :rows.jsonl :a.npy :a.json"), @r#"
    {"a":1,"b":[1,2]}
    [0,1]
    {"name":"pages"}
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("head -n 2 --json :a.npy"), @r"
    [[0,1],[2,3]]
    ----- exit 0
    ");
}

#[test]
fn convert() {
    let folder = samples();
    insta::assert_snapshot!(folder.run("convert :a.npy :out.jsonl.gz"), @"----- exit 0");
    insta::assert_snapshot!(folder.run("cat :out.jsonl.gz"), @r"
    [0,1]
    [2,3]
    [4,5]
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("convert :rows.jsonl :rows.json"), @r"
    ----- exit 2
    error: rows.jsonl: expected a value, found `N` at line 2 column 7
    hint: `--nan` allows NaN and infinities
    ");
    insta::assert_snapshot!(folder.run("convert --nan --indent 1 :rows.jsonl :rows.json"), @"----- exit 0");
    insta::assert_snapshot!(folder.read("rows.json"), @r#"
    [
     {
      "a": 1,
      "b": [
       1,
       2
      ]
     },
     {
      "a": NaN
     },
     "x"
    ]
    "#);
    insta::assert_snapshot!(folder.run("convert :a.npz :out"), @r"
    ----- exit 2
    error: out: the name does not say which format it is
    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
    insta::assert_snapshot!(folder.run("convert --to xml :a.npz :out"), @r"
    ----- exit 2
    error: out: `xml` is no format of this build
    hint: say which format it is: npy, can, npz, safetensors, json, jsonl, csv, yaml, msgpack, cbor, pickle, hdf5, onnx, mvt, osm, tfevents, protobuf
    ");
    insta::with_settings!({filters => [(r"0\.\d+", "[seconds]")]}, {
        insta::assert_snapshot!(folder.run("convert --json --to json :a.npz :out"), @r#"
        {"source":"a.npz","target":"out","seconds":[seconds]}
        ----- exit 0
        "#);
    });
}

#[test]
fn texts_become_each_other() {
    let folder = samples();
    folder.write("a.yaml", "# rates\nlr: &lr 0.1\nlayers: [{lr: *lr, n: 3}]\n");
    folder.write("many.yaml", "a: 1\n---\na: [2, x]\n");
    insta::assert_snapshot!(folder.run("cat :a.yaml :many.yaml"), @r#"
    {
      "lr": 0.1,
      "layers": [
        {
          "lr": 0.1,
          "n": 3
        }
      ]
    }
    {"a":1}
    {"a":[2,"x"]}
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("cat --to yaml :a.json"), @r"
    name: pages
    rows:
    - id: 1
      box:
      - 0.5
      - 1
      tag: null
    - id: 2
      box:
      - 2.5
      - 4
      tag: abc
    - id: 3
      box: []
    by id:
      '17':
        x: 1
      '18':
        x: 2
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("head -n 1 --to yaml :rows.jsonl"), @r"
    ---
    a: 1
    b:
    - 1
    - 2
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("convert :many.yaml :many.msgpack.zst"), @"----- exit 0");
    insta::assert_snapshot!(folder.run("inspect :many.msgpack.zst :a.yaml"), @r"
    many.msgpack.zst  MessagePack (zstd)  20 B  list of 2: map of 1
    └ a  int or list of 2: int or text  2, 1 character
    a.yaml  YAML  46 B  map of 2
    ├ lr      float  0.1
    └ layers  list of 1: map of 2
      ├ lr  reference
      └ n   int  3
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("cat :many.msgpack.zst"), @r#"
    {"a":1}
    {"a":[2,"x"]}
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("convert --indent 4 :a.yaml :out.yml"), @"----- exit 0");
    insta::assert_snapshot!(folder.read("out.yml"), @r"
    lr: &lr 0.1
    layers:
    - lr: *lr
      'n': 3
    ");
}

#[test]
fn parts() {
    let folder = samples();
    insta::assert_snapshot!(folder.run("cat --path $.rows[*].box :a.json"), @r"
    [0.5,1]
    [2.5,4]
    []
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("cat --path rows[1] :a.json"), @r#"
    {
      "id": 2,
      "box": [
        2.5,
        4
      ],
      "tag": "abc"
    }
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("head -n 2 --path $.rows :a.json"), @r#"
    {"id":1,"box":[0.5,1],"tag":null}
    {"id":2,"box":[2.5,4],"tag":"abc"}
    ----- exit 0
    "#);
    insta::assert_snapshot!(folder.run("cat --path $.x[1] :a.npz"), @r"
    770
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("convert --path $.rows :a.json :b.jsonl"), @"----- exit 0");
    assert_eq!(folder.read("b.jsonl").lines().count(), 3);
    insta::assert_snapshot!(folder.run("cat --path $.rows[0].x :a.json"), @r"
    ----- exit 2
    error: a.json: there is nothing at `$.rows[0].x`
    hint: `$.rows[0]` is there, but nothing in it that is `x`
    ");
    insta::assert_snapshot!(folder.run("cat --path $.rows[+1] :a.json"), @r"
    ----- exit 2
    error: invalid value '$.rows[+1]' for '--path <PATH>': the path `$.rows[+1]`: expected a position, counted from 0, found `+` at column 8

    For more information, try '--help'.
    ");
}

#[test]
fn what_is_too_deep_is_read_in_python() {
    let folder = Folder::new();
    folder.write("deep.json", "[".repeat(2000));
    insta::assert_snapshot!(folder.run("head :deep.json"), @r"
    ----- exit 2
    error: deep.json: nested deeper than 1024 levels at line 1 column 1025
    hint: if it is trusted, `cannery.json.decode(data, depth=8192)` in Python reads it
    ");
}

#[test]
fn kinds_that_a_target_lacks() {
    let folder = Folder::new();
    folder.write("a.yaml", "- 1\n- when: !!timestamp 2026-11-21\n");
    insta::assert_snapshot!(folder.run("convert :a.yaml :a.json"), @r"
    ----- exit 2
    error: a.yaml: JSON has no objects such as `datetime.date` in `$[1].when` at line 2 column 21
    hint: `--tagged` writes it with its type; `convert --lossy` writes the nearest thing there is
    ");
    insta::assert_snapshot!(folder.run("convert --tagged :a.yaml :a.json"), @"----- exit 0");
    insta::assert_snapshot!(folder.read("a.json"), @r#"[1,{"when":{"$type":"datetime.date","value":"2026-11-21"}}]"#);
    folder.write("b.yaml", "- .inf\n");
    insta::assert_snapshot!(folder.run("convert :b.yaml :b.json"), @r"
    ----- exit 2
    error: b.yaml: JSON has no infinity in `$[0]` at line 1 column 3
    hint: `--nan` writes it as Python does, `--tagged` with its type
    ");
    folder.write("c.yaml", "a: [1\nb: 2\n").write("d.yaml", "a: 1\n---\na: *b\n");
    // Rows before one that fails are printed.
    insta::assert_snapshot!(folder.run("cat :c.yaml :d.yaml"), @r#"
    {"a":1}
    ----- exit 2
    error: c.yaml: expected `,` or `]`, found `b` at line 2 column 1
    hint: close the bracket, or indent the lines in it more than the key or entry it belongs to, with spaces
    error: d.yaml: alias `*b` has no anchor at line 3 column 4
    hint: define it first with `&b`, or put the text in quotes
    "#);
}

#[test]
fn run() {
    let folder = Folder::new();
    let mut host = Recorder(Vec::new());
    insta::assert_snapshot!(folder.run_with("run a.py:train -p epochs=3 --param name=a=b --json", &mut host), @"----- exit 0");
    let request = &host.0[0];
    assert_eq!(request.file.to_str(), Some("a.py"));
    assert_eq!(request.pipeline.as_deref(), Some("train"));
    assert_eq!(
        request.params,
        [("epochs", "3"), ("name", "a=b")].map(|(a, b)| (a.into(), b.into()))
    );
    assert!(request.json);
    insta::assert_snapshot!(folder.run("run a.py -p epochs"), @r"
    ----- exit 2
    error: expected `NAME=VALUE`, found `epochs`
    hint: for one: `--param epochs=3`
    ");
}

#[test]
fn usage() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("--version"), @r"
    cannery 0.1.0
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("inspekt"), @r"
    ----- exit 2
    error: unrecognized subcommand 'inspekt'

      tip: a similar subcommand exists: 'inspect'

    Usage: cannery [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(folder.run("--help"), @r"
    Look into data files, convert them, run pipelines and see what they made

    Usage: cannery [OPTIONS] <COMMAND>

    Commands:
      inspect      Say what is inside files: kinds, lengths, types, sizes
      cat          Print the values of files, rows one to a line
      head         Print the first rows, items or entries of files
      convert      Convert a file to another format
      map-chunks   Call a Python function with each chunk of a file of rows, and write what it returns
      diff         Compare two versions of artifacts, the tensors of two files, or two messages of
                   Protobuf
      fmt          Lay out files in JSON and YAML: blanks, indentation, lines
      validate     Find all that is wrong with files
      scan         Say what opening files would do, from their bytes alone
      run          Run a pipeline of a Python file
      runs         List runs, or show the steps of one
      artifacts    List what pipelines have made
      lineage      Show what an artifact was made from
      compare      Say what differs between two runs
      tag          Call a run by tags, or take them away
      alias        Give a version of an artifact a name of its own, or list these names
      why          Say why a step of a run ran, or did not
      logs         Print what a step of a run has printed
      fsck         Check a store or an HDF5 file, and repair what can be repaired
      gc           Remove what nothing reaches from a store
      store        Copy a store, verify it, or say how much it holds
      completions  Print completions for a shell
      man          Print a manual page, for `man -l -`
      help         Print this message or the help of the given subcommand(s)

    Options:
          --color <WHEN>  When results and messages have colours [default: auto]
      -q, --quiet         Write results and errors only: no progress, no summaries, and of a scan only
                          findings
      -h, --help          Print help
      -V, --version       Print version

    A FILE may be `-` for standard input or output, and compressed (.gz, .zst, .bz2,
    .xz, .lz4, .zz).
    Exit status: 0 fine, 1 findings, 2 could not complete.
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("head --help"), @r"
    Print the first rows, items or entries of files

    Usage: cannery head [OPTIONS] <FILE>...

    Arguments:
      <FILE>...  Files

    Options:
          --from <FORMAT>   Format of the files, where content and name do not tell
          --to <FORMAT>     Format to print, instead of JSON
          --path <PATH>     Only the part at this path: `$.a[3].b`, `$.a[-1]`, of each item `$.a[*].b`,
                            of some `$.a[2:5]`
          --tagged          Keep types that the target lacks, in the tagged form; read it in the source
          --rows            Take a single document for rows, where a format has both
          --schema <FILE>   Schema of a Protobuf file: a `.proto` file or a descriptor set
          --message <NAME>  Message of the schema that the file is: `shop.Order`
          --json            Print one JSON document per file, without line breaks inside
          --nan             Print NaN and infinities as Python writes them, instead of null: no other
                            program reads that
      -n, --lines <COUNT>   How many [default: 10]
          --color <WHEN>    When results and messages have colours [default: auto]
      -q, --quiet           Write results and errors only: no progress, no summaries, and of a scan only
                            findings
      -h, --help            Print help
    ----- exit 0
    ");
    assert!(folder.run("completions bash").contains("complete -F _cannery"));
}
