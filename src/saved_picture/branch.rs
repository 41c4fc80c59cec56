//! A picture drawn again from one of its rows on: what is above stays, code for code.

use super::{Kept, read};
use crate::picture;
use crate::task::{Band, Failure, Mode, Parent, Task, Wording};
use crate::token::Grid;
use std::path::Path;

/// What is to be different from a row on.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The first row drawn again, from the top of the picture as it is shown, 0-based.
    pub from_row: u32,
    /// The words there were when `None`.
    pub prompt: Option<String>,
    pub seed: u64,
}

/// The task that draws the picture in `file` again from a row on, with the rows above it as they are.
/// `source`: the source of a masked edit.
///
/// # Errors
/// Fails where the file holds no record of this program's. Wrong usage where it has no such row, where
/// the rows above are not drawn, and where a masked edit comes without its source.
pub fn branch_of(file: &Path, source: Option<&Path>, branch: &Branch) -> Result<Task, Failure> {
    let kept = read(file)?;
    let task = kept.task_over(source)?;
    if task.source.is_none() && task.mask.is_some() {
        return Err(Failure::usage(format!(
            "{} is a masked edit: name the picture it was made from with --source FILE",
            file.display()
        )));
    }
    kept.branched(task, branch)
}

impl Kept {
    /// Names this picture wherever its file is: SHA-256 of its grid, codes and seed, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        let Grid { rows, columns } = self.grid();
        let mut bytes = format!("{columns}x{rows} {}", self.settings.seed).into_bytes();
        bytes.extend(self.codes().iter().flat_map(|code| code.to_le_bytes()));
        picture::sha256_hex(&bytes)
    }

    /// Rows of the grid above the picture as it is shown: those of its source.
    pub fn rows_of_source(&self) -> u32 {
        match self.settings.mode.takes_source() {
            true => self.grid().rows / 2,
            false => 0,
        }
    }

    fn branched(&self, mut task: Task, branch: &Branch) -> Result<Task, Failure> {
        let grid = self.grid();
        let above = self.rows_of_source();
        let columns = grid.columns as usize;
        let drawn = (self.codes().len() / columns) as u32;
        let row = above.saturating_add(branch.from_row);
        if row >= grid.rows || row > drawn {
            let last = drawn.min(grid.rows - 1).saturating_sub(above);
            return Err(Failure::usage(format!(
                "row {} cannot be drawn again: choose one from 0 to {last}",
                branch.from_row
            )));
        }
        // The map of a photo is there already.
        if let Mode::ControlFromPhoto { map } = task.mode {
            task.mode = Mode::Control { map };
        }
        task.resume = Some(self.codes()[..row as usize * columns].to_vec());
        let band = self.band_at(row, &task, branch);
        task.story.bands = task.story.above(row);
        if row > above {
            task.story.bands.push(band);
            task.story.parent = Some(Parent {
                picture: self.fingerprint(),
                from_row: row,
            });
        } else {
            // Nothing is left of what was drawn.
            (task.prompt, task.wording, task.seed) = (band.prompt, band.wording, band.seed);
            task.sampling = band.sampling;
            task.story = Default::default();
            task.resume = (above > 0).then_some(task.resume).flatten();
        }
        Ok(task)
    }

    /// The words and settings in force at a row, with what is to be different.
    fn band_at(&self, row: u32, task: &Task, branch: &Branch) -> Band {
        let own = Band {
            from_row: row,
            prompt: task.prompt.clone(),
            // What was drawn without a caption was drawn as typed.
            wording: match &task.wording {
                Wording::Understood => Wording::AsTyped,
                said => said.clone(),
            },
            sampling: task.sampling,
            seed: task.seed,
        };
        let bands = self.settings.story.bands.iter();
        let now = bands.rev().find(|band| band.from_row <= row).unwrap_or(&own);
        let (prompt, wording) = match &branch.prompt {
            Some(prompt) => (prompt.clone(), Wording::Understood),
            None => (now.prompt.clone(), now.wording.clone()),
        };
        Band {
            from_row: row,
            prompt,
            wording,
            sampling: now.sampling,
            seed: branch.seed,
        }
    }
}
