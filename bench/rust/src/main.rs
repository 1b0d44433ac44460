//! Throughput of JSON in Rust: MB/s of text, the best of many runs, for files or the corpora.
//!
//! `cargo run --release --manifest-path bench/rust/Cargo.toml -- [FILE...]`; `BENCH_ONLY=cannery`
//! measures only what has that in its name, `BENCH_RUNS=10` so often.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cannery_core::{
    ArraySource, BigInt, Container, Limits, Result, Sink, Source, Text, Value, ValueBuilder,
};
use cannery_json::{ReadOptions, WriteOptions, Writer, from_slice, from_str, to_vec};

/// Takes everything and keeps nothing, but for a sum that depends on all of it.
#[derive(Default)]
struct Nothing(u64);

impl Nothing {
    #[inline]
    fn take(&mut self, value: u64) -> Result<()> {
        self.0 = self.0.wrapping_add(value);
        Ok(())
    }
}

impl Sink for Nothing {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.take(1)
    }
    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        self.take(u64::from(value))
    }
    #[inline]
    fn int(&mut self, value: i64) -> Result<()> {
        self.take(value.cast_unsigned())
    }
    #[inline]
    fn big_int(&mut self, _: BigInt<'_>) -> Result<()> {
        self.take(2)
    }
    #[inline]
    fn float(&mut self, value: f64) -> Result<()> {
        self.take(value.to_bits())
    }
    #[inline]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.take(length(value))
    }
    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.take(value.len() as u64)
    }
    fn array(&mut self, _: &dyn ArraySource) -> Result<()> {
        self.take(3)
    }
    #[inline]
    fn begin(&mut self, _: Container, _: Option<usize>) -> Result<()> {
        self.take(4)
    }
    #[inline]
    fn end(&mut self, _: Container) -> Result<()> {
        self.take(5)
    }
    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.take(length(key))
    }
    fn entry(&mut self) -> Result<()> {
        self.take(6)
    }
    fn begin_object(&mut self, _: Text<'_>, _: Option<usize>) -> Result<()> {
        self.take(7)
    }
    fn end_object(&mut self) -> Result<()> {
        self.take(8)
    }
    fn mark(&mut self, _: u64) -> Result<()> {
        self.take(9)
    }
    fn alias(&mut self, _: u64) -> Result<()> {
        self.take(10)
    }
}

#[inline]
fn length(text: Text<'_>) -> u64 {
    match text {
        Text::Ascii(text) | Text::Utf8(text) => text.len() as u64,
        _ => 1,
    }
}

fn ours_to_nothing(text: &[u8]) -> u64 {
    let mut sink = Nothing::default();
    from_slice(text, &ReadOptions::default(), &mut sink).expect("JSON");
    sink.0
}

fn ours_to_value(text: &[u8]) -> Value {
    let mut builder = ValueBuilder::new(Limits::default());
    from_slice(text, &ReadOptions::default(), &mut builder).expect("JSON");
    builder.finish().expect("a value")
}

fn main() {
    println!("{:<44}{:>10}{:>10}", "MB/s", "best", "median");
    for path in paths() {
        let text = std::fs::read(&path).expect("a file");
        println!("{} ({} bytes)", path.display(), text.len());
        read(&text);
        write(&text);
    }
}

fn read(text: &[u8]) {
    measure("read: cannery, no-op sink", text.len(), || ours_to_nothing(text));
    let valid = std::str::from_utf8(text).expect("UTF-8");
    measure("read: cannery, no-op sink, from str", text.len(), || {
        let mut sink = Nothing::default();
        from_str(valid, &ReadOptions::default(), &mut sink).expect("JSON");
        sink.0
    });
    measure("read: cannery, Value", text.len(), || ours_to_value(text));
    measure("read: serde_json, Value", text.len(), || {
        serde_json::from_slice::<serde_json::Value>(text).expect("JSON")
    });
    measure("read: simd-json, tape", text.len(), || {
        let mut copy = text.to_vec();
        simd_json::to_tape(&mut copy).expect("JSON").0.len()
    });
    measure("read: simd-json, BorrowedValue", text.len(), || {
        let mut copy = text.to_vec();
        drop(black_box(simd_json::to_borrowed_value(&mut copy).expect("JSON")));
    });
    measure("read: sonic-rs, Value", text.len(), || {
        sonic_rs::from_slice::<sonic_rs::Value>(text).expect("JSON")
    });
}

fn write(text: &[u8]) {
    let value = ours_to_value(text);
    let length = to_vec(&value).expect("JSON").len();
    measure("write: cannery, Value", length, || to_vec(&value).expect("JSON"));
    let mut writer = Writer::new(Vec::new(), WriteOptions::default());
    measure("write: cannery, Value, warm buffer", length, || {
        writer.output().clear();
        value.emit(&mut writer).expect("JSON");
    });
    let mut sink = Nothing::default();
    measure("write: cannery, walking Value alone", length, || value.emit(&mut sink).expect("ok"));
    let theirs: serde_json::Value = serde_json::from_slice(text).expect("JSON");
    measure("write: serde_json, Value", length, || serde_json::to_vec(&theirs).expect("JSON"));
    let theirs: sonic_rs::Value = sonic_rs::from_slice(text).expect("JSON");
    measure("write: sonic-rs, Value", length, || sonic_rs::to_vec(&theirs).expect("JSON"));
}

fn paths() -> Vec<PathBuf> {
    let named: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if !named.is_empty() {
        return named;
    }
    let folder = std::env::var_os("CANNERY_CORPORA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")),
        PathBuf::from,
    );
    let names = ["twitter.json", "citm_catalog.json", "canada.json", "github_events.json"];
    names.map(|name| folder.join(name)).into_iter().filter(|path| path.exists()).collect()
}

fn measure<T>(name: &str, bytes: usize, mut run: impl FnMut() -> T) {
    if std::env::var("BENCH_ONLY").is_ok_and(|only| !name.contains(&only)) {
        return;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    let runs = std::env::var("BENCH_RUNS").ok().and_then(|runs| runs.parse().ok());
    while runs.map_or_else(|| start.elapsed() < Duration::from_millis(600), |n| times.len() < n) {
        let begin = Instant::now();
        let result = black_box(run());
        times.push(begin.elapsed());
        drop(result);
    }
    times.sort();
    let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    println!("  {name:<42}{:>10.0}{:>10.0}", rate(times[0]), rate(times[times.len() / 2]));
}
