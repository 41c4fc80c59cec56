//! What is done about models.

use super::super::models::Asked;
use super::hub::HubAction;
use crate::pixels::Size;
use crate::task::{Device, Format};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is done about models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ModelAction {
    /// Asks for a model; `None` is the built-in one.
    Load(Option<PathBuf>),
    /// Loads it whatever it needs.
    LoadAnyway(PathBuf),
    Browse,
    /// Looks around again.
    Survey,
    Forget(PathBuf),
    Device(Device),
    /// A picture of this size needs less: it is chosen, and drawn when the user says so.
    TakeSize(Size),
    /// The checkpoint the model was made of, stored in this format, needs less.
    TakeFormat(Format),
    Import(ImportAction),
    Hub(HubAction),
}

/// What is done about the import of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ImportAction {
    Ask(Asked),
    /// This folder shall be imported.
    PlanFor(PathBuf),
    Movq(PathBuf),
    Output(PathBuf),
    Format(Format),
    /// Measures how long a picture takes.
    Measure,
    Close,
    Start,
    Cancel,
}
