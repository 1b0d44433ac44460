//! What a reader is told about a text that is no YAML: the place, what is wrong, and what to do.

use cannery_yaml::{snippet, to_value};

/// The report on each text with the line it means, the hint last.
fn reports(texts: &[&str]) -> String {
    let report = |text: &&str| {
        let error = to_value(text).expect_err("this text is refused").locate(text.as_bytes());
        let pos = error.pos().expect("a place");
        let hint = error.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
        format!("{}\n{}{hint}", error.message(), snippet(text, pos, 1))
    };
    texts.iter().map(report).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn unclosed_quotes() {
    let texts = ["a: 'tis\nb: 2\n", "a: \"one\nb: 2\n"];
    insta::assert_snapshot!(reports(&texts), @r#"
    this `'` has no closing `'`
    1 | a: 'tis
      |    ^
    hint: close it, or put a text that begins with an apostrophe in double quotes

    this `"` has no closing `"`
    1 | a: "one
      |    ^
    hint: close it; a quote inside the text is written `\"`
    "#);
}

#[test]
fn unclosed_brackets() {
    let texts = ["a: [1, 2\nb: 3\n", "a: {b: 1\n", "a: [1, 2}\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    expected `,` or `]`, found `b`
    1 | a: [1, 2
    2 | b: 3
      | ^
    hint: close the bracket, or indent the lines in it more than the key or entry it belongs to, with spaces

    expected `,` or `}`, found the end of the input
    1 | a: {b: 1
    2 | 
      | ^
    hint: the `{` at line 1 column 4 is not closed

    expected `,` or `]`, found `}`
    1 | a: [1, 2}
      |         ^
    hint: the `[` at line 1 column 4 is not closed
    ");
}

#[test]
fn tabs_do_not_indent() {
    let texts = ["a:\n\tb: 1\n", "- a\n\t- b\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    a tab indents this line
    1 | a:
    2 | 	b: 1
      | 	^
    hint: indent with spaces only

    a tab indents this line
    1 | - a
    2 | 	- b
      | 	^
    hint: indent with spaces only
    ");
}

#[test]
fn indentation() {
    let texts = ["a: 1\n b: 2\n", "a:\n  - b\n - c\n", "a:\n  b: 1\n c: 2\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    a mapping cannot begin here
    1 | a: 1
    2 |  b: 2
      |   ^
    hint: a key is on one line; put text with `: ` in quotes, and a nested mapping on lines of its own

    expected a key below the other keys, found `-`
    2 |   - b
    3 |  - c
      |  ^
    hint: this line is indented more than the keys of its mapping, but is no value

    expected a key below the other keys, found `c`
    2 |   b: 1
    3 |  c: 2
      |  ^
    hint: this line is indented more than the keys of its mapping, but is no value
    ");
}

#[test]
fn a_value_that_is_a_mapping() {
    let texts = ["a: b: c\n", "- a: 1\n  b\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    a mapping cannot begin here
    1 | a: b: c
      |     ^
    hint: a key is on one line; put text with `: ` in quotes, and a nested mapping on lines of its own

    expected `:` after this key, on the same line
    1 | - a: 1
    2 |   b
      |   ^
    hint: a line of a mapping reads `key: value`, with a blank after the `:`
    ");
}

#[test]
fn reserved_characters() {
    let texts = ["a: @b\n", "a: `b`\n", "a: %b\n", "a: *\n", "a: *.py\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    a value cannot begin with `@`
    1 | a: @b
      |    ^
    hint: this character is reserved: put the text in quotes

    a value cannot begin with ```
    1 | a: `b`
      |    ^
    hint: this character is reserved: put the text in quotes

    a value cannot begin with `%`
    1 | a: %b
      |    ^
    hint: put the text in quotes; a directive stands before `---`

    expected the name of an alias, found the end of the line
    1 | a: *
      |     ^
    hint: put a text that begins so in quotes

    alias `*.py` has no anchor
    1 | a: *.py
      |    ^
    hint: define it first with `&.py`, or put the text in quotes
    ");
}

#[test]
fn anchors_and_tags() {
    let texts = ["a: *b\n", "a: &x &y 1\n", "a: !e!t 1\n", "a: !!int !!str 1\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    alias `*b` has no anchor
    1 | a: *b
      |    ^
    hint: define it first with `&b`, or put the text in quotes

    a second anchor for one node
    1 | a: &x &y 1
      |       ^

    the handle `!e!` is not declared
    1 | a: !e!t 1
      |    ^
    hint: declare it before the document: `%TAG !e! tag:example.com,2026:`

    a second tag for one node
    1 | a: !!int !!str 1
      |          ^
    ");
}

#[test]
fn escapes() {
    let texts = ["a: \"\\q\"\n", "a: \"\\x4\"\n", "a: \"\\U00110000\"\n"];
    insta::assert_snapshot!(reports(&texts), @r#"
    `\` does not begin an escape before `q`
    1 | a: "\q"
      |     ^
    hint: write `\\` for a backslash, or use single quotes

    expected 2 hexadecimal digits
    1 | a: "\x4"
      |     ^
    hint: write `\\` for a backslash

    expected a code point up to 10FFFF
    1 | a: "\U00110000"
      |     ^
    "#);
}

#[test]
fn directives() {
    let texts =
        ["%YAML 9.9\n---\na\n", "%YAML one\n---\na\n", "%TAG e x\n---\na\n", "%YAML 1.2\na: 1\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    expected version 1 of YAML, found `9.9`
    1 | %YAML 9.9
      |      ^
    hint: write `%YAML 1.2`, or leave the line out

    expected a version such as `1.2`, found `one`
    1 | %YAML one
      |      ^

    expected a handle such as `!e!`, found `e`
    1 | %TAG e x
      |       ^

    expected `---`, found `a`
    1 | %YAML 1.2
    2 | a: 1
      | ^
    hint: directives end with a line `---`
    ");
}

#[test]
fn block_scalars() {
    let texts = ["a: |x\n  b\n", "a: |\n    \n  b\n", "a: >0\n  b\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    expected the end of the line, found `x`
    1 | a: |x
      |     ^
    hint: after `|` or `>` come a digit 1 to 9, `+` or `-`, and a comment

    an empty line above has more spaces than this first line of text
    3 |   b
      |   ^
    hint: remove them, or say the indentation: `|2`

    expected the end of the line, found `0`
    1 | a: >0
      |     ^
    hint: after `|` or `>` come a digit 1 to 9, `+` or `-`, and a comment
    ");
}

#[test]
fn characters_that_are_not_allowed() {
    let texts = ["a: b\u{1}c\n", "a: b\u{7f}c\n", "a: b\n  c\u{feff}d\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    the control character 0x01 is not allowed
    1 | a: b�c
      |     ^
    hint: write it as `\x01` in double quotes

    the control character 0x7f is not allowed
    1 | a: b�c
      |     ^
    hint: write it as `\x7f` in double quotes

    a byte order mark is not allowed inside a document
    1 | a: b
    2 |   c﻿d
      |    ^
    hint: remove it, or write it as `\ufeff` in double quotes
    ");
}

#[test]
fn more_than_one_document() {
    let texts = ["a: 1\n---\nb: 2\n"];
    insta::assert_snapshot!(reports(&texts), @r"
    expected one document, found a second one
    1 | a: 1
    2 | ---
      | ^
    hint: read a stream of documents with `load_all`
    ");
}
