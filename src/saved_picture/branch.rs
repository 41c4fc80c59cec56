//! A saved picture drawn again from one of its rows on.

use super::{Kept, read};
use crate::picture;
use crate::task::{Branch, Difference, Failure, Given, Mode, Story, Task, fingerprint};
use std::path::Path;

/// The task that draws the picture in `file` again from a row on, with the rows above it as they are.
/// `source`: the source of a masked edit.
///
/// # Errors
/// Fails where the file holds no record of this program's. Wrong usage where it has no such row, where
/// the rows above are not drawn, and where a masked edit comes without its source.
pub fn branch_of(file: &Path, source: Option<&Path>, branch: &Branch) -> Result<Task, Failure> {
    let kept = read(file)?;
    let task = Task {
        doubt: kept.doubt().clone(),
        ..kept.task_over(source)?
    };
    if task.source.is_none() && task.mask.is_some() {
        return Err(Failure::usage(format!(
            "{} is a masked edit: name the picture it was made from with --source FILE",
            file.display()
        )));
    }
    task.branched((kept.grid(), kept.codes()), branch, Some(kept.fingerprint()))
}

/// `task` with the first `rows` rows of the picture in `file` as its own first ones, and of that one's size
/// where it has none.
///
/// # Errors
/// Fails where the file holds no record of this program's. Wrong usage where it has not so many drawn rows,
/// and as [`Task::started_from`].
pub fn started_from(task: Task, file: &Path, rows: u32) -> Result<Task, Failure> {
    let kept = read(file)?;
    let (grid, above) = (kept.grid(), kept.rows_of_source());
    let columns = grid.columns as usize;
    let drawn = kept.codes().len() / columns.max(1);
    let last = (drawn as u32).saturating_sub(above);
    if rows == 0 || rows > last {
        return Err(Failure::usage(format!(
            "{} has no {rows} rows to begin with: choose 1 to {last}",
            file.display()
        )));
    }
    let from = above as usize * columns;
    let codes = &kept.codes()[from..from + rows as usize * columns];
    let size = task.size.unwrap_or(kept.settings.size);
    task.started_from((grid.columns, codes), size, kept.fingerprint())
}

/// Whether a map is saved in `file` that the model drew from words, all of it.
pub fn is_sketch(file: &Path) -> bool {
    let kept = read(file);
    kept.is_ok_and(|kept| matches!(kept.settings.mode, Mode::Sketch { .. }) && kept.settings.complete)
}

/// `task` as one that follows the map it starts from code by code, where that still shows what the model drew
/// into `sketch`.
///
/// # Errors
/// Wrong usage where no finished map that was drawn from words is in `sketch`, where it and the map are not of
/// one size, or the picture is to be of another. Fails where a file cannot be read.
pub fn following(task: Task, sketch: &Path) -> Result<Task, Failure> {
    if !is_sketch(sketch) {
        return Err(Failure::usage(format!(
            "{} is no map that `sketch` drew: leave --sketch out",
            sketch.display()
        )));
    }
    let kept = read(sketch)?;
    let drawn = picture::read(sketch).map_err(|error| Failure::failed(error.to_string()))?;
    let size = kept.settings.size;
    let map = task.source.clone().filter(|map| map.size() == size);
    let map = map.filter(|_| task.size.is_none_or(|wanted| wanted == size));
    let Some(map) = map else {
        return Err(Failure::usage(format!(
            "{} was drawn as {size}: only a map and a picture of that size can follow it",
            sketch.display()
        )));
    };
    let all = [Given {
        from: 0,
        codes: kept.codes().to_vec(),
    }];
    Ok(Task {
        size: Some(size),
        story: Story {
            given: Given::untouched(&all, &drawn, &map),
            ..task.story
        },
        ..task
    })
}

/// Where two saved pictures differ, code by code.
///
/// # Errors
/// One of them holds no record of this program's, is not finished, or they are not of one size.
pub fn difference(one: &Path, other: &Path) -> Result<Difference, Failure> {
    let (one, other) = (read(one)?, read(other)?);
    let part = |kept: &Kept| (kept.grid(), kept.rows_of_source());
    let ((grid, above), (other_grid, other_above)) = (part(&one), part(&other));
    Difference::of(
        (grid, above, one.codes()),
        (other_grid, other_above, other.codes()),
    )
}

impl Kept {
    /// The task that draws this picture again from its first row on, by its seeds and settings. `source`: the
    /// picture it was made from; only a masked edit needs it.
    ///
    /// # Errors
    /// Wrong usage where the picture is not finished, or a masked edit comes without its source.
    pub fn drawn_again(&self, source: Option<&Path>) -> Result<Task, Failure> {
        if !self.settings.complete {
            return Err(Failure::usage("the picture is not finished: use `resume` first"));
        }
        let task = self.task_over(source)?;
        if task.mask.is_some() && task.source.is_none() {
            return Err(Failure::usage(
                "this is a masked edit: name the picture it was made from with --source FILE",
            ));
        }
        let of_source = (self.rows_of_source() * self.grid().columns) as usize;
        let codes = self.codes().get(..of_source).filter(|codes| !codes.is_empty());
        Ok(Task {
            // A photo has become its map.
            mode: match task.mode {
                Mode::ControlFromPhoto { map } => Mode::Control { map },
                mode => mode,
            },
            resume: codes.filter(|_| task.source.is_none()).map(<[u32]>::to_vec),
            ..task
        })
    }

    /// Names this picture wherever its file is.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.grid(), self.settings.seed, self.codes())
    }

    /// Rows of the grid above the picture as it is shown: those of its source.
    pub fn rows_of_source(&self) -> u32 {
        self.settings.mode.rows_of_source(self.grid().rows)
    }
}
