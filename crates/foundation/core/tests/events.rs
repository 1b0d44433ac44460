//! Values, graphs and tapes: whatever the events of one build is the same again.

use std::collections::HashSet;

use cannery_core::{
    Container, Error, ErrorKind, Event, ExpandAliases, Graph, GraphBuilder, Limits, Node, Sink,
    Source, Tape, Value, ValueBuilder,
};
use cannery_testing::{any_graph, any_marked_value, any_value, events, isomorphic};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_value_is_what_its_events_build(value in any_value()) {
        let again = Value::from_source(&value, Limits::default())?;
        prop_assert_eq!(events(&again), events(&value));
    }

    #[test]
    fn marks_and_aliases_survive(value in any_marked_value()) {
        let again = Value::from_source(&value, Limits::default())?;
        prop_assert_eq!(events(&again), events(&value));
    }

    #[test]
    fn a_graph_is_what_its_events_build(graph in any_graph()) {
        let again = Graph::from_source(&graph, Limits::default())?;
        prop_assert!(isomorphic(&graph, &again), "{graph:?}\nbecame\n{again:?}");
        prop_assert_eq!(events(&again), events(&graph));
    }

    #[test]
    fn graphs_number_their_marks_in_order_and_mark_only_what_is_shared(graph in any_graph()) {
        let tape = events(&graph);
        let marks: Vec<u64> = ids(&tape, |e| if let Event::Mark(id) = e { Some(*id) } else { None });
        let aliases = ids(&tape, |e| if let Event::Alias(id) = e { Some(*id) } else { None });
        prop_assert!(marks.iter().copied().eq(1..=marks.len() as u64), "{marks:?}");
        let marks: HashSet<u64> = marks.into_iter().collect();
        prop_assert_eq!(marks, aliases.into_iter().collect::<HashSet<u64>>());
    }

    #[test]
    fn a_tree_passes_through_a_graph(value in any_value()) {
        let graph = Graph::from_source(&value, Limits::default())?;
        prop_assert_eq!(events(&graph), events(&value));
    }

    #[test]
    fn a_tape_sends_what_it_received(value in any_marked_value()) {
        let tape = events(&value);
        prop_assert_eq!(&events(&tape), &tape);
    }

    #[test]
    fn unshare_sends_the_expansion(value in any_marked_value()) {
        let tape = events(&value);
        match (unshared(&tape), expanded(&tape)) {
            (Ok(found), Some(expected)) => prop_assert_eq!(found, expected),
            (Err(error), None) => prop_assert_eq!(error.kind(), ErrorKind::Cycle),
            (found, expected) => prop_assert!(false, "{found:?} is not {expected:?}"),
        }
    }
}

fn ids(tape: &Tape, pick: impl Fn(&Event) -> Option<u64>) -> Vec<u64> {
    tape.events.iter().filter_map(pick).collect()
}

fn unshared<S: Source>(source: &S) -> Result<Tape, Error> {
    let sink = cannery_testing::Checked::new(Tape::default());
    let mut sink = ExpandAliases::new(sink, Limits::default().nodes(100_000));
    source.emit(&mut sink)?;
    Ok(sink.into_inner().finish())
}

/// The events with each alias replaced by its value, the slow and obvious way; none for a cycle.
fn expanded(tape: &Tape) -> Option<Tape> {
    let mut events = tape.events.clone();
    while let Some(at) = events.iter().position(|e| matches!(e, Event::Alias(_))) {
        let Event::Alias(id) = events[at] else { unreachable!() };
        let start = events.iter().position(|e| *e == Event::Mark(id))? + 1;
        let end = start + length(&events[start..]);
        if (start..end).contains(&at) {
            return None;
        }
        // The first alias is expanded first, so no alias is left before it, nor in its value.
        let copy: Vec<Event> = events[start..end].to_vec();
        let copy = copy.into_iter().filter(|e| !matches!(e, Event::Mark(_)));
        events.splice(at..=at, copy.collect::<Vec<_>>());
    }
    events.retain(|e| !matches!(e, Event::Mark(_)));
    // A text key that was marked or an alias is a plain text key now.
    let mut at = 0;
    while at + 1 < events.len() {
        if let (Event::Entry, Event::Text(key)) = (&events[at], &events[at + 1]) {
            let key = Event::Key(key.clone());
            events.splice(at..at + 2, [key]);
        }
        at += 1;
    }
    Some(Tape { events })
}

