//! `runs`, `artifacts`, `lineage` and `why` over a store that a Rust pipeline fills.

mod common;

use cannery_pipeline::{Description, Engine, FnStep, Output, Run, RunError, StepCall, Store};
use common::Folder;

fn text(bytes: &[u8]) -> Output {
    Output::bytes("value.txt", bytes.to_vec(), Description::new("str", "text/1"))
}

fn pages(run: &Run, prefix: &str) -> Result<(), RunError> {
    let load = FnStep::new("version 1", |_| Ok(text(b"3").into()));
    let load = run.submit(StepCall::new("load", load))?;
    let make = FnStep::new("version 1", |context| {
        let mut page = context.literal("prefix")?.to_vec();
        page.extend(context.read("number", "value.txt")?);
        Ok(text(&page).into())
    });
    let make = StepCall::new("make_page", make).input("number", load).literal("prefix", prefix);
    let make = run.submit(make)?;
    let join =
        FnStep::new("version 1", |context| Ok(text(&context.read("page", "value.txt")?).into()));
    let join = StepCall::new("join", join).input("page", make).input("number", load);
    let join = run.submit(join)?;
    run.wait(join, &mut || Ok(()))?;
    Ok(())
}

/// A store with three runs: all new, all known, one parameter changed.
fn filled() -> Folder {
    let folder = Folder::new();
    let engine = Engine::new(Store::open(folder.path("store")).unwrap());
    for prefix in ["page", "page", "sheet"] {
        let params = format!("{{\"prefix\": \"{prefix}\"}}");
        let run = engine.begin_run("pages", &params, None).unwrap();
        pages(&run, prefix).unwrap();
        run.finish(&mut || Ok(())).unwrap();
    }
    folder
}

fn check(folder: &Folder, lines: &[&str]) -> String {
    let prefix =
        |line: &&str| format!("$ {line}\n{}", folder.run(&format!("{line} --store :store")));
    lines.iter().map(prefix).collect()
}

/// What differs from run to run.
fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[moment]"),
        (r"\b\d\.\d{3} s\b", "[time]"),
        (r#""seconds":[0-9.e-]+"#, r#""seconds":[time]"#),
        (r#""cpu":[0-9.e-]+"#, r#""cpu":[time]"#),
        (r#""memory":\d+"#, r#""memory":[bytes]"#),
        (r#""host":"[^"]*""#, r#""host":"[host]""#),
        (r"DURATION +", "DURATION  "),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "[short moment]"),
    ]
}

#[test]
fn what_was_run() {
    let folder = filled();
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(check(&folder, &["runs", "runs -n 1 --json", "runs 2", "runs 3 --json", "runs 9", "runs --status gone"]), @r#"
    $ runs
    RUN  PIPELINE  STATUS     STARTED (UTC)     DURATION  ERROR
    3    pages     completed  [short moment]  [time]
    2    pages     completed  [short moment]  [time]
    1    pages     completed  [short moment]  [time]
    ----- exit 0
    $ runs -n 1 --json
    [{"run":3,"pipeline":"pages","status":"completed","started":"[moment]","seconds":[time],"params":{"prefix":"sheet"},"code_version":null,"host":"[host]","tags":[],"error":null}]
    ----- exit 0
    $ runs 2
    run 2  pages  completed in [time]  [short moment]
    parameters  {"prefix": "page"}
    STEP       STATUS  DURATION  OUTPUTS
    load       cached            load@1
    make_page  cached            make_page@1
    join       cached            join@1
    ----- exit 0
    $ runs 3 --json
    {"run":3,"pipeline":"pages","status":"completed","started":"[moment]","seconds":[time],"params":{"prefix":"sheet"},"code_version":null,"host":"[host]","tags":[],"error":null,"steps":[{"step":"load","status":"completed","cached":true,"started":"[moment]","seconds":[time],"cpu":null,"memory":null,"attempts":1,"outputs":[{"output":"","artifact":"load","version":1,"digest":"7d2e824bd729e40069e356626cf18c99ec780b746f1e66b51e77261d9879d1d6"}],"error":null},{"step":"make_page","status":"completed","cached":false,"started":"[moment]","seconds":[time],"cpu":[time],"memory":[bytes],"attempts":1,"outputs":[{"output":"","artifact":"make_page","version":2,"digest":"53d4ce17bae3a43e9ce10c29962c2175aae9140c053636c1d7d6dce99f9277aa"}],"error":null},{"step":"join","status":"completed","cached":false,"started":"[moment]","seconds":[time],"cpu":[time],"memory":[bytes],"attempts":1,"outputs":[{"output":"","artifact":"join","version":2,"digest":"53d4ce17bae3a43e9ce10c29962c2175aae9140c053636c1d7d6dce99f9277aa"}],"error":null}]}
    ----- exit 0
    $ runs 9
    ----- exit 2
    error: the store has no run 9
    hint: `cannery runs` lists them
    $ runs --status gone
    ----- exit 2
    error: expected one of `running`, `completed`, `failed`, `interrupted`, `crashed`, found `gone`
    "#);
    });
}

