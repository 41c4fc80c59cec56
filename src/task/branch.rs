//! A picture drawn again from one of its rows on: what is above stays, code for code.

use super::sampling::SamplingChoice;
use super::story::{Band, Given, Parent, Story};
use super::{Failure, Mode, Task, Wording};
use crate::pixels::Size;
use crate::token::{CODE_PIXELS, Grid};
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
    /// Another code in that row; what is left of it stays, too.
    pub taken: Option<Taken>,
}

/// A code a person chose instead of the one that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub column: u32,
    pub code: u32,
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
        let given = self.given_from(row, grid, codes, branch.taken)?;
        let now = self.band_at(row);
        if branch.taken.is_some() && (&branch.words, branch.sampling, branch.seed) == (&None, None, None) {
            // The same words and the same seed: there is no band of its own.
            self.story.bands.retain(|band| band.from_row <= row);
            self.story.given = given;
            if let Some(picture) = parent {
                self.story.parent = Some(Parent {
                    picture,
                    from_row: row,
                });
                self.story.earlier = Vec::new();
            }
            return Ok(self);
        }
        let (prompt, wording) = branch.words.clone().unwrap_or((now.prompt, now.wording));
        let band = Band {
            from_row: row,
            prompt,
            wording,
            sampling: branch.sampling.unwrap_or(now.sampling),
            seed: branch.seed.unwrap_or(now.seed),
        };
        self.story.bands = self.story.above(row);
        self.story.given = given;
        if row > above {
            self.story.bands.push(band);
            if let Some(picture) = parent {
                let from_row = row;
                self.story.parent = Some(Parent { picture, from_row });
                self.story.earlier = Vec::new();
            }
        } else {
            // Nothing is left of what was drawn.
            if self.prompt != band.prompt {
                self.written = None;
            }
            (self.prompt, self.wording, self.seed) = (band.prompt, band.wording, band.seed);
            self.sampling = band.sampling;
            self.story = Story {
                given: std::mem::take(&mut self.story.given),
                ..Story::default()
            };
            self.resume = (above > 0).then_some(self.resume).flatten();
        }
        Ok(self)
    }
}

impl Task {
    /// What is given of the picture from its first row to the taken code: with another code in a row all that
    /// stands left of it there stays.
    fn given_from(
        &self,
        row: u32,
        grid: Grid,
        codes: &[u32],
        taken: Option<Taken>,
    ) -> Result<Vec<Given>, Failure> {
        let mut given = self.story.given_above(row, grid.columns);
        if let Some(Taken { column, code }) = taken {
            let from = row * grid.columns;
            let left = codes.get(from as usize..(from + column) as usize);
            let left = left
                .filter(|_| column < grid.columns)
                .ok_or_else(|| Failure::usage(format!("row {row} has no drawn code in column {column}")))?;
            let mut row_codes = left.to_vec();
            row_codes.push(code);
            given.push(Given {
                from,
                codes: row_codes,
            });
        }
        Ok(given)
    }

    /// This task with the first rows of another picture as it is shown: `codes` of them, `columns` a row.
    /// `parent` names that picture.
    ///
    /// # Errors
    /// Wrong usage where this picture is not of that width, starts from a picture of its own, or has no row
    /// left to draw.
    pub fn started_from(
        mut self,
        (columns, codes): (u32, &[u32]),
        size: Size,
        parent: String,
    ) -> Result<Self, Failure> {
        if self.mode.takes_source() {
            return Err(Failure::usage(
                "a picture that is made from another one begins with that one's rows: rows can only be the start of a new picture",
            ));
        }
        let panel = Grid::of(size).map_err(|error| Failure::usage(error.to_string()))?;
        let grid = self.mode.grid(panel);
        if grid.columns != columns {
            return Err(Failure::usage(format!(
                "rows of {} pixels cannot begin a picture of {size}: choose one that is as wide",
                columns * CODE_PIXELS
            )));
        }
        let rows = (codes.len() / columns.max(1) as usize) as u32;
        if rows == 0 || rows >= grid.rows {
            return Err(Failure::usage(format!(
                "a picture of {} rows can begin with 1 to {} given ones",
                grid.rows,
                grid.rows.saturating_sub(1)
            )));
        }
        self.size = Some(size);
        self.story.given = vec![Given {
            from: 0,
            codes: codes.to_vec(),
        }];
        self.story.parent = Some(Parent {
            picture: parent,
            from_row: rows,
        });
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
    fn a_taken_code_is_given_with_all_that_stands_before_it() {
        let task = Task::new(Mode::Generate, "a cat");
        let codes = [1, 2, 3, 4, 5, 6, 7, 8];
        let take = |row, column| {
            let taken = Some(Taken { column, code: 99 });
            let branch = Branch {
                from_row: row,
                taken,
                ..Branch::default()
            };
            task.clone()
                .branched((GRID, &codes), &branch, Some("ab".to_owned()))
        };
        let child = take(2, 1).expect("a task");
        assert_eq!(child.resume.as_deref(), Some(&codes[..4]));
        let given = |from, codes: &[u32]| Given {
            from,
            codes: codes.to_vec(),
        };
        assert_eq!(child.story.given, [given(4, &[5, 99])]);
        assert!(child.story.bands.is_empty() && child.seed == task.seed);
        assert_eq!(child.story.parent.as_ref().map(|parent| parent.from_row), Some(2));
        // Of the first row, too; and what is drawn again below keeps it.
        assert_eq!(take(0, 0).expect("a task").story.given, [given(0, &[99])]);
        let below = Branch {
            from_row: 3,
            seed: Some(4),
            ..Branch::default()
        };
        let on = child
            .clone()
            .branched((GRID, &codes), &below, None)
            .expect("a task");
        assert_eq!(
            (on.story.given, on.story.bands.len()),
            (child.story.given.clone(), 1)
        );
        let above = Branch { from_row: 1, ..below };
        let other = child.branched((GRID, &codes), &above, None).expect("a task");
        assert!(other.story.given.is_empty());
        assert!(take(2, 2).is_err());
    }

    #[test]
    fn rows_begin_another_picture_of_their_width() {
        let start = |size, codes: &[u32]| {
            let task = Task::new(Mode::Generate, "a dog");
            task.started_from((4, codes), size, "ab".to_owned())
        };
        let two = [1, 2, 3, 4, 5, 6, 7, 8];
        let begun = start(Size::new(32, 64), &two).expect("a task");
        assert_eq!(begun.story.given[0].codes, two);
        assert_eq!(begun.story.parent.map(|parent| parent.from_row), Some(2));
        for (size, codes) in [
            (Size::new(64, 32), &two[..]),
            (Size::new(32, 32), &[1; 16]),
            (Size::new(32, 32), &[1]),
        ] {
            assert!(start(size, codes).is_err(), "{size}");
        }
    }

    #[test]
    fn another_seed_is_another_picture() {
        let of = |seed, codes: &[u32]| fingerprint(GRID, seed, codes);
        assert_eq!(of(1, &[1, 2]), of(1, &[1, 2]));
        assert_ne!(of(1, &[1, 2]), of(2, &[1, 2]));
        assert_ne!(of(1, &[1, 2]), of(1, &[1, 3]));
    }
}
