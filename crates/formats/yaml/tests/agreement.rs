//! Our events are those of saphyr-parser, for any text, but for the cases listed here.

use proptest::prelude::*;

mod peer;

use peer::differences::{DIFFERENCES, READINGS, difference};

/// Every text of that many of these characters.
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
