//! What is chosen on the settings page.

use crate::task::{Export, KvCache, LogLevel, LogPrompts, Naming, WhenDone};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is chosen on the settings page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PreferenceAction {
    /// The user is asked for the folder of pictures.
    AskForFolder,
    /// `None` is the system's own.
    Pictures(Option<PathBuf>),
    Naming(Naming),
    Export(Export),
    Threads(Option<usize>),
    Cache(KvCache),
    WhenDone(WhenDone),
    Log(LogLevel),
    LogPrompts(LogPrompts),
    /// One file of all that somebody who helps wants to know.
    CollectDiagnostics,
}
