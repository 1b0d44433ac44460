//! Elements as values of Rust: numbers, texts, slices, blocks and structs.

use std::path::Path;
use std::sync::Arc;

use cannery_core::{ErrorKind, Result};
use cannery_hdf5::{
    ByteOrder, CharacterSet, CreateOptions, Dataset, DatasetSpec, Dataspace, Datatype, File,
    FloatLayout, Member, MemoryTarget, Selection, StringPadding, TypeClass, s,
};

const ROWS: i32 = 20;
const COLUMNS: i32 = 30;

fn number(row: i32, column: i32) -> i32 {
    (row * COLUMNS + column) * 7 % 251
}

fn each_file(check: impl Fn(&File, &str) -> Result<()>) -> Result<()> {
    for name in ["earliest", "v110", "latest"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
        check(&File::open(folder.join(format!("{name}.h5")))?, name)?;
    }
    Ok(())
}

fn dataset(file: &File, name: &str) -> Result<Dataset> {
    file.root().resolve(name.as_bytes())?.dataset()
}

const NAMES: [&str; 6] = ["contiguous", "single", "fixed", "extensible", "btree2", "nbit"];

#[test]
fn numbers_are_read_as_what_holds_them() -> Result<()> {
    let expected: Vec<i32> =
        (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| number(row, column))).collect();
    each_file(|file, which| {
        for name in NAMES {
            let dataset = dataset(file, name)?;
            assert_eq!(dataset.read::<i32>()?, expected, "{which} {name}");
            let wide: Vec<i64> = expected.iter().copied().map(i64::from).collect();
            assert_eq!(dataset.read::<i64>()?, wide, "{which} {name}");
            let floats: Vec<f64> = expected.iter().copied().map(f64::from).collect();
            assert_eq!(dataset.read::<f64>()?, floats, "{which} {name}");
            for error in [
                dataset.read::<i16>().err(),
                dataset.read::<u32>().err(),
                dataset.read::<u64>().err(),
                dataset.read::<f32>().err(),
                dataset.read::<bool>().err(),
                dataset.read::<String>().err(),
            ] {
                let error = error.expect("not all values fit");
                assert_eq!(error.kind(), ErrorKind::Type, "{which} {name}");
                assert_eq!(error.hint(), Some("`i32` holds all of them"), "{which} {name}");
            }
        }
        assert_eq!(dataset(file, "text")?.read::<String>()?, ["one", "two", "three"]);
        assert!(dataset(file, "text")?.read::<i32>().is_err());
        Ok(())
    })
}

#[test]
fn slices_are_what_indexing_gives() -> Result<()> {
    each_file(|file, which| {
        for name in NAMES {
            let dataset = dataset(file, name)?;
            let part = dataset.slice(s![3..=9;3, -4..])?;
            assert_eq!(part.shape(), [3, 4], "{which} {name}");
            let expected: Vec<i32> = [3, 6, 9]
                .into_iter()
                .flat_map(|row| (26..30).map(move |column| number(row, column)))
                .collect();
            assert_eq!(part.read::<i32>()?, expected, "{which} {name}");
            let row = dataset.slice(s![-1, ..;7])?;
            assert_eq!(row.shape(), [5], "{which} {name}");
            let expected: Vec<i32> =
                (0..COLUMNS).step_by(7).map(|column| number(19, column)).collect();
            assert_eq!(row.read::<i32>()?, expected, "{which} {name}");
            let one = dataset.slice(s![4_usize, 5_u64])?;
            assert!(one.shape().is_empty());
            assert_eq!(one.read::<i32>()?, [number(4, 5)]);
            let picked = dataset.slice(s![vec![7, 2], ..=1])?.read::<i32>()?;
            assert_eq!(picked, [number(7, 0), number(7, 1), number(2, 0), number(2, 1)]);
            assert!(dataset.slice(s![5..5, ..])?.read::<i32>()?.is_empty());
        }
        Ok(())
    })
}

#[test]
fn slices_outside_are_refused() -> Result<()> {
    each_file(|file, _| {
        let dataset = dataset(file, "fixed")?;
        let wrong = [
            dataset.slice(s![20, ..]).err(),
            dataset.slice(s![-21, ..]).err(),
            dataset.slice(s![..21, ..]).err(),
            dataset.slice(s![..u64::MAX, ..]).err(),
            dataset.slice(s![.., ..;0]).err(),
            dataset.slice(s![..]).err(),
            dataset.slice(s![.., .., ..]).err(),
        ];
        for (at, error) in wrong.into_iter().enumerate() {
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Value), "{at}");
        }
        assert!(dataset.slice(s![vec![20], ..]).is_err());
        Ok(())
    })
}

