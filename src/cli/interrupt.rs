//! SIGINT and SIGTERM: the first one cancels what runs, the second one does not wait for it. What is
//! drawn by then is kept all the same; the third one ends the process as it stands.

use super::exit::CANCELLED;
use crate::task::Cancel;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether anything is left to be done before the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heeded {
    Yes,
    No,
}

/// What a signal stops. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// Cancelled by the first signal: for work that is no task (import, verify, bench).
    seen: Cancel,
    /// Cancelled by the second one while something is drawn.
    hurried: Cancel,
    /// The task of the moment.
    task: Arc<Mutex<Option<Cancel>>>,
}

impl Interrupt {
    /// One that the process's signals reach.
    pub fn of_signals() -> Self {
        let interrupt = Self::default();
        let twin = interrupt.clone();
        // Where no handler can be set, a signal ends the process as it always does.
        let _ = ctrlc::set_handler(move || match twin.signal() {
            Heeded::Yes => {}
            Heeded::No => std::process::exit(CANCELLED),
        });
        interrupt
    }

    /// What a signal does.
    pub fn signal(&self) -> Heeded {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.seen.is_cancelled(), task.as_ref()) {
            (false, task) => {
                self.seen.cancel();
                if let Some(task) = task {
                    task.cancel();
                }
                Heeded::Yes
            }
            (true, Some(_)) if !self.hurried.is_cancelled() => {
                self.hurried.cancel();
                Heeded::Yes
            }
            (true, _) => Heeded::No,
        }
    }

    /// Whether nobody waits for the engine any more.
    pub fn is_hurried(&self) -> bool {
        self.hurried.is_cancelled()
    }

    /// From now on a signal cancels `task`; one that has come already does so at once.
    pub fn watch(&self, task: &Cancel) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.clone());
        if self.seen.is_cancelled() {
            task.cancel();
        }
    }

    pub fn token(&self) -> &Cancel {
        &self.seen
    }
}
