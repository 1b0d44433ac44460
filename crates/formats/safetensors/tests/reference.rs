//! Held against the library itself: the same verdicts, the same bytes.

use std::fmt::Write as _;

use cannery_core::{TensorContainer, TensorDtype};
use cannery_safetensors::{
    Layout, SafetensorsFile, Tensor, dtype_of_code, split_into_shards, to_vec,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use safetensors::SafeTensors;

const CODES: [&str; 22] = [
    "BOOL",
    "F4",
    "F6_E2M3",
    "F6_E3M2",
    "U8",
    "I8",
    "F8_E5M2",
    "F8_E4M3",
    "F8_E8M0",
    "F8_E4M3FNUZ",
    "F8_E5M2FNUZ",
    "I16",
    "U16",
    "F16",
    "BF16",
    "I32",
    "U32",
    "F32",
    "C64",
    "F64",
    "I64",
    "U64",
];

/// What the description of the format forbids although the library reads it.
fn is_stricter(file: &[u8]) -> bool {
    SafetensorsFile::from_bytes(file.to_vec()).is_err_and(|error| {
        error.message().contains("occurs twice") || error.message().contains("at the start")
    })
}

/// Checks that both accept a file, with the same tensors, or that both refuse it.
fn agree(file: &[u8]) -> Result<bool, TestCaseError> {
    let ours = SafetensorsFile::from_bytes(file.to_vec());
    match (SafeTensors::deserialize(file), ours) {
        (Ok(theirs), Ok(ours)) => {
            prop_assert_eq!(theirs.len(), ours.tensors().len());
            for tensor in ours.tensors() {
                let view = theirs.tensor(&tensor.name).unwrap();
                let shape: Vec<u64> = view.shape().iter().map(|&side| side as u64).collect();
                prop_assert_eq!(&shape, &tensor.shape);
                prop_assert_eq!(dtype_of_code(&view.dtype().to_string()), Some(&tensor.dtype));
                prop_assert_eq!(view.data(), tensor.read(&ours).unwrap());
            }
            Ok(true)
        }
        (Err(_), Err(error)) => {
            prop_assert!(error.pos().is_some(), "without a place: {}", error);
            Ok(false)
        }
        (Ok(_), Err(error)) => {
            prop_assert!(is_stricter(file), "refused: {}", error);
            Ok(false)
        }
        (Err(error), Ok(_)) => Err(TestCaseError::fail(format!("accepted: {error}"))),
    }
}

/// A header's text as a file, with so much data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len() + data, 7);
    file
}

