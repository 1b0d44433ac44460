//! Text to objects.

use cannery_core::{Error, ErrorKind, Limits, Result, Text};
use cannery_json::ReadOptions;
use pyo3::exceptions::{PyStopIteration, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::document::Document;
use super::errors::{decode_error, unicode_error};
use super::quick::Source;
use crate::construct::{Duplicates, Hooks, JsonHooks, Plain, PyBuilder};
use crate::typed::{TypeOptions, TypePlan, TypedBuilder};
use crate::vectorcall::{Call, fast_call};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fast_call!(module, json_loads, loads_plainly)?;
    fast_call!(module, json_decode, decode_plainly)?;
    module.add_function(wrap_pyfunction!(json_read, module)?)?;
    module.add_function(wrap_pyfunction!(json_read_prefix, module)?)?;
    module.add_function(wrap_pyfunction!(json_scan_string, module)?)
}

type Hook<'py> = Option<Bound<'py, PyAny>>;

/// Deserialize ``s`` (a ``str``, ``bytes`` or ``bytearray`` with one JSON document).
///
/// The arguments are those of the standard library's ``json.loads``. ``duplicates`` says what to
/// do about a key that occurs twice in one object (``"last"``, ``"first"`` or ``"error"``), and
/// ``depth`` how deep a document may be nested. ``type`` is what the value shall be, as in
/// ``decode``, with ``unknown``, ``duplicates`` and ``depth``; it cannot be combined with the others.
///
/// >>> from cannery import json
/// >>> json.loads('{"ids": [1, 2]}')
/// {'ids': [1, 2]}
#[pyfunction]
#[pyo3(signature = (s, *, cls=None, object_hook=None, parse_float=None, parse_int=None,
    parse_constant=None, object_pairs_hook=None, r#type=None, **kw))]
#[expect(clippy::too_many_arguments, reason = "the signature of the standard library")]
fn json_loads<'py>(
    py: Python<'py>,
    s: &Bound<'py, PyAny>,
    cls: Hook<'py>,
    object_hook: Hook<'py>,
    parse_float: Hook<'py>,
    parse_int: Hook<'py>,
    parse_constant: Hook<'py>,
    object_pairs_hook: Hook<'py>,
    r#type: Option<&Bound<'py, PyAny>>,
    kw: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(annotation) = r#type {
        let more = MoreTyped::of(kw)?;
        let options = TypeOptions {
            annotation: Some(annotation),
            unknown: &more.unknown,
            strict: true,
            binary: false,
        };
        let plan = options.plan(py)?.expect("there is an annotation");
        let others = [&object_hook, &parse_float, &parse_int, &parse_constant, &object_pairs_hook];
        if cls.is_some() || others.iter().any(|hook| hook.is_some()) {
            return Err(PyTypeError::new_err("loads takes type= or hooks, not both"));
        }
        let options = lenient(true).limits(Limits::default().depth(more.depth));
        return read_typed(py, &Document::new(s)?, &options, &plan, more.duplicates);
    }
    if cls.is_some() || kw.is_some() {
        let hooks = (object_hook, parse_float, parse_int, parse_constant, object_pairs_hook);
        return with_decoder(py, s, cls, hooks, kw);
    }
    let duplicates = Duplicates::Last;
    let hooks = JsonHooks {
        object_hook,
        object_pairs_hook,
        parse_float,
        parse_int,
        parse_constant,
        duplicates,
    };
    read(py, &Document::new(s)?, &lenient(true), hooks)
}

/// What `loads` takes beside a type.
struct MoreTyped {
    unknown: String,
    duplicates: Duplicates,
    depth: usize,
}

impl MoreTyped {
    fn of(given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let depth = Limits::default().depth;
        let mut more =
            Self { unknown: "ignore".to_owned(), duplicates: Duplicates::default(), depth };
        for (name, value) in given.into_iter().flatten() {
            match name.cast::<PyString>()?.to_str()? {
                "unknown" => more.unknown = value.extract()?,
                "duplicates" => more.duplicates = Duplicates::parse(value.extract()?)?,
                "depth" => more.depth = value.extract()?,
                other => {
                    let message = format!("loads takes type= or {other}=, not both");
                    return Err(PyTypeError::new_err(message));
                }
            }
        }
        Ok(more)
    }
}

