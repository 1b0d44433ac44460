//! Escapes without a branch for each: a block of text is spread over two and closed up again, with the
//! newer vector instructions.

use super::copy::{self, Escaped};

/// Copies an ASCII text with its escapes, as [`copy::escape`] does.
///
/// # Safety
/// [`is_supported`], and as for [`copy::escape`].
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2"
)]
pub(super) unsafe fn escape(text: &[u8], mut to: *mut u8, escaped: Escaped) -> *mut u8 {
    use std::arch::x86_64::{
        _mm256_cmpeq_epi8_mask, _mm256_cmplt_epu8_mask, _mm256_loadu_si256, _mm256_mask_blend_epi8,
        _mm256_mask_cmpeq_epi8_mask, _mm256_permutexvar_epi8, _mm256_set1_epi8,
        _mm256_setzero_si256, _mm512_cvtepu8_epi16, _mm512_maskz_compress_epi8, _mm512_or_si512,
        _mm512_set1_epi16, _mm512_slli_epi16, _mm512_storeu_si512, _pdep_u64,
    };
    /// A bit for each byte's own place in two blocks; before it is that of a backslash.
    const OWN: u64 = 0xaaaa_aaaa_aaaa_aaaa;

    let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    // SAFETY: the caller's promise; a block of two is within what copying may touch.
    unsafe {
        let table = _mm256_loadu_si256(LETTERS.as_ptr().cast());
        let mut pos = 0;
        while pos < text.len() {
            let block = copy::BLOCK.min(text.len() - pos);
            let bytes = copy::block(text.as_ptr().add(pos), block);
            let control = _mm256_cmplt_epu8_mask(bytes, all(0x20));
            let letters = _mm256_permutexvar_epi8(bytes, table);
            let others = _mm256_mask_cmpeq_epi8_mask(control, letters, _mm256_setzero_si256());
            let last = match escaped {
                Escaped::Required => 0,
                Escaped::BeyondAscii => _mm256_cmpeq_epi8_mask(bytes, all(0x7f)),
            };
            if (others | last) & copy::first(block) != 0 {
                to = copy::escape(&text[pos..pos + block], to, escaped);
                pos += block;
                continue;
            }
            let quote = _mm256_cmpeq_epi8_mask(bytes, all(b'"'));
            let backslash = _mm256_cmpeq_epi8_mask(bytes, all(b'\\'));
            let stops = (quote | backslash | control) & copy::first(block);
            let own = _mm512_cvtepu8_epi16(_mm256_mask_blend_epi8(control, bytes, letters));
            let spread = _mm512_slli_epi16::<8>(own);
            let spread = _mm512_or_si512(spread, _mm512_set1_epi16(i16::from(b'\\')));
            let kept = OWN | _pdep_u64(stops.into(), !OWN);
            _mm512_storeu_si512(to.cast(), _mm512_maskz_compress_epi8(kept, spread));
            to = to.add(block + stops.count_ones() as usize);
            pos += block;
        }
    }
    to
}

/// What stands behind the backslash for each control character; 0 if it has no letter.
static LETTERS: [u8; 32] = {
    let mut letters = [0; 32];
    letters[8] = b'b';
    letters[9] = b't';
    letters[10] = b'n';
    letters[12] = b'f';
    letters[13] = b'r';
    letters
};

/// Whether this processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}
