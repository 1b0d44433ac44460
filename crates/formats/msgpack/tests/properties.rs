//! What is written reads back; and no bytes make the reader do anything but read or refuse.

use cannery_core::Value;
use cannery_msgpack::{to_value, to_vec};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_written_reads_back(value in cannery_testing::any_plain_value()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(to_value(&bytes).unwrap(), value);
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let Ok(first) = to_value(&bytes) else { return Ok(()) };
        let again = to_value(&to_vec(&first).unwrap()).unwrap();
        prop_assert!(same(&again, &first), "{again:?} is not {first:?}");
    }

    #[test]
    fn every_cut_is_refused(value in cannery_testing::any_plain_value()) {
        let bytes = to_vec(&value).unwrap();
        for end in 0..bytes.len() {
            prop_assert!(to_value(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

/// Equal, but for NaN, which equals nothing.
fn same(a: &Value, b: &Value) -> bool {
    format!("{a:?}") == format!("{b:?}")
}
