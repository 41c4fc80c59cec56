//! The codes stored in a picture, decoded again.

use super::source::prepare;
use super::{ModelSource, failed};
use crate::saved_picture;
use crate::task::Failure;
use std::path::Path;

/// Decodes the codes stored in `file` into `output`. `source`: the source of a masked edit.
///
/// # Errors
/// The device cannot be used, the model cannot be loaded, `file` is no finished picture of that model,
/// `source` is missing or another one, or `output` cannot be written.
pub fn redraw(file: &Path, source: Option<&Path>, output: &Path, model: &ModelSource) -> Result<(), Failure> {
    prepare(model.device, model.threads)?;
    let kept = saved_picture::read(file)?;
    if !kept.settings.complete {
        return Err(Failure::usage(format!(
            "{} is not finished: use `resume` first",
            file.display()
        )));
    }
    let session = model.session()?;
    let (mode, panel) = (&kept.settings.mode, kept.settings.size);
    let drawn = session
        .redraw(mode, panel, kept.grid(), kept.codes())
        .map_err(failed)?;
    kept.write(output, &kept.finish(drawn, source)?)
}
