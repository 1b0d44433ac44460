//! Texts laid out anew.

use std::fmt::Write as _;

use cannery_testing::any_marked_value;
use cannery_yaml::{Document, FormatOptions, ReadOptions, format, to_string};
use proptest::prelude::*;

mod cases;

fn neat(text: &str) -> String {
    let options = FormatOptions::default();
    let neat = format(text, &options).unwrap();
    assert_eq!(format(&neat, &options).unwrap(), neat, "once more changes it");
    neat
}

#[test]
fn every_valid_case_of_the_suite_stays_what_it_says() {
    let Some(suites) = cannery_testing::suites() else { return };
    let (mut equal, mut wrong) = (0, String::new());
    for case in cases::cases(&suites.join("yaml")).iter().filter(|case| !case.must_fail()) {
        let source = case.read("in.yaml").unwrap();
        for options in
            [FormatOptions::default(), FormatOptions::default().indent(3).indent_sequences(true)]
        {
            let name = case.name();
            match format(&source, &options) {
                Err(error) => writeln!(wrong, "{name}: {error}\n{source}").unwrap(),
                Ok(neat) => match format(&neat, &options) {
                    Ok(again) if again == neat => equal += 1,
                    Ok(again) => {
                        writeln!(wrong, "{name}: {source}\nthen\n{neat}\nthen\n{again}").unwrap();
                    }
                    Err(error) => {
                        writeln!(wrong, "{name}: {source}\nthen\n{neat}\nthen\n{error}").unwrap();
                    }
                },
            }
        }
    }
    cannery_testing::report("yaml-test-suite streams laid out in two ways", equal);
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(equal, 2 * 308);
}

#[test]
fn blanks_and_indentation_are_made_alike() {
    insta::assert_snapshot!(neat("a:   1\nb:\n     c : [ 1,2 ,3 ]   \n     d:   {x: y,z :  1}\n\n\n\ne:\n-   x\n-   - y\n    - z"), @r"
    a: 1
    b:
      c: [1, 2, 3]
      d: {x: y, z: 1}

    e:
    - x
    - - y
      - z
    ");
    insta::assert_snapshot!(neat(" - a: 1\n   b: 2\n -\n    c:  3\n -  -   d\n"), @r"
    - a: 1
      b: 2
    -
      c: 3
    - - d
    ");
    insta::assert_snapshot!(neat("--- \na: 1\n...\n%YAML 1.2\n---   # two\n[a,\nb,\n  ]\n"), @r"
    ---
    a: 1
    ...
    %YAML 1.2
    ---   # two
    [a,
      b,
    ]
    ");
    assert_eq!(neat("a: 1\r\nb:\r\n    - 2 \r\n"), "a: 1\r\nb:\r\n  - 2\r\n");
    assert_eq!(neat(""), "");
    assert_eq!(neat("\u{feff}a:  1"), "a: 1\n");
}

#[test]
fn comments_stay_where_they_belong() {
    let text = "#top\n\na:   # of a\n      # before b\n      b: 1 # of b\n      # after b\n# before c\nc:\n    # in c\n    - 1   # aligned\n    - 22  # aligned\n    # end of c\n#end\n";
    insta::assert_snapshot!(neat(text), @r"
    #top

    a:   # of a
      # before b
      b: 1  # of b
      # after b
    # before c
    c:
      # in c
      - 1   # aligned
      - 22  # aligned
      # end of c
    #end
    ");
}

#[test]
fn text_is_not_touched() {
    let text = "a: |\n      lines\n        of   text  \n\n      here\nb: >-\n  folded\n  \n  text\nc: \"double \n    quoted\\\n    \\ text\"\nd: plain\n     text\ne: |2\n    two more\nf: 'it''s'\n";
    insta::assert_snapshot!(neat(text), @r#"
    a: |
      lines
        of   text  

      here
    b: >-
      folded

      text
    c: "double
      quoted\
      \ text"
    d: plain
      text
    e: |2
        two more
    f: 'it''s'
    "#);
}

#[test]
fn names_and_keys_of_any_kind_stay() {
    let text = "a:   &x   !!map\n    k: 1\n&y b:   *x\n*y :  2\n?   [1,   2]\n:   - 3\n!t 'c' : !<tag:x,2> d\n";
    insta::assert_snapshot!(neat(text), @r"
    a: &x !!map
        k: 1
    &y b: *x
    *y : 2
    ? [1, 2]
    : - 3
    !t 'c': !<tag:x,2> d
    ");
}

#[test]
fn the_indentation_is_that_of_the_text_or_the_one_asked_for() {
    let text = "a:\n    b:\n        - 1\nc:\n  d: 2\n";
    insta::assert_snapshot!(neat(text), @r"
    a:
        b:
            - 1
    c:
        d: 2
    ");
    let options = FormatOptions::default().indent(2).indent_sequences(false);
    insta::assert_snapshot!(format(text, &options).unwrap(), @r"
    a:
      b:
      - 1
    c:
      d: 2
    ");
}

#[test]
fn what_is_below_an_explicit_key_says_nothing_about_the_indentation() {
    let text = "? [a]\n: - b:\n    - 1\n";
    assert_eq!(neat(text), text);
    let text = "? [a]\n:\n  - b:\n    - 1\n";
    insta::assert_snapshot!(neat(text), @r"
    ? [a]
    :
      - b:
        - 1
    ");
}

#[test]
fn a_document_is_laid_out_in_place() {
    let mut document = Document::parse("a:   1 # x\n", &ReadOptions::default()).unwrap();
    document.format(&FormatOptions::default()).unwrap();
    assert_eq!(document.text(), "a: 1  # x\n");
}

proptest! {
    #[test]
    fn what_the_writer_writes_is_neat(value in any_marked_value()) {
        let Ok(text) = to_string(&value) else { return Ok(()) };
        prop_assert_eq!(&format(&text, &FormatOptions::default()).unwrap(), &text);
        let wide = FormatOptions::default().indent(4).indent_sequences(true);
        let back = FormatOptions::default().indent(2).indent_sequences(false);
        prop_assert_eq!(format(&format(&text, &wide).unwrap(), &back).unwrap(), text);
    }
}
