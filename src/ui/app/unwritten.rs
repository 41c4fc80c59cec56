//! What is not on the disk yet.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_secs(5);

/// Since when the state on disk is old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsaved {
    pub(super) first: Instant,
    pub(super) last: Instant,
}

/// Whether every row of the running picture is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rows {
    #[default]
    Stored,
    Behind,
}

/// A folder that refused something is left alone for a while.
#[derive(Debug, Default)]
pub(crate) struct BackOff(Option<Instant>);

impl BackOff {
    pub(super) fn refused(&mut self) {
        self.0 = Some(Instant::now());
    }

    pub(super) fn try_now(&mut self) {
        self.0 = None;
    }

    /// How long it is left alone yet; `None` where it has refused nothing.
    pub(super) fn left(&self) -> Option<Duration> {
        self.0.map(|refused| AGAIN.saturating_sub(refused.elapsed()))
    }
}

/// What is to be written of the state's folder and of that of the pictures. One that is full does
/// not hold up the other.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(super) unsaved: Option<Unsaved>,
    pub(super) rows: Rows,
    /// A sync of rows is waiting for its turn.
    pub(super) syncing: Arc<AtomicBool>,
    pub(super) state: BackOff,
    pub(super) pictures: BackOff,
}

impl Journal {
    /// That of a window whose folder cannot be used so far.
    pub(crate) fn without_folder() -> Self {
        let mut journal = Self::default();
        journal.state.refused();
        journal
    }
}
