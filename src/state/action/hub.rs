//! What is done about models on the Hugging Face Hub, and what comes of it.

use super::super::hub::HubEnd;
use crate::task::{Failure, HubShelf, Transfer};
use serde::{Deserialize, Serialize};

/// What is done about models on the Hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HubAction {
    /// Looks what is here.
    Look,
    /// A name is typed.
    Type(String),
    /// Fetches a repository, or goes on with it.
    Get(String),
    /// Stops and keeps what came.
    Pause,
    /// Stops and throws away what is not whole.
    Cancel,
    Verify(String),
    /// Asks whether a repository shall be deleted.
    AskDelete(String),
    /// It stays.
    KeepIt,
    Delete(String),
}

/// What background work has found out about the Hub, or done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HubAnswer {
    Looked(Result<Box<HubShelf>, Failure>),
    Stepped(Transfer, Option<String>),
    Ended(Result<HubEnd, Failure>),
    /// Bytes that are free again.
    Deleted(String, Result<u64, Failure>),
}
