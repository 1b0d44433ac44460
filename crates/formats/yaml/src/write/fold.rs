//! Lines that are broken where they get too long.

use super::Writer;

impl Writer {
    /// How many bytes stand on the line that is being written.
    pub(super) fn column(&self) -> usize {
        let line = memchr::memrchr(b'\n', &self.out).map_or(0, |at| at + 1);
        self.out.len() - line
    }

    /// Breaks what was written from `start` on, which is on one line, where it is longer than the
    /// width: at single blanks, for which a reader takes a break.
    #[inline]
    pub(super) fn fold(&mut self, start: usize) {
        if let Some(width) = self.options.width {
            self.fold_at(start, width);
        }
    }

    fn fold_at(&mut self, start: usize, width: usize) {
        let mut column = self.column() - (self.out.len() - start);
        if column + (self.out.len() - start) <= width {
            return;
        }
        let indent = self.inner_indent();
        let text = self.out.split_off(start);
        let mut written = 0;
        while written < text.len() {
            let end = word_end(&text, written);
            let word = &text[written..end];
            if written > 0 && column + word.len() > width {
                self.out.push(b'\n');
                self.pad(indent);
                self.out.extend_from_slice(&word[1..]);
                column = indent + word.len() - 1;
            } else {
                self.out.extend_from_slice(word);
                column += word.len();
            }
            written = end;
        }
    }
}

/// Where the word after `from` ends: at a blank that a line can be broken at, or at the end.
fn word_end(text: &[u8], from: usize) -> usize {
    let is_word = |at: usize| !matches!(text[at], b' ' | b'\t');
    let ends = |&at: &usize| text[at] == b' ' && is_word(at - 1) && is_word(at + 1);
    (from + 1..text.len().saturating_sub(1)).find(ends).unwrap_or(text.len())
}
