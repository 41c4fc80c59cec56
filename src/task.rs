//! What can be asked of an engine, what it reports, and how it is stopped.
//!
//! Plain data only: tasks and reports can be stored, compared and replayed. Nothing here knows of
//! threads, models or windows.

mod branch;
mod cancel;
mod difference;
mod doubt;
mod failure;
mod fitting;
mod hub;
mod mode;
mod models;
mod preferences;
mod question;
mod sampling;
mod story;
mod watchdog;
mod writing;

pub use branch::{Branch, Lineage, Taken, fingerprint};
pub use cancel::Cancel;
pub use difference::Difference;
pub use doubt::Doubt;
pub use failure::{Cause, Failure, Fault};
pub use fitting::{Fitting, Way};
pub use hub::{HubShelf, Offered, Stored, StoredKind, Transfer, TransferPhase, time_left};
pub use mode::{MapKind, Mode};
pub use models::{
    Appraisal, Device, DeviceState, Format, ImportStep, ImportWish, Known, KvCache, Needs, Origin, Plan,
    Survey, gigabytes,
};
pub use preferences::{Export, LogLevel, LogPrompts, Naming, Preferences, WhenDone};
pub use question::{Alternative, Finding, Question};
pub use sampling::{Lookahead, Noise, Sampling, SamplingChoice};
pub use story::{Audition, Band, Given, Parent, Story};
pub use watchdog::{Watch, Watchdog};
pub use writing::{FoundWriter, Rewritten, SceneObject, ScenePlan, WriterChoice, Written};

use crate::pixels::{Mask, Pixels, Size};
use crate::token::Grid;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

/// Longest prompt that is read, in bytes: far more than any model takes in.
pub const LONGEST_PROMPT: usize = 64 * 1024;
/// Thresholds of the canny map made from a photo unless others are chosen, of 0 to 255.
pub const CANNY_THRESHOLDS: (f32, f32) = (60.0, 140.0);

/// A seed nobody chose, below `limit`: the standard library seeds its hash maps from the system's
/// randomness.
pub fn new_seed(limit: u64) -> u64 {
    RandomState::new().build_hasher().finish() % limit
}

/// Names one task in every report about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId(pub u64);

/// What is given to a model for the words of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// A model that knows a small world gets a caption in its own words; every other model the
    /// prompt as it is.
    #[default]
    Understood,
    /// The prompt as it is.
    AsTyped,
    /// This caption, found earlier.
    As(String),
}

/// A prompt as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What the model is given.
    pub caption: String,
    /// Words that mean nothing to it, as typed.
    pub unknown: Vec<String>,
    /// Whether something near stands for something it cannot draw.
    pub is_near: bool,
}

/// One request: everything an engine needs to draw a picture, and to draw it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub mode: Mode,
    pub prompt: String,
    pub wording: Wording,
    /// Size of one panel; `None` leaves it to the model (and to the source's shape).
    pub size: Option<Size>,
    pub sampling: SamplingChoice,
    pub seed: u64,
    /// Pictures drawn with the seeds `seed..seed + candidates`, the likeliest of them the result.
    pub candidates: usize,
    /// The user's picture, as read (its own size, opaque).
    #[serde(with = "crate::pixels::shared_or_none")]
    pub source: Option<Arc<Pixels>>,
    /// What of the source may be redrawn (edit only), at any size.
    #[serde(with = "crate::pixels::shared_or_none")]
    pub mask: Option<Arc<Mask>>,
    /// Pixels inside the mask's border over which source and result are blended.
    pub feather: u32,
    /// Draw even if the model was not trained for it.
    pub force: bool,
    /// Codes already known, row by row over the whole grid: the start of a stopped picture.
    pub resume: Option<Vec<u32>>,
    /// How unsure the model was of the codes in `resume`, as far as that is known.
    #[serde(default, skip_serializing_if = "Doubt::is_empty")]
    pub doubt: Doubt,
    /// Rows with words of their own, and where the first ones come from.
    pub story: Story,
    /// Draw beginnings of the candidates first and finish only the likeliest.
    pub audition: Option<Audition>,
    /// Where `prompt` comes from when it is not the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

