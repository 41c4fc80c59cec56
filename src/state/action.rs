//! What panels ask for, and what the state asks of the program around it.

use super::album::{Listing, Query};
use super::draft::{Brush, SeedChoice, Tab};
use super::errand::Errand;
use super::models::{ModelAction, ModelEffect};
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

/// What the user does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Set(Setting),
    NewSeed,
    RecallSeed,
    Paint(Paint),
    GoToTurn(usize),
    ChooseReference(usize),
    RemoveReference(usize),
    RemoveSource,
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
    Front(OrderId),
    Place(OrderId, usize),
    Remove(OrderId),
    ClearQueue,
    Open(PathBuf, Target),
    Browse(Target),
    Opened(Box<Opened>, Target),
    /// A background job could not be done; the first part says what it was.
    Failed(&'static str, Failure),
    OfferSettings,
    OfferFinish,
    OfferSource,
    OfferReference,
    DismissOffer,
    MapMade(Photo),
    Kept(OutcomeId, PathBuf),
    NotKept(Box<Keeping>, Failure),
    KeepAgain,
    /// The same, by itself and without a word when it fails again.
    KeepQuietly,
    Fetched(OutcomeId, Arc<Pixels>),
    NotFetched(OutcomeId, Failure),
    ShowRun,
    ShowSource,
    /// The shown result beside what it was made from, or no longer.
    BeforeAfter,
    Result(Which, Verb),
    /// The history page asks for these pictures.
    Ask(Query),
    /// The folder is looked at again.
    Look,
    /// The window has the keyboard again.
    Regained,
    Listed(Box<Listing>),
    Stars(BTreeSet<PathBuf>),
    NotStarred(PathBuf, Failure),
    Trashed(PathBuf),
    NotTrashed(PathBuf, Failure),
    /// What went to the trash comes back.
    TakeBack,
    TakenBack(PathBuf),
    NotTakenBack(PathBuf, Failure),
    /// A picture that was asked for is there no longer.
    Missed(PathBuf),
    /// These files are there no longer.
    Gone(Vec<PathBuf>),
    /// Results whose files are gone leave the strip.
    TakeOffGone,
    CopyRead(Arc<Pixels>),
    SaveCopy {
        from: PathBuf,
        to: PathBuf,
    },
    LoadModel(Option<PathBuf>),
    BrowseModel,
    Models(ModelAction),
    Page(Page),
    ForgetMishaps,
    Scheme(ColourScheme),
    Zoom(f32),
    Help,
    DismissNotice(u64),
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
