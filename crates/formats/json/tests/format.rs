//! Texts laid out anew.

use cannery_core::{ErrorKind, Value};
use cannery_json::{FormatOptions, format, to_value, to_vec};
use cannery_testing::{any_json_value, events};
use proptest::prelude::*;

fn neat(text: &str, options: &FormatOptions) -> String {
    let neat = format(text.as_bytes(), options).unwrap();
    assert_eq!(format(neat.as_bytes(), options).unwrap(), neat, "once more changes it");
    neat
}

#[test]
fn lines_fit() {
    let text = r#"{"name":"pages","boxes":[[1,2,3,4],[5.50,6e0,7,8]],"a \u00e9":{},"none":[ ],
        "counts":[1,22,333,4444,55555,666666,7777777], "long": "a string that is longer than a line"}"#;
    let options = FormatOptions::default().width(40);
    insta::assert_snapshot!(neat(text, &options), @r#"
    {
      "name": "pages",
      "boxes": [
        [1, 2, 3, 4],
        [5.50, 6e0, 7, 8]
      ],
      "a \u00e9": {},
      "none": [],
      "counts": [
        1, 22, 333, 4444, 55555, 666666,
        7777777
      ],
      "long": "a string that is longer than a line"
    }
    "#);
    insta::assert_snapshot!(neat(text, &options.width(0).indent(1)), @r#"
    {
     "name": "pages",
     "boxes": [
      [
       1,
       2,
       3,
       4
      ],
      [
       5.50,
       6e0,
       7,
       8
      ]
     ],
     "a \u00e9": {},
     "none": [],
     "counts": [
      1,
      22,
      333,
      4444,
      55555,
      666666,
      7777777
     ],
     "long": "a string that is longer than a line"
    }
    "#);
    insta::assert_snapshot!(neat("[1, 2,  3]", &FormatOptions::default()), @"[1, 2, 3]");
    insta::assert_snapshot!(neat(" 1.0 ", &FormatOptions::default()), @"1.0");
}

#[test]
fn a_line_ends_where_the_width_says() {
    // The comma is in the 22nd column.
    let text = "{\"a\": [11111, 22222], \"b\": [1]}";
    insta::assert_snapshot!(neat(text, &FormatOptions::default().width(22)), @r#"
    {
      "a": [11111, 22222],
      "b": [1]
    }
    "#);
    insta::assert_snapshot!(neat(text, &FormatOptions::default().width(21)), @r#"
    {
      "a": [
        11111, 22222
      ],
      "b": [1]
    }
    "#);
}

#[test]
fn keys_are_sorted_by_what_they_say() {
    let options = FormatOptions::default().sort_keys(true);
    let text = r#"{"b": 1, "\u0061": {"z": 0, "y": 1}, "b": 2, "A": 3}"#;
    insta::assert_snapshot!(neat(text, &options), @r#"{"A": 3, "\u0061": {"y": 1, "z": 0}, "b": 1, "b": 2}"#);
}

#[test]
fn what_is_no_json_says_where() {
    let error = format(b"{\"a\": [1,\n 2,]}", &FormatOptions::default()).unwrap_err();
    insta::assert_snapshot!(error.locate(b"{\"a\": [1,\n 2,]}"), @"expected a value, found `]` at line 2 column 4");
    let deep = "[".repeat(2000) + &"]".repeat(2000);
    let error = format(deep.as_bytes(), &FormatOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Depth);
}

proptest! {
    #[test]
    fn a_value_stays_what_it_is(value in any_json_value(), width in 0_usize..60, indent in 0_usize..5) {
        let text = to_vec(&value).unwrap();
        let options = FormatOptions::default().width(width).indent(indent);
        let neat = format(&text, &options).unwrap();
        let (before, after): (Value, Value) = (to_value(&text).unwrap(), to_value(neat.as_bytes()).unwrap());
        prop_assert_eq!(events(&before), events(&after));
        prop_assert_eq!(format(neat.as_bytes(), &options).unwrap(), neat);
    }
}
