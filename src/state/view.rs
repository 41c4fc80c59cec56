//! What the window shows, and how it is set up.

use super::outcome::OutcomeId;
use serde::{Deserialize, Serialize};

/// Whether the window hears of files that are dropped on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dropping {
    #[default]
    Works,
    /// The desktop does not tell it.
    Unheard,
}

/// What the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing yet: examples and a place to drop a picture.
    Welcome,
    Run,
    Outcome(OutcomeId),
    /// The picture being edited.
    Source,
    /// The map that the next picture will follow.
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Page {
    #[default]
    Canvas,
    Models,
    History,
    /// What went wrong.
    Mishaps,
    Settings,
    /// All the starter can draw.
    World,
}

/// Results and queue in a window that is too narrow to show them always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strip {
    #[default]
    Folded,
    Unfolded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ColourScheme {
    Dark,
    Light,
    #[default]
    System,
}

/// How the window is set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    pub scheme: ColourScheme,
    /// 1.0 to 2.0.
    pub zoom: f32,
    pub left_width: f32,
    pub right_width: f32,
}

impl Default for View {
    fn default() -> Self {
        Self {
            scheme: ColourScheme::System,
            zoom: 1.0,
            left_width: 312.0,
            right_width: 148.0,
        }
    }
}
