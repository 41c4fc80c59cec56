//! What a controlled picture starts from: a map, or a photo it is made of.

use super::photo::Photo;
use crate::task::{CANNY_THRESHOLDS, MapKind};
use serde::{Deserialize, Serialize};

/// A map with no more white than this shows nothing: a line or two of some pixels.
const NO_EDGES: f32 = 0.001;

/// What a controlled picture starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    pub kind: MapKind,
    pub map: Option<Photo>,
    /// A photo of which `map` is the canny map made with `low` and `high`.
    pub photo: Option<Photo>,
    pub low: f32,
    pub high: f32,
    /// What the brush paints on the map: red, green, blue.
    #[serde(default = "white")]
    pub value: [u8; 3],
    /// How much of the map is white, 0 to 1; `None` before it is looked at.
    #[serde(skip)]
    pub edges: Option<f32>,
}

impl Control {
    /// Takes a map, or gives it up.
    pub fn set_map(&mut self, map: Option<Photo>) {
        self.edges = map.as_ref().map(|map| {
            let rgb = map.pixels.rgb();
            let white = rgb.chunks_exact(3).filter(|pixel| pixel[1] >= 128).count();
            white as f32 / (rgb.len() / 3).max(1) as f32
        });
        self.map = map;
    }

    /// Whether the map says nothing: a picture drawn after it follows nothing.
    pub fn is_empty(&self) -> bool {
        self.edges.is_some_and(|edges| edges <= NO_EDGES)
    }
}

fn white() -> [u8; 3] {
    [255; 3]
}

impl Default for Control {
    fn default() -> Self {
        Self {
            kind: MapKind::Canny,
            map: None,
            photo: None,
            low: CANNY_THRESHOLDS.0,
            high: CANNY_THRESHOLDS.1,
            value: white(),
            edges: None,
        }
    }
}
