//! Our events are those of saphyr-parser, for any text, but for the cases listed here.

use proptest::prelude::*;

mod peer;

/// Where the two may differ, and the section of the specification that we go by.
#[derive(Debug)]
struct Difference {
    section: &'static str,
    what: &'static str,
    /// The beginning of our error's message; empty where we read the text.
    ours: &'static str,
    /// The beginning of theirs.
    theirs: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        section: "6.1",
        what: "a tab indents a block collection: they take it for white space",
        ours: "a tab stands before the indicator",
        theirs: "",
    },
    Difference {
        section: "6.1",
        what: "a line of blanks with a tab in it, below a block scalar, is no part of it",
        ours: "a tab indents this line",
        theirs: "",
    },
    Difference {
        section: "6.9",
        what: "an anchor is separated from its node by white space, brackets too",
        ours: "expected a blank after an anchor or tag",
        theirs: "",
    },
    Difference {
        section: "7.3.3",
        what: "`|`, `>` and a lone `?` are indicators in brackets too, and begin no plain scalar",
        ours: "a value cannot begin with",
        theirs: "",
    },
    Difference {
        section: "7.3.3",
        what: "`-` may stand in the middle of a plain scalar, before a bracket too",
        ours: "",
        theirs: "plain scalar cannot start with '-'",
    },
    Difference {
        section: "7.4",
        what: "no entry may be empty, after one with `?` neither",
        ours: "expected `,` or",
        theirs: "",
    },
    Difference {
        section: "7.4.1",
        what: "both nodes of an entry with `?` may be empty",
        ours: "",
        theirs: "while parsing a flow sequence, expected ',' or ']'",
    },
    Difference {
        section: "7.4.1",
        what: "likewise, where such a sequence is a key",
        ours: "",
        theirs: "while parsing a node, did not find expected node content",
    },
    Difference {
        section: "8.2.2",
        what: "a closing bracket may stand below its key: an indulgence, for people write it so",
        ours: "",
        theirs: "invalid indentation",
    },
    Difference {
        section: "8.1.1.1",
        what: "text of a block scalar that is not indented may begin with a tab",
        ours: "",
        theirs: "a block scalar content cannot start with a tab",
    },
    Difference {
        section: "8.1.1.2",
        what: "a comment that is indented less than the text ends a block scalar",
        ours: "",
        theirs: "wrongly indented line in block scalar",
    },
    Difference {
        section: "8.2.2",
        what: "no block collection begins behind the `:` of a key that is not there",
        ours: "a mapping cannot begin here",
        theirs: "",
    },
    Difference {
        section: "8.2.2",
        what: "likewise",
        ours: "a block collection cannot begin here",
        theirs: "",
    },
    Difference {
        section: "8.2.2",
        what: "`?` may be the last character of the input",
        ours: "",
        theirs: "expected whitespace",
    },
    Difference {
        section: "6.1",
        what: "a tab may separate `:` from its value",
        ours: "",
        theirs: "':' must be followed by a valid YAML whitespace",
    },
];

/// A section of the specification, and whether a text is of those it is about.
type Reading = (&'static str, fn(&str) -> bool);

/// Where both read a text, but not alike.
const READINGS: &[Reading] = &[
    // 9.1.2: a marker ends a block scalar that has no text before it.
    ("9.1.2", |text| has_block_scalar(text) && (text.contains("---") || text.contains("..."))),
    // 8.1.1.2: blanks at the end of the input are a line, though no break ends it, of a scalar that
    // keeps such lines (case JEF9/02 of the test suite), and of no other.
    ("8.1.1.2", |text| has_block_scalar(text) && text.ends_with([' ', '\t'])),
    // 7.4.1: an entry with `?` may be empty, and the next one begins with its key.
    ("7.4.1", |text| text.contains('?') && text.contains(['[', '{'])),
];

fn has_block_scalar(text: &str) -> bool {
    text.contains(['|', '>'])
}

/// How the two differ on a text, if they do and that is on no list.
fn difference(text: &str) -> Option<String> {
    let (ours, theirs) = (peer::ours(text), peer::theirs(text));
    let is_known = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            ours == theirs || READINGS.iter().any(|(_, applies)| applies(text))
        }
        (Err(_), Err(_)) => true,
        (Err(error), Ok(_)) => DIFFERENCES
            .iter()
            .any(|known| !known.ours.is_empty() && error.message().starts_with(known.ours)),
        (Ok(_), Err(error)) => DIFFERENCES
            .iter()
            .any(|known| !known.theirs.is_empty() && error.starts_with(known.theirs)),
    };
    (!is_known).then(|| format!("{text:?}\nours: {ours:?}\ntheirs: {theirs:?}"))
}

/// Every text of so many of these characters.
fn every(alphabet: &str, length: u32) -> impl Iterator<Item = String> {
    let alphabet: Vec<char> = alphabet.chars().collect();
    (0..alphabet.len().pow(length)).map(move |mut number| {
        let mut text = String::new();
        for _ in 0..length {
            text.push(alphabet[number % alphabet.len()]);
            number /= alphabet.len();
        }
        text
    })
}

#[test]
fn events_agree_on_every_short_text() {
    let alphabets =
        [("a:- \n[],{}?&*!|>#'\"%\\", 3), ("a:- \n[]?,", 5), ("a'\"\\ \n:x", 5), ("a|>-+1 \n#", 5)];
    let mut count = 0;
    for (alphabet, length) in alphabets {
        for text in every(alphabet, length) {
            count += 1;
            if let Some(difference) = difference(&text) {
                panic!("{difference}");
            }
        }
    }
    cannery_testing::report("short texts read as saphyr-parser reads them", count);
}

#[test]
fn every_difference_names_a_section() {
    let sections = DIFFERENCES.iter().map(|known| (known.section, known.what));
    for (section, what) in sections.chain(READINGS.iter().map(|(section, _)| (*section, "-"))) {
        assert!(section.starts_with(|c: char| c.is_ascii_digit()) && !what.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn events_agree_on_any_text(text in "[-a:? \\n]{0,30}|[-\\[\\]{}:,?&*!|>#'\"%a-c1 \\n]{0,30}") {
        prop_assert_eq!(difference(&text), None);
    }

    #[test]
    fn events_agree_on_what_is_written(value in cannery_testing::any_plain_value()) {
        let text = cannery_yaml::to_string(&value).unwrap();
        prop_assert_eq!(difference(&text), None);
    }
}
