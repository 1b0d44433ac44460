//! NumPy's own sample files of old versions.

use cannery_core::ErrorKind;
use cannery_npy::{NpyFile, NpzFile};

#[test]
fn old_files_of_numbers_load_and_pickles_are_refused() {
    let Some(suites) = cannery_testing::suites() else { return };
    let mut ran = 0;
    for name in ["python3.npy", "win64python2.npy"] {
        let file = NpyFile::open(suites.join("npy").join(name)).unwrap();
        assert_eq!(file.data(), [1.0_f64; 2].map(f64::to_le_bytes).as_flattened(), "{name}");
        ran += 1;
    }
    for name in ["py2-np0-objarr.npy", "py2-objarr.npy", "py3-objarr.npy"] {
        let error = NpyFile::open(suites.join("npy").join(name)).err().expect(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.message().contains("Python objects"), "{name}: {error}");
        ran += 1;
    }
    for name in ["py2-objarr.npz", "py3-objarr.npz"] {
        let file = NpzFile::open(suites.join("npy").join(name)).unwrap();
        let error = file.get(&file.names()[0]).err().expect(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        ran += 1;
    }
    cannery_testing::report("numpy's sample files", ran);
}
