//! The words there are: the recipe's `words.tsv` and the world's own, read once.
//!
//! Invariants: every target of a thing is a noun of the world, every target of a background one of its
//! backgrounds; a line that does not hold to this is left out, so that nothing here can fail.

use super::article::article;
use super::spelling::Spelling;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

const WORDS: &str = include_str!("../../assets/starter/recipe/words.tsv");
const WORLD: &str = include_str!("../../assets/starter/recipe/world.json");

/// Most words a compound of the table may have.
pub(super) const LONGEST: usize = 6;

/// The numbers captions know, by count.
pub(super) const NUMBERS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Thing,
    /// Drawn as another thing that is near.
    Near,
    Background,
    Colour,
    Count,
    Size,
    Place,
    Relation,
    Style,
    Polite,
    Adjective,
    Verb,
    /// A thing the world lacks.
    Noun,
    Outside,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "thing" => Self::Thing,
            "near" => Self::Near,
            "background" => Self::Background,
            "colour" => Self::Colour,
            "count" => Self::Count,
            "size" => Self::Size,
            "place" => Self::Place,
            "relation" => Self::Relation,
            "style" => Self::Style,
            "polite" => Self::Polite,
            "adjective" => Self::Adjective,
            "verb" => Self::Verb,
            "noun" => Self::Noun,
            "outside" => Self::Outside,
            _ => return None,
        })
    }

    /// Whether it is a thing that can be drawn.
    pub(super) fn is_thing(self) -> bool {
        matches!(self, Self::Thing | Self::Near)
    }

    /// Whether it says something about the picture.
    pub(super) fn is_drawn(self) -> bool {
        !matches!(
            self,
            Self::Style | Self::Polite | Self::Adjective | Self::Verb | Self::Noun | Self::Outside
        )
    }

    /// Whether it can be what a phrase is about.
    pub(super) fn is_noun(self) -> bool {
        matches!(self, Self::Thing | Self::Near | Self::Noun | Self::Outside)
    }
}

/// The meaning of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) target: &'static str,
    /// Of what is near: other things as near, with commas between them.
    pub(super) others: &'static str,
    /// More than one of it.
    pub(super) plural: bool,
}

/// A noun of the world.
#[derive(Clone, Debug, Deserialize)]
pub struct ThingInfo {
    /// Its name, which parts use as their meaning.
    pub name: String,
    /// Words for it, singular and plural; the first are what captions mostly say.
    pub words: Vec<[String; 2]>,
    kind: String,
    /// Names of the backgrounds that suit it, best first.
    #[serde(skip)]
    pub suits: Vec<&'static str>,
    #[serde(skip)]
    natural: &'static str,
    #[serde(skip)]
    like: &'static str,
}

impl ThingInfo {
    /// With its article, as a prompt: "a dog", "an apple".
    pub fn prompt(&self) -> String {
        with_article(self.word(1))
    }

    /// The caption's word for so many of it.
    pub fn word(&self, count: usize) -> &str {
        self.words
            .first()
            .map_or(&self.name, |pair| &pair[usize::from(count > 1)])
    }

    /// Whether it can be drawn in a colour that is asked for.
    pub fn takes_colours(&self) -> bool {
        self.kind != "plain"
    }

    /// Whether it is a plain shape: captions always name its colour.
    pub fn is_shape(&self) -> bool {
        self.kind == "shape"
    }

    pub(super) fn has_by_nature(&self, colour: &str) -> bool {
        self.natural.split(',').any(|one| one == colour)
    }

    /// Things near it, best first.
    pub fn like(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.like.split(',').filter(|name| !name.is_empty())
    }
}

/// A background of the world.
#[derive(Clone, Debug, Deserialize)]
pub struct BackgroundInfo {
    /// Its name, which parts use as their meaning.
    pub name: String,
    /// How captions say it; the first is the most frequent.
    pub words: Vec<String>,
}

impl BackgroundInfo {
    /// How captions mostly say it.
    pub fn caption(&self) -> &str {
        self.words.first().map_or(&self.name, String::as_str)
    }
}

#[derive(Deserialize)]
struct World {
    nouns: Vec<ThingInfo>,
    backgrounds: Vec<BackgroundInfo>,
    tints: Vec<String>,
}

/// All words.
pub(super) struct Table {
    pub(super) things: Vec<ThingInfo>,
    pub(super) backgrounds: Vec<BackgroundInfo>,
    pub(super) tints: Vec<String>,
    thing_at: HashMap<String, usize>,
    /// Plurals of the world's own nouns, to the nouns' places.
    plurals: HashMap<String, usize>,
    lines: Lines,
    pub(super) spelling: Spelling,
}

