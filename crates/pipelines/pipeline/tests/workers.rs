//! Steps in worker processes: the same results, cache, logs and errors as in this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cannery_pipeline::{
    Description, Engine, ErrorKind, Executor, InProcess, KeyParts, Observer, Output, Outputs,
    Processes, Result, Retries, Run, RunError, RunStatus, StepBody, StepCall, StepContext,
    StepEvent, Store, Task, TaskBody, WorkerCommand, no_such_step, serve,
};

const WORKER: &str = "--worker";

/// What Ctrl-C would set.
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// A step that a worker finds by its name.
#[derive(Clone)]
struct Named(&'static str);

const NAMES: [&str; 8] = ["double", "fail", "die", "hang", "print", "changed", "flaky", "sleep"];

impl StepBody for Named {
    fn key_parts(&self, _: &StepContext) -> Result<KeyParts> {
        // One whose code differs between the processes.
        let is_other = self.0 == "changed" && is_worker();
        Ok(KeyParts::new().with("code", if is_other { "2" } else { "1" }))
    }

    fn task(&self, _: &StepContext) -> Result<TaskBody> {
        Ok(TaskBody { module: "tests".into(), function: self.0.into(), ..TaskBody::default() })
    }

    fn execute(&self, context: &StepContext) -> Result<Outputs> {
        let number = context.literal("x").map(|x| String::from_utf8_lossy(x).into_owned());
        let number: u64 = if let Ok(number) = number {
            number.parse().unwrap()
        } else {
            let bytes = context.read("x", "value")?;
            String::from_utf8_lossy(&bytes).parse().unwrap()
        };
        match self.0 {
            "fail" => {
                context.log("about to fail\n")?;
                let error = cannery_pipeline::Error::new(ErrorKind::Value, "it is odd");
                return Err(error.with_hint("give an even one"));
            }
            "die" => {
                println!("last words");
                std::process::abort();
            }
            "hang" => std::thread::sleep(Duration::from_secs(600)),
            "print" => {
                use std::io::Write as _;

                std::io::stdout().write_all(&vec![0xfe; 3 << 20]).unwrap();
                eprintln!("to the other");
            }
            "flaky" => {
                let place = std::env::temp_dir().join(format!("cannery-flaky-{number}"));
                if std::fs::remove_file(&place).is_ok() {
                    return Err(cannery_pipeline::Error::new(ErrorKind::Io, "not yet"));
                }
            }
            "sleep" => std::thread::sleep(Duration::from_millis(500)),
            _ => {}
        }
        let folder = context.output_folder()?;
        std::fs::write(folder.join("value"), (number * 2).to_string()).unwrap();
        let output = Output::folder(folder, Description::new("int", "text/1"));
        Ok(Outputs::from(output).observed("file x", "seen"))
    }

    fn poll(&self) -> Result<()> {
        if IS_STOPPED.load(Ordering::Relaxed) {
            return Err(cannery_pipeline::Error::new(ErrorKind::Interrupted, "stop"));
        }
        Ok(())
    }

    fn is_unchanged(&self, seen: &[cannery_pipeline::Observation]) -> Result<bool> {
        Ok(seen.iter().all(|seen| seen.label == "file x" && seen.state == "seen"))
    }
}

fn is_worker() -> bool {
    std::env::args().nth(1).as_deref() == Some(WORKER)
}

fn work() -> Result<()> {
    let begin = |setup: &[u8]| Store::open(String::from_utf8_lossy(setup).into_owned());
    let find = |task: &Task| {
        let name = NAMES.iter().find(|name| **name == task.body.function);
        name.map(|name| Named(name)).ok_or_else(|| no_such_step(task))
    };
    serve(begin, find)
}

fn processes(store: &Store) -> Arc<dyn Executor> {
    let program = std::env::current_exe().unwrap().into_os_string();
    let command = WorkerCommand {
        program,
        arguments: vec![WORKER.into()],
        setup: store.root().to_str().unwrap().into(),
    };
    Arc::new(Processes::new(command))
}

fn both(store: &Store) -> [Arc<dyn Executor>; 2] {
    [Arc::new(InProcess), processes(store)]
}

fn text(store: &Store, run: &Run, call: StepCall) -> Result<String, RunError> {
    let step = run.submit(call)?;
    let outcome = run.wait(step, &mut || Ok(()))?;
    let bytes = store.read(outcome.output("").unwrap().digest, "value")?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn call(name: &'static str, x: u64) -> StepCall {
    StepCall::new(name, Named(name)).literal("x", x.to_string())
}

fn log(store: &Store, run: &Run) -> Vec<u8> {
    use std::io::Read as _;

    let steps = store.steps(run.id()).unwrap();
    let mut log = Vec::new();
    if let Some(mut file) = store.step_log(&steps[0], 0).unwrap() {
        file.read_to_end(&mut log).unwrap();
    }
    log
}

fn results_and_cache_are_the_same() {
    for second in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // What one executor has made, the other finds.
        for (turn, executor) in [second, 1 - second].into_iter().enumerate() {
            let executor = Arc::clone(&both(&store)[executor]);
            let run =
                Engine::new(store.clone()).executor(executor).begin_run("p", "{}", None).unwrap();
            let first = run.submit(call("double", 4)).unwrap();
            let next = StepCall::new("double", Named("double")).input("x", first);
            assert_eq!(text(&store, &run, next).unwrap(), "16");
            run.finish(&mut || Ok(())).unwrap();
            let steps = store.steps(run.id()).unwrap();
            assert!(steps.iter().all(|step| step.cached == (turn == 1)));
            if turn == 0 {
                assert_eq!(store.observations(steps[0].id).unwrap()[0].state, "seen");
                assert!(steps[0].usage.cpu.is_some());
            }
        }
    }
}

fn errors_and_logs_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for executor in both(&store) {
        let run = Engine::new(store.clone()).executor(executor).begin_run("p", "{}", None).unwrap();
        let error = text(&store, &run, call("fail", 3)).unwrap_err();
        assert_eq!(error.report(), "step `fail` failed: it is odd\n\nhint: give an even one");
        run.fail(&error, &mut || Ok(()));
        assert_eq!(log(&store, &run), b"about to fail\n");
        assert_eq!(store.run(run.id()).unwrap().status, RunStatus::Failed);
    }
}

