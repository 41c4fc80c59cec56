//! A picture that is drawn once more so that its rows can be filmed.

use crate::task::Task;
use crate::token::Grid;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is drawn, and where its film goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shooting {
    pub task: Task,
    pub grid: Grid,
    /// Rows of the grid above the picture as it is shown.
    pub above: u32,
    /// Its ending says the format: a GIF or an animated PNG.
    pub to: PathBuf,
}
