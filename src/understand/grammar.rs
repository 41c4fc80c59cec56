//! Phrases as a scene: which things, how many, where, before what, and what of the text is left over.
//!
//! Invariant: the scene holds only nouns, backgrounds, colours and places that captions know.

use super::caption::{Item, Said, Scene};
use super::lexemes::Lexeme;
use super::phrases::{Head, Phrase, soft};
use super::table::{Entry, Kind, TABLE};
use super::understanding::{Part, PartKind, Reason, Unknown};
use std::ops::Range;

/// Most things of a caption.
const MOST: usize = 4;
pub(super) const PLACES: [&str; 9] = [
    "left",
    "right",
    "top",
    "bottom",
    "middle",
    "top left",
    "top right",
    "bottom left",
    "bottom right",
];
pub(super) const RELATIONS: [&str; 7] = [
    "and",
    "left of",
    "right of",
    "above",
    "below",
    "in front of",
    "behind",
];

/// What a text comes to.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) scene: Scene,
    pub(super) parts: Vec<Part>,
    pub(super) unknown: Vec<Unknown>,
    /// The main thing is one the world lacks.
    pub(super) outside: bool,
    /// What to offer instead of it, and of what kind it is.
    pub(super) offers: &'static str,
    /// Something is drawn as another thing that is near.
    pub(super) near: bool,
    /// Something was asked for, known or not.
    pub(super) asked: bool,
}

/// Reads phrases one after another.
pub(super) struct Grammar<'a> {
    pub(super) lexemes: &'a [Lexeme],
    pub(super) out: Reading,
    /// A place that was said before its thing.
    pending: Option<usize>,
    decided: bool,
}

impl<'a> Grammar<'a> {
    pub(super) fn read(lexemes: &'a [Lexeme], phrases: &[Phrase]) -> Reading {
        let mut grammar = Self {
            lexemes,
            out: Reading::default(),
            pending: None,
            decided: false,
        };
        for phrase in phrases {
            grammar.phrase(phrase);
        }
        if let Some(place) = grammar.pending.take() {
            grammar.place(place);
        }
        grammar
            .out
            .parts
            .sort_by_key(|part| (part.range.start, part.range.end));
        grammar
            .out
            .unknown
            .sort_by_key(|one| (one.range.start, one.range.end));
        grammar.out
    }

    fn span(&self, all: &Range<usize>) -> Range<usize> {
        let first = self.lexemes.get(all.start).map_or(0, |one| one.range.start);
        let last = all
            .end
            .checked_sub(1)
            .and_then(|at| self.lexemes.get(at))
            .map_or(first, |one| one.range.end);
        first..last.max(first)
    }

    pub(super) fn part(&mut self, kind: PartKind, meaning: &str, at: usize, span: Range<usize>) {
        let lexeme = &self.lexemes[at];
        self.out.parts.push(Part {
            kind,
            meaning: meaning.to_owned(),
            words: String::new(),
            range: lexeme.range.clone(),
            chosen: false,
            alternatives: Vec::new(),
            span,
            item: self.out.scene.items.len().saturating_sub(1),
        });
    }

    pub(super) fn unknown(&mut self, at: usize, reason: Reason) {
        let range = self.lexemes[at].range.clone();
        self.out.unknown.push(Unknown {
            words: String::new(),
            range,
            reason,
        });
    }

    /// Why a word that is not drawn is not.
    fn reason(&self, at: usize) -> Reason {
        match self.lexemes[at].kind() {
            Some(Kind::Verb) => Reason::Verb,
            Some(Kind::Style) => Reason::Style,
            Some(Kind::Adjective) => Reason::Adjective,
            Some(Kind::Outside) => match self.lexemes[at].entry().map_or("", |entry| entry.target) {
                "person" => Reason::Person,
                "name" => Reason::Name,
                "brand" => Reason::Brand,
                "body" => Reason::Body,
                _ => Reason::Abstract,
            },
            Some(Kind::Noun) => Reason::NotAThing,
            Some(Kind::Colour) => Reason::Colour,
            Some(Kind::Size) => Reason::Size,
            Some(Kind::Count) => Reason::Count,
            Some(Kind::Place) => Reason::Place,
            Some(_) => Reason::Beside,
            None => Reason::Strange,
        }
    }

    fn leave_out(&mut self, numbers: &[usize]) {
        for &at in numbers {
            self.unknown(at, self.reason(at));
        }
    }

