//! What the engine itself costs: a cached two-step run with opening the store, and many small
//! artifacts under either durability.
//!
//! `cargo run --release -p cannery-pipeline --example overhead [FOLDER]`

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cannery_pipeline::{Description, Engine, FnStep, Output, Result, RunError, StepCall, Store};
use cannery_store::{Durability, StoreOptions};

const ROUNDS: usize = 50;
const SMALL_ARTIFACTS: usize = 1000;

fn main() -> Result<(), RunError> {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let base = env::args_os().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    let store = base.join("two-steps");
    let first = timed(|| two_steps(&store))?;
    let mut rounds =
        (0..ROUNDS).map(|_| timed(|| two_steps(&store))).collect::<Result<Vec<_>, _>>()?;
    rounds.sort_unstable();
    println!("two steps, store made and steps run     {:8.2} ms", millis(first));
    println!(
        "two steps, store opened, all cached     {:8.2} ms (median)",
        millis(rounds[ROUNDS / 2])
    );
    println!(
        "                                        {:8.2} ms (slowest)",
        millis(rounds[ROUNDS - 1])
    );
    for (durability, name) in [(Durability::Power, "power"), (Durability::Process, "process")] {
        let folder = base.join(name);
        let made = timed(|| small_artifacts(&folder, durability))?;
        let cached = timed(|| small_artifacts(&folder, durability))?;
        println!(
            "{SMALL_ARTIFACTS} small artifacts, survive {name:8}   {:8.2} ms, cached {:.2} ms",
            millis(made),
            millis(cached)
        );
    }
    Ok(())
}

fn two_steps(folder: &Path) -> Result<(), RunError> {
    let run = Engine::new(Store::open(folder)?).begin_run("two steps", "{}", None)?;
    let one = run.submit(StepCall::new("one", FnStep::new("1", |_| Ok(number(1).into()))))?;
    let two = FnStep::new("1", |context| {
        let one = context.read("one", "value.json")?;
        Ok(number(one.len()).into())
    });
    let two = run.submit(StepCall::new("two", two).input("one", one))?;
    run.wait(two, &mut || Ok(()))?;
    run.finish(&mut || Ok(()))
}

fn small_artifacts(folder: &Path, durability: Durability) -> Result<(), RunError> {
    let store = StoreOptions::default().durability(durability).open(folder)?;
    let run = Engine::new(store).begin_run("small", "{}", None)?;
    for i in 0..SMALL_ARTIFACTS {
        let body = FnStep::new("1", move |_| Ok(number(i).into()));
        run.submit(StepCall::new("small", body).literal("i", i.to_string()))?;
    }
    run.finish(&mut || Ok(()))
}

fn number(value: usize) -> Output {
    Output::bytes("value.json", value.to_string(), Description::new("builtins.int", "json/1"))
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
