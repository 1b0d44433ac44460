//! Every checkpoint of the torch suite as a file of named tensors: the checksums are those that its
//! list of expectations has.

use std::collections::HashSet;
use std::path::Path;

use cannery_core::{Limits, TensorContainer, Value, ValueBuilder};
use cannery_json::ReadOptions;
use cannery_torch::{Checkpoint, Tensors, looks_like};

fn value(text: &str) -> Value {
    let mut builder = ValueBuilder::new(Limits::default());
    cannery_json::from_slice(text.as_bytes(), &ReadOptions::default(), &mut builder).unwrap();
    builder.finish().unwrap()
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The checksums of all tensors in a line, those inside of others included.
fn checksums(value: &Value, found: &mut HashSet<String>) {
    let resolved = value.get("crc32_resolved").or_else(|| value.get("crc32"));
    let is_tensor = value.get("stride").is_some();
    if let Some(crc) = resolved.and_then(Value::as_str).filter(|_| is_tensor) {
        found.insert(crc.to_owned());
    }
    for (_, inner) in value.entries().unwrap_or_default() {
        checksums(inner, found);
    }
    for inner in value.items().unwrap_or_default() {
        checksums(inner, found);
    }
}

fn compare(folder: &Path, line: &Value) -> usize {
    let file = text(line, "file");
    let data = std::fs::read(folder.join(file)).unwrap();
    assert!(looks_like(&data), "{file}");
    let checkpoint = Checkpoint::read(&data, &Limits::default());
    let tensors = Tensors::new(checkpoint.unwrap_or_else(|error| panic!("{file}: {error}")), data);
    let read = |tensor: &cannery_core::TensorInfo| {
        let bytes = tensor.read(&tensors).unwrap_or_else(|error| panic!("{file}: {error}"));
        format!("{:08x}", crc32fast::hash(&bytes))
    };
    let found: HashSet<String> = tensors.tensors().iter().map(read).collect();
    let mut expected = HashSet::new();
    for part in ["tensors", "state_dict", "constants"] {
        line.get(part).iter().for_each(|part| checksums(part, &mut expected));
    }
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{file}: no tensor has {missing:?}");
    expected.len()
}

#[test]
fn tensors_have_the_expected_values() {
    let Some(folder) = cannery_testing::suites().map(|suites| suites.join("torch")) else { return };
    if !folder.is_dir() {
        return cannery_testing::report("torch: no suite, files", 0);
    }
    let lines = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let (mut files, mut checked) = (0, 0);
    for line in lines.lines().map(value) {
        let is_single = !matches!(text(&line, "container"), "dcp" | "dcp-hf" | "hf-sharded");
        if is_single && !matches!(text(&line, "verdict"), "torch-refuses" | "ambiguous") {
            checked += compare(&folder, &line);
            files += 1;
        }
    }
    cannery_testing::report("torch: files", files);
    cannery_testing::report("torch: checksums of tensors", checked);
    assert!(files > 300 && checked > 1000, "{files} files, {checked} tensors");
}
