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

/// Why it went wrong, where that is known: decides what is advised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    #[default]
    Unknown,
    /// There is no such file.
    Missing,
    /// The user may not read or write it.
    Denied,
    /// There is no room on the disk.
    Full,
    /// It is a folder.
    Folder,
    /// The file is of another kind than is wanted, whatever its name says.
    OtherKind,
    /// The file is of the right kind, and damaged or not whole.
    Damaged,
    /// It has more pixels than can be taken in.
    TooLarge,
    /// There is too little memory, of the machine or of the card.
    Memory,
}

impl Cause {
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    /// What an error of the system stands for.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::IsADirectory => Self::Folder,
            ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Unknown,
        }
    }
}

/// What went wrong, in words for the user; crosses threads and is shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    pub fault: Fault,
    #[serde(default, skip_serializing_if = "Cause::is_unknown")]
    pub cause: Cause,
    /// One line: what happened and what can be done.
    pub message: String,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Usage,
            cause: Cause::Unknown,
            message: message.into(),
        }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Failed,
            cause: Cause::Unknown,
            message: message.into(),
        }
    }

    /// The same, for a reason that is known.
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }
}
