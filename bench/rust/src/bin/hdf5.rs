//! Whole datasets of HDF5 files in Rust: MB/s, the best of many reads, beside rust-hdf5.
//!
//! `cargo run --release --manifest-path bench/rust/Cargo.toml --bin hdf5`; `BENCH_RUNS=10` reads so often.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use cannery_hdf5::{
    ByteOrder, CreateOptions, Dataset, DatasetSpec, Dataspace, Datatype, File, Filter, FloatLayout,
    LinkTarget, Selection, Storage, TypeClass,
};

const SHAPE: [u64; 2] = [4000, 1000];
const CHUNK: u64 = 250;

/// Names and filters of datasets, by their registered numbers.
fn pipelines() -> Vec<(&'static str, Vec<Filter>)> {
    let shuffle = || Filter::new(2, 1, vec![]);
    let gzip = || Filter::new(1, 1, vec![4]);
    vec![
        ("contiguous", vec![]),
        ("chunked", vec![]),
        ("gzip", vec![gzip()]),
        ("shuffle+gzip", vec![shuffle(), gzip()]),
        ("blosc", vec![Filter::new(32001, 1, vec![2, 2, 4, 0, 5, 1, 1])]),
        ("zstd", vec![Filter::new(32015, 1, vec![3])]),
    ]
}

/// Sums of random steps with two decimals, as sensors give them.
fn values() -> Vec<f32> {
    let mut state = 1_u64;
    let mut columns = vec![0.0_f32; 1000];
    let mut values = Vec::new();
    for _ in 0..SHAPE[0] {
        for value in &mut columns {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let step = u16::try_from(state >> 48).expect("16 bits");
            *value = ((*value + f32::from(step) / 32768.0 - 1.0) * 100.0).round() / 100.0;
        }
        values.extend_from_slice(&columns);
    }
    values
}

fn single() -> Datatype {
    let layout = FloatLayout {
        order: ByteOrder::Little,
        offset: 0,
        precision: 32,
        sign: 31,
        exponent_at: 23,
        exponent_bits: 8,
        mantissa_at: 0,
        mantissa_bits: 23,
        bias: 127,
        normalization: 2,
    };
    Datatype::new(4, TypeClass::Float(layout))
}

fn write(path: &Path, values: &[f32]) -> Result<(), Box<dyn Error>> {
    let file = File::create(path, &CreateOptions::default())?;
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    for (name, filters) in pipelines() {
        let max_shape = SHAPE.iter().copied().map(Some).collect();
        let space = Dataspace::Simple { shape: SHAPE.to_vec(), max_shape };
        let mut spec = DatasetSpec::new(single(), space);
        if name != "contiguous" {
            spec.storage = Storage::Chunked(vec![CHUNK, CHUNK]);
        }
        spec.filters = filters;
        let dataset = file.root().create_dataset(&spec)?;
        dataset.write(&Selection::all(&SHAPE), &bytes, 0)?;
        file.root().insert_link(name.as_bytes(), &LinkTarget::Hard(dataset.id().1))?;
    }
    Ok(file.close()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("cannery-bench-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let result = run(&folder.join("bench.h5"));
    std::fs::remove_dir_all(&folder)?;
    result
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let values = values();
    write(path, &values)?;
    for (name, _) in pipelines() {
        let file = || -> Result<Dataset, Box<dyn Error>> {
            Ok(File::open(path)?.root().resolve(name.as_bytes())?.dataset()?)
        };
        let ours = || file().and_then(|dataset| Ok(dataset.read::<f32>()?));
        let one_thread = || {
            let dataset = file()?;
            let mut bytes = vec![0; values.len() * 4];
            dataset.read_into(&Selection::all(&SHAPE), &mut bytes, 1)?;
            Ok::<_, Box<dyn Error>>(bytes)
        };
        let theirs = || -> Result<Vec<f32>, Box<dyn Error>> {
            Ok(rust_hdf5::H5File::open(path)?.dataset(name)?.read_raw::<f32>()?)
        };
        println!("{name}");
        assert_eq!(ours()?, values, "{name}");
        measure("cannery", ours);
        measure("cannery, bytes, one thread", one_thread);
        match theirs() {
            Ok(found) if found == values => measure("rust-hdf5", theirs),
            Ok(_) => println!("    rust-hdf5, not timed: it reads other values"),
            Err(error) => println!("    rust-hdf5, not timed: {error}"),
        }
    }
    Ok(())
}

fn measure<T>(name: &str, mut read: impl FnMut() -> T) {
    let runs = std::env::var("BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(40);
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        black_box(read());
        best = best.min(start.elapsed());
    }
    let bytes: f64 = SHAPE.iter().map(|&side| u32::try_from(side).map_or(0.0, f64::from)).product();
    println!("    {name}: {:.0} MB/s", bytes * 4.0 / best.as_secs_f64() / 1e6);
}
