//! `.can` files: what is written is read, damage is named, and members lie where they are mapped.

use std::io::{Cursor, Read, Write};

use cannery_can::{Bytes, CanFile, CanWriter, Compression, is_can, to_vec};
use cannery_core::{
    ArrayBuf, Dtype, DtypeKind, Error, ErrorKind, Limits, Order, Result, Source, Tape, TensorDtype,
    Value, ValueBuilder,
};
use cannery_safetensors::Tensor;
use cannery_testing::{Checked, any_graph, any_marked_value, any_value, events};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

proptest! {
    #[test]
    fn what_is_written_is_read(value in any_value()) {
        let bytes = written(&value)?;
        prop_assert_eq!(read(bytes)?, events(&value));
    }

    #[test]
    fn references_survive(value in any_marked_value()) {
        let bytes = written(&value)?;
        prop_assert_eq!(read(bytes)?, events(&value));
    }

    #[test]
    fn cycles_survive(graph in any_graph()) {
        let bytes = written(&graph)?;
        prop_assert_eq!(read(bytes)?, events(&graph));
    }

    #[test]
    fn a_flipped_bit_is_noticed_or_means_nothing(value in any_value(), at: prop::sample::Index, bit in 0..8) {
        let mut bytes = written(&value)?;
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(found) = read(bytes) {
            prop_assert_eq!(found, events(&value));
        }
    }

    #[test]
    fn a_cut_file_is_noticed(value in any_value(), at: prop::sample::Index) {
        let mut bytes = to_vec(&value)?;
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(read(bytes).is_err());
    }
}

fn read(bytes: Vec<u8>) -> Result<Tape> {
    let mut sink = Checked::new(Tape::default());
    CanFile::from_bytes(Bytes::from(bytes), Limits::default())?.send(&mut sink)?;
    Ok(sink.finish())
}

/// The file of a value, unless the value is one that JSON cannot tell from another: text with two
/// lone surrogates side by side, which every reader takes for a pair.
fn written(value: &impl Source) -> Result<Vec<u8>, TestCaseError> {
    let bytes = to_vec(value)?;
    let document = members(&bytes).into_iter().find(|(name, _)| name == "document.json");
    prop_assume!(!splits_a_pair(&document.expect("every file has one").1));
    Ok(bytes)
}

fn splits_a_pair(text: &[u8]) -> bool {
    let is_half = |escape: &[u8], third: &[u8]| {
        escape.starts_with(b"\\ud") && third.contains(&escape[3].to_ascii_lowercase())
    };
    text.windows(12).any(|both| is_half(both, b"89ab") && is_half(&both[6..], b"cdef"))
}

fn array(len: u16) -> ArrayBuf {
    let data = (0..len).flat_map(u16::to_le_bytes).collect();
    ArrayBuf::new(Dtype::new(DtypeKind::Uint(2)), vec![u64::from(len)], Order::C, data).unwrap()
}

fn sample() -> Value {
    let blob = Value::Bytes(vec![7; 600]);
    Value::from_iter([("x", Value::from(array(300))), ("y", Value::from(array(3))), ("b", blob)])
}

/// The members of an archive, unpacked.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let len = archive.len();
    let member = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..len).map(member).collect()
}

