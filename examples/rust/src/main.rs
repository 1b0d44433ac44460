//! Prints what is in a store that Python wrote: `cargo run -p cannery-examples -- FOLDER`.

use std::process::ExitCode;

use cannery_examples::{counts, pages};
use cannery_store::Store;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: cannery-examples FOLDER");
        return ExitCode::from(2);
    };
    match Store::open(folder).and_then(|store| report(&store)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.report());
            ExitCode::from(2)
        }
    }
}

fn report(store: &Store) -> cannery::Result<()> {
    for page in pages(store)? {
        let best = page.best.map_or("nothing".to_owned(), |found| found.label);
        println!("{}  {}  {} boxes, best: {best}", page.path, page.scanned, page.boxes.len());
    }
    for (label, count) in counts(store)? {
        println!("{label}: {count}");
    }
    Ok(())
}
