//! Pictures that are finished (or were stopped and kept).

use super::origin::Origin;
use super::queue::OrderId;
use super::request::Request;
use crate::pixels::{Pixels, Size};
use crate::task::Picture;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutcomeId(pub u64);

/// Whether there is more to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    Finished,
    Stopped,
}

/// Where a picture stands among those drawn together: by how much likelier the model finds it with
/// its prompt than without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// Of all of them, best first.
    pub scores: Vec<f64>,
    /// Its place, counted from 0.
    pub place: usize,
    /// Of edits under a mask, in the same order, which is theirs: how well what was kept follows from what was
    /// redrawn. Empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seams: Vec<f64>,
}

/// One picture of the strip, or of the history while it is on the canvas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub id: OutcomeId,
    /// Where it is kept; `None` until it is.
    pub path: Option<PathBuf>,
    pub title: String,
    pub seed: u64,
    pub size: Size,
    pub score: Option<f64>,
    /// Of several drawn together.
    #[serde(default)]
    pub contest: Option<Contest>,
    pub ended: Ended,
    /// Rows there are of one that was stopped, and rows of the whole picture.
    #[serde(default)]
    pub rows: Option<(u32, u32)>,
    /// How it came to be, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Its file was moved or deleted outside of this program.
    #[serde(skip)]
    pub gone: bool,
    #[serde(skip)]
    pub thumbnail: Option<Arc<Pixels>>,
    /// Only of the latest ones; the others are read again.
    #[serde(skip)]
    pub pixels: Option<Arc<Pixels>>,
    /// What an edit or a prediction was made from, for comparing.
    #[serde(skip)]
    pub before: Option<Arc<Pixels>>,
}

impl Outcome {
    /// Whether its pixels are in memory or can be read.
    pub fn can_be_shown(&self) -> bool {
        !self.gone || self.pixels.is_some()
    }

    /// Whether it is kept in the folder of this day, `YYYY-MM-DD`, or not kept yet.
    pub fn is_of(&self, day: &str) -> bool {
        let folder = |path: &PathBuf| path.parent()?.file_name().map(|name| name == day);
        self.path.as_ref().is_none_or(|path| folder(path) == Some(true))
    }
}

/// A picture on its way to the disk, and everything that is stored with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keeping {
    pub outcome: OutcomeId,
    /// The order it was drawn for.
    pub drawn_for: OrderId,
    /// Names the order that would draw it again from its codes.
    pub again: OrderId,
    pub request: Request,
    pub picture: Picture,
    /// Of a stopped picture: its rows, the rest grey.
    #[serde(with = "crate::pixels::shared_or_none")]
    pub preview: Option<Arc<Pixels>>,
    /// The model's name, as its maker gave it.
    pub model: String,
}