/// An archive of these members, packed.
fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The sample with members changed by `edit`.
fn edited(edit: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Result<Tape> {
    let mut members = members(&to_vec(&sample()).unwrap());
    edit(&mut members);
    read(zipped(&members))
}

#[test]
fn members_are_what_the_page_says() {
    let bytes = to_vec(&sample()).unwrap();
    assert!(is_can(&bytes));
    let members = members(&bytes);
    let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["arrays/0.npy", "arrays/1.npy", "bytes/0.bin", "document.json", "manifest.json"]
    );
    let document = String::from_utf8(members[3].1.clone()).unwrap();
    insta::assert_snapshot!(document, @r#"{"x":{"$array":"arrays/0.npy"},"y":{"$array":"arrays/1.npy"},"b":{"$bytes":"bytes/0.bin"}}"#);
    assert_eq!(to_vec(&sample()).unwrap(), bytes, "equal values give equal files");
    assert!(!is_can(b"PK\x03\x04"));
    assert!(!is_can(&zipped(&[("x.npy".to_owned(), Vec::new())])));
}

#[test]
fn stored_arrays_lie_on_boundaries() {
    let bytes = to_vec(&sample()).unwrap();
    let at = bytes.windows(6).position(|window| window == b"\x93NUMPY").unwrap();
    assert_eq!(at % 64, 0);
}

#[test]
fn packed_members_are_read() {
    for compression in [Compression::Deflate(6), Compression::Zstd(3)] {
        let mut writer = CanWriter::new(Cursor::new(Vec::new()), compression);
        let zeros =
            ArrayBuf::new(Dtype::new(DtypeKind::Uint(1)), vec![90_000], Order::C, vec![0; 90_000]);
        let value = Value::from(zeros.unwrap());
        value.emit(writer.sink()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert!(bytes.len() < 2_000, "{}", bytes.len());
        assert_eq!(read(bytes).unwrap(), events(&value));
    }
}

#[test]
fn the_same_members_in_another_archive_are_the_same_value() {
    let same = edited(|members| members.reverse()).unwrap();
    assert_eq!(same, events(&sample()));
}

fn tensor(kind: DtypeKind, order: Order) -> ArrayBuf {
    let dtype = Dtype::new(kind);
    let data = (0..u8::try_from(6 * dtype.itemsize()).unwrap()).collect();
    ArrayBuf::new(dtype, vec![2, 3], order, data).unwrap()
}

#[test]
fn arrays_of_types_that_npy_lacks_are_safetensors() {
    let kinds = [DtypeKind::BFloat16, DtypeKind::Float8E4M3, DtypeKind::Float8E5M2];
    for (kind, code) in kinds.into_iter().zip(["BF16", "F8_E4M3", "F8_E5M2"]) {
        for order in [Order::C, Order::Fortran] {
            let array = tensor(kind.clone(), order);
            let value = Value::from_iter([("x", Value::from(self::array(3))), ("y", array.into())]);
            let bytes = to_vec(&value).unwrap();
            assert_eq!(read(bytes.clone()).unwrap(), events(&value));
            let members = members(&bytes);
            let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names[..2], ["arrays/0.npy", "arrays/1.safetensors"]);
            let header = String::from_utf8_lossy(&members[1].1[8..]).into_owned();
            assert!(header.contains(&format!(r#""array":{{"dtype":"{code}","shape":[2,3]"#)));
            let metadata = r#""__metadata__":{"order":"F"}"#;
            assert_eq!(header.contains(metadata), order == Order::Fortran);
        }
    }
}

/// What reading a file gives whose tensor is this one instead.
fn with_tensor(dtype: &TensorDtype, name: &str, data: &[u8]) -> String {
    let tensor = Tensor { name, dtype, shape: &[2, 3], data };
    let new = cannery_safetensors::to_vec(&[tensor], &[]).unwrap();
    let mut members =
        members(&to_vec(&Value::from(self::tensor(DtypeKind::BFloat16, Order::C))).unwrap());
    let old = std::mem::replace(&mut members[0].1, new);
    let described = |bytes: &[u8]| {
        format!(r#"{{"size": {}, "blake3": "{}"}}"#, bytes.len(), blake3::hash(bytes))
    };
    let manifest = String::from_utf8(members[2].1.clone()).unwrap();
    let changed = manifest.replace(&described(&old), &described(&members[0].1));
    members[2].1 = changed.into_bytes();
    read(zipped(&members)).map_or_else(|error| error.to_string(), |_| "read".to_owned())
}

#[test]
fn other_tensors_are_refused() {
    assert_eq!(with_tensor(&TensorDtype::BFloat16, "array", &[7; 12]), "read");
    insta::assert_snapshot!(with_tensor(&TensorDtype::Float(4), "array", &[7; 24]), @"arrays/0.safetensors: expected a tensor `array` of a type that NPY lacks, found `array` of float32 at line 1 column 11");
    insta::assert_snapshot!(with_tensor(&TensorDtype::Float8E8M0, "array", &[7; 6]), @"arrays/0.safetensors: expected a tensor `array` of a type that NPY lacks, found `array` of float8_e8m0fnu at line 1 column 11");
    insta::assert_snapshot!(with_tensor(&TensorDtype::BFloat16, "other", &[7; 12]), @"arrays/0.safetensors: expected a tensor `array` of a type that NPY lacks, found `other` of bfloat16 at line 1 column 11");
}

#[test]
fn fortran_order_is_c_order_in_the_member() {
    let value = Value::from(tensor(DtypeKind::Float8E5M2, Order::Fortran));
    let members = members(&to_vec(&value).unwrap());
    assert!(members[0].1.ends_with(&[0, 2, 4, 1, 3, 5]));
}

#[test]
fn many_small_arrays_are_written_in_place() {
    let value = (0..200).map(|_| Value::from(array(3))).collect::<Value>();
    let bytes = to_vec(&value).unwrap();
    assert_eq!(members(&bytes).len(), 66);
    assert_eq!(read(bytes).unwrap(), events(&value));
}

#[test]
fn files_are_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.can");
    std::fs::write(&path, to_vec(&sample()).unwrap()).unwrap();
    let file = CanFile::open(&path, Limits::default()).unwrap();
    file.verify().unwrap();
    let mut builder = ValueBuilder::new(Limits::default());
    file.send(&mut builder).unwrap();
    assert_eq!(builder.finish().unwrap(), sample());
    let sizes: Vec<_> = file.members().map(|(name, member)| (name, member.size)).collect();
    assert_eq!(sizes[0], ("arrays/0.npy", 728));
}

fn report(outcome: Result<Tape>) -> String {
    outcome.map_or_else(|error| error.report(), |_| "read".to_owned())
}

#[test]
fn what_is_changed_is_refused() {
    let find = |members: &mut Vec<(String, Vec<u8>)>, name: &str| {
        members.iter().position(|(found, _)| found == name).unwrap()
    };
    let changed = edited(|members| {
        let at = find(members, "arrays/0.npy");
        *members[at].1.last_mut().unwrap() ^= 1;
    });
    insta::assert_snapshot!(report(changed), @r"
    the bytes of `arrays/0.npy` are not those that were written at line 1 column 16

    hint: the file was damaged or changed; get it again from where it came from
    ");
    let longer = edited(|members| members[3].1.push(b' '));
    insta::assert_snapshot!(report(longer), @r"
    the bytes of `document.json` are not those that were written

    hint: the file was damaged or changed; get it again from where it came from
    ");
    insta::assert_snapshot!(report(edited(|members| drop(members.remove(0)))), @"the member `arrays/0.npy` is missing");
    insta::assert_snapshot!(report(edited(|members| drop(members.remove(3)))), @"the member `document.json` is missing");
    insta::assert_snapshot!(report(edited(|members| drop(members.remove(4)))), @r"
    the archive has no `manifest.json`: it is no `.can` file

    hint: `cannery.npy.load` reads `.npz`; look at others with `cannery inspect`
    ");
    let extra = edited(|members| members.push(("x.py".to_owned(), Vec::new())));
    insta::assert_snapshot!(report(extra), @"the manifest does not list the member `x.py`");
    let newer = edited(|members| {
        let text = String::from_utf8(members[4].1.clone()).unwrap();
        members[4].1 = text.replace("\"version\": 1", "\"version\": 9").into_bytes();
    });
    insta::assert_snapshot!(report(newer), @r"
    the file has version 9 of the format, known is 1

    hint: install a newer cannery
    ");
    insta::assert_snapshot!(report(read(b"PK".to_vec())), @"the file is damaged or cut off: it is no whole ZIP archive");
    insta::assert_snapshot!(report(read(to_vec(&sample()).unwrap()[..1000].to_vec())), @"the file is damaged or cut off: it is no whole ZIP archive");
}

/// Members as given, and a manifest that vouches for them.
fn with_manifest(members: &[(&str, &[u8])]) -> Vec<u8> {
    let lines: Vec<_> = members
        .iter()
        .map(|(name, content)| {
            let digest = blake3::hash(content).to_hex();
            format!("\"{name}\": {{\"size\": {}, \"blake3\": \"{digest}\"}}", content.len())
        })
        .collect();
    let manifest = format!(
        r#"{{"format": "cannery.can", "version": 1, "members": {{{}}}}}"#,
        lines.join(", ")
    );
    let mut all: Vec<_> =
        members.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
    all.push(("manifest.json".to_owned(), manifest.into_bytes()));
    zipped(&all)
}

#[test]
fn members_that_the_manifest_lists_may_be_wrong() {
    let document = |text: &str| report(read(with_manifest(&[("document.json", text.as_bytes())])));
    insta::assert_snapshot!(document("{"), @"expected a key in double quotes, found the end of the input at line 1 column 2");
    insta::assert_snapshot!(document(r#"{"$array": "arrays/0.npy"}"#), @"there is no member `arrays/0.npy` at line 1 column 12");
    insta::assert_snapshot!(document(r#"{"$array": "../etc/passwd"}"#), @"there is no member `../etc/passwd` at line 1 column 12");
    insta::assert_snapshot!(document(r#"{"$array": "document.json"}"#), @r#"document.json: expected `\x93NUMPY` at the start of an NPY file, found `{\"$arr` at line 1 column 1"#);
    let twice = br#"[{"$bytes": "b"}, {"$bytes": "b"}]"#;
    insta::assert_snapshot!(report(read(with_manifest(&[("document.json", twice), ("b", b"x")]))), @"the document names the member `b` twice at line 1 column 30");
    let bomb = with_manifest(&[("document.json", &vec![b' '; 200 << 20])]);
    let error = read(bomb).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit | ErrorKind::Truncated), "{error:?}");
}

#[test]
fn errors_are_of_the_kind_that_people_catch() {
    let kinds = |error: Error| error.kind();
    assert_eq!(kinds(read(Vec::new()).unwrap_err()), ErrorKind::Corrupt);
    let bytes = to_vec(&sample()).unwrap();
    assert_eq!(kinds(read(bytes[..bytes.len() / 2].to_vec()).unwrap_err()), ErrorKind::Corrupt);
}

#[test]
fn members_lie_side_by_side_and_each_comes_once() {
    let good = with_manifest(&[("document.json", b"[1, 2]"), ("a", b"aaaa"), ("b", b"bbbb")]);
    read(good.clone()).unwrap();
    let kind = |bytes: Vec<u8>| {
        let error = read(bytes).unwrap_err();
        (error.kind(), error.message().to_owned())
    };
    let corrupt = |message: &str| (ErrorKind::Corrupt, message.to_owned());

    // Both members get the same name, in their own headers and in the directory.
    let mut twice = good.clone();
    for at in memchr_all(&twice, b"PK\x03\x04").map(|at| at + 30).collect::<Vec<_>>() {
        if twice[at] == b'b' {
            twice[at] = b'a';
        }
    }
    for at in memchr_all(&twice, b"PK\x01\x02").map(|at| at + 46).collect::<Vec<_>>() {
        if twice[at] == b'b' {
            twice[at] = b'a';
        }
    }
    let message = "the archive is damaged: two of its members have the same name, `a`";
    assert_eq!(kind(twice), corrupt(message));

    // The directory says that one begins where the other does.
    let headers: Vec<_> = memchr_all(&good, b"PK\x01\x02").collect();
    let place_of = |name: u8| headers.iter().copied().find(|at| good[at + 46] == name).unwrap();
    let mut shared = good.clone();
    let offset: [u8; 4] = good[place_of(b'a') + 42..][..4].try_into().unwrap();
    shared[place_of(b'b') + 42..][..4].copy_from_slice(&offset);
    let message = "the archive is damaged: the member `b` is called otherwise by its own header";
    assert_eq!(kind(shared), corrupt(message));

    let mut behind = good.clone();
    behind.extend(b"more");
    assert_eq!(kind(behind).0, ErrorKind::Corrupt);
}

fn memchr_all<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    (0..bytes.len()).filter(move |&at| bytes[at..].starts_with(what))
}

#[test]
fn what_expands_to_more_than_the_limit_is_refused_before_it_is_read() {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("document.json", options).unwrap();
    for _ in 0..200 {
        std::io::Write::write_all(&mut writer, &vec![b' '; 1 << 20]).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let error = read(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.hint().unwrap().contains("CANNERY_MAX_EXPANDED"), "{error}");
}
