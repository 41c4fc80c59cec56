//! Whose an action is, and what is done with the picture under way.

mod fit;
mod hub;
mod models;
mod preferences;
mod queue;
mod undo;
mod writing;

use super::action::{Action, RunAction};
use super::draft::{SeedChoice, Tab};
use super::effect::Effect;
use super::inputs::new_seed;
use super::request::Request;
use super::run::{Phase, Run, Wish};
use super::{Model, Page, Shown, Studio, Tone};
use crate::task::{Mode, Wording};
use crate::understand::{Verdict, offered, understand, understand_subject, unnamed_subject};
use std::path::PathBuf;

/// Memory that the pictures of waiting orders may take.
const MOST_SOURCE_BYTES: usize = if cfg!(test) { 16 << 20 } else { 1 << 30 };

impl Studio {
    /// Takes in what a person does, or what background work answers.
    pub fn act(&mut self, action: impl Into<Action>) -> Vec<Effect> {
        let mut effects = match action.into() {
            Action::Draft(action) => self.act_on_draft(action),
            Action::Run(action) => self.act_on_run(action),
            Action::Rows(action) => self.act_on_rows(action),
            Action::Doubt(action) => self.act_on_doubt(action),
            Action::Queue(action) => self.act_on_queue(action),
            Action::Result(action) => self.act_on_results(action),
            Action::Offer(action) => self.act_on_offer(action),
            Action::Models(action) => self.act_on_models(action),
            Action::Files(action) => self.act_on_files(action),
            Action::Preferences(action) => self.act_on_preferences(action),
            Action::Undo(action) => self.act_on_undo(action),
            Action::View(action) => self.act_on_view(action),
            Action::Writing(action) => self.act_on_writing(action),
            Action::Answer(answer) => self.take_in_answer(answer),
        };
        self.look_at_ruler();
        effects.extend(self.look_at_doubt());
        effects
    }

    /// Puts the draft's pictures at the end of the queue.
    pub(super) fn draw(&mut self) -> Vec<Effect> {
        if self.draft.seed_choice == SeedChoice::Random {
            self.draft.seed = new_seed();
        }
        let seed = self.draft.seed;
        let request = match self.draft.request(seed) {
            Ok(request) => request,
            Err(missing) => {
                self.notify(Tone::Info, "Not yet", missing, "");
                return Vec::new();
            }
        };
        if self.declines(&request.mode, &request.prompt, &request.wording) || self.has_no_room_for(&request) {
            return Vec::new();
        }
        self.page = Page::Canvas;
        self.leave_in_trash();
        let mut effects = self.set_interrupted_aside();
        self.draft.last_seed = Some(seed);
        if self.draft.seed_choice == SeedChoice::Once {
            self.draft.seed_choice = SeedChoice::Random;
        }
        let step = request.candidates as u64;
        let mut put_in = Vec::new();
        for index in 0..u64::from(self.draft.batch.max(1)) {
            let mut request = request.clone();
            request.seed = seed.wrapping_add(index * step);
            put_in.push(self.queue.push(request));
        }
        self.note_put_in(put_in);
        if self.shown == Shown::Source && self.run.is_some() {
            self.shown = Shown::Run;
            effects.extend(self.stage());
        }
        effects.extend(self.pump());
        effects
    }

    /// Says so where the pictures of the orders that wait would take too much memory.
    fn has_no_room_for(&mut self, request: &Request) -> bool {
        let is_full = request.source.is_some()
            && !self.queue.is_empty()
            && self.queue.source_bytes_with(request) > MOST_SOURCE_BYTES;
        if is_full {
            let reason = "The pictures that the waiting orders start from fill 1 GB of memory.";
            let remedy = "Wait until some are drawn, or use smaller pictures.";
            self.notify(Tone::Info, "Not yet", reason, remedy);
        }
        is_full
    }

    /// Says so where the starter can draw nothing of the words, before anything is begun.
    pub(super) fn declines(&mut self, mode: &Mode, prompt: &str, wording: &Wording) -> bool {
        let is_understood = *wording == Wording::Understood
            && self.profile().is_some_and(|profile| profile.knows_starter_world);
        if !is_understood {
            return false;
        }
        let understood = match mode {
            Mode::Generate | Mode::Pair { .. } | Mode::Sketch { .. } => understand(prompt),
            Mode::Subject { describe } => understand_subject(describe.as_deref(), prompt),
            Mode::Control { .. } | Mode::ControlFromPhoto { .. } | Mode::Edit | Mode::Predict { .. } => {
                return false;
            }
        };
        let near = match understood.verdict {
            Verdict::Outside { near } => near,
            Verdict::Unnamed => {
                self.notify(Tone::Info, "Not yet", &unnamed_subject(prompt), "");
                return true;
            }
            Verdict::Known | Verdict::Near | Verdict::Empty => return false,
        };
        let reason = format!("Try {}: they stand under the prompt.", offered(&near));
        let remedy = "Or tick \u{201c}Draw my words as they are\u{201d} there.";
        self.notify(Tone::Info, "The starter cannot draw this", &reason, remedy);
        true
    }

