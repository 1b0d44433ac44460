//! What child processes do, and how they are started.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use cannery_store::{
    Description, Digest, NewRun, NewStep, RunFilter, RunId, RunStatus, StepEnd, StepOutput,
    StepReport, Store, Timestamp,
};

/// Names the environment variable that tells a child what to do.
pub(crate) const ROLE: &str = "CANNERY_TEST_ROLE";
const ROOT: &str = "CANNERY_TEST_ROOT";
const SAYS: &str = "child says: ";

/// A running child; killed, if it still lives, when dropped.
pub(crate) struct Running {
    process: Child,
    output: BufReader<ChildStdout>,
}

/// The command that starts this program as a child.
pub(crate) fn command(program: &Path, role: &str, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "child", "--nocapture"]).env(ROLE, role).env(ROOT, root);
    command
}

pub(crate) fn start(role: &str, root: &Path) -> Running {
    start_command(&mut command(&env::current_exe().unwrap(), role, root))
}

pub(crate) fn start_command(command: &mut Command) -> Running {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    Running { process, output }
}

impl Running {
    /// The next thing it says; nothing when it ended.
    pub(crate) fn next_word(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, word)) = line.trim_end().split_once(SAYS) {
                return Some(word.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for it to end and tells whether it went well.
    pub(crate) fn ended_well(&mut self) -> bool {
        while self.next_word().is_some() {}
        self.process.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(word: &str) {
    println!("{SAYS}{word}");
    std::io::stdout().flush().unwrap();
}

pub(crate) fn perform(role: &str) {
    let root = PathBuf::from(env::var_os(ROOT).unwrap());
    match role {
        "one run" => one_run(&root),
        "work until killed" => work_until_killed(&root),
        "stop half way" => stop_half_way(&root),
        "look around" => look_around(&root),
        _ => panic!("unknown role {role}"),
    }
}

/// First use, at the same moment as others.
fn one_run(root: &Path) {
    let go = root.with_extension("go");
    say("ready");
    while !go.exists() {
        thread::sleep(Duration::from_micros(200));
    }
    let store = Store::open(root).unwrap();
    let run = begin_run(&store);
    perform_step(&store, run, 0, std::process::id().to_string().as_bytes());
    store.end_run(run, RunStatus::Completed, None).unwrap();
}

/// Large and small blobs, steps and runs, one after another, without end.
fn work_until_killed(root: &Path) {
    let store = Store::open(root).unwrap();
    say("working");
    for round in 0_u64.. {
        let run = begin_run(&store);
        for position in 0..3 {
            let seed = Digest::of(format!("{} {round} {position}", std::process::id()).as_bytes());
            let size = if position == 0 { 3_000_000 } else { 100 };
            let bytes: Vec<u8> = seed.as_bytes().iter().copied().cycle().take(size).collect();
            perform_step(&store, run, position, &bytes);
        }
        store.end_run(run, RunStatus::Completed, None).unwrap();
    }
}

/// A step has begun, a blob and a folder are half written.
fn stop_half_way(root: &Path) {
    let store = Store::open(root).unwrap();
    let run = begin_run(&store);
    store.begin_step(&new_step(run, 0)).unwrap();
    let mut writer = store.blobs().writer().unwrap();
    writer.write_all(&[1; 10_000]).unwrap();
    let folder = store.scratch_folder().unwrap();
    std::fs::write(folder.path().join("half"), "half").unwrap();
    say("half way");
    thread::sleep(Duration::from_secs(60));
}

/// Reads a store that cannot be written, and tries to write.
fn look_around(root: &Path) {
    let store = match Store::open(root) {
        Ok(store) => store,
        Err(error) => {
            return say(&format!("{:?} {error} / {}", error.kind(), error.hint().unwrap()));
        }
    };
    assert!(store.is_read_only());
    let runs = store.runs(&RunFilter::default()).unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| run.status.as_str()).collect();
    say(&statuses.join(" "));
    let artifact = store.artifact("step", None).unwrap();
    let view = store.view(artifact.digest).unwrap();
    say(&std::fs::read_to_string(view.join("value.txt")).unwrap());
    say(&format!("{} damaged", store.verify().unwrap().damage.len()));

    // A run is recorded in a copy of the catalog, that goes with the store's handles.
    let run = begin_run(&store);
    store.end_run(run, RunStatus::Completed, None).unwrap();
    say(&format!("run {run} {}", store.run(run).unwrap().status));
    let error = store.blobs().put_bytes(b"new").unwrap_err();
    say(&format!("{:?} {error} / {}", error.kind(), error.hint().unwrap()));
    drop(store);
    let runs = Store::open(root).unwrap().runs(&RunFilter::default()).unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| run.status.as_str()).collect();
    say(&statuses.join(" "));
}

pub(crate) fn begin_run(store: &Store) -> RunId {
    let run = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&run).unwrap()
}

pub(crate) fn perform_step(store: &Store, run: RunId, position: u32, bytes: &[u8]) {
    let step = store.begin_step(&new_step(run, position)).unwrap();
    let about = Description::new("str", "text/1");
    let output = StepOutput {
        output: String::new(),
        artifact: "step".into(),
        content: store.put_bytes("value.txt", bytes, &about).unwrap(),
    };
    store.end_step(step, &StepEnd::Completed(vec![output]), &StepReport::default()).unwrap();
}

fn new_step(run: RunId, position: u32) -> NewStep {
    NewStep {
        run,
        name: "step".into(),
        invocation: position + 1,
        position,
        cache_key: None,
        key_parts: Vec::new(),
        inputs: Vec::new(),
        started: Timestamp::now(),
    }
}
