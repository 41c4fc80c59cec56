//! The worker with its engine: tasks and questions go to it, models are exchanged.

use super::background::caught;
use super::{App, Recorded};
use crate::engine_room::{EngineRoom, ModelSource};
use crate::state::Answer;
use crate::task::{Failure, Question, Report, Task};
use crate::worker::{Ticket, Worker};
use std::path::Path;
use std::sync::Arc;

impl<R: EngineRoom> App<R> {
    pub(super) fn with_ticket(&self, use_it: impl FnOnce(&Ticket)) {
        if let Some(ticket) = &self.ticket {
            use_it(ticket);
        }
    }

    pub(super) fn submit(&mut self, task: Task) {
        self.log_task(&task);
        let gone = || Err(Failure::failed("the model is not running"));
        match self
            .worker
            .as_mut()
            .map_or_else(gone, |worker| worker.submit(task))
        {
            Ok(ticket) => {
                self.recorder.note(|| Recorded::Submitted(ticket.id));
                self.studio.submitted(ticket.id);
                self.ticket = Some(ticket);
            }
            Err(failure) => {
                self.recorder.note(|| Recorded::NotSubmitted(failure.clone()));
                let effects = self.studio.not_submitted(&failure);
                self.carry_out(effects);
            }
        }
    }

    /// The new model is made when the old one has ended its forward and given its memory back.
    pub(super) fn load(&mut self, path: Option<&Path>) {
        self.ticket = None;
        self.stop_filming();
        let former = self.worker.take();
        let wake = Arc::clone(&self.wake);
        let source = ModelSource {
            threads: self.studio.preferences.threads,
            kv: self.studio.preferences.cache,
            ..ModelSource::found(path, self.studio.models.device)
        };
        match caught(|| self.engine_room.open(&source)).unwrap_or_else(Err) {
            Ok(make) => {
                let make = move || {
                    drop(former);
                    make()
                };
                self.worker = Some(Worker::spawn(make, move || wake()));
            }
            Err(failure) => {
                self.files.errands.wait_for(move || {
                    drop(former);
                    None::<Answer>
                });
                self.take(&Report::LoadFailed(failure));
            }
        }
    }

    pub(super) fn ask(&mut self, question: Question) {
        let gone = || Err(Failure::failed("the model is not running"));
        match self
            .worker
            .as_mut()
            .map_or_else(gone, |worker| worker.ask(question))
        {
            Ok(ticket) => {
                self.recorder.note(|| Recorded::Asked(ticket.id));
                self.studio.asked(ticket.id);
            }
            Err(failure) => {
                self.recorder.note(|| Recorded::NotAsked(failure.clone()));
                self.studio.not_answered(&failure);
            }
        }
    }
}
