//! What child processes do: runs of a small pipeline, each of which they tell when it has ended.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cannery_pipeline::{Description, Engine, FnStep, Output, RunId, StepCall, Store};

const JOB: &str = "CANNERY_TEST_JOB";
const SAYS: &str = "acknowledged: ";

/// Runs that a child performs.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) root: PathBuf,
    pub(crate) seed: u64,
    pub(crate) runs: u64,
    /// Whether each run makes a new version of the same artifact.
    pub(crate) versions: bool,
}

/// A run that a child said had ended, and the value that it was told.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) run: RunId,
    pub(crate) value: String,
}

impl Job {
    /// What this process is to do, if it is a child.
    pub(crate) fn of_this_process() -> Option<Self> {
        let text = env::var(JOB).ok()?;
        let mut fields = text.splitn(4, ' ');
        let mut next = || fields.next().unwrap();
        let (seed, runs) = (next().parse().unwrap(), next().parse().unwrap());
        let versions = next() == "true";
        Some(Self { seed, runs, versions, root: next().into() })
    }

    /// Has a child do it, that dies at the failpoint if one is named; returns what it said, and
    /// whether it lived to its end.
    pub(crate) fn run(&self, failpoint: Option<&str>) -> (Vec<Acknowledged>, bool) {
        let job = format!("{} {} {} {}", self.seed, self.runs, self.versions, self.root.display());
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]).env(JOB, job).stdout(Stdio::piped());
        if let Some(failpoint) = failpoint {
            command.env("CANNERY_FAILPOINT", failpoint);
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = lines.filter_map(|line| {
            let line = line.unwrap();
            let (run, value) = line.split_once(SAYS)?.1.split_once(' ')?;
            Some(Acknowledged { run: RunId(run.parse().ok()?), value: value.to_owned() })
        });
        let said = said.collect();
        (said, process.wait().unwrap().success())
    }

    pub(crate) fn perform(&self) {
        let store = Store::open(&self.root).unwrap();
        for round in 0..self.runs {
            let (run, value) = self.perform_run(&store, round);
            println!("{SAYS}{run} {value}");
        }
    }

    fn perform_run(&self, store: &Store, round: u64) -> (RunId, String) {
        let run = Engine::new(store.clone()).workers(1).begin_run("faults", "{}", None).unwrap();
        let (seed, versions) = (self.seed, self.versions);
        let first = FnStep::new("1", move |_| Ok(text(format!("seed {seed}")).into()));
        let first = run.submit(StepCall::new("first", first).literal("seed", seed.to_string()));
        let last = FnStep::new("1", |context| {
            let number = String::from_utf8_lossy(context.literal("number")?).into_owned();
            let seed = context.read("first", "value.txt")?;
            // By way of a folder, as the Python steps do it.
            let folder = context.output_folder()?;
            let value = format!("{} round {number}", String::from_utf8_lossy(&seed));
            std::fs::write(folder.join("value.txt"), value).unwrap();
            Ok(Output::folder(folder, Description::new("str", "text/1")).into())
        });
        let number = if versions { round } else { round % 3 };
        let call = StepCall::new("last", last).input("first", first.unwrap());
        let last = run.submit(call.literal("number", number.to_string())).unwrap();
        run.finish(&mut || Ok(())).unwrap();
        let outcome = run.outcome(last).unwrap().unwrap();
        let bytes = store.read(outcome.output("").unwrap().digest, "value.txt").unwrap();
        let value = String::from_utf8(bytes).unwrap();
        assert_eq!(value, format!("seed {} round {number}", self.seed));
        (run.id(), value)
    }
}

fn text(value: String) -> Output {
    Output::bytes("value.txt", value, Description::new("str", "text/1"))
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Numbers that are the same for the same seed (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
