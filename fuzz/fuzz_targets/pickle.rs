//! What the analyzer passes, the machine that a reader runs does not refuse; nothing of either
//! panics. Pickles are built over the names of the tables, and over some that do harm.
#![no_main]

use std::cell::RefCell;

use cannery_core::Limits;
use cannery_pickle::analyzer::{AnalyzerOptions, Verdict, analyze};
use cannery_pickle::policy::{self, Uses};
use cannery_pickle::{Framing, TrustPolicy, refusals};
use libfuzzer_sys::fuzz_target;

/// Names of every kind: the fuzzer finds others by changing their letters.
const NAMES: &[(&str, &str)] = &[
    ("builtins", "list"),
    ("builtins", "set"),
    ("builtins", "bytearray"),
    ("builtins", "getattr"),
    ("builtins", "eval"),
    ("collections", "OrderedDict"),
    ("collections", "deque"),
    ("collections", "defaultdict"),
    ("copyreg", "_reconstructor"),
    ("copyreg", "__newobj__"),
    ("datetime", "datetime"),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
    ("functools", "partial"),
    ("functools", "reduce"),
    ("itertools", "count"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy", "memmap"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.random._pickle", "__generator_ctor"),
    ("operator", "methodcaller"),
    ("os", "system"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("re", "_compile"),
    ("sklearn.linear_model._ridge", "Ridge"),
    ("scipy.sparse._csr", "csr_matrix"),
    ("shop.models", "Item"),
    ("email.message", "EmailMessage"),
];

/// The table, as a reader of every profile has it; what it was asked is kept.
struct Table(RefCell<Vec<(String, String)>>);

impl TrustPolicy for Table {
    fn allow(&mut self, module: &str, name: &str) -> cannery_core::Result<Option<Uses>> {
        self.0.borrow_mut().push((module.to_owned(), name.to_owned()));
        Ok(policy::rule(module, name).map(|rule| rule.uses))
    }

    fn extension(&mut self, _: i64) -> Option<(String, String)> {
        None
    }
}

fuzz_target!(|data: &[u8]| {
    for pickle in [data.to_vec(), built(data)] {
        let analyzed = analyze(&pickle, 0, &AnalyzerOptions::default());
        let options = cannery::with_checks(cannery_pickle::scan::ScanOptions::default());
        let scanned = cannery_pickle::scan::scan(&pickle, &options);
        let _ = cannery_pickle::read(&pickle, Limits::default());
        let mut table = Table(RefCell::default());
        let refused = refusals(&pickle, 0, Framing::Strict, &mut table);
        if scanned.pickles == 1 && scanned.verdict == Verdict::Ok {
            assert_eq!(analyzed.verdict(), Verdict::Ok, "{:?}", analyzed.findings);
            for (module, name) in table.0.borrow().iter() {
                assert!(policy::danger(module, name).is_none(), "{module}.{name}");
            }
        }
        // The reader's own machine knows what lies in memory no better than the analyzer does.
        if let Ok(refused) = refused
            && refused.is_empty()
        {
            assert_ne!(analyzed.verdict(), Verdict::Danger, "{:?}", analyzed.findings);
        }
    }
});

/// A pickle whose every instruction takes two bytes of the input: what it does, and to what.
fn built(data: &[u8]) -> Vec<u8> {
    let mut pickle = b"\x80\x04".to_vec();
    for pair in data.chunks_exact(2) {
        instruction(pair[0], pair[1], &mut pickle);
    }
    pickle.push(b'.');
    pickle
}

fn instruction(what: u8, which: u8, pickle: &mut Vec<u8>) {
    match what % 16 {
        0..=3 => {
            let (module, name) = NAMES[usize::from(which) % NAMES.len()];
            pickle.extend(format!("c{module}\n{name}\n").into_bytes());
        }
        4 => pickle.extend([b'K', which]),
        5 => pickle.extend([0x8c, 1, b'a' + which % 26]),
        6 => pickle.extend([b'C', 2, which, 0]),
        7 => pickle.push(b"N)]}\x88\x89\x8f"[usize::from(which) % 7]),
        8 => pickle.push(b'('),
        9 => pickle.push(b"tlde\x90\x91u1"[usize::from(which) % 8]),
        10 => pickle.push(b"\x85\x86\x87"[usize::from(which) % 3]),
        11 => pickle.push(b'R'),
        12 => pickle.push(b"\x81\x92o"[usize::from(which) % 3]),
        13 => pickle.push(b'b'),
        14 => pickle.extend([b"hq"[usize::from(which) % 2], which >> 4]),
        _ => pickle.push(b"as02\x94"[usize::from(which) % 5]),
    }
}
