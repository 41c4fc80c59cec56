//! What is not on the disk yet.

use std::time::Instant;

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

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(super) unsaved: Option<Unsaved>,
    pub(super) rows: Rows,
    /// When something could not be written last.
    pub(super) failed: Option<Instant>,
}

impl Journal {
    /// That of a window whose folder cannot be used so far.
    pub(crate) fn without_folder() -> Self {
        Self {
            failed: Some(Instant::now()),
            ..Self::default()
        }
    }
}
