//! Lexemes as phrases: what each is about, and what is said of it.
//!
//! A phrase ends where another begins: at punctuation, at a joint ("with", "on"), at a verb or an article
//! after its noun. "A glass of wine" is one phrase about wine, "a pirate ship" one about a ship.

use super::lexemes::{Lexeme, Sense};
use super::table::Kind;
use std::ops::Range;

/// Joints whose things only explain: what follows them is not drawn.
const WEAK: [&str; 20] = [
    "for",
    "from",
    "about",
    "during",
    "than",
    "para",
    "für",
    "made of",
    "made from",
    "made out of",
    "in the shape of",
    "shaped like",
    "in the form of",
    "covered in",
    "covered with",
    "covered by",
    "filled with",
    "full of",
    "named",
    "called",
];
const OF: [&str; 8] = ["of", "von", "de", "di", "del", "della", "du", "des"];
const ARTICLES: [&str; 13] = [
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "ein", "eine", "un", "une",
];
/// Words that make a background of a colour.
const GROUNDS: [&str; 7] = [
    "background",
    "backdrop",
    "backgrounds",
    "wall",
    "hintergrund",
    "fond",
    "fondo",
];

/// What a phrase is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The lexeme of that number, a noun of some kind.
    Noun(usize),
    Background(usize),
    Nothing,
}

/// A phrase; numbers are those of lexemes.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrase {
    /// All of it, with its joint.
    pub(super) all: Range<usize>,
    pub(super) joint: Option<usize>,
    pub(super) nouns: Vec<usize>,
    pub(super) background: Option<usize>,
    pub(super) count: Vec<usize>,
    pub(super) sizes: Vec<usize>,
    pub(super) colours: Vec<usize>,
    pub(super) places: Vec<usize>,
    pub(super) strange: Vec<usize>,
    /// Adjectives, verbs and styles.
    pub(super) left_out: Vec<usize>,
    /// What stood before "of".
    pub(super) containers: Vec<usize>,
    pub(super) negated: bool,
    pub(super) weak: bool,
    /// Nothing parts it from the phrase before but words.
    pub(super) goes_on: bool,
}

impl Phrase {
    fn is_empty(&self) -> bool {
        self.nouns.is_empty() && self.background.is_none() && self.containers.is_empty()
    }

    /// What it is about.
    pub(super) fn head(&self, lexemes: &[Lexeme]) -> Head {
        if let Some(at) = self.background {
            return Head::Background(at);
        }
        let thing = |&&at: &&usize| lexemes[at].kind().is_some_and(Kind::is_thing);
        let own: Vec<usize> = self
            .nouns
            .iter()
            .copied()
            .filter(|&at| !lexemes[at].possessive)
            .collect();
        let nouns = if own.is_empty() { &self.nouns } else { &own };
        let mut head = nouns.last().copied();
        // "A cat face", "a dog story": about the cat and the dog.
        let yields = |lexeme: &Lexeme| {
            soft(lexeme) || vague(lexeme) || matches!(target(lexeme), "body" | "brand" | "name")
        };
        if head.is_some_and(|at| yields(&lexemes[at])) {
            head = nouns.iter().rev().find(thing).copied().or(head);
        }
        if let Some(&container) = self.containers.last() {
            let yields = !lexemes[container].is(Kind::Thing) && target(&lexemes[container]) != "person";
            // "A plate of sushi": about the sushi, though it can be no more than told what is near.
            let shows = |kind: Kind| kind.is_thing() || kind == Kind::Noun;
            let better = head.is_some_and(|at| lexemes[at].kind().is_some_and(shows));
            if !(yields && better) {
                head = Some(container);
            }
        }
        match head.or(self.strange.last().copied()) {
            Some(at) => Head::Noun(at),
            None => Head::Nothing,
        }
    }
}

fn target(lexeme: &Lexeme) -> &'static str {
    lexeme
        .entry()
        .filter(|entry| entry.kind == Kind::Outside)
        .map_or("", |entry| entry.target)
}

/// Whether it is no thing that could be shown: it does not stand in the way of others.
pub(super) fn soft(lexeme: &Lexeme) -> bool {
    target(lexeme) == "abstract"
}

/// Whether nothing is near it: after a thing it is most likely a name.
fn vague(lexeme: &Lexeme) -> bool {
    lexeme
        .entry()
        .is_some_and(|entry| entry.kind == Kind::Noun && entry.target == lexeme.words)
}

/// Cuts lexemes into phrases.
pub(super) fn cut(lexemes: &[Lexeme]) -> Vec<Phrase> {
    let mut cutter = Cutter {
        lexemes,
        done: Vec::new(),
        now: Phrase::default(),
    };
    for at in 0..lexemes.len() {
        cutter.take(at);
    }
    cutter.close(lexemes.len(), false);
    cutter.done
}

