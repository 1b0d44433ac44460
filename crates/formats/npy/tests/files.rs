//! Whole files: what is written reads back, and what is broken says so.

use std::io::Cursor;
use std::path::Path;

use cannery_core::{
    ArrayBuf, ArraySource, ByteOrder, Dtype, DtypeKind, ErrorKind, Field, Limits, Order, Result,
    TimeUnit,
};
use cannery_npy::{Bytes, Compression, NpyFile, NpzFile, NpzWriter, append, to_vec};
use proptest::collection::vec;
use proptest::prelude::*;

fn scalar_kind() -> impl Strategy<Value = DtypeKind> {
    let unit = (1_u32..30, prop::sample::select(vec!["Y", "D", "s", "ms", "us", "ns", "as"]))
        .prop_map(|(count, code)| TimeUnit { count, code: code.into() });
    prop_oneof![
        Just(DtypeKind::Bool),
        prop::sample::select(vec![1, 2, 4, 8]).prop_map(DtypeKind::Int),
        prop::sample::select(vec![1, 2, 4, 8]).prop_map(DtypeKind::Uint),
        prop::sample::select(vec![2, 4, 8, 16]).prop_map(DtypeKind::Float),
        prop::sample::select(vec![8, 16, 32]).prop_map(DtypeKind::Complex),
        (0..9_usize).prop_map(DtypeKind::Bytes),
        (0..9_usize).prop_map(DtypeKind::Unicode),
        (0..9_usize).prop_map(DtypeKind::Void),
        unit.clone().prop_map(DtypeKind::Datetime),
        unit.prop_map(DtypeKind::Timedelta),
    ]
}

fn scalar() -> impl Strategy<Value = Dtype> {
    let order = prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)];
    // The short name knows which types have no byte order.
    (scalar_kind(), order).prop_map(|(kind, byte_order)| {
        Dtype::from_typestr(&Dtype { kind, byte_order }.typestr()).unwrap()
    })
}

fn dtype() -> impl Strategy<Value = Dtype> {
    scalar().prop_recursive(2, 12, 4, |inner| {
        let field = ("[a-z€']{1,4}", any::<bool>(), inner, vec(0_u64..4, 0..3), 0_usize..3);
        vec(field, 1..5).prop_map(record)
    })
}

/// Lays fields out one behind the other, with gaps.
fn record(parts: Vec<(String, bool, Dtype, Vec<u64>, usize)>) -> Dtype {
    let mut itemsize = 0;
    let mut fields = Vec::new();
    for (index, (name, titled, dtype, shape, gap)) in parts.into_iter().enumerate() {
        let name = format!("{name}{index}");
        let title = titled.then(|| format!("title of {name}"));
        let count: u64 = shape.iter().product();
        let offset = itemsize + gap;
        itemsize = offset + usize::try_from(count).unwrap() * dtype.itemsize();
        fields.push(Field { name, title, dtype, shape, offset });
    }
    Dtype::new(DtypeKind::Struct { fields, itemsize: itemsize + 1 })
}

