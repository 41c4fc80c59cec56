//! A saved picture drawn once more, its rows filmed as they come.

use super::source::prepare;
use super::{ModelSource, Note, failed};
use crate::disk::{self, Onto, Readers};
use crate::picture::{Film, Moving};
use crate::saved_picture;
use crate::task::{Cancel, Engine, Failure, Progress, Stop};
use std::path::Path;

/// Draws the picture in `file` again, by its seed and settings, and writes its rows as they come to `output`:
/// a GIF, or an animated PNG, by the ending. `source`: the picture it was made from, where it was.
///
/// # Errors
/// `output` has another ending or cannot be written, the device cannot be used, the model cannot be loaded,
/// `file` is no finished picture of that model, `source` is missing or another one, or `cancel` was called.
pub fn timelapse(
    (file, source): (&Path, Option<&Path>),
    output: &Path,
    model: &ModelSource,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Note<'_>),
) -> Result<(), Failure> {
    let format = Moving::of(output).ok_or_else(|| {
        Failure::usage(format!(
            "{}: a time-lapse ends in .gif, .png or .apng",
            output.display()
        ))
    })?;
    prepare(model.device, model.threads)?;
    let kept = saved_picture::read(file)?;
    let task = kept.drawn_again(source)?;
    let mut film = Film::new(kept.grid(), kept.rows_of_source());
    let mut session = model.session()?;
    let drawn = session.run(&task, cancel, &mut |progress: Progress| film.take(&progress));
    let picture = drawn.map_err(|stop| match stop {
        Stop::Cancelled(_) => Failure::failed("cancelled"),
        Stop::Failed(failure) => failure,
    })?;
    let picture = picture.into_iter().next();
    let picture = picture.ok_or_else(|| Failure::failed("the engine finished without a picture"))?;
    let other = picture
        .codes
        .iter()
        .zip(kept.codes())
        .filter(|(now, then)| now != then);
    match other.count() {
        0 => {}
        count => tell(Note::Remark(&format!(
            "{count} of {} cells came out otherwise on this machine",
            picture.codes.len()
        ))),
    }
    // A masked edit lies in a larger picture than its rows.
    if let Some(pixels) = picture.pixels.as_ref().filter(|_| task.mask.is_none()) {
        film.end(pixels);
    }
    let bytes = film.bytes(format).map_err(failed)?;
    disk::put(output, &bytes, Readers::Usual, Onto::Any)
        .map_err(|error| Failure::failed(format!("{} cannot be written ({error})", output.display())))
}
