//! The data corpus: every message is read as Google's library reads it, and written back as it does.

mod common;

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use cannery_core::Value as Plain;
use cannery_protobuf::{
    Compiler, DecodeOptions, EncodeOptions, JsonOptions, Message, Pool, Sources, Value,
};

/// The pools of the corpus, one for each schema.
struct Pools<'a> {
    suite: &'a Path,
    pools: HashMap<String, Pool>,
}

impl Pools<'_> {
    fn get(&mut self, schema: &str) -> &Pool {
        let suite = self.suite;
        self.pools.entry(schema.to_owned()).or_insert_with(|| {
            let folders = vec![suite.join("schemas"), suite.join("data/schemas")];
            let mut compiler = Compiler::new(Sources::new(folders));
            compiler.compile(schema).unwrap_or_else(|errors| panic!("{errors}"));
            compiler.into_pool()
        })
    }
}

/// The bytes of one message inside its file.
fn bytes_of(suite: &Path, case: &Plain) -> Vec<u8> {
    let name = common::text(case, "file").expect("a name");
    let data = std::fs::read(suite.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let length = usize::try_from(common::int(case, "bytes").expect("a length")).expect("small");
    if let Some(at) = common::int(case, "at") {
        let at = usize::try_from(at).expect("an offset");
        return data[at..at + length].to_vec();
    }
    let Some(index) = common::int(case, "index") else { return data };
    let mut rest = &data[..];
    for _ in 0..index {
        let length = u32::from_le_bytes(*rest.first_chunk().expect("a length")) as usize;
        rest = &rest[4 + length..];
    }
    rest[4..4 + length].to_vec()
}

/// JSON as `json.dumps(..., sort_keys=True, separators=(",", ":"), ensure_ascii=False)` writes it.
fn canonical_json(text: &str) -> Vec<u8> {
    fn sort(value: &mut Plain) {
        match value {
            Plain::Map(entries) => {
                entries.iter_mut().for_each(|(_, value)| sort(value));
                entries.sort_by(|(left, _), (right, _)| left.as_str().cmp(&right.as_str()));
            }
            Plain::List(items) => items.iter_mut().for_each(sort),
            _ => {}
        }
    }
    let mut value = cannery_json::to_value(text.as_bytes()).expect("JSON");
    sort(&mut value);
    cannery_json::to_vec(&value).expect("JSON")
}

fn check(pool: &Pool, case: &Plain, data: &[u8]) -> Result<(), String> {
    let of = pool.message(common::text(case, "type").expect("a type")).expect("a known type");
    let note = common::text(case, "note");
    let parsed = Message::decode(pool, of, data, &DecodeOptions::default());
    let message = match (parsed, case.get("parse")) {
        (Err(_), Some(Plain::Bool(false))) => return Ok(()),
        (Err(_), _) if note == Some("proto2-utf8") => return Ok(()),
        (Err(error), _) => return Err(format!("refused: {error}")),
        (Ok(_), Some(Plain::Bool(false))) => return Err("accepted".to_owned()),
        (Ok(message), _) => message,
    };
    let wire = message.encode(pool, EncodeOptions::default().deterministic(true));
    if let Some(expected) = common::text(case, "wire_sha256")
        && note != Some("map-order")
        && common::sha256(&wire) != expected
    {
        return Err(format!("other bytes: {} of {}", wire.len(), data.len()));
    }
    // In any case what is written reads back.
    let again = Message::decode(pool, of, &wire, &DecodeOptions::default());
    let again = again.map_err(|error| format!("what was written: {error}"))?;
    if again.encode(pool, EncodeOptions::default().deterministic(true)) != wire {
        return Err("what was written reads otherwise".to_owned());
    }
    json(pool, case, &message)
}

fn json(pool: &Pool, case: &Plain, message: &Message) -> Result<(), String> {
    let json = message.to_json(pool, JsonOptions::default());
    let Some(expected) = common::text(case, "json_sha256") else {
        let wanted = case.get("json_error").is_some();
        return if wanted && json.is_ok() { Err("has JSON".to_owned()) } else { Ok(()) };
    };
    let json = json.map_err(|error| format!("no JSON: {error}"))?;
    let canonical = canonical_json(&json);
    if common::sha256(&canonical) == expected {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(&canonical).chars().take(600).collect::<String>();
    Err(format!("other JSON: {shown}\n  expected {:?}", case.get("json")))
}

/// The header and the block of one blob of an OSM file.
fn osm(pools: &mut Pools<'_>, case: &Plain) -> Result<(), String> {
    let data = std::fs::read(pools.suite.join(common::text(case, "file").unwrap())).unwrap();
    let at = usize::try_from(common::int(case, "blob_at").unwrap()).unwrap();
    let (header, blob) = (case.get("header").unwrap(), case.get("blob").unwrap());
    let length = |value| usize::try_from(common::int(value, "bytes").unwrap()).unwrap();
    let start = at - length(header);
    check(pools.get("fileformat.proto"), header, &data[start..at])?;
    let bytes = &data[at..at + length(blob)];
    let pool = pools.get("fileformat.proto");
    check(pool, blob, bytes)?;
    let of = pool.message("OSMPBF.Blob").unwrap();
    let blob = Message::decode(pool, of, bytes, &DecodeOptions::default()).unwrap();
    let Some(Value::Bytes(zlib)) = blob.get(3) else { panic!("blobs of the suite are zlib's") };
    let mut block = Vec::new();
    flate2::read::ZlibDecoder::new(&zlib[..]).read_to_end(&mut block).unwrap();
    check(pools.get("osmformat.proto"), case, &block)
}

#[test]
fn messages_are_read_and_written_as_by_the_reference() {
    let Some(suite) = common::suite() else { return };
    let mut pools = Pools { suite: &suite, pools: HashMap::new() };
    let (mut passed, mut either, mut failed) = (0, 0, Vec::new());
    for case in common::lines(&suite.join("data.jsonl")) {
        if common::text(&case, "note") == Some("disputed") {
            either += 1;
            continue;
        }
        let outcome = if common::text(&case, "kind") == Some("osm-blob") {
            osm(&mut pools, &case)
        } else {
            let data = bytes_of(&suite, &case);
            check(pools.get(common::text(&case, "schema").unwrap()), &case, &data)
        };
        match outcome {
            Ok(()) => passed += 1,
            Err(why) => failed.push(format!(
                "{} {:?} {:?}: {why}",
                common::text(&case, "file").unwrap(),
                common::int(&case, "index"),
                common::text(&case, "note")
            )),
        }
    }
    cannery_testing::report("Protobuf messages as Google's library has them", passed);
    cannery_testing::report("Protobuf messages on which its own two parts disagree", either);
    let shown = failed.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(failed.is_empty(), "{} failed:\n{shown}", failed.len());
}