impl Task {
    /// A task with every setting left to the model.
    pub fn new(mode: Mode, prompt: impl Into<String>) -> Self {
        Self {
            mode,
            prompt: prompt.into(),
            wording: Wording::Understood,
            size: None,
            sampling: SamplingChoice::default(),
            seed: 0,
            candidates: 1,
            source: None,
            mask: None,
            feather: 0,
            force: false,
            resume: None,
            doubt: Doubt::default(),
            story: Story::default(),
            audition: None,
            written: None,
        }
    }

    /// The same, to be drawn from what a writer made of its words.
    pub fn rewritten(self, rewritten: Rewritten) -> Self {
        Self {
            prompt: rewritten.prompt,
            written: Some(rewritten.written),
            ..self
        }
    }

    /// Why its mask cannot be one of its picture.
    pub fn mask_refusal(&self) -> Option<String> {
        let mask = self.mask.as_deref().filter(|_| self.mode == Mode::Edit)?;
        mask.refusal(self.source.as_deref()?.size())
    }
}

/// Work done so far in one task.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Codes decided by the model (forced ones are not counted).
    pub tokens: usize,
    /// Forwards through the decoder.
    pub forwards: usize,
    /// Since the task began, pauses included.
    pub seconds: f64,
    /// Sum over those codes of `log p(code | prompt, codes before it)`, in nats, by the plain scores.
    #[serde(default)]
    pub log_p: f64,
}

impl Tally {
    /// How likely the codes are on average, in nats a code: 0 is certain. `None` before the first one.
    pub fn score(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.log_p / self.tokens as f64)
    }
}

/// Codes after the last whole row, most of them guesses that are not verified.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Guesses {
    pub codes: Vec<u32>,
    /// Their 8x8 cells, in lines of a grid's width; `None` where there is no preview of them.
    pub preview: Option<Pixels>,
}

/// What an engine tells while it works on a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// The engine knows what it will draw.
    Started {
        grid: Grid,
        panel: Size,
        sampling: Sampling,
        lookahead: usize,
        rows_forced: u32,
        /// Codes the model chooses in each row of the grid; the others are given by pictures.
        to_draw: Vec<u32>,
        /// Where the model is given other words than were typed.
        reading: Option<Reading>,
    },
    /// A row of codes is decided. Rows come in order for each candidate.
    Row {
        candidate: usize,
        /// From the top of the grid, 0-based.
        row: u32,
        codes: Vec<u32>,
        guesses: Guesses,
        /// The row's preview: `8 * columns` x 8 pixels.
        preview: Pixels,
        tally: Tally,
    },
    /// A row that is not whole yet got further.
    Ahead {
        candidate: usize,
        /// From the start of that row on; the first of them are decided.
        guesses: Guesses,
        tally: Tally,
    },
    Paused,
    Resumed,
    /// All codes are there, the picture is being decoded from them.
    Decoding,
}

/// A finished (or stopped) picture: the one decode of its whole grid, and what it was drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What the user asked for: the result panel (both panels for a pair), composited with the
    /// source where there was a mask. `None` when the task ended before the last row.
    pub pixels: Option<Pixels>,
    pub grid: Grid,
    /// Codes row by row; shorter than the grid when stopped, a whole number of rows then.
    pub codes: Vec<u32>,
    pub seed: u64,
    /// `log p(picture | prompt) - log p(picture)` over the codes the model drew, in nats.
    pub score: Option<f64>,
    /// Of one of several masked edits: `log p` of the untouched codes behind the first redrawn one, in
    /// nats. The better they follow from what was drawn, the less is there a seam.
    pub seam: Option<f64>,
    /// Settings after the model's defaults were filled in.
    pub sampling: Sampling,
    pub panel: Size,
    pub lookahead: usize,
    pub tally: Tally,
    /// What the model was given, where that is not the prompt as typed.
    pub caption: Option<String>,
    /// With the settings of its bands as they were settled on.
    pub story: Story,
    /// One entry for each of `codes`; empty where nothing was noted.
    #[serde(default, skip_serializing_if = "Doubt::is_empty")]
    pub doubt: Doubt,
}

