//! What the window knows of models: what there is, what it needs, what is being made of it.

use super::fit::{Fit, Tight};
use super::hub::Hub;
use crate::task::{Appraisal, Device, Failure, ImportStep, ImportWish, Survey};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A file the import asks the user for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    Folder,
    Movq,
    Output,
}

/// A model looked at before it is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    pub appraisal: Result<Appraisal, Failure>,
    pub free_bytes: Option<u64>,
}

/// An import, from the choice of the folder to the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Import {
    #[default]
    None,
    Planned(ImportWish),
    Running {
        wish: ImportWish,
        step: ImportStep,
        elapsed_secs: f64,
        /// It was cancelled and has not ended yet.
        ending: Ending,
    },
    Done {
        path: PathBuf,
        remarks: Vec<String>,
    },
}

impl Import {
    /// What is planned or under way.
    pub fn wish(&self) -> Option<&ImportWish> {
        match self {
            Self::Planned(wish) | Self::Running { wish, .. } => Some(wish),
            Self::None | Self::Done { .. } => None,
        }
    }
}

/// Whether a running import was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    #[default]
    No,
    Asked,
}

/// What the window knows of models.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Models {
    /// What was found; `None` before the first look around.
    pub survey: Option<Survey>,
    pub device: Device,
    pub import: Import,
    /// What is known of the import that is planned.
    pub fit: Fit,
    /// Memory ran out, and nothing was changed since.
    pub tight: Option<Tight>,
    pub hub: Hub,
    /// A model that is looked at and then loaded.
    pub pending: Option<PathBuf>,
    /// Models that were asked for and did not fit, with their appraisals.
    pub held_back: Vec<(PathBuf, Appraisal)>,
}

impl Models {
    /// What is known of a model's headers; `None` is the built-in one.
    pub fn appraisal(&self, path: Option<&Path>) -> Option<&Result<Appraisal, Failure>> {
        let path = path?;
        let known = &self.survey.as_ref()?.models;
        known
            .iter()
            .find(|known| known.path == path)
            .map(|known| &known.appraisal)
    }
}

/// Seconds to the end of an import, from the bytes written so far.
pub fn import_seconds_left(step: &ImportStep, elapsed_secs: f64) -> Option<f64> {
    let left = step.of.saturating_sub(step.done) as f64;
    (step.done > 0 && elapsed_secs > 0.0).then(|| elapsed_secs * left / step.done as f64)
}
