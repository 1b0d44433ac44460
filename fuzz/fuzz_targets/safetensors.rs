//! The library and we accept the same files, with the same tensors; what is read is written again.
#![no_main]

use cannery_core::TensorContainer;
use cannery_safetensors::{SafetensorsFile, Tensor, to_vec};
use libfuzzer_sys::fuzz_target;
use safetensors::SafeTensors;

fuzz_target!(|data: &[u8]| {
    let theirs = SafeTensors::deserialize(data);
    let ours = match SafetensorsFile::from_bytes(data.to_vec()) {
        Ok(ours) => ours,
        Err(error) => {
            let message = error.message();
            // What the description of the format forbids although the library reads it.
            let is_stricter = message.contains("occurs twice") || message.contains("at the start");
            assert!(theirs.is_err() || is_stricter, "refused: {error}");
            assert!(error.pos().is_some(), "without a place: {error}");
            return;
        }
    };
    let theirs = theirs.expect("what we read, the library reads");
    let read: Vec<_> = ours.tensors().iter().map(|t| t.read(&ours).expect("its data")).collect();
    let tensors: Vec<_> = ours
        .tensors()
        .iter()
        .zip(&read)
        .map(|(info, data)| {
            assert_eq!(theirs.tensor(&info.name).expect("its tensor").data(), data);
            Tensor { name: &info.name, dtype: &info.dtype, shape: &info.shape, data }
        })
        .collect();
    let bytes = to_vec(&tensors, ours.metadata()).expect("what we read, we can write");
    let again = SafetensorsFile::from_bytes(bytes).expect("and read again");
    assert_eq!(again.tensors().len(), ours.tensors().len());
    assert_eq!(again.metadata(), ours.metadata());
});
