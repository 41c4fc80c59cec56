//! What the window knows, and the one place where that changes.
//!
//! [`Studio::apply`] takes in what the worker reports, [`Studio::act`] what the user does and what
//! other background work answers; both answer with the effects they need from the program around
//! them. Nothing here knows of windows or threads, so recorded reports and actions replay to the
//! same state. Invariants: at most one task is at the worker; a row is journalled before it is
//! shown; no picture that has a row is dropped except by [`RunAction::Discard`]; every action is
//! matched without a wildcard.

mod act;
mod action;
mod album;
mod answers;
mod chain;
mod compare;
mod draft;
mod errand;
mod inputs;
mod mishaps;
mod models;
mod opened;
mod outcome;
mod painting;
mod photo;
mod queue;
mod request;
mod results;
mod run;
mod store;
#[cfg(test)]
mod tests;
mod unkept;
mod window;

pub use action::{
    Action, Answer, DraftAction, Effect, FileAction, OfferAction, Opened, Paint, QueueAction, ResultAction,
    RunAction, Setting, Stage, Target, Verb, ViewAction, Which,
};
pub use album::{Album, Listing, Looked, Piece, Query, Star, Thrown};
pub use chain::{Chain, Turn};
pub use draft::{Brush, Control, Draft, SeedChoice, Tab};
pub use errand::Errand;
pub use mishaps::Mishap;
pub use models::{
    Asked, Ending, Import, ImportAction, Look, ModelAction, ModelAnswer, ModelEffect, Models,
    import_seconds_left,
};
pub use outcome::{Ended, Keeping, Outcome, OutcomeId};
pub use painting::{Painting, Point, Step, Stroke, Tool};
pub use photo::{Photo, thumbnail};
pub use queue::{Order, OrderId, Queue};
pub use request::Request;
pub use run::{Begun, Lane, Phase, Row, Run, Wish};
pub use store::{Snapshot, Store, StoreError};

use crate::pixels::{Pixels, Size};
use crate::task::{Failure, Guesses, Picture, Profile, Progress, Report, TaskId};
use crate::token::{CODE_PIXELS, best_size};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Results whose pixels stay in memory.
const PIXELS_KEPT: usize = 12;
/// Results of the strip.
const OUTCOMES_KEPT: usize = 60;
/// Longer side of a thumbnail.
pub const THUMBNAIL: u32 = 240;

/// The model the tasks go to.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    Loading,
    Ready {
        name: String,
        profile: Profile,
        seconds: f64,
    },
    Failed(Failure),
}

/// Whether the window hears of files that are dropped on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dropping {
    #[default]
    Works,
    /// The desktop does not tell it.
    Unheard,
}

/// What the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing yet: examples and a place to drop a picture.
    Welcome,
    Run,
    Outcome(OutcomeId),
    /// The picture being edited.
    Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Page {
    #[default]
    Canvas,
    Models,
    History,
    /// What went wrong.
    Mishaps,
    /// All the starter can draw.
    World,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ColourScheme {
    Dark,
    Light,
    #[default]
    System,
}

/// How the window is set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    pub scheme: ColourScheme,
    /// 1.0 to 2.0.
    pub zoom: f32,
    pub left_width: f32,
    pub right_width: f32,
}

impl Default for View {
    fn default() -> Self {
        Self {
            scheme: ColourScheme::System,
            zoom: 1.0,
            left_width: 312.0,
            right_width: 148.0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Info,
    Error,
}

/// Something the user should know: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub tone: Tone,
    pub title: String,
    pub reason: String,
    pub remedy: String,
    /// What can be done at once.
    pub offer: Option<Offer>,
}

impl Notice {
    /// Whether it offers to take something out of the trash.
    pub fn takes_back(&self) -> bool {
        self.offer
            .as_ref()
            .is_some_and(|offer| *offer.action == Action::Result(ResultAction::TakeBack))
    }
}

/// A button on a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub words: &'static str,
    pub action: Box<Action>,
}