/// The table, read at its first use.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

/// Slots for lines, a power of two and more than twice as many as there are lines.
const SLOTS: usize = 1 << 16;

/// The lines of the file by their words; what they say is read when it is asked for.
struct Lines {
    /// One more than where a line begins, 0 where there is none; lines whose slot is taken are in the next.
    slots: Vec<u32>,
    /// Whether a compound may begin with a word of that hash.
    starts: Vec<bool>,
    held: usize,
}

/// FNV-1a: the words are the program's own, so that a hash need only be quick.
fn slot_of(word: &str) -> usize {
    let hash = word.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash ^ (hash >> 16)) as usize % SLOTS
}

impl Lines {
    fn hold(&mut self, word: &str, start: usize) {
        let (mut slot, Ok(start)) = (slot_of(word), u32::try_from(start)) else {
            return;
        };
        // Some slots stay empty, so that every search ends.
        if self.held >= SLOTS - SLOTS / 8 {
            return;
        }
        while self.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        (self.slots[slot], self.held) = (start + 1, self.held + 1);
        if let Some((first, _)) = word.split_once(' ') {
            self.starts[slot_of(first)] = true;
        }
    }

    /// The word as the file has it and the fields after it, of every line that is of it.
    fn of(&self, word: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        let first = slot_of(word);
        let starts = (0..SLOTS).map_while(move |by| self.slots[(first + by) % SLOTS].checked_sub(1));
        starts.filter_map(move |start| {
            let line = WORDS.get(start as usize..)?;
            let rest = line.strip_prefix(word)?.strip_prefix('\t')?;
            Some((line.get(..word.len())?, rest.split('\n').next()?))
        })
    }
}

impl Table {
    fn read() -> Self {
        let world = serde_json::from_str(WORLD).unwrap_or(World {
            nouns: Vec::new(),
            backgrounds: Vec::new(),
            tints: Vec::new(),
        });
        let mut table = Self {
            thing_at: (0..)
                .zip(&world.nouns)
                .map(|(at, noun)| (noun.name.clone(), at))
                .collect(),
            things: world.nouns,
            backgrounds: world.backgrounds,
            tints: world.tints,
            plurals: HashMap::new(),
            lines: Lines {
                slots: vec![0; SLOTS],
                starts: vec![false; SLOTS],
                held: 0,
            },
            spelling: Spelling::default(),
        };
        let mut start = 0;
        for line in WORDS.split_inclusive('\n') {
            table.line(line.trim_end(), start);
            start += line.len();
        }
        for (at, noun) in table.things.iter().enumerate() {
            for [one, many] in &noun.words {
                if one != many {
                    table.plurals.insert(many.clone(), at);
                    table.spelling.learn(many, true);
                }
                table.spelling.learn(one, true);
            }
        }
        table
    }

    fn line(&mut self, line: &'static str, start: usize) {
        let Some((word, rest)) = line.split_once('\t') else {
            return;
        };
        let (name, target) = rest.split_once('\t').unwrap_or((rest, ""));
        if let Some(kind) = Kind::named(name) {
            self.lines.hold(word, start);
            // Typing errors are looked for in words that say what to draw.
            if kind.is_drawn() && !word.contains(' ') && !target.contains('\t') {
                self.spelling.learn(word, kind == Kind::Background);
            }
        } else if let Some(thing) = self.thing_at.get(word).and_then(|&at| self.things.get_mut(at)) {
            match name {
                "suits" => thing.suits = target.split(',').collect(),
                "natural" => thing.natural = target,
                "like" => thing.like = target,
                _ => (),
            }
        }
    }

    /// The meanings of a word, with the language of each; that of English is empty.
    fn meanings(&self, word: &str) -> impl Iterator<Item = (&'static str, Entry)> {
        self.lines.of(word).filter_map(move |(word, rest)| {
            let mut fields = rest.split('\t');
            let kind = Kind::named(fields.next()?)?;
            let (target, language) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
            let target = if target.is_empty() { word } else { target };
            let (target, others) = match kind {
                Kind::Near => target.split_once(',').unwrap_or((target, "")),
                _ => (target, ""),
            };
            let known = match kind {
                Kind::Thing | Kind::Near => self.thing_at.contains_key(target),
                Kind::Background => self.background(target).is_some(),
                _ => true,
            };
            known.then_some((
                language,
                Entry {
                    kind,
                    target,
                    others,
                    plural: false,
                },
            ))
        })
    }

