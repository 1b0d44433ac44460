//! Every error: its words, its place, and what Python says there.

use std::fmt::Write as _;

use cannery_core::{Error, Limits, ValueBuilder};
use cannery_json::{ReadOptions, SyntaxError, from_slice};

fn error(text: &[u8], options: &ReadOptions) -> Error {
    let mut builder = ValueBuilder::new(Limits::default());
    from_slice(text, options, &mut builder).expect_err("an error").locate(text)
}

/// A line for each text: the text, the error, its hint.
fn table(texts: &[&str]) -> String {
    let mut table = String::new();
    for text in texts {
        let error = error(text.as_bytes(), &ReadOptions::default());
        let hint = error.hint().map(|hint| format!("  ({hint})")).unwrap_or_default();
        writeln!(table, "{:<20} {:?}: {error}{hint}", format!("{text:?}"), error.kind()).unwrap();
    }
    table
}

#[test]
fn every_message() {
    #[rustfmt::skip]
    let texts = [
        "", " ", "[", "[1", "[1,", "[1,]", "[,", "[1 2]", "[1}", "]", "{", "{1", "{,", "{'a'",
        "{\"a", "{\"a\"", "{\"a\" 1}", "{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":1,",
        "{\"a\":1,}", "{\"a\":1]", "{\"a\":1 \"b\"", "nul", "nulx", "True", "None", "NaN",
        "-Infinity", "Infinity", "-", "-x", "+1", ".5", "01", "1.", "1.x", "1e", "1e+x", "0x10",
        "\"abc", "\"a\nb\"", "\"a\u{7}b\"", "\"\\", "\"\\x41\"", "\"\\u12", "\"\\u12g4\"",
        "'a'", "/* a */ 1", "1 2", "[] []", "\u{e9}", "[1, // one", "\"\\\u{e9}\"",
    ];
    insta::assert_snapshot!(table(&texts), @r#"
    ""                   Truncated: expected a value, found the end of the input at line 1 column 1
    " "                  Truncated: expected a value, found the end of the input at line 1 column 2
    "["                  Truncated: expected a value, found the end of the input at line 1 column 2
    "[1"                 Truncated: expected `,` or `]`, found the end of the input at line 1 column 3
    "[1,"                Truncated: expected a value, found the end of the input at line 1 column 4
    "[1,]"               Syntax: expected a value, found `]` at line 1 column 4  (remove the comma before it)
    "[,"                 Syntax: expected a value, found `,` at line 1 column 2
    "[1 2]"              Syntax: expected `,` or `]`, found `2` at line 1 column 4
    "[1}"                Syntax: expected `,` or `]`, found `}` at line 1 column 3
    "]"                  Syntax: expected a value, found `]` at line 1 column 1
    "{"                  Truncated: expected a key in double quotes, found the end of the input at line 1 column 2
    "{1"                 Syntax: expected a key in double quotes, found `1` at line 1 column 2
    "{,"                 Syntax: expected a key in double quotes, found `,` at line 1 column 2
    "{'a'"               Syntax: expected a key in double quotes, found `'` at line 1 column 2  (JSON writes text in double quotes)
    "{\"a"               Truncated: string without a closing quote at line 1 column 2
    "{\"a\""             Truncated: expected `:`, found the end of the input at line 1 column 5
    "{\"a\" 1}"          Syntax: expected `:`, found `1` at line 1 column 6
    "{\"a\":"            Truncated: expected a value, found the end of the input at line 1 column 6
    "{\"a\":}"           Syntax: expected a value, found `}` at line 1 column 6
    "{\"a\":1"           Truncated: expected `,` or `}`, found the end of the input at line 1 column 7
    "{\"a\":1,"          Truncated: expected a key in double quotes, found the end of the input at line 1 column 8
    "{\"a\":1,}"         Syntax: expected a key in double quotes, found `}` at line 1 column 8  (remove the comma before it)
    "{\"a\":1]"          Syntax: expected `,` or `}`, found `]` at line 1 column 7
    "{\"a\":1 \"b\""     Syntax: expected `,` or `}`, found `"` at line 1 column 8
    "nul"                Truncated: expected a value, found `n` at line 1 column 1
    "nulx"               Syntax: expected a value, found `n` at line 1 column 1
    "True"               Syntax: expected a value, found `T` at line 1 column 1  (JSON writes `null`, `true` and `false`)
    "None"               Syntax: expected a value, found `N` at line 1 column 1  (JSON writes `null`, `true` and `false`)
    "NaN"                Syntax: expected a value, found `N` at line 1 column 1  (NaN and infinities are not JSON; allow them with the option `nan`)
    "-Infinity"          Syntax: expected a value, found `-` at line 1 column 1  (NaN and infinities are not JSON; allow them with the option `nan`)
    "Infinity"           Syntax: expected a value, found `I` at line 1 column 1  (NaN and infinities are not JSON; allow them with the option `nan`)
    "-"                  Truncated: expected a value, found `-` at line 1 column 1
    "-x"                 Syntax: expected a value, found `-` at line 1 column 1
    "+1"                 Syntax: expected a value, found `+` at line 1 column 1  (a number begins with a digit, or `-` and a digit)
    ".5"                 Syntax: expected a value, found `.` at line 1 column 1  (a number begins with a digit, or `-` and a digit)
    "01"                 Syntax: expected the end of the document, found `1` at line 1 column 2
    "1."                 Syntax: expected the end of the document, found `.` at line 1 column 2
    "1.x"                Syntax: expected the end of the document, found `.` at line 1 column 2
    "1e"                 Syntax: expected the end of the document, found `e` at line 1 column 2
    "1e+x"               Syntax: expected the end of the document, found `e` at line 1 column 2
    "0x10"               Syntax: expected the end of the document, found `x` at line 1 column 2
    "\"abc"              Truncated: string without a closing quote at line 1 column 1
    "\"a\nb\""           Syntax: control character `\n` in a string at line 1 column 3  (escape it, or allow it with the option `control_characters`)
    "\"a\u{7}b\""        Syntax: control character `\u{7}` in a string at line 1 column 3  (escape it, or allow it with the option `control_characters`)
    "\"\\"               Truncated: string without a closing quote at line 1 column 1
    "\"\\x41\""          Syntax: unknown escape `\x` in a string at line 1 column 2  (write `\\` for a backslash)
    "\"\\u12"            Truncated: expected four hexadecimal digits behind `\u` at line 1 column 3
    "\"\\u12g4\""        Syntax: expected four hexadecimal digits behind `\u` at line 1 column 3
    "'a'"                Syntax: expected a value, found `'` at line 1 column 1  (JSON writes text in double quotes)
    "/* a */ 1"          Syntax: expected a value, found `/` at line 1 column 1  (JSON has no comments)
    "1 2"                Syntax: expected the end of the document, found `2` at line 1 column 3
    "[] []"              Syntax: expected the end of the document, found `[` at line 1 column 4  (read several documents in one text as JSONL)
    "é"                  Syntax: expected a value, found `é` at line 1 column 1
    "[1, // one"         Syntax: expected a value, found `/` at line 1 column 5  (JSON has no comments)
    "\"\\é\""            Syntax: unknown escape `\é` in a string at line 1 column 2  (write `\\` for a backslash)
    "#);
}

#[test]
fn what_the_options_refuse() {
    let strict = ReadOptions::default().surrogates(false).byte_order_mark(false);
    let report = |text: &[u8]| error(text, &strict).report();
    insta::assert_snapshot!(report(b"\xef\xbb\xbf1"), @r"
    byte order mark before the document at line 1 column 1

    hint: allow it with the option `byte_order_mark`
    ");
    insta::assert_snapshot!(report(br#"["\ud800"]"#), @r"
    lone surrogate `\ud800` in a string at line 1 column 3

    hint: allow it with the option `surrogates`
    ");
    insta::assert_snapshot!(report(br#"["\udc00x"]"#), @r"
    lone surrogate `\udc00` in a string at line 1 column 3

    hint: allow it with the option `surrogates`
    ");
    insta::assert_snapshot!(report(b"\"\xed\xa0\x80\""), @r"
    byte `0xed` is not UTF-8 at line 1 column 2

    hint: JSON is written in UTF-8: convert the text first
    ");
    insta::assert_snapshot!(report(b"[\"a\xff\"]"), @r"
    byte `0xff` is not UTF-8 at line 1 column 4

    hint: JSON is written in UTF-8: convert the text first
    ");
    let shallow = ReadOptions::default().limits(Limits::default().depth(2));
    insta::assert_snapshot!(error(b"[[[1]]]", &shallow).report(), @r"
    nested deeper than 2 levels at line 1 column 3

    hint: raise the depth limit if this input is trusted
    ");
}

#[test]
fn a_million_brackets_are_too_deep() {
    for bracket in ["[", "{\"a\":"] {
        let text = bracket.repeat(1_000_000);
        let error = error(text.as_bytes(), &ReadOptions::default());
        assert_eq!(error.kind(), cannery_core::ErrorKind::Depth);
        assert_eq!(error.pos().unwrap().offset, 1024 * bracket.len() as u64);
    }
}

#[test]
fn python_says_the_same_in_the_same_place() {
    // From CPython's own test_json (test_fail.py) and trials with its C scanner.
    let cases = [
        ("", "Expecting value", 0),
        ("[", "Expecting value", 1),
        ("[42", "Expecting ',' delimiter", 3),
        ("[42,", "Expecting value", 4),
        ("[\"", "Unterminated string starting at", 1),
        ("[\"spam\"", "Expecting ',' delimiter", 7),
        ("{", "Expecting property name enclosed in double quotes", 1),
        ("{\"spam", "Unterminated string starting at", 1),
        ("{\"spam\"", "Expecting ':' delimiter", 7),
        ("{\"spam\":", "Expecting value", 8),
        ("{\"spam\":42", "Expecting ',' delimiter", 10),
        ("{\"spam\":42,", "Expecting property name enclosed in double quotes", 11),
        ("[,", "Expecting value", 1),
        ("{\"spam\":[}", "Expecting value", 9),
        ("[42:", "Expecting ',' delimiter", 3),
        ("[42 \"spam\"", "Expecting ',' delimiter", 4),
        ("[42,]", "Expecting value", 4),
        ("{\"spam\":[42}", "Expecting ',' delimiter", 11),
        ("{:", "Expecting property name enclosed in double quotes", 1),
        ("[{]", "Expecting property name enclosed in double quotes", 2),
        ("{\"spam\"}", "Expecting ':' delimiter", 7),
        ("{\"spam\":42,}", "Expecting property name enclosed in double quotes", 11),
        ("[]]", "Extra data", 2),
        ("42,\"spam\"", "Extra data", 2),
        ("!", "Expecting value", 0),
        ("\n  \n\n     !", "Expecting value", 10),
        ("01", "Extra data", 1),
        ("-", "Expecting value", 0),
        ("1.", "Extra data", 1),
        ("1e+", "Extra data", 1),
        ("1.5e", "Extra data", 3),
        ("tru", "Expecting value", 0),
        ("\"a\tb\"", "Invalid control character at", 2),
        ("\"ab\\x\"", "Invalid \\escape", 3),
        ("\"ab\\", "Unterminated string starting at", 0),
        ("\"\\u12", "Invalid \\uXXXX escape", 2),
        ("\"\\u1234", "Invalid \\uXXXX escape", 2),
        ("\"\\u12x4\"", "Invalid \\uXXXX escape", 2),
        ("\"\\ud800\\u12x4\"", "Invalid \\uXXXX escape", 8),
        ("\"\\ud800\\", "Unterminated string starting at", 0),
    ];
    for (text, message, offset) in cases {
        let error = error(text.as_bytes(), &ReadOptions::default());
        let syntax = SyntaxError::of(&error).expect("a syntax error");
        let found = syntax.in_python(error.pos().unwrap().offset, (3, 11));
        assert_eq!(found, (message, offset), "{text:?}");
    }
}
