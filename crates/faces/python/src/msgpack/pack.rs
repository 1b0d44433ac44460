//! Objects to bytes.

use cannery_core::{Buffer, Limits, Result, Text};
use cannery_msgpack::{WriteOptions, Writer};
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::direct;
use super::errors::pack_error;
use super::truth;
use crate::construct::own_error;
use crate::errors::from_exception;
use crate::json::{BytesMemory, Growing};
use crate::text;
use crate::vectorcall::{Call, fast_call};
use crate::walk::{MsgpackDialect, PackOptions, PyWalker};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fast_call!(module, msgpack_packb, pack_plainly)?;
    fast_call!(module, msgpack_encode, pack_plainly)
}

/// An object alone.
fn pack_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let obj = call.only().filter(|_| call.is_bare())?;
    direct::bytes(&obj, Limits::default().depth)
}

/// Pack object ``o`` and return packed bytes; the arguments are those of ``Packer``.
///
/// >>> from cannery import msgpack
/// >>> msgpack.packb({"a": 1}).hex()
/// '81a16101'
#[pyfunction]
#[pyo3(signature = (o, *, default=None, use_single_float=false, autoreset=true, use_bin_type=true,
    strict_types=false, datetime=false, unicode_errors=None, buf_size=None))]
#[expect(clippy::too_many_arguments, reason = "the signature of the package")]
#[expect(clippy::fn_params_excessive_bools, reason = "the signature of the package")]
fn msgpack_packb<'py>(
    o: &Bound<'py, PyAny>,
    default: Option<Py<PyAny>>,
    #[pyo3(from_py_with = truth)] use_single_float: bool,
    #[pyo3(from_py_with = truth)] autoreset: bool,
    #[pyo3(from_py_with = truth)] use_bin_type: bool,
    #[pyo3(from_py_with = truth)] strict_types: bool,
    #[pyo3(from_py_with = truth)] datetime: bool,
    unicode_errors: Option<String>,
    buf_size: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = (autoreset, buf_size);
    let write =
        WriteOptions::default().old_specification(!use_bin_type).single_floats(use_single_float);
    check_default(o.py(), default.as_ref())?;
    let options = PackOptions { default, strict_types, datetime, unicode_errors, write };
    pack(o, &options, Limits::default())
}

/// Encode ``obj`` as MessagePack.
///
/// ``default`` is called for values of other types and gives something to write instead.
///
/// >>> from cannery import msgpack
/// >>> msgpack.encode([1, b"x"]).hex()
/// '9201c40178'
#[pyfunction]
#[pyo3(signature = (obj, /, *, default=None, depth=1024))]
fn msgpack_encode<'py>(
    obj: &Bound<'py, PyAny>,
    default: Option<Py<PyAny>>,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    check_default(obj.py(), default.as_ref())?;
    let options = PackOptions { default, ..PackOptions::default() };
    pack(obj, &options, Limits::default().depth(depth))
}

/// Refuses a `default` that cannot be called.
pub(super) fn check_default(py: Python<'_>, default: Option<&Py<PyAny>>) -> PyResult<()> {
    match default {
        Some(default) if !default.bind(py).is_callable() => {
            Err(PyTypeError::new_err("default must be a callable."))
        }
        _ => Ok(()),
    }
}

/// One object as `bytes`.
pub(super) fn pack<'py>(
    obj: &Bound<'py, PyAny>,
    options: &PackOptions,
    limits: Limits,
) -> PyResult<Bound<'py, PyAny>> {
    let py = obj.py();
    if options.is_plain()
        && let Some(packed) = direct::bytes(obj, limits.depth)
    {
        return Ok(packed);
    }
    let output = Growing::<BytesMemory>::new(py)?;
    let packed = pack_to(output, [obj], options, limits);
    packed.map_err(|error| pack_error(py, error))?.finish()
}

/// Puts objects, one after the other, behind what is in `out`.
pub(super) fn pack_to<'a, 'py: 'a, B: Buffer>(
    out: B,
    objects: impl IntoIterator<Item = &'a Bound<'py, PyAny>>,
    options: &PackOptions,
    limits: Limits,
) -> Result<B> {
    let mut writer = writer(out, options);
    let mut walker = PyWalker::new(&mut writer, MsgpackDialect::new(options), limits);
    for object in objects {
        walker.walk(object)?;
    }
    Ok(writer.into_output())
}

fn writer<B: Buffer>(out: B, options: &PackOptions) -> Writer<'_, B> {
    let writer = Writer::to(out, options.write);
    match options.unicode_errors.as_deref() {
        None => writer.encode_with(|text| encode(text, "strict")),
        Some(errors) => writer.encode_with(move |text| encode(text, errors)),
    }
}

/// The bytes of text with surrogates in it, as the caller wants such to be encoded.
#[cold]
fn encode(value: Text<'_>, errors: &str) -> Result<Vec<u8>> {
    Python::attach(|py| {
        let text = text::to_python(py, value)?;
        match text.call_method1("encode", ("utf-8", errors)) {
            Ok(bytes) => crate::memory::copied(bytes.cast::<PyBytes>()?.as_bytes()),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                Err(own_error(py, &error, "TextEncodeError")?)
            }
            Err(error) => Err(error),
        }
    })
    .map_err(from_exception)
}
