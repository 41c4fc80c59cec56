//! How fast a model draws on this machine.

use super::source::prepare;
use super::{ModelSource, Note};
use crate::task::{Cancel, Engine as _, Failure, Lookahead, Mode, Progress, Stop, Task};
use std::time::Instant;

/// Draws one picture for each of several lookaheads and tells how long that took.
///
/// # Errors
/// The device cannot be used, the model cannot be loaded or draws no such picture, or `cancel` was called.
pub fn bench(model: &ModelSource, cancel: &Cancel, note: &mut dyn FnMut(Note<'_>)) -> Result<(), Failure> {
    prepare(model.device, model.threads)?;
    let began = Instant::now();
    let mut session = model.session()?;
    note(Note::Remark(&format!(
        "loaded in {:.2} s",
        began.elapsed().as_secs_f64()
    )));
    for lookahead in [1, 2, 4, 8, 16] {
        let mut task = Task::new(Mode::Generate, "a cat on a blue background");
        (task.sampling.lookahead, task.seed) = (Lookahead::Fixed(lookahead), 1);
        let began = Instant::now();
        let (mut first, mut codes_done) = (None, None);
        let mut watch = |progress: Progress| match progress {
            Progress::Row { .. } => {
                first.get_or_insert(began.elapsed().as_secs_f64());
            }
            Progress::Decoding => codes_done = Some(began.elapsed().as_secs_f64()),
            _ => {}
        };
        let pictures = session
            .run(&task, cancel, &mut watch)
            .map_err(|stop| match stop {
                Stop::Failed(failure) => failure,
                Stop::Cancelled(_) => Failure::failed("cancelled"),
            })?;
        let tally = pictures.first().map(|picture| picture.tally).unwrap_or_default();
        note(Note::Result(&format!(
            "window={lookahead} seconds={:.3} first_row={:.3} codes={:.3} tokens={} forwards={}",
            tally.seconds,
            first.unwrap_or_default(),
            codes_done.unwrap_or_default(),
            tally.tokens,
            tally.forwards
        )));
    }
    Ok(())
}