#[test]
fn why_it_ran() {
    let folder = filled();
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(check(&folder, &["why 1 load", "why 2 load", "why 3 make_page", "why 3 make_page --json", "why 3 nothing"]), @r#"
        $ why 1 load
        step `load` of run 1 ran: no earlier run had completed it
        ----- exit 0
        $ why 2 load
        step `load` of run 2 did not run: its result was known from run 1
        ----- exit 0
        $ why 3 make_page
        step `make_page` of run 3 ran: since run 2
          parameter prefix changed from `page` to `sheet`
        ----- exit 0
        $ why 3 make_page --json
        {"run":3,"step":"make_page","reason":"changed","previous_run":2,"changes":[{"label":"parameter prefix","before":"page","after":"sheet","diff":null}]}
        ----- exit 0
        $ why 3 nothing
        ----- exit 2
        error: run 3 has no step `nothing`
        hint: its steps are: `load`, `make_page`, `join`
        "#);
    });
}

#[test]
fn what_was_made() {
    let folder = filled();
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(check(&folder, &["artifacts", "artifacts make_page", "artifacts load --json", "artifacts --run 1", "artifacts model"]), @r#"
    $ artifacts
    ARTIFACT           TYPE  FORMAT  SIZE  DIGEST    CREATED (UTC)     RUN
    pages/join@2       str   text/1  6 B   53d4ce17  [short moment]  3
    pages/make_page@2  str   text/1  6 B   53d4ce17  [short moment]  3
    pages/load@1       str   text/1  1 B   7d2e824b  [short moment]  1
    ----- exit 0
    $ artifacts make_page
    ARTIFACT           TYPE  FORMAT  SIZE  DIGEST    CREATED (UTC)     RUN
    pages/make_page@2  str   text/1  6 B   53d4ce17  [short moment]  3
    pages/make_page@1  str   text/1  5 B   39aec346  [short moment]  1
    ----- exit 0
    $ artifacts load --json
    [{"artifact":"pages/load","version":1,"digest":"7d2e824bd729e40069e356626cf18c99ec780b746f1e66b51e77261d9879d1d6","type":"str","format":"text/1","size":1,"created":"[moment]","producer":{"run":1,"step":"load","output":""},"metadata":{}}]
    ----- exit 0
    $ artifacts --run 1
    ARTIFACT           TYPE  FORMAT  SIZE  DIGEST    CREATED (UTC)     RUN
    pages/join@1       str   text/1  5 B   39aec346  [short moment]  1
    pages/make_page@1  str   text/1  5 B   39aec346  [short moment]  1
    pages/load@1       str   text/1  1 B   7d2e824b  [short moment]  1
    ----- exit 0
    $ artifacts model
    ----- exit 2
    error: the store has no artifact `model`
    hint: the store has, newest first: `pages/join`, `pages/make_page`, `pages/load`
    "#);
    });
}

