//! What panels ask for, and what the state asks of the program around it.

use super::album::{Listing, Query};
use super::draft::{Brush, SeedChoice, Tab};
use super::errand::Errand;
use super::models::{ModelAction, ModelAnswer, ModelEffect};
use super::outcome::{Keeping, OutcomeId};
use super::painting::Point;
use super::photo::Photo;
use super::queue::OrderId;
use super::run::{Begun, Row};
use super::{ColourScheme, Page};
use crate::pixels::{Pixels, Size};
use crate::task::{Failure, Guesses, Lookahead, MapKind, Noise, Task};
use crate::token::Grid;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a picture is put that the user drops, pastes or opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The picture to edit; a saved picture is asked about first.
    Canvas,
    Reference,
    Map,
    /// A photo of which a map is made.
    MapPhoto,
    Predict,
    /// Only its settings.
    Settings,
    /// The picture to edit, without a question.
    Edit,
    /// A stopped picture is drawn to its end.
    Finish,
}

/// The picture something is done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Outcome(OutcomeId),
    /// A file of the library.
    Kept(PathBuf),
}

/// What can be done with a picture that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Show,
    /// Beside the shown one; once more ends it.
    Compare,
    UseSettings,
    Edit,
    Subject,
    /// A stopped picture is finished.
    Finish,
    Copy,
    SaveAs,
    /// In the file manager.
    Reveal,
    /// In the program the system has for pictures.
    OpenOutside,
    /// Gives it a star, or takes it.
    Star,
    Trash,
    /// Only off the strip: the file stays.
    TakeOff,
}

/// A picture that was read, and the task stored in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub photo: Photo,
    pub path: Option<PathBuf>,
    pub task: Option<Box<Task>>,
}

/// One setting of the draft.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    Tab(Tab),
    Words(String),
    /// The prompt is given to the model as it is.
    AsTyped(bool),
    Description(String),
    Size(Option<Size>),
    Seed(u64),
    SeedChoice(SeedChoice),
    Cfg(Option<f32>),
    TopK(Option<usize>),
    Temperature(Option<f32>),
    TopNSigma(Option<f32>),
    Noise(Noise),
    Lookahead(Lookahead),
    Batch(u32),
    Candidates(usize),
    PairKind(MapKind),
    ControlKind(MapKind),
    PredictKind(MapKind),
    Thresholds(f32, f32),
    Brush(Brush),
}

/// What happens to the mask of the current source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Paint {
    Begin(Point),
    Extend(Point),
    Finish,
    Undo,
    Redo,
    Grow,
    Shrink,
    Invert,
    Clear,
}

/// What changes the state from outside: what a person does, and what background work answers.
///
/// Each owner has an enum of its own and one function that matches it whole, without a wildcard:
/// so the compiler names every place that a new case touches.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Draft(DraftAction),
    Run(RunAction),
    Queue(QueueAction),
    Result(ResultAction),
    Offer(OfferAction),
    Models(ModelAction),
    Files(FileAction),
    View(ViewAction),
    Answer(Answer),
}

/// What is set up for the next picture.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftAction {
    Set(Setting),
    NewSeed,
    RecallSeed,
    Paint(Paint),
    GoToTurn(usize),
    ChooseReference(usize),
    RemoveReference(usize),
    RemoveSource,
}

/// What is done with the picture under way, and how one gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    /// Asks for the draft's picture(s).
    Draw,
    Example {
        prompt: &'static str,
        seed: u64,
    },
    Pause,
    /// Goes on: a paused picture, or one that was interrupted.
    Resume,
    Keep,
    Discard,
    Show,
    /// The picture being edited instead of the one under way.
    ShowSource,
}

/// What is done with the orders that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAction {
    Front(OrderId),
    /// To a place counted from 0.
    MoveTo(OrderId, usize),
    Remove(OrderId),
    Clear,
}

/// What is done with pictures that are there.
#[derive(Debug, Clone, PartialEq)]
pub enum ResultAction {
    Do(Which, Verb),
    /// The shown result beside what it was made from, or no longer.
    BeforeAfter,
    /// The history page asks for these pictures.
    Ask(Query),
    /// The folder is looked at again.
    Look,
    /// What went to the trash comes back.
    TakeBack,
    /// Results whose files are gone leave the strip.
    TakeOffGone,
    SaveCopy {
        from: PathBuf,
        to: PathBuf,
    },
    /// Pictures that could not be saved are tried again.
    KeepAgain,
    /// The same, by itself and without a word when it fails again.
    KeepQuietly,
}

/// What is done with a saved picture that was opened, which is asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferAction {
    UseSettings,
    Finish,
    Edit,
    Subject,
    Dismiss,
}

/// Which picture is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAction {
    Open(PathBuf, Target),
    Browse(Target),
}

/// How the window is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewAction {
    Page(Page),
    Scheme(ColourScheme),
    Zoom(f32),
    /// Shows the sheet of shortcuts, or takes it away.
    Help,
    DismissNotice(u64),
    ForgetMishaps,
    /// The window has the keyboard again.
    Regained,
}

/// What background work has found out or done.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Opened(Box<Opened>, Target),
    /// A background job could not be done; the first part says what it was.
    Failed(&'static str, Failure),
    MapMade(Photo),
    Kept(OutcomeId, PathBuf),
    NotKept(Box<Keeping>, Failure),
    Fetched(OutcomeId, Arc<Pixels>),
    NotFetched(OutcomeId, Failure),
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
    CopyRead(Arc<Pixels>),
    Models(ModelAnswer),
}

/// A nested action stands for itself where an [`Action`] is wanted.
macro_rules! stands_for_itself {
    ($($owner:ident($nested:ty)),* $(,)?) => {
        $(impl From<$nested> for Action {
            fn from(nested: $nested) -> Self {
                Self::$owner(nested)
            }
        })*
    };
}

stands_for_itself! {
    Draft(DraftAction),
    Run(RunAction),
    Queue(QueueAction),
    Result(ResultAction),
    Offer(OfferAction),
    Models(ModelAction),
    Files(FileAction),
    View(ViewAction),
    Answer(Answer),
}

/// What the canvas is to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Begin(Grid),
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
    BrowseModel,
    Models(ModelEffect),
    MakeMap {
        photo: Photo,
        low: f32,
        high: f32,
        /// Size of a panel, when it is known.
        panel: Option<Size>,
    },
    Fetch(OutcomeId, PathBuf),
    Errand(Errand),
    /// To the clipboard.
    Copy(Arc<Pixels>),
    Stage(Stage),
    JournalBegin(Box<super::queue::Order>, Begun),
    JournalRow(Row),
    JournalEnd,
}
