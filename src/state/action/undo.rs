//! One step back or forth.

use serde::{Deserialize, Serialize};

/// One step back or forth in all that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UndoAction {
    Undo,
    Redo,
}
