//! Objects to text.

use cannery_core::{Limits, Result};
use cannery_json::{Chunks, NonFinite, Output, WriteOptions, Writer};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

use super::direct::{self, Style};
use super::errors::encode_error;
use super::output::{AsciiMemory, BytesMemory, Growing};
use crate::compat;
use crate::file::PyFile;
use crate::memory;
use crate::text;
use crate::vectorcall::{Call, fast_call};
use crate::walk::{JsonDialect, JsonOptions, PyWalker, writes_iterators};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fast_call!(module, json_dumps, dumps_plainly)?;
    module.add_function(wrap_pyfunction!(json_dump, module)?)?;
    fast_call!(module, json_encode, encode_plainly)?;
    module.add_function(wrap_pyfunction!(json_quote, module)?)
}

/// Serialize ``obj`` to a JSON formatted ``str``.
///
/// The arguments are those of the standard library's ``json.dumps``. With ``default="rich"``, numpy
/// arrays and scalars, dataclasses and the like, enums, dates, UUIDs, decimals (exactly), paths, sets
/// and bytes (base64) are written as the obvious plain JSON.
///
/// Generators and other iterators are written as arrays, item by item; with a function as
/// ``default``, that is asked what they are.
///
/// >>> from cannery import json
/// >>> json.dumps({"ids": [1, 2]})
/// '{"ids": [1, 2]}'
#[pyfunction]
#[pyo3(signature = (obj, *, skipkeys=None, ensure_ascii=None, check_circular=None, allow_nan=None,
    cls=None, indent=None, separators=None, default=None, sort_keys=None, **kw))]
#[expect(clippy::too_many_arguments, reason = "the signature of the standard library")]
fn json_dumps<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    skipkeys: Option<&Bound<'py, PyAny>>,
    ensure_ascii: Option<&Bound<'py, PyAny>>,
    check_circular: Option<&Bound<'py, PyAny>>,
    allow_nan: Option<&Bound<'py, PyAny>>,
    cls: Option<&Bound<'py, PyAny>>,
    indent: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = separators_of)] separators: Option<(String, String)>,
    default: Option<Bound<'py, PyAny>>,
    sort_keys: Option<&Bound<'py, PyAny>>,
    kw: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let iterators = writes_iterators(None, default.as_ref());
    let options = JsonOptions {
        default,
        skip_keys: truth(skipkeys, false)?,
        sort_keys: truth(sort_keys, false)?,
        allow_nan: truth(allow_nan, true)?,
        check_circular: truth(check_circular, true)?,
        iterators,
    };
    let ensure_ascii = truth(ensure_ascii, true)?;
    if cls.is_some() || kw.is_some() {
        let kw = kw.unwrap_or_else(|| PyDict::new(py));
        kw.set_item("skipkeys", options.skip_keys)?;
        kw.set_item("ensure_ascii", ensure_ascii)?;
        kw.set_item("check_circular", options.check_circular)?;
        kw.set_item("allow_nan", options.allow_nan)?;
        kw.set_item("indent", indent)?;
        kw.set_item("separators", separators)?;
        kw.set_item("default", options.default)?;
        kw.set_item("sort_keys", options.sort_keys)?;
        let module = py.import("cannery.json")?;
        return module.getattr("_dumps_with_encoder")?.call((obj, cls), Some(&kw));
    }
    let layout = layout(indent, separators, ensure_ascii, &options)?;
    to_text(py, obj, options, layout)
}

/// [`json_dumps`], if it has at most those arguments that say how its text looks.
fn dumps_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let obj = call.only()?;
    let depth = Limits::default().depth;
    if call.is_bare() {
        return direct::string(&obj, &Style::usual(depth));
    }
    let (mut comma, mut colon, mut ensure_ascii) = (", ", ": ", true);
    for (name, value) in call.named() {
        match ascii(name)? {
            "ensure_ascii" => ensure_ascii = value.cast_exact::<PyBool>().ok()?.is_true(),
            "separators" => {
                value.cast_exact::<PyTuple>().ok().filter(|pair| pair.len() == 2)?;
                // SAFETY: it is a tuple of two, and both live as long as it does.
                let item = |index| unsafe {
                    let item = ffi::PyTuple_GET_ITEM(value.as_ptr(), index);
                    ascii(Borrowed::from_ptr(value.py(), item))
                };
                (comma, colon) = (item(0)?, item(1)?);
            }
            _ => return None,
        }
    }
    direct::string(&obj, &Style::on_one_line(comma, colon, ensure_ascii, depth)?)
}