/// Everything the window knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Studio {
    pub draft: Draft,
    pub view: View,
    pub page: Page,
    pub model: Model,
    /// The model's file; `None` is the built-in starter.
    pub model_path: Option<PathBuf>,
    /// Models used before.
    pub recent_models: Vec<PathBuf>,
    pub queue: Queue,
    pub run: Option<Run>,
    /// Newest first.
    pub outcomes: Vec<Outcome>,
    /// Pictures of the history on the canvas: the shown and the compared one at most.
    pub guests: Vec<Outcome>,
    pub album: Album,
    /// What can be taken back out of the trash.
    pub thrown: Vec<Thrown>,
    pub shown: Shown,
    /// A picture beside the shown one.
    pub compared: Option<OutcomeId>,
    pub before_after: bool,
    /// A saved picture was dropped: what shall be done with it?
    pub offer: Option<Opened>,
    pub notices: Vec<Notice>,
    /// What went wrong, newest first.
    pub mishaps: Vec<Mishap>,
    pub models: Models,
    pub dropping: Dropping,
    /// Pictures that could not be kept.
    pub unkept: Vec<Keeping>,
    pub help: bool,
    /// The folder of the last picture kept.
    pub kept_in: Option<PathBuf>,
    next_id: u64,
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            draft: Draft::default(),
            view: View::default(),
            page: Page::Canvas,
            model: Model::Loading,
            model_path: None,
            recent_models: Vec::new(),
            queue: Queue::default(),
            run: None,
            outcomes: Vec::new(),
            guests: Vec::new(),
            album: Album::default(),
            thrown: Vec::new(),
            shown: Shown::Welcome,
            compared: None,
            before_after: false,
            offer: None,
            notices: Vec::new(),
            mishaps: Vec::new(),
            models: Models::default(),
            dropping: Dropping::Works,
            unkept: Vec::new(),
            help: false,
            kept_in: None,
            next_id: 0,
        }
    }
}

impl Studio {
    /// Takes in what the worker reports.
    pub fn apply(&mut self, report: &Report) -> Vec<Effect> {
        match report {
            Report::Loaded {
                model,
                seconds,
                profile,
            } => {
                self.model = Model::Ready {
                    name: model.clone(),
                    profile: profile.clone(),
                    seconds: *seconds,
                };
                if self.run.as_ref().is_some_and(Run::waits) {
                    return self.resume_interrupted();
                }
                self.pump()
            }
            Report::LoadFailed(failure) => {
                self.model = Model::Failed(failure.clone());
                self.interrupt();
                self.error(
                    "The model could not be loaded",
                    failure,
                    "Choose another model on the models page.",
                );
                Vec::new()
            }
            Report::Progress { task, progress } if self.is_running(*task) => self.progress(progress),
            Report::Finished { task, pictures } if self.is_running(*task) => self.finished(pictures),
            Report::Cancelled { task, pictures } if self.is_running(*task) => self.cancelled(pictures),
            Report::Failed { task, failure } if self.is_running(*task) => self.failed(failure),
            // Of a task that was given up.
            Report::Progress { .. }
            | Report::Finished { .. }
            | Report::Cancelled { .. }
            | Report::Failed { .. } => Vec::new(),
        }
    }

    /// The name the worker gave the task of the last [`Effect::Submit`].
    pub fn submitted(&mut self, task: TaskId) {
        if let Some(run) = &mut self.run {
            run.task = Some(task);
        }
    }

    /// The worker did not take it.
    pub fn not_submitted(&mut self, failure: &Failure) -> Vec<Effect> {
        self.failed(failure)
    }

    fn is_running(&self, task: TaskId) -> bool {
        self.run.as_ref().is_some_and(|run| run.task == Some(task))
    }

