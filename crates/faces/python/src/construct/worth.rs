//! Whether a guess is worth its cost at the moment.

/// Wrong guesses in a row after which the next ones are left out.
const ENOUGH: u32 = 16;

/// How many are left out, at first and at most: twice as many each time that none was right.
const LEAST: u32 = 64;
const MOST: u32 = 4096;

/// Says when to go without guesses for a while, because none was right lately.
///
/// A document of other data than the one before must not pay for what that one had. A right guess
/// costs one write here.
pub(super) struct Worth {
    wrong: u32,
    left_out: u32,
    next: u32,
}

impl Default for Worth {
    fn default() -> Self {
        Self { wrong: 0, left_out: 0, next: LEAST }
    }
}

impl Worth {
    /// Whether the next guess shall be made.
    #[inline(always)]
    pub(super) fn is_given(&mut self) -> bool {
        if self.left_out == 0 {
            return true;
        }
        self.left_out -= 1;
        false
    }

    /// Notes that the last guess was right.
    #[inline(always)]
    pub(super) fn right(&mut self) {
        self.wrong = 0;
    }

    /// Notes that the last guess was wrong.
    #[inline(always)]
    pub(super) fn wrong(&mut self) {
        if self.wrong == 0 {
            self.next = LEAST;
        }
        self.wrong += 1;
        if self.wrong > ENOUGH {
            self.left_out = self.next;
            self.next = MOST.min(2 * self.next);
            self.wrong = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, LEAST, MOST, Worth};

    /// Makes that many wrong guesses at least; returns how many were made, and how many left out.
    fn go_wrong(worth: &mut Worth, guesses: u32) -> (u32, u32) {
        let (mut made, mut left_out) = (0, 0);
        while made + left_out < guesses {
            if worth.is_given() {
                worth.wrong();
                made += 1;
            } else {
                left_out += 1;
            }
        }
        (made, left_out)
    }

    #[test]
    fn guesses_that_are_always_wrong_are_hardly_made() {
        let (made, left_out) = go_wrong(&mut Worth::default(), 100 * MOST);
        assert!(made * 100 < left_out, "{made} of {left_out}");
    }

    #[test]
    fn one_right_guess_in_a_few_is_enough() {
        let mut worth = Worth::default();
        for number in 0..10_000 {
            assert!(worth.is_given());
            if number % ENOUGH == 0 { worth.right() } else { worth.wrong() }
        }
        let (_, left_out) = go_wrong(&mut worth, ENOUGH + LEAST);
        assert!((LEAST - 1..=LEAST).contains(&left_out));
    }
}
