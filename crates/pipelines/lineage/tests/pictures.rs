//! Graphs of a real store, as they are drawn and written.

use cannery_lineage::{Graph, NodeStatus, OpenLineageOptions, Reach, open_lineage};
use cannery_pipeline::{Description, Engine, FnStep, Output, Run, StepCall, StepRef, Store};

fn number(value: usize) -> Output {
    Output::bytes("value.json", value.to_string(), Description::new("builtins.int", "json/1"))
}

fn submit(run: &Run, name: &str, value: usize, inputs: &[StepRef]) -> StepRef {
    let body = FnStep::new("1", move |_| Ok(number(value).into()));
    let call = StepCall::new(name, body).literal("value", value.to_string());
    let named = inputs.iter().enumerate();
    let call = named.fold(call, |call, (index, step)| call.input(format!("x{index}"), *step));
    run.submit(call).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn a_run_as_a_flowchart() {
    let (_folder, store) = store();
    let engine = Engine::new(store.clone()).workers(0);
    for round in 0..2 {
        let run = engine.begin_run("daily", "{}", None).unwrap();
        let read = submit(&run, "read", 1, &[]);
        let clean = submit(&run, "a \"b\" <i>", 2, &[read]);
        submit(&run, "join", 3 + round, &[read, clean]);
        run.finish(&mut || Ok(())).unwrap();
    }
    let graph = Graph::of_run(&store, cannery_store::RunId(2)).unwrap();
    let chart: Vec<_> = graph
        .to_mermaid()
        .lines()
        .map(|line| line.split(" · 0").next().unwrap_or_default().to_owned())
        .collect();
    insta::assert_snapshot!(chart.join("\n"), @r#"
    flowchart LR
        n0["read<br>cached<br>read@1: int · 1 B"]:::cached
        n1["a #34;b#34; #60;i#62;<br>cached<br>a #34;b#34; #60;i#62;@1: int · 1 B"]:::cached
        n2["join<br>completed
        n0 --> n1
        n0 --> n2
        n1 --> n2
        classDef completed stroke:#1a7f37,stroke-width:2px
        classDef cached stroke:#57606a,stroke-width:2px
    "#);
    let join = store.find_artifact("join").unwrap();
    let lineage = Graph::of_artifact(&store, join.id, Reach::Up).unwrap();
    assert_eq!((lineage.nodes.len(), lineage.edges.len()), (3, 3));
    let read = store.find_artifact("read").unwrap();
    let used = Graph::of_artifact(&store, read.id, Reach::Down).unwrap();
    assert_eq!(used.nodes.len(), 4, "both joins");
    let svg = used.to_svg();
    assert_eq!(svg.matches("<path d=\"M").count(), 2 * used.edges.len(), "a line and a head");
    assert!(!svg.contains("<i>") && svg.contains("&lt;i&gt;"));
}

#[test]
fn many_alike_are_one_and_too_many_are_refused() {
    let (_folder, store) = store();
    let run = Engine::new(store.clone()).workers(0).begin_run("sweep", "{}", None).unwrap();
    let read = submit(&run, "read", 0, &[]);
    let tries: Vec<_> = (1..=40).map(|value| submit(&run, "try", value, &[read])).collect();
    submit(&run, "best", 0, &tries);
    run.finish(&mut || Ok(())).unwrap();
    let graph = Graph::of_run(&store, run.id()).unwrap();
    let titles: Vec<_> = graph.nodes.iter().map(|node| node.title.as_str()).collect();
    assert_eq!(titles, ["read", "try × 40", "best"]);
    assert_eq!(
        (graph.nodes[1].detail.as_str(), graph.nodes[1].status),
        ("", NodeStatus::Completed)
    );
    assert_eq!(graph.edges.len(), 2);

    let run = Engine::new(store.clone()).workers(0).begin_run("chain", "{}", None).unwrap();
    let mut last = submit(&run, "link", 0, &[]);
    for value in 1..1001 {
        last = submit(&run, "link", value, &[last]);
    }
    run.finish(&mut || Ok(())).unwrap();
    let error = Graph::of_run(&store, run.id()).unwrap_err();
    insta::assert_snapshot!(error.report(), @"
    1001 steps are too many for one picture

    hint: ask for one artifact's lineage; as text and events there is no limit
    ");
    let events = open_lineage(&store, &[run.id()], &OpenLineageOptions::default()).unwrap();
    assert_eq!(events.lines().count(), 2 + 2 * 1001);
}

#[test]
fn maps_over_maps_are_folded_and_what_went_otherwise_is_not() {
    let (_folder, store) = store();
    let run = Engine::new(store.clone()).workers(0).begin_run("sweep", "{}", None).unwrap();
    let roots: Vec<_> = (0..2).map(|value| submit(&run, "read", value, &[])).collect();
    let mut tries = Vec::new();
    let mut scores = Vec::new();
    for root in &roots {
        for _ in 0..12 {
            let value = 10 + tries.len();
            tries.push(submit(&run, "try", value, &[*root]));
            scores.push(submit(&run, "score", value, &[*tries.last().unwrap()]));
        }
    }
    let few: Vec<_> = (0..3).map(|value| submit(&run, "try", 100 + value, &[roots[0]])).collect();
    submit(&run, "best", 0, &[scores, few].concat());
    run.finish(&mut || Ok(())).unwrap();
    let graph = Graph::of_run(&store, run.id()).unwrap();
    let mut titles: Vec<_> = graph.nodes.iter().map(|node| node.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(
        titles,
        [
            "best",
            "read",
            "read-2",
            "score × 12",
            "score × 12",
            "try × 12",
            "try × 12",
            "try-25",
            "try-26",
            "try-27"
        ]
    );
    assert_eq!(graph.edges.len(), 2 + 2 + 2 + 3 + 3, "no card is fed by both of the roots");
}
