//! yaml-test-suite: the event stream of every valid stream, and an error for every invalid one.

use std::fmt::Write as _;

use cannery_core::{Result, Text};
use cannery_yaml::{Event, Handler, ParseOptions, Properties, ScalarStyle, Span, parse};

mod cases;

#[test]
fn events_are_those_of_the_suite() {
    let Some(suites) = cannery_testing::suites() else { return };
    let (mut equal, mut refused, mut wrong) = (0, 0, Vec::new());
    for case in cases::cases(&suites.join("yaml")) {
        let name = case.name();
        let source = case.read("in.yaml").unwrap();
        let found = events(&source);
        match (case.must_fail(), found) {
            (true, Err(_)) => refused += 1,
            (true, Ok(found)) => wrong.push(format!("{name} must be refused, found\n{found}")),
            (false, Err(error)) => {
                wrong.push(format!("{name}: {}", error.locate(source.as_bytes())));
            }
            (false, Ok(found)) => {
                let expected = case.read("test.event").unwrap();
                if normalized(&expected) == found {
                    equal += 1;
                } else {
                    wrong.push(format!("{name}: expected\n{expected}found\n{found}"));
                }
            }
        }
    }
    cannery_testing::report("yaml-test-suite event streams equal", equal);
    cannery_testing::report("yaml-test-suite invalid streams refused", refused);
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
    assert_eq!((equal, refused), (308, 94));
}

fn normalized(events: &str) -> String {
    events.lines().map(|line| line.trim_start().to_owned() + "\n").collect()
}

fn events(source: &str) -> Result<String> {
    let mut log = Log("+STR\n".to_owned());
    parse(source, &ParseOptions::default(), &mut log)?;
    Ok(log.0 + "-STR\n")
}

/// Writes events as the suite does.
struct Log(String);

impl Handler for Log {
    fn event(&mut self, _span: Span, event: Event<'_>) -> Result<()> {
        let marked = |explicit, marker| if explicit { marker } else { "" };
        let line = match event {
            Event::DocumentStart { explicit } => format!("+DOC{}", marked(explicit, " ---")),
            Event::DocumentEnd { explicit } => format!("-DOC{}", marked(explicit, " ...")),
            Event::SequenceStart { properties, flow } => {
                format!("+SEQ{}{}", marked(flow, " []"), written(properties))
            }
            Event::MappingStart { properties, flow } => {
                format!("+MAP{}{}", marked(flow, " {}"), written(properties))
            }
            Event::SequenceEnd => "-SEQ".to_owned(),
            Event::MappingEnd => "-MAP".to_owned(),
            Event::Alias(name) => format!("=ALI *{name}"),
            Event::Scalar { properties, text, style } => {
                format!("=VAL{} {}{}", written(properties), mark(style), escaped(text))
            }
        };
        self.0.push_str(&line);
        self.0.push('\n');
        Ok(())
    }
}

fn written(properties: &Properties<'_>) -> String {
    let mut out = String::new();
    if let Some(anchor) = properties.anchor {
        write!(out, " &{anchor}").unwrap();
    }
    if let Some(tag) = &properties.tag {
        write!(out, " <{tag}>").unwrap();
    }
    out
}

fn mark(style: ScalarStyle) -> char {
    match style {
        ScalarStyle::Plain => ':',
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        ScalarStyle::Literal => '|',
        ScalarStyle::Folded => '>',
    }
}

fn escaped(text: Text<'_>) -> String {
    let text = text.to_str().expect("no surrogates in the suite");
    [("\\", "\\\\"), ("\0", "\\0"), ("\x08", "\\b"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]
        .iter()
        .fold(text.into_owned(), |text, (character, escape)| text.replace(character, escape))
}
