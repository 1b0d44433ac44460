//! Whatever is done to a checkpoint, reading it ends in a value or an error, and what is read lies
//! within the file.

use cannery_core::{Limits, TensorContainer};
use cannery_torch::{Checkpoint, Tensors};
use proptest::prelude::*;

/// A small checkpoint in the stream of before version 1.6: one tensor of six floats.
fn stream() -> Vec<u8> {
    let mut data = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    data.extend_from_slice(
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage\
        ctorch\nFloatStorage\nX\x01\0\0\x007X\x03\0\0\0cpuK\x06NtQK\0K\x02K\x03\x86K\x03K\x01\x86\
        \x89ccollections\nOrderedDict\n)RtRs.",
    );
    data.extend_from_slice(b"\x80\x02]X\x01\0\0\x007a.\x06\0\0\0\0\0\0\0");
    data.extend((0..6_u8).flat_map(|value| f32::from(value).to_le_bytes()));
    data
}

fn look(data: &[u8]) {
    let Ok(checkpoint) = Checkpoint::read(data, &Limits::default()) else { return };
    let tensors = Tensors::new(checkpoint, data);
    for tensor in tensors.tensors() {
        if tensor.len_in_bytes().is_ok_and(|len| len < 1 << 20) {
            tensor.read(&tensors).expect("what was checked can be read");
        }
    }
}

#[test]
fn streams_are_read() {
    let data = stream();
    let tensors = Tensors::new(Checkpoint::read(&data, &Limits::default()).unwrap(), &data[..]);
    let [tensor] = tensors.tensors() else { panic!("one tensor") };
    assert_eq!((tensor.name.as_str(), &tensor.shape[..]), ("w", &[2, 3][..]));
    let bytes: Vec<u8> = (0..6_u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    assert_eq!(tensor.read(&tensors).unwrap(), bytes);
    assert!(tensors.others().is_empty());
}

proptest! {
    #[test]
    fn changed_bytes_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut data = stream();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        look(&data);
    }

    #[test]
    fn any_bytes_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..600)) {
        look(&data);
        look(&[b"PK\x03\x04", &data[..]].concat());
        look(&[&stream()[..60], &data[..]].concat());
    }
}
