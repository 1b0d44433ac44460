//! The list of where the two differ.

/// Where the two may differ, and the section of the specification that we go by.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) section: &'static str,
    pub(crate) what: &'static str,
    /// The beginning of our error's message; empty where we read the text.
    ours: &'static str,
    /// The beginning of theirs.
    theirs: &'static str,
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        section: "5.1",
        what: "no control character stands for itself",
        ours: "the control character",
        theirs: "",
    },
    Difference {
        section: "5.7",
        what: "an escaped surrogate is kept, as JSON's readers do",
        ours: "",
        theirs: "while parsing a quoted scalar, found invalid Unicode character escape code",
    },
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
        section: "6.9.1",
        what: "a tag in full is not empty: `!<>` says nothing",
        ours: "expected a tag `!<...>`",
        theirs: "",
    },
    Difference {
        section: "6.9.1",
        what: "a tag may have any character beyond ASCII: other readers let most of them through",
        ours: "",
        theirs: "while scanning a tag, did not find expected whitespace",
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
    Difference {
        section: "7.4.2",
        what: "in brackets, `:` before a bracket ends a plain key",
        ours: "",
        theirs: "':' may not precede any of",
    },
];

/// A section of the specification, and whether a text is of those it is about.
pub(crate) type Reading = (&'static str, fn(&str) -> bool);

/// Where both read a text, but not alike.
pub(crate) const READINGS: &[Reading] = &[
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
pub(crate) fn difference(text: &str) -> Option<String> {
    let (ours, theirs) = (super::ours(text), super::theirs(text));
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