/// The characters of a `str`, if they are ASCII and at hand.
fn ascii<'a>(object: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    object.cast_exact::<PyString>().ok()?;
    // SAFETY: it is a `str`, which lives as long as what it is borrowed from.
    unsafe { compat::compact_ascii(object.as_ptr()) }
}

/// Serialize ``obj`` to the file object ``fp``, chunk by chunk, in constant extra memory.
#[pyfunction]
#[pyo3(signature = (obj, fp, *, skipkeys, ensure_ascii, check_circular, allow_nan, indent,
    separators, default, sort_keys, iterators))]
#[expect(clippy::too_many_arguments, reason = "the signature of the standard library")]
#[expect(clippy::fn_params_excessive_bools, reason = "the signature of the standard library")]
fn json_dump<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    fp: &Bound<'py, PyAny>,
    skipkeys: bool,
    ensure_ascii: bool,
    check_circular: bool,
    allow_nan: bool,
    indent: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = separators_of)] separators: Option<(String, String)>,
    default: Option<Bound<'py, PyAny>>,
    sort_keys: bool,
    iterators: Option<bool>,
) -> PyResult<()> {
    let iterators = writes_iterators(iterators, default.as_ref());
    let options = JsonOptions {
        default,
        skip_keys: skipkeys,
        sort_keys,
        allow_nan,
        check_circular,
        iterators,
    };
    let layout = layout(indent, separators, ensure_ascii, &options)?;
    let mut writer = Writer::new(Chunks::new(PyFile::new(fp)?), layout);
    let dialect = JsonDialect::<true>::new(options);
    let walked = PyWalker::new(&mut writer, dialect, Limits::default()).walk(obj);
    let written = match walked {
        Ok(()) => writer.into_output().finish().map(drop),
        Err(error) => Err(error),
    };
    written.map_err(|error| encode_error(py, error))
}

/// Serialize ``obj`` to JSON in UTF-8, in the shortest form.
///
/// ``nan`` says what becomes of NaN and the infinities, which JSON has not: ``"error"``,
/// ``"null"``, or ``"write"`` (as ``NaN`` and ``Infinity``, which only some readers accept).
/// ``iterators`` says whether generators and other iterators are written as arrays; if nothing is
/// said, they are, unless ``default`` is a function to be asked.
///
/// >>> from cannery import json
/// >>> json.encode({"ids": [1, 2]})
/// b'{"ids":[1,2]}'
#[pyfunction]
#[pyo3(signature = (obj, /, *, default=None, indent=None, sort_keys=false, skipkeys=false,
    ensure_ascii=false, nan="error", iterators=None, newline=false, depth=1024))]
#[expect(clippy::too_many_arguments, reason = "each is an option of its own")]
#[expect(clippy::fn_params_excessive_bools, reason = "each is an option of its own")]
fn json_encode<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    default: Option<Bound<'py, PyAny>>,
    indent: Option<&Bound<'py, PyAny>>,
    sort_keys: bool,
    skipkeys: bool,
    ensure_ascii: bool,
    nan: &str,
    iterators: Option<bool>,
    newline: bool,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let non_finite = parse_nan(nan)?;
    let iterators = writes_iterators(iterators, default.as_ref());
    let options = JsonOptions {
        default,
        skip_keys: skipkeys,
        sort_keys,
        allow_nan: non_finite != NonFinite::Refuse,
        check_circular: true,
        iterators,
    };
    let mut layout = WriteOptions::default()
        .ensure_ascii(ensure_ascii)
        .non_finite(non_finite)
        .trailing_newline(newline);
    if let Some(indent) = indentation(indent)? {
        layout = layout.indent(indent).key_separator(": ");
    }
    if !options.sort_keys
        && let Some(style) = Style::new(&layout, depth)
        && let Some(made) = direct::bytes(obj, &style)
    {
        return Ok(made);
    }
    let limits = Limits::default().depth(depth);
    let output = walk(obj, Growing::<BytesMemory>::new(py)?, options, layout, limits);
    output.map_err(|error| encode_error(py, error))?.finish()
}

/// [`json_encode`] of an object alone.
fn encode_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let obj = call.only().filter(|_| call.is_bare())?;
    direct::bytes(&obj, &Style::shortest(Limits::default().depth))
}

