//! Bytes to objects.

use cannery_core::{Limits, Result};
use cannery_msgpack::{ReadOptions, Sizes, from_slice_prefix};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::direct;
use super::errors::{extra_data, unpack_error};
use super::{Data, classes, truth};
use crate::construct::{Hooks, MsgpackHooks, PyBuilder, TimestampAs, UnpackOptions};
use crate::typed::{TypeOptions, TypePlan, TypedBuilder};
use crate::vectorcall::{Call, fast_call};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fast_call!(module, msgpack_unpackb, unpackb_plainly)?;
    fast_call!(module, msgpack_decode, decode_plainly)
}

/// [`msgpack_unpackb`] of a document alone, which is right.
fn unpackb_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let data = call.only().filter(|_| call.is_bare())?;
    only_object(&data, true)
}

/// [`msgpack_decode`] of a document alone, or as a type, which is right.
fn decode_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let data = call.only()?;
    if call.is_bare() {
        return only_object(&data, false);
    }
    let annotation = call.only_named("type")?;
    let options = TypeOptions {
        annotation: Some(&annotation),
        unknown: "ignore",
        strict: true,
        binary: true,
    };
    let (plan, data) = (options.plan_at_hand()?, data.cast_exact::<PyBytes>().ok()?);
    let data = data.as_bytes();
    let mut builder = TypedBuilder::new(&plan, false);
    let used = from_slice_prefix(data, &ReadOptions::default(), &mut builder).ok()?;
    builder.take().filter(|_| used == data.len())
}

fn only_object<'py>(data: &Bound<'py, PyAny>, text_keys: bool) -> Option<Bound<'py, PyAny>> {
    let bytes = data.cast_exact::<PyBytes>().ok()?.as_bytes();
    let (object, used) = direct::object(data.py(), bytes, Limits::default().depth, text_keys)?;
    (used == bytes.len()).then_some(object)
}

/// Unpack the object in ``packed``; the arguments are those of ``Unpacker``.
///
/// Raises ``ExtraData`` for bytes behind it, ``FormatError`` for what is not MessagePack,
/// ``StackError`` for what is nested too deeply, and ``ValueError`` for what is cut off.
///
/// ``type`` and ``unknown`` are those of ``decode``; they cannot be combined with hooks.
///
/// >>> from cannery import msgpack
/// >>> msgpack.unpackb(bytes.fromhex("81a16101"))
/// {'a': 1}
#[pyfunction]
#[pyo3(signature = (packed, *, object_hook=None, list_hook=None, use_list=true, raw=false,
    timestamp=0, strict_map_key=true, unicode_errors=None, object_pairs_hook=None, ext_hook=None,
    max_str_len=-1, max_bin_len=-1, max_array_len=-1, max_map_len=-1, max_ext_len=-1, r#type=None,
    unknown="ignore"),
    text_signature = "(packed, *, object_hook=None, list_hook=None, use_list=True, raw=False, \
    timestamp=0, strict_map_key=True, unicode_errors=None, object_pairs_hook=None, ext_hook=None, \
    max_str_len=-1, max_bin_len=-1, max_array_len=-1, max_map_len=-1, max_ext_len=-1, type=None, \
    unknown='ignore')")]
#[expect(clippy::too_many_arguments, reason = "the signature of the package")]
fn msgpack_unpackb<'py>(
    packed: &Bound<'py, PyAny>,
    object_hook: Option<Py<PyAny>>,
    list_hook: Option<Py<PyAny>>,
    #[pyo3(from_py_with = truth)] use_list: bool,
    #[pyo3(from_py_with = truth)] raw: bool,
    timestamp: u8,
    #[pyo3(from_py_with = truth)] strict_map_key: bool,
    unicode_errors: Option<String>,
    object_pairs_hook: Option<Py<PyAny>>,
    ext_hook: Option<Py<PyAny>>,
    max_str_len: isize,
    max_bin_len: isize,
    max_array_len: isize,
    max_map_len: isize,
    max_ext_len: isize,
    r#type: Option<&Bound<'py, PyAny>>,
    unknown: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let hooks = UnpackOptions {
        object_hook,
        object_pairs_hook,
        list_hook,
        ext_hook,
        tuples: !use_list,
        timestamp: timestamp_as(timestamp)?,
        unicode_errors,
    };
    let hooks = checked(packed.py(), hooks)?;
    let sizes = Sizes {
        text: size_or(max_str_len, usize::MAX),
        bytes: size_or(max_bin_len, usize::MAX),
        array: size_or(max_array_len, usize::MAX),
        map: size_or(max_map_len, usize::MAX),
        extension: size_or(max_ext_len, usize::MAX),
    };
    let options = read_options(raw, strict_map_key).sizes(sizes);
    match (TypeOptions { annotation: r#type, unknown, strict: true, binary: true })
        .plan(packed.py())?
    {
        None => unpack(packed, &hooks, &options),
        Some(plan) if hooks.is_plain() && !raw => unpack_typed(packed, &plan, &options),
        Some(_) => Err(PyTypeError::new_err("unpackb takes type= or hooks and raw, not both")),
    }
}

/// Decode one MessagePack document (``bytes``, or any bytes-like object).
///
/// Maps may have any hashable keys. Extensions become ``ExtType``, timestamps ``Timestamp``.
///
/// ``type`` is what the value shall be, as in ``cannery.json.decode``; a value of another type raises
/// ``MismatchError``, which says where and what. Where a ``datetime`` is expected, timestamps are
/// welcome. ``unknown`` says what is done about fields that the type has not: ``"ignore"`` or
/// ``"error"``. With ``strict=False``, text stands for the number or truth value that it spells.
///
/// >>> from cannery import msgpack
/// >>> msgpack.decode(bytes.fromhex("920102"), type=set[int])
/// {1, 2}
#[pyfunction]
#[pyo3(signature = (data, /, *, r#type=None, unknown="ignore", strict=true, depth=1024))]
fn msgpack_decode<'py>(
    data: &Bound<'py, PyAny>,
    r#type: Option<&Bound<'py, PyAny>>,
    unknown: &str,
    strict: bool,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let options = read_options(false, false).limits(Limits::default().depth(depth));
    match (TypeOptions { annotation: r#type, unknown, strict, binary: true }).plan(data.py())? {
        None => unpack(data, &UnpackOptions::default(), &options),
        Some(plan) => unpack_typed(data, &plan, &options),
    }
}

fn unpack_typed<'py>(
    packed: &Bound<'py, PyAny>,
    plan: &Bound<'py, TypePlan>,
    options: &ReadOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let py = packed.py();
    let data = Data::of(packed)?;
    let (value, used) = build_typed(plan, data.bytes(), options).map_err(|mut error| {
        let mismatch = crate::typed::as_exception(py, &mut error);
        mismatch.unwrap_or_else(|| unpack_error(py, error))
    })?;
    if used < data.bytes().len() {
        return Err(extra_data(&value, data.bytes(), used));
    }
    Ok(value)
}