fn a_worker_that_dies_is_a_failed_step_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let engine = Engine::new(store.clone()).executor(processes(&store)).keep_going(true);
    let run = engine.begin_run("p", "{}", None).unwrap();
    let error = text(&store, &run, call("die", 3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Worker);
    assert_eq!(error.to_string(), "step `die` failed: its worker process was killed by signal 6");
    assert_eq!(text(&store, &run, call("double", 3)).unwrap(), "6", "another worker does the next");
    assert!(run.finish(&mut || Ok(())).is_err());
    assert_eq!(log(&store, &run), b"last words\n");
}

fn a_step_that_hangs_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run =
        Engine::new(store.clone()).executor(processes(&store)).begin_run("p", "{}", None).unwrap();
    let hang = call("hang", 3).timeout(Some(Duration::from_millis(300)));
    let error = text(&store, &run, hang).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    run.fail(&error, &mut || Ok(()));
}

fn a_stopped_run_ends_its_workers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let engine = Engine::new(store.clone()).executor(processes(&store)).workers(2);
    let run = engine.begin_run("p", "{}", None).unwrap();
    for x in 0..3 {
        run.submit(call("hang", x)).unwrap();
    }
    let stop = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(500));
        IS_STOPPED.store(true, Ordering::Relaxed);
    });
    let error = run.finish(&mut || Ok(()));
    stop.join().unwrap();
    IS_STOPPED.store(false, Ordering::Relaxed);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(store.run(run.id()).unwrap().status, RunStatus::Interrupted);
}

struct Collected(Mutex<Vec<u8>>);

impl Observer for Collected {
    fn notice(&self, label: &str, event: StepEvent<'_>) {
        assert_eq!(label, "print");
        if let StepEvent::Printed(bytes) = event {
            self.0.lock().unwrap().extend_from_slice(bytes);
        }
    }
}