struct Cutter<'a> {
    lexemes: &'a [Lexeme],
    done: Vec<Phrase>,
    now: Phrase,
}

impl Cutter<'_> {
    fn close(&mut self, at: usize, goes_on: bool) {
        let mut phrase = std::mem::take(&mut self.now);
        phrase.all.end = at;
        if !phrase.all.is_empty() {
            self.done.push(phrase);
        }
        self.now = Phrase {
            all: at..at,
            goes_on,
            ..Phrase::default()
        };
    }

    /// Whether a noun follows before anything but words that describe one.
    fn noun_follows(&self, at: usize) -> bool {
        for lexeme in self.lexemes.iter().skip(at + 1).take(6) {
            match lexeme.kind() {
                Some(Kind::Colour | Kind::Size | Kind::Adjective | Kind::Count) => (),
                Some(kind) => return kind.is_noun(),
                None => return lexeme.sense == Sense::Strange,
            }
        }
        false
    }

    fn take(&mut self, at: usize) {
        let lexeme = &self.lexemes[at];
        let word = lexeme.words.as_str();
        let Some(kind) = lexeme.kind() else {
            match lexeme.sense {
                Sense::Negation => {
                    self.close(at, true);
                    self.now.negated = true;
                }
                Sense::Break => self.close(at + 1, false),
                _ => self.now.strange.push(at),
            }
            return;
        };
        // A new phrase begins where something describes a noun that is still to come.
        let describes = matches!(kind, Kind::Colour | Kind::Size | Kind::Count);
        let parts = (describes && self.noun_follows(at)) || ARTICLES.contains(&word);
        if parts && !self.now.is_empty() && !self.after_of(at) && !self.after_colour(at) {
            self.close(at, true);
        }
        match kind {
            Kind::Relation => self.joint(at, word),
            Kind::Thing | Kind::Near | Kind::Noun | Kind::Outside if GROUNDS.contains(&word) => {
                self.ground(at)
            }
            Kind::Polite if GROUNDS.contains(&word) => self.ground(at),
            Kind::Thing | Kind::Near | Kind::Noun | Kind::Outside => {
                if self.now.background.is_some() {
                    self.close(at, true);
                }
                // "Pigs that fly": what they do, not an insect.
                if word == "fly" && !self.now.nouns.is_empty() {
                    self.now.left_out.push(at);
                } else {
                    self.now.nouns.push(at);
                }
            }
            Kind::Background => {
                if !self.now.is_empty() {
                    self.close(at, true);
                }
                self.now.background = Some(at);
            }
            Kind::Colour => self.now.colours.push(at),
            Kind::Size => self.now.sizes.push(at),
            Kind::Count => self.now.count.push(at),
            Kind::Place => self.place(at),
            Kind::Verb => {
                if !self.now.is_empty() {
                    self.close(at, true);
                }
                self.now.left_out.push(at);
            }
            Kind::Style | Kind::Adjective => self.now.left_out.push(at),
            Kind::Polite => (),
        }
    }

    fn after_of(&self, at: usize) -> bool {
        at.checked_sub(1)
            .is_some_and(|before| OF.contains(&self.lexemes[before].words.as_str()))
    }

    /// "Red and white": the second colour is of the same noun.
    fn after_colour(&self, at: usize) -> bool {
        self.lexemes[at].is(Kind::Colour)
            && at
                .checked_sub(1)
                .is_some_and(|before| self.lexemes[before].is(Kind::Colour))
    }

    /// "A blue background": a background, if there is a colour.
    fn ground(&mut self, at: usize) {
        if self.now.nouns.is_empty() && !self.now.colours.is_empty() {
            self.now.background = Some(at);
        } else if self.lexemes[at].kind().is_some_and(Kind::is_noun) {
            self.now.nouns.push(at);
        }
    }

    fn joint(&mut self, at: usize, word: &str) {
        let described =
            !self.now.count.is_empty() || !self.now.colours.is_empty() || !self.now.sizes.is_empty();
        if OF.contains(&word) {
            if self.now.background.is_some() {
                self.close(at, true);
            } else if let Some(&noun) = self.now.nouns.last() {
                self.now.containers.push(noun);
                self.now.left_out.extend(self.now.nouns.iter().rev().skip(1));
                self.now.nouns.clear();
                self.now.left_out.append(&mut self.now.colours);
            }
            return;
        }
        // "Red and white car", "big and small": not a new phrase.
        if self.now.is_empty() && described && matches!(word, "and" | "&" | "und" | "et" | "y" | "e") {
            return;
        }
        // "A cat that is sitting, in the snow": the joint of what follows the last one counts.
        self.close(at, true);
        self.now.joint = Some(at);
        self.now.weak = WEAK.contains(&word);
    }

    fn place(&mut self, at: usize) {
        self.now.places.push(at);
        if !self.now.is_empty() {
            self.close(at + 1, true);
        }
    }
}
