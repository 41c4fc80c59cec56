//! How a mask is painted.

use super::painting::Tool;
use serde::{Deserialize, Serialize};

/// The mask's tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brush {
    pub tool: Tool,
    /// Diameter, in pixels of the picture.
    pub size: f32,
    pub feather: u32,
    /// Of the tint, 0 to 1.
    pub opacity: f32,
}

impl Default for Brush {
    fn default() -> Self {
        Self {
            tool: Tool::Brush,
            size: 24.0,
            feather: 0,
            opacity: 0.45,
        }
    }
}
