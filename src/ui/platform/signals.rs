//! SIGINT, SIGTERM and SIGHUP close the window as its user does: everything is stored first. A second
//! one does not wait for that.

use crate::ui::app::Wake;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As shells count: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Whether the system has asked the window to go. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedToGo(Arc<AtomicBool>);

impl AskedToGo {
    /// Hears the process's signals; `wake` is called when one comes.
    pub(crate) fn listen(&self, wake: Wake) {
        let asked = Arc::clone(&self.0);
        // Where no handler can be set, a signal ends the process as it always does.
        let _ = ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
            wake();
        });
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
