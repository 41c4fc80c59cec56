//! Actions on the draft: settings, sources, the mask.

use super::action::{DraftAction, Paint, Setting};
use super::draft::{SeedChoice, Tab};
use super::effect::Effect;
use super::painting::Step;
use super::photo::Photo;
use super::{Shown, Studio, Tone};
use crate::task::{LONGEST_PROMPT, MapKind};

/// How far one press of Grow or Shrink moves the mask's edge, in pixels of the picture.
const GROWTH: u8 = 4;

/// A seed short enough to be read aloud.
pub(super) fn new_seed() -> u64 {
    crate::task::new_seed(1_000_000)
}

impl Studio {
    pub(super) fn act_on_draft(&mut self, action: DraftAction) -> Vec<Effect> {
        match action {
            DraftAction::Set(setting) => return self.set(setting),
            DraftAction::NewSeed => return self.set(Setting::Seed(new_seed())),
            DraftAction::RecallSeed => {
                if let Some(seed) = self.draft.last_seed {
                    return self.set(Setting::Seed(seed));
                }
            }
            DraftAction::Paint(paint) => self.paint(paint),
            DraftAction::GoToTurn(turn) => {
                self.draft.chain.go_to(turn);
                return self.show_source();
            }
            DraftAction::BringBack(index) => {
                let former = self.draft.at_rest();
                self.draft.chain.bring_back(index);
                self.picture_given(former);
                return self.show_source();
            }
            DraftAction::ChooseReference(index) => {
                let former = self.draft.source_size();
                self.draft.reference = index;
                self.follow_shape(former);
            }
            DraftAction::RemoveReference(index) => {
                let former = self.draft.at_rest();
                let references = &mut self.draft.references;
                if index < references.len() {
                    references.remove(index);
                }
                let last = references.len().saturating_sub(1);
                self.draft.reference = self.draft.reference.min(last);
                self.changed_from(former);
            }
            DraftAction::RemoveSource => return self.remove_source(),
        }
        Vec::new()
    }

    fn set(&mut self, setting: Setting) -> Vec<Effect> {
        let draft = &mut self.draft;
        match setting {
            Setting::Tab(tab) => return self.open_tab(tab),
            Setting::Words(words) if words.len() <= LONGEST_PROMPT => self.set_words(words),
            Setting::Words(_) => self.say_too_long(),
            Setting::AsTyped(on) => draft.as_typed = on,
            Setting::Description(words) if words.len() <= LONGEST_PROMPT => draft.description = words,
            Setting::Description(_) => self.say_too_long(),
            Setting::Size(size) => draft.set_size(size),
            Setting::Seed(seed) => (draft.seed, draft.seed_choice) = (seed, SeedChoice::Locked),
            Setting::SeedChoice(choice) => draft.seed_choice = choice,
            Setting::Cfg(cfg) => draft.sampling.cfg = cfg,
            Setting::TopK(top_k) => draft.sampling.top_k = top_k,
            Setting::Temperature(temperature) => draft.sampling.temperature = temperature,
            Setting::TopNSigma(top_n_sigma) => draft.sampling.top_n_sigma = top_n_sigma,
            Setting::Noise(noise) => draft.sampling.noise = noise,
            Setting::Lookahead(lookahead) => draft.sampling.lookahead = lookahead,
            Setting::Batch(batch) => draft.batch = batch.clamp(1, 64),
            Setting::Candidates(candidates) => draft.candidates = candidates.clamp(1, 16),
            Setting::PairKind(kind) => draft.pair_kind = kind,
            Setting::ControlKind(kind) => {
                draft.control.kind = kind;
                // A map made here is a canny map and no other.
                if draft.control.photo.is_some() {
                    draft.control.map = None;
                }
                return self.make_map();
            }
            Setting::PredictKind(kind) => draft.predict_kind = kind,
            Setting::Thresholds(low, high) => {
                let low = low.clamp(0.0, 255.0);
                (draft.control.low, draft.control.high) = (low, high.clamp(low, 255.0));
                return self.make_map();
            }
            Setting::Brush(brush) => draft.brush = brush,
        }
        Vec::new()
    }