impl Picture {
    /// One of these codes of which nothing else is known yet.
    pub fn of_codes(grid: Grid, codes: Vec<u32>, seed: u64, sampling: Sampling) -> Self {
        Self {
            pixels: None,
            grid,
            codes,
            seed,
            score: None,
            seam: None,
            sampling,
            panel: grid.pixels(),
            lookahead: 1,
            tally: Tally::default(),
            caption: None,
            story: Story::default(),
            doubt: Doubt::default(),
        }
    }
}

/// How a task ended other than with pictures.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// Cancelled; the rows drawn so far, one picture a candidate (empty if none was begun).
    Cancelled(Vec<Picture>),
    Failed(Failure),
}

/// One thing a model was made for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Skill {
    /// As [`Mode::name`] says it.
    pub mode: String,
    /// Maps known to it; empty where it has none.
    pub maps: Vec<MapKind>,
    /// Sizes of one panel; empty where any will do.
    pub sizes: Vec<Size>,
    pub default_size: Option<Size>,
    /// Whether the user has to say in words what the subject is.
    pub needs_description: bool,
    /// Its own defaults; the profile's where it has none.
    pub sampling: Option<Sampling>,
}

/// What a loaded model can do, for those who ask for pictures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Said wherever the model is named.
    pub note: Option<String>,
    pub sampling: Option<Sampling>,
    /// Empty when nothing is known of the model: then everything is allowed.
    pub skills: Vec<Skill>,
    /// Where it computes, in words.
    pub device: String,
    /// Whether it knows the starter's world only, so that prompts are understood before they are drawn.
    #[serde(default)]
    pub knows_starter_world: bool,
    /// Why not on the NVIDIA card that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Its weights in memory.
    pub bytes: Option<u64>,
    /// How pictures score that go right, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<Watchdog>,
}

impl Profile {
    pub fn skill(&self, mode: &str) -> Option<&Skill> {
        self.skills.iter().find(|skill| skill.mode == mode)
    }

    /// How a mode is sampled where the user does not say.
    pub fn sampling(&self, mode: &str) -> Option<Sampling> {
        self.skill(mode)
            .and_then(|skill| skill.sampling)
            .or(self.sampling)
    }
}

/// Everything the worker sends. Each report of a task carries its id; exactly one of `Finished`,
/// `Cancelled` and `Failed` ends a task, and `Answered` a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The engine is ready for tasks.
    Loaded {
        model: String,
        seconds: f64,
        profile: Profile,
    },
    /// The engine could not be made; nothing follows.
    LoadFailed(Failure),
    Progress {
        task: TaskId,
        progress: Progress,
    },
    /// Best candidate first when the task asked for several.
    Finished {
        task: TaskId,
        pictures: Vec<Picture>,
    },
    Cancelled {
        task: TaskId,
        pictures: Vec<Picture>,
    },
    Failed {
        task: TaskId,
        failure: Failure,
    },
    /// A question is answered, or cannot be.
    Answered {
        task: TaskId,
        answer: Result<Finding, Failure>,
    },
}

/// Carries out tasks. An engine can only emit progress: it never ends a task itself, it returns.
pub trait Engine {
    /// Draws the task's pictures, best first. Polls `cancel` between forwards.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] with the rows drawn so far, [`Stop::Failed`] with what the user can change.
    fn run(
        &mut self,
        task: &Task,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop>;

    /// Answers a question about a picture. Polls `cancel` between forwards.
    ///
    /// # Errors
    /// The picture is not of this model, a forward fails, or `cancel` was called.
    fn answer(&mut self, _question: &Question, _cancel: &Cancel) -> Result<Finding, Failure> {
        Err(Failure::usage("this model answers no questions about pictures"))
    }

    /// What it can do.
    fn profile(&self) -> Profile {
        Profile::default()
    }
}