type FiveHooks<'py> = (Hook<'py>, Hook<'py>, Hook<'py>, Hook<'py>, Hook<'py>);

/// Reads by way of a decoder's class, as its author expects.
fn with_decoder<'py>(
    py: Python<'py>,
    s: &Bound<'py, PyAny>,
    cls: Hook<'py>,
    hooks: FiveHooks<'py>,
    kw: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("cannery.json")?;
    module.getattr("_loads_with_decoder")?.call((s, cls, hooks), kw)
}

/// Deserialize one JSON document in UTF-8 (``bytes``, any bytes-like object, or ``str``).
///
/// The document must be strict JSON: no ``NaN``, no infinities, no control characters in strings.
///
/// ``type`` is what the value shall be: any annotation of classes with declared fields (dataclasses,
/// ``TypedDict``, named tuples, attrs, pydantic, msgspec), enums, unions, containers, dates and the
/// like. A value of another type raises ``MismatchError``, which says where and what. ``unknown``
/// says what is done about fields that the type has not: ``"ignore"`` or ``"error"``. With
/// ``strict=False``, text stands for the number or truth value that it spells.
///
/// ``duplicates`` says what to do about a key that occurs twice in one object: ``"last"`` or
/// ``"first"`` keeps that value, ``"error"`` refuses the document. ``depth`` is how deep it may be
/// nested.
///
/// >>> import datetime
/// >>> from cannery import json
/// >>> json.decode(b'{"day": "2026-11-21"}', type=dict[str, datetime.date])
/// {'day': datetime.date(2026, 11, 21)}
#[pyfunction]
#[pyo3(signature = (data, /, *, r#type=None, unknown="ignore", strict=true, duplicates="last",
    depth=1024))]
fn json_decode<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    r#type: Option<&Bound<'py, PyAny>>,
    unknown: &str,
    strict: bool,
    duplicates: &str,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let duplicates = Duplicates::parse(duplicates)?;
    let options = ReadOptions::default().limits(Limits::default().depth(depth));
    let plan = TypeOptions { annotation: r#type, unknown, strict, binary: false }.plan(py)?;
    let document = Document::utf8(data)?;
    if let Some(plan) = plan {
        return read_typed(py, &document, &options, &plan, duplicates);
    }
    let hooks = JsonHooks { duplicates, ..JsonHooks::default() };
    let built = if hooks.is_plain() {
        build(py, &document, &options, Plain)
    } else {
        build(py, &document, &options, hooks)
    };
    built.map_err(|error| decode_error(py, error, &document))
}

/// [`json_decode`] of a document alone, or as a type, which is right.
fn decode_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let data = call.only()?;
    if call.is_bare() {
        return read_plainly(&data, Source::utf8, &ReadOptions::default());
    }
    let annotation = call.only_named("type")?;
    let options = TypeOptions {
        annotation: Some(&annotation),
        unknown: "ignore",
        strict: true,
        binary: false,
    };
    let plan = options.plan_at_hand()?;
    let source = Source::utf8(&data)?;
    let mut builder = if source.is_short() {
        TypedBuilder::small(&plan)
    } else {
        TypedBuilder::new(&plan, false)
    };
    source.read(&ReadOptions::default(), &mut builder)?;
    builder.take()
}

/// [`json_loads`] of a document alone, which is right.
fn loads_plainly<'py>(call: Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let data = call.only().filter(|_| call.is_bare())?;
    read_plainly(&data, Source::new, &lenient(true))
}

#[inline(always)]
fn read_plainly<'a, 'py>(
    data: &'a Bound<'py, PyAny>,
    source: impl FnOnce(&'a Bound<'py, PyAny>) -> Option<Source<'a>>,
    options: &ReadOptions,
) -> Option<Bound<'py, PyAny>> {
    let source = source(data)?;
    read_source(data.py(), source, options)
}

#[inline(always)]
fn read_source<'py>(
    py: Python<'py>,
    source: Source<'_>,
    options: &ReadOptions,
) -> Option<Bound<'py, PyAny>> {
    let mut builder =
        if source.is_short() { PyBuilder::small(py, Plain) } else { PyBuilder::new(py, Plain) };
    source.read(options, &mut builder)?;
    builder.take()
}

