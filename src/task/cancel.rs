//! How a task is stopped or held.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const RUNNING: u8 = 0;
const PAUSED: u8 = 1;
const CANCELLED: u8 = 2;

/// Stops or holds one task; clones share it. It is never reset: a new task gets a new one.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn cancel(&self) {
        self.0.store(CANCELLED, Ordering::Release);
    }

    /// Holds the task between forwards until `resume` or `cancel`.
    pub fn pause(&self) {
        let _ = self
            .0
            .compare_exchange(RUNNING, PAUSED, Ordering::AcqRel, Ordering::Acquire);
    }

    pub fn resume(&self) {
        let _ = self
            .0
            .compare_exchange(PAUSED, RUNNING, Ordering::AcqRel, Ordering::Acquire);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) == CANCELLED
    }

    pub fn is_paused(&self) -> bool {
        self.0.load(Ordering::Acquire) == PAUSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_task_stays_cancelled() {
        let cancel = Cancel::new();
        let twin = cancel.clone();
        twin.pause();
        assert!(cancel.is_paused());
        cancel.resume();
        assert!(!twin.is_paused());
        cancel.cancel();
        twin.pause();
        twin.resume();
        assert!(twin.is_cancelled() && !twin.is_paused());
    }
}
