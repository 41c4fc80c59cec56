//! Everything the window knows, and what can be asked of it.

use super::album::{Album, Thrown};
use super::doubt::DoubtView;
use super::draft::Draft;
use super::effect::{Effect, Stage};
use super::map_painting::MapStroke;
use super::mishaps::Mishap;
use super::models::Models;
use super::notice::{Notice, Tone};
use super::outcome::{Keeping, Outcome, OutcomeId};
use super::photo::Opened;
use super::queue::Queue;
use super::ruler::Ruler;
use super::run::Run;
use super::undo::Undo;
use super::unkept::OnItsWay;
use super::view::{Dropping, Page, Shown, Strip, View};
use super::wanted::Wanted;
use super::writing::Writing;
use crate::pixels::Size;
use crate::task::{Failure, Preferences, Profile};
use crate::token::{CODE_PIXELS, best_size};
use std::path::PathBuf;
use std::sync::Arc;

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

/// Everything the window knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Studio {
    pub draft: Draft,
    pub undo: Undo,
    pub preferences: Preferences,
    pub view: View,
    pub page: Page,
    pub model: Model,
    /// The model's file; `None` is the built-in starter.
    pub model_path: Option<PathBuf>,
    /// Models used before.
    pub recent_models: Vec<PathBuf>,
    pub writing: Writing,
    pub queue: Queue,
    pub run: Option<Run>,
    pub ruler: Ruler,
    pub doubt: DoubtView,
    /// A stroke over the map of the Control mode.
    pub(super) map_stroke: Option<MapStroke>,
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
    /// A file is asked for by its path.
    pub wanted: Option<Wanted>,
    pub notices: Vec<Notice>,
    /// What went wrong, newest first.
    pub mishaps: Vec<Mishap>,
    pub models: Models,
    pub dropping: Dropping,
    /// Pictures that could not be kept.
    pub unkept: Vec<Keeping>,
    /// Pictures that the disk has been given.
    pub on_their_way: Vec<OnItsWay>,
    pub help: bool,
    pub strip: Strip,
    /// The folder of the last picture kept.
    pub kept_in: Option<PathBuf>,
    pub(super) next_id: u64,
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            draft: Draft::default(),
            undo: Undo::default(),
            preferences: Preferences::default(),
            view: View::default(),
            page: Page::Canvas,
            model: Model::Loading,
            model_path: None,
            recent_models: Vec::new(),
            writing: Writing::default(),
            queue: Queue::default(),
            run: None,
            ruler: Ruler::default(),
            doubt: DoubtView::default(),
            map_stroke: None,
            outcomes: Vec::new(),
            guests: Vec::new(),
            album: Album::default(),
            thrown: Vec::new(),
            shown: Shown::Welcome,
            compared: None,
            before_after: false,
            offer: None,
            wanted: None,
            notices: Vec::new(),
            mishaps: Vec::new(),
            models: Models::default(),
            dropping: Dropping::Works,
            unkept: Vec::new(),
            on_their_way: Vec::new(),
            help: false,
            strip: Strip::default(),
            kept_in: None,
            next_id: 0,
        }
    }
}

impl Studio {
    /// Everything the canvas has to be told to show what is shown.
    pub fn stage(&self) -> Vec<Effect> {
        let mut stages = Vec::new();
        match self.shown {
            Shown::Welcome => stages.push(Stage::Clear),
            Shown::Source => match self.draft.chain.current() {
                Some(turn) => stages.push(Stage::Picture(Arc::clone(&turn.photo.pixels))),
                None => stages.push(Stage::Clear),
            },
            Shown::Map => {
                let control = &self.draft.control;
                let photo = control.map.as_ref().or(control.photo.as_ref());
                let picture = photo.map(|photo| Stage::Picture(Arc::clone(&photo.pixels)));
                stages.push(picture.unwrap_or(Stage::Clear));
            }
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
                    stages.push(Stage::Begin(grid, run.ground()));
                    let rows = run.shown_rows();
                    stages.extend(rows.filter_map(|row| run.shown_row(row)).map(Stage::Row));
                    stages.push(Stage::Guesses(run.guesses.clone()));
                }
                // Nothing is drawn yet: what it is made from.
                None => {
                    let source = self
                        .run
                        .as_ref()
                        .and_then(|run| run.order.request.source.as_ref());
                    let source = source.map(|photo| Stage::Picture(Arc::clone(&photo.pixels)));
                    stages.push(source.unwrap_or(Stage::Clear));
                }
            },
        }
        stages.into_iter().map(Effect::Stage).collect()
    }

    pub fn outcome(&self, id: OutcomeId) -> Option<&Outcome> {
        let mut all = self.outcomes.iter().chain(&self.guests);
        all.find(|outcome| outcome.id == id)
    }

    pub(super) fn outcome_mut(&mut self, id: OutcomeId) -> Option<&mut Outcome> {
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
        self.draft.size().or_else(chosen)
    }

    /// Codes of a picture of `size`.
    pub fn codes(size: Size) -> u32 {
        (size.width / CODE_PIXELS) * (size.height / CODE_PIXELS)
    }

    pub(super) fn error(&mut self, title: &str, failure: &Failure, remedy: &str) {
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

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
