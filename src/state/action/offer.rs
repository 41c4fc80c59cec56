//! What is done with a saved picture that was opened.

/// What is done with a saved picture that was opened, which is asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferAction {
    UseSettings,
    Finish,
    Edit,
    Subject,
    Dismiss,
}
