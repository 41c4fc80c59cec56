//! What background work has found out or done.

use super::super::album::Listing;
use super::super::film::Shooting;
use super::super::models::Look;
use super::super::origin::Origin;
use super::super::outcome::{Keeping, OutcomeId};
use super::super::photo::{Opened, Photo};
use super::super::wanted::Wanted;
use super::files::Target;
use super::hub::HubAnswer;
use super::writing::WriterAnswer;
use crate::pixels::Pixels;
use crate::task::{Difference, Failure, Fitting, ImportStep, ImportWish, Question, Survey, Task};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What background work has found out or done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Opened(Box<Opened>, Target),
    /// A background job could not be done; the first part says what it was.
    Failed(Cow<'static, str>, Failure),
    MapMade(#[serde(with = "super::super::photo::whole")] Photo),
    /// The desktop has no dialog to ask for this file.
    NoDialog(Wanted),
    Kept(OutcomeId, PathBuf),
    NotKept(Box<Keeping>, Failure),
    Fetched(OutcomeId, #[serde(with = "crate::pixels::shared")] Arc<Pixels>),
    NotFetched(OutcomeId, Failure),
    /// How the picture came to be.
    Traced(OutcomeId, Box<Origin>),
    /// The task that draws a saved picture otherwise from a row on.
    Branched(Box<Task>),
    /// Where two pictures differ.
    Differs((OutcomeId, OutcomeId), Result<Difference, Failure>),
    /// What is to be asked of the model, or why nothing can be.
    Inquired(Result<Box<Question>, Failure>),
    /// A picture can be filmed.
    Shoot(Box<Shooting>),
    Filmed(PathBuf),
    Listed(Box<Listing>),
    Stars(BTreeSet<PathBuf>),
    NotStarred(PathBuf, Failure),
    Trashed(PathBuf),
    NotTrashed(PathBuf, Failure),
    TakenBack(PathBuf),
    NotTakenBack(PathBuf, Failure),
    /// A picture that was asked for is there no longer.
    Missed(PathBuf),
    /// These files are there no longer.
    Gone(Vec<PathBuf>),
    CopyRead(#[serde(with = "crate::pixels::shared")] Arc<Pixels>),
    /// The file with the diagnostics.
    Diagnosed(Result<PathBuf, Failure>),
    Models(ModelAnswer),
    Writer(WriterAnswer),
}

/// What background work has found out about models, or done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ModelAnswer {
    Surveyed(Box<Survey>),
    /// The model that was asked for, before it is loaded.
    Appraised(PathBuf, Box<Look>),
    /// A folder was chosen, with all that follows from it.
    Planned(ImportWish),
    /// How the checkpoint in a folder could run here.
    Fitted(PathBuf, Result<Fitting, Failure>),
    /// The same, with how long a picture takes.
    Measured(PathBuf, Result<Fitting, Failure>),
    Stepped(ImportStep, f64),
    /// The file is there, with what had to be done otherwise than asked; or there is none.
    Ended(Result<Vec<String>, Failure>),
    Hub(HubAnswer),
}