#[test]
fn blocks_are_all_elements_once() -> Result<()> {
    each_file(|file, which| {
        for name in NAMES {
            let dataset = dataset(file, name)?;
            let whole = dataset.read_bytes()?;
            let mut seen = vec![0_u8; whole.len()];
            let mut count = 0;
            for block in dataset.blocks() {
                count += 1;
                // Each element's number, read as the whole and as the block.
                let bytes = block.read_bytes()?;
                let columns = &block.selection().0[1];
                let rows = &block.selection().0[0];
                assert!(!bytes.is_empty(), "{which} {name}: {rows:?} {columns:?}");
                let positions = positions(block.selection());
                assert_eq!(positions.len() * 4, bytes.len());
                for (element, at) in bytes.chunks_exact(4).zip(positions) {
                    seen[at * 4..][..4].copy_from_slice(element);
                }
            }
            assert_eq!(seen, whole, "{which} {name}");
            let expected = if dataset.chunks() == Some(&[7, 8]) { 12 } else { 1 };
            assert_eq!(count, expected, "{which} {name}");
        }
        Ok(())
    })
}

/// Where in the rows of a dataset of `COLUMNS` the elements of a selection stand.
fn positions(selection: &Selection) -> Vec<usize> {
    use cannery_hdf5::DimSelection::Range;
    let [Range { start: row, count: rows, .. }, Range { start: column, count: columns, .. }] =
        selection.0[..]
    else {
        panic!("blocks are ranges");
    };
    (row..row + rows)
        .flat_map(|row| (column..column + columns).map(move |column| row * 30 + column))
        .map(|at| usize::try_from(at).expect("a small number"))
        .collect()
}

fn fixed(size: u32, signed: bool, order: ByteOrder) -> Datatype {
    let precision = u16::try_from(size * 8).expect("a small size");
    let class = TypeClass::Fixed { order, signed, offset: 0, precision, is_bits: false };
    Datatype::new(size, class)
}

fn double() -> Datatype {
    Datatype::new(
        8,
        TypeClass::Float(FloatLayout {
            order: ByteOrder::Little,
            offset: 0,
            precision: 64,
            sign: 63,
            exponent_at: 52,
            exponent_bits: 11,
            mantissa_at: 0,
            mantissa_bits: 52,
            bias: 1023,
            normalization: 2,
        }),
    )
}

/// A file in memory with one dataset of one dimension.
fn written(datatype: Datatype, bytes: &[u8]) -> Result<File> {
    let target = Arc::new(MemoryTarget::default());
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    let count = bytes.len() as u64 / u64::from(datatype.size);
    let space = Dataspace::Simple { shape: vec![count], max_shape: vec![Some(count)] };
    let node = file.root().create_dataset(&DatasetSpec::new(datatype, space))?;
    node.write(&Selection::all(&[count]), bytes, 1)?;
    file.root().insert_link(b"x", &cannery_hdf5::LinkTarget::Hard(node.id().1))?;
    file.close()?;
    File::from_source(Arc::new(target.bytes()))
}

#[test]
fn integers_of_each_width_and_order_widen() -> Result<()> {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let bytes = |value: i16| match order {
            ByteOrder::Little => value.to_le_bytes(),
            _ => value.to_be_bytes(),
        };
        let data: Vec<u8> = [-2_i16, 3, i16::MIN].into_iter().flat_map(bytes).collect();
        let signed = written(fixed(2, true, order), &data)?;
        let signed = dataset(&signed, "x")?;
        assert_eq!(signed.read::<i16>()?, [-2, 3, i16::MIN]);
        assert_eq!(signed.read::<i64>()?, [-2, 3, -32768]);
        assert_eq!(signed.read::<f32>()?, [-2.0, 3.0, -32768.0]);
        assert!(signed.read::<u16>().is_err());
        assert!(signed.read::<u64>().is_err());
        let unsigned = written(fixed(2, false, order), &data)?;
        let unsigned = dataset(&unsigned, "x")?;
        assert_eq!(unsigned.read::<u16>()?, [65534, 3, 32768]);
        assert_eq!(unsigned.read::<i32>()?, [65534, 3, 32768]);
        assert_eq!(unsigned.read::<f64>()?, [65534.0, 3.0, 32768.0]);
        assert!(unsigned.read::<i16>().is_err());
    }
    Ok(())
}

#[test]
fn floating_point_numbers_are_not_rounded() -> Result<()> {
    let values = [1.5, f64::NEG_INFINITY, f64::from_bits(0x7ff8_0000_0000_0001), 1e300];
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = written(double(), &bytes)?;
    let dataset = dataset(&file, "x")?;
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&dataset.read::<f64>()?), bits(&values));
    let error = dataset.read::<f32>().expect_err("they would be rounded");
    assert_eq!(error.hint(), Some("`f64` holds all of them"));
    assert!(dataset.read::<i64>().is_err());
    Ok(())
}

