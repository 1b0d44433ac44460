//! Who does which step, and how waiting is interrupted.

use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use cannery_pipeline::{Error, ErrorKind, RunStatus, StepCall};

use crate::helpers::{Bench, finish, join, statuses, step, submit, text, wait};

type Threads = Arc<Mutex<Vec<ThreadId>>>;

/// A step that notes on which thread it ran.
fn noting(name: &str, threads: &Threads) -> StepCall {
    let threads = Arc::clone(threads);
    step(name, move |_| {
        threads.lock().unwrap().push(thread::current().id());
        Ok(text("x"))
    })
}

#[test]
fn a_chain_stays_on_the_thread_that_waits() {
    let bench = Bench::with_workers(3);
    let threads = Threads::default();
    let run = bench.begin();
    let mut last = submit(&run, noting("s0", &threads), &[]);
    for i in 1..30 {
        last = submit(&run, noting(&format!("s{i}"), &threads), &[last]);
    }
    wait(&run, last).unwrap();
    finish(&run).unwrap();
    assert_eq!(*threads.lock().unwrap(), vec![thread::current().id(); 30]);
}

#[test]
fn without_workers_everything_is_done_by_the_one_that_waits() {
    let bench = Bench::with_workers(0);
    let threads = Threads::default();
    let run = bench.begin();
    for i in 0..10 {
        submit(&run, noting(&format!("s{i}"), &threads), &[]);
    }
    finish(&run).unwrap();
    assert_eq!(*threads.lock().unwrap(), vec![thread::current().id(); 10]);
}

#[test]
fn independent_steps_run_side_by_side() {
    let bench = Bench::with_workers(2);
    let run = bench.begin();
    // Each waits for the two others: one after another, they would wait for ever.
    let barrier = Arc::new(Barrier::new(3));
    let steps = ["a", "b", "c"].map(|name| {
        let barrier = Arc::clone(&barrier);
        submit(
            &run,
            step(name, move |_| {
                barrier.wait();
                Ok(text(name))
            }),
            &[],
        )
    });
    let all = submit(&run, join("all"), &steps);
    assert_eq!(wait(&run, all).unwrap(), "abc");
    finish(&run).unwrap();
}

#[test]
fn a_wide_run_is_done_by_all_and_done_once() {
    let bench = Arc::new(Bench::with_workers(3));
    let run = bench.begin();
    let layer = |name: &str, inputs: &[_]| {
        let call = |i: usize| {
            let bench = Arc::clone(&bench);
            step(&format!("{name}{i}"), move |context| {
                bench.count();
                thread::sleep(Duration::from_micros(200));
                Ok(text(context.step()))
            })
        };
        (0..12).map(|i| submit(&run, call(i), inputs)).collect::<Vec<_>>()
    };
    let first = layer("first", &[]);
    let second = layer("second", &first);
    let end = submit(&run, join("end"), &second);
    wait(&run, end).unwrap();
    finish(&run).unwrap();
    assert_eq!(bench.executed(), 24);
    assert!(statuses(&run).iter().all(|status| status.ends_with(" completed")));
}

#[test]
fn work_between_the_waits_leaves_one_step_for_the_host() {
    let bench = Bench::with_workers(1);
    let run = bench.begin();
    let threads = Threads::default();
    let steps = ["a", "b"].map(|name| submit(&run, noting(name, &threads), &[]));
    let begun = Instant::now();
    while run.outcome(steps[0]).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "a worker does the first of two");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(20));
    assert!(run.outcome(steps[1]).is_none(), "the other is the host's");
    wait(&run, steps[1]).unwrap();
    assert_eq!(threads.lock().unwrap()[1], thread::current().id());
    finish(&run).unwrap();
}

/// A run of which a worker does a step that ends when the sender is dropped.
fn with_long_step(
    bench: &Bench,
) -> (cannery_pipeline::Run, cannery_pipeline::StepRef, mpsc::Sender<()>) {
    let run = bench.begin();
    let (end, ended) = mpsc::channel::<()>();
    let (announce, begun) = mpsc::channel::<()>();
    let (ended, announce) = (Mutex::new(ended), Mutex::new(announce));
    let long = step("long", move |_| {
        announce.lock().unwrap().send(()).unwrap();
        let _ = ended.lock().unwrap().recv();
        Ok(text("done"))
    });
    let long = submit(&run, long, &[]);
    submit(&run, join("other"), &[]);
    begun.recv().unwrap();
    (run, long, end)
}

#[test]
fn whoever_waits_looks_for_signals_often() {
    let bench = Bench::with_workers(1);
    let (run, long, end) = with_long_step(&bench);
    let mut polls = Vec::new();
    let mut end = Some(end);
    run.wait(long, &mut || {
        polls.push(Instant::now());
        if polls.len() == 8 {
            end.take();
        }
        Ok(())
    })
    .unwrap();
    let shortest = polls.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(shortest < Duration::from_millis(60), "{shortest:?} between two polls at best");
    finish(&run).unwrap();
}

#[test]
fn many_short_steps_do_not_keep_a_signal_waiting() {
    let bench = Bench::with_workers(0);
    let run = bench.begin();
    for i in 0..100 {
        let pause = step("pause", |_| {
            thread::sleep(Duration::from_millis(5));
            Ok(text("x"))
        });
        submit(&run, pause.literal("i", i.to_string()), &[]);
    }
    let error = run.finish(&mut || Err(Error::new(ErrorKind::Interrupted, "Ctrl-C"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let skipped = statuses(&run).iter().filter(|status| status.ends_with("skipped")).count();
    assert!(skipped > 50, "{skipped} were skipped");
}

#[test]
fn a_signal_stops_the_run_at_once() {
    let bench = Bench::with_workers(1);
    let (run, long, end) = with_long_step(&bench);
    let error =
        run.wait(long, &mut || Err(Error::new(ErrorKind::Interrupted, "Ctrl-C"))).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Interrupted, None));
    // The long step still runs on the worker; nobody waits for it.
    run.fail(&error, &mut || Ok(()));
    let record = bench.store().run(run.id()).unwrap();
    assert_eq!((record.status, record.error.as_deref()), (RunStatus::Interrupted, Some("Ctrl-C")));
    assert_eq!(statuses(&run), ["long interrupted", "other skipped"]);
    drop(end);
}

#[test]
fn a_run_is_cancelled_from_another_thread() {
    let bench = Bench::with_workers(1);
    let (run, long, end) = with_long_step(&bench);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(10));
            run.cancel();
        });
        wait(&run, long).unwrap_err()
    });
    insta::assert_snapshot!(error.report(), @"
    the run was interrupted

    hint: run it again: finished steps are not repeated
    ");
    assert_eq!(finish(&run).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(bench.store().run(run.id()).unwrap().status, RunStatus::Interrupted);
    drop(end);
}

#[test]
fn a_failed_run_waits_for_steps_that_still_run() {
    let bench = Bench::with_workers(1);
    let (run, _, end) = with_long_step(&bench);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(30));
            drop(end);
        });
        run.fail(&Error::new(ErrorKind::Host, "boom").into(), &mut || Ok(()));
    });
    assert_eq!(statuses(&run), ["long completed", "other skipped"]);
    assert_eq!(bench.store().run(run.id()).unwrap().status, RunStatus::Failed);
}
