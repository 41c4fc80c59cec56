//! What an engine can be asked beside drawing, and what it answers.

use super::Task;
use crate::pixels::Pixels;
use serde::{Deserialize, Serialize};

/// A question about a picture that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// Which other codes could stand in a row?
    Alternatives {
        /// The task the picture was drawn by; sources are not needed.
        task: Box<Task>,
        /// Those of the whole picture.
        codes: Vec<u32>,
        /// Of the token grid, 0-based.
        row: u32,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    /// For each cell of the row the likeliest codes, the likeliest first.
    Alternatives(Vec<Vec<Alternative>>),
}

/// A code that could stand in a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    pub code: u32,
    /// With which it is drawn there, after guidance and all other settings; 0 to 1.
    pub probability: f32,
    /// How the cell would look, near enough: 8x8 pixels.
    pub preview: Pixels,
}
