//! Floats are exact both ways: random ones by their bits, and those that readers get wrong.
//!
//! `CANNERY_FLOATS=10000000 cargo test --release -p cannery-json --test floats` tries as many as
//! the name says; by default it is a million.

use cannery_core::Value;
use cannery_json::{to_value, to_vec};

const DEFAULT: u64 = 1_000_000;

/// `SplitMix64`: the same numbers in every run, and all bits alike.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

fn read(text: &[u8]) -> f64 {
    match to_value(text) {
        Ok(Value::Float(value)) => value,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(text)),
    }
}

fn check(value: f64) {
    let text = to_vec(&Value::Float(value)).expect("finite");
    let shown = String::from_utf8_lossy(&text);
    assert_eq!(read(&text).to_bits(), value.to_bits(), "{shown}");
    // Rust's own conversions know neither our writer nor our reader.
    assert_eq!(shown.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{shown}");
    let digits = format!("{value:e}");
    assert_eq!(read(digits.as_bytes()).to_bits(), value.to_bits(), "{digits}");
}

fn check_text(text: &str) {
    let expected = text.parse().map(f64::to_bits);
    assert_eq!(Ok(read(text.as_bytes()).to_bits()), expected, "{text}");
}

#[test]
fn random_floats_are_exact_both_ways() {
    let count = std::env::var("CANNERY_FLOATS")
        .map_or(DEFAULT, |count| count.parse().expect("CANNERY_FLOATS is a number of floats"));
    let mut random = Random(20);
    let mut tried = 0;
    while tried < count {
        let value = f64::from_bits(random.next());
        if value.is_finite() {
            check(value);
            tried += 1;
        }
    }
    println!("{tried} floats were exact both ways");
}

#[test]
fn random_decimals_are_rounded_as_rust_rounds_them() {
    let mut random = Random(30);
    for _ in 0..200_000 {
        let digits = random.next() >> (random.next() % 64);
        let more = random.next() % 1_000_000;
        let exponent = (random.next() % 700).cast_signed() - 350;
        for text in [format!("{digits}.{more}e{exponent}"), format!("0.{digits}{more}{digits}")] {
            check_text(&text);
        }
    }
}

#[test]
fn the_hard_cases_are_exact() {
    // Halfway between two floats, or as near to that as there are digits; and the ends.
    let cases = [
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.4703282292062327208e-324",
        "2.4703282292062328e-324",
        "4.9406564584124654e-324",
        "1.7976931348623158e308",
        "1.7976931348623157e308",
        "9007199254740993.0",
        "9007199254740992.999999999999999999999999",
        "9007199254740993.000000000000000000000001",
        "6.631236846766476e-316",
        "3.237883913302901289588352412501532174863037669423108059901297049552301970670676565786835742587799557860615776559838283435514391084153169252689190564396459577394618038928365305143463955100356696665629202017331344031730044369360205258345803431471660032699580731300954848363975548690010751530018881758184174569652173110473696022749934638425380623369774736560008997404060967498028389191878963968575439222206416981462690113342524002724385941651051293552601421155333430225237291523843322331326138431477823591142408800030775170625915670728657003151953664260769822494937951845801530895238439819708403389937873241463484205608000027270531106827387907791444918534771598750162812548862768493201518991668028251730299953143924168545708663913273994694463908672332763671875e-319",
        "8.98846567431158e307",
        "1e23",
        "8.5e22",
        "0.1e-1000000000000000000000",
        "123456789012345678901234567890e-30",
    ];
    for text in cases {
        check_text(text);
    }
    (0..1075).map(|shift| 2_f64.powi(-shift)).for_each(check);
    (0..1024).map(|shift| 2_f64.powi(shift)).for_each(check);
    (-323..309).map(|power| format!("1e{power}").parse().unwrap()).for_each(check);
    [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324].into_iter().for_each(check);
}
