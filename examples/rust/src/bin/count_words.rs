//! The Rust part of a pipeline whose other steps are in Python (`word_flow.py`).
//!
//! It takes the words that a Python step has stored and counts them; Python takes the counts.

use std::collections::BTreeMap;
use std::process::ExitCode;

use cannery_steps::{RunError, Store, run, step};

/// How often each word comes, if it has that many letters.
#[step]
fn count(words: &[String], letters: usize) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in words.iter().filter(|word| word.chars().count() >= letters) {
        *counts.entry(word.clone()).or_default() += 1;
    }
    counts
}

/// The words that come most often.
#[step]
fn most(counts: &BTreeMap<String, u64>, number: usize) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.iter().map(|(word, count)| (word.clone(), *count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(number);
    counts
}

fn counted(folder: &str) -> Result<(), RunError> {
    let store = Store::open(folder)?;
    let done = run(&store, "counting", |steps| {
        let counts = count::call(steps, steps.stored("reading/words")?, 3)?;
        most::call(steps, counts, 2)
    })?;
    let how = if done.is_cached() { "known" } else { "counted" };
    println!("{how}: {:?}", done.load()?);
    Ok(())
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: count_words STORE");
        return ExitCode::from(2);
    };
    match counted(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.report());
            ExitCode::FAILURE
        }
    }
}
