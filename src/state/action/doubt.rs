//! What is done with the overlay of the canvas: how unsure the model was, or where two pictures differ.

use serde::{Deserialize, Serialize};

/// What is done with the overlay of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum DoubtAction {
    /// Shows it, or takes it away.
    Toggle,
    /// Cells with more entropy than this, in nats, are the doubtful ones.
    Above(f32),
    /// The pointer is over a cell of the picture as it is shown: row, column; or over none.
    Point(Option<(u32, u32)>),
    /// A cell is held, so that the pointer can go to its alternatives; pressed again it is let go.
    Hold(u32, u32),
    /// The held cell is another one, so many rows and columns away.
    Move(i32, i32),
    LetGo,
    /// This code takes the place of the one in the held cell, and the picture is drawn on from there.
    Take(u32),
    /// The one at this place among the alternatives does.
    TakeNth(usize),
    /// The picture is edited, the doubtful cells its mask.
    Select,
}