/// The number of events of the value at the front.
fn length(events: &[Event]) -> usize {
    let mut depth = 0_usize;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Begin(..) | Event::BeginObject(..) => depth += 1,
            Event::End(_) | Event::EndObject => depth -= 1,
            Event::Mark(_) | Event::Key(_) | Event::Entry => continue,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("events without an end")
}

#[test]
fn cycles_run_through_tuples_and_keys() {
    let mut builder = GraphBuilder::new(Limits::default());
    builder.mark(1).unwrap();
    builder.begin(Container::Tuple, None).unwrap();
    builder.begin(Container::Map, None).unwrap();
    builder.entry().unwrap();
    builder.alias(1).unwrap();
    builder.null().unwrap();
    builder.end(Container::Map).unwrap();
    builder.end(Container::Tuple).unwrap();
    let graph = builder.finish().unwrap();
    let root = graph.root().unwrap();
    let Node::Tuple(items) = &graph[root] else { panic!("a tuple") };
    let Node::Map(entries) = &graph[items[0]] else { panic!("a map") };
    assert_eq!(entries[0].0, root);
}

#[test]
fn depth_costs_a_graph_no_stack() {
    let mut graph = Graph::new();
    let mut inner = graph.add(Node::Null);
    for _ in 0..1_000_000 {
        inner = graph.add(Node::List(vec![inner]));
    }
    graph.set_root(inner);
    let copy = Graph::from_source(&graph, Limits::unlimited()).unwrap();
    assert_eq!(copy.len(), graph.len());
    let mut sink = ExpandAliases::new(Tape::default(), Limits::default());
    graph.emit(&mut sink).unwrap();
    assert_eq!(sink.into_inner().events.len(), 2_000_001);
}

#[test]
fn the_deepest_tree_fits_a_small_stack() {
    let deepest = |depth: usize| {
        let mut builder = ValueBuilder::new(Limits::unlimited());
        for id in 0..depth as u64 {
            builder.mark(id)?;
            builder.begin(Container::Tuple, None)?;
        }
        for _ in 0..depth {
            builder.end(Container::Tuple)?;
        }
        builder.finish()
    };
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let check = move || {
        let value = deepest(ValueBuilder::MAX_DEPTH).unwrap();
        assert_eq!(value, value.clone());
        assert_eq!(deepest(ValueBuilder::MAX_DEPTH + 1).unwrap_err().kind(), ErrorKind::Depth);
        format!("{value:?}").len()
    };
    assert!(small.spawn(check).unwrap().join().unwrap() > ValueBuilder::MAX_DEPTH);
}

#[test]
fn text_shared_by_keys_stays_a_key() {
    let mut graph = Graph::new();
    let name = graph.add(Node::Text("n".repeat(100).into()));
    let one = graph.add(Node::Map(vec![(name, name)]));
    graph.set_root(one);
    let tape = events(&graph);
    assert!(matches!(tape.events[1], Event::Key(_)), "{tape:?}");
    assert!(matches!(tape.events[2], Event::Text(_)), "{tape:?}");
}

/// Ten lists of ten of the list before: 10^30 values in a few hundred events.
fn bomb() -> Tape {
    let mut events = vec![Event::Begin(Container::List, None)];
    for id in 1..=30 {
        events.extend([Event::Mark(id), Event::Begin(Container::List, None)]);
        events.extend((0..10).map(|_| if id == 1 { Event::Null } else { Event::Alias(id - 1) }));
        events.push(Event::End(Container::List));
    }
    events.push(Event::End(Container::List));
    Tape { events }
}

