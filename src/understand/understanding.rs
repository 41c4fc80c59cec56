//! What a text was understood as: what is drawn, what is not, and why.

use super::caption::{Scene, place_words};
use std::fmt;
use std::ops::Range;

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
    pub(super) scene: Scene,
}

impl Understanding {
    /// Whether there is nothing of it that could be drawn.
    pub fn is_outside(&self) -> bool {
        matches!(self.verdict, Verdict::Outside { .. })
    }

    /// Its things, in the order of the caption.
    pub fn things(&self) -> Vec<Told> {
        let items = self.scene.items.iter();
        items
            .map(|item| Told {
                name: item.noun,
                count: item.count(),
                colour: item.colour.as_ref().map(|colour| colour.value),
                place: item.place.map(place_words),
            })
            .collect()
    }

    /// The world's name of what is behind them.
    pub fn background(&self) -> Option<&'static str> {
        self.scene.background.as_ref().map(|ground| ground.value)
    }

    /// Whether the text itself names a thing to draw, rather than a background alone.
    pub fn names_a_thing(&self) -> bool {
        let is_drawn = matches!(self.verdict, Verdict::Known | Verdict::Near);
        let named = |part: &Part| part.kind == PartKind::Thing && !part.chosen;
        is_drawn && self.parts.iter().any(named)
    }
}

/// A thing of an understood text, with what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The world's name of it.
    pub name: &'static str,
    pub count: usize,
    pub colour: Option<&'static str>,
    /// In words, such as "on the left".
    pub place: Option<&'static str>,
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
    /// It says at most where a subject is, not what that is; of words about subjects alone.
    Unnamed,
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
    pub(super) span: Range<usize>,
    /// The number of the thing it is about.
    pub(super) item: usize,
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