    fn progress(&mut self, progress: &Progress) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        let before = run.rows();
        run.take(progress);
        let mut effects = Vec::new();
        let on_canvas = self.shown == Shown::Run;
        match progress {
            Progress::Started { .. } => {
                if let Some(begun) = run.begun {
                    effects.push(Effect::JournalBegin(Box::new(run.order.clone()), begun));
                }
                if let Some(grid) = run.shown_grid().filter(|_| on_canvas) {
                    effects.push(Effect::Stage(Stage::Begin(grid)));
                }
            }
            Progress::Row {
                candidate: 0,
                row,
                codes,
                preview,
                ..
            } if run.rows() > before => {
                effects.push(Effect::JournalRow(Row {
                    row: *row,
                    codes: codes.clone(),
                    preview: preview.clone(),
                }));
                if let Some(row) = run.shown_row(*row).filter(|_| on_canvas) {
                    effects.push(Effect::Stage(Stage::Row(row)));
                    effects.push(Effect::Stage(Stage::Guesses(run.guesses.clone())));
                }
            }
            Progress::Ahead {
                candidate: 0,
                guesses,
                ..
            } if on_canvas => {
                effects.push(Effect::Stage(Stage::Guesses(guesses.clone())));
            }
            Progress::Decoding if on_canvas => {
                effects.push(Effect::Stage(Stage::Guesses(Guesses::default())))
            }
            _ => {}
        }
        effects
    }

    fn finished(&mut self, pictures: &[Picture]) -> Vec<Effect> {
        let Some(run) = self.run.take() else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        let mut best = None;
        // The best comes first and shall stand first in the strip.
        for picture in pictures.iter().rev() {
            let pixels = picture.pixels.clone().map(Arc::new);
            let (id, keep) = self.add_outcome(&run, picture.clone(), pixels.clone(), None);
            effects.push(keep);
            best = pixels.map(|pixels| (id, pixels));
        }
        let Some((id, pixels)) = best else {
            let failure = Failure::failed("the engine finished without a picture");
            self.run = Some(run);
            return self.failed(&failure);
        };
        if self.shown == Shown::Run {
            self.shown = Shown::Outcome(id);
            effects.push(Effect::Stage(Stage::Picture(Arc::clone(&pixels))));
            // A map is looked at beside its picture.
            if matches!(run.order.request.mode, crate::task::Mode::Predict { .. }) {
                effects.extend(self.toggle_before_after());
            }
        }
        let request = &run.order.request;
        let continues = self.draft.chain.current().map(|turn| &turn.photo) == request.source.as_ref();
        if request.mode == crate::task::Mode::Edit && continues {
            self.draft
                .chain
                .push(Photo::new("result", pixels), request.title().to_owned());
        }
        effects.extend(self.pump());
        effects
    }

    fn cancelled(&mut self, pictures: &[Picture]) -> Vec<Effect> {
        let Some(mut run) = self.run.take() else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        match run.wish {
            Some(Wish::Discard) => {
                effects.push(Effect::JournalEnd);
                self.leave_run(&mut effects);
            }
            Some(Wish::Keep) => {
                let begun = pictures.iter().find(|picture| !picture.codes.is_empty());
                match begun.cloned().or_else(|| run.part()) {
                    Some(picture) => effects.push(self.keep_part(&run, picture)),
                    None => effects.push(Effect::JournalEnd),
                }
                self.leave_run(&mut effects);
            }
            Some(Wish::Interrupt | Wish::Resume) | None => {
                run.phase = Phase::Interrupted;
                run.task = None;
                self.run = Some(run);
                return effects;
            }
        }
        effects.extend(self.pump());
        effects
    }

    fn failed(&mut self, failure: &Failure) -> Vec<Effect> {
        let Some(mut run) = self.run.take() else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        if run.rows() > 0 {
            run.phase = Phase::Interrupted;
            run.task = None;
            run.wish = None;
            self.run = Some(run);
            self.error(
                "The picture could not be finished",
                failure,
                "Its rows are kept: Resume draws the rest.",
            );
        } else {
            self.error(
                "The picture could not be drawn",
                failure,
                "Change what it says and press Draw again.",
            );
            effects.push(Effect::JournalEnd);
            self.leave_run(&mut effects);
            effects.extend(self.pump());
        }
        effects
    }

    /// Gives the next order to the engine when it is free.
    fn pump(&mut self) -> Vec<Effect> {
        if !matches!(self.model, Model::Ready { .. }) || self.run.is_some() {
            return Vec::new();
        }
        let Some(order) = self.queue.pop() else {
            return Vec::new();
        };
        self.start(order)
    }

    fn start(&mut self, order: Order) -> Vec<Effect> {
        let task = order.request.task();
        let follows = !matches!(self.shown, Shown::Source) || order.request.source.is_some();
        self.run = Some(Run::new(order));
        let mut effects = vec![Effect::Submit(Box::new(task))];
        if follows {
            self.shown = Shown::Run;
            self.compared = None;
            self.before_after = false;
            effects.insert(0, Effect::Stage(Stage::Clear));
        }
        effects
    }

    /// Adds a picture to the strip; the effect keeps it.
    fn add_outcome(
        &mut self,
        run: &Run,
        picture: Picture,
        pixels: Option<Arc<Pixels>>,
        preview: Option<Arc<Pixels>>,
    ) -> (OutcomeId, Effect) {
        let id = OutcomeId(self.new_id());
        let request = &run.order.request;
        let shown = pixels.clone().or_else(|| preview.clone());
        let ended = if pixels.is_some() {
            Ended::Finished
        } else {
            Ended::Stopped
        };
        let before = request.source.as_ref().map(|photo| Arc::clone(&photo.pixels));
        self.outcomes.insert(
            0,
            Outcome {
                id,
                path: None,
                title: request.title().to_owned(),
                seed: picture.seed,
                size: shown.as_ref().map_or(picture.panel, |pixels| pixels.size()),
                score: picture.score,
                ended,
                gone: false,
                thumbnail: shown
                    .as_ref()
                    .map(|pixels| Arc::new(thumbnail(pixels, THUMBNAIL))),
                pixels: shown,
                before,
            },
        );
        self.outcomes.truncate(OUTCOMES_KEPT);
        for old in self
            .outcomes
            .iter_mut()
            .skip(PIXELS_KEPT)
            .filter(|old| old.path.is_some())
        {
            (old.pixels, old.before) = (None, None);
        }
        let keeping = Keeping {
            outcome: id,
            request: request.clone(),
            picture,
            preview,
            model: self.model_name(),
        };
        (id, Effect::Keep(Box::new(keeping)))
    }

    /// A stopped picture goes to the strip and to the disk.
    fn keep_part(&mut self, run: &Run, picture: Picture) -> Effect {
        let preview = run.lanes.first().map(|lane| Arc::new(lane.preview.clone()));
        self.add_outcome(run, picture, None, preview).1
    }

    /// The canvas leaves a picture that is no longer drawn.
    fn leave_run(&mut self, effects: &mut Vec<Effect>) {
        if self.shown != Shown::Run {
            return;
        }
        self.shown = match self.outcomes.first() {
            Some(outcome) => Shown::Outcome(outcome.id),
            None if self.draft.tab == Tab::Edit && self.draft.chain.current().is_some() => Shown::Source,
            None => Shown::Welcome,
        };
        effects.extend(self.stage());
    }

    /// The running picture stays on the canvas, without an engine.
    fn interrupt(&mut self) {
        match &mut self.run {
            Some(run) if run.rows() > 0 => {
                run.phase = Phase::Interrupted;
                run.task = None;
                run.wish = None;
            }
            Some(_) => {
                if let Some(run) = self.run.take() {
                    self.queue.put_back(run.order);
                }
            }
            None => {}
        }
    }

    /// Everything the canvas has to be told to show what is shown.
    pub fn stage(&self) -> Vec<Effect> {
        let mut stages = Vec::new();
        match self.shown {
            Shown::Welcome => stages.push(Stage::Clear),
            Shown::Source => match self.draft.chain.current() {
                Some(turn) => stages.push(Stage::Picture(Arc::clone(&turn.photo.pixels))),
                None => stages.push(Stage::Clear),
            },
            Shown::Outcome(id) => {
                let outcome = self.outcome(id);
                if let Some(pixels) = outcome.and_then(|outcome| outcome.pixels.clone()) {
                    stages.push(Stage::Picture(pixels));
                } else if let Some(path) = outcome.and_then(|outcome| outcome.path.clone()) {
                    return vec![Effect::Fetch(id, path)];
                }
            }
            Shown::Run => match self.run.as_ref().and_then(|run| Some((run, run.shown_grid()?))) {
                Some((run, grid)) => {
                    stages.push(Stage::Begin(grid));
                    let rows = run.shown_rows();
                    stages.extend(rows.filter_map(|row| run.shown_row(row)).map(Stage::Row));
                    stages.push(Stage::Guesses(run.guesses.clone()));
                }
                None => stages.push(Stage::Clear),
            },
        }
        stages.into_iter().map(Effect::Stage).collect()
    }

    pub fn outcome(&self, id: OutcomeId) -> Option<&Outcome> {
        let mut all = self.outcomes.iter().chain(&self.guests);
        all.find(|outcome| outcome.id == id)
    }

    fn outcome_mut(&mut self, id: OutcomeId) -> Option<&mut Outcome> {
        let mut all = self.outcomes.iter_mut().chain(&mut self.guests);
        all.find(|outcome| outcome.id == id)
    }

    pub fn profile(&self) -> Option<&Profile> {
        match &self.model {
            Model::Ready { profile, .. } => Some(profile),
            Model::Loading | Model::Failed(_) => None,
        }
    }

    pub fn model_name(&self) -> String {
        match &self.model {
            Model::Ready { name, .. } => name.clone(),
            Model::Loading | Model::Failed(_) => String::new(),
        }
    }

    /// The size the next picture will have, when it is known.
    pub fn size(&self) -> Option<Size> {
        let chosen = || {
            let skill = self.profile()?.skill(self.draft.tab.mode_name())?;
            let source = self.draft.source_size();
            let fitting = source.and_then(|source| best_size(source, &skill.sizes));
            fitting.or(skill.default_size)
        };
        self.draft.size.or_else(chosen)
    }

    /// Codes of a picture of `size`.
    pub fn codes(size: Size) -> u32 {
        (size.width / CODE_PIXELS) * (size.height / CODE_PIXELS)
    }

    fn error(&mut self, title: &str, failure: &Failure, remedy: &str) {
        self.notify(Tone::Error, title, &failure.message, remedy);
    }

    pub fn notify(&mut self, tone: Tone, title: &str, reason: &str, remedy: &str) {
        let id = self.new_id();
        if tone == Tone::Error {
            self.note(title, reason, remedy);
        }
        // The same words twice are one notice.
        self.notices
            .retain(|notice| (notice.title.as_str(), notice.reason.as_str()) != (title, reason));
        self.notices.push(Notice {
            id,
            tone,
            title: title.to_owned(),
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
            offer: None,
        });
        let excess = self.notices.len().saturating_sub(4);
        self.notices.drain(..excess);
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
