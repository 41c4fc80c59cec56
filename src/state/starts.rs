//! Starts of a picture among which the user chooses.

use crate::task::Picture;
use std::collections::BTreeSet;

/// The starts that are there, and the chosen ones, by their candidates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Starts {
    /// The likeliest first.
    pub(super) parts: Vec<Picture>,
    pub chosen: BTreeSet<usize>,
}