    fn example(&mut self, prompt: &str, seed: u64) -> Vec<Effect> {
        let former = self.draft.at_rest();
        self.draft.tab = Tab::Create;
        self.draft.prompt = prompt.to_owned();
        (self.draft.seed, self.draft.seed_choice) = (seed, SeedChoice::Once);
        // An example shows what it says: every setting is the model's own.
        self.draft.set_size(None);
        self.draft.sampling = self.draft.sampling.left_to_the_model();
        (self.draft.batch, self.draft.candidates, self.draft.starts) = (1, 1, 1);
        self.changed_from(former);
        self.draw()
    }

    /// A picture nobody works on is kept before the next one begins.
    pub(super) fn set_interrupted_aside(&mut self) -> Vec<Effect> {
        if let Some(run) = self.run.take_if(|run| run.phase == Phase::Choosing) {
            return self.keep_starts(run);
        }
        match self.run.take_if(|run| run.phase == Phase::Interrupted) {
            Some(run) => match run.part() {
                Some(picture) => self.keep_part(&run, picture),
                None => {
                    self.queue.put_back(run.order);
                    Vec::new()
                }
            },
            None => Vec::new(),
        }
    }

    fn act_on_run(&mut self, action: RunAction) -> Vec<Effect> {
        let phase = self.run.as_ref().map(|run| run.phase);
        match (action, phase) {
            (RunAction::Draw, _) => match self.write_first() {
                Some(effects) => effects,
                None => self.draw(),
            },
            (RunAction::Sketch, _) => self.sketch(),
            (RunAction::Example { prompt, seed }, _) => self.example(&prompt, seed),
            (RunAction::Show, Some(_)) => {
                (self.shown, self.compared, self.before_after) = (Shown::Run, None, false);
                self.stage()
            }
            (RunAction::Choose(candidate), _) => {
                self.choose(candidate);
                Vec::new()
            }
            (RunAction::Resume, Some(Phase::Choosing)) => self.draw_chosen(),
            (RunAction::Pause, Some(Phase::Choosing | Phase::Interrupted)) => Vec::new(),
            (RunAction::Resume, Some(Phase::Interrupted)) => self.resume_interrupted(),
            (RunAction::Keep, Some(Phase::Interrupted | Phase::Choosing)) => {
                let mut effects = self.set_interrupted_aside();
                self.leave_run(&mut effects);
                effects.extend(self.pump());
                effects
            }
            (RunAction::Discard, Some(Phase::Interrupted | Phase::Choosing)) => {
                let run = self.run.take();
                run.iter().for_each(|run| self.note_discarded(run));
                let discarded = run.map(|run| Effect::JournalEnd(run.order.id));
                let mut effects: Vec<Effect> = discarded.into_iter().collect();
                self.leave_run(&mut effects);
                effects.extend(self.pump());
                effects
            }
            (RunAction::Pause, Some(_)) => vec![Effect::Pause],
            (RunAction::Resume, Some(_)) => vec![Effect::Resume],
            (RunAction::Keep, Some(_)) => self.stop(Wish::Keep),
            (RunAction::Discard, Some(_)) => self.stop(Wish::Discard),
            (
                RunAction::Show | RunAction::Pause | RunAction::Resume | RunAction::Keep | RunAction::Discard,
                None,
            ) => Vec::new(),
        }
    }

    fn stop(&mut self, wish: Wish) -> Vec<Effect> {
        if let Some(run) = &mut self.run {
            run.wish = Some(wish);
        }
        vec![Effect::Cancel]
    }

    pub(super) fn resume_interrupted(&mut self) -> Vec<Effect> {
        match (&self.model, &mut self.run) {
            (Model::Ready { .. }, _) => {}
            (Model::Loading, Some(run)) => {
                run.wish = Some(Wish::Resume);
                return Vec::new();
            }
            _ => {
                let why = "There is no model to draw it with.";
                self.notify(Tone::Info, "Not yet", why, "Choose one on the models page.");
                return Vec::new();
            }
        }
        let Some(run) = self.run.take() else {
            return Vec::new();
        };
        let mut order = run.order.clone();
        order.request = run.to_resume();
        let effects = self.start(order);
        // What was drawn stays in sight until the engine has come that far again.
        if let Some(new) = &mut self.run {
            (new.begun, new.lanes) = (run.begun, run.lanes);
        }
        effects
            .into_iter()
            .filter(|effect| !matches!(effect, Effect::Stage(_)))
            .collect()
    }

    pub(super) fn load_model(&mut self, path: Option<PathBuf>) -> Vec<Effect> {
        self.interrupt();
        if let Some(path) = &path {
            self.recent_models.retain(|known| known != path);
            self.recent_models.insert(0, path.clone());
            self.recent_models.truncate(8);
        }
        self.model_path.clone_from(&path);
        self.model = Model::Loading;
        self.forget_question();
        self.draft.sizes.clear();
        vec![Effect::Cancel, Effect::Load(path)]
    }

    pub(super) fn show_source(&mut self) -> Vec<Effect> {
        (self.shown, self.compared, self.before_after) = (Shown::Source, None, false);
        self.stage()
    }

    /// A half-drawn picture of an earlier start comes back to the canvas.
    pub fn bring_back(&mut self, mut run: Run) {
        run.phase = Phase::Interrupted;
        run.task = None;
        self.run = Some(run);
        self.shown = Shown::Run;
    }
}
