//! The user's words rewritten before they are drawn: who is asked, what came, what became of it.

use super::draft::{Draft, Tab};
use crate::task::{FoundWriter, Rewritten, WriterChoice, Written};

/// What becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is shown beside the own words.
    Show,
    /// It is drawn.
    Draw,
}

/// A question to a writer that is not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    pub own: String,
    pub by: String,
    pub then: Then,
}

/// What the window knows of writers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Writing {
    /// `None` before the first look.
    pub found: Option<Vec<FoundWriter>>,
    pub asking: Option<Asking>,
    /// What is shown beside the own words.
    pub shown: Option<Rewritten>,
    /// Why there is nothing to show.
    pub remark: Option<String>,
    /// The address that is typed.
    pub url: String,
    /// What became of the key.
    pub said: Option<String>,
}

impl Draft {
    /// Where the prompt comes from, if a writer made it of other words.
    pub fn written(&self) -> Option<&Written> {
        let written = self.written.as_ref()?;
        (self.tab != Tab::Predict && written.own.trim() != self.words().trim()).then_some(written)
    }
}

/// Words, and whether each is in one of two texts only.
type Marked<'a> = Vec<(&'a str, bool)>;

/// Two texts word by word: which words of the second are not in the first, in its order, and which of the first are
/// gone. By their longest common sequence of words; case and commas do not count.
pub fn changed_words<'a>(before: &'a str, after: &'a str) -> (Marked<'a>, Marked<'a>) {
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let (old, new): (Vec<&str>, Vec<&str>) = (
        before.split_whitespace().take(MOST_WORDS).collect(),
        after.split_whitespace().take(MOST_WORDS).collect(),
    );
    let (was, is): (Vec<String>, Vec<String>) = (
        old.iter().map(|w| plain(w)).collect(),
        new.iter().map(|w| plain(w)).collect(),
    );
    let wide = is.len() + 1;
    // Length of the longest common sequence of the words behind each pair.
    let mut common = vec![0_u32; (was.len() + 1) * wide];
    for i in (0..was.len()).rev() {
        for j in (0..is.len()).rev() {
            common[i * wide + j] = match was[i] == is[j] {
                true => common[(i + 1) * wide + j + 1] + 1,
                false => common[(i + 1) * wide + j].max(common[i * wide + j + 1]),
            };
        }
    }
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < was.len() || j < is.len() {
        if i < was.len() && j < is.len() && was[i] == is[j] {
            gone.push((old[i], false));
            come.push((new[j], false));
            (i, j) = (i + 1, j + 1);
        } else if j < is.len() && (i == was.len() || common[i * wide + j + 1] >= common[(i + 1) * wide + j]) {
            come.push((new[j], true));
            j += 1;
        } else {
            gone.push((old[i], true));
            i += 1;
        }
    }
    (gone, come)
}

/// Words that are compared; a prompt has tens.
const MOST_WORDS: usize = 1000;

/// What a writer is called in a menu.
pub fn writer_name(choice: &WriterChoice) -> String {
    match choice {
        WriterChoice::BuiltIn => "Built in".to_owned(),
        other => other.title(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_by_their_longest_common_sequence() {
        let (gone, come) = changed_words("A puppy, in a park", "a small dog in a sunny park");
        let marked = |words: Vec<(&str, bool)>| {
            let changed = words.into_iter().filter(|(_, is_changed)| *is_changed);
            changed.map(|(word, _)| word.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(marked(gone), ["puppy,"]);
        assert_eq!(marked(come), ["small", "dog", "sunny"]);
        assert_eq!(changed_words("", ""), (Vec::new(), Vec::new()));
        let (gone, come) = changed_words("a cat", "");
        assert_eq!((gone.len(), come.len()), (2, 0));
    }
}
