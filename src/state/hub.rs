//! What the window knows of models on the Hugging Face Hub: which there are, what is here, what is being done.

use crate::task::{HubShelf, Stored, Transfer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Work on one repository that takes a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HubKind {
    Get,
    Verify,
}

/// Whether running work was asked to stop, and what becomes of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stopping {
    #[default]
    No,
    /// It is kept.
    Pause,
    /// It is thrown away.
    Discard,
}

/// What is being done with one repository.
#[derive(Debug, Clone, PartialEq)]
pub struct HubWork {
    pub kind: HubKind,
    pub repository: String,
    pub step: Transfer,
    /// The newest thing worth knowing.
    pub remark: Option<String>,
    pub stopping: Stopping,
}

impl HubWork {
    pub(super) fn new(kind: HubKind, repository: &str) -> Self {
        Self {
            kind,
            repository: repository.to_owned(),
            step: Transfer::default(),
            remark: None,
            stopping: Stopping::No,
        }
    }
}

/// How work ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HubEnd {
    /// What is here now.
    Got(Stored),
    /// What was found, in a sentence.
    Verified(String),
}

/// What the window knows of the Hub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hub {
    /// `None` before the first look.
    pub shelf: Option<HubShelf>,
    pub work: Option<HubWork>,
    /// The repository the user is asked about before it is deleted.
    pub leaving: Option<String>,
    /// The name that is typed.
    pub typed: String,
    /// What the last work on a repository came to.
    pub said: Option<(String, String)>,
    /// The model to import when its image tokenizer is here, too.
    pub(super) then: Option<PathBuf>,
}

impl Hub {
    /// The work on this repository.
    pub fn work_on(&self, repository: &str) -> Option<&HubWork> {
        self.work.as_ref().filter(|work| work.repository == repository)
    }
}
