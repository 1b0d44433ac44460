//! The events of a stream as tuples, for those who compose values themselves.

use std::collections::HashMap;

use cannery_core::TextBuf;
use cannery_yaml::{
    Event, Handler, ParseOptions, Properties, ScalarStyle, Span, parse, properties_start,
};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::errors::{BEGINNING, raise};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(yaml_events, module)?)
}

/// An event, owned.
struct Recorded {
    name: &'static str,
    span: Span,
    anchor: Option<String>,
    tag: Option<String>,
    value: Option<TextBuf>,
    /// How it was written: the quotes or the indicator, `[` for what is in brackets, `-` for a
    /// marker.
    style: &'static str,
}

struct Recorder<'t> {
    text: &'t str,
    events: Vec<Recorded>,
    /// Where the last token ends that can stand before the properties of a node.
    announced: usize,
}

impl Recorder<'_> {
    fn add(&mut self, name: &'static str, span: Span, style: &'static str) -> &mut Recorded {
        self.announced = self.announced.max(span.end);
        let (anchor, tag, value) = (None, None, None);
        self.events.push(Recorded { name, span, anchor, tag, value, style });
        self.events.last_mut().expect("it was pushed")
    }

    /// A node, which begins where its properties do.
    fn node(
        &mut self,
        name: &'static str,
        span: Span,
        properties: &Properties<'_>,
        style: &'static str,
    ) -> &mut Recorded {
        let start = if properties.is_empty() {
            span.start
        } else {
            properties_start(self.text, self.announced.min(properties.end), properties.end)
        };
        let end = span.end.max(properties.end);
        let event = self.add(name, Span { start, end }, style);
        event.anchor = properties.anchor.map(str::to_owned);
        event.tag = properties.tag.as_deref().map(str::to_owned);
        event
    }
}

impl Handler for Recorder<'_> {
    fn event(&mut self, span: Span, event: Event<'_>) -> cannery_core::Result<()> {
        let bracket = |flow: bool| if flow { "[" } else { "" };
        let marker = |explicit: bool| if explicit { "-" } else { "" };
        match event {
            Event::DocumentStart { explicit } => {
                let end = span.start + if explicit { 3 } else { 0 };
                self.announced = span.start;
                self.add("document", Span { start: span.start, end }, marker(explicit));
            }
            Event::DocumentEnd { explicit } => {
                self.add("end document", span, marker(explicit));
            }
            Event::Scalar { properties, text, style } => {
                let style = match style {
                    ScalarStyle::Plain => "",
                    ScalarStyle::SingleQuoted => "'",
                    ScalarStyle::DoubleQuoted => "\"",
                    ScalarStyle::Literal => "|",
                    ScalarStyle::Folded => ">",
                };
                // What is not there stands behind what announces it.
                let empty = span.start == span.end && properties.is_empty();
                let at = Span::point(self.announced.min(span.start));
                let span = if empty { at } else { span };
                self.node("scalar", span, properties, style).value = Some(text.into());
            }
            Event::SequenceStart { properties, flow } => {
                self.node("sequence", span, properties, bracket(flow));
            }
            Event::MappingStart { properties, flow } => {
                self.node("mapping", span, properties, bracket(flow));
            }
            Event::SequenceEnd => drop(self.add("end sequence", span, "")),
            Event::MappingEnd => drop(self.add("end mapping", span, "")),
            Event::Alias(name) => self.add("alias", span, "").anchor = Some(name.to_owned()),
        }
        Ok(())
    }

    fn indicator(&mut self, at: usize, indicator: u8) {
        let style = match indicator {
            b'-' => "-",
            b'?' => "?",
            b':' => ":",
            _ => ",",
        };
        self.add("indicator", Span { start: at, end: at + 1 }, style);
    }
}

/// Events, and the error that ended them.
type Events<'py> = (Vec<Bound<'py, PyTuple>>, Option<Bound<'py, PyAny>>);

/// The events of a stream, and the error that ends it: each event is a tuple of its name, where it
/// begins and ends (index, line and column, all from 0), anchor, tag, content and style.
#[pyfunction]
fn yaml_events<'py>(py: Python<'py>, text: &str) -> PyResult<Events<'py>> {
    let mut recorder = Recorder { text, events: Vec::new(), announced: 0 };
    let result = parse(text, &ParseOptions::default(), &mut recorder);
    let error = result.err().map(|error| raise(py, error, text, BEGINNING));
    let places = places(text, &recorder.events);
    let made = recorder.events.iter().map(|event| {
        let value = event.value.as_ref();
        let value = value.map(|text| crate::text::to_python(py, text.as_text())).transpose()?;
        let name = PyString::intern(py, event.name);
        let (start, end) = (places[&event.span.start], places[&event.span.end]);
        (name, start, end, &event.anchor, &event.tag, value, event.style).into_pyobject(py)
    });
    let events = made.collect::<PyResult<Vec<_>>>()?;
    Ok((events, error.map(|error| error.into_value(py).into_bound(py).into_any())))
}

/// Index, line and column of each end of an event.
fn places(text: &str, events: &[Recorded]) -> HashMap<usize, (usize, usize, usize)> {
    let mut offsets: Vec<usize> =
        events.iter().flat_map(|event| [event.span.start, event.span.end]).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let bytes = text.as_bytes();
    let (mut at, mut index, mut line, mut column) = (0, 0, 0, 0);
    let mut found = HashMap::with_capacity(offsets.len());
    for offset in offsets {
        while at < offset {
            let byte = bytes[at];
            let breaks = byte == b'\n' || byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
            if breaks {
                (line, column) = (line + 1, 0);
                index += 1;
            } else if byte & 0xc0 != 0x80 {
                index += 1;
                column += 1;
            }
            at += 1;
        }
        found.insert(offset, (index, line, column));
    }
    found
}