    pub(super) fn thing(&self, name: &str) -> Option<&ThingInfo> {
        self.things.get(*self.thing_at.get(name)?)
    }

    pub(super) fn background(&self, name: &str) -> Option<&BackgroundInfo> {
        self.backgrounds.iter().find(|one| one.name == name)
    }

    /// Whether compounds begin with this word.
    pub(super) fn starts_compound(&self, word: &str) -> bool {
        self.lines.starts[slot_of(word)]
    }

    /// A word exactly as the English part has it, or a plural of the world's own.
    pub(super) fn exact(&self, word: &str) -> Option<Entry> {
        let own = self.plurals.get(word).and_then(|&at| self.things.get(at));
        let (word, plural) = own.map_or((word, false), |thing| (thing.name.as_str(), true));
        let (_, entry) = self.meanings(word).find(|(language, _)| language.is_empty())?;
        Some(Entry { plural, ..entry })
    }

    /// An English word in any of its forms.
    pub(super) fn english(&self, word: &str) -> Option<Entry> {
        self.exact(word)
            .or_else(|| self.plural(word))
            .or_else(|| self.inflected(word))
    }

    fn plural(&self, word: &str) -> Option<Entry> {
        if word.len() < 4 {
            return None;
        }
        let rules = [
            ("ies", "y"),
            ("ves", "f"),
            ("ves", "fe"),
            ("men", "man"),
            ("es", ""),
            ("s", ""),
        ];
        for (ending, instead) in rules {
            let Some(stem) = word.strip_suffix(ending) else {
                continue;
            };
            let single = format!("{stem}{instead}");
            if let Some(entry) = self.exact(&single).filter(|entry| !entry.plural)
                && (entry.kind.is_noun() || entry.kind == Kind::Background)
                && !(ending == "s" && stem.ends_with('s'))
            {
                return Some(Entry {
                    plural: true,
                    ..entry
                });
            }
        }
        None
    }

    /// Forms of verbs and adjectives.
    fn inflected(&self, word: &str) -> Option<Entry> {
        let is = |base: &str, kinds: &[Kind]| {
            let entry = self.exact(base)?;
            kinds.contains(&entry.kind).then_some(entry)
        };
        let verbs = [Kind::Verb, Kind::Noun, Kind::Outside, Kind::Adjective];
        for ending in [
            "ing", "ed", "es", "s", "er", "est", "ly", "y", "ish", "like", "less",
        ] {
            let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 3) else {
                continue;
            };
            let undoubled = || {
                let mut letters = stem.chars().rev();
                (letters.next()? == letters.next()?)
                    .then(|| stem.get(..stem.len() - 1))
                    .flatten()
            };
            let with_e = format!("{stem}e");
            let with_y = stem.strip_suffix('i').map(|stem| format!("{stem}y"));
            let bases = [Some(stem), Some(with_e.as_str()), undoubled(), with_y.as_deref()];
            let found = bases.into_iter().flatten().find_map(|base| is(base, &verbs));
            if found.is_some() {
                let verb = matches!(ending, "ing" | "ed" | "es" | "s");
                let kind = if verb { Kind::Verb } else { Kind::Adjective };
                return Some(Entry {
                    kind,
                    target: "",
                    others: "",
                    plural: false,
                });
            }
        }
        None
    }

    /// A word in a language, or in the first there is where none is given.
    pub(super) fn foreign(&self, word: &str, language: Option<&str>) -> Option<Entry> {
        let mut found = self.meanings(word).filter(|(of, _)| !of.is_empty());
        found
            .find(|(of, _)| language.is_none_or(|wanted| wanted == *of))
            .map(|(_, entry)| entry)
    }

    /// The languages other than English that have a word.
    pub(super) fn languages(&self, word: &str) -> impl Iterator<Item = &'static str> {
        self.meanings(word)
            .map(|(language, _)| language)
            .filter(|language| !language.is_empty())
    }
}

/// A word of the world with its article, as captions have it: "a dog", "an owl".
pub fn with_article(word: &str) -> String {
    let thing = TABLE.thing(word);
    // "Scissors", "grapes": there is no single one.
    match thing.is_some_and(|thing| word.ends_with('s') && thing.word(2) == word) {
        true => word.to_owned(),
        false => format!("{} {word}", article(word)),
    }
}
