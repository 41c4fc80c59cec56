//! Letters typed one after the other: how many of them are one step back.

/// A step of typing goes on until the next word after this many letters.
const LONGEST: usize = 24;
/// More letters at once are no typing: a paste, a chosen part that was replaced.
const AT_ONCE: usize = 8;

/// Whether letters come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Adding,
    Removing,
}

/// A run of letters that is one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing {
    way: Way,
    letters: usize,
}

impl Typing {
    /// What typing becomes of `now` after it was `before`; `None` where that was no typing.
    pub(super) fn begin(before: &str, now: &str) -> Option<Self> {
        let same = |(a, b): &(char, char)| a == b;
        let front = before.chars().zip(now.chars()).take_while(same).count();
        let (was, is) = (before.chars().count(), now.chars().count());
        let backward = before.chars().rev().zip(now.chars().rev());
        let back = backward.take_while(same).count().min(was.min(is) - front);
        let (removed, added) = (was - front - back, is - front - back);
        let way = match (removed, added) {
            (0, 1..=AT_ONCE) => Way::Adding,
            (1..=AT_ONCE, 0) => Way::Removing,
            _ => return None,
        };
        Some(Self {
            way,
            letters: removed + added,
        })
    }

    /// The two as one step; `None` where a new one begins with `next`, typed behind `before`.
    pub(super) fn and(self, next: Self, before: &str) -> Option<Self> {
        let is_full = self.letters >= LONGEST && before.ends_with(char::is_whitespace);
        (self.way == next.way && !is_full).then_some(Self {
            way: self.way,
            letters: self.letters + next.letters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_typing_and_a_paste_is_not() {
        let adding = |letters| {
            Some(Typing {
                way: Way::Adding,
                letters,
            })
        };
        assert_eq!(Typing::begin("a ca", "a cat"), adding(1));
        assert_eq!(Typing::begin("", "a fox"), adding(5));
        assert_eq!(Typing::begin("aa", "aaa"), adding(1));
        assert_eq!(
            Typing::begin("a cat", "a ct"),
            Some(Typing {
                way: Way::Removing,
                letters: 1
            })
        );
        assert_eq!(Typing::begin("a cat", "a dog"), None);
        assert_eq!(Typing::begin("", "a lighthouse in a storm"), None);
        assert_eq!(Typing::begin("a cat", "a cat"), None);
    }

    #[test]
    fn a_long_run_ends_with_a_word_and_where_letters_go() {
        let one = Typing::begin("", "a").expect("a letter");
        let long = Typing { letters: 30, ..one };
        assert_eq!(long.and(one, "a lighthous").map(|all| all.letters), Some(31));
        assert_eq!(long.and(one, "a lighthouse "), None);
        let gone = Typing::begin("a", "").expect("a letter");
        assert_eq!(one.and(gone, "a"), None);
    }
}