fn array() -> impl Strategy<Value = ArrayBuf> {
    let order = prop_oneof![Just(Order::C), Just(Order::Fortran)];
    (dtype(), vec(0_u64..5, 0..4), order, any::<u8>()).prop_map(|(dtype, shape, order, seed)| {
        let len = cannery_core::size_in_bytes(&dtype, &shape).unwrap();
        let data = (0..len).map(|i| seed.wrapping_add(i.to_le_bytes()[0])).collect();
        ArrayBuf::new(dtype, shape, order, data).unwrap()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(array in array()) {
        let file = NpyFile::from_bytes(&Bytes::from(to_vec(&array.as_view())?))?;
        prop_assert_eq!(ArrayBuf::from_source(&file)?, array);
    }

    #[test]
    fn archives_read_back(arrays in vec(array(), 0..4), level in prop::option::of(1_u8..10)) {
        let compression = level.map_or(Compression::Stored, Compression::Deflate);
        let file = NpzFile::from_bytes(Bytes::from(archive(&arrays, compression)))?;
        prop_assert_eq!(file.names().len(), arrays.len());
        for (index, array) in arrays.iter().enumerate() {
            let name = format!("arr_{index}");
            let read = file.get(&name)?;
            prop_assert_eq!(&ArrayBuf::from_source(&read)?, array);
            let mut data = vec![0; read.data().len()];
            file.read_into(&name, &mut data)?;
            prop_assert_eq!(data, read.data());
            prop_assert_eq!(file.member(&name)?.header, read.header().clone());
            prop_assert_eq!(file.map(&name)?.is_some(), level.is_none());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in vec(any::<u8>(), 0..300), valid in any::<bool>()) {
        if valid {
            let start = b"\x93NUMPY\x01\0\x40\0{'descr': '<f8', 'shape': (";
            bytes.splice(..0, start.iter().copied());
        }
        let _ = NpyFile::from_bytes(&Bytes::from(bytes));
    }

    #[test]
    fn no_damage_goes_unseen_in_an_archive(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let array = numbers(500);
        let mut bytes = archive(std::slice::from_ref(&array), Compression::Deflate(6));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let read = NpzFile::from_bytes(Bytes::from(bytes)).and_then(|file| file.get("arr_0"));
        if let Ok(read) = read {
            prop_assert_eq!(ArrayBuf::from_source(&read)?, array);
        }
    }
}

fn archive(arrays: &[ArrayBuf], compression: Compression) -> Vec<u8> {
    let mut writer = NpzWriter::new(Cursor::new(Vec::new()), compression);
    for (index, array) in arrays.iter().enumerate() {
        writer.add(&format!("arr_{index}"), &array.as_view()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn numbers(count: u32) -> ArrayBuf {
    let data = (0..count).flat_map(u32::to_le_bytes).collect();
    let dtype = Dtype::new(DtypeKind::Uint(4));
    ArrayBuf::new(dtype, vec![u64::from(count)], Order::C, data).unwrap()
}

#[test]
fn stored_members_are_aligned_and_mapped_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    std::fs::write(&path, archive(&[numbers(3), numbers(1000)], Compression::Stored)).unwrap();
    let file = NpzFile::open(&path).unwrap();
    for name in file.names() {
        let array = file.map(name).unwrap().unwrap();
        assert!(array.bytes().is_mapped());
        assert_eq!(array.data().as_ptr().addr() % 64, 0);
    }
}

#[test]
fn a_file_is_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    std::fs::write(&path, to_vec(&numbers(1000).as_view()).unwrap()).unwrap();
    let file = NpyFile::open(&path).unwrap();
    assert!(file.bytes().is_mapped());
    let mut part = [0; 8];
    file.read(998, &mut part).unwrap();
    assert_eq!(part, [0xe6, 3, 0, 0, 0xe7, 3, 0, 0]);
    assert_eq!(file.read(999, &mut part).unwrap_err().kind(), ErrorKind::Value);
}

#[test]
fn an_array_that_lies_elsewhere_is_fetched_in_pieces() {
    /// Hides where the data is.
    struct Elsewhere(ArrayBuf);

    impl ArraySource for Elsewhere {
        fn dtype(&self) -> &Dtype {
            self.0.as_view().dtype()
        }
        fn shape(&self) -> &[u64] {
            self.0.as_view().shape()
        }
        fn order(&self) -> Order {
            self.0.as_view().order()
        }
        fn view(&self) -> Option<cannery_core::ArrayView<'_>> {
            None
        }
        fn read(&self, start: u64, out: &mut [u8]) -> cannery_core::Result<()> {
            self.0.as_view().read(start, out)
        }
    }

    let array = numbers(1_000_000);
    assert_eq!(to_vec(&Elsewhere(array.clone())).unwrap(), to_vec(&array.as_view()).unwrap());
}

fn report(bytes: Vec<u8>) -> String {
    NpyFile::from_bytes(&Bytes::from(bytes)).err().expect("an error").report()
}

#[test]
fn lengths_that_do_not_fit() {
    let whole = to_vec(&numbers(4).as_view()).unwrap();
    insta::assert_snapshot!(report(whole[..140].to_vec()), @r"
    expected 16 bytes of data, found 12 at byte 140

    hint: the file was cut off; write or copy it again
    ");
    insta::assert_snapshot!(report([whole.as_slice(), b"junk"].concat()), @r"
    expected the end of the file, found 4 more bytes at byte 144

    hint: the header describes a smaller array than the file holds
    ");
    let two = NpyFile::from_bytes(&Bytes::from([whole.as_slice(), &whole].concat())).unwrap();
    assert_eq!(ArrayBuf::from_source(&two).unwrap(), numbers(4));
}

#[test]
fn a_header_that_lies_costs_nothing() {
    let claim = |shape: &str| {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
        let len = u16::try_from(text.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\0", len.as_slice(), text.as_bytes()].concat()
    };
    insta::assert_snapshot!(report(claim("1000000000000,")), @r"
    expected 8000000000000 bytes of data, found 0 at byte 79

    hint: the file was cut off; write or copy it again
    ");
    insta::assert_snapshot!(report(claim("4611686018427387904, 4611686018427387904")), @"an array of shape [4611686018427387904, 4611686018427387904] is too large");
}

#[test]
fn broken_archives() {
    let report = |bytes: Vec<u8>, name: &str| {
        let file = NpzFile::from_bytes(Bytes::from(bytes));
        file.and_then(|file| file.get(name).map(drop)).unwrap_err().report()
    };
    let whole = archive(&[numbers(100)], Compression::Stored);
    insta::assert_snapshot!(report(whole.clone(), "x"), @r"
    there is no array `x` in the file

    hint: there are: arr_0
    ");
    insta::assert_snapshot!(report(whole[..whole.len() / 2].to_vec(), "arr_0"), @"the ZIP archive is damaged or cut off");
    insta::assert_snapshot!(report(b"no zip at all".to_vec(), "arr_0"), @"the ZIP archive is damaged or cut off");
    let mut flipped = whole;
    flipped[300] ^= 1;
    insta::assert_snapshot!(report(flipped, "arr_0"), @"the member is damaged: invalid checksum in `$.arr_0`");
    let member = |data: &[u8]| {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("a.npy", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
        zip.finish().unwrap().into_inner()
    };
    insta::assert_snapshot!(report(member(b"hello, this is not an array"), "a"), @r"expected `\x93NUMPY` at the start of an NPY file, found `hello,` in `$.a` at byte 0");
    insta::assert_snapshot!(report(member(&to_vec(&numbers(9).as_view()).unwrap()[..140]), "a"), @r"
    expected 36 bytes of data, found 12 in `$.a` at byte 140

    hint: the file was cut off; write or copy it again
    ");
}

#[test]
fn a_bomb_is_refused_before_it_expands() {
    let dtype = Dtype::new(DtypeKind::Uint(1));
    let zeros = ArrayBuf::new(dtype, vec![10_000_000], Order::C, vec![0; 10_000_000]).unwrap();
    let bytes = archive(std::slice::from_ref(&zeros), Compression::Deflate(9));
    let limits = Limits::default().base_bytes(1000).bytes_per_input_byte(10);
    let file = NpzFile::from_bytes(Bytes::from(bytes)).unwrap();
    assert!(file.get("arr_0").is_ok(), "honest compression passes the default limits");
    let error = file.with_limits(limits).get("arr_0").err().expect("an error");
    insta::assert_snapshot!(error.report(), @r"
    the input expands to more bytes than its limit allows in `$.arr_0`

    hint: raise the limits if this input is trusted
    ");
}

#[test]
fn errors_name_the_file() {
    let error = NpyFile::open(Path::new("no-such-folder/a.npy")).err().expect("an error");
    insta::assert_snapshot!(error.report(), @"no-such-folder/a.npy: cannot open the file: No such file or directory (os error 2)");
}

#[test]
fn what_arrays_cannot_say() {
    use cannery_core::{Source, Value};
    use cannery_npy::NpyWriter;

    let npy = |value: Value| {
        let mut bytes = Vec::new();
        value.emit(&mut NpyWriter::new(&mut bytes)).unwrap_err().report()
    };
    insta::assert_snapshot!(npy(Value::List(vec![Value::Int(1)])), @r"
    NPY holds one array, found a list

    hint: write NPZ for a map of arrays, or JSON for other values
    ");
    let npz = |value: Value| {
        let mut writer = NpzWriter::new(Cursor::new(Vec::new()), Compression::Stored);
        value.emit(&mut writer).unwrap_err().report()
    };
    insta::assert_snapshot!(npz(Value::Int(1)), @r"
    NPZ holds one map of arrays, found an integer

    hint: write JSON for other values
    ");
    insta::assert_snapshot!(npz(Value::Array(Box::new(numbers(1)))), @r"
    NPZ holds one map of arrays, found an array without a name

    hint: write JSON for other values
    ");
    insta::assert_snapshot!(npz(Value::Map(vec![(Value::Text("a".into()), Value::Null)])), @r"
    NPZ holds arrays, found null

    hint: write JSON for other values
    ");

    let float8 =
        ArrayBuf::new(Dtype::new(DtypeKind::Float8E5M2), vec![1], Order::C, vec![0]).unwrap();
    insta::assert_snapshot!(to_vec(&float8.as_view()).unwrap_err().report(), @r"
    NPY has no type `float8_e5m2`

    hint: convert it to float32, or save it as safetensors
    ");
}

#[test]
fn a_map_of_arrays_is_an_archive() {
    use cannery_core::{Source, Value};

    let arrays = [("a", numbers(3)), ("b/c", numbers(5))];
    let entry = |(name, array): &(&str, ArrayBuf)| {
        (Value::Text((*name).into()), Value::Array(Box::new(array.clone())))
    };
    let mut writer = NpzWriter::new(Cursor::new(Vec::new()), Compression::Stored);
    Value::Map(arrays.iter().map(entry).collect()).emit(&mut writer).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let file = NpzFile::from_bytes(Bytes::from(bytes)).unwrap();
    assert_eq!(file.names(), ["a", "b/c"]);
    assert_eq!(ArrayBuf::from_source(&file.get("b/c").unwrap()).unwrap(), numbers(5));
}

/// Arrays of one, two and several pieces, and with elements whose size divides none.
#[test]
fn large_arrays_are_compressed_and_read_in_pieces() {
    for (itemsize, count) in [(8, 131_071), (8, 131_072), (8, 131_073), (7, 600_001), (1, 3 << 20)]
    {
        let data: Vec<u8> = (0..itemsize * count)
            .map(|at: usize| (at * at / 7919 % 251).to_le_bytes()[0])
            .collect();
        let array = ArrayBuf::new(
            Dtype::new(DtypeKind::Void(itemsize)),
            vec![count as u64],
            Order::C,
            data,
        )
        .unwrap();
        for lends in [true, false] {
            let mut writer = NpzWriter::new(Cursor::new(Vec::new()), Compression::Deflate(2));
            if lends {
                writer.add("a", &array).unwrap();
            } else {
                writer.add("a", &Elsewhere(&array)).unwrap();
            }
            let bytes = writer.finish().unwrap().into_inner();
            let file = NpzFile::from_bytes(Bytes::from(bytes)).unwrap();
            let mut out = vec![0; itemsize * count];
            file.read_into("a", &mut out).unwrap();
            assert_eq!(out, array.as_view().data());
            assert_eq!(file.get("a").unwrap().data(), out);
            let mut again = vec![0; out.len()];
            file.read_many(vec![("a", &mut again)]).unwrap();
            assert_eq!(out, again);
        }
    }
}

/// An array that is not in memory.
struct Elsewhere<'a>(&'a ArrayBuf);

impl ArraySource for Elsewhere<'_> {
    fn dtype(&self) -> &Dtype {
        self.0.dtype()
    }

    fn shape(&self) -> &[u64] {
        self.0.shape()
    }

    fn order(&self) -> Order {
        self.0.order()
    }

    fn view(&self) -> Option<cannery_core::ArrayView<'_>> {
        None
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.0.read(start, out)
    }
}

#[test]
fn rows_are_appended_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let rows = |shape: &[u64], first: u8| {
        let len = u8::try_from(shape.iter().product::<u64>()).unwrap();
        let dtype = Dtype::new(DtypeKind::Uint(1));
        ArrayBuf::new(dtype, shape.to_vec(), Order::C, (first..first + len).collect()).unwrap()
    };
    std::fs::write(&path, to_vec(&rows(&[2, 3], 0)).unwrap()).unwrap();
    assert_eq!(append(&path, &rows(&[1, 3], 6)).unwrap(), [3, 3]);
    assert_eq!(append(&path, &rows(&[0, 3], 0)).unwrap(), [3, 3]);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole, to_vec(&rows(&[3, 3], 0)).unwrap());
    // What a process left that ended in between is overwritten.
    std::fs::write(&path, [&whole[..], &[99; 20]].concat()).unwrap();
    assert_eq!(append(&path, &rows(&[1, 3], 9)).unwrap(), [4, 3]);
    assert_eq!(std::fs::read(&path).unwrap(), to_vec(&rows(&[4, 3], 0)).unwrap());
    let refused = [
        (rows(&[1, 2], 0), "expected rows of the shape [3] each, found [1, 2]"),
        (rows(&[], 0), "expected rows of the shape [3] each, found []"),
    ];
    for (wrong, message) in refused {
        let error = append(&path, &wrong).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), to_vec(&rows(&[4, 3], 0)).unwrap());
}
