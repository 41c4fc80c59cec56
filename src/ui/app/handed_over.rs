//! The line to later starts of the program, and what they bring.

use crate::handover::Lease;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

/// The right to be this user's window, and the files others brought.
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(super) lease: Lease,
    pub(super) files: Receiver<Vec<PathBuf>>,
}

impl HandedOver {
    pub(crate) fn stop_listening(&mut self) {
        self.lease.stop_listening();
    }
}
