//! What is done with a saved picture that was opened.

use serde::{Deserialize, Serialize};

/// What is done with a saved picture that was opened, which is asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferAction {
    UseSettings,
    /// The same without the seed.
    Remix,
    Finish,
    Edit,
    Subject,
    Dismiss,
}
