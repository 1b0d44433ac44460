//! Any bytes as messages of schemas, as files of known schemas, and as schemas.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/formats/protobuf/tests/common/fuzzed.rs"]
mod fuzzed;

fuzz_target!(|data: &[u8]| fuzzed::check(data));
