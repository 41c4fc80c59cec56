//! What went wrong, and whether the user can change it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What kind of thing went wrong: decides exit codes and icons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The request cannot be carried out as it was put: the user changes it.
    Usage,
    /// Something broke on the way.
    Failed,
}

/// What went wrong, in words for the user; crosses threads and is shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    pub fault: Fault,
    /// One line: what happened and what can be done.
    pub message: String,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Usage,
            message: message.into(),
        }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Failed,
            message: message.into(),
        }
    }
}
