//! Files that libhdf5 wrote (`files/make.py`): their values, and that damage is found or harmless.

use std::path::Path;
use std::sync::Arc;

use cannery_core::ErrorKind;
use cannery_hdf5::{Dataspace, DimSelection, File, LinkTarget, Node, ObjectKind, Selection};

const FILES: [&str; 3] = ["earliest.h5", "v110.h5", "latest.h5"];

fn bytes_of(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    std::fs::read(path).expect("the file is part of the crate")
}

fn open(bytes: Vec<u8>) -> cannery_core::Result<File> {
    File::from_source(Arc::new(bytes))
}

/// What `make.py` writes into every dataset.
fn number(row: u64, column: u64) -> i32 {
    i32::try_from((row * 30 + column) * 7 % 251).expect("it is below 251")
}

fn numbers(bytes: &[u8]) -> Vec<i32> {
    bytes.as_chunks::<4>().0.iter().map(|number| i32::from_le_bytes(*number)).collect()
}

#[test]
fn every_layout_and_filter_gives_the_same_numbers() {
    let all: Vec<i32> = (0..20).flat_map(|i| (0..30).map(move |j| number(i, j))).collect();
    let mut cases = 0;
    for name in FILES {
        let root = open(bytes_of(name)).unwrap().root();
        for link in root.members().unwrap() {
            let Ok(dataset) = root.resolve(&link.name).and_then(|node| node.dataset()) else {
                continue;
            };
            if dataset.space().shape() == [20, 30] {
                let found = numbers(&dataset.read_bytes().unwrap());
                assert_eq!(found, all, "{name}: {}", link.name.escape_ascii());
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 3 * 20);
}

#[test]
fn parts_are_those_of_the_whole() {
    let selections = [
        [
            DimSelection::Range { start: 3, step: 4, count: 4 },
            DimSelection::Range { start: 1, step: 1, count: 20 },
        ],
        [
            DimSelection::List(vec![19, 0, 7, 7]),
            DimSelection::Range { start: 5, step: 5, count: 5 },
        ],
        [DimSelection::Range { start: 8, step: 1, count: 1 }, DimSelection::List(vec![29, 2])],
    ];
    for name in FILES {
        let root = open(bytes_of(name)).unwrap().root();
        for dataset in ["contiguous", "fixed", "extensible", "btree2", "gzip", "szip_nn_4", "nbit"]
        {
            let dataset = root.resolve(dataset.as_bytes()).unwrap().dataset().unwrap();
            for dims in &selections {
                let selection = Selection(dims.to_vec());
                let mut out = vec![0; usize::try_from(selection.elements().unwrap()).unwrap() * 4];
                dataset.read_into(&selection, &mut out, 2).unwrap();
                assert_eq!(numbers(&out), expected(dims), "{name}: {dims:?}");
            }
        }
    }
}

fn expected(dims: &[DimSelection]) -> Vec<i32> {
    let positions = |dim: &DimSelection| match dim {
        DimSelection::Range { start, step, count } => {
            (0..*count).map(|i| start + i * step).collect()
        }
        DimSelection::List(list) => list.clone(),
    };
    let (rows, columns) = (positions(&dims[0]), positions(&dims[1]));
    rows.iter().flat_map(|i| columns.iter().map(|j| number(*i, *j))).collect()
}

#[test]
fn links_and_attributes() {
    let root = open(bytes_of("latest.h5")).unwrap().root();
    assert_eq!(root.kind().unwrap(), ObjectKind::Group);
    assert_eq!(root.resolve(b"soft").unwrap(), root.resolve(b"/contiguous").unwrap());
    assert_eq!(root.link(b"soft").unwrap().target, LinkTarget::Soft(b"/contiguous".to_vec()));
    let (name, attribute) = root.attributes().unwrap().remove(0);
    let attribute = attribute.unwrap();
    assert_eq!((name.as_slice(), attribute.space), (b"answer".as_slice(), Dataspace::Scalar));
    assert_eq!(attribute.data, 42_i16.to_le_bytes());
    let text = root.resolve(b"text").unwrap().dataset().unwrap();
    let texts = text.read_bytes().unwrap();
    let texts: Vec<_> = texts.chunks(16).map(|text| root.sequence(text, 1).unwrap().1).collect();
    assert_eq!(texts, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
}

#[test]
fn what_is_refused() {
    let root = open(bytes_of("latest.h5")).unwrap().root();
    let message = |error: cannery_core::Error| error.report();
    insta::assert_snapshot!(message(root.resolve(b"out").unwrap_err()), @r#"
    the external file `other.h5` is not opened

    hint: allow files of the same folder with `external="same-folder"`, or all with `external="any"`
    "#);
    insta::assert_snapshot!(message(root.resolve(b"a/b").unwrap_err()), @"no object is named `a`");
    insta::assert_snapshot!(message(root.resolve(b"contiguous/x").unwrap_err()), @"no object is named `x`");
    insta::assert_snapshot!(message(root.dataset().err().unwrap()), @"a dataset has no datatype at byte 48");
    let mut cut = bytes_of("latest.h5");
    cut.truncate(cut.len() - 1);
    assert_eq!(open(cut).err().unwrap().kind(), ErrorKind::Truncated);
    insta::assert_snapshot!(message(open(b"no file".to_vec()).err().unwrap()), @"expected an HDF5 file, found no superblock");
    let mut damaged = bytes_of("latest.h5");
    damaged[20] ^= 1;
    insta::assert_snapshot!(message(open(damaged).err().unwrap()), @"the checksum of the superblock does not match");
}

/// Looks at all that a file has.
fn walk(root: &Node) {
    let Ok(members) = root.members() else { return };
    let _ = root.attributes();
    for link in members {
        let Ok(node) = root.resolve(&link.name) else { continue };
        let _ = node.attributes();
        let Ok(dataset) = node.dataset() else { continue };
        // Damage may make a shape of any size.
        if dataset.space().elements() < 1 << 16 {
            let _ = dataset.read_bytes();
        } else {
            let shape = dataset.space().shape().iter();
            let one = shape.map(|_| DimSelection::Range { start: 0, step: 1, count: 1 }).collect();
            let mut out = vec![0; dataset.datatype().size.min(1 << 20) as usize];
            let _ = dataset.read_into(&Selection(one), &mut out, 1);
        }
    }
}

#[test]
fn damage_is_an_error_or_harmless() {
    let mut cases = 0_u64;
    for name in FILES {
        let bytes = bytes_of(name);
        // Every byte of the metadata would take long: each 97th, another bit each time.
        for at in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at / 97 % 8);
            if let Ok(file) = open(damaged) {
                walk(&file.root());
            }
            if let Ok(file) = open(bytes[..at].to_vec()) {
                walk(&file.root());
            }
            cases += 2;
        }
    }
    assert!(cases > 1000, "only {cases} cases ran");
}

#[test]
fn a_bit_that_a_checksum_covers_is_noticed() {
    let bytes = bytes_of("latest.h5");
    let clean = open(bytes.clone()).unwrap().root().members().unwrap();
    let find = |signature: &[u8]| bytes.windows(4).position(|found| found == signature).unwrap();
    for signature in [b"OHDR", b"FADB", b"EAHD", b"BTHD", b"BTLF"] {
        let mut damaged = bytes.clone();
        damaged[find(signature) + 9] ^= 4;
        let same = open(damaged).is_ok_and(|file| {
            let root = file.root();
            root.members().is_ok_and(|members| members == clean)
                && clean.iter().filter(|link| matches!(link.target, LinkTarget::Hard(_))).all(
                    |link| {
                        root.resolve(&link.name)
                            .and_then(|node| node.dataset()?.read_bytes())
                            .is_ok()
                    },
                )
        });
        assert!(!same, "damage of {} went unnoticed", signature.escape_ascii());
    }
}
