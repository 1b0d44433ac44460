//! What the tests of this crate share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fmt::Write;
use std::path::PathBuf;

use cannery_core::Value;

/// The folder of the Protobuf suite; nothing, and that said aloud, where it is absent.
pub(crate) fn suite() -> Option<PathBuf> {
    cannery_testing::suites().map(|suites| suites.join("protobuf"))
}

/// The lines of a JSONL file.
pub(crate) fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| cannery_json::to_value(line).expect("JSON")).collect()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

pub(crate) fn int(value: &Value, key: &str) -> Option<i64> {
    match value.get(key) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

/// SHA-256 in hexadecimal digits (FIPS 180-4).
pub(crate) fn sha256(data: &[u8]) -> String {
    let mut state = first_bits(8, |prime| f64::from(prime).sqrt());
    let constants = first_bits(64, |prime| f64::from(prime).cbrt());
    let mut padded = data.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((data.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        compress(&mut state, &constants, block);
    }
    state.iter().fold(String::new(), |mut out, word| {
        write!(out, "{word:08x}").expect("a string takes everything");
        out
    })
}

/// The first 32 bits behind the point of a root of the first primes.
fn first_bits(count: usize, root: impl Fn(u32) -> f64) -> Vec<u32> {
    let is_prime = |n: &u32| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    let primes = (2..).filter(is_prime).take(count);
    primes.map(|prime| (root(prime).fract() * 4_294_967_296.0) as u32).collect()
}

#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn compress(state: &mut [u32], constants: &[u32], block: &[u8]) {
    let mut w: Vec<u32> =
        block.chunks_exact(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect();
    for i in 16..64 {
        let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
        let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
        w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
    }
    let mut v: [u32; 8] = state.try_into().expect("eight words");
    for i in 0..64 {
        let [a, b, c, d, e, f, g, h] = v;
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let t1 =
            h.wrapping_add(s1).wrapping_add(choice).wrapping_add(constants[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        v = [t1.wrapping_add(s0.wrapping_add(majority)), a, b, c, d.wrapping_add(t1), e, f, g];
    }
    state.iter_mut().zip(v).for_each(|(word, new)| *word = word.wrapping_add(new));
}

#[test]
fn digests_are_those_of_the_standard() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256(b"abc"), expected);
}