#[test]
fn what_it_was_made_from() {
    let folder = filled();
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(check(&folder, &["lineage join", "lineage load --down", "lineage join@1 --json", "lineage model"]), @r#"
        $ lineage join
        pages/join@2  str  6 B  text/1  by join in run 3, [time]
        ├ page: pages/make_page@2  str  6 B  text/1  by make_page in run 3, [time]
        │ └ number: pages/load@1  str  1 B  text/1  by load in run 1, [time]
        └ number: pages/load@1  str  1 B  text/1  by load in run 1, [time]
        ----- exit 0
        $ lineage load --down
        pages/load@1  str  1 B  text/1  by load in run 1, [time]
        ├ pages/make_page@1  str  5 B  text/1  by make_page in run 1, [time]
        │ └ pages/join@1  str  5 B  text/1  by join in run 1, [time]
        ├ pages/join@1  str  5 B  text/1  by join in run 1, [time]
        ├ pages/make_page@2  str  6 B  text/1  by make_page in run 3, [time]
        │ └ pages/join@2  str  6 B  text/1  by join in run 3, [time]
        └ pages/join@2  str  6 B  text/1  by join in run 3, [time]
        ----- exit 0
        $ lineage join@1 --json
        {"artifacts":[{"artifact":"pages/join","version":1,"digest":"39aec346ec92cd23562f49a10f08787b524a1f70b29d979ca9f22f47e3588819","type":"str","format":"text/1","size":5,"created":"[moment]","producer":{"run":1,"step":"join","output":""},"metadata":{}},{"artifact":"pages/make_page","version":1,"digest":"39aec346ec92cd23562f49a10f08787b524a1f70b29d979ca9f22f47e3588819","type":"str","format":"text/1","size":5,"created":"[moment]","producer":{"run":1,"step":"make_page","output":""},"metadata":{}},{"artifact":"pages/load","version":1,"digest":"7d2e824bd729e40069e356626cf18c99ec780b746f1e66b51e77261d9879d1d6","type":"str","format":"text/1","size":1,"created":"[moment]","producer":{"run":1,"step":"load","output":""},"metadata":{}}],"edges":[{"source":"pages/make_page@1","result":"pages/join@1","argument":"page"},{"source":"pages/load@1","result":"pages/join@1","argument":"number"},{"source":"pages/load@1","result":"pages/make_page@1","argument":"number"}]}
        ----- exit 0
        $ lineage model
        ----- exit 2
        error: the store has no artifact `model`
        hint: the store has, newest first: `pages/join`, `pages/make_page`, `pages/load`
        "#);
    });
}

