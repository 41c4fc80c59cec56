//! What the judge asks for: prompts with their scenes, and what must be true of the pictures.

use super::world::Scene;
use serde::Deserialize;

/// One thing that can be looked up in a picture.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Fact {
    Count {
        noun: String,
        count: usize,
    },
    Colour {
        noun: String,
        colour: String,
    },
    Place {
        noun: String,
        place: String,
    },
    Relation {
        noun: String,
        relation: String,
        to: String,
    },
    Size {
        noun: String,
        size: String,
    },
    Larger {
        noun: String,
        than: String,
    },
    Background {
        background: String,
    },
    /// At least one of these things.
    Shows {
        nouns: Vec<String>,
    },
    /// One of these.
    Backgrounds {
        backgrounds: Vec<String>,
    },
}

impl Fact {
    /// The things it is about.
    pub fn nouns(&self) -> Vec<&str> {
        match self {
            Self::Count { noun, .. }
            | Self::Colour { noun, .. }
            | Self::Place { noun, .. }
            | Self::Size { noun, .. } => vec![noun],
            Self::Relation { noun, to, .. } => vec![noun, to],
            Self::Larger { noun, than } => vec![noun, than],
            Self::Shows { nouns } => nouns.iter().map(String::as_str).collect(),
            Self::Background { .. } | Self::Backgrounds { .. } => Vec::new(),
        }
    }
}

/// A second instruction, for the result of the first.
#[derive(Debug, Clone, Deserialize)]
pub struct Then {
    pub text: String,
    pub scene: Scene,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Prompt {
    pub category: String,
    /// As the program names its modes.
    pub task: String,
    #[serde(default)]
    pub map: Option<String>,
    pub text: String,
    /// In people's wording: the things that will do as the main one; none where the world lacks it.
    #[serde(default)]
    pub main: Option<Vec<String>>,
    /// What the result shows (of the first instruction where there are two).
    pub scene: Scene,
    /// What the given picture shows.
    #[serde(default)]
    pub before: Option<Scene>,
    #[serde(default)]
    pub then: Option<Then>,
    /// All facts of a clause must hold.
    pub clauses: Vec<Vec<Fact>>,
}

impl Prompt {
    /// What the last picture shows.
    pub fn wanted(&self) -> &Scene {
        self.then.as_ref().map_or(&self.scene, |then| &then.scene)
    }
}

/// Which prompts are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// 600 of the second edition's world, of combinations that are kept from training.
    Second,
    /// 300 as people word them, 60 of them outside the world.
    People,
    /// 260 of the first edition's things, backgrounds and words.
    First,
}

pub fn read(edition: Edition) -> Result<Vec<Prompt>, serde_json::Error> {
    serde_json::from_str(match edition {
        Edition::Second => include_str!("prompts.json"),
        Edition::People => include_str!("prompts-people.json"),
        Edition::First => include_str!("prompts-first.json"),
    })
}