/// The object of a type at the beginning of `data`, and how many bytes it took.
pub(super) fn build_typed<'py>(
    plan: &Bound<'py, TypePlan>,
    data: &[u8],
    options: &ReadOptions,
) -> Result<(Bound<'py, PyAny>, usize)> {
    // The type says what the keys are.
    let options = options.invalid_text(false).strict_keys(false);
    let mut builder = TypedBuilder::new(plan, false);
    let used = from_slice_prefix(data, &options, &mut builder)?;
    Ok((builder.take().expect("a document was read"), used))
}

fn unpack<'py>(
    packed: &Bound<'py, PyAny>,
    hooks: &UnpackOptions,
    options: &ReadOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let data = Data::of(packed)?;
    let (value, used) = build(packed.py(), data.bytes(), hooks, options)
        .map_err(|error| unpack_error(packed.py(), error))?;
    if used < data.bytes().len() {
        return Err(extra_data(&value, data.bytes(), used));
    }
    Ok(value)
}

/// The object at the beginning of `data`, and how many bytes it took.
pub(super) fn build<'py>(
    py: Python<'py>,
    data: &[u8],
    hooks: &UnpackOptions,
    options: &ReadOptions,
) -> Result<(Bound<'py, PyAny>, usize)> {
    if hooks.is_plain()
        && !options.raw
        && allows_all(&options.sizes, data.len())
        && let Some(built) = direct::object(py, data, options.limits.depth, options.strict_keys)
    {
        return Ok(built);
    }
    if hooks.calls_python() {
        build_with(py, data, MsgpackHooks::<true>::new(hooks), options)
    } else {
        build_with(py, data, MsgpackHooks::<false>::new(hooks), options)
    }
}

/// Whether no value in that many bytes can be too large. An entry of a map takes two of them.
fn allows_all(sizes: &Sizes, len: usize) -> bool {
    let Sizes { text, bytes, array, map, extension } = *sizes;
    text.min(bytes).min(array).min(extension) >= len && map >= len / 2
}

fn build_with<'py, H: Hooks<'py>>(
    py: Python<'py>,
    data: &[u8],
    hooks: H,
    options: &ReadOptions,
) -> Result<(Bound<'py, PyAny>, usize)> {
    let mut builder = PyBuilder::new(py, hooks);
    let used = from_slice_prefix(data, options, &mut builder)?;
    Ok((builder.take().expect("a document was read"), used))
}

/// What the reader is told in any case: the hooks decode strings that are not UTF-8.
pub(super) fn read_options(raw: bool, strict_map_key: bool) -> ReadOptions {
    ReadOptions::default().raw(raw).strict_keys(strict_map_key).invalid_text(true)
}

/// The limit that was given, or the default for -1.
pub(super) fn size_or(given: isize, default: usize) -> usize {
    usize::try_from(given).unwrap_or(default)
}

/// From the number that the package uses.
pub(super) fn timestamp_as(number: u8) -> PyResult<TimestampAs> {
    match number {
        0 => Ok(TimestampAs::Timestamp),
        1 => Ok(TimestampAs::Seconds),
        2 => Ok(TimestampAs::Nanoseconds),
        3 => Ok(TimestampAs::DateTime),
        _ => Err(PyValueError::new_err("timestamp must be 0..3")),
    }
}

/// Refuses what cannot be called, and forgets what does nothing of its own.
pub(super) fn checked(py: Python<'_>, mut options: UnpackOptions) -> PyResult<UnpackOptions> {
    let hooks = [
        ("object_hook", &options.object_hook),
        ("object_pairs_hook", &options.object_pairs_hook),
        ("list_hook", &options.list_hook),
        ("ext_hook", &options.ext_hook),
    ];
    for (name, hook) in hooks {
        if hook.as_ref().is_some_and(|hook| !hook.bind(py).is_callable()) {
            return Err(PyTypeError::new_err(format!("{name} must be a callable.")));
        }
    }
    if options.object_hook.is_some() && options.object_pairs_hook.is_some() {
        let message = "object_pairs_hook and object_hook are mutually exclusive.";
        return Err(PyTypeError::new_err(message));
    }
    if let Some(hook) = &options.ext_hook
        && hook.bind(py).is(classes(py)?.ext_type(py))
    {
        options.ext_hook = None;
    }
    options.unicode_errors = options.unicode_errors.filter(|errors| errors != "strict");
    Ok(options)
}
