//! Work of the window that would hold it up: files, dialogs, maps. Its results come back as
//! actions.
//!
//! Files are read and written one after the other on one thread, which finishes what it was given
//! before the window goes; dialogs wait on threads of their own.

use super::background::{Background, Wake, caught};
use crate::state::{Action, Answer, BROKE_OFF};
use crate::task::Failure;
use std::sync::Arc;

type Job = Box<dyn FnOnce() -> Option<Action> + Send>;

/// What is said of a job that panicked.
fn broke_off(failure: Failure) -> Action {
    Answer::Failed(BROKE_OFF.into(), failure).into()
}

pub(crate) struct Errands {
    files: Background<Job, Action>,
    wake: Wake,
}

impl Errands {
    pub(crate) fn new(wake: Wake) -> Self {
        let begin = || |job: Job| job();
        Self {
            files: Background::new("files", Arc::clone(&wake), begin, broke_off),
            wake,
        }
    }

    /// Puts a job behind those that wait.
    pub(crate) fn run<A: Into<Action>>(&self, job: impl FnOnce() -> Option<A> + Send + 'static) {
        self.files.give(Box::new(move || job().map(A::into)));
    }

    /// A job that waits for the user.
    pub(crate) fn wait_for<A: Into<Action>>(&self, job: impl FnOnce() -> Option<A> + Send + 'static) {
        let (back, wake) = (self.files.back(), Arc::clone(&self.wake));
        let ask = move || {
            let done = caught(job).map(|done| done.map(A::into));
            if let Some(action) = done.unwrap_or_else(|failure| Some(broke_off(failure))) {
                let _ = back.send(action);
                wake();
            }
        };
        // Without a thread there is no dialog; the user can still drop the file.
        let _ = std::thread::Builder::new().name("dialog".to_owned()).spawn(ask);
    }

    /// What has come back.
    pub(crate) fn actions(&self) -> Vec<Action> {
        self.files.answers().collect()
    }
}