    fn say_too_long(&mut self) {
        let reason = format!("It would have more than {LONGEST_PROMPT} bytes: what was there stays.");
        self.notify(Tone::Info, "The text is too long", &reason, "Take a shorter one.");
    }

    pub(super) fn open_tab(&mut self, tab: Tab) -> Vec<Effect> {
        self.draft.tab = tab;
        let known = |size| {
            let skill = self.profile()?.skill(tab.mode_name())?;
            Some(skill.sizes.is_empty() || skill.sizes.contains(&size))
        };
        if self.draft.size().is_some_and(|size| known(size) == Some(false)) {
            self.draft.set_size(None);
        }
        let at_rest = !matches!(self.shown, Shown::Run);
        if tab == Tab::Edit && self.draft.chain.current().is_some() && at_rest {
            self.shown = Shown::Source;
            return self.stage();
        }
        if tab != Tab::Edit && self.shown == Shown::Source {
            return self.leave_source();
        }
        Vec::new()
    }

    /// The canvas leaves the picture being edited.
    pub(super) fn leave_source(&mut self) -> Vec<Effect> {
        self.shown = match self.outcomes.first() {
            Some(outcome) => Shown::Outcome(outcome.id),
            None => Shown::Welcome,
        };
        self.stage()
    }

    /// The canny map of the photo, made anew.
    pub(super) fn make_map(&self) -> Vec<Effect> {
        let control = &self.draft.control;
        match &control.photo {
            Some(photo) if control.kind == MapKind::Canny => vec![Effect::MakeMap {
                photo: photo.clone(),
                low: control.low,
                high: control.high,
                panel: self.size(),
            }],
            _ => Vec::new(),
        }
    }

    pub(super) fn map_made(&mut self, map: Photo) {
        if self.draft.control.photo.is_some() {
            self.draft.control.map = Some(map);
        }
    }

    fn paint(&mut self, paint: Paint) {
        let brush = self.draft.brush.clone();
        let Some(turn) = self.draft.chain.current_mut() else {
            return;
        };
        let painting = &mut turn.painting;
        let before = painting.steps_done();
        match paint {
            Paint::Begin(at) => painting.begin(brush.tool, brush.size / 2.0, at),
            Paint::Extend(to) => painting.extend(to),
            Paint::Finish => painting.finish(),
            Paint::Grow => painting.step(Step::Grow(GROWTH)),
            Paint::Shrink => painting.step(Step::Shrink(GROWTH)),
            Paint::Invert => painting.step(Step::Invert),
            Paint::Clear => painting.step(Step::Clear),
        }
        let steps = painting.steps_done() - before;
        self.note_painted(steps);
    }

    /// What is being painted just now becomes a step.
    pub(super) fn finish_stroke(&mut self) {
        self.paint(Paint::Finish);
    }

    fn remove_source(&mut self) -> Vec<Effect> {
        let former = self.draft.at_rest();
        let draft = &mut self.draft;
        match draft.tab {
            Tab::Edit => draft.chain.clear(),
            Tab::Control => (draft.control.map, draft.control.photo) = (None, None),
            Tab::Predict => draft.predict_source = None,
            Tab::Create | Tab::Pair | Tab::Subject => {}
        }
        self.changed_from(former);
        if self.shown == Shown::Source && self.draft.tab == Tab::Edit {
            return self.leave_source();
        }
        Vec::new()
    }

    /// The picture becomes the source of an edit and is shown.
    pub(super) fn edit(&mut self, photo: Photo) -> Vec<Effect> {
        let former = self.draft.at_rest();
        self.draft.tab = Tab::Edit;
        self.draft.chain.open(photo);
        self.picture_given(former);
        self.page = super::Page::Canvas;
        if self.run.is_some() && self.shown == Shown::Run {
            return Vec::new();
        }
        self.shown = Shown::Source;
        self.stage()
    }
}
