//! What stays in sight under a drawing.

use crate::pixels::{Mask, Pixels, Size};
use std::sync::Arc;

/// The picture that a drawing is made over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    pub pixels: Arc<Pixels>,
    /// Where it is drawn over; everywhere without one.
    pub mask: Option<Arc<Mask>>,
    /// Size of the panel that is drawn.
    pub panel: Size,
}
