//! The scanner on published hostile files, on files of real libraries, and on what is made here.

use std::path::PathBuf;

use cannery_pickle::scan::{ScanOptions, Verdict, scan};
use proptest::prelude::*;

fn verdict(data: &[u8]) -> Verdict {
    scan(data, &ScanOptions::default()).verdict
}

fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Some(suites) = cannery_testing::suites() else { return Vec::new() };
    let folders = std::fs::read_dir(suites.join("pickle").join(folder)).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    files
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn no_hostile_file_is_ok() {
    let files = files("malicious");
    cannery_testing::report("hostile pickles", files.len());
    for (path, data) in files {
        assert_ne!(verdict(&data), Verdict::Ok, "{}", path.display());
    }
}

#[test]
fn no_file_of_a_library_is_dangerous_and_data_is_ok() {
    let files = files("benign");
    cannery_testing::report("pickles of libraries", files.len());
    for (path, data) in files {
        let report = scan(&data, &ScanOptions::default());
        assert_ne!(report.verdict, Verdict::Danger, "{}: {:?}", path.display(), report.findings);
        // Classes and functions of a module of the suite's own are all that no table has; partials
        // of them are not of a function that only computes.
        let own = |name: &str| {
            name.starts_with("benign_types.")
                || ["builtins.getattr", "functools.partial"].contains(&name)
        };
        let foreign = report.findings.iter().find(|finding| !own(&finding.name));
        assert_eq!(foreign, None, "{}", path.display());
    }
}

#[test]
fn a_file_of_a_library_that_is_cut_off_is_never_ok() {
    let mut cases = 0;
    for (path, data) in files("benign").into_iter().filter(|(_, data)| data.len() < 4000) {
        let whole = verdict(&data);
        let step = (data.len() / 40).max(1);
        for end in (2..data.len()).step_by(step).filter(|_| whole == Verdict::Ok) {
            let is_whole =
                matches!(data[..end].last(), Some(b'.')) || path.ends_with("ten_streams.pkl");
            let filling = data[end..].iter().all(u8::is_ascii_whitespace);
            if !is_whole && !filling {
                cases += 1;
                assert_ne!(verdict(&data[..end]), Verdict::Ok, "{} at {end}", path.display());
            }
        }
    }
    cannery_testing::report("pickles cut off", cases);
}

#[test]
fn exported_programs_are_unknown() {
    let Some(suites) = cannery_testing::suites() else { return };
    let mut cases = 0;
    for file in std::fs::read_dir(suites.join("torch/pt2")).unwrap() {
        let data = std::fs::read(file.unwrap().path()).unwrap();
        assert_eq!(verdict(&data), Verdict::Unknown);
        cases += 1;
    }
    cannery_testing::report("exported programs", cases);
}

/// A hostile pickle, and one that holds data.
const EVIL: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.";
const DATA: &[u8] = b"\x80\x02]q\0(K\x01K\x02e.";

