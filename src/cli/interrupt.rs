//! SIGINT and SIGTERM: the first one cancels what runs, the second one ends the process.

use super::exit::CANCELLED;
use crate::task::Cancel;
use std::sync::{Arc, Mutex, PoisonError};

/// What a signal stops. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// Cancelled by the first signal: for work that is no task (import, verify, bench).
    seen: Cancel,
    /// The task of the moment.
    task: Arc<Mutex<Option<Cancel>>>,
}

impl Interrupt {
    /// One that the process's signals reach.
    pub fn of_signals() -> Self {
        let interrupt = Self::default();
        let twin = interrupt.clone();
        // Where no handler can be set, a signal ends the process as it always does.
        let _ = ctrlc::set_handler(move || {
            if twin.seen.is_cancelled() {
                std::process::exit(CANCELLED);
            }
            twin.signal();
        });
        interrupt
    }

    /// What the first signal does.
    pub fn signal(&self) {
        self.seen.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.as_ref() {
            task.cancel();
        }
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
