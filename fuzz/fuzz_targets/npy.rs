//! What is read is written and read again; archives are only as large as their bytes allow.
#![no_main]

use cannery_core::{ArrayBuf, Limits};
use cannery_npy::{Bytes, NpyFile, NpzFile, to_vec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::from(data.to_vec());
    if let Ok(file) = NpyFile::from_bytes(&bytes) {
        is_written(&file);
    }
    let Ok(archive) = NpzFile::from_bytes(bytes) else { return };
    let archive = archive.with_limits(Limits::default().base_bytes(1 << 20));
    for name in archive.names() {
        if let Ok(file) = archive.get(name) {
            is_written(&file);
        }
    }
});

fn is_written(file: &NpyFile) {
    let first = ArrayBuf::from_source(file).expect("its data is there");
    let bytes = to_vec(&first).expect("what we read, we can write");
    let again = NpyFile::from_bytes(&Bytes::from(bytes)).expect("and read again");
    assert_eq!(ArrayBuf::from_source(&again).expect("its data"), first);
}