#[test]
fn verdicts() {
    use Verdict::{Code, Danger, Ok, Skipped, Unknown};
    let long_memo = b"\x80\x02Nr\xff\xff\xff\x7f.";
    let cases: &[(&str, Vec<u8>, Verdict)] = &[
        ("data", DATA.to_vec(), Ok),
        ("evil", EVIL.to_vec(), Danger),
        ("empty", vec![], Skipped),
        ("cut", DATA[..8].to_vec(), Unknown),
        ("two", [DATA, DATA].concat(), Ok),
        ("evil second", [DATA, EVIL].concat(), Danger),
        ("evil behind junk", [DATA, b"\0\xffjunk".as_slice(), EVIL].concat(), Danger),
        ("protocol 0 behind junk", [DATA, b"\0\xff\0cos\nsystem\n(S'x'\ntR."].concat(), Danger),
        ("junk behind", [DATA, b"\xff\xfe\xfd"].concat(), Unknown),
        ("newline behind", [DATA, b"\r\n"].concat(), Ok),
        ("evil, then broken", [&EVIL[..EVIL.len() - 1], b"\xff"].concat(), Danger),
        ("evil, dropped", b"cos\nsystem\n(S'x'\ntR0N.".to_vec(), Danger),
        ("INST", b"(S'x'\nios\nsystem\n.".to_vec(), Danger),
        ("OBJ", b"(cos\nsystem\nS'x'\no.".to_vec(), Danger),
        ("name in the memo", b"Vos\np0\n0Vsystem\np1\n0g0\ng1\n\x93.".to_vec(), Danger),
        ("escaped name", b"V\\u006fs\nVsys\\u0074em\n\x93.".to_vec(), Danger),
        ("BINSTRING name", b"U\x02osU\x06system\x93.".to_vec(), Danger),
        ("computed name", b"U\x02osc__builtin__\nstr\nU\x06system\x85R\x93.".to_vec(), Danger),
        ("unknown class", b"cmy_pkg\nModel\n)\x81.".to_vec(), Unknown),
        ("extension code", b"\x80\x02\x82\x01.".to_vec(), Unknown),
        ("persistent id", b"Pabc\n.".to_vec(), Unknown),
        ("BUILD on a class", b"ccollections\nOrderedDict\n}b.".to_vec(), Danger),
        ("items into a class", b"ccollections\nOrderedDict\nK\x01K\x02s.".to_vec(), Danger),
        ("getattr chain", b"c__builtin__\ngetattr\n(cposix\nU\x06systemtR.".to_vec(), Unknown),
        (
            "getattr",
            b"c__builtin__\ngetattr\n(crandom\nRandom\nU\x0b__globals__tR.".to_vec(),
            Danger,
        ),
        ("dotted", b"\x80\x04\x8c\x06random\x8c\x0a_os.system\x93.".to_vec(), Danger),
        ("memo bomb", long_memo.to_vec(), Unknown),
        ("zeros", b"c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R.".to_vec(), Unknown),
        ("not called like this", b"csklearn.svm._classes\nSVC\n)R.".to_vec(), Unknown),
        ("nested", b"cpickle\nloads\nC\x17cos\nsystem\n(S'echo'\ntR.\x85R.".to_vec(), Danger),
        ("frame too long", b"\x80\x04\x95\x40\0\0\0\0\0\0\0N.".to_vec(), Unknown),
        ("frame cuts an opcode", b"\x80\x04\x95\x02\0\0\0\0\0\0\0NK\x010.".to_vec(), Unknown),
        ("python", b"class Model:\n    pass\n".to_vec(), Code),
        ("python imports", b"import os\nimport sys\n".to_vec(), Code),
        ("text", b"Hello, world\nthis is text\n".to_vec(), Skipped),
        ("json", b"{\"a\": [1, 2]}".to_vec(), Ok),
        ("keras", b"{\"class_name\": \"Lambda\"}".to_vec(), Danger),
        ("old joblib wrapping", b"ZF0x10  broken".to_vec(), Unknown),
    ];
    for (name, data, expected) in cases {
        let report = scan(data, &ScanOptions::default());
        assert_eq!(report.verdict, *expected, "{name}: {:?}", report.findings);
    }
}

#[test]
fn tuples_of_shared_tuples_as_a_key_are_a_bomb() {
    let mut data = b"\x80\x02}K\x01\x85".to_vec();
    for _ in 0..60 {
        data.extend(b"2\x86");
    }
    data.extend(b"Ns.");
    assert_eq!(verdict(&data), Verdict::Unknown);
}

#[test]
fn a_wrapping_that_unpacks_to_too_much_is_not_ok() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(b"\x80\x04B\0\0\0\x04").unwrap();
    for _ in 0..64 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    let report = scan(&packed, &ScanOptions::default().max_unpacked(1 << 20));
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.findings.iter().any(|finding| finding.reason.contains("bomb")));
}

proptest! {
    /// Bytes that are mostly opcodes, so that many instructions are read before the first error.
    #[test]
    fn nothing_panics(data in prop::collection::vec(prop_oneof![
        any::<u8>(),
        prop::sample::select(b"()]}t0l2dseauNRbo\x81\x85\x86\x87\x88\x8f\x90\x91\x93\x94.K\x01\n".to_vec()),
    ], 0..200)) {
        prop_assert_eq!(scan(&data, &ScanOptions::default()).bytes, data.len() as u64);
    }

    #[test]
    fn what_is_inside_an_archive_cannot_hide(junk in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut data = DATA.to_vec();
        data.extend(&junk);
        data.extend(EVIL);
        prop_assert_ne!(verdict(&data), Verdict::Ok);
    }

    #[test]
    fn a_changed_byte_never_makes_an_evil_file_panic(at in 0..EVIL.len(), byte: u8) {
        let mut data = EVIL.to_vec();
        data[at] = byte;
        prop_assert_eq!(scan(&data, &ScanOptions::default()).bytes, data.len() as u64);
    }
}
