//! What the worker reports, taken in: how a picture begins, grows, and ends.

use super::chain::EditResult;
use super::draft::{SeedChoice, Tab};
use super::effect::{Effect, Stage};
use super::origin::Origin;
use super::outcome::{Contest, Ended, Keeping, Outcome, OutcomeId};
use super::photo::{Photo, THUMBNAIL, thumbnail};
use super::queue::Order;
use super::run::{Phase, Row, Run, Wish};
use super::{Model, Shown, Studio};
use crate::pixels::Pixels;
use crate::task::{Failure, Guesses, Picture, Progress, Report, TaskId, Watch};
use std::sync::Arc;

/// Results whose pixels stay in memory.
const PIXELS_KEPT: usize = 12;
/// Results of the strip.
const OUTCOMES_KEPT: usize = 60;
impl Studio {
    /// Takes in what the worker reports.
    pub fn apply(&mut self, report: &Report) -> Vec<Effect> {
        let mut effects = self.take_report(report);
        self.look_at_ruler();
        effects.extend(self.look_at_doubt());
        effects
    }

    fn take_report(&mut self, report: &Report) -> Vec<Effect> {
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
                let title = "The model could not be loaded";
                if !self.ran_out_of_memory(title, failure, None) {
                    self.error(title, failure, "Choose another model on the models page.");
                }
                Vec::new()
            }
            Report::Progress { task, progress } if self.is_running(*task) => self.progress(progress),
            Report::Finished { task, pictures } if self.is_running(*task) => self.finished(pictures),
            Report::Cancelled { task, pictures } if self.is_running(*task) => self.cancelled(pictures),
            Report::Failed { task, failure } if self.is_running(*task) => self.failed(failure),
            Report::Answered { task, answer } => self.answered(*task, answer),
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
        let told = run.told;
        run.take(progress);
        let mut effects = Vec::new();
        let on_canvas = self.shown == Shown::Run;
        match progress {
            Progress::Started { .. } => {
                if let Some(begun) = &run.begun {
                    effects.push(Effect::JournalBegin(Box::new(run.order.clone()), begun.clone()));
                }
                // Where it goes on, its rows are on the canvas.
                if let Some(grid) = run.shown_grid().filter(|_| on_canvas && run.rows() == 0) {
                    effects.push(Effect::Stage(Stage::Begin(grid, run.ground())));
                }
            }
            Progress::Row {
                candidate: 0,
                row,
                codes,
                preview,
                ..
            } if run.told > told => {
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
        let Some(mut run) = self.run.take() else {
            return Vec::new();
        };
        if run.is_audition() && pictures.iter().any(|picture| picture.pixels.is_none()) {
            return self.begin_choosing(run, pictures);
        }
        let branch = run.stopped_for();
        let mut kept = Vec::new();
        let mut best = None;
        // The best comes first and shall stand first in the strip.
        for picture in pictures.iter().rev() {
            let pixels = picture.pixels.clone().map(Arc::new);
            let keeping = self.add_outcome(&run, picture.clone(), pixels.clone(), None);
            best = pixels.map(|pixels| (keeping.outcome, pixels));
            kept.push(keeping);
        }
        let Some((id, pixels)) = best else {
            let failure = Failure::failed("the engine finished without a picture");
            self.run = Some(run);
            return self.failed(&failure);
        };
        let mut effects = self.give_to_disk(&run.order, kept);
        if self.shown == Shown::Run {
            self.shown = Shown::Outcome(id);
            self.ruler_follows();
            effects.push(Effect::Stage(Stage::Picture(Arc::clone(&pixels))));
            // A map is looked at beside its picture.
            if matches!(run.order.request.mode, crate::task::Mode::Predict { .. }) {
                effects.extend(self.toggle_before_after());
            }
        }
        self.award(&run, pictures);
        if let Some(picture) = pictures.first() {
            effects.extend(self.sketched(&run, picture, &pixels));
        }
        self.join_chain(&run, id, pixels);
        if let (Some(branch), Some(picture)) = (branch, pictures.first()) {
            effects.extend(self.branch_finished(&run, picture, &branch));
        }
        effects.extend(self.pump());
        // What is looked at is what is painted on.
        if self.shown == Shown::Outcome(id) && self.is_current_turn(id) {
            self.shown = Shown::Source;
        }
        effects
    }

    /// Each of several pictures learns how it fared; the seed to lock or recall is the winner's.
    fn award(&mut self, run: &Run, pictures: &[Picture]) {
        let scores: Option<Vec<f64>> = pictures.iter().map(|picture| picture.score).collect();
        let seams: Option<Vec<f64>> = pictures.iter().map(|picture| picture.seam).collect();
        if let Some(scores) = scores.filter(|scores| scores.len() > 1) {
            for (place, outcome) in self.outcomes.iter_mut().take(scores.len()).enumerate() {
                let (scores, seams) = (scores.clone(), seams.clone().unwrap_or_default());
                outcome.contest = Some(Contest { scores, place, seams });
            }
        }
        let Some(winner) = pictures.first() else { return };
        let asked = run.order.request.seed;
        // Somebody may have asked for other pictures since.
        if self.draft.last_seed == Some(asked) {
            self.draft.last_seed = Some(winner.seed);
        }
        if self.draft.seed == asked && self.draft.seed_choice == SeedChoice::Random {
            self.draft.seed = winner.seed;
        }
    }

    fn is_current_turn(&self, outcome: OutcomeId) -> bool {
        let turn = self.draft.chain.current();
        self.draft.tab == Tab::Edit && turn.is_some_and(|turn| turn.outcome == Some(outcome))
    }

    /// The result of an edit becomes a turn.
    fn join_chain(&mut self, run: &Run, outcome: OutcomeId, pixels: Arc<Pixels>) {
        let request = &run.order.request;
        let source = request.source.as_ref();
        let Some(source) = source.filter(|_| request.mode == crate::task::Mode::Edit) else {
            return;
        };
        let result = EditResult {
            photo: Photo::new("result", pixels),
            instruction: request.title().to_owned(),
            outcome,
        };
        self.draft.chain.push(source, result);
    }

    fn cancelled(&mut self, pictures: &[Picture]) -> Vec<Effect> {
        let Some(mut run) = self.run.take() else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        match run.wish {
            Some(Wish::Discard) => {
                effects.push(Effect::JournalEnd(run.order.id));
                self.note_discarded(&run);
                self.leave_run(&mut effects);
            }
            Some(Wish::Keep) => {
                let begun = pictures.iter().find(|picture| !picture.codes.is_empty());
                match begun.cloned().or_else(|| run.part()) {
                    Some(picture) => effects.extend(self.keep_part(&run, picture)),
                    None => effects.push(Effect::JournalEnd(run.order.id)),
                }
                self.leave_run(&mut effects);
            }
            Some(Wish::Branch | Wish::Steer) => {
                let Some(branch) = run.stopped_for() else {
                    return effects;
                };
                return self.branch_off(run, pictures.first(), branch);
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
        let size = run.order.request.size;
        if run.rows() == 0 {
            run.fall_back_on_what_was_given();
        }
        if run.rows() > 0 {
            run.phase = Phase::Interrupted;
            run.task = None;
            (run.wish, run.branch) = (None, None);
            self.run = Some(run);
            let title = "The picture could not be finished";
            if !self.ran_out_of_memory(title, failure, size) {
                self.error(title, failure, "Its rows are kept: Resume draws the rest.");
            }
        } else {
            let title = "The picture could not be drawn";
            if !self.ran_out_of_memory(title, failure, size) {
                self.error(title, failure, "Change what it says and press Draw again.");
            }
            effects.push(Effect::JournalEnd(run.order.id));
            self.leave_run(&mut effects);
            effects.extend(self.pump());
        }
        effects
    }

    /// Gives the next order to the engine when it is free.
    pub(super) fn pump(&mut self) -> Vec<Effect> {
        if !matches!(self.model, Model::Ready { .. }) || self.run.is_some() {
            return Vec::new();
        }
        let Some(order) = self.queue.pop() else {
            return Vec::new();
        };
        self.start(order)
    }

    pub(super) fn start(&mut self, order: Order) -> Vec<Effect> {
        let task = order.request.task();
        let follows = !matches!(self.shown, Shown::Source) || order.request.source.is_some();
        let watch = self.profile().map(|profile| Watch::of(&task, profile));
        let mut run = Run::new(order);
        run.watch = watch.unwrap_or_default();
        self.run = Some(run);
        let mut effects = vec![Effect::Submit(Box::new(task))];
        if follows {
            self.shown = Shown::Run;
            self.compared = None;
            self.before_after = false;
            effects.splice(0..0, self.stage());
        }
        effects
    }

    /// Adds a picture to the strip, to be given to the disk.
    fn add_outcome(
        &mut self,
        run: &Run,
        picture: Picture,
        pixels: Option<Arc<Pixels>>,
        preview: Option<Arc<Pixels>>,
    ) -> Keeping {
        let id = OutcomeId(self.new_id());
        let request = &run.order.request;
        let shown = pixels.clone().or_else(|| preview.clone());
        let ended = if pixels.is_some() {
            Ended::Finished
        } else {
            Ended::Stopped
        };
        let before = request.source.as_ref().map(|photo| Arc::clone(&photo.pixels));
        if let Some(part) = &request.replaces {
            // The kept part is this one now.
            self.outcomes
                .retain(|outcome| outcome.path.as_ref() != Some(part));
            self.guests.retain(|guest| guest.path.as_ref() != Some(part));
        }
        self.outcomes.insert(
            0,
            Outcome {
                id,
                path: None,
                title: request.title().to_owned(),
                seed: picture.seed,
                size: shown.as_ref().map_or(picture.panel, |pixels| pixels.size()),
                score: picture.score,
                contest: None,
                ended,
                rows: None,
                origin: Some(Origin::of(&request.task(), &picture)),
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
        Keeping {
            outcome: id,
            drawn_for: run.order.id,
            again: self.queue.new_id(),
            request: run.order.request.clone(),
            picture,
            preview,
            model: self.model_name(),
        }
    }

    /// A stopped picture goes to the strip and to the disk, as far as it is drawn.
    pub(super) fn keep_part(&mut self, run: &Run, picture: Picture) -> Vec<Effect> {
        let candidate = picture.seed.wrapping_sub(run.order.request.seed) as usize;
        let lane = run.lanes.get(candidate).or(run.lanes.first());
        let drawn = lane.map(|lane| Arc::new(lane.drawn(&run.order.request.mode, picture.grid)));
        let shown = run.shown_rows();
        let done = lane
            .map_or(0, |lane| lane.rows(picture.grid))
            .saturating_sub(shown.start);
        let keeping = self.add_outcome(run, picture, None, drawn);
        if let Some(outcome) = self.outcome_mut(keeping.outcome) {
            outcome.rows = Some((done, shown.len() as u32));
        }
        self.give_to_disk(&run.order, vec![keeping])
    }

    /// The canvas leaves a picture that is no longer drawn.
    pub(super) fn leave_run(&mut self, effects: &mut Vec<Effect>) {
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
    pub(super) fn interrupt(&mut self) {
        match &mut self.run {
            Some(run) if run.rows() > 0 => {
                run.phase = Phase::Interrupted;
                run.task = None;
                (run.wish, run.branch) = (None, None);
            }
            Some(_) => {
                if let Some(run) = self.run.take() {
                    self.queue.put_back(run.order);
                }
            }
            None => {}
        }
    }
}
