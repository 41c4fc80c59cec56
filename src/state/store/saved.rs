//! What is in the state file.

use super::super::draft::Draft;
use super::super::outcome::Outcome;
use super::super::queue::Queue;
use super::super::undo::Undo;
use super::super::view::View;
use crate::task::{Device, ImportWish, Preferences};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub(super) const VERSION: u64 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) version: u64,
    pub(super) draft: Draft,
    pub(super) view: View,
    pub(super) model_path: Option<PathBuf>,
    pub(super) recent_models: Vec<PathBuf>,
    pub(super) queue: Queue,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) next_id: u64,
    #[serde(default, rename = "processor")]
    pub(super) device: Device,
    #[serde(default)]
    pub(super) preferences: Preferences,
    #[serde(default)]
    pub(super) undo: Option<Undo>,
    /// An import that was planned or under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) import: Option<ImportWish>,
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            version: VERSION,
            draft: Draft::default(),
            view: View::default(),
            model_path: None,
            recent_models: Vec::new(),
            queue: Queue::default(),
            outcomes: Vec::new(),
            next_id: 0,
            device: Device::default(),
            preferences: Preferences::default(),
            undo: None,
            import: None,
        }
    }
}
