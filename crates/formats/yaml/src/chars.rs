//! Classes of bytes, as the specification's chapter 5 has them.

/// A space or a tab (production `s-white`).
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A line feed or a carriage return (production `b-char`).
#[inline]
pub(crate) fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// One of `,[]{}` (production `c-flow-indicator`).
#[inline]
pub(crate) fn is_flow_indicator(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}

/// Blank, break or end of input: what must follow the indicators `-`, `?` and `:`.
#[inline]
pub(crate) fn is_separator(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| is_blank(byte) || is_break(byte))
}

/// Bytes at which the scan of a plain scalar has to look twice.
pub(crate) static PLAIN_STOPS: [bool; 256] = stops(b":#\n\r");

/// The same inside brackets.
pub(crate) static FLOW_PLAIN_STOPS: [bool; 256] = stops(b":#\n\r,[]{}");

const fn stops(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    // Control characters are no characters of YAML (production `c-printable`), but for the tab.
    let mut control = 0;
    while control < 0x20 {
        if control != b'\t' as usize {
            table[control] = true;
        }
        control += 1;
    }
    table[0x7f] = true;
    table
}

/// Whether a character is written as an escape: no text shows it, or it turns the text around it.
pub(crate) fn is_special(character: char) -> bool {
    matches!(character, '\u{fffe}' | '\u{ffff}') || !cannery_core::is_printable(character)
}