/// What a tagged document stands for if there is no tag in it; `None` to say that it must be read another
/// way, or that something is wrong with it.
pub(crate) fn without_tags<'py>(data: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let source = Source::utf8(data)?;
    read_without_tags(data.py(), source)
}

/// The same of bytes.
pub(crate) fn bytes_without_tags<'py>(py: Python<'py>, data: &[u8]) -> Option<Bound<'py, PyAny>> {
    read_without_tags(py, Source::Bytes(data))
}

fn read_without_tags<'py>(py: Python<'py>, source: Source<'_>) -> Option<Bound<'py, PyAny>> {
    let bytes = match source {
        Source::Bytes(bytes) => bytes,
        Source::Text(Text::Ascii(text) | Text::Utf8(text)) => text.as_bytes(),
        Source::Text(_) => return None,
    };
    if may_have_tags(bytes) { None } else { read_source(py, source, &ReadOptions::default()) }
}

/// Whether a key may begin with `$`, as it is or escaped.
fn may_have_tags(text: &[u8]) -> bool {
    let has = |byte, what| {
        memchr::memchr(byte, text)
            .is_some_and(|at| memchr::memmem::find(&text[at.saturating_sub(1)..], what).is_some())
    };
    has(b'$', b"\"$") || has(b'\\', b"\\u0024")
}

/// Reads a document as `JSONDecoder.decode` does.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "what a decoder holds")]
fn json_read<'py>(
    py: Python<'py>,
    s: &Bound<'py, PyAny>,
    object_hook: Hook<'py>,
    parse_float: Hook<'py>,
    parse_int: Hook<'py>,
    parse_constant: Hook<'py>,
    object_pairs_hook: Hook<'py>,
    strict: bool,
    duplicates: &str,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let hooks = JsonHooks {
        object_hook,
        object_pairs_hook,
        parse_float,
        parse_int,
        parse_constant,
        duplicates: Duplicates::parse(duplicates)?,
    };
    let options = lenient(strict).limits(Limits::default().depth(depth));
    read(py, &Document::new(s)?, &options, hooks)
}

/// Reads the document that begins at `idx`, as `JSONDecoder.raw_decode` does, and says where it
/// ends.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "what a decoder holds")]
fn json_read_prefix<'py>(
    py: Python<'py>,
    s: &Bound<'py, PyString>,
    idx: isize,
    object_hook: Hook<'py>,
    parse_float: Hook<'py>,
    parse_int: Hook<'py>,
    parse_constant: Hook<'py>,
    object_pairs_hook: Hook<'py>,
    strict: bool,
    duplicates: &str,
    depth: usize,
) -> PyResult<(Bound<'py, PyAny>, usize)> {
    let idx = usize::try_from(idx).map_err(|_| PyValueError::new_err("idx cannot be negative"))?;
    let hooks = JsonHooks {
        object_hook,
        object_pairs_hook,
        parse_float,
        parse_int,
        parse_constant,
        duplicates: Duplicates::parse(duplicates)?,
    };
    let options = lenient(strict).limits(Limits::default().depth(depth));
    let document = Document::of_text(s)?;
    let Some(start) = document.offset_of(idx).filter(|&start| begins_value(&document, start))
    else {
        return Err(PyStopIteration::new_err((idx,)));
    };
    let mut builder = PyBuilder::new(py, hooks);
    let rest = &document.bytes()[start..];
    let end = cannery_json::from_slice_prefix(rest, &options, &mut builder);
    let end =
        end.map_err(|error| decode_error(py, error.map_pos(|pos| shifted(pos, start)), &document))?;
    let value = builder.take().expect("a document was read");
    Ok((value, document.characters_before((start + end) as u64)))
}

fn shifted(pos: cannery_core::Pos, by: usize) -> cannery_core::Pos {
    cannery_core::Pos::offset(pos.offset + by as u64)
}

/// Whether no whitespace and no byte order mark stands before the value.
fn begins_value(document: &Document<'_, '_>, start: usize) -> bool {
    !matches!(document.bytes().get(start), None | Some(b' ' | b'\t' | b'\n' | b'\r' | 0xef))
}

