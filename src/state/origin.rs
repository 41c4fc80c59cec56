//! How a picture of the strip came to be: what is stored in its file, as far as the window asks for it.

use crate::task::{Doubt, Mode, Picture, Story, Task, fingerprint};
use crate::token::Grid;
use serde::{Deserialize, Serialize};

/// How a picture came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Its fingerprint, by which its branches name it.
    pub picture: String,
    pub mode: Mode,
    pub grid: Grid,
    /// Rows of the grid that are drawn.
    pub rows: u32,
    pub prompt: String,
    pub is_masked: bool,
    pub story: Story,
    /// How unsure the model was of its codes; read from the file again where it is wanted.
    #[serde(skip)]
    pub doubt: Doubt,
    /// Its codes, row by row over the whole grid; known where `doubt` is.
    #[serde(skip)]
    pub codes: Vec<u32>,
}

impl Origin {
    /// That of a picture drawn for `task`.
    pub fn of(task: &Task, picture: &Picture) -> Self {
        Self {
            doubt: picture.doubt.clone(),
            codes: picture.codes.clone(),
            ..Self::told(task, picture.grid, (picture.seed, &picture.codes), &picture.story)
        }
    }

    /// That of a picture of these codes.
    pub fn told(task: &Task, grid: Grid, (seed, codes): (u64, &[u32]), story: &Story) -> Self {
        Self {
            picture: fingerprint(grid, seed, codes),
            mode: task.mode.clone(),
            grid,
            rows: (codes.len() / grid.columns.max(1) as usize) as u32,
            prompt: task.prompt.clone(),
            is_masked: task.mask.is_some(),
            story: story.clone(),
            doubt: Doubt::default(),
            codes: Vec::new(),
        }
    }

    /// The picture it branches off.
    pub fn parent(&self) -> Option<&str> {
        self.story.parent.as_ref().map(|parent| parent.picture.as_str())
    }
}
