//! Pictures that branch off others at a row, and pictures that go on otherwise from a row on.

use super::candidate_rows::CandidateRows;
use super::effect::Effect;
use super::origin::Origin;
use super::outcome::OutcomeId;
use super::request::Request;
use super::run::{Phase, Run, Wish};
use super::{Shown, Studio, Tone};
use crate::pixels::Pixels;
use crate::task::{Branch, Failure, Picture, Task, fingerprint};
use crate::token::CODE_PIXELS;
use std::sync::Arc;

impl Request {
    /// What `task` says of words, settings and codes; the pictures stay those of this request.
    fn follow(&mut self, task: Task) {
        if task.mode != self.mode {
            // Of a photo its map is left, whose codes are known.
            self.source = None;
        }
        self.mode = task.mode;
        (self.prompt, self.wording) = (task.prompt, task.wording);
        (self.sampling, self.seed) = (task.sampling, task.seed);
        (self.resume, self.doubt, self.story) = (task.resume, task.doubt, task.story);
    }
}

impl CandidateRows {
    /// Only the first rows of the grid.
    fn cut(&mut self, rows: u32, columns: u32) {
        self.codes.truncate((rows * columns) as usize);
        let from = 3 * (rows * CODE_PIXELS * self.preview.size().width) as usize;
        if let Some(below) = self.preview.rgb_mut().get_mut(from..) {
            below.fill(128);
        }
    }
}

impl Studio {
    /// The picture under way has stopped, as far as `drawn`, to be drawn otherwise from a row on. What is
    /// below the row is kept as a picture of its own.
    pub(super) fn branch_off(
        &mut self,
        mut run: Run,
        drawn: Option<&Picture>,
        mut branch: Branch,
    ) -> Vec<Effect> {
        let wish = run.wish.take();
        run.phase = Phase::Interrupted;
        run.task = None;
        let begun = drawn.filter(|picture| !picture.codes.is_empty()).cloned();
        let part = begun.or_else(|| run.part());
        let Some(grid) = run.begun.as_ref().map(|begun| begun.grid) else {
            self.run = Some(run);
            return self.resume_interrupted();
        };
        let codes = part.as_ref().map_or(&[][..], |part| &part.codes);
        let done = (codes.len() / grid.columns.max(1) as usize) as u32;
        let done = done.saturating_sub(run.shown_rows().start);
        let goes_on = wish == Some(Wish::Steer) || branch.from_row >= done;
        if let Some(part) = part.as_ref().filter(|_| !goes_on) {
            let mut effects = self.keep_part(&run, part.clone());
            let title = format!("Kept at row {done}");
            let why = "The picture as it was is in the strip.";
            self.notify(Tone::Info, &title, why, "Finish it draws its rest.");
            effects.extend(self.begin_child(&run, part, &branch));
            return effects;
        }
        branch.from_row = done;
        let mut request = run.to_resume();
        let mut task = request.task();
        if let Some(part) = &part {
            task.story.clone_from(&part.story);
        }
        match task.branched((grid, codes), &branch, None) {
            Ok(task) => {
                request.follow(task);
                if request.story.bands.is_empty() {
                    // It begins again, by its new words and settings.
                    (run.begun, run.lanes) = (None, Vec::new());
                }
                run.order.request = request;
            }
            Err(failure) => self.cannot_be_drawn_again(&failure),
        }
        self.run = Some(run);
        self.unmark();
        self.resume_interrupted()
    }

    /// It was finished before it could be stopped.
    pub(super) fn branch_finished(&mut self, run: &Run, drawn: &Picture, branch: &Branch) -> Vec<Effect> {
        match run.wish {
            Some(Wish::Branch) => self.begin_child(run, drawn, branch),
            _ => {
                let why = "All its rows were there already.";
                self.notify(Tone::Info, "The picture is finished", why, "");
                Vec::new()
            }
        }
    }

    /// Draws what branches off `parent`, drawn for the order of `run`.
    fn begin_child(&mut self, run: &Run, parent: &Picture, branch: &Branch) -> Vec<Effect> {
        let name = fingerprint(parent.grid, parent.seed, &parent.codes);
        let mut request = run.to_resume();
        request.replaces = None;
        let mut task = request.task();
        task.story.clone_from(&parent.story);
        match task.branched((parent.grid, &parent.codes), branch, Some(name)) {
            Ok(task) => request.follow(task),
            Err(failure) => {
                self.cannot_be_drawn_again(&failure);
                let mut effects = Vec::new();
                self.leave_run(&mut effects);
                return effects;
            }
        }
        let rows = request.resume.as_ref().map_or(0, Vec::len) as u32 / parent.grid.columns.max(1);
        let mut effects = self.draw_next(request);
        // What stays is in sight until the engine has come that far again.
        let mut lanes = run.lanes.clone();
        if let (Some(new), Some(lane)) = (&mut self.run, lanes.first_mut())
            && new.begun.is_none()
            && new.order.request.seed == run.order.request.seed
            && rows > 0
        {
            lane.cut(rows, parent.grid.columns);
            (new.begun, new.lanes) = (run.begun.clone(), lanes);
            effects.retain(|effect| !matches!(effect, Effect::Stage(_)));
            if self.shown == Shown::Run {
                effects.extend(self.stage());
            }
        }
        effects
    }

    /// An order before all others; it begins at once where nothing else is drawn.
    pub(super) fn draw_next(&mut self, request: Request) -> Vec<Effect> {
        self.unmark();
        self.leave_in_trash();
        let mut effects = self.set_interrupted_aside();
        let id = self.queue.push_front(request);
        self.note_put_in(vec![id]);
        effects.extend(self.pump());
        if self.run.as_ref().is_none_or(|run| run.order.id != id) {
            let why = "It waits for the picture that is being drawn.";
            self.notify(Tone::Info, "It is drawn next", why, "");
        }
        effects
    }

    /// What a saved picture is to be drawn as from a row on was read.
    pub(super) fn branched(&mut self, task: &Task) -> Vec<Effect> {
        let effects = self.draw_next(Request::of(task));
        // The picture it branches off stays in sight until the engine has drawn as much.
        let is_clearing = |effect: &Effect| matches!(effect, Effect::Stage(_));
        effects
            .into_iter()
            .filter(|effect| !is_clearing(effect))
            .collect()
    }

    fn cannot_be_drawn_again(&mut self, failure: &Failure) {
        self.error(
            "It cannot be drawn again from there",
            failure,
            "Choose another row.",
        );
    }

    /// What the file of a picture says of it.
    pub(super) fn traced(&mut self, id: OutcomeId, origin: Origin) {
        if let Some(outcome) = self.outcome_mut(id) {
            outcome.origin = Some(origin);
        }
    }
}

/// The picture a branch was made from, where its mode starts from one.
pub fn source_of_branch(task: &Task, before: Option<Arc<Pixels>>) -> Option<Arc<Pixels>> {
    let wants = task.mode.takes_source() && task.source.is_none();
    before.filter(|_| wants)
}