/// Reads the string whose opening quote is just before `end`; gives it, and where it ended.
#[pyfunction]
#[pyo3(signature = (s, end, strict=true, /))]
fn json_scan_string<'py>(
    py: Python<'py>,
    s: &Bound<'py, PyAny>,
    end: isize,
    strict: bool,
) -> PyResult<(Bound<'py, PyAny>, usize)> {
    let document = Document::of_text(s.cast::<PyString>()?)?;
    let quote = usize::try_from(end - 1).ok();
    let start = quote.and_then(|quote| document.offset_of(quote));
    let start = start.ok_or_else(|| PyValueError::new_err("end is out of bounds"))?;
    // The quote is the caller's word: whatever stands there, a string begins behind it.
    let behind = document.bytes().get(start + 1..).unwrap_or_default();
    let text = [b"\"", behind].concat();
    let mut builder = PyBuilder::new(py, Plain);
    let read = cannery_json::from_slice_prefix(&text, &lenient(strict), &mut builder);
    let read = read
        .map_err(|error| decode_error(py, error.map_pos(|pos| shifted(pos, start)), &document))?;
    let value = builder.take().expect("a string was read");
    Ok((value, document.characters_before((start + read) as u64)))
}

/// What the standard library accepts.
fn lenient(strict: bool) -> ReadOptions {
    ReadOptions::default().nan(true).control_characters(!strict).byte_order_mark(false)
}

fn read<'py>(
    py: Python<'py>,
    document: &Document<'_, 'py>,
    options: &ReadOptions,
    hooks: JsonHooks<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let value = if hooks.is_plain() {
        build(py, document, options, Plain)
    } else {
        build(py, document, options, hooks)
    };
    value.map_err(|error| match error.kind() {
        ErrorKind::Encoding if document.is_text() => {
            let error = without_surrogates(py, document, options).unwrap_or(error);
            decode_error(py, error, document)
        }
        ErrorKind::Encoding => {
            unicode_error(py, document).unwrap_or_else(|| decode_error(py, error, document))
        }
        _ => decode_error(py, error, document),
    })
}

/// What is wrong with a text that has a surrogate where no string is: what would be wrong with
/// any other character there.
#[cold]
fn without_surrogates(
    py: Python<'_>,
    document: &Document<'_, '_>,
    options: &ReadOptions,
) -> Option<Error> {
    let mut bytes = document.bytes().to_vec();
    for at in 0..bytes.len().saturating_sub(2) {
        if bytes[at] == 0xed && bytes[at + 1] >= 0xa0 {
            bytes[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
    cannery_json::from_slice(&bytes, options, &mut PyBuilder::new(py, Plain)).err()
}

fn read_typed<'py>(
    py: Python<'py>,
    document: &Document<'_, 'py>,
    options: &ReadOptions,
    plan: &Bound<'py, TypePlan>,
    duplicates: Duplicates,
) -> PyResult<Bound<'py, PyAny>> {
    let mut builder = TypedBuilder::new(plan, false);
    match duplicates {
        Duplicates::Last => {}
        Duplicates::Error => builder = builder.with_unique_keys(),
        Duplicates::First => {
            let message = "type= goes with duplicates=\"last\" or \"error\"";
            return Err(PyTypeError::new_err(message));
        }
    }
    let read = match document.as_str() {
        Some(text) => cannery_json::from_str(text, options, &mut builder),
        None => cannery_json::from_slice(document.bytes(), options, &mut builder),
    };
    read.map_err(|error| decode_error(py, error, document))?;
    Ok(builder.take().expect("a document was read"))
}

fn build<'py, H: Hooks<'py>>(
    py: Python<'py>,
    document: &Document<'_, 'py>,
    options: &ReadOptions,
    hooks: H,
) -> Result<Bound<'py, PyAny>> {
    let mut builder = PyBuilder::new(py, hooks);
    match document.as_str() {
        Some(text) => cannery_json::from_str(text, options, &mut builder)?,
        None => cannery_json::from_slice(document.bytes(), options, &mut builder)?,
    }
    Ok(builder.take().expect("a document was read"))
}
