//! One computation for each key, forced steps, and results that expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cannery_pipeline::{Engine, FnStep, StepCall, Store};

use crate::helpers::{Bench, text};

/// A step whose value is how often it was executed, and which takes a while.
fn counted(count: &Arc<AtomicUsize>) -> StepCall {
    let count = Arc::clone(count);
    StepCall::new(
        "counted",
        FnStep::new("1", move |_| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            thread::sleep(Duration::from_millis(30));
            Ok(text(number.to_string()).into())
        }),
    )
}

#[test]
fn one_key_is_computed_once_in_a_run() {
    let bench = Bench::with_workers(4);
    let count = Arc::default();
    let run = bench.begin();
    let steps: Vec<_> = (0..6).map(|_| run.submit(counted(&count)).unwrap()).collect();
    run.finish(&mut || Ok(())).unwrap();
    let outcomes: Vec<_> = steps.iter().map(|step| run.outcome(*step).unwrap().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.cached).count(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.output("") == outcomes[0].output("")));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn one_key_is_computed_once_by_stores_that_know_nothing_of_each_other() {
    let bench = Bench::new();
    let count: Arc<AtomicUsize> = Arc::default();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = Store::open(bench.store().root()).unwrap();
                let run = Engine::new(store).workers(0).begin_run("p", "{}", None).unwrap();
                run.submit(counted(&count)).unwrap();
                run.finish(&mut || Ok(())).unwrap();
            });
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn who_waits_takes_over_when_the_other_fails() {
    let bench = Bench::new();
    let count: Arc<AtomicUsize> = Arc::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let count = Arc::clone(&count);
                let step = FnStep::new("1", move |_| {
                    thread::sleep(Duration::from_millis(20));
                    match count.fetch_add(1, Ordering::SeqCst) {
                        0 => panic!("the first fails"),
                        number => Ok(text(number.to_string()).into()),
                    }
                });
                let store = Store::open(bench.store().root()).unwrap();
                let run = Engine::new(store).workers(0).begin_run("p", "{}", None).unwrap();
                run.submit(StepCall::new("step", step)).unwrap();
                let _ = run.finish(&mut || Ok(()));
            });
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn a_forced_step_makes_the_result_anew_once_in_a_run() {
    let bench = Bench::new();
    let count = Arc::default();
    let mut values = Vec::new();
    for force in [false, true, false] {
        let run = bench.begin();
        let steps = [0, 1].map(|_| run.submit(counted(&count).force(force)).unwrap());
        run.finish(&mut || Ok(())).unwrap();
        for step in steps {
            let outcome = run.outcome(step).unwrap().unwrap();
            let digest = outcome.output("").unwrap().digest;
            let bytes = bench.store().read(digest, "value.txt").unwrap();
            values.push((outcome.cached, String::from_utf8(bytes).unwrap()));
        }
    }
    let told: Vec<_> = values.iter().map(|(cached, value)| (*cached, value.as_str())).collect();
    let expected = [(false, "1"), (true, "1"), (false, "2"), (true, "2"), (true, "2"), (true, "2")];
    assert_eq!(told, expected);
}

#[test]
fn a_result_expires() {
    let bench = Bench::new();
    let count = Arc::default();
    for ttl in [None, Some(Duration::from_secs(3600)), Some(Duration::ZERO), None] {
        let run = bench.begin();
        run.submit(counted(&count).ttl(ttl)).unwrap();
        run.finish(&mut || Ok(())).unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "the first, and the one that takes none");
}

#[test]
fn nothing_of_a_run_survives_it() {
    let bench = Bench::with_workers(2);
    let value = Arc::new(());
    let run = bench.begin();
    for number in 0..4 {
        let value = Arc::clone(&value);
        let step = FnStep::new("1", move |_| {
            let _ = &value;
            Ok(text(number.to_string()).into())
        });
        let step = StepCall::new("step", step).literal("number", number.to_string());
        run.submit(step).unwrap();
    }
    run.finish(&mut || Ok(())).unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
}