#[test]
fn a_few_lines_do_not_expand_to_billions() {
    let error = unshared(&bomb()).unwrap_err();
    insta::assert_snapshot!(error.report(), @r"
    the input expands to more values than its limit allows

    hint: raise the limits if this input is trusted
    ");
}

#[test]
fn long_text_does_not_expand_to_gigabytes() {
    let mut sink = ExpandAliases::new(Tape::default(), Limits::default().base_bytes(1 << 16));
    sink.begin(Container::List, None).unwrap();
    sink.mark(1).unwrap();
    sink.text("x".repeat(1000).as_str().into()).unwrap();
    let error = (0..2000).find_map(|_| sink.alias(1).err()).unwrap();
    insta::assert_snapshot!(error.report(), @r"
    the input expands to more bytes than its limit allows

    hint: raise the limits if this input is trusted
    ");
}

/// What comes of events sent to a sink, as a message.
fn message<T>(result: Result<T, Error>) -> String {
    result.map(|_| ()).unwrap_err().report()
}

#[test]
fn messages() {
    let builder = || ValueBuilder::new(Limits::default().depth(2).nodes(3));
    insta::assert_snapshot!(message(builder().finish()), @"the stream ended inside a value");
    let deep: Value = [Value::from_iter([Value::List(vec![])])].into_iter().collect();
    insta::assert_snapshot!(message(deep.emit(&mut builder())), @r"
    nested deeper than 2 levels

    hint: raise the depth limit if this input is trusted
    ");
    let wide: Value = (0..3).collect();
    insta::assert_snapshot!(message(wide.emit(&mut builder())), @r"
    the input expands to more values than its limit allows

    hint: raise the limits if this input is trusted
    ");
    let unlimited = &mut ValueBuilder::new(Limits::unlimited());
    let too_deep = (0..5000).find_map(|_| unlimited.begin(Container::List, None).err());
    insta::assert_snapshot!(too_deep.unwrap().report(), @r"
    nested deeper than the 1024 levels of a tree

    hint: build a `Graph`, which has no such bound
    ");
}

#[test]
fn messages_about_references() {
    let graph = &mut GraphBuilder::new(Limits::default());
    insta::assert_snapshot!(message(graph.alias(3)), @"expected a value marked 3 before its alias");
    let twice = Value::List(vec![
        Value::Marked(1, Box::new(Value::Null)),
        Value::Marked(1, Box::new(Value::Null)),
    ]);
    insta::assert_snapshot!(message(twice.emit(graph)), @"two values are marked 1");
    let own = Value::Marked(1, Box::new(Value::List(vec![Value::Alias(1)])));
    let mut unshare = ExpandAliases::new(Tape::default(), Limits::default());
    insta::assert_snapshot!(message(own.emit(&mut unshare)), @r"
    a value that holds itself cannot be written without references

    hint: write a format that has references, or full-fidelity tags
    ");
    insta::assert_snapshot!(message(unshare.alias(9)), @"expected a value marked 9 before its alias");
}

#[test]
fn messages_about_editing() {
    let mut graph = Graph::new();
    let null = graph.add(Node::Null);
    let list = graph.add(Node::List(vec![]));
    insta::assert_snapshot!(message(graph.push(null, null)), @"expected a list, found null");
    insta::assert_snapshot!(message(graph.insert(list, null)), @"expected a set, found a list");
    insta::assert_snapshot!(message(graph.set_item(list, null, null)), @"expected a map, found a list");
    insta::assert_snapshot!(message(graph.set_part(list, "x".into(), null)), @"expected an object, found a list");
    insta::assert_snapshot!(message(Value::from_source(&graph, Limits::default())), @r"
    the graph has no root

    hint: call `set_root` first
    ");
}
