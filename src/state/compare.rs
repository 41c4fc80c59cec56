//! Results on the canvas: one, or two beside each other.
//!
//! What is not in memory is read first; the canvas changes when everything is there.

use super::draft::Tab;
use super::effect::{Effect, Stage};
use super::outcome::{Outcome, OutcomeId};
use super::{Page, Shown, Studio};
use crate::pixels::Pixels;
use crate::task::Failure;
use std::sync::Arc;

impl Studio {
    pub(super) fn show(&mut self, id: OutcomeId) -> Vec<Effect> {
        let Some(outcome) = self.outcome(id) else {
            return Vec::new();
        };
        if !outcome.can_be_shown() {
            let title = outcome.title.clone();
            self.say_gone(&title);
            return Vec::new();
        }
        self.page = Page::Canvas;
        // A turn of the edit is painted on at once.
        if let Some(turn) = self
            .draft
            .chain
            .turn_of(id)
            .filter(|_| self.draft.tab == Tab::Edit)
        {
            self.draft.chain.go_to(turn);
            let mut effects = vec![Effect::Stage(Stage::Compare(None))];
            effects.extend(self.show_source());
            return effects;
        }
        (self.shown, self.compared, self.before_after) = (Shown::Outcome(id), None, false);
        let mut effects = vec![Effect::Stage(Stage::Compare(None))];
        effects.extend(self.stage());
        effects
    }

    pub(super) fn fetched(&mut self, id: OutcomeId, pixels: Arc<Pixels>) -> Vec<Effect> {
        if let Some(outcome) = self.outcome_mut(id) {
            outcome.size = pixels.size();
            outcome.pixels = Some(pixels);
        }
        match (self.shown, self.compared) {
            (Shown::Outcome(shown), None) if shown == id => self.stage(),
            (Shown::Outcome(shown), Some(compared)) if [shown, compared].contains(&id) => {
                self.beside(shown, compared)
            }
            _ => Vec::new(),
        }
    }

    /// A picture beside the shown one; the shown one itself ends it.
    pub(super) fn compare(&mut self, id: OutcomeId) -> Vec<Effect> {
        let Shown::Outcome(shown) = self.shown else {
            return self.show(id);
        };
        self.page = Page::Canvas;
        self.before_after = false;
        if shown == id || self.compared == Some(id) {
            self.compared = None;
            return vec![Effect::Stage(Stage::Compare(None))];
        }
        self.compared = Some(id);
        self.beside(shown, id)
    }

    /// Both pictures go to the canvas once they are in memory.
    fn beside(&self, left: OutcomeId, right: OutcomeId) -> Vec<Effect> {
        let pixels = |id| self.outcome(id).and_then(|outcome| outcome.pixels.clone());
        if let (Some(left), Some(right)) = (pixels(left), pixels(right)) {
            return vec![Effect::Stage(Stage::Compare(Some((left, right))))];
        }
        let absent = [left, right].into_iter().filter(|id| pixels(*id).is_none());
        let files = absent.filter_map(|id| Some(Effect::Fetch(id, self.outcome(id)?.path.clone()?)));
        files.collect()
    }

    /// The result to compare the shown one with when nothing is said: another branch of the same
    /// picture, else that one, else the one drawn before it.
    pub fn neighbour(&self, id: OutcomeId) -> Option<OutcomeId> {
        if let Some(relative) = self.relative(id) {
            return Some(relative);
        }
        let usable = |outcome: &&Outcome| outcome.can_be_shown();
        let at = self.outcomes.iter().position(|outcome| outcome.id == id);
        let older = self.outcomes.iter().skip(at.map_or(0, |at| at + 1)).find(usable);
        let newer = || self.outcomes.iter().take(at.unwrap_or_default()).rfind(usable);
        older.or_else(newer).map(|outcome| outcome.id)
    }

    /// What is shown, behind what it was made from.
    pub fn before_and_after(&self) -> Option<(Arc<Pixels>, Arc<Pixels>)> {
        match self.shown {
            Shown::Outcome(id) => {
                let shown = self.outcome(id)?;
                Some((shown.before.clone()?, shown.pixels.clone()?))
            }
            Shown::Source => {
                let chain = &self.draft.chain;
                let before = chain.turns().get(chain.parent(chain.at())?)?;
                Some((
                    Arc::clone(&before.photo.pixels),
                    Arc::clone(&chain.current()?.photo.pixels),
                ))
            }
            Shown::Welcome | Shown::Run | Shown::Map => None,
        }
    }

    /// The result on the canvas, also where it is the picture being edited.
    pub fn shown_outcome(&self) -> Option<&Outcome> {
        match self.shown {
            Shown::Outcome(id) => self.outcome(id),
            Shown::Source => self.outcome(self.draft.chain.current()?.outcome?),
            Shown::Welcome | Shown::Run | Shown::Map => None,
        }
    }

    /// Whether a stroke on the canvas paints a mask: on the source, and on any result while edits
    /// are set up, which becomes the source then.
    pub fn can_be_painted_on(&self) -> bool {
        let is_there = match self.shown {
            Shown::Source => self.draft.chain.current().is_some(),
            Shown::Outcome(id) => self.outcome(id).is_some_and(|outcome| outcome.pixels.is_some()),
            Shown::Welcome | Shown::Run | Shown::Map => false,
        };
        is_there && self.draft.tab == Tab::Edit && self.compared.is_none() && !self.before_after
    }

    pub(super) fn toggle_before_after(&mut self) -> Vec<Effect> {
        let pair = self.before_and_after();
        self.before_after = !self.before_after && pair.is_some();
        self.compared = None;
        let pair = pair.filter(|_| self.before_after);
        vec![Effect::Stage(Stage::Compare(pair))]
    }

    /// A file that was to be shown could not be read.
    pub(super) fn not_fetched(&mut self, id: OutcomeId, failure: &Failure) -> Vec<Effect> {
        let what = "The picture cannot be read";
        self.error(what, failure, super::mishaps::remedy(what, failure.cause));
        if self.compared == Some(id) {
            self.compared = None;
        }
        Vec::new()
    }
}
