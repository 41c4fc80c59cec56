//! Typing errors: the word that was probably meant.
//!
//! Only words the table does not know are looked at, so that no real word is ever "corrected". Words are
//! kept by length with the set of their letters, so that nearly all are passed over by one comparison.

/// Words shorter than this are left alone.
const SHORTEST: usize = 3;
/// From this length on two errors are forgiven, and from the other on where the letters are the same.
const LONG: usize = 8;
const MIDDLING: usize = 6;
/// What two letters that changed places weigh.
const SWAPPED: u32 = 1;
/// Longer ones are no words.
const LONGEST: usize = 24;

#[derive(Clone, Copy, Debug)]
struct Word {
    /// Where its letters stand in `letters`.
    start: u32,
    set: u32,
    /// One of the world's own: it goes before others.
    own: bool,
}

/// The words that may have been meant.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    by_length: Vec<Vec<Word>>,
    letters: String,
}

fn set_of(word: &[u8]) -> u32 {
    word.iter().fold(0, |set, letter| set | 1 << (letter & 31))
}

impl Spelling {
    pub(super) fn learn(&mut self, word: &str, own: bool) {
        let length = word.len();
        if !(SHORTEST..=LONGEST).contains(&length) || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return;
        }
        if self.by_length.len() <= length {
            self.by_length.resize(length + 1, Vec::new());
        }
        let start = u32::try_from(self.letters.len()).unwrap_or(0);
        self.letters.push_str(word);
        let set = set_of(word.as_bytes());
        if let Some(same) = self.by_length.get_mut(length) {
            same.push(Word { start, set, own });
        }
    }

    /// The word that was probably meant; None where there is none or more than one.
    pub(super) fn meant(&self, typed: &str) -> Option<&str> {
        let length = typed.len();
        if !(SHORTEST..=LONGEST).contains(&length) || !typed.bytes().all(|b| b.is_ascii_lowercase()) {
            return None;
        }
        let most: usize = if length >= MIDDLING { 2 } else { 1 };
        let set = set_of(typed.as_bytes());
        let (mut best, mut best_cost, mut alone) = (None, u32::MAX, true);
        for other in length.saturating_sub(most)..=length + most {
            for word in self.by_length.get(other).into_iter().flatten() {
                if (word.set ^ set).count_ones() > 2 * most as u32 {
                    continue;
                }
                let start = word.start as usize;
                let Some(letters) = self.letters.get(start..start + other) else {
                    continue;
                };
                let Some(cost) = cost(typed.as_bytes(), letters.as_bytes(), most) else {
                    continue;
                };
                // Another letter is forgiven in the world's own words alone, and not in short ones.
                if (!word.own || length < 5) && other == length && cost > SWAPPED {
                    continue;
                }
                let cost = 2 * cost + u32::from(!word.own);
                if cost < best_cost {
                    (best, best_cost, alone) = (Some(letters), cost, true);
                } else if cost == best_cost && best != Some(letters) {
                    alone = false;
                }
            }
        }
        best.filter(|_| alone)
    }
}

/// What the errors between two words weigh; None where there are more than `most` of them.
///
/// Letters that changed places weigh least, then those left out. A wrong first letter is not forgiven, but
/// for two that changed places; in words of three letters nothing else is.
fn cost(typed: &[u8], word: &[u8], most: usize) -> Option<u32> {
    if swapped(typed, word) {
        return Some(SWAPPED);
    }
    if typed.first() != word.first() || typed.len().min(word.len()) < 3 {
        return None;
    }
    if typed.len() == 3 && word.len() <= 3 {
        return None;
    }
    let errors = distance(typed, word, most)?;
    if anagram(typed, word) {
        return Some(errors as u32 * 4 + SWAPPED);
    }
    if errors > 1 && typed.len() < LONG {
        return None;
    }
    let one = match typed.len().cmp(&word.len()) {
        std::cmp::Ordering::Less => 2,
        std::cmp::Ordering::Greater => 3,
        std::cmp::Ordering::Equal => 4,
    };
    Some(errors as u32 * 4 + one)
}

/// Whether two letters that stand side by side changed places, and nothing else.
fn swapped(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut apart = (0..one.len()).filter(|&at| one[at] != other[at]);
    match (apart.next(), apart.next(), apart.next()) {
        (Some(a), Some(b), None) => b == a + 1 && one[a] == other[b] && one[b] == other[a],
        _ => false,
    }
}

/// Whether all letters are there, in another order.
fn anagram(one: &[u8], other: &[u8]) -> bool {
    let mut counts = [0i8; 32];
    one.iter()
        .for_each(|letter| counts[usize::from(letter & 31)] += 1);
    other
        .iter()
        .for_each(|letter| counts[usize::from(letter & 31)] -= 1);
    one.len() == other.len() && counts.iter().all(|count| *count == 0)
}

/// Letters changed, added, left out or swapped; None above `most`.
fn distance(one: &[u8], other: &[u8], most: usize) -> Option<usize> {
    let (mut before, mut last) = ([0; LONGEST + 2], [0; LONGEST + 2]);
    for (at, value) in last.iter_mut().enumerate() {
        *value = at;
    }
    for (row, &a) in one.iter().enumerate() {
        let mut next = [0; LONGEST + 2];
        next[0] = row + 1;
        for (column, &b) in other.iter().enumerate() {
            let change = last[column] + usize::from(a != b);
            let mut least = change.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && a == other[column - 1] && one[row - 1] == b {
                least = least.min(before[column - 1] + 1);
            }
            next[column + 1] = least;
        }
        (before, last) = (last, next);
    }
    Some(last[other.len()]).filter(|&errors| (1..=most).contains(&errors))
}