#[test]
fn looking_makes_no_store() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("runs --store :nothing"), @r"
    ----- exit 2
    error: there is no store at `nothing`
    hint: `cannery run` makes one
    ");
    assert!(!folder.path("nothing").exists());
    Store::open(folder.path("empty")).unwrap();
    insta::assert_snapshot!(folder.run("runs --store :empty"), @r"
    no runs
    ----- exit 0
    ");
    insta::assert_snapshot!(folder.run("artifacts --store :empty --json"), @r"
    []
    ----- exit 0
    ");
    folder.write("empty/version", "99\n");
    insta::assert_snapshot!(folder.run("runs --store :empty"), @r"
    ----- exit 2
    error: the store `empty` has layout version 99, this release knows version 1
    hint: update cannery (`pip install -U cannery`), or name another store with the environment variable CANNERY_STORE
    ");
}

#[test]
fn lines_fit_where_names_are_long() {
    let folder = Folder::new();
    let engine = Engine::new(Store::open(folder.path("store")).unwrap());
    let params = "{\"path\": \"a/rather/long/path/to/the/instances/of/a/dataset.json\", \"n\": 1}";
    let run = engine.begin_run("a_pipeline_with_long_name", params, None).unwrap();
    let make = FnStep::new("version 1", |_| {
        let description =
            Description::new("my_package.records.RecordCollection", "records.jsonl/12");
        Ok(Output::bytes("rows.jsonl", b"{}".to_vec(), description).into())
    });
    let step = StepCall::new("compute_features_of_boxes", make);
    let step = run.submit(step).unwrap();
    run.wait(step, &mut || Ok(())).unwrap();
    run.finish(&mut || Ok(())).unwrap();
    let lines = ["runs", "runs 1", "artifacts", "lineage compute_features_of_boxes"];
    let printed: String = lines.iter().map(|line| folder.run_narrow(line)).collect();
    let longest = printed.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(72), "{printed}");
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(printed, @r#"
    RUN  PIPELINE               STATUS     STARTED (UTC)     DURATION  ERROR
    1    a_pipeline…_long_name  completed  [short moment]  [time]
    ----- exit 0
    run 1  a_pipeline_with_long_name  completed in [time]  [short moment]
    parameters  {"path": "a/rather/long/path/to/the/instances/of/a/dataset.…
    STEP                       STATUS     DURATION  OUTPUTS
    compute_features_of_boxes  completed  [time]   compute_feat…_of_boxes@1
    ----- exit 0
    ARTIFACT       TYPE      FORMAT    SIZE  DIGEST    CREATED (UTC)     RUN
    a_pipe…oxes@1  …lection  records…  2 B   20b851a7  [short moment]  1
    ----- exit 0
    a_pipeline_with_long_name/compute_features_of_boxes@1  my_package.recor…
    ----- exit 0
    "#);
    });
}

#[test]
fn whether_it_is_whole_and_what_it_holds() {
    let folder = filled();
    let said = |line: &str| folder.run(&format!("{line} --store :store"));
    let whole = said("fsck --read-data");
    assert!(
        whole.starts_with("ok: ") && whole.contains(" read, 5 artifact versions, 3 runs"),
        "{whole}"
    );
    assert!(said("store verify --json").starts_with(r#"{"ok":true,"#));
    assert!(
        said("gc --dry-run").starts_with("would remove: 0 runs, 0 artifact versions, 0 objects")
    );
    assert!(said("store size").contains("make_page"));
    assert!(said("store quota 5M").starts_with("5."), "{}", said("store quota"));
    assert!(said("store quota none").starts_with("no quota"));
    assert!(said("store quota much").contains("expected a number of bytes"));
    assert!(said("gc --older-than soon").contains("expected a number and a unit"));

    let catalog = folder.path("store").join("catalog.sqlite");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", catalog.display()));
    }
    let lost = said("fsck");
    assert!(lost.contains("has no `catalog.sqlite`") && lost.contains("----- exit 1"), "{lost}");
    let repaired = said("fsck --repair");
    assert!(repaired.contains("from the records of 3 runs"), "{repaired}");
    assert!(repaired.contains("ok, 1 repaired") && repaired.contains("----- exit 0"), "{repaired}");
}

#[test]
fn what_steps_have_printed() {
    let folder = Folder::new();
    let engine = Engine::new(Store::open(folder.path("store")).unwrap());
    for _ in 0..2 {
        let run = engine.begin_run("loud", "{}", None).unwrap();
        let speak = FnStep::new("version 1", |context| {
            context.log("one\n\x1b[2J two\r\nthree without an end")?;
            Ok(text(b"3").into())
        });
        let quiet = FnStep::new("version 1", |_| Ok(text(b"4").into()));
        run.submit(StepCall::new("speak", speak)).unwrap();
        run.submit(StepCall::new("quiet", quiet)).unwrap();
        run.finish(&mut || Ok(())).unwrap();
    }
    let lines = [
        "logs 1 speak",
        "logs 1",
        "logs --last speak",
        "logs --last quiet --follow",
        "logs 2 speak --json",
        "logs 1 shout",
        "logs speak",
        "logs --last shout",
        "logs 3 speak",
    ];
    insta::assert_snapshot!(check(&folder, &lines), @r#"
    $ logs 1 speak
    one
    \u{1b}[2J two
    three without an end
    ----- exit 0
    $ logs 1
    == speak
    one
    \u{1b}[2J two
    three without an end
    == quiet
    ----- exit 0
    $ logs --last speak
    one
    \u{1b}[2J two
    three without an end
    ----- exit 0
    `speak` was cached; printed when it ran in run 1:
    $ logs --last quiet --follow
    ----- exit 0
    `quiet` was cached; printed when it ran in run 1:
    $ logs 2 speak --json
    [{"run":2,"step":"speak","ran_in":1,"log":"one\n\u001b[2J two\r\nthree without an end"}]
    ----- exit 0
    $ logs 1 shout
    ----- exit 2
    error: run 1 has no step `shout`
    hint: its steps are: speak, quiet
    $ logs speak
    ----- exit 2
    error: `speak` is no number of a run
    hint: `cannery logs --last speak`, if it is the name of a step
    $ logs --last shout
    ----- exit 2
    error: no run has a step `shout`
    hint: `cannery runs RUN` lists the steps of a run
    $ logs 3 speak
    ----- exit 2
    error: the store has no run 3
    hint: `cannery runs` lists them
    "#);
}
