//! Traps: texts that readers and writers are known to need quadratic time for. Ours need linear.
//!
//! Each text is so long that quadratic time would be minutes, where linear time is a fraction of a
//! second: however busy the machine is, the two cannot be taken for each other.

use std::time::{Duration, Instant};

use cannery_core::{Container, Limits, Result, Sink, Source, Text, ValueBuilder};
use cannery_yaml::{ReadOptions, Reader, WriteOptions, Writer, from_str};

/// The sizes below times this.
const SCALE: usize = 20;
const DEADLINE: Duration = Duration::from_secs(20);

fn assert_linear(name: &str, size: usize, run: impl Fn(usize)) {
    let start = Instant::now();
    run(size * SCALE);
    let elapsed = start.elapsed();
    assert!(elapsed < DEADLINE, "{name}: {elapsed:?} for a text of size {}", size * SCALE);
}

fn read(text: &str) {
    let mut builder = ValueBuilder::new(Limits::default());
    // Some of the traps are no YAML: what matters is when that is found out.
    let _ = from_str(text, &ReadOptions::default(), &mut builder);
}

macro_rules! traps {
    ($($name:ident: $size:literal, $text:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let text: fn(usize) -> String = $text;
                assert_linear(stringify!($name), $size, |size| read(&text(size)));
            }
        )*
    };
}

traps! {
    open_brackets: 40_000, |n| "[".repeat(n);
    brackets_in_brackets_as_keys: 10_000, |n| "- [{a: [{b: [c]}]}]\n".repeat(n);
    open_quotes_in_brackets: 20_000, |n| "[".to_owned() + &"\"a\" ".repeat(n);
    blanks_before_every_entry_of_a_line: 40_000, |n| format!("[\n{}{}]", "\t".repeat(n), "a,".repeat(n));
    spaces_before_every_entry_of_a_line: 40_000, |n| format!("[\n{}{}]", " ".repeat(n), "a,".repeat(n));
    blank_lines_behind_every_scalar: 20_000, |n| format!("a: b{}c: d", "\n".repeat(n)) + &"\n\n".repeat(n);
    lines_of_one_plain_scalar: 20_000, |n| "word\n ".repeat(n);
    lines_of_one_quoted_scalar: 20_000, |n| format!("\"{}\"", "word\n ".repeat(n));
    lines_of_one_folded_scalar: 20_000, |n| format!(">\n{}", " word\n".repeat(n));
    empty_lines_of_a_literal_scalar: 40_000, |n| format!("|+\n{}", "\n".repeat(n));
    escapes_in_one_scalar: 20_000, |n| format!("\"{}\"", "\\n\\u0041".repeat(n));
    single_quotes_in_one_scalar: 40_000, |n| format!("'{}'", "''".repeat(n));
    colons_in_one_scalar: 40_000, |n| "a:".repeat(n);
    hashes_in_one_scalar: 40_000, |n| "a#".repeat(n);
    comments_before_content: 20_000, |n| "# comment\n".repeat(n) + "a: 1";
    directives: 5_000, |n| numbered(n, |i| format!("%TAG !a{i}! tag:x,2026:\n")) + "--- a";
    tags_with_their_handles: 5_000, |n| {
        let directives: String = numbered(n, |i| format!("%TAG !a{i}! tag:x,2026:\n"));
        directives + "---\n" + &numbered(n, |i| format!("- !a{i}!b c\n"))
    };
    anchors: 5_000, |n| numbered(n, |i| format!("- &a{i} b\n- *a{i}\n"));
    the_same_anchor_again: 10_000, |n| "- &a b\n- *a\n".repeat(n);
    keys_of_one_mapping: 5_000, |n| numbered(n, |i| format!("key{i}: 1\n"));
    keys_of_one_flow_mapping: 5_000, |n| format!("{{{}}}", numbered(n, |i| format!("key{i}, ")));
    questions: 20_000, |n| "? a\n".repeat(n);
    documents: 10_000, |n| "--- a\n...\n".repeat(n);
    long_keys: 40_000, |n| format!("{}: 1", "k".repeat(n));
}

/// The text of each number, one behind the other.
fn numbered(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

#[test]
fn streams_of_many_documents() {
    assert_linear("documents of a stream", 10_000, |size| {
        let text = "---\na: 1\n".repeat(size);
        let mut reader = Reader::new(text.as_bytes(), &ReadOptions::default());
        while let Ok(Some(_)) = reader.next_chunk() {}
    });
    assert_linear("one long document of a stream", 100_000, |size| {
        let text = "- a: 1\n".repeat(size);
        let mut reader = Reader::new(text.as_bytes(), &ReadOptions::default());
        while let Ok(Some(_)) = reader.next_chunk() {}
    });
}

/// This many lists, each of which occurs twice.
struct Shared(u64);

impl Source for Shared {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::List, None)?;
        for id in 0..self.0 {
            sink.mark(id)?;
            sink.begin(Container::List, None)?;
            sink.text(Text::Ascii("text"))?;
            sink.end(Container::List)?;
            sink.alias(id)?;
        }
        sink.end(Container::List)
    }
}

#[test]
fn anchors_that_are_written() {
    for flow in [false, true] {
        assert_linear("anchors that are written", 3_000, |size| {
            let mut writer = Writer::new(WriteOptions::default().flow(flow));
            Shared(size as u64).emit(&mut writer).unwrap();
            writer.end_document();
        });
    }
}

#[test]
fn lines_that_are_broken() {
    assert_linear("lines that are broken", 20_000, |size| {
        let mut writer = Writer::new(WriteOptions::default().flow(true).width(Some(20)));
        writer.begin(Container::List, None).unwrap();
        writer.text(Text::Utf8(&"word ".repeat(size))).unwrap();
        for _ in 0..size {
            writer.text(Text::Ascii("text")).unwrap();
        }
        writer.end(Container::List).unwrap();
    });
}