fn megabytes_of_rubbish_are_kept_and_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let collected = Arc::new(Collected(Mutex::default()));
    let observer: Arc<dyn Observer> = collected.clone();
    let engine = Engine::new(store.clone()).executor(processes(&store)).observer(observer);
    let run = engine.begin_run("p", "{}", None).unwrap();
    text(&store, &run, call("print", 3)).unwrap();
    run.finish(&mut || Ok(())).unwrap();
    let log = log(&store, &run);
    assert_eq!(log.len(), (3 << 20) + b"to the other\n".len());
    assert!(log == *collected.0.lock().unwrap());
}

fn other_code_in_a_worker_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let engine = Engine::new(store.clone()).executor(processes(&store));
    let run = engine.begin_run("p", "{}", None).unwrap();
    let error = text(&store, &run, call("changed", 3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.error().message().contains("another `code`"), "{error}");
    run.fail(&error, &mut || Ok(()));
}

fn a_step_that_fails_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (turn, executor) in both(&store).into_iter().enumerate() {
        let id = u64::from(std::process::id()) * 2 + turn as u64;
        std::fs::write(std::env::temp_dir().join(format!("cannery-flaky-{id}")), "").unwrap();
        let run = Engine::new(store.clone()).executor(executor).begin_run("p", "{}", None).unwrap();
        let retries = Retries { count: 2, delay: Duration::from_millis(1), backoff: 1.0 };
        text(&store, &run, call("flaky", id).retries(retries)).unwrap();
        run.finish(&mut || Ok(())).unwrap();
        assert_eq!(store.steps(run.id()).unwrap()[0].attempts, 2);
        assert_eq!(log(&store, &run), b"[attempt 1 failed: not yet]\n");
    }
}

fn a_run_that_keeps_going_does_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (keeps_going, expected) in
        [(false, ["failed", "skipped", "skipped"]), (true, ["failed", "skipped", "completed"])]
    {
        let engine = Engine::new(store.clone()).workers(0).keep_going(keeps_going);
        let run = engine.begin_run("p", "{}", None).unwrap();
        let failed = run.submit(call("fail", 3)).unwrap();
        run.submit(StepCall::new("double", Named("double")).input("x", failed)).unwrap();
        run.submit(call("double", 5)).unwrap();
        assert_eq!(run.finish(&mut || Ok(())).unwrap_err().step(), Some("fail"));
        let steps = store.steps(run.id()).unwrap();
        let found: Vec<_> = steps.iter().map(|step| step.status.as_str()).collect();
        assert_eq!(found, expected);
    }
}

const TESTS: [(&str, fn()); 9] = [
    ("results_and_cache", results_and_cache_are_the_same),
    ("errors_and_logs", errors_and_logs_are_the_same),
    ("a_worker_that_dies", a_worker_that_dies_is_a_failed_step_with_its_last_words),
    ("a_step_that_hangs", a_step_that_hangs_is_ended),
    ("a_stopped_run", a_stopped_run_ends_its_workers),
    ("rubbish", megabytes_of_rubbish_are_kept_and_handed_on),
    ("other_code", other_code_in_a_worker_is_refused),
    ("retries", a_step_that_fails_is_tried_again),
    ("keep_going", a_run_that_keeps_going_does_what_can_be_done),
];

fn main() {
    if is_worker() {
        work().unwrap();
        return;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |option: &str| arguments.iter().any(|argument| argument == option);
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    // A runner of single tests asks for their names first.
    if is_given("--list") {
        for (name, _) in TESTS.iter().filter(|_| !is_given("--ignored")) {
            println!("{name}: test");
        }
        return;
    }
    for (name, test) in TESTS {
        let is_meant = match only {
            Some(only) if is_given("--exact") => only == name,
            Some(only) => name.contains(only.as_str()),
            None => true,
        };
        if is_meant {
            test();
            println!("test {name} ... ok");
        }
    }
}