/// The string as JSON: in quotes, with escapes.
#[pyfunction]
fn json_quote<'py>(
    py: Python<'py>,
    text: &Bound<'py, PyString>,
    ensure_ascii: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let options = JsonOptions {
        default: None,
        skip_keys: false,
        sort_keys: false,
        allow_nan: true,
        check_circular: false,
        iterators: false,
    };
    let layout = WriteOptions::default().ensure_ascii(ensure_ascii).raw_surrogates(!ensure_ascii);
    to_text(py, text.as_any(), options, layout)
}

fn to_text<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    options: JsonOptions<'py>,
    layout: WriteOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let limits = Limits::default();
    if !options.sort_keys
        && let Some(style) = Style::new(&layout, limits.depth)
        && let Some(made) = direct::string(obj, &style)
    {
        return Ok(made);
    }
    if layout.ensure_ascii
        && layout.item_separator.is_ascii()
        && layout.key_separator.is_ascii()
        && layout.indent.as_ref().is_none_or(|indent| indent.is_ascii())
    {
        let output = walk(obj, Growing::<AsciiMemory>::new(py)?, options, layout, limits);
        return output.map_err(|error| encode_error(py, error))?.finish();
    }
    let output = walk(obj, Vec::with_capacity(1024), options, layout, limits);
    text::from_utf8(py, &output.map_err(|error| encode_error(py, error))?)
}

fn walk<'py, O: Output>(
    obj: &Bound<'py, PyAny>,
    output: O,
    options: JsonOptions<'py>,
    layout: WriteOptions,
    limits: Limits,
) -> Result<O> {
    let mut writer = Writer::new(output, layout);
    let dialect = JsonDialect::<false>::new(options);
    PyWalker::new(&mut writer, dialect, limits).walk(obj)?;
    Ok(writer.into_output())
}

fn truth(value: Option<&Bound<'_, PyAny>>, default: bool) -> PyResult<bool> {
    value.map_or(Ok(default), PyAnyMethods::is_truthy)
}

/// The separators of items and of keys: two texts in whatever can be unpacked.
fn separators_of(pair: &Bound<'_, PyAny>) -> PyResult<Option<(String, String)>> {
    if pair.is_none() {
        return Ok(None);
    }
    let both: Vec<String> =
        pair.try_iter()?.map(|item| item?.extract()).collect::<PyResult<_>>()?;
    let count = both.len();
    let both: Result<[String; 2], _> = both.try_into();
    let [item, key] = both.map_err(|_| {
        PyValueError::new_err(format!("separators are two texts (items, keys), not {count}"))
    })?;
    Ok(Some((item, key)))
}

/// The layout that the standard library gives a document.
fn layout(
    indent: Option<&Bound<'_, PyAny>>,
    separators: Option<(String, String)>,
    ensure_ascii: bool,
    options: &JsonOptions<'_>,
) -> PyResult<WriteOptions> {
    let indent = indentation(indent)?;
    let mut layout = WriteOptions::default()
        .ensure_ascii(ensure_ascii)
        .raw_surrogates(!ensure_ascii)
        .non_finite(if options.allow_nan { NonFinite::Write } else { NonFinite::Refuse })
        .item_separator(if indent.is_some() { "," } else { ", " })
        .key_separator(": ");
    if let Some(indent) = indent {
        layout = layout.indent(indent);
    }
    Ok(match separators {
        Some((item, key)) => layout.item_separator(item).key_separator(key),
        None => layout,
    })
}

fn indentation(indent: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    let Some(indent) = indent else { return Ok(None) };
    if let Ok(text) = indent.cast::<PyString>() {
        return Ok(Some(text.to_string()));
    }
    let width: isize = indent.extract()?;
    let width = usize::try_from(width).unwrap_or(0);
    let mut blanks = String::new();
    blanks.try_reserve_exact(width).map_err(|_| memory::error())?;
    blanks.extend(std::iter::repeat_n(' ', width));
    Ok(Some(blanks))
}

fn parse_nan(policy: &str) -> PyResult<NonFinite> {
    match policy {
        "error" => Ok(NonFinite::Refuse),
        "null" => Ok(NonFinite::Null),
        "write" => Ok(NonFinite::Write),
        _ => Err(PyValueError::new_err(format!(
            "nan must be \"error\", \"null\" or \"write\", not {policy:?}"
        ))),
    }
}
