//! What must hold for any bytes at all; the fuzzer and a test with seeds call the same function.

use std::sync::OnceLock;

use cannery_protobuf::known::{
    EventSummary, Known, OnnxModel, OnnxTensor, OsmCounts, OsmHeader, OsmReader, VectorTile,
    send_elements,
};
use cannery_protobuf::{
    Compiler, DecodeOptions, EncodeOptions, JsonOptions, JsonReadOptions, Message, MessageId, Pool,
    Sources, TextOptions, inspect,
};

/// All kinds of fields, in each other.
pub(crate) const SCHEMA: &str = r#"
edition = "2023";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/timestamp.proto";
enum Open { ZERO = 0; ONE = 1; LEAST = -1; }
enum Closed { option features.enum_type = CLOSED; NONE = 0; SOME = 3; }
message All {
  int32 a = 1; sint64 b = 2; fixed32 c = 3; double d = 4; bool e = 5; string f = 6; bytes g = 7;
  Open h = 8; Closed i = 9; All j = 10; repeated All k = 11; float l = 12;
  repeated int32 m = 13; repeated fixed64 n = 14 [features.repeated_field_encoding = EXPANDED];
  map<string, All> o = 15; map<int32, Closed> p = 16; repeated string q = 17;
  oneof r { string s = 18; All t = 19; uint64 u = 20; }
  All v = 21 [features.message_encoding = DELIMITED];
  google.protobuf.Struct w = 22; google.protobuf.Int64Value x = 23;
  google.protobuf.Timestamp y = 24; repeated Closed z = 25; map<bool, double> aa = 26;
  int32 implicit = 27 [features.field_presence = IMPLICIT];
  extensions 100 to 200;
}
extend All { All more = 100; repeated sint32 numbers = 101; }
"#;

fn pool() -> &'static (Pool, MessageId) {
    static POOL: OnceLock<(Pool, MessageId)> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut compiler = Compiler::new(Sources::default().with_text("all.proto", SCHEMA));
        compiler.compile("all.proto").expect("it is right");
        let pool = compiler.into_pool();
        let message = pool.message("All").expect("it is there");
        (pool, message)
    })
}

/// Reads bytes in all ways: none panics, and what is read reads back from all that is written of it.
pub(crate) fn check(data: &[u8]) {
    let (pool, message) = pool();
    round_trip(pool, *message, data);
    drop(inspect(data, 10));
    let Some((&choice, rest)) = data.split_first() else { return };
    let known = [Known::OnnxModel, Known::VectorTile, Known::OsmExtract, Known::TensorBoard];
    let (pool, message) = known[usize::from(choice) % 4].compiled().expect("it is right");
    round_trip(pool, message, rest);
    summarize(data);
    if b"/Mes".contains(&choice) {
        compile(data);
    }
}

fn round_trip(pool: &Pool, of: MessageId, data: &[u8]) {
    let options = DecodeOptions::default();
    let Ok(message) = Message::decode(pool, of, data, &options) else { return };
    let write = EncodeOptions::default().deterministic(true);
    let bytes = message.encode(pool, write);
    let again = Message::decode(pool, of, &bytes, &options).expect("what is written is read");
    assert_eq!(again.encode(pool, write), bytes, "the same bytes a second time");
    // In text, unknown fields have no names to be read by.
    let text = message.to_text(pool, TextOptions::default());
    if let Ok(again) = Message::from_text(pool, of, &text) {
        assert_eq!(again.to_text(pool, TextOptions::default()), text);
    }
    if let Ok(json) = message.to_json(pool, JsonOptions::default()) {
        let read = Message::from_json(pool, of, &json, JsonReadOptions::default());
        if let Ok(again) = read {
            let second = again.to_json(pool, JsonOptions::default()).expect("it was just written");
            assert_eq!(second, json);
        }
    }
}

fn summarize(data: &[u8]) {
    let _known = Known::of_start(&data[..data.len().min(4096)]);
    drop(OnnxModel::read(data));
    drop(OnnxTensor::read(data));
    drop(VectorTile::read(data));
    drop(OsmHeader::read(data));
    drop(OsmCounts::default().add_block(data));
    drop(send_elements(data, &mut cannery_core::NullSink));
    drop(EventSummary::default().add(data));
    let mut reader = OsmReader::new(data);
    while let Ok(Some(blob)) = reader.next_blob() {
        drop(blob.block());
    }
}

/// A schema that compiles reads back from its descriptors.
fn compile(data: &[u8]) {
    let mut compiler = Compiler::new(Sources::default().with_text("x.proto", data));
    if compiler.compile("x.proto").is_err() {
        return;
    }
    let set = compiler.into_pool().descriptor_set("x.proto").expect("just compiled");
    let mut again = Compiler::new(Sources::default());
    again.add_descriptor_set(&set).expect("what is written is read");
}
