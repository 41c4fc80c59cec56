//! How the window is looked at.

use super::super::view::{ColourScheme, Page};
use serde::{Deserialize, Serialize};

/// How the window is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ViewAction {
    Page(Page),
    Scheme(ColourScheme),
    Zoom(f32),
    /// Shows the sheet of shortcuts, or takes it away.
    Help,
    DismissNotice(u64),
    /// It was there long enough.
    NoticePassed(u64),
    /// Unfolds the strip where the window is narrow, or folds it.
    Strip,
    /// Unfolds the pictures that branch off each other, or folds them; by the name of their family.
    Family(String),
    ForgetMishaps,
    /// The window has the keyboard again.
    Regained,
}
