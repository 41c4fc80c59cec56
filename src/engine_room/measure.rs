//! How fast this machine computes a published shape.

use super::source::prepare;
use super::{Note, failed};
use crate::measure::{self, Subject};
use crate::task::Failure;

/// Measures forwards of a published shape with random weights. `threads`: all cores when `None`.
///
/// # Errors
/// The device cannot be used, or the shape does not fit its memory.
pub fn measure(
    subject: &Subject,
    threads: Option<usize>,
    note: &mut dyn FnMut(Note<'_>),
) -> Result<(), Failure> {
    prepare(subject.device, threads)?;
    measure::measure(subject, &mut |line| note(Note::Result(line))).map_err(failed)
}
