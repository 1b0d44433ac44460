//! What documents look like.

use cannery_yaml::{ReadOptions, WriteOptions, Writer, from_str};

/// `text` read and written again.
fn rewritten(text: &str, options: WriteOptions) -> String {
    let mut writer = Writer::new(options);
    from_str(text, &ReadOptions::default(), &mut writer).unwrap();
    writer.end_document();
    String::from_utf8(writer.into_bytes()).unwrap()
}

fn block(text: &str) -> String {
    rewritten(text, WriteOptions::default())
}

#[test]
fn blocks_read_like_yaml_that_people_write() {
    insta::assert_snapshot!(block("{a: 1, b: [x, {c: 2, d: []}, [y, z]], e: {}}"), @r"
    a: 1
    b:
    - x
    - c: 2
      d: []
    - - 'y'
      - z
    e: {}
    ");
    insta::assert_snapshot!(block("[[1, [2]], {a: b}, {}, []]"), @r"
    - - 1
      - - 2
    - a: b
    - {}
    - []
    ");
    insta::assert_snapshot!(block("{? [1, 2] : pair, 3: three, null: nothing, ~: x}"), @r"
    ? - 1
      - 2
    : pair
    3: three
    null: nothing
    null: x
    ");
    insta::assert_snapshot!(block("\"two\\nlines\\n\""), @r"
    |
      two
      lines
    ");
    insta::assert_snapshot!(block("{text: \"a\\nb\\n\\n\", last: \"x\\ny\"}"), @r"
    text: |+
      a
      b

    last: |-
      x
      y
    ");
    insta::assert_snapshot!(block("!!set {a, b}"), @r"
    !!set
    ? a
    ? b
    ");
    insta::assert_snapshot!(block("[!!binary aGk=, !local {a: !t x}, !!str 1, .inf, 1e300]"), @r"
    - !!binary aGk=
    - !local
      a: !t x
    - '1'
    - .inf
    - 1.0e+300
    ");
}

#[test]
fn quotes_stand_only_where_they_must() {
    let text = r#"['no', 'y', '1e3', '0x1F', '2026-11-21', '=', ' a', 'a: b', '', 'null', '~', 'it''s', "é", "\u2028", 'a #b', a#b, a:b, -x, '- x', "tab\t", '%', 'x ', '1:30', "\uFEFF"]"#;
    insta::assert_snapshot!(block(text), @r#"
    - 'no'
    - 'y'
    - '1e3'
    - '0x1F'
    - '2026-11-21'
    - '='
    - ' a'
    - 'a: b'
    - ''
    - 'null'
    - '~'
    - it's
    - é
    - "\u2028"
    - 'a #b'
    - a#b
    - a:b
    - -x
    - '- x'
    - 'tab	'
    - '%'
    - 'x '
    - '1:30'
    - "\ufeff"
    "#);
}

#[test]
fn shared_values_become_anchors_named_by_their_keys() {
    insta::assert_snapshot!(block("base: &b {lr: 0.1}\nfine: *b\nlist: &l [*b, *l]"), @r"
    base: &base
      lr: 0.1
    fine: *base
    list: &list
    - *base
    - *list
    ");
    insta::assert_snapshot!(block("- &a {x: 1}\n- &b [2]\n- [*a, *b]"), @r"
    - &id001
      x: 1
    - &id002
      - 2
    - - *id001
      - *id002
    ");
    insta::assert_snapshot!(block("&root [*root]"), @r"
    &id001
    - *id001
    ");
    insta::assert_snapshot!(block("{? &k key : 1, v: *k, ? *k : 3}"), @r"
    &id001 key: 1
    v: *id001
    *id001 : 3
    ");
    insta::assert_snapshot!(block("unused: &u {a: 1}"), @r"
    unused:
      a: 1
    ");
}

#[test]
fn options_change_the_layout() {
    let text = "{a: {b: [1, {c: é}]}, d: []}";
    let options = WriteOptions::default;
    insta::assert_snapshot!(rewritten(text, options().flow(true)), @"{a: {b: [1, {c: é}]}, d: []}");
    insta::assert_snapshot!(rewritten(text, options().indent(4).indent_sequences(true)), @r"
    a:
        b:
            - 1
            - c: é
    d: []
    ");
    insta::assert_snapshot!(rewritten(text, options().explicit_start(true).explicit_end(true)), @r"
    ---
    a:
      b:
      - 1
      - c: é
    d: []
    ...
    ");
    insta::assert_snapshot!(rewritten(text, options().unicode(false)), @r#"
    a:
      b:
      - 1
      - c: "\xe9"
    d: []
    "#);
}