fn any_tensor() -> impl Strategy<Value = (usize, Vec<u64>)> {
    (0..CODES.len(), vec(0_u64..5, 0..4)).prop_map(|(code, mut shape)| {
        // Narrow types must fill whole bytes.
        shape.push(4);
        (code, shape)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_the_library_writes(
        tensors in btree_map("[a-c.\"\\\\\u{1}é]{0,6}", any_tensor(), 0..6),
        metadata in proptest::option::of(("\\PC{0,5}", "\\PC{0,9}")),
    ) {
        let of = |code: usize| dtype_of_code(CODES[code]).unwrap();
        let size = |(code, shape): &(usize, Vec<u64>)| {
            usize::try_from(shape.iter().product::<u64>() * of(*code).bits() / 8).unwrap()
        };
        let data: Vec<Vec<u8>> =
            tensors.values().map(|tensor| (0..=250).cycle().take(size(tensor)).collect()).collect();
        let ours: Vec<_> = tensors.iter().zip(&data).map(|((name, (code, shape)), data)| Tensor {
            name, dtype: of(*code), shape, data,
        }).collect();
        let theirs = tensors.iter().zip(&data).map(|((name, (code, shape)), data)| {
            let dtype = serde_json::from_value(CODES[*code].into()).unwrap();
            let shape = shape.iter().map(|&side| usize::try_from(side).unwrap()).collect();
            (name.clone(), safetensors::tensor::TensorView::new(dtype, shape, data).unwrap())
        });
        let metadata: Vec<_> = metadata.into_iter().collect();
        let map = (!metadata.is_empty()).then(|| metadata.iter().cloned().collect());
        let bytes = to_vec(&ours, &metadata).unwrap();
        prop_assert_eq!(&bytes, &safetensors::serialize(theirs, map).unwrap());
        prop_assert!(agree(&bytes)?);
        let read = SafetensorsFile::from_bytes(bytes).unwrap();
        prop_assert_eq!(read.metadata(), metadata);
    }

    #[test]
    fn headers_that_were_changed_get_the_same_verdict(
        tensors in vec(any_tensor(), 0..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..4),
        cut in -3_i64..4,
    ) {
        const PIECES: [&str; 16] = [
            "0", "-", "1", ".5", "e9", "\"", "\\u00e9", "\\ud800", "{", "}", "[", "]", ",", ":",
            "null", " ",
        ];
        let mut end = 0;
        let mut header = String::from("{\"__metadata__\":{\"a\":\"b\"}");
        for (index, (code, shape)) in tensors.iter().enumerate() {
            let start = end;
            let bits = dtype_of_code(CODES[*code]).unwrap().bits();
            end = start + shape.iter().product::<u64>() * bits / 8;
            write!(header, ",\"{index}\":{{\"dtype\":\"{}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}", CODES[*code]).unwrap();
        }
        header.push('}');
        for (at, byte, kind) in changes {
            let at = at.index(header.len() + 1).min(header.len());
            let piece = PIECES[usize::from(byte) % 16];
            match kind {
                0 => header.replace_range(at..(at + usize::from(byte % 4)).min(header.len()), ""),
                1 if at < header.len() => header.replace_range(at..=at, piece),
                _ => header.insert_str(at, piece),
            }
        }
        let data = usize::try_from(end.cast_signed() + cut).unwrap_or(0);
        agree(&file(&header, if cut > 1 { usize::try_from(end).unwrap() } else { data }))?;
    }

    #[test]
    fn any_bytes_get_the_same_verdict(mut bytes in vec(any::<u8>(), 0..80), length in 0_u64..80) {
        if let Some(start) = bytes.get_mut(..8) {
            start.copy_from_slice(&length.to_le_bytes());
        }
        agree(&bytes)?;
    }

    #[test]
    fn shards_are_no_larger_than_they_may_be(sizes in vec(0_u64..50, 0..30), max in 1_u64..80) {
        let files = split_into_shards(sizes.iter().copied(), max);
        prop_assert!(files.is_sorted());
        for number in 0..files.last().map_or(0, |last| last + 1) {
            let all: Vec<u64> =
                sizes.iter().zip(&files).filter(|(_, file)| **file == number).map(|(s, _)| *s).collect();
            prop_assert!(all.iter().sum::<u64>() <= max || all.len() == 1);
            prop_assert!(!all.is_empty());
        }
    }
}

/// One row for each oddity: the header's text, the bytes behind it, and what is said.
#[test]
fn oddities_get_the_same_verdict_and_a_reason() {
    let tensor = |fields: &str| format!("{{\"t\":{{{fields}}}}}");
    let nested = |depth: usize| {
        tensor(&format!(
            "\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":{}{}",
            "[".repeat(depth),
            "]".repeat(depth)
        ))
    };
    let cases = [
        (tensor("\"dtype\":{\"F32\":null},\"shape\":[1],\"data_offsets\":[0,4]"), 4, true),
        (tensor("\"dtype\":{\"F32\":1},\"shape\":[1],\"data_offsets\":[0,4]"), 4, false),
        ("{\"t\":[\"F32\",[1],[0,4]]}".to_owned(), 4, true),
        ("{\"t\":[\"F32\",[1],[0,4],1]}".to_owned(), 4, false),
        ("{\"t\":[\"F32\",[1]]}".to_owned(), 4, false),
        ("{\"__metadata__\":null}".to_owned(), 0, true),
        ("{\"__metadata__\":{\"a\":null}}".to_owned(), 0, false),
        ("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}".to_owned(), 0, true),
        ("{}".to_owned() + " \t\r\n", 0, true),
        (nested(125), 1, true),
        (nested(126), 1, false),
        (tensor("\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1e999"), 1, false),
        (
            tensor("\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":\"\\ud800\""),
            1,
            false,
        ),
        (tensor("\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1,\"x\":2"), 1, true),
        (
            tensor("\"dtype\":\"U8\",\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]"),
            0,
            true,
        ),
        (
            tensor("\"dtype\":\"U8\",\"shape\":[18446744073709551615,2,0],\"data_offsets\":[0,0]"),
            0,
            false,
        ),
        (tensor("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]"), 2, false),
        (tensor("\"dtype\":\"F32\",\"shape\":[-0],\"data_offsets\":[0,0]"), 0, false),
        (tensor("\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]"), 4, false),
        (
            "{\"\\u0000\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}".to_owned(),
            1,
            true,
        ),
        ("{\"\u{0}\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}".to_owned(), 1, false),
    ];
    for (header, data, accepted) in cases {
        assert_eq!(agree(&file(&header, data)).unwrap(), accepted, "{header}");
    }
}

#[test]
fn a_header_that_lies_allocates_nothing() {
    let mut file = 99_999_999_u64.to_le_bytes().to_vec();
    file.extend_from_slice(b"{}");
    let error = SafetensorsFile::from_bytes(file).err().unwrap();
    assert_eq!(error.to_string(), "expected 99999999 bytes of header, found 2 at byte 0");
    let huge = [1 << 40];
    let layout = Layout::new([("t", &TensorDtype::Float(4), &huge[..])], &[]).unwrap();
    assert_eq!(layout.data_len, 4 << 40);
    let error = SafetensorsFile::from_bytes(layout.header).err().unwrap();
    assert!(error.to_string().starts_with("expected 4398046511104 bytes of tensors, found 0"));
}
