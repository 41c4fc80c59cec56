//! Pictures are filmed beside the state, which knows nothing of these tasks.

use super::App;
use super::filming::{Filming, write};
use crate::engine_room::EngineRoom;
use crate::picture::Film;
use crate::state::{Answer, Shooting};
use crate::task::{Failure, Report};

/// What is said where there is no film.
const FAILED: &str = "The time-lapse could not be made";

impl<R: EngineRoom> App<R> {
    pub(super) fn shoot(&mut self, shooting: Shooting) {
        let Shooting {
            task,
            grid,
            above,
            to,
        } = shooting;
        let ends_with_picture = task.mask.is_none();
        let gone = || Err(Failure::failed("the model is not running"));
        match self
            .worker
            .as_mut()
            .map_or_else(gone, |worker| worker.submit(task))
        {
            Ok(ticket) => self.filming.push(Filming {
                task: ticket.id,
                film: Film::new(grid, above),
                to,
                ends_with_picture,
            }),
            Err(failure) => self.act(Answer::Failed(FAILED.into(), failure)),
        }
    }

    /// The model goes that draws them.
    pub(super) fn stop_filming(&mut self) {
        for filming in std::mem::take(&mut self.filming) {
            let name = filming.to.display();
            let failure = Failure::failed(format!("{name}: another model was opened meanwhile"));
            self.act(Answer::Failed(FAILED.into(), failure));
        }
    }

    /// Takes a report about a picture that is filmed; whether it was one.
    pub(super) fn filmed(&mut self, report: &Report) -> bool {
        let of = match report {
            Report::Progress { task, .. }
            | Report::Finished { task, .. }
            | Report::Cancelled { task, .. }
            | Report::Failed { task, .. } => *task,
            Report::Loaded { .. } | Report::LoadFailed(_) | Report::Answered { .. } => return false,
        };
        let Some(place) = self.filming.iter().position(|filming| filming.task == of) else {
            return false;
        };
        if let Report::Progress { progress, .. } = report {
            self.filming[place].film.take(progress);
            return true;
        }
        let Filming {
            mut film,
            to,
            ends_with_picture,
            ..
        } = self.filming.remove(place);
        match report {
            Report::Finished { pictures, .. } => {
                let pixels = pictures.first().and_then(|picture| picture.pixels.as_ref());
                if let Some(pixels) = pixels.filter(|_| ends_with_picture) {
                    film.end(pixels);
                }
                self.files.errands.run(move || {
                    Some(match write(&film, &to) {
                        Ok(()) => Answer::Filmed(to),
                        Err(failure) => Answer::Failed(FAILED.into(), failure),
                    })
                });
            }
            Report::Failed { failure, .. } => self.act(Answer::Failed(FAILED.into(), failure.clone())),
            _ => {
                let failure = Failure::failed("it was stopped");
                self.act(Answer::Failed(FAILED.into(), failure));
            }
        }
        true
    }
}
