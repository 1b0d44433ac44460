//! Every tensor of a checkpoint that is read lies within it, and reading it twice gives the same.
#![no_main]

use cannery_core::{Limits, TensorContainer};
use cannery_torch::{Checkpoint, Tensors};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default().base_bytes(1 << 20);
    let Ok(checkpoint) = Checkpoint::read(data, &limits) else { return };
    let tensors = Tensors::new(checkpoint, data);
    for tensor in tensors.tensors() {
        // Strides of 0 make tensors of any size of a few bytes.
        if tensor.len_in_bytes().is_ok_and(|len| len <= 1 << 20) {
            let first = tensor.read(&tensors);
            // Packed members are only looked at now, and may be damaged.
            if let Ok(first) = first {
                assert_eq!(first, tensor.read(&tensors).expect("what was read is read again"));
            }
        }
    }
});
