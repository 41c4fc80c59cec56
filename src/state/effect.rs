//! What the state asks of the program around it.

use super::action::{Secret, Target};
use super::errand::Errand;
use super::film::Shooting;
use super::ground::Ground;
use super::models::Asked;
use super::outcome::{Keeping, OutcomeId};
use super::photo::Photo;
use super::queue::{Order, OrderId};
use super::request::Request;
use super::run::{Begun, Row};
use crate::pixels::{Pixels, Size};
use crate::task::{Branch, Fitting, Guesses, ImportWish, Preferences, Question, Task, WriterChoice};
use crate::token::Grid;
use std::path::PathBuf;
use std::sync::Arc;

/// What the canvas is to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Begin(Grid, Option<Ground>),
    Row(Row),
    Guesses(Guesses),
    Picture(Arc<Pixels>),
    Compare(Option<(Arc<Pixels>, Arc<Pixels>)>),
    Clear,
}

/// What the state cannot do itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Submit(Box<Task>),
    /// These three are about the running task.
    Cancel,
    Pause,
    Resume,
    Keep(Box<Keeping>),
    Load(Option<PathBuf>),
    Read(PathBuf, Target),
    Browse(Target),
    /// Asks for the folder that pictures go to.
    AskForPicturesFolder,
    /// The preferences are others.
    Prefer(Box<Preferences>),
    CollectDiagnostics,
    BrowseModel,
    Models(ModelEffect),
    Writer(WriterEffect),
    MakeMap {
        photo: Photo,
        low: f32,
        high: f32,
        /// Size of a panel, when it is known.
        panel: Option<Size>,
    },
    Fetch(OutcomeId, PathBuf),
    /// The saved picture is to be drawn otherwise from a row on.
    Branch {
        path: PathBuf,
        /// What it was made from, where that is in memory.
        before: Option<Arc<Pixels>>,
        branch: Branch,
    },
    /// What the file says of how the picture came to be.
    Trace(OutcomeId, PathBuf),
    /// Where two saved pictures differ.
    Differ((OutcomeId, OutcomeId), (PathBuf, PathBuf)),
    /// A saved picture is asked about: a row of its token grid.
    Inquire {
        path: PathBuf,
        row: u32,
    },
    /// A question for the model.
    Ask(Box<Question>),
    /// A picture is drawn once more, and its rows go to a file as they come.
    Film {
        from: PathBuf,
        to: PathBuf,
        /// What it was made from, where that is in memory.
        before: Option<Arc<Pixels>>,
    },
    Shoot(Box<Shooting>),
    /// The rows of a saved picture begin a new one.
    StartFrom {
        path: PathBuf,
        rows: u32,
        request: Box<Request>,
    },
    Errand(Errand),
    /// To the clipboard.
    Copy(Arc<Pixels>),
    Stage(Stage),
    JournalBegin(Box<Order>, Begun),
    JournalRow(Row),
    /// An order's pictures are on their way to the disk; the orders draw them again, should they not
    /// get there.
    JournalDrawn(Box<Order>, Vec<Order>),
    /// Nothing of an order is to be remembered any more.
    JournalEnd(OrderId),
}

/// What the models page asks of the program around it.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEffect {
    Survey(Vec<PathBuf>),
    Appraise(PathBuf),
    Ask(Asked, Option<ImportWish>),
    Plan(PathBuf),
    /// Reads a checkpoint's headers: how could it run here?
    Fit(ImportWish),
    /// Measures how long a picture takes.
    Measure(ImportWish, Fitting),
    StopMeasuring,
    Import(ImportWish),
    CancelImport,
    Hub(HubEffect),
}

/// What is asked of writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriterEffect {
    /// Which ones are there?
    Look,
    Ask {
        choice: WriterChoice,
        own: String,
    },
    Stop,
    /// Puts the key of a server into the system's keyring.
    KeepKey(String, Secret),
}

/// What is asked of the Hub and of its cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubEffect {
    Look,
    Get(String),
    Verify(String),
    /// Stops what is being got or verified.
    Stop,
    /// Throws away what is not whole of a repository.
    Discard(String),
    Delete(String),
}
