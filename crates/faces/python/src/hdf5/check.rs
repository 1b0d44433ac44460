//! Whether HDF5 files are whole.

use std::ffi::OsString;

use cannery_hdf5::{Checkup, Finding};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::OrRaise;
use crate::memory;

type FindingParts<'py> = (Bound<'py, PyBytes>, Option<u64>, String);

fn parts<'py>(py: Python<'py>, findings: &[Finding]) -> PyResult<Vec<FindingParts<'py>>> {
    let part = |f: &Finding| Ok((memory::new_bytes(py, &f.name)?, f.offset, f.what.clone()));
    findings.iter().map(part).collect()
}

/// Checks a file; with `repair`, writes what is whole of it to a new one.
#[pyfunction]
pub(super) fn hdf5_check(
    py: Python<'_>,
    path: OsString,
    repair: Option<OsString>,
    threads: usize,
) -> PyResult<Bound<'_, PyDict>> {
    let checked = py.detach(|| {
        let checkup = Checkup::of_path(path, threads)?;
        if let Some(to) = repair {
            checkup.repair_to(to)?;
        }
        Ok(checkup)
    });
    let checkup: Checkup = checked.or_raise(py)?;
    let found = memory::new_dict(py)?;
    found.set_item("damaged", parts(py, &checkup.damaged)?)?;
    found.set_item("damaged_count", checkup.damaged_count)?;
    found.set_item("not_checked", parts(py, &checkup.unchecked)?)?;
    let whole = checkup.whole.iter().map(|name| memory::new_bytes(py, name));
    let whole = whole.collect::<PyResult<Vec<_>>>()?;
    found.set_item("whole", whole)?;
    found.set_item("whole_count", checkup.whole_count)?;
    found.set_item("groups", checkup.groups)?;
    found.set_item("datasets", checkup.datasets)?;
    found.set_item("datatypes", checkup.datatypes)?;
    found.set_item("attributes", checkup.attributes)?;
    found.set_item("chunks", checkup.chunks)?;
    found.set_item("chunk_bytes", checkup.chunk_bytes)?;
    Ok(found)
}
