//! What is done with the rows of the picture on the canvas.

use super::super::ruler::Words;
use serde::{Deserialize, Serialize};

/// What is done with the rows of the picture on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowAction {
    /// The rows above this one shall stay, counted from the first shown one.
    Mark(u32),
    /// The mark goes down by so many rows, or up.
    Move(i32),
    Unmark,
    /// Which words the rest is drawn by.
    Take(Words),
    /// The rows above the mark stay, the rest is drawn again.
    DrawAgain,
    /// The rows above the mark begin a new picture, drawn by what is set up.
    StartNew,
    /// The picture under way goes on by what is set up now, from the next row on.
    Steer,
}
