//! What is done with a saved picture that was opened.

use serde::{Deserialize, Serialize};

/// What is done with a saved picture that was opened, which is asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferAction {
    UseSettings,
    Finish,
    Edit,
    Subject,
    Dismiss,
}
