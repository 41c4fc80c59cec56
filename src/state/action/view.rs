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
    ForgetMishaps,
    /// The window has the keyboard again.
    Regained,
}
