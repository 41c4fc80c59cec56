//! What panels ask for, and what the state asks of the program around it.

use super::draft::{Brush, SeedChoice, Tab};
use super::outcome::{Keeping, OutcomeId};
use super::painting::Point;
use super::photo::Photo;
use super::queue::OrderId;
use super::run::{Begun, Row};
use super::{ColourScheme, Page};
use crate::pixels::{Pixels, Size};
use crate::task::{Failure, Guesses, MapKind, Task, Window};
use crate::token::Grid;
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
    Description(String),
    Size(Option<Size>),
    Seed(u64),
    SeedChoice(SeedChoice),
    Cfg(Option<f32>),
    TopK(Option<usize>),
    Temperature(Option<f32>),
    Window(Window),
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
    OfferSource,
    OfferReference,
    DismissOffer,
    MapMade(Photo),
    Kept(OutcomeId, PathBuf),
    NotKept(Box<Keeping>, Failure),
    KeepAgain,
    Show(OutcomeId),
    Fetched(OutcomeId, Arc<Pixels>),
    ThumbnailRead(OutcomeId, Arc<Pixels>),
    ShowRun,
    ShowSource,
    Compare(OutcomeId),
    /// The shown result beside what it was made from, or no longer.
    BeforeAfter,
    UseSettings(OutcomeId),
    UseAsSource(OutcomeId),
    UseAsReference(OutcomeId),
    /// A stopped picture is finished.
    Finish(OutcomeId),
    RemoveOutcome(OutcomeId),
    LoadModel(Option<PathBuf>),
    BrowseModel,
    Page(Page),
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
    MakeMap {
        photo: Photo,
        low: f32,
        high: f32,
        /// Size of a panel, when it is known.
        panel: Option<Size>,
    },
    Fetch(OutcomeId, PathBuf),
    Stage(Stage),
    JournalBegin(Box<super::queue::Order>, Begun),
    JournalRow(Row),
    JournalEnd,
}
