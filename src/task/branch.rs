//! A picture drawn again from one of its rows on: what is above stays, code for code.

use super::sampling::SamplingChoice;
use super::story::{Band, Parent, Story};
use super::{Failure, Mode, Task, Wording};
use crate::token::Grid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is to be different from a row on. What is `None` stays as it is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Branch {
    /// The first row drawn again, from the top of the picture as it is shown, 0-based.
    pub from_row: u32,
    /// Other words, and how they are read.
    pub words: Option<(String, Wording)>,
    pub sampling: Option<SamplingChoice>,
    pub seed: Option<u64>,
}

/// What a picture is called, and what it branches off; by fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lineage {
    pub picture: String,
    /// What it was called as a stopped picture.
    pub earlier: Vec<String>,
    pub parent: Option<String>,
}

impl Lineage {
    pub fn new(picture: String, story: &Story) -> Self {
        Self {
            picture,
            earlier: story.earlier.clone(),
            parent: story.parent.as_ref().map(|parent| parent.picture.clone()),
        }
    }
}

/// Names a picture wherever its file is: SHA-256 of its grid, codes and seed, in hexadecimal.
pub fn fingerprint(grid: Grid, seed: u64, codes: &[u32]) -> String {
    let Grid { rows, columns } = grid;
    let mut hash = Sha256::new();
    hash.update(format!("{columns}x{rows} {seed}"));
    for code in codes {
        hash.update(code.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Mode {
    /// Rows above the picture as it is shown, in a grid of `rows` rows: those of its source.
    pub fn rows_of_source(&self, rows: u32) -> u32 {
        match self.takes_source() {
            true => rows / 2,
            false => 0,
        }
    }
}

impl Task {
    /// The words, the settings and the seed in force at a row of the grid.
    pub fn band_at(&self, row: u32) -> Band {
        let mut bands = self.story.bands.iter().rev();
        let own = || Band {
            from_row: 0,
            prompt: self.prompt.clone(),
            // What was drawn without a caption was drawn as typed.
            wording: match &self.wording {
                Wording::Understood => Wording::AsTyped,
                said => said.clone(),
            },
            sampling: self.sampling,
            seed: self.seed,
        };
        bands
            .find(|band| band.from_row <= row)
            .cloned()
            .unwrap_or_else(own)
    }

    /// The task that draws this picture, of which `codes` are there, again from a row on. `parent` names the
    /// picture it branches off; without one it is the same picture, which goes on otherwise.
    ///
    /// # Errors
    /// Wrong usage where it has no such row, and where the rows above are not drawn.
    pub fn branched(
        mut self,
        (grid, codes): (Grid, &[u32]),
        branch: &Branch,
        parent: Option<String>,
    ) -> Result<Self, Failure> {
        let above = self.mode.rows_of_source(grid.rows);
        let columns = grid.columns as usize;
        let drawn = (codes.len() / columns.max(1)) as u32;
        let row = above.saturating_add(branch.from_row);
        if row >= grid.rows || row > drawn {
            let last = drawn.min(grid.rows.saturating_sub(1)).saturating_sub(above);
            return Err(Failure::usage(format!(
                "row {} cannot be drawn again: choose one from 0 to {last}",
                branch.from_row
            )));
        }
        // The map of a photo is there already.
        if let Mode::ControlFromPhoto { map } = self.mode {
            self.mode = Mode::Control { map };
        }
        self.resume = Some(codes[..row as usize * columns].to_vec());
        let now = self.band_at(row);
        let (prompt, wording) = branch.words.clone().unwrap_or((now.prompt, now.wording));
        let band = Band {
            from_row: row,
            prompt,
            wording,
            sampling: branch.sampling.unwrap_or(now.sampling),
            seed: branch.seed.unwrap_or(now.seed),
        };
        self.story.bands = self.story.above(row);
        if row > above {
            self.story.bands.push(band);
            if let Some(picture) = parent {
                let from_row = row;
                self.story.parent = Some(Parent { picture, from_row });
                self.story.earlier = Vec::new();
            }
        } else {
            // Nothing is left of what was drawn.
            (self.prompt, self.wording, self.seed) = (band.prompt, band.wording, band.seed);
            self.sampling = band.sampling;
            self.story = Story::default();
            self.resume = (above > 0).then_some(self.resume).flatten();
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { rows: 4, columns: 2 };

    #[test]
    fn a_picture_goes_on_otherwise_without_becoming_another() {
        let mut task = Task::new(Mode::Generate, "a cat");
        task.seed = 5;
        let words = ("a dog".to_owned(), Wording::Understood);
        let branch = Branch {
            from_row: 2,
            words: Some(words.clone()),
            ..Branch::default()
        };
        let codes = [1, 2, 3, 4];
        let on = task
            .clone()
            .branched((GRID, &codes), &branch, None)
            .expect("a task");
        assert_eq!((on.story.bands.len(), on.story.parent.is_none()), (1, true));
        let band = on.band_at(2);
        assert_eq!((band.prompt.as_str(), band.seed), ("a dog", 5));
        assert_eq!(
            (on.band_at(1).prompt.as_str(), on.resume.as_deref()),
            ("a cat", Some(&codes[..]))
        );
        // A row that is not drawn yet.
        let late = Branch {
            from_row: 3,
            ..branch
        };
        let refused = task
            .branched((GRID, &codes), &late, None)
            .expect_err("no such row");
        assert!(refused.message.contains("0 to 2"), "{refused}");
    }

    #[test]
    fn another_seed_is_another_picture() {
        let of = |seed, codes: &[u32]| fingerprint(GRID, seed, codes);
        assert_eq!(of(1, &[1, 2]), of(1, &[1, 2]));
        assert_ne!(of(1, &[1, 2]), of(2, &[1, 2]));
        assert_ne!(of(1, &[1, 2]), of(1, &[1, 3]));
    }
}