    fn phrase(&mut self, phrase: &Phrase) {
        if phrase.negated {
            let drawn = |&at: &usize| self.lexemes[at].kind() != Some(Kind::Polite);
            for at in phrase.all.clone().filter(drawn).collect::<Vec<_>>() {
                if self.lexemes[at].sense != super::lexemes::Sense::Break {
                    self.unknown(at, Reason::Negated);
                }
            }
            return;
        }
        self.leave_out(&phrase.left_out);
        self.out.asked |= !phrase.left_out.is_empty();
        match phrase.head(self.lexemes) {
            Head::Background(at) => self.background(phrase, at),
            Head::Noun(at) if self.lexemes[at].kind().is_some_and(Kind::is_thing) => self.thing(phrase, at),
            Head::Noun(at) => self.lacking(phrase, at),
            Head::Nothing => self.nothing(phrase),
        }
    }

    fn background(&mut self, phrase: &Phrase, at: usize) {
        self.out.asked = true;
        let entry = self.lexemes[at].entry();
        let by_colour = phrase
            .colours
            .last()
            .and_then(|&colour| self.lexemes[colour].entry());
        let colour = by_colour
            .map(|entry| entry.target)
            .filter(|name| TABLE.background(name).is_some());
        let is_ground = entry.is_none_or(|entry| entry.kind != Kind::Background);
        let name = match entry {
            Some(entry) if !is_ground => entry.target,
            _ => colour.unwrap_or("white"),
        };
        if self.out.scene.background.is_some() {
            self.unknown(at, Reason::SecondBackground);
            return;
        }
        let name = self.shore(phrase, at).unwrap_or(name);
        self.out.scene.background = Some(Said {
            value: name,
            typed: true,
        });
        let first = phrase
            .colours
            .first()
            .copied()
            .filter(|_| is_ground)
            .unwrap_or(at);
        self.part(PartKind::Background, name, at, self.span(&phrase.all));
        if let Some(part) = self.out.parts.last_mut() {
            part.range.start = part.range.start.min(self.lexemes[first].range.start);
        }
        let numbers: Vec<usize> = [&phrase.strange[..], &phrase.sizes[..], &phrase.count[..]].concat();
        for at in numbers {
            self.unknown(
                at,
                if self.lexemes[at].kind().is_some() {
                    Reason::Beside
                } else {
                    Reason::Strange
                },
            );
        }
        if !is_ground {
            phrase
                .colours
                .iter()
                .for_each(|&at| self.unknown(at, Reason::Beside));
        }
        self.places(phrase);
    }

