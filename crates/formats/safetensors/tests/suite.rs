//! The suite of files that version 0.8 of the library accepts and refuses.

use std::path::Path;

use cannery_core::{TensorContainer, TensorInfo};
use cannery_safetensors::{SafetensorsFile, ShardedSet, dtype_code};
use serde_json::Value;

#[test]
fn every_file_is_judged_as_the_library_judges_it() {
    let Some(suites) = cannery_testing::suites() else { return };
    let folder = suites.join("safetensors");
    let text = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        match check(&folder, &case) {
            Ok(true) => accepted += 1,
            Ok(false) => refused += 1,
            Err(fault) => wrong.push(format!("{}: {fault}", case["file"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted > 40 && refused > 60);
    cannery_testing::report("safetensors read as expected", accepted);
    cannery_testing::report("safetensors refused as expected", refused);
}

/// Whether the file of a case is accepted, if that is right.
fn check(folder: &Path, case: &Value) -> Result<bool, String> {
    let path = folder.join(case["file"].as_str().unwrap());
    let opened = if case["kind"] == "index" {
        ShardedSet::open(path).map(|set| Box::new(set) as Box<dyn TensorContainer>)
    } else {
        SafetensorsFile::open(path).map(|file| Box::new(file) as Box<dyn TensorContainer>)
    };
    match opened {
        Ok(_) if case["accept"] == false => Err("accepted, and should not be".to_owned()),
        Ok(file) => check_tensors(&*file, case).map(|()| true),
        Err(_) if case["accept"] == false || !case["spec"].is_null() => Ok(false),
        Err(error) => Err(format!("refused: {error}")),
    }
}

fn check_tensors(file: &dyn TensorContainer, case: &Value) -> Result<(), String> {
    if let Some(expected) = case["tensors"].as_object() {
        if expected.len() != file.tensors().len() {
            return Err(format!("{} tensors", file.tensors().len()));
        }
        for tensor in file.tensors() {
            let expected = expected.get(&tensor.name).ok_or("an unknown tensor")?;
            let found = describe(file, tensor);
            if found.as_object() != expected.as_object() {
                return Err(format!("{}: found {found}, expected {expected}", tensor.name));
            }
        }
    }
    let Some(expected) = case["metadata"].as_object() else { return Ok(()) };
    let found = file.metadata().iter().map(|(key, text)| (key.clone(), text.clone().into()));
    if found.collect::<serde_json::Map<_, _>>() == *expected {
        return Ok(());
    }
    Err(format!("metadata {:?}", file.metadata()))
}

fn describe(file: &dyn TensorContainer, tensor: &TensorInfo) -> Value {
    let data = tensor.read(file).unwrap();
    serde_json::json!({
        "dtype": dtype_code(&tensor.dtype),
        "shape": tensor.shape,
        "nbytes": data.len(),
        "crc32": format!("{:08x}", crc32fast::hash(&data)),
    })
}
