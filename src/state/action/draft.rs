//! What is set up for the next picture.

use super::super::brush::Brush;
use super::super::draft::{SeedChoice, Tab};
use super::super::painting::Point;
use crate::pixels::Size;
use crate::task::{Lookahead, MapKind, Noise};
use serde::{Deserialize, Serialize};

/// One setting of the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Setting {
    Tab(Tab),
    Words(String),
    /// The prompt is given to the model as it is.
    AsTyped(bool),
    Description(String),
    Size(Option<Size>),
    Seed(u64),
    SeedChoice(SeedChoice),
    Cfg(Option<f32>),
    TopK(Option<usize>),
    Temperature(Option<f32>),
    TopNSigma(Option<f32>),
    Noise(Noise),
    Lookahead(Lookahead),
    Batch(u32),
    Candidates(usize),
    Starts(usize),
    PairKind(MapKind),
    ControlKind(MapKind),
    PredictKind(MapKind),
    Thresholds(f32, f32),
    Brush(Brush),
    /// What the brush paints on a map: red, green, blue.
    MapValue([u8; 3]),
}

/// What happens to the mask of the current source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Paint {
    Begin(Point),
    Extend(Point),
    Finish,
    Grow,
    Shrink,
    Invert,
    Clear,
}

/// What is set up for the next picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum DraftAction {
    Set(Setting),
    NewSeed,
    RecallSeed,
    Paint(Paint),
    GoToTurn(usize),
    /// A chain that was replaced comes back; the present one takes its place.
    BringBack(usize),
    ChooseReference(usize),
    RemoveReference(usize),
    RemoveSource,
}
