//! What else could stand in a row of a saved picture.

use super::ModelSource;
use super::source::prepare;
use crate::saved_picture;
use crate::task::{Alternative, Cancel, Failure};
use std::path::Path;

/// For each cell of a row of the picture in `file`, counted from 0 as it is shown, the likeliest codes with
/// their probabilities, the likeliest first.
///
/// # Errors
/// The device cannot be used, the model cannot be loaded, `file` is no finished picture of that model or has no
/// such row, or `cancel` was called.
pub fn alternatives(
    file: &Path,
    row: u32,
    model: &ModelSource,
    cancel: &Cancel,
) -> Result<Vec<Vec<Alternative>>, Failure> {
    prepare(model.device, model.threads)?;
    let kept = saved_picture::read(file)?;
    if !kept.settings.complete {
        return Err(Failure::usage(format!(
            "{} is not finished: use `resume` first",
            file.display()
        )));
    }
    let above = kept.rows_of_source();
    let rows = kept.grid().rows - above;
    if row >= rows {
        return Err(Failure::usage(format!(
            "{} has {rows} rows: choose one from 0 to {}",
            file.display(),
            rows.saturating_sub(1)
        )));
    }
    let session = model.session()?;
    session.alternatives(&kept.task()?, kept.codes(), above + row, cancel)
}
