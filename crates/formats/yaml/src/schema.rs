//! What a plain scalar is: the schemas of chapter 10, and that of YAML 1.1.

use cannery_core::BigInt;

mod core_schema;
mod legacy;
mod scalar;

pub(crate) use scalar::Scalar;

/// Which plain scalars are not text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// YAML 1.2's core schema (chapter 10.3): null, booleans, integers (also `0o14`, `0x1F`) and
    /// floats.
    #[default]
    Core,
    /// YAML 1.2's JSON schema (chapter 10.2): what JSON would read, and text.
    Json,
    /// Everything is text (chapter 10.1).
    Failsafe,
    /// YAML 1.1 as PyYAML reads it: `no`, `on`, `0777`, `1_000`, `1:30`, dates and the merge key.
    Legacy,
}

impl Schema {
    /// What `text` is when it stands without quotes and without a tag.
    #[inline]
    pub(crate) fn resolve(self, text: &str) -> Scalar<'_> {
        match self {
            Schema::Core => core_schema::resolve(text),
            Schema::Json => core_schema::resolve_json(text),
            Schema::Legacy => legacy::resolve(text),
            Schema::Failsafe => Scalar::Text,
        }
    }
}

/// The decimal digits of a large integer.
pub(crate) fn decimal(negative: bool, digits: &str, radix: u32) -> String {
    let sign = if negative { "-" } else { "" };
    if radix == 10 {
        let digits = digits.replace('_', "");
        let digits = digits.trim_start_matches('0');
        return format!("{sign}{}", if digits.is_empty() { "0" } else { digits });
    }
    format!("{sign}{}", magnitude(digits, radix))
}

fn magnitude(digits: &str, radix: u32) -> num_bigint::BigUint {
    let bytes: Vec<u8> = digits
        .bytes()
        .filter_map(|byte| char::from(byte).to_digit(radix))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    num_bigint::BigUint::from_radix_be(&bytes, radix).unwrap_or_default()
}

/// Sends an integer of any size.
pub(crate) fn send_digits<S: cannery_core::Sink + ?Sized>(
    negative: bool,
    digits: &str,
    radix: u32,
    sink: &mut S,
) -> cannery_core::Result<()> {
    // Digits of bits are put together in linear time; their decimals would take quadratic time.
    const SHORT: usize = 256;
    if radix.is_power_of_two() && digits.len() > SHORT {
        let number = num_bigint::BigInt::from(magnitude(digits, radix));
        let number = if negative { -number } else { number };
        return sink.big_int(BigInt::LittleEndian(&number.to_signed_bytes_le()));
    }
    let text = decimal(negative, digits, radix);
    match text.parse() {
        Ok(number) => sink.int(number),
        Err(_) => sink.big_int(BigInt::Decimal(&text)),
    }
}
