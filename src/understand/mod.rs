//! What is typed is understood before it is drawn.
//!
//! The starter model draws the things of a small world, from captions of one style. Here a prompt in
//! anybody's words becomes such a caption: a table says what words mean, a small grammar what they say of
//! each other, and what is left over is told with a reason. A caption of the model's own style passes
//! through unchanged. The way of a text is
//!
//! | module | step |
//! |---|---|
//! | `table`, `spelling` | the words there are, and those that are mistyped |
//! | `lexemes` | the text as words with a meaning each |
//! | `phrases` | words as phrases: what each is about |
//! | `grammar`, `describe` | phrases as a scene, and what is left over |
//! | `suit` | what a caption needs and nobody said |
//! | `caption` | the scene in the model's words |
//! | `trained` | texts that are such captions already |
//! | `edit` | a part taken out of the text or replaced in it |
//!
//! Nothing here fails or panics, whatever is typed, and time grows with the length of the text alone.

mod caption;
mod describe;
mod edit;
mod grammar;
mod lexemes;
mod phrases;
mod spelling;
mod suit;
mod table;
#[cfg(test)]
mod tests;
mod trained;

pub use edit::{text_with, text_without};
pub use table::{BackgroundInfo, ThingInfo};

use caption::Scene;
use std::fmt;
use std::ops::Range;
use table::{Kind, TABLE};

/// More of a text is not read.
const MOST_BYTES: usize = 4000;

/// What a text was understood as.
#[derive(Clone, Debug, PartialEq)]
pub struct Understanding {
    /// The text itself.
    pub typed: String,
    /// What the model is given; the typed text where nothing is to be drawn.
    pub caption: String,
    /// What is drawn, in the order of the text; what was chosen comes last.
    pub parts: Vec<Part>,
    /// What is not, in the order of the text.
    pub unknown: Vec<Unknown>,
    /// Whether it can be drawn.
    pub verdict: Verdict,
    scene: Scene,
}

impl Understanding {
    /// Whether there is nothing of it that could be drawn.
    pub fn is_outside(&self) -> bool {
        matches!(self.verdict, Verdict::Outside { .. })
    }
}

/// Whether a text can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its things are the world's own.
    Known,
    /// Something in it is replaced by what is near: say so.
    Near,
    /// Its main thing is none of the world's, nor near one.
    Outside {
        /// Names of three things to offer instead.
        near: [String; 3],
    },
    /// There is nothing in it.
    Empty,
}

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it says.
    pub kind: PartKind,
    /// The world's name of it, such as "dog", "meadow", "two", "left of".
    pub meaning: String,
    /// As typed, such as "puppy"; empty if chosen.
    pub words: String,
    /// Where that stands, in bytes of the text; empty at the end if chosen.
    pub range: Range<usize>,
    /// Not typed: picked because it suits.
    pub chosen: bool,
    /// Other meanings it could have, the likeliest first.
    pub alternatives: Vec<String>,
    /// All that goes with it: joint, article, colour.
    span: Range<usize>,
    /// The number of the thing it is about.
    item: usize,
}

/// What a part says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A thing.
    Thing,
    /// What is behind everything.
    Background,
    /// The colour of a thing.
    Colour,
    /// How many there are of a thing.
    Count,
    /// How big a thing is.
    Size,
    /// Where in the picture a thing is.
    Place,
    /// How a thing stands to the one before.
    Relation,
}

/// Words that are not drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As typed.
    pub words: String,
    /// Where they stand, in bytes of the text.
    pub range: Range<usize>,
    /// Why they are not drawn.
    pub reason: Reason,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.words, self.reason)
    }
}

/// Why words are not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something is done.
    Verb,
    /// How something looks beyond colour and size.
    Adjective,
    /// How the picture is to be made.
    Style,
    /// A person or people.
    Person,
    /// Somebody's or a place's name.
    Name,
    /// A brand, a work or its figures.
    Brand,
    /// Part of a body.
    Body,
    /// Nothing that can be seen.
    Abstract,
    /// A thing the world lacks.
    NotAThing,
    /// No word there is.
    Strange,
    /// A colour the thing cannot have.
    Colour,
    /// A thing has one colour.
    SecondColour,
    /// A size that cannot be shown here.
    Size,
    /// A number that cannot be shown here.
    Count,
    /// A place that cannot be shown here.
    Place,
    /// More than two things stand beside each other.
    Relation,
    /// A picture has one background.
    SecondBackground,
    /// A picture has four things at most.
    TooMany,
    /// What is not wanted is not drawn anyway.
    Negated,
    /// It only says more of something else.
    Beside,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verb => "the starter draws things standing still",
            Self::Adjective => "the starter knows colours and sizes only",
            Self::Style => "the starter has one style",
            Self::Person => "the starter draws no people",
            Self::Name => "the starter knows no names",
            Self::Brand => "the starter knows no brands or famous figures",
            Self::Body => "the starter draws no single parts of a body",
            Self::Abstract => "it is nothing that the starter could show",
            Self::NotAThing => "it is not one of the starter's things",
            Self::Strange => "the starter does not know this word",
            Self::Colour => "this thing does not come in this colour",
            Self::SecondColour => "a thing has one colour here",
            Self::Size => "sizes are shown of one thing alone, or of two beside each other",
            Self::Count => "this number cannot be shown here",
            Self::Place => "this place cannot be shown here",
            Self::Relation => "of more than two things each gets a place of its own",
            Self::SecondBackground => "a picture has one background",
            Self::TooMany => "the starter draws four different things at most",
            Self::Negated => "only what is named is drawn",
            Self::Beside => "it only says more about another word",
        })
    }
}