#[test]
fn truth_values_are_those_of_h5py() -> Result<()> {
    let truth = |names: [&[u8]; 2]| {
        let members = names.iter().zip(0..).map(|(name, value)| (name.to_vec(), vec![value]));
        let base = Box::new(fixed(1, true, ByteOrder::Little));
        Datatype::new(1, TypeClass::Enum { base, members: members.collect() })
    };
    let file = written(truth([b"FALSE", b"TRUE"]), &[0, 1, 1])?;
    assert_eq!(dataset(&file, "x")?.read::<bool>()?, [false, true, true]);
    assert_eq!(dataset(&file, "x")?.read::<i8>()?, [0, 1, 1]);
    let file = written(truth([b"OFF", b"ON"]), &[0, 1, 1])?;
    assert!(dataset(&file, "x")?.read::<bool>().is_err());
    Ok(())
}

fn text(size: u32, padding: StringPadding) -> Datatype {
    Datatype::new(size, TypeClass::String { padding, charset: CharacterSet::Utf8 })
}

#[test]
fn texts_end_as_their_padding_says() -> Result<()> {
    let data = "ab\0c\0\0é   d\0\0\0\0\0".as_bytes();
    for (padding, expected) in [
        (StringPadding::NullTerminated, ["ab", "é   d", ""]),
        (StringPadding::NullPadded, ["ab\0c", "é   d", ""]),
        (StringPadding::SpacePadded, ["ab\0c\0\0", "é   d", "\0\0\0\0\0\0"]),
    ] {
        let mut data = data.to_vec();
        data.resize(18, 0);
        let file = written(text(6, padding), &data)?;
        let found = dataset(&file, "x")?.read::<String>()?;
        assert_eq!(found, expected, "{padding:?}");
    }
    let file = written(text(2, StringPadding::NullPadded), &[0xff, 0])?;
    assert_eq!(dataset(&file, "x")?.read::<String>().map_err(|e| e.kind()), Err(ErrorKind::Value));
    Ok(())
}

fn member(name: &str, offset: u32, datatype: Datatype) -> Member {
    Member { name: name.as_bytes().to_vec(), offset, datatype }
}

/// A compound of a number, a text, a matrix, a named value and a compound.
fn particle() -> Datatype {
    let matrix =
        TypeClass::Array { base: Box::new(fixed(1, true, ByteOrder::Little)), shape: vec![2, 3] };
    let kinds = [("proton", 1), ("neutron", 2)];
    let members = kinds.iter().map(|(name, value)| (name.as_bytes().to_vec(), vec![*value]));
    let base = Box::new(fixed(1, false, ByteOrder::Little));
    let kind = TypeClass::Enum { base, members: members.collect() };
    let inner = TypeClass::Compound(vec![member("mass", 0, double())]);
    let members = vec![
        member("id", 0, fixed(2, false, ByteOrder::Big)),
        member("name", 2, text(4, StringPadding::NullPadded)),
        member("matrix", 6, Datatype::new(6, matrix)),
        member("kind", 12, Datatype::new(1, kind)),
        member("state", 16, Datatype::new(8, inner)),
    ];
    Datatype::new(24, TypeClass::Compound(members))
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Proton,
    Neutron,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct State {
    mass: f64,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Particle {
    id: u64,
    name: Option<String>,
    matrix: [[i8; 3]; 2],
    kind: Kind,
    state: State,
    #[serde(default)]
    charge: i32,
}

fn particles() -> Vec<u8> {
    let one = |id: u16, kind: u8, mass: f64| {
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend_from_slice(b"abc\0\x01\x02\x03\x04\x05\xff");
        bytes.extend_from_slice(&[kind, 0, 0, 0]);
        bytes.extend_from_slice(&mass.to_le_bytes());
        bytes
    };
    [one(258, 1, 0.5), one(7, 2, 2.5)].concat()
}

#[test]
fn compounds_are_structs() -> Result<()> {
    let file = written(particle(), &particles())?;
    let dataset = dataset(&file, "x")?;
    let one = |id, kind, mass| Particle {
        id,
        name: Some("abc".to_owned()),
        matrix: [[1, 2, 3], [4, 5, -1]],
        kind,
        state: State { mass },
        charge: 0,
    };
    let expected = [one(258, Kind::Proton, 0.5), one(7, Kind::Neutron, 2.5)];
    assert_eq!(dataset.records::<Particle>()?, expected);
    assert_eq!(dataset.slice(s![1..])?.records::<Particle>()?, expected[1..]);
    Ok(())
}

#[test]
fn records_that_do_not_fit_say_where() -> Result<()> {
    #[derive(Debug, serde::Deserialize)]
    struct Short {
        #[expect(dead_code, reason = "it is not reached")]
        id: u8,
    }

    let file = written(particle(), &particles())?;
    let error = dataset(&file, "x")?.records::<Short>().expect_err("258 is no `u8`");
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.message().starts_with("element 0: `id`: "), "{error}");
    let mut bytes = particles();
    bytes[24 + 12] = 9;
    let file = written(particle(), &bytes)?;
    let error = dataset(&file, "x")?.records::<Particle>().expect_err("a kind without a name");
    assert!(error.message().starts_with("element 1: `kind`: "), "{error}");
    Ok(())
}
