//! The schema corpus: descriptors equal protoc's, and what it refuses is refused at its line.

mod common;

use std::path::Path;

use cannery_core::Value;
use cannery_protobuf::{Compiler, Pool, SchemaErrors, Sources};

fn compile(root: &Path, file: &str) -> Result<Pool, SchemaErrors> {
    let mut compiler = Compiler::new(Sources::new(vec![root.to_owned()]));
    compiler.compile(file)?;
    Ok(compiler.into_pool())
}

/// What is wrong with the outcome for one line of `schemas.jsonl`; `None` where it may be either.
fn judge(root: &Path, case: &Value) -> Option<Result<(), String>> {
    let file = common::text(case, "file").expect("a name");
    let syntax = common::text(case, "syntax").unwrap_or_default();
    if syntax == "UNSTABLE" {
        return None;
    }
    let outcome = compile(root, file);
    if common::text(case, "verdict") == Some("accept") {
        return Some(match outcome {
            Ok(pool) => same_set(&pool, file, case),
            Err(errors) => Err(format!("refused: {errors}")),
        });
    }
    let Err(errors) = outcome else { return Some(Err("accepted".to_owned())) };
    let Some(line) = common::int(case, "line") else { return Some(Ok(())) };
    let found = errors.0[0].pos.map_or(0, |pos| pos.line);
    let is_same = found == line.unsigned_abs();
    Some(if is_same { Ok(()) } else { Err(format!("expected line {line}: {errors}")) })
}

fn same_set(pool: &Pool, file: &str, case: &Value) -> Result<(), String> {
    let set = pool.descriptor_set(file).expect("just compiled");
    if Some(common::sha256(&set).as_str()) == common::text(case, "set_sha256") {
        return Ok(());
    }
    Err(format!("{} bytes, expected {:?}", set.len(), common::int(case, "set_bytes")))
}

#[test]
fn descriptors_are_those_of_protoc_and_errors_stand_on_its_lines() {
    let Some(suite) = common::suite() else { return };
    let (mut passed, mut either, mut failed) = (0, 0, Vec::new());
    for case in common::lines(&suite.join("schemas.jsonl")) {
        match judge(&suite.join("schemas"), &case) {
            None => either += 1,
            Some(Ok(())) => passed += 1,
            Some(Err(why)) => {
                failed.push(format!("{}: {why}", common::text(&case, "file").unwrap_or_default()));
            }
        }
    }
    cannery_testing::report("Protobuf schemas as protoc has them", passed);
    cannery_testing::report("Protobuf schemas of editions that are not out", either);
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}