/// Understands a text.
pub fn understand(text: &str) -> Understanding {
    let read = head_of(text, MOST_BYTES);
    let lexemes = lexemes::read(read);
    let phrases = phrases::cut(&lexemes);
    let mut reading = grammar::Grammar::read(&lexemes, &phrases);
    suit::complete(&mut reading, text.len());
    for part in &mut reading.parts {
        part.words = text.get(part.range.clone()).unwrap_or("").to_owned();
    }
    for unknown in &mut reading.unknown {
        unknown.words = text.get(unknown.range.clone()).unwrap_or("").to_owned();
    }
    let trained = is_caption(text);
    let says = |lexeme: &lexemes::Lexeme| {
        lexeme.sense != lexemes::Sense::Break && lexeme.kind() != Some(Kind::Polite)
    };
    let nothing = reading.outside || reading.scene.items.is_empty();
    let verdict = if trained {
        Verdict::Known
    } else if !lexemes.iter().any(says) {
        Verdict::Empty
    } else if nothing {
        Verdict::Outside {
            near: suit::offers(&reading, text),
        }
    } else if reading.near {
        Verdict::Near
    } else {
        Verdict::Known
    };
    if nothing && !trained {
        // Nothing is drawn: so there are no parts of a picture.
        reading.parts.clear();
        reading.scene = Scene::default();
    }
    let as_typed = trained || !matches!(verdict, Verdict::Known | Verdict::Near);
    Understanding {
        typed: text.to_owned(),
        caption: if as_typed {
            text.to_owned()
        } else {
            reading.scene.caption()
        },
        parts: reading.parts,
        unknown: reading.unknown,
        verdict,
        scene: reading.scene,
    }
}

/// The beginning of a text, at most so many bytes.
fn head_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    end.and_then(|end| text.get(..end)).unwrap_or("")
}

/// Whether a text is worded as the model's training captions are; `understand` leaves it as it is.
pub fn is_caption(text: &str) -> bool {
    trained::is_scene(text) || trained::is_edit(text)
}

/// All things, in the order of the world.
pub fn things() -> &'static [ThingInfo] {
    &TABLE.things
}

/// All backgrounds, in the order of the world.
pub fn backgrounds() -> &'static [BackgroundInfo] {
    &TABLE.backgrounds
}

/// Words of the world that begin as the last word of a text does, things first; at most `most`.
///
/// Each is to stand instead of that last word, or of the last two where it has more than one.
pub fn complete(prefix: &str, most: usize) -> Vec<String> {
    let tail = prefix
        .rsplit([',', '.', ';', ':', '\n'])
        .next()
        .unwrap_or("")
        .trim_start()
        .to_lowercase();
    if tail.is_empty() || prefix.ends_with([' ', ',', '.', ';', ':', '\n']) {
        return Vec::new();
    }
    let last = tail.rsplit(' ').next().unwrap_or("");
    let two = tail
        .rmatch_indices(' ')
        .nth(1)
        .and_then(|(at, _)| tail.get(at + 1..))
        .unwrap_or(&tail);
    let names = TABLE.things.iter().map(|noun| noun.word(1));
    let others = TABLE
        .things
        .iter()
        .flat_map(|noun| noun.words.iter().skip(1).map(|pair| pair[0].as_str()));
    let things = names.chain(others);
    let grounds = TABLE.backgrounds.iter().map(|one| one.name.as_str());
    let sizes = ["small", "big", "two", "three", "four", "five", "background"];
    let all: Vec<&str> = things.chain(grounds).chain(sizes).collect();
    let mut found: Vec<String> = Vec::new();
    // What the last two words begin is meant rather than what the last one does.
    let typed = if two == last { vec![last] } else { vec![two, last] };
    for begun in typed {
        for word in all
            .iter()
            .filter(|word| word.starts_with(begun) && **word != begun)
        {
            if found.len() < most && found.iter().all(|one| one != word) {
                found.push((*word).to_owned());
            }
        }
    }
    found
}

/// A word of the world with its article, as captions have it: "a dog", "an owl".
pub fn with_article(word: &str) -> String {
    let thing = TABLE.thing(word);
    // "Scissors", "grapes": there is no single one.
    match thing.is_some_and(|thing| word.ends_with('s') && thing.word(2) == word) {
        true => word.to_owned(),
        false => format!("{} {word}", caption::article(word)),
    }
}

/// What is said of a text that is wholly outside the world, with three things to offer instead.
pub fn outside(near: &[String; 3]) -> String {
    format!(
        "the built-in starter draws 170 simple things, and this is none of them: try {}, bring the published model \
         for any other subject (--model), or have your words drawn as they are (--as-typed)",
        offered(near)
    )
}

/// "A castle, a house or a tree."
pub fn offered(near: &[String; 3]) -> String {
    let [first, second, third] = near.each_ref().map(|thing| with_article(thing));
    format!("{first}, {second} or {third}")
}