    /// The shore, where what stands by or over waters, or in small ones, does not live in them.
    fn shore(&self, phrase: &Phrase, at: usize) -> Option<&'static str> {
        const SMALL: [&str; 8] = [
            "lake",
            "pond",
            "river",
            "stream",
            "pool",
            "swimming pool",
            "puddle",
            "swamp",
        ];
        const WIDE: [&str; 4] = ["sea", "ocean", "water", "waves"];
        const BY: [&str; 9] = [
            "by",
            "near",
            "beside",
            "next to",
            "close to",
            "over",
            "above",
            "flying over",
            "in front of",
        ];
        let words = self.lexemes[at].words.as_str();
        let joint = self.lexemes[phrase.joint?].words.as_str();
        let first = TABLE.thing(self.out.scene.items.first()?.noun)?;
        let lives = first.suits.contains(&"sea") || first.name == "fish";
        let beside = SMALL.contains(&words) || (WIDE.contains(&words) && BY.contains(&joint));
        (beside && !lives).then_some("beach")
    }

    fn places(&mut self, phrase: &Phrase) {
        for &at in &phrase.places {
            self.place(at);
        }
    }

    /// Gives a place to the last thing.
    fn place(&mut self, at: usize) {
        let Some(name) = self.lexemes[at].entry().map(|entry| entry.target) else {
            return;
        };
        match self.out.scene.items.last_mut() {
            Some(item) if item.place.is_none() && PLACES.contains(&name) => {
                item.place = Some(name);
                let span = self.lexemes[at].range.clone();
                self.part(PartKind::Place, name, at, span);
            }
            _ => self.unknown(at, Reason::Place),
        }
    }

    fn nothing(&mut self, phrase: &Phrase) {
        // "An orange": the fruit. "A baby": a person.
        if let Some(&at) = phrase.colours.last()
            && matches!(self.lexemes[at].words.as_str(), "orange" | "naranja" | "laranja")
            && phrase.places.is_empty()
        {
            let mut fruit = phrase.clone();
            fruit.colours.pop();
            return self.item(&fruit, at, "peach", true);
        }
        let lone = |&&at: &&usize| matches!(self.lexemes[at].words.as_str(), "baby" | "giant" | "dwarf");
        if let Some(&at) = phrase.sizes.iter().find(lone) {
            self.unknown(at, Reason::Person);
            self.outside("");
            return;
        }
        for &at in [&phrase.colours[..], &phrase.sizes[..], &phrase.count[..]]
            .concat()
            .iter()
        {
            self.out.asked = true;
            self.unknown(at, Reason::Beside);
        }
        for &at in &phrase.places {
            if let Some(before) = self.pending.replace(at) {
                self.place(before);
            }
        }
        // A place at the end of what went before.
        if phrase.goes_on
            && let Some(at) = self.pending.filter(|_| phrase.joint.is_none())
            && self
                .out
                .scene
                .items
                .last()
                .is_some_and(|item| item.place.is_none())
        {
            self.pending = None;
            self.place(at);
        }
    }

    /// The main thing, if it is the first, is one the world lacks.
    fn outside(&mut self, offers: &'static str) {
        self.out.asked = true;
        if !self.decided {
            (self.decided, self.out.outside, self.out.offers) = (true, true, offers);
        }
    }

    fn lacking(&mut self, phrase: &Phrase, head: usize) {
        self.out.asked = true;
        let all = [&phrase.nouns[..], &phrase.strange[..], &phrase.containers[..]].concat();
        for &at in &all {
            self.unknown(at, self.reason(at));
        }
        for &at in [&phrase.colours[..], &phrase.sizes[..], &phrase.count[..]]
            .concat()
            .iter()
        {
            self.unknown(at, Reason::Beside);
        }
        if let Some(&place) = phrase.places.last() {
            self.unknown(place, Reason::Place);
        }
        self.pending = None;
        if soft(&self.lexemes[head]) || (phrase.weak && self.decided) {
            return;
        }
        let entry = self.lexemes[head].entry();
        let hints =
            entry.filter(|entry| entry.kind == Kind::Noun && entry.target != self.lexemes[head].words);
        // "A dog bowl": the dog is offered first.
        let beside = all
            .iter()
            .filter_map(|&at| self.lexemes[at].entry())
            .find(|entry| entry.kind.is_thing());
        self.outside(beside.or(hints).map_or("", |entry| entry.target));
    }

    fn thing(&mut self, phrase: &Phrase, head: usize) {
        let Some(entry) = self.lexemes[head].entry() else {
            return;
        };
        // "A cactus in a pot": what is only near is no good to hold another thing.
        let joint = phrase
            .joint
            .and_then(|at| self.lexemes[at].entry())
            .map_or("", |entry| entry.target);
        let holds = entry.kind == Kind::Near && joint == "in" && !self.out.scene.items.is_empty();
        if (phrase.weak && self.decided) || holds {
            let reason = if holds { Reason::NotAThing } else { Reason::Beside };
            for &at in phrase.nouns.iter().chain(&phrase.containers) {
                self.unknown(at, reason);
            }
            return;
        }
        for &at in phrase
            .nouns
            .iter()
            .chain(&phrase.containers)
            .chain(&phrase.strange)
        {
            if at != head {
                let reason = self.reason(at);
                self.unknown(at, reason);
            }
        }
        let noun = self.in_its_colour(phrase, entry);
        self.item(phrase, head, noun, entry.kind == Kind::Near);
    }

    /// Of things that are as near, the one that has the colour that is asked for: a yellow flower is a
    /// sunflower.
    fn in_its_colour(&self, phrase: &Phrase, entry: Entry) -> &'static str {
        let colour = phrase.colours.iter().find_map(|&at| self.lexemes[at].entry());
        let has = |noun: &str, colour: &str| {
            TABLE
                .thing(noun)
                .is_some_and(|thing| thing.takes_colours() || thing.has_by_nature(colour))
        };
        match colour {
            Some(colour) if !has(entry.target, colour.target) => entry
                .others
                .split(',')
                .find(|noun| has(noun, colour.target))
                .unwrap_or(entry.target),
            _ => entry.target,
        }
    }

    fn item(&mut self, phrase: &Phrase, head: usize, noun: &'static str, near: bool) {
        self.out.asked = true;
        self.decided = true;
        if self.out.scene.items.len() >= MOST {
            self.unknown(head, Reason::TooMany);
            return;
        }
        let mut item = Item::of(noun);
        let later = !self.out.scene.items.is_empty();
        let relation = phrase
            .joint
            .and_then(|at| self.lexemes[at].entry())
            .map(|entry| entry.target);
        item.relation = relation
            .filter(|_| later)
            .map(|one| if RELATIONS.contains(&one) { one } else { "and" });
        let said = item.relation.filter(|&relation| relation != "and");
        self.out.scene.items.push(item);
        self.out.near |= near;
        self.part(PartKind::Thing, noun, head, self.span(&phrase.all));
        if let (Some(relation), Some(at)) = (said, phrase.joint) {
            let span = self.lexemes[at].range.clone();
            self.part(PartKind::Relation, relation, at, span);
        }
        self.counted(phrase, head);
        self.sized(phrase);
        self.coloured(phrase, noun);
        let mut places = phrase.places.clone();
        places.extend(self.pending.take());
        places.sort_unstable();
        for at in places {
            self.place(at);
        }
    }
}
